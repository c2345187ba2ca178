/* gather.c - rows of a matrix by a list (gather.h). Tests: tests/kernels/test_gather.c */
#include "gather.h"

#include "ceil_div.h"

static int is_float(att_dtype dtype)
{
    return dtype == ATT_F32 || dtype == ATT_F16;
}

att_status att_gather_apply(att_queue *queue, att_mat x, att_view rows, att_mat y, att_err *err)
{
    if (x.cols != y.cols)
        return att_fail(err, ATT_E_SHAPE, "gather rows: x is [%d,%d], y is [%d,%d]", x.rows, x.cols,
                        y.rows, y.cols);
    if (!is_float(x.view.dtype) || !is_float(y.view.dtype) || rows.dtype != ATT_I32)
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "gather rows: x is %s, y %s and the list %s, expected f32 or f16 twice and "
                        "i32",
                        att_dtype_name(x.view.dtype), att_dtype_name(y.view.dtype),
                        att_dtype_name(rows.dtype));
    const att_arg args[] = {
        att_arg_i32(y.rows),
        att_arg_i32(y.cols),
        att_arg_i32(x.rows),
        att_arg_view(rows),
        att_arg_view(x.view),
        att_arg_i32(x.stride),
        att_arg_view(y.view),
        att_arg_i32(y.stride),
        att_arg_i32(x.view.dtype == ATT_F16),
        att_arg_i32(y.view.dtype == ATT_F16),
    };
    const att_launch launch = {
        .kernel = ATT_K_GATHER_ANY,
        .groups = {att_ceil_div(y.cols, 64), y.rows, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args,
        .bytes = (double)y.rows * y.cols *
                 (double)(att_dtype_bytes(x.view.dtype) + att_dtype_bytes(y.view.dtype)),
    };
    return att_queue_launch(queue, &launch, err);
}

size_t att_gather_kernels(const att_device *device, att_kernel_id *list, size_t room)
{
    (void)device;
    if (room < 1) return 0;
    list[0] = ATT_K_GATHER_ANY;
    return 1;
}
