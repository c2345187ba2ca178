/* linear_pack.c - a weight as a file stores it, into the layout that the device likes (linear.h).
 * Tests: tests/kernels/test_linear.c */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ceil_div.h"
#include "half.h"
#include "linear_internal.h"
#include "mem.h"

/* Element i of the part as f32. */
static float value_at(const att_weight_part *part, int32_t cols, size_t i)
{
    const unsigned char *data = part->data;
    uint16_t bits;
    float x;
    switch (part->dtype) {
    case ATT_F32:
        memcpy(&x, data + 4 * i, sizeof x);
        return x;
    case ATT_F16:
        memcpy(&bits, data + 2 * i, sizeof bits);
        return att_half_to_float(bits);
    case ATT_BF16:
        memcpy(&bits, data + 2 * i, sizeof bits);
        return att_bfloat_to_float(bits);
    case ATT_I8:
        return (float)(signed char)data[i] * part->scale[i / (size_t)cols];
    case ATT_U8:
    case ATT_I16:
    case ATT_I32:
    case ATT_N_DTYPES:
        break;
    }
    return 0.0f; /* check_parts() lets no other dtype through */
}

static att_status check_parts(const char *name, const att_weight_part *parts, size_t n_parts,
                              int32_t cols, att_linear *l, att_err *err)
{
    int64_t rows = 0;
    for (size_t i = 0; i < n_parts; i++) {
        const att_weight_part *p = &parts[i];
        if (p->blocks && cols % (int32_t)att_blocks_elements(p->blocks))
            return att_fail(err, ATT_E_SHAPE, "pack %s: part %zu is in blocks of %zu, rows are %d",
                            name, i, att_blocks_elements(p->blocks), cols);
        if (!p->blocks && p->dtype != ATT_F32 && p->dtype != ATT_F16 && p->dtype != ATT_BF16 &&
            (p->dtype != ATT_I8 || !p->scale))
            return att_fail(err, ATT_E_UNSUPPORTED,
                            "pack %s: part %zu is %s, expected f32, f16, bf16 or i8 with scales",
                            name, i, att_dtype_name(p->dtype));
        if (p->rows < 1) return att_fail(err, ATT_E_SHAPE, "pack %s: part %zu is empty", name, i);
        rows += p->rows;
    }
    if (rows < 1 || cols < 1 || rows > INT32_MAX - ATTI_LINEAR_COLUMNS ||
        rows * cols > INT32_MAX - (int64_t)ATTI_LINEAR_COLUMNS * cols)
        return att_fail(err, ATT_E_SHAPE, "pack %s: [%lld,%d] is empty or too large", name,
                        (long long)rows, cols);
    l->rows = (int32_t)rows;
    l->cols = cols;
    return ATT_OK;
}

/* f16 when nothing is lost by it. */
static att_dtype storage_of(const att_weight_part *parts, size_t n_parts, int32_t cols)
{
    for (size_t p = 0; p < n_parts; p++) {
        if (parts[p].blocks || parts[p].dtype == ATT_F16) continue;
        if (parts[p].dtype == ATT_F32) return ATT_F32;
        const size_t n = (size_t)parts[p].rows * (size_t)cols;
        for (size_t i = 0; i < n; i++) {
            const float x = value_at(&parts[p], cols, i);
            if (att_half_to_float(att_half_from_float(x)) != x) return ATT_F32;
        }
    }
    return ATT_F16;
}

/* Where row n of the stacked matrix lies. */
static const att_weight_part *part_of(const att_weight_part *parts, int32_t n, int32_t *row)
{
    while (n >= parts->rows) n -= (parts++)->rows;
    *row = n;
    return parts;
}

