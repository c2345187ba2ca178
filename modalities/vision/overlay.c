/* overlay.c - two panels over a picture (overlay.h). Tests: tests/unit/test_overlay.c */
#include "overlay.h"

#include <math.h>
#include <string.h>

#include "grid_sample.h"
#include "mem.h"
#include "resize.h"

/* One panel's size, and what its pixels mean. */
typedef struct panel {
    const att_overlay_args *args;
    int32_t width, height; /* pixels */
    double left, top;      /* of the tokens, in pixels of the panel */
    int32_t line;          /* its width, pixels */
    double cell_x, cell_y; /* of one token */
    uint8_t *stays;        /* [rows * cols] */
    double *heat;          /* [rows * cols], 0 to 1; NULL: none */
} panel;

static att_status check(const att_image *image, const att_overlay_args *a, att_err *err)
{
    int32_t before = -1, n = a->rows * a->cols;
    if (!image->rgb || a->rows < 1 || a->cols < 1 || a->rows > 4096 || a->cols > 4096 ||
        a->n_kept < 0 || a->n_kept > n || a->width < 0.0 || a->height < 0.0)
        return att_fail(err, ATT_E_ARG, "overlay: %d of %d x %d tokens over %d x %d pixels",
                        a->n_kept, a->rows, a->cols, image->width, image->height);
    for (int32_t i = 0; i < a->n_kept; i++) {
        if (a->kept[i] <= before || a->kept[i] >= n)
            return att_fail(err, ATT_E_ARG, "overlay: token %d of %d after token %d", a->kept[i], n,
                            before);
        before = a->kept[i];
    }
    for (int32_t i = 0; a->heat && i < n; i++)
        if (!isfinite(a->heat[i]))
            return att_fail(err, ATT_E_MODEL, "overlay: attention of token %d is not a number", i);
    return ATT_OK;
}

static void measure(const att_image *image, const att_overlay_args *a, panel *p)
{
    const int32_t longest = image->width > image->height ? image->width : image->height;
    double scale = 1.0;
    if (longest < ATT_OVERLAY_MIN_EDGE) scale = (double)ATT_OVERLAY_MIN_EDGE / longest;
    if (longest > ATT_OVERLAY_MAX_EDGE) scale = (double)ATT_OVERLAY_MAX_EDGE / longest;
    const int all = a->width == 0.0 || a->height == 0.0;
    p->args = a;
    p->width = (int32_t)fmax(1.0, floor(image->width * scale + 0.5));
    p->height = (int32_t)fmax(1.0, floor(image->height * scale + 0.5));
    p->line = 1 + (p->width > p->height ? p->width : p->height) / 1024;
    p->left = all ? 0.0 : a->left * scale;
    p->top = all ? 0.0 : a->top * scale;
    p->cell_x = (all ? p->width : a->width * scale) / a->cols;
    p->cell_y = (all ? p->height : a->height * scale) / a->rows;
}

static att_status reserve(panel *p, att_err *err)
{
    const size_t n = (size_t)p->args->rows * (size_t)p->args->cols;
    double most = 0.0;
    p->stays = att_calloc(n, 1);
    p->heat = p->args->heat ? att_calloc(n, sizeof *p->heat) : NULL;
    if (!p->stays || (p->args->heat && !p->heat))
        return att_fail(err, ATT_E_MEMORY, "overlay: no memory for %zu tokens", n);
    for (int32_t i = 0; i < p->args->n_kept; i++) p->stays[p->args->kept[i]] = 1;
    for (size_t i = 0; p->heat && i < n; i++) most = fmax(most, (double)p->args->heat[i]);
    for (size_t i = 0; p->heat && i < n; i++)
        p->heat[i] = most > 0.0 ? fmax(0.0, (double)p->args->heat[i]) / most : 0.0;
    return ATT_OK;
}

