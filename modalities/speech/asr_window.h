/* asr_window.h - one 30 s window to its tokens: decoded, judged, and decoded again at a higher
 * temperature while the judgement is bad.
 *
 * Source: OpenAI's decoding.py and transcribe.py (decode_with_fallback).
 * Tests: tests/real/test_whisper_real.c, tests/real/test_asr_options.c */
#ifndef ATT_ASR_WINDOW_H
#define ATT_ASR_WINDOW_H

#include "asr_prompt.h"
#include "asr_search.h"
#include "attend/asr.h"
#include "whisper.h"
#include "whisper_cut.h"
#include "whisper_rules.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_asr_window {
    int32_t tokens[ATT_WHISPER_MAX_TOKENS]; /* sampled, without the end of text */
    float probs[ATT_WHISPER_MAX_TOKENS];    /* of each token, after the rules */
    int32_t n_tokens;
    double avg_logprob; /* sum of log-probabilities / (n_tokens + 1) */
    double
        no_speech_prob; /* at the start of transcript; NaN where the vocabulary has no such token */
    double temperature;
    double compression_ratio; /* of the text */
} att_asr_window;

/* What the decoder of one window works with; the pointers are borrowed. */
typedef struct att_asr_decoder {
    att_whisper_session *session;
    const att_whisper_tokens *tokens;
    const att_whisper_rules *rules;
    att_asr_search *search;
    float *first_logits; /* f32[V]: behind the prompt */
    float *logits;       /* f32[lines of the search][V] */
    int32_t *prompt;     /* text_ctx numbers */
    int32_t text_ctx;    /* of the model; half of it is sampled at most */
    const att_asr_options *options;
} att_asr_decoder;

/* How many lines of text these options follow at most. */
int32_t att_asr_lines(const att_asr_options *options);

/* How many finished texts end a beam: round(beam_size * patience). */
int32_t att_asr_max_finished(const att_asr_options *options);

/* Decodes the window that the session encoded last. `stream` picks the random numbers of this
 * window from those of options.seed. ATT_E_CANCELLED when the options' callback says so. */
att_status att_asr_decode_window(const att_asr_decoder *decoder, const att_asr_prompt_parts *parts,
                                 int64_t stream, att_asr_window *window, att_err *err);

/* No speech is likely and the words found are not. */
int att_asr_is_silence(const att_asr_options *options, const att_asr_window *window);

/* The likeliest language of the encoded window: its token id, and its probability among languages.
 */
att_status att_asr_detect_language(const att_asr_decoder *decoder, int32_t *language,
                                   double *probability, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_WINDOW_H */
