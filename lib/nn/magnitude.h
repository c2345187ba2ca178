/* magnitude.h - the lengths of complex numbers: y[m][k] = sqrt(x[m][k]^2 + x[m][K + k]^2), as a
 * spectrum comes from a convolution with cosines and sines.
 *
 * Truth: lib/ref/ref_magnitude.c. Kernel: cl/magnitude_any.cl. Tests: tests/kernels/
 * test_magnitude.c */
#ifndef ATT_MAGNITUDE_H
#define ATT_MAGNITUDE_H

#include "buffer.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* x: f32[M][2K], real parts before imaginary ones; y: f32[M][K], not over x. Allocates nothing. */
att_status att_magnitude_apply(att_queue *queue, att_mat x, att_mat y, att_err *err);

size_t att_magnitude_kernels(const att_device *device, att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_MAGNITUDE_H */
