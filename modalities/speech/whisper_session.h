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
    att_mat audio;             /* [audio_ctx][C] */
    att_mat text;              /* [text_ctx][C] */
    att_mat last;              /* [n_branches][C]: normed rows on their way to the logits */
    att_mat logits;            /* [n_branches][V] */
    att_view ids;              /* i32[text_ctx] */
    att_cache *self_kv;        /* text_layers */
    att_cache *memory_kv;      /* text_layers */
    int32_t encoded;

    /* The text is a trunk of n_trunk tokens, then branches beside each other: a token has one slot
     * of the self caches, in the order of decoding, and sees the slots that are set in its line. */
    int32_t n_branches, n_slots; /* room */
    int32_t n_trunk;             /* tokens before the first branching, in slots 0 .. n_trunk - 1 */
    int32_t n_text;              /* tokens from the start to the newest, along one branch */
    int32_t n_last;              /* tokens of the last call */
    int32_t line_bytes;          /* of n_slots bits */
    uint8_t *lines, *next_lines; /* [n_branches][line_bytes]: of the last call's tokens */
    uint8_t *packed_lines;       /* the same without the slots that are not used yet */
    att_view bits;               /* packed_lines on the device */
};

/* x: the tokens at the start of the text, embedded. */
att_status atti_whisper_embed(att_whisper_session *session, const int32_t *ids, int32_t n,
                              att_mat *x, att_err *err);

#endif /* ATT_WHISPER_SESSION_H */
