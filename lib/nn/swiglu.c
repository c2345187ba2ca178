/* swiglu.c - the gate of a feed-forward part (swiglu.h). Tests: tests/kernels/test_swiglu.c */
#include "swiglu.h"

#include "ceil_div.h"

enum { COLUMNS_A_GROUP = 1024 }; /* of swiglu_cpu */

att_status att_swiglu_apply(att_queue *queue, att_mat x, att_mat y, att_err *err)
{
    if (x.rows != y.rows || x.cols != 2 * y.cols)
        return att_fail(err, ATT_E_SHAPE,
                        "apply swiglu: x is [%d,%d], y is [%d,%d], half as wide is expected",
                        x.rows, x.cols, y.rows, y.cols);
    const int f16 = x.view.dtype == ATT_F16;
    if (x.view.dtype != y.view.dtype || (!f16 && x.view.dtype != ATT_F32))
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "apply swiglu: x is %s and y %s, expected f32 or f16 twice",
                        att_dtype_name(x.view.dtype), att_dtype_name(y.view.dtype));
    const int cpu = !f16 && att_device_cpu_bodies(att_queue_device(queue));
    const att_arg args[] = {
        att_arg_i32(x.rows),  att_arg_i32(y.cols),   att_arg_view(x.view), att_arg_i32(x.stride),
        att_arg_view(y.view), att_arg_i32(y.stride), att_arg_i32(f16),
    };
    const double n = (double)y.rows * y.cols;
    const att_launch launch = {
        .kernel = cpu ? ATT_K_SWIGLU_CPU : ATT_K_SWIGLU_ANY,
        .groups = {att_ceil_div(y.cols, cpu ? COLUMNS_A_GROUP : 64), y.rows, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args - (size_t)cpu, /* which knows f32 alone */
        .flops = 4.0 * n,
        .bytes = 3.0 * (double)att_dtype_bytes(x.view.dtype) * n,
    };
    return att_queue_launch(queue, &launch, err);
}

size_t att_swiglu_kernels(const att_device *device, att_kernel_id *list, size_t room)
{
    if (room < 1) return 0;
    list[0] = att_device_cpu_bodies(device) ? ATT_K_SWIGLU_CPU : ATT_K_SWIGLU_ANY;
    return 1;
}
