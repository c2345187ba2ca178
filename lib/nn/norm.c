/* norm.c - norms over rows (norm.h). Tests: tests/kernels/test_norm.c */
#include "norm.h"

#include "ceil_div.h"

enum { ROWS_A_GROUP = 8 }; /* of norm_cpu */

att_status att_norm_apply(att_queue *queue, const att_norm *norm, att_mat x, att_mat y,
                          att_err *err)
{
    if (x.rows != y.rows || x.cols != y.cols)
        return att_fail(err, ATT_E_SHAPE, "apply norm: x is [%d,%d], y is [%d,%d]", x.rows, x.cols,
                        y.rows, y.cols);
    const int cpu = att_device_cpu_bodies(att_queue_device(queue));
    const int y_f16 = y.view.dtype == ATT_F16;
    if (x.view.dtype != ATT_F32 || (y.view.dtype != ATT_F32 && !y_f16) || (cpu && y_f16))
        return att_fail(err, ATT_E_UNSUPPORTED, "apply norm: x is %s and y %s, expected f32%s",
                        att_dtype_name(x.view.dtype), att_dtype_name(y.view.dtype),
                        cpu ? "" : " and f32 or f16");
    const att_arg args[] = {
        att_arg_i32(x.rows),       att_arg_i32(x.cols),      att_arg_i32((int32_t)norm->kind),
        att_arg_f32(norm->eps),    att_arg_view(x.view),     att_arg_i32(x.stride),
        att_arg_view(norm->gamma), att_arg_view(norm->beta), att_arg_view(y.view),
        att_arg_i32(y.stride),     att_arg_i32(y_f16),
    };
    const double n = (double)x.rows * x.cols;
    const att_launch launch = {
        .kernel = cpu ? ATT_K_NORM_CPU : ATT_K_NORM_ANY,
        .groups = {cpu ? att_ceil_div(x.rows, ROWS_A_GROUP) : x.rows, 1, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args - (size_t)cpu, /* which write f32 alone */
        .flops = 8.0 * n,
        .bytes = 8.0 * n,
    };
    return att_queue_launch(queue, &launch, err);
}

size_t att_norm_kernels(const att_device *device, att_kernel_id *list, size_t room)
{
    if (room < 1) return 0;
    list[0] = att_device_cpu_bodies(device) ? ATT_K_NORM_CPU : ATT_K_NORM_ANY;
    return 1;
}
