/* tiles_grid.c - Idefics3's way (tiles.h), after transformers' image_processing_idefics3.py: sizes
 * are doubles cut to integers there and here. Tests: tests/unit/test_tiles.c */
#include "tiles.h"

#include <string.h>

#include "ceil_div.h"

/* Of an edge of no more than ATT_IMAGE_MAX_SIDE; a picture a pixel wide has a ratio that fits. */
static int32_t times(double edge, double ratio)
{
    const double x = edge * ratio;
    return x < 1.0 ? 0 : x > ATT_IMAGE_MAX_SIDE ? ATT_IMAGE_MAX_SIDE : (int32_t)x;
}

static int32_t over(double edge, double ratio)
{
    const double x = edge / ratio;
    return x < 1.0 ? 0 : x > ATT_IMAGE_MAX_SIDE ? ATT_IMAGE_MAX_SIDE : (int32_t)x;
}

static int32_t at_least_one(int32_t edge)
{
    return edge < 1 ? 1 : edge;
}

/* The longest edge at `edge`, the other even, ... */
static att_size by_long_edge(att_size size, int32_t edge)
{
    const double ratio = (double)size.width / size.height;
    const int wide = size.width >= size.height;
    int32_t other = wide ? over(edge, ratio) : times(edge, ratio);
    other = at_least_one(other + other % 2);
    return wide ? (att_size){edge, other} : (att_size){other, edge};
}

/* ... then both within the limit. */
static att_size below_limit(att_size size)
{
    const double ratio = (double)size.width / size.height;
    if (size.width >= size.height && size.width > ATT_TILES_MAX_EDGE)
        size = (att_size){ATT_TILES_MAX_EDGE, over(ATT_TILES_MAX_EDGE, ratio)};
    else if (size.height > size.width && size.height > ATT_TILES_MAX_EDGE)
        size = (att_size){times(ATT_TILES_MAX_EDGE, ratio), ATT_TILES_MAX_EDGE};
    return (att_size){at_least_one(size.width), at_least_one(size.height)};
}

static int32_t whole_tiles(int32_t edge, int32_t tile)
{
    return att_ceil_div(edge, tile) * tile;
}

/* The longer edge up to whole tiles, the other after it in proportion and up to whole tiles. */
static att_size in_tiles(att_size size, int32_t tile)
{
    const double ratio = (double)size.width / size.height;
    if (size.width >= size.height) {
        size.width = whole_tiles(size.width, tile);
        size.height = whole_tiles(over(size.width, ratio), tile);
    } else {
        size.height = whole_tiles(size.height, tile);
        size.width = whole_tiles(times(size.height, ratio), tile);
    }
    return (att_size){size.width ? size.width : tile, size.height ? size.height : tile};
}

att_status att_grid_choose(att_grid *grid, att_size size, int32_t longest_edge, int32_t tile,
                           int split, att_err *err)
{
    memset(grid, 0, sizeof *grid);
    if (size.width < 1 || size.height < 1 || longest_edge < 1 || tile < 1 ||
        tile > ATT_TILES_MAX_EDGE || longest_edge > ATT_IMAGE_MAX_SIDE)
        return att_fail(
            err, ATT_E_ARG,
            "choose tiles: %d x %d pixels, longest edge %d, tiles of %d - expected tiles "
            "of 1 to %d",
            size.width, size.height, longest_edge, tile, (int)ATT_TILES_MAX_EDGE);
    grid->tile = tile;
    grid->first = below_limit(by_long_edge(size, longest_edge));
    grid->second = split ? in_tiles(grid->first, tile) : (att_size){tile, tile};
    if (grid->second.width > tile || grid->second.height > tile) {
        grid->rows = grid->second.height / tile;
        grid->cols = grid->second.width / tile;
    }
    return ATT_OK;
}

int32_t att_grid_count(const att_grid *grid)
{
    return grid->rows * grid->cols + 1;
}

att_status att_grid_cut(const att_image *image, const att_grid *grid, att_filter filter,
                        att_resize_rule rule, att_image *tiles, att_err *err)
{
    static const uint8_t BLACK[3] = {0, 0, 0};
    const att_size tile = {grid->tile, grid->tile};
    const int32_t count = att_grid_count(grid), split = count - 1;
    att_image first, second = {0};
    memset(tiles, 0, (size_t)count * sizeof *tiles);
    att_status status =
        att_image_resize(image, grid->first.width, grid->first.height, filter, rule, &first, err);
    if (!status)
        status = att_image_resize(&first, grid->second.width, grid->second.height, filter, rule,
                                  &second, err);
    for (int32_t i = 0; !status && i < split; i++)
        status = att_image_crop(&second, i % grid->cols * grid->tile, i / grid->cols * grid->tile,
                                tile, BLACK, &tiles[i], err);
    if (!status)
        status =
            att_image_resize(&second, grid->tile, grid->tile, filter, rule, &tiles[split], err);
    for (int32_t i = 0; status && i < count; i++) att_image_free(&tiles[i]);
    att_image_free(&first);
    att_image_free(&second);
    return status;
}
