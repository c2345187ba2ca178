/* block.c - the forward pass of one transformer block (block.h), one op a line.
 * Tests: tests/kernels/test_block.c */
#include "block.h"

#include <math.h>
#include <string.h>

att_status att_block_check(const att_block_desc *d, att_err *err)
{
    if (d->width < 1 || d->heads < 1 || d->kv_heads < 1 || d->head_width < 1 || d->ffn_width < 1)
        return att_fail(err, ATT_E_ARG,
                        "describe block: width %d, heads %d, kv heads %d, head width %d, ffn %d; "
                        "each must be positive",
                        d->width, d->heads, d->kv_heads, d->head_width, d->ffn_width);
    if (d->heads % d->kv_heads)
        return att_fail(err, ATT_E_ARG, "describe block: %d heads do not divide into %d kv heads",
                        d->heads, d->kv_heads);
    if (d->post_norm)
        return att_fail(err, ATT_E_UNSUPPORTED, "describe block: post-norm is not built yet");
    return att_rope_check(&d->rope, d->head_width, err);
}

void att_block_finish(att_block *block)
{
    att_linear_destroy(block->self_qkv);
    att_linear_destroy(block->self_out);
    att_linear_destroy(block->cross_q);
    att_linear_destroy(block->cross_kv);
    att_linear_destroy(block->cross_out);
    att_linear_destroy(block->ffn_in);
    att_linear_destroy(block->ffn_out);
    memset(block, 0, sizeof *block);
}

static int32_t q_width(const att_block_desc *d)
{
    return d->heads * d->head_width;
}

static int32_t kv_width(const att_block_desc *d)
{
    return d->kv_heads * d->head_width;
}

/* Rows of ffn_in. */
static int32_t ffn_rows(const att_block_desc *d)
{
    return d->ffn == ATT_FFN_SWIGLU ? 2 * d->ffn_width : d->ffn_width;
}

static int32_t wide_width(const att_block_desc *d)
{
    const int32_t qkv = q_width(d) + 2 * kv_width(d), ffn = ffn_rows(d);
    return qkv > ffn ? qkv : ffn;
}

/* The matrix as q or out [T,H,D] (heads side by side in a row). */
static att_attn_view heads_of(att_mat m, int32_t head_width)
{
    att_attn_view v;
    memset(&v, 0, sizeof v);
    v.view = m.view;
    v.batch = (int64_t)m.rows * m.stride;
    v.head = head_width;
    v.token = m.stride;
    return v;
}

/* The policy with this block's shapes in it; k, v and n_k are still to be set. */
static att_attn_call call_of(const att_block_desc *d, const att_attn_call *policy, att_mat q,
                             att_mat out)
{
    att_attn_call call;
    memset(&call, 0, sizeof call);
    if (policy) call = *policy;
    call.batch = 1;
    call.precision = d->precision;
    call.heads = d->heads;
    call.kv_heads = d->kv_heads;
    call.d_qk = call.d_v = d->head_width;
    call.n_q = q.rows;
    call.q = heads_of(q, d->head_width);
    call.out = heads_of(out, d->head_width);
    if (!att_view_given(&call.head_scale) && call.scale == 0.0f)
        call.scale = 1.0f / sqrtf((float)d->head_width);
    return call;
}

att_status att_block_scratch_init(att_block_scratch *scratch, att_arena *arena, att_device *device,
                                  const att_block_desc *desc, int32_t max_tokens, int32_t max_keys,
                                  att_err *err)
{
    const int32_t width = desc->width > q_width(desc) ? desc->width : q_width(desc);
    const att_mat any = att_mat_of((att_view){0}, max_tokens, width);
    att_attn_call call = call_of(desc, NULL, any, any);
    call.n_k = max_keys;
    const int64_t attn = att_attn_scratch(device, &call);
    const int halves = att_linear_operand(device, desc->precision) == ATT_F16;
    const att_dtype dtype = halves ? ATT_F16 : ATT_F32;
    att_status status = att_arena_take(arena, "block scratch", dtype, (int64_t)max_tokens * width,
                                       &scratch->hidden, err);
    if (!status)
        status = att_arena_take(arena, "block scratch", dtype,
                                (int64_t)max_tokens * wide_width(desc), &scratch->wide, err);
    if (!status)
        status = att_arena_take(arena, "attention scratch", ATT_F32, attn > 0 ? attn : 1,
                                &scratch->attn, err);
    scratch->attn_room = attn;
    scratch->max_tokens = max_tokens;
    return status;
}

/* How many parts the call of the first, which has no cache, can be: those behind it that are as
 * long and have neither cache nor policy, in what scratch there is. */
static int32_t alike(att_queue *queue, const att_block_call *run, const att_block_scratch *scratch,
                     int32_t first, att_attn_call call)
{
    const att_block_part *parts = run->parts + first;
    for (call.batch = 1; !parts->self_policy && call.batch < run->n_parts - first; call.batch++) {
        const att_block_part *p = &parts[call.batch];
        if (p->self_cache || p->self_policy || p->rows != parts->rows) break;
    }
    while (call.batch > 1 && att_attn_scratch(att_queue_device(queue), &call) > scratch->attn_room)
        call.batch--;
    return call.batch;
}

