/* attn_maps.c - scores and probabilities of listed heads, written out (attn_internal.h). Heads are
 * few and listed on the host, so each is a launch of its own and needs no list on the device.
 * Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"
#include "ceil_div.h"

enum { GROUP = 64 }; /* work-items of a group, cl/attn_scores_any.cl and cl/attn_probs_any.cl */

/* One head's map in [B][n_heads][rows][S]: where it begins, and the stride of b. */
typedef struct head_map {
    att_view view;
    int32_t batch;
} head_map;

static int32_t rows_of(const att_attn_call *c)
{
    return (c->taps.row_end ? c->taps.row_end : c->n_q) - c->taps.row_begin;
}

static head_map map_of(const att_attn_call *c, att_view all, int32_t index)
{
    const int64_t one = (int64_t)rows_of(c) * c->n_k;
    return (head_map){att_view_at(all, index * one), (int32_t)(c->taps.n_heads * one)};
}

static void push_map(atti_args *args, head_map map)
{
    atti_push_view(args, map.view);
    atti_push_i32(args, map.batch);
}

static att_status score(att_queue *queue, const atti_attn_job *job, int32_t head, head_map to,
                        att_err *err)
{
    const att_attn_call *c = &job->call;
    const int half = c->k.view.dtype == ATT_F16;
    atti_args args = {.n = 0};
    atti_push_query(&args, c);
    atti_push_operand(&args, &c->k);
    atti_push_mask(&args, job);
    atti_push_score(&args, c);
    atti_push_i32(&args, head);
    atti_push_i32(&args, c->taps.row_begin);
    atti_push_i32(&args, job->all_keys);
    push_map(&args, to);
    const att_launch launch = {.kernel =
                                   half ? ATT_K_ATTN_SCORES_ANY_F16 : ATT_K_ATTN_SCORES_ANY_F32,
                               .groups = {att_ceil_div(job->all_keys, GROUP), rows_of(c), c->batch},
                               .args = args.list,
                               .n_args = args.n,
                               .flops = 2.0 * c->batch * rows_of(c) * c->n_k * c->d_qk};
    return att_queue_launch(queue, &launch, err);
}

static att_status normalise(att_queue *queue, const att_attn_call *c, int32_t head, head_map from,
                            head_map to, att_err *err)
{
    atti_args args = {.n = 0};
    atti_push_i32(&args, rows_of(c));
    atti_push_i32(&args, c->n_k);
    push_map(&args, from);
    push_map(&args, to);
    atti_push_view(&args, c->sink_logit);
    atti_push_i32(&args, head);
    const att_launch launch = {.kernel = ATT_K_ATTN_PROBS_ANY,
                               .groups = {att_ceil_div(rows_of(c), GROUP), c->batch, 1},
                               .args = args.list,
                               .n_args = args.n};
    return att_queue_launch(queue, &launch, err);
}

att_status atti_attn_tap_maps(att_queue *queue, const att_attn_call *c, att_err *err)
{
    const att_attn_taps *t = &c->taps;
    const int scores = att_view_given(&t->scores);
    const int probabilities = att_view_given(&t->probabilities);
    if ((!scores && !probabilities) || c->n_k == 0) return ATT_OK;
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < t->n_heads; i++) {
        const head_map z = map_of(c, scores ? t->scores : t->probabilities, i);
        for (int32_t n = 0; !status && n < atti_attn_n_jobs(c); n++) {
            atti_attn_job job; /* of which one finds the head in its class */
            atti_attn_job_of(c, n, &job);
            status = score(queue, &job, t->heads[i], z, err);
        }
        if (!status && probabilities)
            status = normalise(queue, c, t->heads[i], z, map_of(c, t->probabilities, i), err);
    }
    return status;
}
