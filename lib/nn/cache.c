/* cache.c - keys and values that outlive a call (cache.h). Tests: tests/kernels/test_cache.c */
#include "cache.h"

#include <string.h>

#include "ceil_div.h"

enum { ROWS_A_GROUP = 16 }; /* of both bodies */

att_status att_cache_init(att_cache *cache, att_arena *arena, const char *what, att_dtype dtype,
                          int32_t capacity, int32_t kv_heads, int32_t d_qk, int32_t d_v,
                          att_err *err)
{
    memset(cache, 0, sizeof *cache);
    if (dtype != ATT_F32 && dtype != ATT_F16)
        return att_fail(err, ATT_E_UNSUPPORTED, "make %s: storage is %s, expected f32 or f16", what,
                        att_dtype_name(dtype));
    cache->capacity = capacity;
    cache->kv_heads = kv_heads;
    cache->d_qk = d_qk;
    cache->d_v = d_v;
    const int64_t tokens = (int64_t)capacity * kv_heads;
    att_status status = att_arena_take(arena, what, dtype, tokens * d_qk, &cache->k, err);
    if (!status) status = att_arena_take(arena, what, dtype, tokens * d_v, &cache->v, err);
    return status;
}

static att_kernel_id kernel_of(int cpu, att_dtype storage)
{
    if (cpu) return storage == ATT_F16 ? ATT_K_CACHE_CPU_F16 : ATT_K_CACHE_CPU_F32;
    return storage == ATT_F16 ? ATT_K_CACHE_ANY_F16 : ATT_K_CACHE_ANY_F32;
}

att_status att_cache_append(att_queue *queue, att_cache *cache, att_mat k, att_mat v, att_err *err)
{
    const int32_t ck = cache->kv_heads * cache->d_qk, cv = cache->kv_heads * cache->d_v;
    if (k.cols != ck || v.cols != cv || k.rows != v.rows)
        return att_fail(err, ATT_E_SHAPE,
                        "append to cache: k is [%d,%d], v is [%d,%d], rows of %d "
                        "and %d are kept",
                        k.rows, k.cols, v.rows, v.cols, ck, cv);
    if (k.view.dtype != v.view.dtype || (k.view.dtype != ATT_F32 && k.view.dtype != ATT_F16))
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "append to cache: k is %s and v %s, expected f32 or f16 twice",
                        att_dtype_name(k.view.dtype), att_dtype_name(v.view.dtype));
    if (k.rows > cache->capacity - cache->length)
        return att_fail(err, ATT_E_SHAPE, "append %d tokens to a cache that holds %d of %d", k.rows,
                        cache->length, cache->capacity);
    const att_arg args[] = {
        att_arg_i32(k.rows),
        att_arg_i32(cache->length),
        att_arg_i32(cache->capacity),
        att_arg_i32(cache->kv_heads),
        att_arg_i32(cache->d_qk),
        att_arg_i32(cache->d_v),
        att_arg_view(k.view),
        att_arg_i32(k.stride),
        att_arg_view(v.view),
        att_arg_i32(v.stride),
        att_arg_view(cache->k),
        att_arg_view(cache->v),
        att_arg_i32(k.view.dtype == ATT_F16),
    };
    const int cpu = k.view.dtype == ATT_F32 && att_device_cpu_bodies(att_queue_device(queue));
    const att_launch launch = {
        .kernel = kernel_of(cpu, cache->k.dtype),
        .groups = {cpu ? cache->kv_heads : att_ceil_div(ck + cv, 64),
                   att_ceil_div(k.rows, ROWS_A_GROUP), 1},
        .args = args,
        .n_args = sizeof args / sizeof *args - (size_t)cpu, /* which knows f32 alone */
        .bytes = (double)k.rows * (ck + cv) * (4.0 + (double)att_dtype_bytes(cache->k.dtype)),
    };
    const att_status status = att_queue_launch(queue, &launch, err);
    if (!status) cache->length += k.rows;
    return status;
}

void att_cache_views(const att_cache *cache, att_attn_call *call)
{
    const int64_t k = (int64_t)cache->capacity * cache->d_qk;
    const int64_t v = (int64_t)cache->capacity * cache->d_v;
    call->k = (att_attn_view){cache->k, k * cache->kv_heads, k, cache->d_qk};
    call->v = (att_attn_view){cache->v, v * cache->kv_heads, v, cache->d_v};
    call->n_k = cache->length;
}

size_t att_cache_kernels(const att_device *device, att_dtype storage, att_kernel_id *list,
                         size_t room)
{
    if (room < 1) return 0;
    list[0] = kernel_of(att_device_cpu_bodies(device), storage);
    return 1;
}
