/* conform_conv.c - cases of the convolution over time (conform.h). */
#include <string.h>

#include "conform_stems.h"
#include "conv.h"
#include "half.h"
#include "ref.h"

typedef struct shape {
    int32_t rows, channels_in, channels_out, width, stride;
    att_dtype dtype;
    att_act act;
} shape;

static const shape SHAPES[] = {
    {3, 1, 1, 3, 1, ATT_F32, ATT_ACT_NONE},    {22, 80, 33, 3, 1, ATT_F16, ATT_ACT_GELU_ERF},
    {23, 16, 20, 3, 2, ATT_F16, ATT_ACT_NONE}, {40, 7, 65, 5, 3, ATT_F32, ATT_ACT_RELU},
    {2, 4, 4, 3, 1, ATT_F32, ATT_ACT_NONE}, /* shorter than the window: no rows */
};

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const shape *s = &SHAPES[variant];
    const int32_t rows = s->rows < s->width ? 0 : (s->rows - s->width) / s->stride + 1;
    const int64_t n_weight = (int64_t)s->channels_out * s->channels_in * s->width;
    atti_array x = {0}, w = {0}, b = {0}, y = {0};
    att_arena *arena = NULL;
    att_conv conv = {0};
    (void)small;
    att_status status =
        atti_array_make(queue, &x, (int64_t)s->rows * s->channels_in, 1, 1.0f, ATT_F32, err);
    if (!status) status = atti_array_make(queue, &w, n_weight, 2, 1.0f, s->dtype, err);
    if (!status) status = atti_array_make(queue, &b, s->channels_out, 3, 1.0f, ATT_F32, err);
    if (!status)
        status = atti_array_make(queue, &y, (int64_t)rows * s->channels_out, 4, 1.0f, ATT_F32, err);
    if (!status) status = att_arena_create(&arena, att_queue_device(queue), "check", err);
    const att_weight_part part = {w.host, s->dtype,        NULL, s->channels_out,
                                  b.host, ATT_BLOCKS_NONE, 0};
    if (!status)
        status = att_conv_init(&conv, queue, arena, "check", &part, s->channels_in, s->width,
                               s->stride, ATT_PRECISION_EXACT, err);
    const att_epilogue e = {.act = s->act};
    att_mat from = {{0}, s->rows, s->channels_in, s->channels_in};
    att_mat to = {{0}, rows, s->channels_out, s->channels_out};
    if (!status) {
        from.view = atti_array_device(&x);
        to.view = atti_array_device(&y);
        status = att_conv_apply(queue, &conv, from, to, &e, err);
    }
    if (!status) {
        const att_view weight = atti_array_host(&w), bias = atti_array_host(&b);
        from.view = atti_array_host(&x);
        to.view = atti_array_host(&y);
        att_ref_conv(&from, &weight, &bias, s->width, s->stride, (int)s->act, NULL, &to);
        status = atti_array_compare(queue, &y, result, "y",
                                    4.0 * s->width * s->channels_in * 0x1p-24 + 2e-6, 2e-6, err);
    }
    att_conv_finish(&conv);
    att_arena_destroy(arena);
    atti_array_destroy(&x);
    atti_array_destroy(&w);
    atti_array_destroy(&b);
    atti_array_destroy(&y);
    return status;
}

#define CONV(i)                                                                                    \
    {                                                                                              \
        "conv", "shape " #i, run, i                                                                \
    }
static const att_conform_case CASES[] = {CONV(0), CONV(1), CONV(2), CONV(3), CONV(4)};
#undef CONV
_Static_assert(sizeof CASES / sizeof *CASES == sizeof SHAPES / sizeof *SHAPES, "a case a shape");

const att_conform_case *att_conform_conv(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
