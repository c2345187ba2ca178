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

void atti_push_mask(atti_args *args, const atti_attn_job *job)
{
    const att_attn_mask *mask = &job->call.mask;
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
    atti_push_heads(args, job);
}

void atti_push_heads(atti_args *args, const atti_attn_job *job)
{
    atti_push_view(args, job->call.head_class);
    atti_push_i32(args, job->of_class);
}

/* A range of rows, whose end 0 is that of all. */
static void push_rows(atti_args *args, const att_attn_call *c, int32_t begin, int32_t end)
{
    atti_push_i32(args, begin);
    atti_push_i32(args, end ? end : c->n_q);
}

void atti_push_score(atti_args *args, const att_attn_call *c)
{
    atti_push_f32(args, c->softcap);
    atti_push_operand(args, &c->bias);
    push_rows(args, c, c->bias_row_begin, c->bias_row_end);
    atti_push_view(args, c->abs_gain);
    push_rows(args, c, c->gain_row_begin, c->gain_row_end);
}

static void push_classes(atti_args *args, const atti_attn_job *job)
{
    const att_attn_classes *k = &job->call.classes;
    atti_push_i32(args, (int32_t)k->rule);
    atti_push_view(args, k->key_class);
    atti_push_i32(args, k->per_head ? job->all_keys : 0);
    for (int i = 0; i < ATT_ATTN_MAX_CLASSES; i++) atti_push_f32(args, k->gain[i]);
    atti_push_i32(args, k->target);
    push_rows(args, &job->call, k->row_begin, k->row_end);
    atti_push_i32(args, (int32_t)k->when_of);
    atti_push_i32(args, (int32_t)k->when_part_of);
    atti_push_f32(args, k->when_mass);
    atti_push_f32(args, k->when_part);
}

void atti_push_fields(atti_args *args, const atti_attn_job *job)
{
    const att_attn_call *c = &job->call;
    if (!atti_attn_has_fields(c)) return;
    atti_push_score(args, c);
    atti_push_view(args, c->sink_logit);
    atti_push_view(args, c->token_gain);
    atti_push_view(args, c->diag_mix);
    push_rows(args, c, c->mix_row_begin, c->mix_row_end);
    push_classes(args, job);
    atti_push_view(args, c->taps.class_mass);
}

void atti_push_key_taps(atti_args *args, const atti_attn_job *job)
{
    const att_attn_taps *t = &job->call.taps;
    atti_push_score(args, &job->call);
    atti_push_view(args, t->lse);
    atti_push_view(args, t->row_weight);
    atti_push_i32(args, job->all_keys);
    atti_push_i32(args, t->band_low);
    atti_push_i32(args, t->band_high);
    atti_push_view(args, t->key_mean);
    atti_push_view(args, t->key_band_mean);
}

void atti_push_call(atti_args *args, const atti_attn_job *job)
{
    const att_attn_call *c = &job->call;
    atti_push_query(args, c);
    atti_push_operand(args, &c->k);
    atti_push_operand(args, &c->v);
    atti_push_out(args, c);
    atti_push_view(args, c->taps.lse);
    atti_push_mask(args, job);
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

att_status atti_attn_merge(att_queue *queue, const atti_attn_job *job, int32_t chunks,
                           att_view parts, att_err *err)
{
    const att_attn_call *c = &job->call;
    const int fields = atti_attn_has_fields(c), half = c->v.view.dtype == ATT_F16;
    atti_args args = {.n = 0};
    atti_push_i32(&args, chunks);
    atti_push_i32(&args, c->d_v);
    atti_push_view(&args, parts);
    atti_push_out(&args, c);
    atti_push_view(&args, c->taps.lse);
    atti_push_i32(&args, c->out.view.dtype == ATT_F16);
    atti_push_heads(&args, job);
    atti_push_fields(&args, job);
    if (fields) {
        atti_push_i32(&args, c->n_k);
        atti_push_i32(&args, c->heads / c->kv_heads);
        atti_push_operand(&args, &c->v);
    }
    const att_launch launch = {.kernel = fields ? half ? ATT_K_ATTN_MERGE_FIELDS_ANY_F16
                                                       : ATT_K_ATTN_MERGE_FIELDS_ANY_F32
                                                : ATT_K_ATTN_MERGE_ANY,
                               .groups = {c->n_q, c->heads, c->batch},
                               .args = args.list,
                               .n_args = args.n};
    return att_queue_launch(queue, &launch, err);
}