/* Row n of the stacked matrix as f32. */
static void take_row(const att_linear *l, const att_weight_part *parts, int32_t n, float *to)
{
    int32_t row;
    const att_weight_part *part = part_of(parts, n, &row);
    const size_t cols = (size_t)l->cols, base = (size_t)row * cols;
    if (part->blocks) {
        const size_t n_blocks = cols / att_blocks_elements(part->blocks);
        const size_t bytes = att_blocks_bytes(part->blocks);
        att_blocks_unpack(part->blocks,
                          (const unsigned char *)part->data + (size_t)row * n_blocks * bytes,
                          n_blocks, to);
    } else if (part->dtype == ATT_F16) {
        att_halves_to_floats((const unsigned char *)part->data + 2 * base, cols, to);
    } else {
        for (size_t k = 0; k < cols; k++) to[k] = value_at(part, l->cols, base + k);
    }
}

/* Row n of a part of f16 as it is. */
static void copy_halves(const att_linear *l, const att_weight_part *part, int32_t row, uint16_t *to)
{
    const size_t cols = (size_t)l->cols, step = (size_t)l->panel;
    const unsigned char *data = (const unsigned char *)part->data + 2 * (size_t)row * cols;
    for (size_t k = 0; k < cols; k++) memcpy(&to[k * step], data + 2 * k, sizeof *to);
}

/* The largest magnitude, and NaN when the row is no row of numbers. */
static float largest_of(const float *row, size_t n)
{
    enum { LANES = 8 }; /* of a size that compilers know, for vectors */
    float tops[LANES] = {0.0f}, odds[LANES] = {0.0f}, top = 0.0f, odd = 0.0f;
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (int i = 0; i < LANES; i++) {
            const float x = fabsf(row[k + (size_t)i]);
            tops[i] = x > tops[i] ? x : tops[i];
            odds[i] += x * 0.0f;
        }
    for (; k < n; k++) {
        tops[0] = fabsf(row[k]) > tops[0] ? fabsf(row[k]) : tops[0];
        odds[0] += row[k] * 0.0f;
    }
    for (int i = 0; i < LANES; i++) {
        top = tops[i] > top ? tops[i] : top;
        odd += odds[i];
    }
    return top + odd;
}

/* Four numbers of at most 2^21 as bytes: the nearest whole ones + 128, halves to even. Behind this
 * sum the last bit of a float is worth 1. */
static uint32_t whole_four(const float *x, float up)
{
    float sums[4];
    uint32_t bits[4];
    for (int i = 0; i < 4; i++) sums[i] = x[i] * up + (0x1.8p23f + 128.0f);
    memcpy(bits, sums, sizeof bits);
    return (bits[0] & 255u) | (bits[1] & 255u) << 8 | (bits[2] & 255u) << 16 | bits[3] << 24;
}

/* The row as whole numbers + 128; returns what one is worth. A part of i8 keeps its own. */
static float quantise(const att_linear *l, const att_weight_part *parts, int32_t n, float *row,
                      unsigned char *to)
{
    int32_t at;
    const att_weight_part *part = part_of(parts, n, &at);
    const size_t cols = (size_t)l->cols, step = (size_t)l->panel * 4;
    const int own = !part->blocks && part->dtype == ATT_I8;
    const float scale = own ? part->scale[at] : largest_of(row, cols) / 127.0f;
    const float up = scale > 0.0f ? 1.0f / scale : 0.0f;
    for (size_t k = 0; k < cols && !(up > 0.0f); k++) row[k] = 0.0f;
    for (size_t k = cols; k < (size_t)l->words * 4; k++) row[k] = 0.0f;
    for (size_t w = 0; w < (size_t)l->words; w++) {
        const uint32_t four = whole_four(row + 4 * w, up); /* both sides are little-endian */
        memcpy(to + w * step, &four, sizeof four);
    }
    return scale;
}

/* The row as bf16, in pairs; there is room for it behind the row. */
static void pack_pairs(const att_linear *l, float *row, unsigned char *to)
{
    const size_t cols = (size_t)l->cols, step = (size_t)l->panel * 4;
    uint16_t *narrow = (uint16_t *)(row + cols);
    att_bfloats_from_floats(row, cols, narrow);
    narrow[cols] = 0;
    for (size_t w = 0; w < (size_t)l->words; w++) memcpy(to + w * step, narrow + 2 * w, 4);
}

