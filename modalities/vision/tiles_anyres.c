/* tiles_anyres.c - LLaVA-NeXT's way (tiles.h), after transformers' image_processing_utils.py and
 * modeling_llava_next.py: sizes are doubles cut to integers there and here.
 * Tests: tests/unit/test_tiles.c */
#include "tiles.h"

#include <math.h>
#include <string.h>

static double min_double(double a, double b)
{
    return a < b ? a : b;
}

static int64_t min_int64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Most of the picture's pixels, then the least empty canvas, then the first. */
static att_size best_canvas(att_size size, const att_size *canvases, size_t n)
{
    const int64_t own = (int64_t)size.width * size.height;
    int64_t most = -1, least_wasted = 0;
    att_size best = canvases[0];
    for (size_t i = 0; i < n; i++) {
        const att_size c = canvases[i];
        const double scale =
            min_double((double)c.width / size.width, (double)c.height / size.height);
        const int64_t kept =
            min_int64((int64_t)(size.width * scale) * (int64_t)(size.height * scale), own);
        const int64_t wasted = (int64_t)c.width * c.height - kept;
        if (kept < most || (kept == most && wasted >= least_wasted)) continue;
        most = kept;
        least_wasted = wasted;
        best = c;
    }
    return best;
}

/* Into the canvas with its shape kept, rounded up. */
static att_size fit(att_size size, att_size canvas)
{
    const double w = (double)canvas.width / size.width, h = (double)canvas.height / size.height;
    att_size fitted = canvas;
    if (w < h)
        fitted.height = (int32_t)min_double(ceil(size.height * w), canvas.height);
    else
        fitted.width = (int32_t)min_double(ceil(size.width * h), canvas.width);
    return fitted;
}

att_status att_anyres_choose(att_anyres *anyres, att_size size, const att_size *canvases, size_t n,
                             int32_t tile, att_err *err)
{
    memset(anyres, 0, sizeof *anyres);
    if (size.width < 1 || size.height < 1 || n == 0 || tile < 1)
        return att_fail(err, ATT_E_ARG, "choose tiles: %d x %d pixels, tiles of %d, %zu canvases",
                        size.width, size.height, tile, n);
    for (size_t i = 0; i < n; i++)
        if (canvases[i].width < tile || canvases[i].height < tile || canvases[i].width % tile ||
            canvases[i].height % tile || canvases[i].width > ATT_IMAGE_MAX_SIDE ||
            canvases[i].height > ATT_IMAGE_MAX_SIDE)
            return att_fail(err, ATT_E_ARG,
                            "choose tiles: a canvas of %d x %d pixels, expected multiples of %d",
                            canvases[i].width, canvases[i].height, tile);
    anyres->tile = tile;
    anyres->size = size;
    anyres->canvas = best_canvas(size, canvases, n);
    anyres->content = fit(size, anyres->canvas);
    anyres->rows = anyres->canvas.height / tile;
    anyres->cols = anyres->canvas.width / tile;
    return ATT_OK;
}

int32_t att_anyres_count(const att_anyres *anyres)
{
    return 1 + anyres->rows * anyres->cols;
}

/* The picture in the middle of its canvas. */
static att_status paint(const att_image *image, const att_anyres *a, att_filter filter,
                        att_resize_rule rule, att_image *canvas, att_err *err)
{
    static const uint8_t BLACK[3] = {0, 0, 0};
    att_image content;
    memset(canvas, 0, sizeof *canvas);
    att_status status =
        att_image_resize(image, a->content.width, a->content.height, filter, rule, &content, err);
    if (!status)
        status = att_image_crop(&content, -((a->canvas.width - a->content.width) / 2),
                                -((a->canvas.height - a->content.height) / 2), a->canvas, BLACK,
                                canvas, err);
    att_image_free(&content);
    return status;
}

att_status att_anyres_cut(const att_image *image, const att_anyres *anyres, att_filter filter,
                          att_resize_rule rule, att_image *tiles, att_err *err)
{
    static const uint8_t BLACK[3] = {0, 0, 0};
    const int32_t edge = anyres->tile, cols = anyres->cols, count = att_anyres_count(anyres);
    att_image canvas;
    memset(tiles, 0, (size_t)count * sizeof *tiles);
    att_status status = paint(image, anyres, filter, rule, &canvas, err);
    if (!status) status = att_image_resize(image, edge, edge, filter, rule, &tiles[0], err);
    for (int32_t i = 1; !status && i < count; i++)
        status = att_image_crop(&canvas, (i - 1) % cols * edge, (i - 1) / cols * edge,
                                (att_size){edge, edge}, BLACK, &tiles[i], err);
    for (int32_t i = 0; status && i < count; i++) att_image_free(&tiles[i]);
    att_image_free(&canvas);
    return status;
}

/* The reference rounds to 7 places before it cuts: what is that near below an integer is it. */
static int32_t cut(double x)
{
    return (int32_t)(x + 0.5e-7);
}

att_unpad att_anyres_unpad(const att_anyres *anyres, int32_t side)
{
    const int32_t rows = anyres->rows * side, cols = anyres->cols * side;
    const double width = anyres->size.width, height = anyres->size.height;
    att_unpad kept = {0, rows, 0, cols};
    if (width / height > (double)cols / rows) {
        kept.first_row = (rows - cut(height * (cols / width))) / 2;
        kept.n_rows -= 2 * kept.first_row;
    } else {
        kept.first_col = (cols - cut(width * (rows / height))) / 2;
        kept.n_cols -= 2 * kept.first_col;
    }
    return kept;
}

int32_t att_anyres_tokens(const att_anyres *anyres, int32_t side)
{
    const att_unpad kept = att_anyres_unpad(anyres, side);
    return side * side + kept.n_rows * (kept.n_cols + 1);
}
