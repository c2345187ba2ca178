/* conv.h - one-dimensional convolution over time, channels last: a linear over overlapping rows.
 *
 * x[T + left + right][C_in] with its padding rows in place; output row t sees input rows
 * t*stride .. t*stride + width - 1, which are contiguous, so the convolution is a GEMM whose x has
 * row stride C_in*stride. Truth: lib/ref/ref_linear.c. Tests: tests/kernels/test_conv.c */
#ifndef ATT_CONV_H
#define ATT_CONV_H

#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_conv {
    att_linear *linear; /* weight [C_out][width*C_in] */
    int32_t channels_in, width, stride;
} att_conv;

/* weight: [C_out][C_in][width] as PyTorch and CTranslate2 store it, part->rows = C_out. */
att_status att_conv_init(att_conv *conv, att_queue *queue, att_arena *arena, const char *name,
                         const att_weight_part *weight, int32_t channels_in, int32_t width,
                         int32_t stride, att_precision precision, att_err *err);
void att_conv_finish(att_conv *conv);

/* x: f32[rows][C_in], padded; y: f32[(rows - width)/stride + 1][C_out]. */
att_status att_conv_apply(att_queue *queue, const att_conv *conv, att_mat x, att_mat y,
                          const att_epilogue *epilogue, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_CONV_H */