/* Column n of the product, all of K; `row` has room for two of them and 3
 * numbers more. Returns its scale. */
static float pack_row(const att_linear *l, const att_weight_part *parts, int32_t n, float *row,
                      void *to)
{
    int32_t at;
    const att_weight_part *part = part_of(parts, n, &at);
    const size_t cols = (size_t)l->cols, step = (size_t)l->panel;
    if (l->weight.dtype == ATT_F16 && part->dtype == ATT_F16 && !part->blocks) {
        copy_halves(l, part, at, to);
        return 1.0f;
    }
    take_row(l, parts, n, row);
    if (l->weight.dtype == ATT_U8) return quantise(l, parts, n, row, to);
    if (l->weight.dtype == ATT_F32)
        for (size_t k = 0; k < cols; k++) ((float *)to)[k * step] = row[k];
    else if (l->weight.dtype == ATT_F16)
        for (size_t k = 0; k < cols; k++) ((uint16_t *)to)[k * step] = att_half_from_float(row[k]);
    else
        pack_pairs(l, row, to);
    return 1.0f;
}

/* Rows [n, n + panel) of the stacked matrix side by side; zeros behind its last. */
static void pack_panel(const att_linear *l, const att_weight_part *parts, int32_t n, float *row,
                       float *scale, void *to)
{
    const size_t size = att_dtype_bytes(l->weight.dtype) * (size_t)l->per;
    if (n + l->panel > l->rows || (l->cols % l->per && !l->blocks))
        memset(to, 0, (size_t)l->panel * (size_t)l->words * size);
    for (int32_t i = 0, at; l->blocks && i < l->panel && n + i < l->rows; i++) {
        const att_weight_part *part = part_of(parts, n + i, &at);
        atti_linear_blocks_pack(l, part, at, i, to);
    }
    for (int32_t i = 0; !l->blocks && i < l->panel && n + i < l->rows; i++)
        scale[n + i] = pack_row(l, parts, n + i, row, (unsigned char *)to + (size_t)i * size);
}

enum { UPLOAD_BYTES = 4 << 20 }; /* at a time: each write is a round trip to the device */

/* Panel after panel through a host buffer of a few MB; scale: a number a padded row. */
static att_status upload_panels(att_queue *queue, const att_linear *l, const att_weight_part *parts,
                                int32_t padded_rows, float *scale, att_err *err)
{
    const size_t size = att_dtype_bytes(l->weight.dtype);
    const int64_t panel_elements = (int64_t)l->panel * l->words * l->per;
    const int64_t panels = padded_rows / l->panel;
    int64_t at_once = UPLOAD_BYTES / (panel_elements * (int64_t)size) + 1;
    if (at_once > panels) at_once = panels;
    void *buffer = att_calloc((size_t)(at_once * panel_elements), size);
    float *row = att_calloc(2 * (size_t)l->cols + 3, sizeof *row);
    att_status status = ATT_OK;
    if (!buffer || !row)
        status = att_fail(err, ATT_E_MEMORY, "pack %s: out of host memory", l->name);
    for (int64_t first = 0; !status && first < panels; first += at_once) {
        const int64_t n = panels - first < at_once ? panels - first : at_once;
        for (int64_t p = 0; p < n; p++)
            pack_panel(l, parts, (int32_t)(first + p) * l->panel, row, scale,
                       (unsigned char *)buffer + (size_t)(p * panel_elements) * size);
        status = att_queue_write(queue, att_view_at(l->weight, first * panel_elements), buffer,
                                 n * panel_elements, err);
    }
    att_free(buffer);
    att_free(row);
    return status;
}

static att_status upload_weight(att_queue *queue, att_arena *arena, att_linear *l,
                                const att_weight_part *parts, int32_t padded_rows, att_err *err)
{
    float *scale = att_calloc((size_t)padded_rows, sizeof *scale);
    if (!scale) return att_fail(err, ATT_E_MEMORY, "pack %s: out of host memory", l->name);
    att_status status = upload_panels(queue, l, parts, padded_rows, scale, err);
    const int scaled = l->weight.dtype == ATT_U8 && !l->blocks;
    if (!status && scaled)
        status = att_arena_take(arena, l->name, ATT_F32, padded_rows, &l->scale, err);
    if (!status && scaled) status = att_queue_write(queue, l->scale, scale, padded_rows, err);
    att_free(scale);
    return status;
}

