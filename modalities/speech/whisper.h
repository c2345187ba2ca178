/* whisper.h - the Whisper network: weights on a device, and sessions that encode and decode.
 *
 * Model page: docs/models/whisper.md. Letters: C width, H heads, V vocabulary. All is f32 between
 * ops. Tests: tests/models/test_whisper_tiny.c, tests/real/test_whisper_real.c */
#ifndef ATT_WHISPER_H
#define ATT_WHISPER_H

#include "attend/device.h"
#include "block.h"
#include "weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Read from the checkpoint's own shapes and fields. */
typedef struct att_whisper_config {
    int32_t n_mels, audio_ctx, audio_width, audio_heads, audio_layers;
    int32_t vocab, text_ctx, text_width, text_heads, text_layers;
} att_whisper_config;

/* Weights and compiled programs; read only once open, shared by sessions and threads. */
typedef struct att_whisper att_whisper;

/* Binds, packs and uploads. The weights file is not needed afterwards. */
att_status att_whisper_open(att_whisper **whisper, att_device *device, att_weights *weights,
                            att_err *err);
void att_whisper_close(att_whisper *whisper);
const att_whisper_config *att_whisper_get_config(const att_whisper *whisper);
size_t att_whisper_bytes(const att_whisper *whisper); /* device memory of the weights */

/* One window's state: queue, caches, scratch. All device memory is reserved here; encode and decode
 * allocate nothing. One thread at a time; the model outlives it. */
typedef struct att_whisper_session att_whisper_session;

att_status att_whisper_session_create(att_whisper_session **session, const att_whisper *whisper,
                                      att_err *err);
void att_whisper_session_destroy(att_whisper_session *session);
att_queue *att_whisper_session_queue(att_whisper_session *session);
size_t att_whisper_session_bytes(const att_whisper_session *session);

/* mel: host f32 [2*audio_ctx][n_mels], frames first. Runs the encoder and fills the cross-attention
 * caches; text decoded so far is forgotten. */
att_status att_whisper_encode(att_whisper_session *session, const float *mel, att_err *err);

/* Copies the encoder's output f32 [audio_ctx][C] to host memory: for tests and probes. */
att_status att_whisper_read_audio(att_whisper_session *session, float *audio, att_err *err);

/* Appends n tokens to the text; n + length must not pass text_ctx (ATT_E_SHAPE). */
att_status att_whisper_decode(att_whisper_session *session, const int32_t *ids, int32_t n,
                              att_err *err);

/* Logits f32[V] at token `row` (0 is the first) of the last att_whisper_decode() call. */
att_status att_whisper_logits(att_whisper_session *session, int32_t row, float *logits,
                              att_err *err);

/* Drops the newest tokens until n are left. */
void att_whisper_truncate(att_whisper_session *session, int32_t n);
int32_t att_whisper_length(const att_whisper_session *session);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_H */
