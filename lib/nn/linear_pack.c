/* linear_pack.c - a weight as a file stores it, into the layout that the device likes (linear.h).
 * Tests: tests/kernels/test_linear.c */
#include <stdio.h>
#include <string.h>

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
        if (p->blocks && cols % ATT_BLOCK_ELEMENTS)
            return att_fail(err, ATT_E_SHAPE, "pack %s: part %zu is in blocks of %d, rows are %d",
                            name, i, ATT_BLOCK_ELEMENTS, cols);
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

/* One row of a part in blocks, to elements of l's dtype with a step between them. */
static void unpack_row(const att_linear *l, const att_weight_part *part, int32_t row, void *to)
{
    const size_t n_blocks = (size_t)l->cols / ATT_BLOCK_ELEMENTS, step = (size_t)l->panel;
    const size_t bytes = att_blocks_bytes(part->blocks);
    const unsigned char *block = (const unsigned char *)part->data + (size_t)row * n_blocks * bytes;
    float x[ATT_BLOCK_ELEMENTS];
    for (size_t b = 0; b < n_blocks; b++, block += bytes) {
        att_blocks_unpack(part->blocks, block, 1, x);
        for (size_t i = 0; i < ATT_BLOCK_ELEMENTS; i++) {
            const size_t at = (b * ATT_BLOCK_ELEMENTS + i) * step;
            if (l->weight.dtype == ATT_F32)
                ((float *)to)[at] = x[i];
            else
                ((uint16_t *)to)[at] = att_half_from_float(x[i]);
        }
    }
}

/* Column n of the product, all of K, with a step of `panel` between its elements. */
static void pack_row(const att_linear *l, const att_weight_part *parts, int32_t n, void *to)
{
    int32_t row;
    const att_weight_part *part = part_of(parts, n, &row);
    const size_t base = (size_t)row * (size_t)l->cols, step = (size_t)l->panel;
    const size_t cols = (size_t)l->cols;
    if (part->blocks) {
        unpack_row(l, part, row, to);
    } else if (l->weight.dtype == ATT_F32) {
        float *f = to;
        for (size_t k = 0; k < cols; k++) f[k * step] = value_at(part, l->cols, base + k);
    } else if (part->dtype == ATT_F16) {
        uint16_t *h = to;
        const unsigned char *data = part->data;
        for (size_t k = 0; k < cols; k++) memcpy(&h[k * step], data + 2 * (base + k), sizeof *h);
    } else {
        uint16_t *h = to;
        for (size_t k = 0; k < cols; k++)
            h[k * step] = att_half_from_float(value_at(part, l->cols, base + k));
    }
}

/* Rows [n, n + panel) of the stacked matrix side by side; zeros behind its last. */
static void pack_panel(const att_linear *l, const att_weight_part *parts, int32_t n, void *to)
{
    const size_t size = att_dtype_bytes(l->weight.dtype);
    if (n + l->panel > l->rows) memset(to, 0, (size_t)l->panel * (size_t)l->cols * size);
    for (int32_t i = 0; i < l->panel && n + i < l->rows; i++)
        pack_row(l, parts, n + i, (unsigned char *)to + (size_t)i * size);
}

enum { UPLOAD_BYTES = 4 << 20 }; /* at a time: each write is a round trip to the device */

/* Panel after panel through a host buffer of a few MB. */
static att_status upload_weight(att_queue *queue, const att_linear *l, const att_weight_part *parts,
                                int32_t padded_rows, att_err *err)
{
    const size_t size = att_dtype_bytes(l->weight.dtype);
    const int64_t panel_elements = (int64_t)l->panel * l->cols, panels = padded_rows / l->panel;
    int64_t at_once = UPLOAD_BYTES / (panel_elements * (int64_t)size) + 1;
    if (at_once > panels) at_once = panels;
    void *buffer = att_calloc((size_t)(at_once * panel_elements), size);
    att_status status = ATT_OK;
    if (!buffer) return att_fail(err, ATT_E_MEMORY, "pack %s: out of host memory", l->name);
    for (int64_t first = 0; !status && first < panels; first += at_once) {
        const int64_t n = panels - first < at_once ? panels - first : at_once;
        for (int64_t p = 0; p < n; p++)
            pack_panel(l, parts, (int32_t)(first + p) * l->panel,
                       (unsigned char *)buffer + (size_t)(p * panel_elements) * size);
        status = att_queue_write(queue, att_view_at(l->weight, first * panel_elements), buffer,
                                 n * panel_elements, err);
    }
    att_free(buffer);
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

att_status att_linear_create(att_linear **out, att_queue *queue, att_arena *arena, const char *name,
                             const att_weight_part *parts, size_t n_parts, int32_t cols,
                             att_err *err)
{
    const att_device *device = att_queue_device(queue);
    att_linear *l = att_calloc(1, sizeof *l);
    *out = NULL;
    if (!l) return att_fail(err, ATT_E_MEMORY, "pack %s: out of host memory", name);
    snprintf(l->name, sizeof l->name, "%s", name);
    l->panel = !att_device_cpu_bodies(device)                    ? 1
               : att_device_get_info(device)->vector_width >= 16 ? 32
                                                                 : 16;
    att_status status = check_parts(name, parts, n_parts, cols, l, err);
    const int32_t multiple = l->panel > 1 ? ATTI_LINEAR_COLUMNS : 1;
    const int32_t padded = (l->rows + multiple - 1) / multiple * multiple;
    if (!status)
        status = att_arena_take(arena, name, storage_of(parts, n_parts, cols),
                                (int64_t)padded * cols, &l->weight, err);
    if (!status) status = upload_weight(queue, l, parts, padded, err);
    if (!status) status = upload_bias(queue, arena, l, parts, n_parts, padded, err);
    if (status)
        att_linear_destroy(l);
    else
        *out = l;
    return status;
}
