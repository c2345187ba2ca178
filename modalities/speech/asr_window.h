/* asr_window.h - one 30 s window: prompt, greedy choice under the rules, what the model thinks of
 * it.
 *
 * Source: OpenAI's decoding.py. Tests: tests/real/test_whisper_real.c */
#ifndef ATT_ASR_WINDOW_H
#define ATT_ASR_WINDOW_H

#include "attend/asr.h"
#include "whisper.h"
#include "whisper_cut.h"
#include "whisper_rules.h"
#include "whisper_tokens.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_asr_window {
    int32_t tokens[ATT_WHISPER_MAX_TOKENS]; /* sampled, without the end of text */
    int32_t n_tokens;
    double avg_logprob; /* sum of log-probabilities / (n_tokens + 1) */
    double
        no_speech_prob; /* at the start of transcript; NaN where the vocabulary has no such token */
} att_asr_window;

/* What the decoder of one window works with; the pointers are borrowed. */
typedef struct att_asr_decoder {
    att_whisper_session *session;
    const att_whisper_tokens *tokens;
    const att_whisper_rules *rules;
    float *logits;    /* V numbers */
    int32_t *prompt;  /* text_ctx numbers */
    int32_t text_ctx; /* of the model; half of it is sampled at most */
    int32_t language; /* token id; < 0 for English-only models */
    int32_t task;     /* token id; < 0 likewise */
    const att_asr_options *options;
} att_asr_decoder;

/* Decodes the window that the session encoded last, after the newest of n_previous earlier tokens.
 * ATT_E_CANCELLED when the options' callback says so: *window holds what was decoded until then. */
att_status att_asr_decode_window(const att_asr_decoder *decoder, const int32_t *previous,
                                 int32_t n_previous, att_asr_window *window, att_err *err);

/* The likeliest language of the encoded window: its token id, and its probability among languages.
 */
att_status att_asr_detect_language(const att_asr_decoder *decoder, int32_t *language,
                                   double *probability, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_WINDOW_H */
