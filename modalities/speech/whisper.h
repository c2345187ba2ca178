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

/* A head of the decoder's cross-attention. */
typedef struct att_whisper_head {
    int32_t layer, head;
} att_whisper_head;

/* Weights and compiled programs; read only once open, shared by sessions and threads. */
typedef struct att_whisper att_whisper;

/* Binds, packs and uploads. The weights file is not needed afterwards. */
att_status att_whisper_open(att_whisper **whisper, att_device *device, att_weights *weights,
                            att_err *err);
void att_whisper_close(att_whisper *whisper);
const att_whisper_config *att_whisper_get_config(const att_whisper *whisper);
size_t att_whisper_bytes(const att_whisper *whisper); /* device memory of the weights */

/* The heads whose cross-attention follows the words in time: *n pairs (never 0), each once, in
 * ascending order, within the config's layers and heads. They live as long as the model. */
const att_whisper_head *att_whisper_alignment_heads(const att_whisper *whisper, int32_t *n);
/* Takes them from a model folder's generation_config.json or config.json, if one names some;
 * otherwise, and on failure, those of the shape stay (whisper_heads.h). Before any session. */
att_status att_whisper_read_heads(att_whisper *whisper, const char *folder, att_err *err);

/* One window's state: queue, caches, scratch. All device memory is reserved here; encode and decode
 * allocate nothing. One thread at a time; the model outlives it. */
typedef struct att_whisper_session att_whisper_session;

enum { ATT_WHISPER_TRUNK = -1, ATT_WHISPER_MAX_BRANCHES = 64 };

/* n_branches: how many lines of text may be decoded beside each other (att_whisper_branch()); each
 * after the first adds text_ctx/2 tokens of cache. */
att_status att_whisper_session_create(att_whisper_session **session, const att_whisper *whisper,
                                      int32_t n_branches, att_err *err);
void att_whisper_session_destroy(att_whisper_session *session);
att_queue *att_whisper_session_queue(att_whisper_session *session);
size_t att_whisper_session_bytes(const att_whisper_session *session);

/* mel: host f32 [2*audio_ctx][n_mels], frames first. Runs the encoder and fills the cross-attention
 * caches; text decoded so far is forgotten. */
att_status att_whisper_encode(att_whisper_session *session, const float *mel, att_err *err);

/* Copies the encoder's output f32 [audio_ctx][C] to host memory: for tests and probes. */
att_status att_whisper_read_audio(att_whisper_session *session, float *audio, att_err *err);

/* Appends n tokens to the trunk; n + length must not pass text_ctx (ATT_E_SHAPE). Not after a
 * branching, until that was dropped (ATT_E_ARG). */
att_status att_whisper_decode(att_whisper_session *session, const int32_t *ids, int32_t n,
                              att_err *err);

/* Appends n tokens beside each other, each at the end of a line of its own: ids[i] follows token
 * from[i] of the last att_whisper_branch(), or the trunk's end where from[i] is ATT_WHISPER_TRUNK.
 * Lines share what they have in common; nothing is copied when they part. n is at most n_branches,
 * and text_ctx/2 such calls may follow the trunk (ATT_E_SHAPE). */
att_status att_whisper_branch(att_whisper_session *session, const int32_t *ids, const int32_t *from,
                              int32_t n, att_err *err);

/* Logits f32[n][V] at tokens first .. first + n - 1 of the last call; n is at most n_branches. */
att_status att_whisper_logits(att_whisper_session *session, int32_t first, int32_t n, float *logits,
                              att_err *err);

/* Drops the branches and the newest tokens of the trunk until n are left. */
void att_whisper_truncate(att_whisper_session *session, int32_t n);
int32_t att_whisper_length(const att_whisper_session *session); /* along one line */

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_H */
