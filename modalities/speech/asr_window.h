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

/* What all windows of a run are decoded by; the pointers are borrowed. */
typedef struct att_asr_decoder {
    const att_whisper_tokens *tokens;
    const att_whisper_rules *rules;
    const att_asr_options *options;
    int32_t text_ctx; /* of the model; half of it is sampled at most */
} att_asr_decoder;

/* How many lines of text these options follow at most. */
int32_t att_asr_lines(const att_asr_options *options);

/* How many finished texts end a beam: round(beam_size * patience). */
int32_t att_asr_max_finished(const att_asr_options *options);

/* How many of the best tokens of a row these options look at: at most one more than lines. */
int32_t att_asr_best(const att_asr_options *options);

/* Tokens that a decoding wants run, and those of them whose logits it wants. */
typedef struct att_asr_wanted {
    att_whisper_turn turn;
    int32_t tokens[ATT_WHISPER_MAX_BRANCHES]; /* of the turn, ascending */
    int32_t n_tokens;
} att_asr_wanted;

/* The rows of logits that a decoding wanted. */
typedef struct att_asr_rows {
    att_queue *queue;
    att_mat logits;               /* on the device */
    uint32_t *forbidden;          /* [rows][words] of bits: what may not come (logits.h) */
    const att_logits_part *parts; /* [rows][2]: what was found, at the rules' split */
    float *row;                   /* f32[V] of host memory: scratch */
} att_asr_rows;

/* The decoding of one window in steps: begin; then, until it is done, have what it wants run, the
 * rules applied and the best tokens found (asr_step.h). Its memory serves one window after the
 * other. */
typedef struct att_asr_decoding {
    att_whisper_lane *lane; /* where the window is encoded and its text grows */
    att_asr_search *search;
    float *first_logits;        /* f32[V]: behind the prompt, of what may come */
    float *weights;             /* f32[V]: scratch */
    int32_t *prompt;            /* text_ctx numbers */
    att_logits_part *choosable; /* [lines], and the row behind the prompt */
    att_logits_choice *best;    /* of choosable */
    int32_t n_lines, max_best;
    const att_asr_decoder *decoder;
    int32_t n_prompt, sot; /* tokens of the prompt, and where the start of transcript stands */
    int32_t beam;          /* whether this search is one */
    int32_t n_steps;       /* of this search */
    int32_t attempt;       /* searches before this one */
    int32_t prompted;      /* the prompt was run */
    int32_t done;
    att_random random;
    int32_t ids[ATT_WHISPER_MAX_BRANCHES], from[ATT_WHISPER_MAX_BRANCHES];
    att_asr_window window; /* what was found, once done */
} att_asr_decoding;

/* A lane of the session, and room for the searches of these options. */
att_status att_asr_decoding_init(att_asr_decoding *decoding, const att_whisper *whisper,
                                 att_whisper_session *session, int32_t eot,
                                 const att_asr_options *options, att_err *err);
void att_asr_decoding_finish(att_asr_decoding *decoding); /* a zeroed one is fine */

/* Decodes the window that the lane holds. `stream` picks the random numbers of this window from
 * those of options.seed. */
void att_asr_decoding_begin(att_asr_decoding *decoding, const att_asr_decoder *decoder,
                            const att_asr_prompt_parts *parts, int64_t stream);

/* What is to be run before the next step of a decoding that is not done. */
void att_asr_decoding_wants(att_asr_decoding *decoding, att_asr_wanted *wanted);

/* Applies the rules to the rows wanted: some change logits, the others are told in rows->forbidden.
 * What is found then, rows->parts, is for the step. */
att_status att_asr_decoding_rule(att_asr_decoding *decoding, const att_asr_rows *rows,
                                 att_err *err);

/* One step. ATT_E_CANCELLED when the options' callback says so. */
att_status att_asr_decoding_step(att_asr_decoding *decoding, const att_asr_rows *rows,
                                 att_err *err);

/* No speech is likely and the words found are not. */
int att_asr_is_silence(const att_asr_options *options, const att_asr_window *window);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_WINDOW_H */
