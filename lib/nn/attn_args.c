/* attn_args.c - calls of attention as kernel arguments and launches (attn_internal.h).
 * Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"

#include <assert.h>

static void push(atti_args *args, att_arg arg)
{
    assert(args->n < ATTI_ATTN_MAX_ARGS);
    args->list[args->n++] = arg;
}

void atti_push_i32(atti_args *args, int32_t x)
{
    push(args, att_arg_i32(x));
}

void atti_push_f32(atti_args *args, float x)
{
    push(args, att_arg_f32(x));
}

void atti_push_view(atti_args *args, att_view view)
{
    push(args, att_arg_view(view));
}

void atti_push_operand(atti_args *args, const att_attn_view *operand)
{
    atti_push_view(args, operand->view);
    atti_push_i32(args, (int32_t)operand->batch);
    atti_push_i32(args, (int32_t)operand->head);
    atti_push_i32(args, (int32_t)operand->token);
}

void atti_push_out(atti_args *args, const att_attn_call *c)
{
    atti_push_operand(args, &c->out);
    atti_push_i32(args, c->accumulate);
    atti_push_view(args, c->head_gain);
}

void atti_push_query(atti_args *args, const att_attn_call *c)
{
    atti_push_i32(args, c->n_q);
    atti_push_i32(args, c->n_k);
    atti_push_i32(args, c->d_qk);
    atti_push_i32(args, c->d_v);
    atti_push_i32(args, c->heads / c->kv_heads);
    atti_push_f32(args, c->scale);
    atti_push_view(args, c->head_scale);
    atti_push_operand(args, &c->q);
    atti_push_i32(args, c->q.view.dtype == ATT_F16);
}

void atti_push_mask(atti_args *args, const att_attn_mask *mask)
{
    atti_push_i32(args, (int32_t)mask->flags);
    atti_push_i32(args, mask->left);
    atti_push_i32(args, mask->right);
    atti_push_i32(args, mask->n_sink);
    atti_push_i32(args, mask->n_global);
    atti_push_i32(args, mask->q_first);
    atti_push_i32(args, mask->k_first);
    atti_push_view(args, mask->q_pos);
    atti_push_view(args, mask->k_pos);
    atti_push_view(args, mask->q_span);
    atti_push_view(args, mask->k_span);
    atti_push_view(args, mask->q_seq);
    atti_push_view(args, mask->k_seq);
    atti_push_view(args, mask->bits);
}

void atti_push_call(atti_args *args, const att_attn_call *c)
{
    atti_push_query(args, c);
    atti_push_operand(args, &c->k);
    atti_push_operand(args, &c->v);
    atti_push_out(args, c);
    atti_push_view(args, c->taps.lse);
    atti_push_mask(args, &c->mask);
}

att_status atti_attn_launch(att_queue *queue, const att_attn_call *call, att_kernel_id kernel,
                            const int32_t groups[3], const atti_args *args, att_err *err)
{
    const double rows = (double)call->batch * call->heads * call->n_q;
    const double keys = (double)call->batch * call->kv_heads * call->n_k;
    const double width = (double)call->d_qk + call->d_v;
    const att_launch launch = {
        .kernel = kernel,
        .groups = {groups[0], groups[1], groups[2]},
        .args = args->list,
        .n_args = args->n,
        .flops = 2.0 * rows * call->n_k * width,
        .bytes = 4.0 * rows * width + keys * width * (double)att_dtype_bytes(call->k.view.dtype),
    };
    return att_queue_launch(queue, &launch, err);
}

att_status atti_attn_merge(att_queue *queue, const att_attn_call *c, int32_t chunks, att_view parts,
                           att_err *err)
{
    atti_args args = {.n = 0};
    atti_push_i32(&args, chunks);
    atti_push_i32(&args, c->d_v);
    atti_push_view(&args, parts);
    atti_push_out(&args, c);
    atti_push_view(&args, c->taps.lse);
    atti_push_i32(&args, c->out.view.dtype == ATT_F16);
    const att_launch launch = {.kernel = ATT_K_ATTN_MERGE_ANY,
                               .groups = {c->n_q, c->heads, c->batch},
                               .args = args.list,
                               .n_args = args.n};
    return att_queue_launch(queue, &launch, err);
}
