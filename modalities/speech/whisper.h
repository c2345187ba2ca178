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
                            att_precision precision, att_err *err);
void att_whisper_close(att_whisper *whisper);
att_precision att_whisper_precision(const att_whisper *whisper); /* what products really have */
const att_whisper_config *att_whisper_get_config(const att_whisper *whisper);
size_t att_whisper_bytes(const att_whisper *whisper); /* device memory of the weights */

/* The heads whose cross-attention follows the words in time: *n pairs (never 0), each once, in
 * ascending order, within the config's layers and heads. They live as long as the model. */
const att_whisper_head *att_whisper_alignment_heads(const att_whisper *whisper, int32_t *n);
/* Takes them from a model folder's generation_config.json or config.json, if one names some;
 * otherwise, and on failure, those of the shape stay (whisper_heads.h). Before any session. */
att_status att_whisper_read_heads(att_whisper *whisper, const char *folder, att_err *err);

/* What windows are encoded and decoded in: a queue and scratch. One thread at a time; the model
 * outlives it. All device memory of a session and of a lane is reserved when it is made; encoding
 * and decoding allocate nothing. */
typedef struct att_whisper_session att_whisper_session;

/* One window of a session: the caches of its sound, and the text that grows over it. The session
 * outlives it. */
typedef struct att_whisper_lane att_whisper_lane;

enum {
    ATT_WHISPER_TRUNK = -1,
    ATT_WHISPER_MAX_BRANCHES = 64,
    ATT_WHISPER_MAX_LANES = 64,
    ATT_WHISPER_MAX_LOGITS = 64 /* rows of logits that are made at once */
};

/* n_branches: how many lines of text may be decoded beside each other in a lane
 * (att_whisper_branch()); each after the first adds text_ctx/2 tokens of cache to every lane.
 * n_lanes: how many lanes may be decoded in one call. */
att_status att_whisper_session_create(att_whisper_session **session, const att_whisper *whisper,
                                      int32_t n_branches, int32_t n_lanes, att_err *err);
void att_whisper_session_destroy(att_whisper_session *session);
att_queue *att_whisper_session_queue(const att_whisper_session *session);

att_status att_whisper_lane_create(att_whisper_lane **lane, att_whisper_session *session,
                                   att_err *err);
void att_whisper_lane_destroy(att_whisper_lane *lane);       /* NULL is fine */
size_t att_whisper_lane_bytes(const att_whisper_lane *lane); /* device memory */

/* mel: host f32 [2*audio_ctx][n_mels], frames first. Runs the encoder and fills the lane's
 * cross-attention caches; text decoded so far is forgotten. */
att_status att_whisper_encode(att_whisper_lane *lane, const float *mel, att_err *err);

/* Copies the output f32 [audio_ctx][C] of the session's last encoding to host memory: for tests
 * and probes. */
att_status att_whisper_read_audio(att_whisper_session *session, float *audio, att_err *err);

/* Tokens that a lane's text grows by. from NULL: they follow each other at the end of the trunk; n
 * + length must not pass text_ctx (ATT_E_SHAPE), and there must be no branches, until they were
 * dropped (ATT_E_ARG). Otherwise they come beside each other, each at the end of a line of its own:
 * ids[i] follows token from[i] of the lane's last branching, or the trunk's end where from[i] is
 * ATT_WHISPER_TRUNK. Lines share what they have in common; nothing is copied when they part. n is
 * at most n_branches, and text_ctx/2 branchings may follow the trunk (ATT_E_SHAPE). */
typedef struct att_whisper_turn {
    att_whisper_lane *lane;
    const int32_t *ids, *from;
    int32_t n;
} att_whisper_turn;

/* Decodes the turns of different lanes of the session in one call: its tokens are the turns' tokens
 * behind each other, att_whisper_room() at most. On a CPU each token's result is the same to the
 * bit in any company. After a failure the texts of all these lanes are empty. */
att_status att_whisper_decode(att_whisper_session *session, const att_whisper_turn *turns,
                              int32_t n_turns, att_err *err);
/* The tokens of a whole context, and a branching of every other lane, are never too many. */
int32_t att_whisper_room(const att_whisper_session *session);

/* Logits f32[n][V] at n tokens of the last call, as their numbers in it say, on the device: they
 * stay until the next call. n is at most ATT_WHISPER_MAX_LOGITS, and what all lanes' branches or
 * two tokens a lane are. */
att_status att_whisper_logits(att_whisper_session *session, const int32_t *tokens, int32_t n,
                              att_mat *logits, att_err *err);

/* Drops the branches and the newest tokens of the trunk until n are left. */
void att_whisper_truncate(att_whisper_lane *lane, int32_t n);
int32_t att_whisper_length(const att_whisper_lane *lane); /* along one line */

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_H */
