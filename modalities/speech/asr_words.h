/* asr_words.h - when the words of a window were said: its text is read once more and aligned.
 *
 * Source: OpenAI's timing.py and transcribe.py. Tests: tests/real/test_asr_options.c */
#ifndef ATT_ASR_WORDS_H
#define ATT_ASR_WORDS_H

#include "asr_window.h"
#include "word_times.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Scratch of a session, made when words are first asked for. */
typedef struct att_asr_aligner att_asr_aligner;

att_status att_asr_aligner_create(att_asr_aligner **aligner, const att_whisper *whisper,
                                  att_whisper_session *session, att_err *err);
void att_asr_aligner_destroy(att_asr_aligner *aligner); /* NULL is fine */

/* What is aligned: text tokens of the window that a lane holds, and how it was prompted. */
typedef struct att_asr_alignable {
    att_whisper_lane *lane;
    const att_whisper_tokens *tokens;
    int32_t language, task; /* token ids; negative for English-only models */
    const char *code;       /* of the language */
    const int32_t *ids;
    int32_t n; /* at most ATT_WHISPER_MAX_TOKENS */
    int32_t frames;
} att_asr_alignable;

/* The words with times from the window's start; att_whisper_words_free() them. */
att_status att_asr_align(att_asr_aligner *aligner, const att_asr_alignable *text,
                         att_whisper_words *words, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_WORDS_H */