static att_status upload_bias(att_queue *queue, att_arena *arena, att_linear *l,
                              const att_weight_part *parts, size_t n_parts, int32_t padded_rows,
                              att_err *err)
{
    int any = 0;
    for (size_t i = 0; i < n_parts; i++) any |= parts[i].bias != NULL;
    if (!any) return ATT_OK;
    float *bias = att_calloc((size_t)padded_rows, sizeof *bias);
    if (!bias) return att_fail(err, ATT_E_MEMORY, "pack %s: out of host memory", l->name);
    size_t at = 0;
    for (size_t i = 0; i < n_parts; at += (size_t)parts[i++].rows)
        if (parts[i].bias) memcpy(bias + at, parts[i].bias, (size_t)parts[i].rows * sizeof *bias);
    att_status status = att_arena_take(arena, l->name, ATT_F32, padded_rows, &l->bias, err);
    if (!status) status = att_queue_write(queue, l->bias, bias, padded_rows, err);
    att_free(bias);
    return status;
}

static att_dtype dtype_for(att_device *device, att_precision precision, int32_t cols)
{
    const att_dtype operand = att_linear_operand(device, precision);
    return operand != ATT_F16 && cols > ATTI_LINEAR_DOT_MAX ? ATT_F32 : operand;
}

/* The layout that the device likes best at that precision. */
static void choose_layout(att_linear *l, att_device *device, att_precision precision,
                          const att_weight_part *parts, size_t n_parts)
{
    const int wide = att_device_get_info(device)->vector_width >= 16;
    l->panel = !att_device_cpu_bodies(device) ? 1 : wide ? 32 : 16;
    l->blocks = atti_linear_blocks_kept(parts, n_parts);
    if (l->blocks) {
        l->dots = atti_linear_blocks_dots(device, precision, l->cols);
        l->weight.dtype = ATT_U8;
        l->per = (int32_t)att_blocks_bytes(l->blocks);
        l->words = l->cols / ATT_BLOCK_ELEMENTS;
        return;
    }
    l->weight.dtype = dtype_for(device, precision, l->cols);
    if (l->weight.dtype == ATT_F32) l->weight.dtype = storage_of(parts, n_parts, l->cols);
    l->per = l->weight.dtype == ATT_U8 ? 4 : l->weight.dtype == ATT_BF16 ? 2 : 1;
    l->words = att_ceil_div(l->cols, l->per);
}

att_status att_linear_create(att_linear **out, att_queue *queue, att_arena *arena, const char *name,
                             const att_weight_part *parts, size_t n_parts, int32_t cols,
                             att_precision precision, att_err *err)
{
    att_linear *l = att_calloc(1, sizeof *l);
    *out = NULL;
    if (!l) return att_fail(err, ATT_E_MEMORY, "pack %s: out of host memory", name);
    snprintf(l->name, sizeof l->name, "%s", name);
    att_status status = check_parts(name, parts, n_parts, cols, l, err);
    if (!status) choose_layout(l, att_queue_device(queue), precision, parts, n_parts);
    const int32_t multiple = l->panel > 1 ? ATTI_LINEAR_COLUMNS : 1;
    const int32_t padded = att_ceil_div(l->rows, multiple) * multiple;
    if (!status)
        status = att_arena_take(arena, name, l->weight.dtype, (int64_t)padded * l->words * l->per,
                                &l->weight, err);
    if (!status) status = upload_weight(queue, arena, l, parts, padded, err);
    if (!status) status = upload_bias(queue, arena, l, parts, n_parts, padded, err);
    if (status)
        att_linear_destroy(l);
    else
        *out = l;
    return status;
}
