/* vlm_vision.h - a picture to the rows that a language model takes in place of its image tokens.
 *
 * A model is read only and shared by threads; a session is one timeline. The language side is none
 * of this. Tests: tests/models/test_vlm_tiny.c, against tools/reference/dump_vision_random.py */
#ifndef ATT_VLM_VISION_H
#define ATT_VLM_VISION_H

#include "image.h"
#include "projector.h"
#include "vit.h"
#include "vlm_config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_vlm_vision att_vlm_vision;

/* weights: of a folder with config.json, which holds nanoVLM, Idefics3 or SmolVLM, LLaVA-1.5 or
 * LLaVA-NeXT; or a GGUF file of architecture "clip". folder: as att_vlm_config_read() takes it.
 * The queue is used in here only. */
att_status att_vlm_vision_open(att_vlm_vision **vision, att_queue *queue, att_weights *weights,
                               const char *folder, att_precision precision, att_err *err);
/* The same for a configuration that was read and perhaps changed (fit, rule, longest_edge, split).
 */
att_status att_vlm_vision_create(att_vlm_vision **vision, att_queue *queue, att_weights *weights,
                                 const att_vlm_config *config, att_precision precision,
                                 att_err *err);
void att_vlm_vision_destroy(att_vlm_vision *vision); /* NULL is fine */
const att_vlm_config *att_vlm_vision_config(const att_vlm_vision *vision);
int32_t att_vlm_vision_width(const att_vlm_vision *vision); /* of a token */
size_t att_vlm_vision_bytes(const att_vlm_vision *vision);  /* device memory of the weights */

/* Where the tokens of a picture come from, for the prompt and for those who drop some. Borrowed
 * from the session until its next picture. */
typedef struct att_vlm_layout {
    int32_t n_tiles, tokens_a_tile;
    int32_t rows, cols; /* of tiles into which the picture is cut; 0 and 0: it is one tile */
    int32_t whole;      /* the tile that is the whole picture: first, last, or the only one */
    int32_t n_tokens;
    const int32_t *origin; /* [n_tokens]: tile * tokens_a_tile + token, row by row; -1: a newline */
} att_vlm_layout;

/* Device memory and lists are reserved here, for the most tiles that the configuration allows; a
 * few tiles are encoded at a time. Later only pictures take memory of the host. The queue is
 * borrowed; what is on the device is for it. */
typedef struct att_vlm_vision_session att_vlm_vision_session;

att_status att_vlm_vision_session_create(att_vlm_vision_session **session,
                                         const att_vlm_vision *vision, att_queue *queue,
                                         att_err *err);
void att_vlm_vision_session_destroy(att_vlm_vision_session *session); /* NULL is fine */

/* The whole way: *tokens becomes f32[layout->n_tokens, width], on the device, until the session's
 * next picture. layout may be NULL. */
att_status att_vlm_vision_encode(att_vlm_vision_session *session, const att_image *image,
                                 att_mat *tokens, att_vlm_layout *layout, att_err *err);

/* Or in steps, for policies that look into the encoder: cut, then for each few tiles values,
 * att_vit_begin() to att_vit_finish() into features, project; at last arrange. */

/* Fits and cuts the picture; the tiles stay in the session until the next. */
att_status att_vlm_vision_cut(att_vlm_vision_session *session, const att_image *image,
                              att_vlm_layout *layout, att_err *err);
/* patches[n][P][K] of tiles first .. first + n - 1, n up to att_vit_session_max_tiles(), in host
 * memory until the next call. */
att_status att_vlm_vision_values(att_vlm_vision_session *session, int32_t first, int32_t n,
                                 const float **patches, att_err *err);
/* The position ids of every tile, for att_vit_begin(); or NULL where they are 0, 1, 2, ... */
const int32_t *att_vlm_vision_positions(const att_vlm_vision_session *session);
att_vit_session *att_vlm_vision_encoder(const att_vlm_vision_session *session);
/* A matrix of n rows for att_vit_finish(). */
att_mat att_vlm_vision_features(const att_vlm_vision_session *session, int32_t n);
/* features[n] to tokens from row `first` of the projected on: of tile t whole, t * tokens_a_tile.
 * kept: as att_shuffle_order() has it. */
att_status att_vlm_vision_project(att_vlm_vision_session *session, int32_t n, const int32_t *kept,
                                  int32_t first, att_err *err);
/* What was projected, and in a last row the newline, where the model has one: f32[rows, width]. */
att_mat att_vlm_vision_projected(const att_vlm_vision_session *session);
/* n tokens in the order of a layout's origins, of which some may be left out. */
att_status att_vlm_vision_arrange(att_vlm_vision_session *session, const int32_t *origin, int32_t n,
                                  att_mat *tokens, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_VLM_VISION_H */
