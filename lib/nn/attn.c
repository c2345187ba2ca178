/* attn.c - attention on a device (attn.h): checks the call, picks the body, launches it.
 * Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"

static att_status portable(att_queue *queue, const att_attn_call *c, att_err *err)
{
    enum { ROWS = 64 }; /* of a work-group, cl/attn_any.cl */
    const int32_t groups[] = {(c->n_q + ROWS - 1) / ROWS, c->heads, c->batch};
    const int half = c->k.view.dtype == ATT_F16;
    atti_args args = {.n = 0};
    atti_push_i32(&args, c->n_q);
    atti_push_i32(&args, c->n_k);
    atti_push_i32(&args, c->d_qk);
    atti_push_i32(&args, c->d_v);
    atti_push_i32(&args, c->heads / c->kv_heads);
    atti_push_f32(&args, c->scale);
    atti_push_view(&args, c->head_scale);
    atti_push_operand(&args, &c->q);
    atti_push_i32(&args, c->q.view.dtype == ATT_F16);
    atti_push_operand(&args, &c->k);
    atti_push_operand(&args, &c->v);
    atti_push_operand(&args, &c->out);
    atti_push_view(&args, c->taps.lse);
    atti_push_mask(&args, &c->mask);
    return atti_attn_launch(queue, c, half ? ATT_K_ATTN_ANY_F16 : ATT_K_ATTN_ANY_F32, groups, &args,
                            err);
}

int64_t att_attn_scratch(const att_device *device, const att_attn_call *call)
{
    (void)device;
    (void)call;
    return 0;
}

att_status att_attn(att_queue *queue, const att_attn_call *call, att_view scratch, att_err *err)
{
    (void)scratch;
    const att_status bad = atti_attn_check(call, err);
    if (bad || call->n_q == 0) return bad;
    return portable(queue, call, err);
}

size_t att_attn_kernels(const att_device *device, att_kernel_id *list, size_t room)
{
    static const att_kernel_id ALL[] = {ATT_K_ATTN_ANY_F32, ATT_K_ATTN_ANY_F16};
    size_t n = 0;
    (void)device;
    for (; n < sizeof ALL / sizeof *ALL && n < room; n++) list[n] = ALL[n];
    return n;
}
