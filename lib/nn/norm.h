/* norm.h - layer norm and RMS norm over the rows of a matrix.
 *
 * Truth: lib/ref/ref_norm.c. Kernels: cl/norm_*.cl. Tests: tests/kernels/test_norm.c */
#ifndef ATT_NORM_H
#define ATT_NORM_H

#include "buffer.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* layer: (x - mean) / sqrt(var + eps) * gamma + beta, var over the row, not unbiased.
 * rms: x / sqrt(mean(x^2) + eps) * gamma.
 * ada: layer without gamma and beta, then * (1 + scale) + shift with the call's vectors. */
typedef enum att_norm_kind { ATT_NORM_LAYER, ATT_NORM_RMS, ATT_NORM_ADA } att_norm_kind;

typedef struct att_norm {
    att_norm_kind kind;
    float eps;
    att_view gamma, beta; /* f32[C] on the device; absent: 1 and 0. ada: scale and shift */
} att_norm;

/* y[r] = norm(x[r]); x is f32, y f32 (x itself, say) or, but for `cpu` bodies, f16. Allocates
 * nothing. NaN in a row makes the row NaN. */
att_status att_norm_apply(att_queue *queue, const att_norm *norm, att_mat x, att_mat y,
                          att_err *err);

size_t att_norm_kernels(const att_device *device, att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_NORM_H */
