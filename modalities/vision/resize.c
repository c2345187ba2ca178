/* resize.c - separable convolution in fixed point (resize.h). After Pillow's Resample.c and ATen's
 * UpSampleKernel.cpp. Tests: tests/unit/test_resize.c */
#include "resize.h"

#include <math.h>
#include <string.h>

#include "mem.h"

enum {
    CHANNELS = 3,
    PILLOW_BITS = 22,      /* of a weight behind the point: 8 of a pixel and 2 of sums remain */
    TORCH_LIMIT = 1 << 15, /* a weight is less */
    MAX_WEIGHTS = INT32_MAX / 2
};

static const double PI = 3.14159265358979323846;

/* The weights along one side: output i is the sum of n[i] inputs from first[i] on, times
 * weights[i * room + ...], over 2^bits. */
typedef struct taps {
    int32_t *first, *n;
    int32_t *weights;
    size_t room;
    int bits;
} taps;

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* https://en.wikipedia.org/wiki/Bicubic_interpolation#Bicubic_convolution_algorithm */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static double sinc(double x)
{
    if (x == 0.0) return 1.0;
    x *= PI;
    return sin(x) / x;
}

static double lanczos(double x)
{
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

typedef struct kernel {
    const char *name;
    double (*value)(double x);
    double support; /* beyond it the value is 0 */
} kernel;

static const kernel KERNELS[ATT_N_FILTERS] = {
    [ATT_FILTER_NEAREST] = {"nearest", NULL, 0.0},
    [ATT_FILTER_BOX] = {"box", box, 0.5},
    [ATT_FILTER_BILINEAR] = {"bilinear", triangle, 1.0},
    [ATT_FILTER_BICUBIC] = {"bicubic", cubic, 2.0},
    [ATT_FILTER_LANCZOS] = {"lanczos", lanczos, 3.0},
};

const char *att_filter_name(att_filter filter)
{
    return KERNELS[filter].name;
}

static void taps_finish(taps *t)
{
    att_free(t->first);
    att_free(t->n);
    att_free(t->weights);
    memset(t, 0, sizeof *t);
}

/* Room for one output's weights in values, and for all of them in t. */
static int taps_init(taps *t, double **values, double support, int32_t n_out)
{
    memset(t, 0, sizeof *t);
    t->room = (size_t)ceil(support) * 2 + 1;
    if (t->room > MAX_WEIGHTS / (size_t)n_out) return 0;
    t->first = att_calloc((size_t)n_out, sizeof *t->first);
    t->n = att_calloc((size_t)n_out, sizeof *t->n);
    t->weights = att_calloc((size_t)n_out * t->room, sizeof *t->weights);
    *values = att_calloc((size_t)n_out * t->room, sizeof **values);
    return t->first && t->n && t->weights && *values;
}

/* The inputs of output i and their weights, which sum to 1. */
static void weigh(taps *t, const kernel *k, double *values, double scale, int32_t n_in, int32_t i)
{
    const double stretch = scale < 1.0 ? 1.0 : scale;
    const double support = k->support * stretch, per_input = 1.0 / stretch;
    const double centre = (i + 0.5) * scale;
    int32_t first = (int32_t)(centre - support + 0.5);
    int32_t end = (int32_t)(centre + support + 0.5);
    if (first < 0) first = 0;
    if (end > n_in) end = n_in;
    if ((size_t)(end - first) > t->room) end = first + (int32_t)t->room;
    double sum = 0.0;
    for (int32_t x = first; x < end; x++) {
        values[x - first] = k->value((x - centre + 0.5) * per_input);
        sum += values[x - first];
    }
    for (int32_t x = 0; x < end - first; x++)
        if (sum != 0.0) values[x] /= sum;
    t->first[i] = first;
    t->n[i] = end - first;
}

/* As many bits as leave the largest weight below TORCH_LIMIT. */
static int torch_bits(const double *values, size_t n)
{
    double most = 0.0;
    int bits = 0;
    for (size_t i = 0; i < n; i++)
        if (values[i] > most) most = values[i];
    while (bits < PILLOW_BITS && (int32_t)(0.5 + most * (1 << (bits + 1))) < TORCH_LIMIT) bits++;
    return bits;
}

static att_status taps_create(taps *t, const kernel *k, int32_t n_in, int32_t n_out,
                              att_resize_rule rule, att_err *err)
{
    const double scale = (double)n_in / n_out;
    double *values = NULL;
    if (!taps_init(t, &values, k->support * (scale < 1.0 ? 1.0 : scale), n_out)) {
        att_free(values);
        taps_finish(t);
        return att_fail(err, ATT_E_MEMORY, "resize: no memory for the weights of %d to %d pixels",
                        n_in, n_out);
    }
    const size_t n = (size_t)n_out * t->room;
    for (int32_t i = 0; i < n_out; i++) weigh(t, k, values + (size_t)i * t->room, scale, n_in, i);
    t->bits = rule == ATT_RESIZE_TORCH ? torch_bits(values, n) : PILLOW_BITS;
    for (size_t i = 0; i < n; i++) {
        const double w = values[i] * (1 << t->bits);
        t->weights[i] = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
    }
    att_free(values);
    return ATT_OK;
}

static uint8_t clip(int32_t sum, int bits)
{
    sum >>= bits; /* towards minus infinity: arithmetic on all our compilers, as Pillow assumes */
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void resize_row(const uint8_t *in, const taps *t, int32_t n_out, uint8_t *out)
{
    for (int32_t i = 0; i < n_out; i++, out += CHANNELS) {
        const int32_t *w = t->weights + (size_t)i * t->room;
        const uint8_t *p = in + (size_t)t->first[i] * CHANNELS;
        int32_t r, g, b;
        r = g = b = 1 << (t->bits - 1);
        for (int32_t x = 0; x < t->n[i]; x++, p += CHANNELS) {
            r += p[0] * w[x];
            g += p[1] * w[x];
            b += p[2] * w[x];
        }
        out[0] = clip(r, t->bits);
        out[1] = clip(g, t->bits);
        out[2] = clip(b, t->bits);
    }
}

/* Row i of the output; sums has n_bytes. */
static void resize_column(const uint8_t *in, const taps *t, int32_t i, size_t n_bytes,
                          int32_t *sums, uint8_t *out)
{
    const int32_t *w = t->weights + (size_t)i * t->room;
    const uint8_t *row = in + (size_t)t->first[i] * n_bytes;
    for (size_t x = 0; x < n_bytes; x++) sums[x] = 1 << (t->bits - 1);
    for (int32_t y = 0; y < t->n[i]; y++, row += n_bytes)
        for (size_t x = 0; x < n_bytes; x++) sums[x] += row[x] * w[y];
    for (size_t x = 0; x < n_bytes; x++) out[x] = clip(sums[x], t->bits);
}

static att_status resize_rows(const att_image *in, int32_t width, const kernel *k,
                              att_resize_rule rule, att_image *out, att_err *err)
{
    taps t;
    att_status status = taps_create(&t, k, in->width, width, rule, err);
    if (status) return status;
    status = att_image_create(out, width, in->height, err);
    for (int32_t y = 0; !status && y < in->height; y++)
        resize_row(in->rgb + (size_t)y * (size_t)in->width * CHANNELS, &t, width,
                   out->rgb + (size_t)y * (size_t)width * CHANNELS);
    taps_finish(&t);
    return status;
}

static att_status resize_columns(const att_image *in, int32_t height, const kernel *k,
                                 att_resize_rule rule, att_image *out, att_err *err)
{
    taps t;
    const size_t n_bytes = (size_t)in->width * CHANNELS;
    att_status status = taps_create(&t, k, in->height, height, rule, err);
    if (status) return status;
    int32_t *sums = att_calloc(n_bytes, sizeof *sums);
    status = sums ? att_image_create(out, in->width, height, err)
                  : att_fail(err, ATT_E_MEMORY, "resize: no memory for a row of sums");
    for (int32_t y = 0; !status && y < height; y++)
        resize_column(in->rgb, &t, y, n_bytes, sums, out->rgb + (size_t)y * n_bytes);
    att_free(sums);
    taps_finish(&t);
    return status;
}

/* Which input each output takes. Pillow adds up steps and so are they added here; a sum that has
 * drifted off the end (-1) leaves black. */
static int32_t *nearest_of(int32_t n_in, int32_t n_out)
{
    int32_t *from = att_calloc((size_t)n_out, sizeof *from);
    const double step = (double)n_in / n_out;
    double at = step * 0.5;
    for (int32_t i = 0; from && i < n_out; i++, at += step) from[i] = at < n_in ? (int32_t)at : -1;
    return from;
}

static att_status resize_nearest(const att_image *in, int32_t width, int32_t height, att_image *out,
                                 att_err *err)
{
    int32_t *columns = nearest_of(in->width, width);
    int32_t *rows = nearest_of(in->height, height);
    att_status status = columns && rows ? att_image_create(out, width, height, err)
                                        : att_fail(err, ATT_E_MEMORY, "resize: out of memory");
    uint8_t *to = out->rgb;
    for (int32_t y = 0; !status && y < height; y++)
        for (int32_t x = 0; x < width; x++, to += CHANNELS) {
            if (rows[y] < 0 || columns[x] < 0) continue;
            const size_t pixel = (size_t)rows[y] * (size_t)in->width + (size_t)columns[x];
            memcpy(to, in->rgb + pixel * CHANNELS, CHANNELS);
        }
    att_free(columns);
    att_free(rows);
    return status;
}

static att_status copy(const att_image *in, att_image *out, att_err *err)
{
    const att_status status = att_image_create(out, in->width, in->height, err);
    if (!status) memcpy(out->rgb, in->rgb, (size_t)in->height * (size_t)in->width * CHANNELS);
    return status;
}

/* to: width, height. */
static att_status resize_both(const att_image *in, const int32_t to[2], const kernel *k,
                              att_resize_rule rule, att_image *out, att_err *err)
{
    att_image between;
    const int64_t lower = (int64_t)in->height - to[1], narrower = (int64_t)in->width - to[0];
    const int columns = rule == ATT_RESIZE_PILLOW_13 && lower > 0 && lower > 2 * narrower;
    att_status status = columns ? resize_columns(in, to[1], k, rule, &between, err)
                                : resize_rows(in, to[0], k, rule, &between, err);
    if (status) return status;
    status = columns ? resize_rows(&between, to[0], k, rule, out, err)
                     : resize_columns(&between, to[1], k, rule, out, err);
    att_image_free(&between);
    return status;
}

att_status att_image_resize(const att_image *in, int32_t width, int32_t height, att_filter filter,
                            att_resize_rule rule, att_image *out, att_err *err)
{
    memset(out, 0, sizeof *out);
    if (!in->rgb || width < 1 || height < 1 || width > ATT_IMAGE_MAX_SIDE ||
        height > ATT_IMAGE_MAX_SIDE)
        return att_fail(err, ATT_E_ARG,
                        "resize: %d x %d to %d x %d pixels, expected sides of 1 to %d", in->width,
                        in->height, width, height, (int)ATT_IMAGE_MAX_SIDE);
    const kernel *k = &KERNELS[filter];
    if (rule == ATT_RESIZE_TORCH && filter <= ATT_FILTER_BOX)
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "resize: %s by torchvision's rule, expected bilinear, bicubic or lanczos",
                        k->name);
    if (width == in->width && height == in->height) return copy(in, out, err);
    if (filter == ATT_FILTER_NEAREST) return resize_nearest(in, width, height, out, err);
    if (width == in->width) return resize_columns(in, height, k, rule, out, err);
    if (height == in->height) return resize_rows(in, width, k, rule, out, err);
    return resize_both(in, (int32_t[]){width, height}, k, rule, out, err);
}
