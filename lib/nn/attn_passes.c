/* attn_passes.c - passes behind a body of attention, which read the lse of its rows: what a row is
 * like and what keys receive (attn_internal.h). They make scores again instead of storing them.
 * Tests: tests/kernels/test_attn.c, test_attn_fields.c */
#include "attn_internal.h"
#include "ceil_div.h"

enum { KEYS = 64 }; /* of a work-group, cl/attn_keys_any.cl */

static void push_pairs(atti_args *args, const atti_attn_job *job)
{
    atti_push_query(args, &job->call);
    atti_push_operand(args, &job->call.k);
    atti_push_mask(args, job);
}

att_status atti_attn_stats(att_queue *queue, const atti_attn_job *job, att_err *err)
{
    const att_attn_call *c = &job->call;
    const att_attn_taps *t = &c->taps;
    const int32_t groups[] = {c->n_q, c->heads, c->batch};
    const int half = c->k.view.dtype == ATT_F16;
    atti_args args = {.n = 0};
    push_pairs(&args, job);
    atti_push_score(&args, c);
    atti_push_view(&args, t->lse);
    atti_push_view(&args, t->entropy);
    atti_push_view(&args, t->distance);
    atti_push_view(&args, t->windowed_distance);
    atti_push_i32(&args, t->distance_window);
    atti_push_view(&args, t->argmax);
    return atti_attn_launch(queue, c, half ? ATT_K_ATTN_STATS_ANY_F16 : ATT_K_ATTN_STATS_ANY_F32,
                            groups, &args, err);
}

att_status atti_attn_keys(att_queue *queue, const atti_attn_job *job, att_err *err)
{
    const att_attn_call *c = &job->call;
    const int32_t groups[] = {att_ceil_div(job->all_keys, KEYS), c->heads, c->batch};
    const int half = c->k.view.dtype == ATT_F16;
    atti_args args = {.n = 0};
    push_pairs(&args, job);
    atti_push_key_taps(&args, job);
    return atti_attn_launch(queue, c, half ? ATT_K_ATTN_KEYS_ANY_F16 : ATT_K_ATTN_KEYS_ANY_F32,
                            groups, &args, err);
}
