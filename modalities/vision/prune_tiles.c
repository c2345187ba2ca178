/* prune_tiles.c - budgets of tiles (prune_tiles.h). */
#include "prune_tiles.h"

#include <math.h>

att_status att_prune_grid_choose(att_grid *grid, const att_prune_options *options, att_size size,
                                 int32_t longest_edge, int32_t tile, int32_t tokens_each,
                                 att_err *err)
{
    const att_status status = att_grid_choose(grid, size, longest_edge, tile, 1, err);
    if (status) return status;
    const int32_t target = att_prune_target(options, att_grid_count(grid) * tokens_each);
    for (int32_t edge = longest_edge; att_grid_count(grid) * tokens_each > target;) {
        edge = (edge - 1) / tile * tile;
        if (edge < tile) return att_grid_choose(grid, size, tile, tile, 0, err);
        const att_status smaller = att_grid_choose(grid, size, edge, tile, 1, err);
        if (smaller) return smaller;
    }
    return ATT_OK;
}

double att_tile_entropy(const att_image *tile)
{
    int64_t count[256] = {0};
    const int64_t n = (int64_t)tile->width * tile->height;
    double entropy = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *rgb = tile->rgb + i * 3;
        count[(299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]) / 1000]++;
    }
    for (int c = 0; c < 256; c++)
        if (count[c]) entropy -= (double)count[c] / (double)n * log((double)count[c] / (double)n);
    return entropy;
}

int32_t att_prune_tiles_keep(const att_prune_options *options, const double *entropy, int32_t n,
                             int32_t tokens_each, att_ranked *scratch, int32_t *kept)
{
    int32_t room = att_prune_target(options, n * tokens_each) / tokens_each;
    if (room < 1) room = 1;
    if (att_rank_top(entropy, n - 1, room - 1, scratch, kept) >= 0) return 0;
    kept[room - 1] = n - 1;
    return room;
}
