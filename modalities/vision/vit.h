/* vit.h - vision transformers over tiles of patches: SigLIP, CLIP and their small relatives.
 *
 * A patch is a row of 3 * side * side numbers (image_values.h) and goes through a linear; a learned
 * position is added; then blocks in which all tokens of a tile see each other. A class token, where
 * there is one, is token 0 of its tile and has position 0: patch p is token p + 1.
 * Letters: C width, T tokens of a tile, P patches of a tile, K numbers of a patch.
 * Tests: tests/models/test_vit_tiny.c, against tools/reference/dump_vision_random.py */
#ifndef ATT_VIT_H
#define ATT_VIT_H

#include "block.h"
#include "weights.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_vit_config {
    int32_t width, heads, ffn_width; /* C, H, F */
    int32_t layers;                  /* blocks that are run; a file may have more of them */
    int32_t patch;                   /* edge of a patch, pixels */
    int32_t side;                    /* patches along the edge of a tile */
    int32_t class_token;             /* 1: there is one; it is dropped at the end */
    int32_t first_norm;              /* 1: of the embeddings, before the blocks (CLIP) */
    int32_t last_norm;               /* 1: after the last block that is run */
    att_ffn_kind ffn;
    float eps;
} att_vit_config;

/* What shapes say: width, ffn_width, layers, patch, side, class_token and which norms there are.
 * The rest is set to what is usual: heads of 64, tanh-gelu, 1e-6. Names: nanoVLM's, Hugging Face's,
 * those of GGUF files of architecture "clip". ATT_E_MODEL with all complaints. */
att_status att_vit_read_config(att_vit_config *config, att_weights *weights, att_err *err);

int32_t att_vit_patches(const att_vit_config *config); /* P */
int32_t att_vit_tokens(const att_vit_config *config);  /* T: P, and 1 for a class token */
int32_t att_vit_values(const att_vit_config *config);  /* K */

/* Weights and programs; read only, shared by threads. */
typedef struct att_vit att_vit;

/* Binds, packs and uploads, and has the kernels compiled or read. config: what was read, with
 * heads, ffn, eps, and what of layers and norms is to be run. The queue is used in here only. */
att_status att_vit_create(att_vit **vit, att_queue *queue, att_weights *weights,
                          const att_vit_config *config, att_precision precision, att_err *err);
void att_vit_destroy(att_vit *vit); /* NULL is fine */
const att_vit_config *att_vit_get_config(const att_vit *vit);
att_precision att_vit_precision(const att_vit *vit);
size_t att_vit_bytes(const att_vit *vit); /* device memory of the weights */

/* Position ids, i32[P], of a tile of which only the first rows x cols patches are a picture
 * (Idefics3): fractions of the picture put into the buckets of the whole grid. Patches outside have
 * 0 and are to be dropped by att_vit_keep() before the first block. */
void att_vit_bucket_positions(int32_t side, int32_t rows, int32_t cols, int32_t *positions);

/* One timeline: the hidden rows of up to max_tiles tiles at a time. Device memory and lists are
 * reserved here; the calls below allocate nothing of ours. The queue is borrowed. */
typedef struct att_vit_session att_vit_session;

att_status att_vit_session_create(att_vit_session **session, const att_vit *vit, att_queue *queue,
                                  int32_t max_tiles, att_err *err);
void att_vit_session_destroy(att_vit_session *session); /* NULL is fine */
int32_t att_vit_session_max_tiles(const att_vit_session *session);

/* All at once: patches[n_tiles][P][K] in host memory to out[n_tiles * P, C], f32 or f16. */
att_status att_vit_encode(att_vit_session *session, const float *patches, int32_t n_tiles,
                          att_mat out, att_err *err);

/* Or layer by layer, so that a caller can look in and drop tokens between layers: begin, then each
 * layer in order, then finish. positions: i32[n_tiles][P], or NULL for 0, 1, 2, ... */
att_status att_vit_begin(att_vit_session *session, const float *patches, int32_t n_tiles,
                         const int32_t *positions, att_err *err);
/* policies: one for each tile, or NULL (att_block_part); look: into q, k and v of all rows, tile
 * after tile, or NULL. */
att_status att_vit_layer(att_vit_session *session, int32_t layer, const att_attn_call *policies,
                         const att_block_look *look, att_err *err);
/* Keeps the n hidden rows of this list, which ascends; all others are gone. A tile that keeps
 * anything keeps its class token. */
att_status att_vit_keep(att_vit_session *session, const int32_t *rows, int32_t n, att_err *err);
/* The rows without class tokens, through the last norm, to out[those, C], f32 or f16. */
att_status att_vit_finish(att_vit_session *session, att_mat out, att_err *err);

/* The hidden rows as they are: f32[rows, C], on the device, until the next call. */
att_mat att_vit_hidden(const att_vit_session *session);
/* Where each of them comes from: tile * T + token, ascending; *n: how many there are. */
const int32_t *att_vit_kept(const att_vit_session *session, int32_t *n);
/* Hidden rows of one tile. */
int32_t att_vit_tile_rows(const att_vit_session *session, int32_t tile);

#ifdef __cplusplus
}
#endif
#endif /* ATT_VIT_H */
