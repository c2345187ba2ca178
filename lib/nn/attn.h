/* attn.h - attention on a device (the call itself: attend/attn.h).
 *
 * Truth: lib/ref/ref_attn.c. Kernels: cl/attn_*.cl. Tests: tests/kernels/test_attn.c */
#ifndef ATT_ATTN_H
#define ATT_ATTN_H

#include "attend/attn.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* f32 elements of scratch that the call needs on this device. Grows with the call's sizes only; a
 * call without views says what the hungriest body would need. */
int64_t att_attn_scratch(att_device *device, const att_attn_call *call);

/* out = what attend/attn.h says. Borrows every buffer, allocates nothing. A row that sees nothing
 * becomes zeros. A head whose class is none of head_classes is left alone. Which fields each body
 * knows: docs/shapes.md; a call goes to the next that knows all of its own. ATT_E_SHAPE, ATT_E_ARG:
 * the call is senseless; ATT_E_UNSUPPORTED: no kernel knows this combination, the text names the
 * fields; nothing was enqueued in either case. */
att_status att_attn(att_queue *queue, const att_attn_call *call, att_view scratch, att_err *err);

/* What this call launches beyond att_attn_kernels(): fields count as used where their views are
 * given. Of k the dtype counts, of the sizes the widths. */
size_t att_attn_call_kernels(att_device *device, const att_attn_call *call, att_kernel_id *list,
                             size_t room);

/* Adds the kernels that calls without maps need for keys and values of that dtype (f32 or f16) to
 * list (room for `room`), returns their number; for att_device_prepare(). */
size_t att_attn_kernels(att_device *device, att_dtype keys, att_precision precision,
                        att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ATTN_H */