/* Parts from the first on, as many as can be one call: their rows of qkv and of the attention's
 * output, of which the matrices are the first's. */
static att_status self_attend_parts(att_queue *queue, const att_block_desc *d,
                                    const att_block_scratch *scratch, const att_block_call *run,
                                    att_mat qkv, att_mat heads, int32_t *i, att_err *err)
{
    const int32_t nq = q_width(d), nk = kv_width(d);
    const att_block_part *part = &run->parts[*i];
    const att_mat k = att_mat_cols(qkv, nq, nk), v = att_mat_cols(qkv, nq + nk, nk);
    att_status status = ATT_OK;
    att_attn_call call = call_of(d, part->self_policy, att_mat_cols(qkv, 0, nq), heads);
    if (part->self_cache) {
        status = att_cache_append(queue, part->self_cache, k, v, err);
        att_cache_views(part->self_cache, &call);
    } else {
        call.k = heads_of(k, d->head_width);
        call.v = heads_of(v, d->head_width);
        call.n_k = part->rows;
        call.batch = alike(queue, run, scratch, *i, call);
    }
    *i += call.batch;
    return status ? status : att_attn(queue, &call, scratch->attn, err);
}

/* Queries and keys, which lie beside each other, to their positions. */
static att_status turn(att_queue *queue, const att_block *block, const att_block_call *run,
                       att_mat qk, att_err *err)
{
    att_status status = ATT_OK;
    if (block->desc.rope.kind == ATT_ROPE_NONE) return ATT_OK;
    for (int32_t i = 0, at = 0; !status && i < run->n_parts; at += run->parts[i++].rows) {
        const att_block_part *part = &run->parts[i];
        status = att_rope_apply(queue, &block->rope, att_mat_rows(qk, at, part->rows), part->first,
                                part->positions, err);
    }
    return status;
}

static att_status self_attend(att_queue *queue, const att_block *block,
                              const att_block_scratch *scratch, const att_block_call *run,
                              att_err *err)
{
    const att_block_desc *d = &block->desc;
    const int32_t n = run->x.rows, nq = q_width(d);
    const att_mat h = att_mat_of(scratch->hidden, n, d->width);
    const att_mat heads = att_mat_of(scratch->hidden, n, nq);
    const att_mat qkv = att_mat_of(scratch->wide, n, nq + 2 * kv_width(d));

    att_status status = att_norm_apply(queue, &block->self_norm, run->x, h, err);
    if (!status) status = att_linear_apply(queue, block->self_qkv, h, qkv, NULL, err);
    if (!status) status = turn(queue, block, run, att_mat_cols(qkv, 0, nq + kv_width(d)), err);
    if (!status && run->look)
        status = run->look->see(run->look->user, queue, att_mat_cols(qkv, 0, nq),
                                att_mat_cols(qkv, nq, kv_width(d)),
                                att_mat_cols(qkv, nq + kv_width(d), kv_width(d)), err);
    for (int32_t i = 0, at = 0; !status && i < run->n_parts;) {
        const int32_t first = i, rows = run->parts[i].rows;
        status = self_attend_parts(queue, d, scratch, run, att_mat_rows(qkv, at, rows),
                                   att_mat_rows(heads, at, rows), &i, err);
        at += (i - first) * rows;
    }
    const att_epilogue residual = {ATT_ACT_NONE, run->x, {0}};
    if (!status) status = att_linear_apply(queue, block->self_out, heads, run->x, &residual, err);
    return status;
}

static att_status cross_attend(att_queue *queue, const att_block *block,
                               const att_block_scratch *scratch, const att_block_call *run,
                               att_err *err)
{
    const att_block_desc *d = &block->desc;
    const int32_t n = run->x.rows;
    const att_mat h = att_mat_of(scratch->hidden, n, d->width);
    const att_mat heads = att_mat_of(scratch->hidden, n, q_width(d));
    const att_mat q = att_mat_of(scratch->wide, n, q_width(d));

    att_status status = att_norm_apply(queue, &block->cross_norm, run->x, h, err);
    if (!status) status = att_linear_apply(queue, block->cross_q, h, q, NULL, err);
    for (int32_t i = 0, at = 0; !status && i < run->n_parts; at += run->parts[i++].rows) {
        const att_block_part *part = &run->parts[i];
        att_attn_call call = call_of(d, part->cross_policy, att_mat_rows(q, at, part->rows),
                                     att_mat_rows(heads, at, part->rows));
        att_cache_views(part->memory, &call);
        status = att_attn(queue, &call, scratch->attn, err);
    }
    const att_epilogue residual = {ATT_ACT_NONE, run->x, {0}};
    if (!status) status = att_linear_apply(queue, block->cross_out, heads, run->x, &residual, err);
    return status;
}

