/* focus.c - contrast of probes, regions of its map, and the crop (focus.h). */
#include "focus.h"

#include <math.h>
#include <string.h>

#include "grid_sample.h"
#include "image_fit.h"
#include "mem.h"
#include "prune_rank.h"
#include "resize.h"

struct att_focus {
    att_focus_options options;
    int32_t n, layers, steps;
    float *rows[2];    /* by probe: [steps][layers][n] */
    uint8_t *known[2]; /* [steps][layers] */
};

att_focus_options att_focus_defaults(void)
{
    return (att_focus_options){.lambda = 0.01, .keep_part = 0.2};
}

static att_status check_options(const att_focus_options *o, att_err *err)
{
    if (o->keep_part > 0.0 && o->keep_part <= 1.0 && o->lambda > 0.0 && o->lambda <= 1.0 &&
        o->regions >= 0)
        return ATT_OK;
    return att_fail(err, ATT_E_ARG,
                    "focus: lambda %g, %g of the pixels, %d regions - expected above 0 to 1, above "
                    "0 to 1, and 0 or more",
                    o->lambda, o->keep_part, o->regions);
}

att_status att_focus_create(att_focus **focus, const att_focus_options *options, int32_t rows,
                            int32_t cols, int32_t n_layers, int32_t steps, att_err *err)
{
    *focus = NULL;
    const att_status status = check_options(options, err);
    if (status) return status;
    if (rows < 1 || cols < 1 || rows > 4096 || cols > 4096 || n_layers < 1 || n_layers > 256 ||
        steps < 1 || steps > ATT_FOCUS_MAX_STEPS)
        return att_fail(err, ATT_E_ARG,
                        "focus: %d x %d tokens, %d layers, %d steps - expected 1 to 4096 a side, "
                        "1 to 256, 1 to %d",
                        rows, cols, n_layers, steps, (int)ATT_FOCUS_MAX_STEPS);
    att_focus *f = att_calloc(1, sizeof *f);
    if (!f) return att_fail(err, ATT_E_MEMORY, "focus: no memory");
    const size_t told = (size_t)steps * (size_t)n_layers;
    *f = (att_focus){.options = *options, .n = rows * cols, .layers = n_layers, .steps = steps};
    for (int p = 0; p < 2; p++) {
        f->rows[p] = att_calloc(told * (size_t)f->n, sizeof *f->rows[p]);
        f->known[p] = att_calloc(told, 1);
    }
    if (!f->rows[0] || !f->rows[1] || !f->known[0] || !f->known[1]) {
        att_focus_destroy(f);
        return att_fail(err, ATT_E_MEMORY, "focus: no memory for %d steps of %d layers", steps,
                        n_layers);
    }
    *focus = f;
    return ATT_OK;
}

void att_focus_destroy(att_focus *f)
{
    if (!f) return;
    for (int p = 0; p < 2; p++) {
        att_free(f->rows[p]);
        att_free(f->known[p]);
    }
    att_free(f);
}

att_status att_focus_tell(att_focus *f, att_focus_probe probe, int32_t step, int32_t layer,
                          const float *row, att_err *err)
{
    if (step < 0 || layer < 0 || layer >= f->layers)
        return att_fail(err, ATT_E_ARG, "focus: told of step %d, layer %d of %d", step, layer,
                        f->layers);
    if (step >= f->steps) return ATT_OK;
    for (int32_t i = 0; i < f->n; i++)
        if (!isfinite(row[i]))
            return att_fail(err, ATT_E_MODEL,
                            "focus: attention of token %d in step %d, layer %d is not a number", i,
                            step, layer);
    const int64_t at = (int64_t)step * f->layers + layer;
    memcpy(f->rows[probe] + at * f->n, row, (size_t)f->n * sizeof *row);
    f->known[probe][at] = 1;
    return ATT_OK;
}

/* Whether both probes know all layers of a step. */
static int whole_step(const att_focus *f, int32_t step)
{
    for (int64_t at = (int64_t)step * f->layers; at < (int64_t)(step + 1) * f->layers; at++)
        if (!f->known[0][at] || !f->known[1][at]) return 0;
    return 1;
}

static void add_contrast(const att_focus *f, int64_t at, double weight, double *map)
{
    const float *question = f->rows[ATT_FOCUS_QUESTION] + at * f->n;
    const float *general = f->rows[ATT_FOCUS_GENERAL] + at * f->n;
    double lambda = 1e-8, mean = 0.0;
    for (int32_t i = 0; i < f->n; i++) mean += (double)general[i] / f->n;
    if (!f->options.as_code && mean > 0.0) lambda = f->options.lambda * mean;
    for (int32_t i = 0; i < f->n; i++)
        map[i] += weight * (double)question[i] / ((double)general[i] + lambda);
}