/* The token under a pixel, -1 beside them. */
static int32_t token_at(const panel *p, int32_t x, int32_t y)
{
    const double col = floor((x + 0.5 - p->left) / p->cell_x);
    const double row = floor((y + 0.5 - p->top) / p->cell_y);
    if (!(col >= 0.0 && col < p->args->cols && row >= 0.0 && row < p->args->rows)) return -1;
    return (int32_t)row * p->args->cols + (int32_t)col;
}

static int stays_at(const panel *p, int32_t x, int32_t y)
{
    const int32_t token = x < p->width && y < p->height ? token_at(p, x, y) : -1;
    return token < 0 ? -1 : p->stays[token];
}

/* Whether a line between kept and dropped tokens goes through a pixel. */
static int on_border(const panel *p, int32_t x, int32_t y)
{
    const int here = stays_at(p, x, y), right = stays_at(p, x + p->line, y);
    const int below = stays_at(p, x, y + p->line);
    return here >= 0 && ((right >= 0 && right != here) || (below >= 0 && below != here));
}

static double grey_of(const uint8_t *rgb)
{
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
}

static uint8_t byte_of(double x)
{
    return (uint8_t)(x < 0.0 ? 0.0 : x > 255.0 ? 255.0 : x + 0.5);
}

static void draw_kept(const panel *p, int32_t x, int32_t y, const uint8_t *rgb, uint8_t *to)
{
    static const uint8_t LINE[3] = {255, 214, 10};
    if (on_border(p, x, y)) {
        memcpy(to, LINE, 3);
    } else if (stays_at(p, x, y) == 1) {
        memcpy(to, rgb, 3);
    } else {
        memset(to, byte_of(0.4 * grey_of(rgb) + 12.0), 3); /* a black picture shows it too */
    }
}

static void draw_heat(const panel *p, int32_t x, int32_t y, const uint8_t *rgb, uint8_t *to)
{
    const double row = (y + 0.5 - p->top) / p->cell_y, col = (x + 0.5 - p->left) / p->cell_x;
    const double grey = 0.45 * grey_of(rgb);
    double heat = 0.0;
    if (token_at(p, x, y) >= 0)
        heat = atti_grid_sample(p->heat, p->args->rows, p->args->cols, row, col);
    for (int c = 0; c < 3; c++) { /* red, then green, then blue: black body */
        const double part = fmin(1.0, fmax(0.0, heat * 3.0 - c));
        to[c] = byte_of(grey + part * (255.0 - grey) * 0.85);
    }
}

static void draw(const panel *p, const att_image *base, att_image *out)
{
    memset(out->rgb, 255, (size_t)out->width * (size_t)out->height * 3);
    for (int32_t y = 0; y < p->height; y++)
        for (int32_t x = 0; x < p->width; x++) {
            const uint8_t *rgb = base->rgb + ((int64_t)y * base->width + x) * 3;
            uint8_t *to = out->rgb + ((int64_t)y * out->width + x) * 3;
            draw_kept(p, x, y, rgb, to);
            if (p->heat) draw_heat(p, x, y, rgb, to + (int64_t)(p->width + ATT_OVERLAY_GAP) * 3);
        }
}

att_status att_overlay_draw(const att_image *image, const att_overlay_args *args, att_image *out,
                            att_err *err)
{
    panel p = {0};
    att_image base = {0};
    memset(out, 0, sizeof *out);
    att_status status = check(image, args, err);
    if (status) return status;
    measure(image, args, &p);
    status = reserve(&p, err);
    if (!status)
        status = att_image_resize(image, p.width, p.height,
                                  p.width > image->width ? ATT_FILTER_NEAREST : ATT_FILTER_BICUBIC,
                                  ATT_RESIZE_PILLOW, &base, err);
    if (!status)
        status =
            att_image_create(out, p.heat ? 2 * p.width + ATT_OVERLAY_GAP : p.width, p.height, err);
    if (!status) draw(&p, &base, out);
    att_image_free(&base);
    att_free(p.stays);
    att_free(p.heat);
    return status;
}
