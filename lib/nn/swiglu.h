/* swiglu.h - the gate of a feed-forward part: silu of one half of a row times the other.
 *
 * Shazeer, GLU Variants Improve Transformer, 2020, equation 6. Truth: lib/ref/ref_swiglu.c.
 * Kernels: cl/swiglu_*.cl. Tests: tests/kernels/test_swiglu.c */
#ifndef ATT_SWIGLU_H
#define ATT_SWIGLU_H

#include "buffer.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y[m] = silu(x[m][0, F)) * x[m][F, 2F), silu(g) = g / (1 + exp(-g)). x is [M, 2F], y [M, F], both
 * f32, or both f16 (which portable kernels do); any strides. y may be the first half of x.
 * Allocates nothing; NaN stays. */
att_status att_swiglu_apply(att_queue *queue, att_mat x, att_mat y, att_err *err);

size_t att_swiglu_kernels(const att_device *device, att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_SWIGLU_H */
