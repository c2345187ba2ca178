/* attn_nv.c - the `nv` body of attention (attn_internal.h): many queries, all in halves.
 * Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"
#include "ceil_div.h"

enum {
    FEW = 16,  /* queries below which a work-group has too little to share */
    WARPS = 64 /* rows of a work-group, cl/attn_nv.cl; twice as many of ATTN_64_NV */
};

static int whole(const att_attn_view *v, int64_t n)
{
    return v->view.at % n == 0 && v->batch % n == 0 && v->head % n == 0 && v->token % n == 0;
}

int atti_attn_nv_takes(att_device *device, const att_attn_call *c)
{
    const int f16 = c->q.view.dtype == ATT_F16 && c->k.view.dtype == ATT_F16;
    return f16 && !atti_attn_has_fields(c) && c->n_q >= FEW && c->d_qk == c->d_v &&
           (c->d_qk == 64 || c->d_qk == 128) && whole(&c->q, 8) && whole(&c->k, 8) &&
           whole(&c->v, 8) && whole(&c->out, 2) && att_device_has(device, ATT_FEATURE_MMA_F16);
}

att_kernel_id atti_attn_nv_kernel(att_device *device, const att_attn_call *c)
{
    static const att_kernel_id KERNELS[3][2] = {
        {ATT_K_ATTN_64_NV, ATT_K_ATTN_64_MASKS_NV},
        {ATT_K_ATTN_64_WARPGROUP_NV, ATT_K_ATTN_64_MASKS_WARPGROUP_NV},
        {ATT_K_ATTN_128_NV, ATT_K_ATTN_128_MASKS_NV}};
    const int group = att_device_has(device, ATT_FEATURE_WARPGROUP_F16);
    return KERNELS[c->d_qk == 128 ? 2 : group][c->mask.flags != 0];
}

att_status atti_attn_nv(att_queue *queue, const atti_attn_job *job, att_err *err)
{
    const att_attn_call *c = &job->call;
    const att_kernel_id kernel = atti_attn_nv_kernel(att_queue_device(queue), c);
    const int32_t rows = kernel == ATT_K_ATTN_64_NV ? 2 * WARPS : WARPS;
    const int32_t groups[] = {att_ceil_div(c->n_q, rows), c->heads, c->batch};
    atti_args args = {.n = 0};
    atti_push_call(&args, job);
    atti_push_i32(&args, c->out.view.dtype == ATT_F16);
    return atti_attn_launch(queue, c, kernel, groups, &args, err);
}
