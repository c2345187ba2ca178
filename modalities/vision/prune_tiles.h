/* prune_tiles.h - fewer tiles before the encoder, where the encoder is the bill: smaller grids, or
 * no flat tiles. Not validated by any paper: measure before recommending.
 * Tests: tests/unit/test_prune_tiles.c */
#ifndef ATT_PRUNE_TILES_H
#define ATT_PRUNE_TILES_H

#include "prune.h"
#include "prune_rank.h"
#include "tiles.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The grid of att_grid_choose() with the largest longest edge, a multiple of the tile up to
 * longest_edge, whose tiles of tokens_each are at most the target of the tokens of the full grid;
 * the whole picture in one tile where no other is. ATT_E_ARG as att_grid_choose(). */
att_status att_prune_grid_choose(att_grid *grid, const att_prune_options *options, att_size size,
                                 int32_t longest_edge, int32_t tile, int32_t tokens_each,
                                 att_err *err);

/* Entropy of a tile's histogram of grey in nats: 0 for one colour, ln 256 at most. */
double att_tile_entropy(const att_image *tile);

/* kept[], ascending: of n tiles the last (the whole picture) and as many of the others, those of
 * highest entropy[n], as the target of n * tokens_each tokens has room for. Returns how many; 0, if
 * an entropy is not a number. scratch[n]. */
int32_t att_prune_tiles_keep(const att_prune_options *options, const double *entropy, int32_t n,
                             int32_t tokens_each, att_ranked *scratch, int32_t *kept);

#ifdef __cplusplus
}
#endif
#endif /* ATT_PRUNE_TILES_H */