att_status att_focus_map(const att_focus *f, double *map, att_err *err)
{
    const int32_t end = f->options.first_step_only ? 1 : f->steps;
    memset(map, 0, (size_t)f->n * sizeof *map);
    for (int32_t step = 0; step < end; step++) {
        if (!whole_step(f, step)) {
            if (step) break;
            return att_fail(err, ATT_E_ARG, "focus: no step of both probes was told of whole");
        }
        for (int32_t layer = 0; layer < f->layers; layer++)
            add_contrast(f, (int64_t)step * f->layers + layer, step + 1.0, map);
    }
    return ATT_OK;
}

double atti_grid_sample(const double *map, int32_t rows, int32_t cols, double y, double x)
{
    const double top = fmin(fmax(y - 0.5, 0.0), rows - 1.0);
    const double left = fmin(fmax(x - 0.5, 0.0), cols - 1.0);
    const int32_t i = (int32_t)top, j = (int32_t)left;
    const double *a = map + (int64_t)i * cols, *b = a + (i + 1 < rows ? cols : 0);
    const int32_t k = j + 1 < cols ? j + 1 : j;
    const double v = top - i, u = left - j;
    return (1.0 - v) * ((1.0 - u) * a[j] + u * a[k]) + v * ((1.0 - u) * b[j] + u * b[k]);
}

/* Working memory over the mask's pixels. */
typedef struct work {
    int32_t width, height;
    double *score;
    att_ranked *ranked;     /* of pixels, then of regions: summed score, number */
    int32_t *list, *region; /* pixels waiting, or kept; region of a pixel from 1, 0 none, -1 new */
} work;

/* Grows a region from pixel `from`; returns its sum. */
static double grow(work *w, int32_t from, int32_t number)
{
    double sum = 0.0;
    int32_t waiting = 0;
    w->list[waiting++] = from;
    w->region[from] = number;
    while (waiting) {
        const int32_t at = w->list[--waiting], y = at / w->width, x = at % w->width;
        sum += w->score[at];
        for (int32_t i = y > 0 ? y - 1 : 0; i <= y + 1 && i < w->height; i++)
            for (int32_t j = x > 0 ? x - 1 : 0; j <= x + 1 && j < w->width; j++) {
                const int32_t next = i * w->width + j;
                if (w->region[next] != -1) continue;
                w->region[next] = number;
                w->list[waiting++] = next;
            }
    }
    return sum;
}

/* Numbers regions from 1; their sums are left in score[] by number - 1. */
static int32_t find_regions(work *w, double part)
{
    const int32_t n = w->width * w->height;
    int32_t k = (int32_t)floor(part * n + 0.5), count = 0;
    if (k < 1) k = 1;
    att_rank_top(w->score, n, k, w->ranked, w->list);
    double least = INFINITY;
    for (int32_t i = 0; i < k; i++) least = fmin(least, w->score[w->list[i]]);
    for (int32_t i = 0; i < n; i++) w->region[i] = w->score[i] >= least ? -1 : 0;
    for (int32_t i = 0; i < n; i++) {
        if (w->region[i] != -1) continue;
        const double sum = grow(w, i, count + 1);
        w->score[count++] = sum; /* count <= i: pixels before i are done */
    }
    return count;
}

/* Pixels of the mask to pixels of the picture, outwards. */
static void set_box(att_focus_area *a, int32_t width, int32_t height)
{
    int32_t left = a->mask_width, top = a->mask_height, right = 0, bottom = 0;
    for (int32_t y = 0; y < a->mask_height; y++)
        for (int32_t x = 0; x < a->mask_width; x++) {
            if (!a->mask[(int64_t)y * a->mask_width + x]) continue;
            if (x < left) left = x;
            if (y < top) top = y;
            if (x >= right) right = x + 1;
            if (y >= bottom) bottom = y + 1;
        }
    a->left = (int32_t)((int64_t)left * width / a->mask_width);
    a->top = (int32_t)((int64_t)top * height / a->mask_height);
    a->width = (int32_t)(((int64_t)right * width + a->mask_width - 1) / a->mask_width) - a->left;
    a->height =
        (int32_t)(((int64_t)bottom * height + a->mask_height - 1) / a->mask_height) - a->top;
}