static att_act act_of(att_ffn_kind ffn)
{
    switch (ffn) {
    case ATT_FFN_GELU_TANH:
        return ATT_ACT_GELU_TANH;
    case ATT_FFN_GELU_QUICK:
        return ATT_ACT_GELU_QUICK;
    case ATT_FFN_RELU:
        return ATT_ACT_RELU;
    case ATT_FFN_GELU_ERF:
        return ATT_ACT_GELU_ERF;
    case ATT_FFN_SWIGLU:
        break; /* an op of its own */
    }
    return ATT_ACT_NONE;
}

static att_status feed_forward(att_queue *queue, const att_block *block,
                               const att_block_scratch *scratch, att_mat x, att_err *err)
{
    const att_block_desc *d = &block->desc;
    const att_mat h = att_mat_of(scratch->hidden, x.rows, d->width);
    const att_mat wide = att_mat_of(scratch->wide, x.rows, ffn_rows(d));
    const att_mat inner = att_mat_cols(wide, 0, d->ffn_width);
    const att_epilogue act = {act_of(d->ffn), {{0}, 0, 0, 0}, {0}};
    const att_epilogue residual = {ATT_ACT_NONE, x, {0}};

    att_status status = att_norm_apply(queue, &block->ffn_norm, x, h, err);
    if (!status) status = att_linear_apply(queue, block->ffn_in, h, wide, &act, err);
    if (!status && d->ffn == ATT_FFN_SWIGLU) status = att_swiglu_apply(queue, wide, inner, err);
    if (!status) status = att_linear_apply(queue, block->ffn_out, inner, x, &residual, err);
    return status;
}

static att_status check_call(const att_block *block, const att_block_scratch *scratch,
                             const att_block_call *call, att_err *err)
{
    int32_t rows = 0;
    if (call->x.rows > scratch->max_tokens || call->x.cols != block->desc.width)
        return att_fail(err, ATT_E_SHAPE,
                        "run block: x is [%d,%d], the scratch holds %d tokens of width %d",
                        call->x.rows, call->x.cols, scratch->max_tokens, block->desc.width);
    if (block->rope.kind != block->desc.rope.kind)
        return att_fail(err, ATT_E_ARG, "run block: its rotary positions were not made");
    for (int32_t i = 0; i < call->n_parts; i++) {
        rows += call->parts[i].rows;
        if (!block->desc.cross != !call->parts[i].memory)
            return att_fail(err, ATT_E_ARG, "run block: a memory is %s",
                            call->parts[i].memory ? "given to a block without cross-attention"
                                                  : "missing for its cross-attention");
    }
    if (rows == call->x.rows) return ATT_OK;
    return att_fail(err, ATT_E_SHAPE, "run block: its parts have %d rows, x has %d", rows,
                    call->x.rows);
}

att_status att_block_apply(att_queue *queue, const att_block *block,
                           const att_block_scratch *scratch, const att_block_call *call,
                           att_err *err)
{
    const att_status bad = check_call(block, scratch, call, err);
    if (bad) return bad;
    att_status status = self_attend(queue, block, scratch, call, err);
    if (!status && block->desc.cross) status = cross_attend(queue, block, scratch, call, err);
    if (!status) status = feed_forward(queue, block, scratch, call->x, err);
    return status;
}

att_status att_block_remember(att_queue *queue, const att_block *block,
                              const att_block_scratch *scratch, att_mat rows, att_cache *memory,
                              att_err *err)
{
    const int32_t nk = kv_width(&block->desc);
    if (rows.rows > scratch->max_tokens)
        return att_fail(err, ATT_E_SHAPE, "remember %d rows: the scratch holds %d", rows.rows,
                        scratch->max_tokens);
    const att_mat kv = att_mat_of(scratch->wide, rows.rows, 2 * nk);
    memory->length = 0;
    att_status status = att_linear_apply(queue, block->cross_kv, rows, kv, NULL, err);
    if (!status)
        status =
            att_cache_append(queue, memory, att_mat_cols(kv, 0, nk), att_mat_cols(kv, nk, nk), err);
    return status;
}

size_t att_block_kernels(att_device *device, const att_block_desc *d, att_dtype weights,
                         att_dtype keys, att_kernel_id *list, size_t room)
{
    size_t n = att_linear_kernels(device, weights, d->precision, list, room);
    n += att_norm_kernels(device, list + n, room - n);
    n += att_cache_kernels(device, keys, list + n, room - n);
    n += att_attn_kernels(device, keys, d->precision, list + n, room - n);
    if (d->rope.kind != ATT_ROPE_NONE) n += att_rope_kernels(device, list + n, room - n);
    if (d->ffn == ATT_FFN_SWIGLU) n += att_swiglu_kernels(device, list + n, room - n);
    return n;
}

size_t att_block_policy_kernels(att_device *device, const att_block_desc *d,
                                const att_attn_call *policy, att_dtype keys, att_kernel_id *list,
                                size_t room)
{
    const att_mat none = att_mat_of((att_view){0}, 0, d->head_width);
    att_attn_call call = call_of(d, policy, none, none);
    call.k.view.dtype = keys;
    return att_attn_call_kernels(device, &call, list, room);
}
