/* whisper_session.h - what a session of whisper.h holds; private to whisper*.c. */
#ifndef ATT_WHISPER_SESSION_H
#define ATT_WHISPER_SESSION_H

#include "whisper.h"

struct att_whisper_session {
    const att_whisper *whisper;
    att_queue *queue;
    att_arena *arena;
    att_block_scratch scratch; /* the encoder's sizes are the largest */
    att_mat mel;               /* [2*audio_ctx + 2][n_mels], a row of padding at either end */
    att_mat stem;              /* [2*audio_ctx + 2][C], likewise */
    att_mat audio;             /* [audio_ctx][C]: of the window that was encoded last */
    att_mat text;              /* [max_rows][C] */
    att_mat last;              /* [max_logits][C]: normed rows on their way to the logits */
    att_mat logits;            /* [max_logits][V] */
    att_view ids;              /* i32[max_rows] */

    int32_t n_branches, n_lanes;  /* room */
    int32_t max_rows, max_logits; /* of a call */
    int32_t n_last;               /* tokens of the last call */
    int32_t *host_ids;            /* max_rows */
    int32_t n_slots;              /* tokens that a lane's self caches hold */
    int32_t line_bytes;           /* of n_slots bits */
    uint8_t *packed_lines;        /* lines of a call without the slots that are not used yet */
    att_view bits;                /* packed_lines on the device */
    att_attn_call *policies;      /* n_lanes: of the call that is made */
    att_block_part *parts;        /* n_lanes */
};

struct att_whisper_lane {
    att_whisper_session *session;
    att_arena *arena;
    att_cache *self_kv;   /* text_layers */
    att_cache *memory_kv; /* text_layers */
    int32_t encoded;

    /* The text is a trunk of n_trunk tokens, then branches beside each other: a token has one slot
     * of the self caches, in the order of decoding, and sees the slots that are set in its line. */
    int32_t n_trunk;             /* tokens before the first branching, in slots 0 .. n_trunk - 1 */
    int32_t n_text;              /* tokens from the start to the newest, along one branch */
    int32_t n_last;              /* tokens of the lane's last call */
    uint8_t *lines, *next_lines; /* [n_branches][line_bytes]: of the last call's tokens */
};

/* x: the tokens at the start of a lane's text, embedded. */
att_status atti_whisper_embed(att_whisper_lane *lane, const int32_t *ids, int32_t n, att_mat *x,
                              att_err *err);

#endif /* ATT_WHISPER_SESSION_H */
