/* attn_internal.h - the parts of att_attn(): its checks, its kernel arguments, its other bodies.
 * Private to lib/nn. */
#ifndef ATT_ATTN_INTERNAL_H
#define ATT_ATTN_INTERNAL_H

#include "attn.h"

enum { ATTI_ATTN_MAX_WIDTH = 128, ATTI_ATTN_MAX_ARGS = 128 };

/* ATT_E_ARG, ATT_E_SHAPE: senseless or out of a buffer's bounds; ATT_E_UNSUPPORTED: names every
 * field in use that no kernel knows. */
att_status atti_attn_check(const att_attn_call *call, att_err *err);
/* ATT_E_SHAPE: the view, called `name` in the error, has fewer than n elements from its place on.
 */
att_status atti_attn_check_room(const char *name, const att_view *v, int64_t n, att_err *err);

/* The fields beyond mask, heads and maps, for atti_attn_check(). */
att_status atti_attn_check_fields(const att_attn_call *call, att_err *err);
/* A side array: absent, or `dtype` with room for n. */
att_status atti_attn_check_array(const char *name, const att_view *v, att_dtype dtype, int64_t n,
                                 att_err *err);
att_status atti_attn_check_mask(const att_attn_call *call, const att_attn_mask *mask, int32_t n_k,
                                att_err *err);
/* v must hold an element for each of sizes B, H, T, D. */
att_status atti_attn_check_operand(const char *name, const att_attn_view *v, const int32_t sizes[4],
                                   att_err *err);

/* A call for one class of its heads, or for all of them: what is launched. */
typedef struct atti_attn_job {
    att_attn_call call; /* mask, k, v and n_k are the class's; neutral classes of keys are none */
    int32_t of_class;
    int32_t all_keys; /* n_k of the call that this is a part of */
} atti_attn_job;

int32_t atti_attn_n_jobs(const att_attn_call *call);
void atti_attn_job_of(const att_attn_call *call, int32_t index, atti_attn_job *job);

/* Whether a body needs cl/fields.clh for it; how many sums of values it then keeps. */
int atti_attn_has_fields(const att_attn_call *call);
int32_t atti_attn_sets(const att_attn_call *call);
/* Whether a pass behind the body is wanted, which reads lse: over rows, over keys. */
int atti_attn_wants_stats(const att_attn_call *call);
int atti_attn_wants_keys(const att_attn_call *call);

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
/* MASK_PARAMS and HEAD_PARAMS of cl/mask.clh. */
void atti_push_mask(atti_args *args, const atti_attn_job *job);
void atti_push_heads(atti_args *args, const atti_attn_job *job);
/* SCORE_PARAMS of cl/fields.clh, and all FIELD_PARAMS where the body is one that needs them. */
void atti_push_score(atti_args *args, const att_attn_call *call);
void atti_push_fields(atti_args *args, const atti_attn_job *job);
/* What a kernel is told that does the whole call: query, k, v, out, lse and mask. */
void atti_push_call(atti_args *args, const atti_attn_job *job);
/* What attn_keys_*.cl is told behind the scores: lse, weights, keys, band, arrays. */
void atti_push_key_taps(atti_args *args, const atti_attn_job *job);

/* One launch with 2*H*B*T*S*(D+E) flops to its name. */
att_status atti_attn_launch(att_queue *queue, const att_attn_call *call, att_kernel_id kernel,
                            const int32_t groups[3], const atti_args *args, att_err *err);

/* Rows from their parts over chunks of the keys, cl/attn_merge_any.cl. */
att_status atti_attn_merge(att_queue *queue, const atti_attn_job *job, int32_t chunks,
                           att_view parts, att_err *err);

/* The bodies for CPU devices, for a checked call; scratch holds what the first function says. */
int64_t atti_attn_cpu_scratch(const att_device *device, const att_attn_call *call);
size_t atti_attn_cpu_kernels(att_device *device, att_dtype keys, att_precision precision,
                             att_kernel_id *list, size_t room);
att_status atti_attn_cpu(att_queue *queue, const atti_attn_job *job, att_view scratch,
                         att_err *err);
/* The pass over keys, behind the body and with what it packed, if it takes the call. */
int atti_attn_cpu_takes_keys(const att_attn_call *call);
att_status atti_attn_cpu_keys(att_queue *queue, const atti_attn_job *job, att_view scratch,
                              att_err *err);
/* Kernels of fields and of the pass over keys that the call launches. */
size_t atti_attn_cpu_call_kernels(att_device *device, const att_attn_call *call,
                                  att_kernel_id *list, size_t room);

/* The body for GPUs with matrix products in halves: whether it knows a checked call. */
int atti_attn_nv_takes(att_device *device, const att_attn_call *call);
att_status atti_attn_nv(att_queue *queue, const atti_attn_job *job, att_err *err);
/* Which of its kernels the call launches. */
att_kernel_id atti_attn_nv_kernel(att_device *device, const att_attn_call *call);

/* The pass over rows: entropy, distances, argmax; and the portable one over keys. Both read
 * taps.lse. */
att_status atti_attn_stats(att_queue *queue, const atti_attn_job *job, att_err *err);
att_status atti_attn_keys(att_queue *queue, const atti_attn_job *job, att_err *err);

/* Launches for taps.scores and taps.probabilities of a checked call, one or two a listed head. */
att_status atti_attn_tap_maps(att_queue *queue, const att_attn_call *call, att_err *err);
/* Adds at most n kernels to what list has. */
size_t atti_attn_add(att_kernel_id *list, size_t n, size_t room, att_kernel_id kernel);

#endif /* ATT_ATTN_INTERNAL_H */
