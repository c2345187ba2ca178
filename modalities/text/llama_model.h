/* llama_model.h - what llama_load.c fills and llama*.c run; private to them. */
#ifndef ATT_LLAMA_MODEL_H
#define ATT_LLAMA_MODEL_H

#include "llama.h"
#include "llama_spec.h"

struct att_llama {
    att_precision precision;
    att_device *device;
    att_arena *arena;
    att_llama_config config;
    att_linear *tokens; /* [V][C] */
    att_linear *head;   /* [V][C]; tokens itself where they are one */
    att_block *blocks;  /* layers */
    att_norm norm;
};

/* Layers that hold keys of the same tokens: all of them, until rows are dropped behind one. */
typedef struct atti_llama_track {
    int32_t n;
    int32_t *places, *positions; /* max_tokens: in the text, and what its keys were turned to */
    att_view device; /* i32[max_tokens]: positions, where they have gaps and a window looks */
} atti_llama_track;

enum { ATTI_LLAMA_MAX_TRACKS = 9 };

struct att_llama_session {
    const att_llama *llama;
    att_queue *queue;
    att_arena *arena;
    att_block_scratch scratch;
    int32_t max_tokens, max_rows, max_logits;
    int32_t length; /* tokens */
    atti_llama_track tracks[ATTI_LLAMA_MAX_TRACKS];
    int32_t n_tracks;
    int32_t *track_of; /* of each layer: ascending */
    att_cache *caches; /* of each layer */
    att_view ids;      /* i32[max_rows] */
    att_mat x, spare;  /* f32[max_rows, C]: what flows; and where kept rows go */
    att_mat last;      /* f32[max_logits, C] */
    att_mat logits;    /* f32[max_logits, V] */
    int32_t n_logits;  /* of the last call */
    /* Of the rows of the pass that runs, max_rows: places in the text, how many before each were
     * closed up in this pass, and positions. */
    int32_t *places, *closed, *positions;
};

/* llama->device, precision, config and arena are set; what was made is llama's, also on failure. */
att_status atti_llama_load(att_llama *llama, att_weights *weights, att_err *err);

/* What config says as a block. */
att_block_desc atti_llama_block(const att_llama_config *config, att_precision precision);

#endif /* ATT_LLAMA_MODEL_H */
