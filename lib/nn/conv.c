/* conv.c - convolution over time as a linear over overlapping rows (conv.h).
 * Tests: tests/kernels/test_conv.c */
#include "conv.h"

#include <string.h>

#include "mem.h"

/* [C_out][C_in][width] to [C_out][width][C_in], whatever the element. */
static void turn(unsigned char *to, const unsigned char *from, size_t rows, size_t channels,
                 size_t width, size_t size)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++)
            for (size_t t = 0; t < width; t++)
                memcpy(to + ((r * width + t) * channels + c) * size,
                       from + ((r * channels + c) * width + t) * size, size);
}

att_status att_conv_init(att_conv *conv, att_queue *queue, att_arena *arena, const char *name,
                         const att_weight_part *weight, int32_t channels_in, int32_t width,
                         int32_t stride, att_precision precision, att_err *err)
{
    if (weight->rows < 1 || channels_in < 1 || width < 1 || stride < 1 ||
        (int64_t)width * channels_in > INT32_MAX || (int64_t)stride * channels_in > INT32_MAX)
        return att_fail(err, ATT_E_SHAPE, "make convolution %s: [%d,%d,%d], stride %d", name,
                        weight->rows, channels_in, width, stride);
    const size_t size = att_dtype_bytes(weight->dtype);
    const size_t n = (size_t)weight->rows * (size_t)channels_in * (size_t)width;
    unsigned char *turned = att_calloc(n, size);
    if (!turned) return att_fail(err, ATT_E_MEMORY, "make convolution %s: out of memory", name);
    turn(turned, weight->data, (size_t)weight->rows, (size_t)channels_in, (size_t)width, size);
    att_weight_part part = *weight;
    part.data = turned;
    conv->channels_in = channels_in;
    conv->width = width;
    conv->stride = stride;
    const att_status status = att_linear_create(&conv->linear, queue, arena, name, &part, 1,
                                                width * channels_in, precision, err);
    att_free(turned);
    return status;
}

void att_conv_finish(att_conv *conv)
{
    att_linear_destroy(conv->linear);
    conv->linear = NULL;
}

att_status att_conv_apply(att_queue *queue, const att_conv *conv, att_mat x, att_mat y,
                          const att_epilogue *epilogue, att_err *err)
{
    const int32_t rows = x.rows < conv->width ? 0 : (x.rows - conv->width) / conv->stride + 1;
    if (x.cols != conv->channels_in || x.stride != x.cols || y.rows != rows)
        return att_fail(
            err, ATT_E_SHAPE,
            "apply convolution: x is [%d,%d] with rows %d apart, y has %d rows; expected "
            "%d channels side by side and %d rows",
            x.rows, x.cols, x.stride, y.rows, conv->channels_in, rows);
    x.rows = rows;
    x.cols = conv->width * conv->channels_in;
    x.stride = conv->stride * conv->channels_in;
    return att_linear_apply(queue, conv->linear, x, y, epilogue, err);
}
