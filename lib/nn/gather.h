/* gather.h - rows of a matrix by a list: chosen, dropped, repeated, in another order.
 *
 * Truth: lib/ref/ref_gather.c. Kernel: cl/gather_any.cl. Tests: tests/kernels/test_gather.c */
#ifndef ATT_GATHER_H
#define ATT_GATHER_H

#include "buffer.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y[m] = x[rows[m]], rows: i32[M] on the device; a row that x does not have is NaN. x and y are
 * [N, C] and [M, C], each f32 or f16, of any stride, and must not overlap. Allocates nothing. */
att_status att_gather_apply(att_queue *queue, att_mat x, att_view rows, att_mat y, att_err *err);

size_t att_gather_kernels(const att_device *device, att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_GATHER_H */
