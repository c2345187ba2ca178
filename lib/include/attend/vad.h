/* vad.h - voice detection: how likely each 32 ms of a recording are speech, and what makes speech
 * of such probabilities.
 *
 * Samples are mono at ATT_VAD_RATE_HZ, between -1 and 1. Probabilities come one a window of
 * ATT_VAD_WINDOW samples, each heard after all that came before it. Handing over a minute at a time
 * is a hundred times cheaper than a window at a time; the numbers are the same. */
#ifndef ATT_VAD_H
#define ATT_VAD_H

#include <stddef.h>
#include <stdint.h>

#include "attend/device.h"
#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

enum { ATT_VAD_RATE_HZ = 16000, ATT_VAD_WINDOW = 512 };

/* Weights and compiled programs; read only, shared by sessions and threads. */
typedef struct att_vad att_vad;

/* path: a safetensors file, or a folder with model.safetensors. The device must outlive the model.
 */
att_status att_vad_open(att_vad **vad, att_device *device, const char *path, att_err *err);
void att_vad_close(att_vad *vad); /* NULL is fine */

/* One recording at a time; one thread at a time. All memory is reserved here, whatever the length
 * of the recording. The model outlives it. */
typedef struct att_vad_session att_vad_session;

att_status att_vad_session_create(att_vad_session **session, const att_vad *vad, att_err *err);
void att_vad_session_destroy(att_vad_session *session); /* NULL is fine */

/* Takes the next n samples. probs: room for n / ATT_VAD_WINDOW + 1 numbers; *n_probs: how many
 * windows were completed. The rest is kept for the next call. */
att_status att_vad_push(att_vad_session *session, const float *samples, size_t n, float *probs,
                        size_t *n_probs, att_err *err);

/* The end of the recording: the last window, filled up with silence (or all silence, when nothing
 * was left). The session is ready for another recording, also after a failure. */
att_status att_vad_finish(att_vad_session *session, float *prob, att_err *err);

/* Forgets what was heard: what comes next is the start of a recording. */
att_status att_vad_reset(att_vad_session *session, att_err *err);

/* What is speech, with the names and meanings of get_speech_timestamps(). Part of other structs: it
 * does not grow. The defaults, in brackets, are in att_asr_defaults().vad. */
typedef struct att_vad_options {
    double threshold;                /* speech begins at this probability [0.5] */
    double neg_threshold;            /* and ends below this; NaN: 0.15 less, 0.01 at least */
    int32_t min_speech_duration_ms;  /* shorter speech does not count [0] */
    double max_speech_duration_s;    /* longer speech is split, in a silence if it has one; infinite
                                        or NaN: never [infinite] */
    int32_t min_silence_duration_ms; /* shorter silence does not end speech [2000] */
    int32_t speech_pad_ms;           /* added to speech at either end [400] */
} att_vad_options;

att_vad_options att_vad_defaults(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif /* ATT_VAD_H */
