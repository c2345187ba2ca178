/* magnitude.c - lengths of complex rows (magnitude.h). Tests: tests/kernels/test_magnitude.c */
#include "magnitude.h"

att_status att_magnitude_apply(att_queue *queue, att_mat x, att_mat y, att_err *err)
{
    if (x.rows != y.rows || x.cols != 2 * y.cols)
        return att_fail(err, ATT_E_SHAPE,
                        "apply magnitude: x is [%d,%d], y is [%d,%d], half as wide is expected",
                        x.rows, x.cols, y.rows, y.cols);
    const att_arg args[] = {
        att_arg_i32(y.rows),   att_arg_i32(y.cols),  att_arg_view(x.view),
        att_arg_i32(x.stride), att_arg_view(y.view), att_arg_i32(y.stride),
    };
    const double n = (double)y.rows * y.cols;
    const att_launch launch = {
        .kernel = ATT_K_MAGNITUDE_ANY,
        .groups = {y.rows, 1, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args,
        .flops = 4.0 * n,
        .bytes = 12.0 * n,
    };
    return att_queue_launch(queue, &launch, err);
}

size_t att_magnitude_kernels(const att_device *device, att_kernel_id *list, size_t room)
{
    (void)device;
    if (room < 1) return 0;
    list[0] = ATT_K_MAGNITUDE_ANY;
    return 1;
}
