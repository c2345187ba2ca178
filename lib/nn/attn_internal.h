/* attn_internal.h - the parts of att_attn(): its checks, its kernel arguments, its other bodies.
 * Private to lib/nn. */
#ifndef ATT_ATTN_INTERNAL_H
#define ATT_ATTN_INTERNAL_H

#include "attn.h"

enum { ATTI_ATTN_MAX_WIDTH = 128, ATTI_ATTN_MAX_ARGS = 64 };

/* ATT_E_ARG, ATT_E_SHAPE: senseless or out of a buffer's bounds; ATT_E_UNSUPPORTED: names every
 * field in use that no kernel knows. */
att_status atti_attn_check(const att_attn_call *call, att_err *err);
/* ATT_E_SHAPE: the view, called `name` in the error, has fewer than n elements from its place on.
 */
att_status atti_attn_check_room(const char *name, const att_view *v, int64_t n, att_err *err);

/* Kernel arguments in the making. */
typedef struct atti_args {
    att_arg list[ATTI_ATTN_MAX_ARGS];
    size_t n;
} atti_args;

void atti_push_i32(atti_args *args, int32_t x);
void atti_push_f32(atti_args *args, float x);
void atti_push_view(atti_args *args, att_view view);
/* T, S, D, E, heads a kv head serves, scale, head_scale, q and whether it is half: how the
 * parameters of every body begin. */
void atti_push_query(atti_args *args, const att_attn_call *call);
/* The view and its strides: buffer, at, batch, head, token. */
void atti_push_operand(atti_args *args, const att_attn_view *operand);
/* out as an operand, accumulate, head_gain. */
void atti_push_out(atti_args *args, const att_attn_call *call);
/* MASK_PARAMS of cl/mask.clh. */
void atti_push_mask(atti_args *args, const att_attn_mask *mask);
/* What a kernel is told that does the whole call: query, k, v, out, lse and mask. */
void atti_push_call(atti_args *args, const att_attn_call *call);

/* One launch with 2*H*B*T*S*(D+E) flops to its name. */
att_status atti_attn_launch(att_queue *queue, const att_attn_call *call, att_kernel_id kernel,
                            const int32_t groups[3], const atti_args *args, att_err *err);

/* Rows from their parts over chunks of the keys, cl/attn_merge_any.cl. */
att_status atti_attn_merge(att_queue *queue, const att_attn_call *call, int32_t chunks,
                           att_view parts, att_err *err);

/* The bodies for CPU devices, for a checked call; scratch holds what the first function says. */
int64_t atti_attn_cpu_scratch(const att_device *device, const att_attn_call *call);
size_t atti_attn_cpu_kernels(att_device *device, att_dtype keys, att_precision precision,
                             att_kernel_id *list, size_t room);
att_status atti_attn_cpu(att_queue *queue, const att_attn_call *call, att_view scratch,
                         att_err *err);

/* The body for GPUs with matrix products in halves: whether it knows a checked call. */
int atti_attn_nv_takes(att_device *device, const att_attn_call *call);
att_status atti_attn_nv(att_queue *queue, const att_attn_call *call, att_err *err);

/* Launches for taps.scores and taps.probabilities of a checked call, one or two a listed head. */
att_status atti_attn_tap_maps(att_queue *queue, const att_attn_call *call, att_err *err);

#endif /* ATT_ATTN_INTERNAL_H */
