/* word_times.h - aligned words to the segments that they belong to, with times that make sense at
 * pauses and sentence ends.
 *
 * Source: OpenAI's timing.py (add_word_timestamps). Tests: tests/unit/test_word_times.c */
#ifndef ATT_WORD_TIMES_H
#define ATT_WORD_TIMES_H

#include "attend/asr.h"
#include "whisper_words.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A segment while its words are added: text tokens in, times in and out, words out. */
typedef struct att_word_segment {
    double start, end;   /* seconds of the recording */
    int32_t n_tokens;    /* text tokens */
    att_asr_word *words; /* owned: att_word_segments_free() */
    int32_t n_words;
} att_word_segment;

/* words: of all segments' text tokens, in order, with times from the window's start, which is at
 * offset_s; they are changed. *last_speech_s: where speech ended before, and now ends. */
att_status att_word_times_add(att_word_segment *segments, int32_t n, att_whisper_words *words,
                              const char *prepended, const char *appended, double offset_s,
                              double *last_speech_s, att_err *err);
void att_word_segments_free(att_word_segment *segments, int32_t n);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WORD_TIMES_H */
