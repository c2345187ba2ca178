/* attn.c - attention on a device (attn.h): checks the call, picks the body, launches it.
 * Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"

static att_status portable(att_queue *queue, const att_attn_call *c, att_err *err)
{
    enum { ROWS = 64 }; /* of a work-group, cl/attn_any.cl */
    const int32_t groups[] = {(c->n_q + ROWS - 1) / ROWS, c->heads, c->batch};
    const int half = c->k.view.dtype == ATT_F16;
    atti_args args = {.n = 0};
    atti_push_query(&args, c);
    atti_push_operand(&args, &c->k);
    atti_push_operand(&args, &c->v);
    atti_push_out(&args, c);
    atti_push_view(&args, c->taps.lse);
    atti_push_mask(&args, &c->mask);
    return atti_attn_launch(queue, c, half ? ATT_K_ATTN_ANY_F16 : ATT_K_ATTN_ANY_F32, groups, &args,
                            err);
}

int64_t att_attn_scratch(const att_device *device, const att_attn_call *call)
{
    return att_device_cpu_bodies(device) ? atti_attn_cpu_scratch(device, call) : 0;
}

att_status att_attn(att_queue *queue, const att_attn_call *call, att_view scratch, att_err *err)
{
    const int64_t need = att_attn_scratch(att_queue_device(queue), call);
    att_status bad = atti_attn_check(call, err);
    if (!bad && need) bad = atti_attn_check_room("scratch", &scratch, need, err);
    if (bad || call->n_q == 0) return bad;
    const att_status status = att_device_cpu_bodies(att_queue_device(queue))
                                  ? atti_attn_cpu(queue, call, scratch, err)
                                  : portable(queue, call, err);
    return status ? status : atti_attn_tap_maps(queue, call, err);
}

size_t att_attn_kernels(const att_device *device, att_dtype keys, att_kernel_id *list, size_t room)
{
    static const att_kernel_id CPU_F32[] = {ATT_K_ATTN_CPU, ATT_K_ATTN_PACK_CPU_F32,
                                            ATT_K_ATTN_FEW_CPU_F32, ATT_K_ATTN_MERGE_ANY};
    static const att_kernel_id CPU_F16[] = {ATT_K_ATTN_CPU, ATT_K_ATTN_PACK_CPU_F16,
                                            ATT_K_ATTN_FEW_CPU_F16, ATT_K_ATTN_MERGE_ANY};
    const int f16 = keys == ATT_F16;
    size_t n = 0;
    if (!att_device_cpu_bodies(device)) {
        if (room > 0) list[n++] = f16 ? ATT_K_ATTN_ANY_F16 : ATT_K_ATTN_ANY_F32;
        return n;
    }
    for (; n < sizeof CPU_F32 / sizeof *CPU_F32 && n < room; n++)
        list[n] = f16 ? CPU_F16[n] : CPU_F32[n];
    return n;
}
