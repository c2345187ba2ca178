/* asr_step.h - a step of several windows' decodings in one call of the network.
 *
 * Tests: tests/models/test_asr_step.c */
#ifndef ATT_ASR_STEP_H
#define ATT_ASR_STEP_H

#include "asr_window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A session of the network whose lanes are decoded together, and room for what is found in their
 * logits. */
typedef struct att_asr_stepper {
    att_whisper_session *session;
    att_arena *arena;
    att_logits_top top;
    float *row;             /* f32[V] */
    att_asr_wanted *wanted; /* one a lane */
    att_whisper_turn *turns;
    int32_t *tokens;
} att_asr_stepper;

/* Room for n_lanes windows, each with the lines that these options follow. */
att_status att_asr_stepper_init(att_asr_stepper *stepper, const att_whisper *whisper,
                                const att_asr_options *options, int32_t n_lanes, att_err *err);
void att_asr_stepper_finish(att_asr_stepper *stepper); /* a zeroed one is fine */

/* One step of n decodings, none of them done, at most n_lanes. A decoding whose prompt finds no
 * room in the call waits for the next one; the first never waits. failures[i]: its status is that
 * of decoding i, when its own step fails. What is returned is a failure of all. */
att_status att_asr_step(att_asr_stepper *stepper, att_asr_decoding *const *decodings, int32_t n,
                        att_err *failures, att_err *err);

/* Steps until it is done. */
att_status att_asr_decode(att_asr_stepper *stepper, att_asr_decoding *decoding, att_err *err);

/* The likeliest language of the window that a lane holds: its token id, and its probability among
 * languages. */
att_status att_asr_detect_language(att_asr_stepper *stepper, att_whisper_lane *lane,
                                   const att_whisper_tokens *tokens, int32_t *language,
                                   double *probability, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_STEP_H */
