/* attn.c - attention on a device (attn.h): checks the call, picks the body, launches it.
 * Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"
#include "ceil_div.h"

enum {
    ROWS = 16,  /* of a work-group, cl/attn_any.cl */
    CHUNK = 64, /* keys of one, when there are too few rows to fill a device */
    STEP = 32,  /* keys that a work-group scores at a time */
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
    /* By fields, width above 64, half keys. */
    static const att_kernel_id KERNELS[2][2][2] = {
        {{ATT_K_ATTN_64_ANY_F32, ATT_K_ATTN_64_ANY_F16},
         {ATT_K_ATTN_128_ANY_F32, ATT_K_ATTN_128_ANY_F16}},
        {{ATT_K_ATTN_64_FIELDS_ANY_F32, ATT_K_ATTN_64_FIELDS_ANY_F16},
         {ATT_K_ATTN_128_FIELDS_ANY_F32, ATT_K_ATTN_128_FIELDS_ANY_F16}}};
    const int wide = c->d_qk > 64 || c->d_v > 64;
    return KERNELS[atti_attn_has_fields(c)][wide][c->k.view.dtype == ATT_F16];
}

/* Keys of a chunk. With fields a part is wider, so that there are fewer: scratch stays as it is. */
static int32_t chunk_keys(const att_attn_call *c)
{
    const int32_t chunks = chunks_of(c);
    if (chunks == 1) return c->n_k;
    if (!atti_attn_has_fields(c)) return CHUNK;
    const int32_t part = atti_attn_sets(c) * c->d_v + 3 + ATT_ATTN_MAX_CLASSES;
    const int32_t most = chunks * (c->d_v + 3) / part;
    return most < 2 ? c->n_k : att_ceil_div(att_ceil_div(c->n_k, most), STEP) * STEP;
}

static att_status portable(att_queue *queue, const atti_attn_job *job, att_view scratch,
                           att_err *err)
{
    const att_attn_call *c = &job->call;
    const int32_t keys = chunk_keys(c), chunks = c->n_k > keys ? att_ceil_div(c->n_k, keys) : 1;
    const int32_t groups[] = {att_ceil_div(c->n_q, ROWS) * chunks, c->heads, c->batch};
    atti_args args = {.n = 0};
    atti_push_call(&args, job);
    atti_push_view(&args, scratch);
    atti_push_i32(&args, chunks);
    atti_push_i32(&args, keys);
    atti_push_i32(&args, c->out.view.dtype == ATT_F16);
    atti_push_fields(&args, job);
    const att_status status = atti_attn_launch(queue, c, portable_kernel(c), groups, &args, err);
    return status || chunks == 1 ? status : atti_attn_merge(queue, job, chunks, scratch, err);
}

/* What a body needs, of all classes of heads. */
static int64_t body_scratch(att_device *device, const att_attn_call *call)
{
    int64_t most = 0;
    for (int32_t i = 0; i < atti_attn_n_jobs(call); i++) {
        atti_attn_job job;
        atti_attn_job_of(call, i, &job);
        const int64_t n = att_device_cpu_bodies(device) ? atti_attn_cpu_scratch(device, &job.call)
                          : atti_attn_nv_takes(device, &job.call) ? 0
                                                                  : portable_scratch(&job.call);
        if (n > most) most = n;
    }
    return most;
}

/* Whether the rows' lse needs a place in the scratch, or may need one. */
static int keeps_lse(const att_attn_call *c)
{
    if (!att_view_given(&c->q.view)) return 1;
    return !att_view_given(&c->taps.lse) && (atti_attn_wants_stats(c) || atti_attn_wants_keys(c));
}

int64_t att_attn_scratch(att_device *device, const att_attn_call *call)
{
    const int64_t rows = (int64_t)call->batch * call->heads * call->n_q;
    return body_scratch(device, call) + (keeps_lse(call) && rows > 0 ? rows : 0);
}

/* The body, then what reads its lse. */
static att_status run_job(att_queue *queue, const atti_attn_job *job, att_view scratch,
                          att_err *err)
{
    const att_attn_call *c = &job->call;
    const int cpu = att_device_cpu_bodies(att_queue_device(queue));
    att_status status = cpu ? atti_attn_cpu(queue, job, scratch, err)
                        : atti_attn_nv_takes(att_queue_device(queue), c)
                            ? atti_attn_nv(queue, job, err)
                            : portable(queue, job, scratch, err);
    if (!status && atti_attn_wants_stats(c)) status = atti_attn_stats(queue, job, err);
    if (status || !atti_attn_wants_keys(c)) return status;
    return cpu && atti_attn_cpu_takes_keys(c) ? atti_attn_cpu_keys(queue, job, scratch, err)
                                              : atti_attn_keys(queue, job, err);
}

att_status att_attn(att_queue *queue, const att_attn_call *call, att_view scratch, att_err *err)
{
    att_device *device = att_queue_device(queue);
    att_status status = atti_attn_check(call, err);
    if (status) return status;
    const int64_t need = att_attn_scratch(device, call);
    if (need) status = atti_attn_check_room("scratch", &scratch, need, err);
    if (status || call->n_q == 0) return status;
    if (att_device_cpu_bodies(device) && call->out.view.dtype != ATT_F32)
        return att_fail(err, ATT_E_UNSUPPORTED, "attend: out is f16, cpu bodies write f32");
    for (int32_t i = 0; !status && i < atti_attn_n_jobs(call); i++) {
        atti_attn_job job;
        atti_attn_job_of(call, i, &job);
        if (keeps_lse(call)) job.call.taps.lse = att_view_at(scratch, body_scratch(device, call));
        status = run_job(queue, &job, scratch, err);
    }
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

/* Kernels of one job that plain calls do not launch. */
static size_t job_kernels(att_device *device, const att_attn_call *c, att_kernel_id *list,
                          size_t room)
{
    const int f16 = c->k.view.dtype == ATT_F16, cpu = att_device_cpu_bodies(device);
    size_t n = cpu ? atti_attn_cpu_call_kernels(device, c, list, room) : 0;
    if (!cpu && atti_attn_has_fields(c)) {
        n = atti_attn_add(list, n, room, portable_kernel(c));
        n = atti_attn_add(list, n, room,
                          f16 ? ATT_K_ATTN_MERGE_FIELDS_ANY_F16 : ATT_K_ATTN_MERGE_FIELDS_ANY_F32);
    }
    if (atti_attn_wants_stats(c))
        n = atti_attn_add(list, n, room, f16 ? ATT_K_ATTN_STATS_ANY_F16 : ATT_K_ATTN_STATS_ANY_F32);
    if (atti_attn_wants_keys(c)) /* on a CPU for few queries */
        n = atti_attn_add(list, n, room, f16 ? ATT_K_ATTN_KEYS_ANY_F16 : ATT_K_ATTN_KEYS_ANY_F32);
    if (att_view_given(&c->taps.scores) || att_view_given(&c->taps.probabilities))
        n = atti_attn_add(list, n, room,
                          f16 ? ATT_K_ATTN_SCORES_ANY_F16 : ATT_K_ATTN_SCORES_ANY_F32);
    if (att_view_given(&c->taps.probabilities))
        n = atti_attn_add(list, n, room, ATT_K_ATTN_PROBS_ANY);
    return n;
}

size_t att_attn_call_kernels(att_device *device, const att_attn_call *call, att_kernel_id *list,
                             size_t room)
{
    atti_attn_job job; /* classes of heads differ in masks alone, which are the same kernels' */
    atti_attn_job_of(call, 0, &job);
    return job_kernels(device, &job.call, list, room);
}