static void choose(work *w, const att_focus_options *o, att_focus_area *a)
{
    const int32_t n = w->width * w->height;
    a->n_regions = find_regions(w, o->keep_part);
    a->n_kept = o->regions ? o->regions : a->n_regions / 5 > 3 ? a->n_regions / 5 : 3;
    if (a->n_kept > a->n_regions) a->n_kept = a->n_regions;
    att_rank_top(w->score, a->n_regions, a->n_kept, w->ranked, w->list);
    for (int32_t r = 0; r < a->n_kept; r++) w->score[w->list[r]] = INFINITY; /* marks it */
    for (int32_t i = 0; i < n; i++)
        a->mask[i] = w->region[i] > 0 && isinf(w->score[w->region[i] - 1]);
}

att_status att_focus_choose(const att_focus_options *options, const double *map, int32_t rows,
                            int32_t cols, int32_t width, int32_t height, att_focus_area *area,
                            att_err *err)
{
    *area = (att_focus_area){0};
    att_status status = check_options(options, err);
    if (status) return status;
    if (rows < 1 || cols < 1 || width < 1 || height < 1)
        return att_fail(err, ATT_E_ARG, "focus: %d x %d tokens over %d x %d pixels", rows, cols,
                        width, height);
    for (int64_t i = 0; i < (int64_t)rows * cols; i++)
        if (!isfinite(map[i])) return att_fail(err, ATT_E_MODEL, "focus: the map is not a number");
    const int32_t longest = width > height ? width : height;
    const double shrink = longest > ATT_FOCUS_MAX_EDGE ? (double)ATT_FOCUS_MAX_EDGE / longest : 1.0;
    work w = {.width = (int32_t)fmax(1.0, floor(width * shrink)),
              .height = (int32_t)fmax(1.0, floor(height * shrink))};
    const size_t n = (size_t)w.width * (size_t)w.height;
    w.score = att_calloc(n, sizeof *w.score);
    w.ranked = att_calloc(n, sizeof *w.ranked);
    w.list = att_calloc(n, sizeof *w.list);
    w.region = att_calloc(n, sizeof *w.region);
    area->mask = att_calloc(n, 1);
    area->mask_width = w.width;
    area->mask_height = w.height;
    if (w.score && w.ranked && w.list && w.region && area->mask) {
        for (int32_t i = 0; i < (int32_t)n; i++)
            w.score[i] = atti_grid_sample(map, rows, cols, (i / w.width + 0.5) * rows / w.height,
                                          (i % w.width + 0.5) * cols / w.width);
        choose(&w, options, area);
        set_box(area, width, height);
    } else {
        att_focus_area_free(area);
        status =
            att_fail(err, ATT_E_MEMORY, "focus: no memory for %d x %d pixels", w.width, w.height);
    }
    att_free(w.score);
    att_free(w.ranked);
    att_free(w.list);
    att_free(w.region);
    return status;
}

void att_focus_area_free(att_focus_area *area)
{
    att_free(area->mask);
    *area = (att_focus_area){0};
}

static void blacken(att_image *crop, const att_image *image, const att_focus_area *a)
{
    for (int32_t y = 0; y < crop->height; y++)
        for (int32_t x = 0; x < crop->width; x++) {
            const int64_t row = (int64_t)(a->top + y) * a->mask_height / image->height;
            const int64_t col = (int64_t)(a->left + x) * a->mask_width / image->width;
            if (!a->mask[row * a->mask_width + col])
                memset(crop->rgb + ((int64_t)y * crop->width + x) * 3, 0, 3);
        }
}

att_status att_focus_crop(const att_image *image, const att_focus_area *a, int masked,
                          att_image *out, att_err *err)
{
    static const uint8_t BLACK[3] = {0, 0, 0};
    att_image crop;
    memset(out, 0, sizeof *out);
    att_status status =
        att_image_crop(image, a->left, a->top, (att_size){a->width, a->height}, BLACK, &crop, err);
    if (status) return status;
    if (masked) blacken(&crop, image, a);
    const double longest = image->width > image->height ? image->width : image->height;
    const double scale =
        fmin(fmax((double)image->width / a->width, (double)image->height / a->height),
             2.0 * longest / (a->width > a->height ? a->width : a->height));
    status = att_image_resize(&crop, (int32_t)fmax(1.0, ceil(a->width * scale - 1e-9)),
                              (int32_t)fmax(1.0, ceil(a->height * scale - 1e-9)),
                              ATT_FILTER_LANCZOS, ATT_RESIZE_PILLOW, out, err);
    att_image_free(&crop);
    return status;
}
