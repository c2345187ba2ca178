/* attn_cpu.c - the `cpu` bodies of attention (attn_internal.h): few queries straight from the
 * cache, many queries over packed keys and values. The sizes alone decide, so results do not depend
 * on the number of threads. Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"
#include "ceil_div.h"

enum {
    FEW = 8,   /* queries up to which packing all keys costs more than it saves */
    ROWS = 24, /* queries of a work-item, cl/attn_cpu.cl */
    KEYS = 64  /* keys of one, cl/attn_keys_cpu.cl */
};

/* By the dtype of keys and values (f32, f16) and of products (f32, bf16). */
static const att_kernel_id PACK[2][2] = {{ATT_K_ATTN_PACK_CPU_F32, ATT_K_ATTN_PACK_CPU_F32_BF16},
                                         {ATT_K_ATTN_PACK_CPU_F16, ATT_K_ATTN_PACK_CPU_F16_BF16}};
/* Without and with fields. */
static const att_kernel_id MANY[2][2] = {{ATT_K_ATTN_CPU, ATT_K_ATTN_CPU_BF16},
                                         {ATT_K_ATTN_FIELDS_CPU, ATT_K_ATTN_FIELDS_CPU_BF16}};
static const att_kernel_id OVER_KEYS[2] = {ATT_K_ATTN_KEYS_CPU, ATT_K_ATTN_KEYS_CPU_BF16};

/* Halves are widened once for several queries, and for several sums of values. */
static att_kernel_id few_of(int f16, int several, int fields)
{
    if (fields) return f16 ? ATT_K_ATTN_FEW_FIELDS_CPU_F16 : ATT_K_ATTN_FEW_FIELDS_CPU_F32;
    if (!f16) return ATT_K_ATTN_FEW_CPU_F32;
    return several ? ATT_K_ATTN_FEW_CPU_F16_WIDEN : ATT_K_ATTN_FEW_CPU_F16;
}

/* Columns of a panel: two vectors of cl/types.clh. */
static int32_t panel_width(const att_device *device)
{
    return att_device_get_info(device)->vector_width >= 16 ? 32 : 16;
}

/* f32 elements of the packed keys, and of the packed values behind them; as bf16 half of it. */
static void packed_sizes(const att_device *device, const att_attn_call *c, int64_t *keys,
                         int64_t *values)
{
    const int32_t width = panel_width(device);
    const int64_t padded = (int64_t)att_ceil_div(c->n_k, width) * width;
    const int64_t heads = (int64_t)c->batch * c->kv_heads;
    *keys = heads * padded * c->d_qk;
    *values = heads * padded * att_ceil_div(c->d_v, width) * width;
}

int64_t atti_attn_cpu_scratch(const att_device *device, const att_attn_call *c)
{
    int64_t keys, values;
    if (c->n_q <= FEW) return 0;
    packed_sizes(device, c, &keys, &values);
    return keys + values;
}

static att_status few(att_queue *queue, const atti_attn_job *job, att_err *err)
{
    const att_attn_call *c = &job->call;
    const att_kernel_id kernel =
        few_of(c->k.view.dtype == ATT_F16, c->n_q > 1, atti_attn_has_fields(c));
    const int32_t groups[] = {c->heads, c->batch, 1};
    atti_args args = {.n = 0};
    atti_push_call(&args, job);
    atti_push_fields(&args, job);
    return atti_attn_launch(queue, c, kernel, groups, &args, err);
}

/* Products of bf16 where they are wanted and the device has them fast. */
static int of_bf16(att_device *device, att_precision precision)
{
    return precision != ATT_PRECISION_EXACT && att_device_has(device, ATT_FEATURE_DOT_BF16);
}

