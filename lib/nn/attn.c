/* attn.c - attention on a device (attn.h): checks the call, picks the body, launches it.
 * Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"
#include "ceil_div.h"

enum {
    ROWS = 16,  /* of a work-group, cl/attn_any.cl */
    CHUNK = 64, /* keys of one, when there are too few rows to fill a device */
    FULL = 256  /* work-groups that do */
};

/* Sizes of one batch row alone decide, so that results depend neither on the device nor on what is
 * beside it. */
static int32_t chunks_of(const att_attn_call *c)
{
    const int64_t groups = (int64_t)att_ceil_div(c->n_q, ROWS) * c->heads;
    return groups < FULL && c->n_k > CHUNK ? att_ceil_div(c->n_k, CHUNK) : 1;
}

/* Parts of a call with at most so many queries and keys. */
static int64_t portable_scratch(const att_attn_call *c)
{
    const int64_t streams = (int64_t)c->heads * c->batch;
    if (streams < 1) return 0; /* senseless, which is told elsewhere */
    const int64_t split_rows = (FULL - 1) / c->heads * ROWS;
    const int64_t rows = c->n_q < split_rows ? c->n_q : split_rows;
    if (c->n_k <= CHUNK) return 0;
    return streams * rows * att_ceil_div(c->n_k, CHUNK) * (c->d_v + 3);
}

static att_kernel_id portable_kernel(const att_attn_call *c)
{
    const int half = c->k.view.dtype == ATT_F16;
    if (c->d_qk <= 64 && c->d_v <= 64) return half ? ATT_K_ATTN_64_ANY_F16 : ATT_K_ATTN_64_ANY_F32;
    return half ? ATT_K_ATTN_128_ANY_F16 : ATT_K_ATTN_128_ANY_F32;
}

static att_status portable(att_queue *queue, const att_attn_call *c, att_view scratch, att_err *err)
{
    const int32_t chunks = chunks_of(c);
    const int32_t groups[] = {att_ceil_div(c->n_q, ROWS) * chunks, c->heads, c->batch};
    atti_args args = {.n = 0};
    atti_push_call(&args, c);
    atti_push_view(&args, scratch);
    atti_push_i32(&args, chunks);
    atti_push_i32(&args, chunks > 1 ? CHUNK : c->n_k);
    atti_push_i32(&args, c->out.view.dtype == ATT_F16);
    const att_status status = atti_attn_launch(queue, c, portable_kernel(c), groups, &args, err);
    return status || chunks == 1 ? status : atti_attn_merge(queue, c, chunks, scratch, err);
}

int64_t att_attn_scratch(att_device *device, const att_attn_call *call)
{
    if (att_device_cpu_bodies(device)) return atti_attn_cpu_scratch(device, call);
    return atti_attn_nv_takes(device, call) ? 0 : portable_scratch(call);
}

att_status att_attn(att_queue *queue, const att_attn_call *call, att_view scratch, att_err *err)
{
    const int64_t need = att_attn_scratch(att_queue_device(queue), call);
    att_status bad = atti_attn_check(call, err);
    if (!bad && need) bad = atti_attn_check_room("scratch", &scratch, need, err);
    if (bad || call->n_q == 0) return bad;
    const int cpu = att_device_cpu_bodies(att_queue_device(queue));
    if (cpu && call->out.view.dtype != ATT_F32)
        return att_fail(err, ATT_E_UNSUPPORTED, "attend: out is f16, cpu bodies write f32");
    const att_status status = cpu ? atti_attn_cpu(queue, call, scratch, err)
                              : atti_attn_nv_takes(att_queue_device(queue), call)
                                  ? atti_attn_nv(queue, call, err)
                                  : portable(queue, call, scratch, err);
    return status ? status : atti_attn_tap_maps(queue, call, err);
}

size_t att_attn_kernels(att_device *device, att_dtype keys, att_precision precision,
                        att_kernel_id *list, size_t room)
{
    const int f16 = keys == ATT_F16;
    size_t n = 0;
    if (!att_device_cpu_bodies(device)) {
        if (room > 0) list[n++] = f16 ? ATT_K_ATTN_64_ANY_F16 : ATT_K_ATTN_64_ANY_F32;
        if (room > 1) list[n++] = ATT_K_ATTN_MERGE_ANY;
        const int nv = f16 && room > 3 && att_device_has(device, ATT_FEATURE_MMA_F16);
        const int group = nv && att_device_has(device, ATT_FEATURE_WARPGROUP_F16);
        if (nv) list[n++] = group ? ATT_K_ATTN_64_WARPGROUP_NV : ATT_K_ATTN_64_NV;
        if (nv) list[n++] = group ? ATT_K_ATTN_64_MASKS_WARPGROUP_NV : ATT_K_ATTN_64_MASKS_NV;
        return n; /* wider heads are compiled when they come */
    }
    return atti_attn_cpu_kernels(device, keys, precision, list, room);
}
