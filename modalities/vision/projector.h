/* projector.h - features of patches to the width of a language model: patches of a square side by
 * side in one row ("pixel shuffle"), then a linear without bias, or two with a gelu between them.
 *
 * Names: nanoVLM's, Idefics3's, LLaVA's, GGUF's. Tests: tests/models/test_vit_tiny.c,
 * tests/unit/test_projector.c, against tools/reference/dump_vision_random.py */
#ifndef ATT_PROJECTOR_H
#define ATT_PROJECTOR_H

#include "linear.h"
#include "weights.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_projector_config {
    int32_t width_in; /* C of a patch */
    int32_t side;     /* patches along the edge of a tile */
    int32_t shuffle;  /* patches along the edge of a token; 1: a token is a patch */
    att_act act;      /* between two linears */
} att_projector_config;

/* Read only, shared by threads. */
typedef struct att_projector att_projector;

att_status att_projector_create(att_projector **projector, att_queue *queue, att_weights *weights,
                                const att_projector_config *config, att_precision precision,
                                att_err *err);
void att_projector_destroy(att_projector *projector);        /* NULL is fine */
int32_t att_projector_width(const att_projector *projector); /* of a token */
size_t att_projector_bytes(const att_projector *projector);

/* The rows that lie side by side in token 0, then those of token 1 and so on: order[n]. In a token
 * they go row by row of its square, tokens go row by row of the tile. kept: n patches as tile *
 * side * side + patch, ascending, of which row i is one; NULL: all of whole tiles. ATT_E_ARG where
 * only a part of a square was kept, or side is no multiple of shuffle. */
att_status att_shuffle_order(int32_t side, int32_t shuffle, const int32_t *kept, int32_t n,
                             int32_t *order, att_err *err);

/* What projecting up to max_rows patches at a time works in; reserved once. */
typedef struct att_projector_scratch {
    att_mat grouped; /* [max_rows / shuffle^2, shuffle^2 C] */
    att_mat inner;   /* [max_rows / shuffle^2, width] of two linears */
    att_view list;   /* i32[max_rows] */
    int32_t *host_list;
    int32_t max_rows;
} att_projector_scratch;

att_status att_projector_scratch_init(att_projector_scratch *scratch, att_arena *arena,
                                      const att_projector *projector, int32_t max_rows,
                                      att_err *err);
void att_projector_scratch_finish(att_projector_scratch *scratch); /* a zeroed one is fine */

/* out[n / shuffle^2, width], f32, of features[n, C], f32 or what att_linear_operand() says of f16.
 * kept: as att_shuffle_order() has it. Allocates nothing. */
att_status att_projector_apply(att_queue *queue, const att_projector *projector,
                               const att_projector_scratch *scratch, att_mat features,
                               const int32_t *kept, att_mat out, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_PROJECTOR_H */