static att_status pack(att_queue *queue, const att_attn_call *c, att_view keys, att_view values,
                       att_err *err)
{
    const int32_t panels = att_ceil_div(c->n_k, panel_width(att_queue_device(queue)));
    atti_args args = {.n = 0};
    atti_push_i32(&args, c->n_k);
    atti_push_i32(&args, c->d_qk);
    atti_push_i32(&args, c->d_v);
    atti_push_operand(&args, &c->k);
    atti_push_operand(&args, &c->v);
    atti_push_view(&args, keys);
    atti_push_view(&args, values);
    const att_launch launch = {
        .kernel = PACK[c->k.view.dtype == ATT_F16][of_bf16(att_queue_device(queue), c->precision)],
        .groups = {panels, c->kv_heads, c->batch},
        .args = args.list,
        .n_args = args.n};
    return att_queue_launch(queue, &launch, err);
}

static att_status many(att_queue *queue, const atti_attn_job *job, att_view scratch, att_err *err)
{
    const att_attn_call *c = &job->call;
    const int bf16 = of_bf16(att_queue_device(queue), c->precision);
    const int32_t groups[] = {att_ceil_div(c->n_q, ROWS), c->heads, c->batch};
    int64_t n_keys, n_values;
    packed_sizes(att_queue_device(queue), c, &n_keys, &n_values);
    const att_view values = att_view_at(scratch, n_keys);
    att_status status = pack(queue, c, scratch, values, err);
    if (status) return status;
    atti_args args = {.n = 0};
    atti_push_query(&args, c);
    atti_push_view(&args, scratch);
    atti_push_view(&args, values);
    atti_push_out(&args, c);
    atti_push_view(&args, c->taps.lse);
    atti_push_mask(&args, job);
    atti_push_fields(&args, job);
    return atti_attn_launch(queue, c, MANY[atti_attn_has_fields(c)][bf16], groups, &args, err);
}

att_status atti_attn_cpu(att_queue *queue, const atti_attn_job *job, att_view scratch, att_err *err)
{
    return job->call.n_q <= FEW ? few(queue, job, err) : many(queue, job, scratch, err);
}

int atti_attn_cpu_takes_keys(const att_attn_call *c)
{
    return c->n_q > FEW;
}

att_status atti_attn_cpu_keys(att_queue *queue, const atti_attn_job *job, att_view scratch,
                              att_err *err)
{
    const att_attn_call *c = &job->call;
    const int bf16 = of_bf16(att_queue_device(queue), c->precision);
    const int32_t groups[] = {att_ceil_div(job->all_keys, KEYS), c->heads, c->batch};
    atti_args args = {.n = 0};
    atti_push_query(&args, c);
    atti_push_view(&args, scratch);
    atti_push_mask(&args, job);
    atti_push_key_taps(&args, job);
    return atti_attn_launch(queue, c, OVER_KEYS[bf16], groups, &args, err);
}

size_t atti_attn_cpu_call_kernels(att_device *device, const att_attn_call *c, att_kernel_id *list,
                                  size_t room)
{
    const int f16 = c->k.view.dtype == ATT_F16, bf16 = of_bf16(device, c->precision);
    size_t n = 0;
    if (atti_attn_has_fields(c)) {
        n = atti_attn_add(list, n, room, MANY[1][bf16]);
        n = atti_attn_add(list, n, room, few_of(f16, 0, 1));
    }
    if (atti_attn_wants_keys(c)) n = atti_attn_add(list, n, room, OVER_KEYS[bf16]);
    return n;
}

size_t atti_attn_cpu_kernels(att_device *device, att_dtype keys, att_precision precision,
                             att_kernel_id *list, size_t room)
{
    const int f16 = keys == ATT_F16, bf16 = of_bf16(device, precision);
    size_t n = 0;
    if (n < room) list[n++] = MANY[0][bf16];
    if (n < room) list[n++] = PACK[f16][bf16];
    if (n < room) list[n++] = few_of(f16, 0, 0);
    if (n < room && f16) list[n++] = few_of(f16, 1, 0);
    return n;
}
