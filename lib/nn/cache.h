/* cache.h - keys and values of one attention layer that outlive a call.
 *
 * Storage [G][capacity][D] for k and [G][capacity][E] for v, f32 or f16: a head's keys are
 * contiguous. Each cache has its own length and positions: layers and heads may hold different
 * tokens. Kernels: cl/cache_*.cl. Tests: tests/kernels/test_cache.c */
#ifndef ATT_CACHE_H
#define ATT_CACHE_H

#include "attend/attn.h"
#include "buffer.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_cache {
    att_view k, v; /* in the storage dtype */
    int32_t capacity, kv_heads, d_qk, d_v;
    int32_t length; /* tokens held; host state, set back to drop the newest ones */
} att_cache;

att_status att_cache_init(att_cache *cache, att_arena *arena, const char *what, att_dtype dtype,
                          int32_t capacity, int32_t kv_heads, int32_t d_qk, int32_t d_v,
                          att_err *err);

/* Appends rows of k[n, G*D] and v[n, G*E] (both f32 or f16, any stride) and grows length.
 * ATT_E_SHAPE when the capacity does not hold them: nothing is written. */
att_status att_cache_append(att_queue *queue, att_cache *cache, att_mat k, att_mat v, att_err *err);

/* The cache as the k and v of a call, n_k = length. */
void att_cache_views(const att_cache *cache, att_attn_call *call);

size_t att_cache_kernels(const att_device *device, att_dtype storage, att_kernel_id *list,
                         size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_CACHE_H */
