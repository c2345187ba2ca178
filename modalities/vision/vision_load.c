/* vision_load.c - arrays of a file as norms and linears (vision_load.h).
 * Tests: tests/models/test_vit_tiny.c */
#include "vision_load.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"

enum { MAX_PARTS = 3, MAX_NAME = 192 };

float *atti_vision_floats(const att_array *array)
{
    const size_t n = (size_t)att_array_elements(array);
    float *x = att_calloc(n, sizeof *x);
    for (size_t i = 0; x && i < n; i++) x[i] = (float)att_array_value(array, i);
    return x;
}

att_status atti_vision_vector(const atti_vision_loader *l, const char *what, const float *x,
                              int64_t n, att_view *view, att_err *err)
{
    att_status status = att_arena_take(l->arena, what, ATT_F32, n, view, err);
    if (!status) status = att_queue_write(l->queue, *view, x, n, err);
    return status;
}

static att_status upload(const atti_vision_loader *l, const att_array *array, att_view *view,
                         att_err *err)
{
    float *x = atti_vision_floats(array);
    if (!x) return att_fail(err, ATT_E_MEMORY, "load %s: out of memory", array->name);
    const att_status status =
        atti_vision_vector(l, array->name, x, att_array_elements(array), view, err);
    att_free(x);
    return status;
}

att_status atti_vision_norm(const atti_vision_loader *l, const att_vision_norm *arrays, float eps,
                            att_norm *norm, att_err *err)
{
    norm->kind = ATT_NORM_LAYER;
    norm->eps = eps;
    att_status status = upload(l, arrays->gamma, &norm->gamma, err);
    if (!status) status = upload(l, arrays->beta, &norm->beta, err);
    return status;
}

att_status atti_vision_make_linear(const atti_vision_loader *l, const att_vision_linear *stored,
                                   size_t n, att_linear **linear, att_err *err)
{
    att_weight_part parts[MAX_PARTS];
    att_status status = ATT_OK;
    memset(parts, 0, sizeof parts);
    for (size_t i = 0; i < n && i < MAX_PARTS; i++) {
        const att_array *w = stored[i].weight;
        parts[i].data = w->data;
        parts[i].dtype = w->dtype;
        parts[i].blocks = w->blocks;
        parts[i].keep_blocks = w->blocks && att_blocks_elements(w->blocks) == ATT_BLOCK_ELEMENTS;
        parts[i].rows = (int32_t)w->dims[0];
        if (stored[i].bias && !(parts[i].bias = atti_vision_floats(stored[i].bias)))
            status = att_fail(err, ATT_E_MEMORY, "load %s: out of memory", w->name);
    }
    const att_array *first = stored[0].weight;
    const int32_t cols = (int32_t)(att_array_elements(first) / first->dims[0]);
    if (!status)
        status = att_linear_create(linear, l->queue, l->arena, first->name, parts, n, cols,
                                   l->precision, err);
    for (size_t i = 0; i < n; i++) {
        att_free((void *)parts[i].bias);
        att_weights_forget_array(l->weights, stored[i].weight);
    }
    return status;
}

void atti_vision_bind(att_weights *weights, const char *prefix, const att_spec_row *rows,
                      size_t n_rows, int32_t layer, att_letter *letters, size_t n_letters,
                      void *into, att_complaints *complaints)
{
    for (size_t i = 0; i < n_rows; i++) {
        char name[MAX_NAME];
        att_spec_row row = rows[i];
        snprintf(name, sizeof name, "%s%s", prefix, row.name);
        row.name = name;
        att_spec_bind(weights, &row, 1, layer, letters, n_letters, into, complaints);
    }
}
