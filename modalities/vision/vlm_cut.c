/* vlm_cut.c - a picture to tiles, and where its tokens come from (vlm_vision.h).
 * Tests: tests/models/test_vlm_tiny.c */
#include <string.h>

#include "tiles.h"
#include "vlm_session.h"

/* Of a canvas of whole tiles: the whole picture's tokens, then lines of features with a newline. */
static int64_t anyres_tokens(int64_t patches, int64_t side, int64_t rows, int64_t cols)
{
    return patches + rows * side * (cols * side + 1);
}

att_status atti_vlm_limits(const att_vlm_config *c, int32_t *tiles, int32_t *tokens, att_err *err)
{
    const int32_t tile = att_vlm_tile(c);
    int64_t most = 1, most_tokens;
    if (c->fit == ATT_VLM_GRID && c->split) {
        const int32_t edge =
            c->longest_edge < ATT_TILES_MAX_EDGE ? c->longest_edge : ATT_TILES_MAX_EDGE;
        const int64_t n = (edge + tile - 1) / tile;
        most = n * n + 1;
    }
    most_tokens = most * att_vlm_tokens_a_tile(c);
    for (size_t i = 0; c->fit == ATT_VLM_ANYRES && i < c->n_canvases; i++) {
        const int64_t rows = c->canvases[i].height / tile, cols = c->canvases[i].width / tile;
        const int64_t n = anyres_tokens(att_vit_patches(&c->vit), c->vit.side, rows, cols);
        if (rows * cols + 1 > most) most = rows * cols + 1;
        if (n > most_tokens) most_tokens = n;
    }
    if (most > 1 << 16 || most_tokens > 1 << 22)
        return att_fail(err, ATT_E_MODEL,
                        "plan tiles: %lld of %d pixels with %lld tokens; at most %d and %d",
                        (long long)most, tile, (long long)most_tokens, 1 << 16, 1 << 22);
    *tiles = (int32_t)most;
    *tokens = (int32_t)most_tokens;
    return ATT_OK;
}

static void clear_tiles(att_vlm_vision_session *s)
{
    for (int32_t i = 0; i < s->max_tiles; i++) att_image_free(&s->tiles[i]);
    s->n_tiles = 0;
}

static int32_t min_int(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Tile after tile, token after token. */
static void plain_origins(att_vlm_vision_session *s, att_vlm_layout *layout)
{
    layout->n_tokens = min_int(layout->n_tiles * layout->tokens_a_tile, s->max_tokens);
    for (int32_t i = 0; i < layout->n_tokens; i++) s->origin[i] = i;
}

static att_status cut_one(att_vlm_vision_session *s, const att_image *image, att_vlm_layout *layout,
                          att_err *err)
{
    const att_vlm_config *c = &s->vision->config;
    const int32_t tile = att_vlm_tile(c);
    uint8_t colour[3];
    att_status status;
    for (int i = 0; i < 3; i++) colour[i] = (uint8_t)(255.0f * c->norm.mean[i]);
    if (c->fit == ATT_VLM_STRETCH)
        status = att_image_resize(image, tile, tile, c->filter, c->rule, s->tiles, err);
    else if (c->fit == ATT_VLM_CROP)
        status = att_image_fit_crop(image, tile, c->filter, c->rule, s->tiles, err);
    else
        status = att_image_fit_pad(image, tile, colour, c->filter, c->rule, s->tiles, err);
    layout->n_tiles = 1;
    plain_origins(s, layout);
    return status;
}

static att_status cut_grid(att_vlm_vision_session *s, const att_image *image,
                           att_vlm_layout *layout, att_err *err)
{
    const att_vlm_config *c = &s->vision->config;
    const att_size size = {image->width, image->height};
    att_grid grid;
    att_status status =
        att_grid_choose(&grid, size, c->longest_edge, att_vlm_tile(c), c->split, err);
    if (status) return status;
    layout->n_tiles = att_grid_count(&grid);
    layout->rows = grid.rows;
    layout->cols = grid.cols;
    layout->whole = layout->n_tiles - 1;
    if (layout->n_tiles > s->max_tiles)
        return att_fail(err, ATT_E_INPUT, "cut a picture of %d x %d: %d tiles, at most %d",
                        size.width, size.height, layout->n_tiles, s->max_tiles);
    plain_origins(s, layout);
    return att_grid_cut(image, &grid, c->filter, c->rule, s->tiles, err);
}

/* The whole picture, then the canvas line by line with its border left off, each with a newline. */
static void anyres_origins(att_vlm_vision_session *s, const att_anyres *anyres,
                           att_vlm_layout *layout)
{
    const int32_t side = s->vision->config.vit.side, patches = side * side;
    const att_unpad kept = att_anyres_unpad(anyres, side);
    int32_t n = 0;
    for (; n < patches; n++) s->origin[n] = n;
    for (int32_t y = kept.first_row; y < kept.first_row + kept.n_rows; y++) {
        for (int32_t x = kept.first_col; x < kept.first_col + kept.n_cols; x++) {
            const int32_t tile = 1 + y / side * anyres->cols + x / side;
            s->origin[n++] = tile * patches + y % side * side + x % side;
        }
        s->origin[n++] = -1;
    }
    layout->n_tokens = n;
}

static att_status cut_anyres(att_vlm_vision_session *s, const att_image *image,
                             att_vlm_layout *layout, att_err *err)
{
    const att_vlm_config *c = &s->vision->config;
    const att_size size = {image->width, image->height};
    att_anyres anyres;
    att_status status =
        att_anyres_choose(&anyres, size, c->canvases, c->n_canvases, att_vlm_tile(c), err);
    if (status) return status;
    layout->n_tiles = att_anyres_count(&anyres);
    layout->rows = anyres.rows;
    layout->cols = anyres.cols;
    anyres_origins(s, &anyres, layout);
    return att_anyres_cut(image, &anyres, c->filter, c->rule, s->tiles, err);
}

att_status att_vlm_vision_cut(att_vlm_vision_session *s, const att_image *image,
                              att_vlm_layout *layout, att_err *err)
{
    const att_vlm_config *c = &s->vision->config;
    att_status status;
    clear_tiles(s);
    memset(layout, 0, sizeof *layout);
    layout->tokens_a_tile = att_vlm_tokens_a_tile(c);
    layout->origin = s->origin;
    if (c->fit == ATT_VLM_GRID)
        status = cut_grid(s, image, layout, err);
    else if (c->fit == ATT_VLM_ANYRES)
        status = cut_anyres(s, image, layout, err);
    else
        status = cut_one(s, image, layout, err);
    if (!status) s->n_tiles = layout->n_tiles;
    return status;
}

att_status att_vlm_vision_values(att_vlm_vision_session *s, int32_t first, int32_t n,
                                 const float **patches, att_err *err)
{
    const att_vlm_config *c = &s->vision->config;
    const size_t tile_values = (size_t)att_vit_patches(&c->vit) * (size_t)att_vit_values(&c->vit);
    att_status status = ATT_OK;
    *patches = s->patches;
    if (first < 0 || n < 1 || n > att_vit_session_max_tiles(s->encoder) || first > s->n_tiles - n)
        return att_fail(err, ATT_E_ARG, "take tiles %d to %d: there are %d, and %d at a time",
                        first, first + n - 1, s->n_tiles, att_vit_session_max_tiles(s->encoder));
    for (int32_t i = 0; !status && i < n; i++)
        status = att_image_patches(&s->tiles[first + i], c->vit.patch, &c->norm,
                                   s->patches + (size_t)i * tile_values, err);
    return status;
}
