/* linear.c - one weight matrix: which kernel runs it (linear.h). Packing: linear_pack.c.
 * Tests: tests/kernels/test_linear.c */
#include "linear.h"

#include "linear_internal.h"
#include "mem.h"

void att_linear_destroy(att_linear *linear)
{
    att_free(linear);
}

int32_t att_linear_rows(const att_linear *linear)
{
    return linear->rows;
}

int32_t att_linear_cols(const att_linear *linear)
{
    return linear->cols;
}

static int32_t ceil_div(int32_t a, int32_t b)
{
    return (a + b - 1) / b;
}

static att_status check_shapes(const att_linear *l, const att_mat *x, const att_mat *y,
                               const att_epilogue *e, att_err *err)
{
    if (x->cols != l->cols || y->cols != l->rows || x->rows != y->rows || x->rows < 0)
        return att_fail(err, ATT_E_SHAPE, "apply linear [%d,%d]: x is [%d,%d], y is [%d,%d]",
                        l->rows, l->cols, x->rows, x->cols, y->rows, y->cols);
    if (x->view.dtype != ATT_F32 || y->view.dtype != ATT_F32)
        return att_fail(err, ATT_E_UNSUPPORTED, "apply linear: x is %s and y %s, expected f32",
                        att_dtype_name(x->view.dtype), att_dtype_name(y->view.dtype));
    if (att_view_given(&e->residual.view) &&
        (e->residual.rows != y->rows || e->residual.cols != y->cols))
        return att_fail(err, ATT_E_SHAPE, "apply linear: the residual is [%d,%d], y is [%d,%d]",
                        e->residual.rows, e->residual.cols, y->rows, y->cols);
    return ATT_OK;
}

static att_status launch_many(att_queue *queue, const att_linear *l, const att_mat *x,
                              const att_mat *y, const att_epilogue *e, att_launch *launch,
                              att_err *err)
{
    const att_arg args[] = {
        att_arg_i32(x->rows),
        att_arg_i32(l->rows),
        att_arg_i32(l->cols),
        att_arg_view(x->view),
        att_arg_i32(x->stride),
        att_arg_view(l->weight),
        att_arg_view(l->bias),
        att_arg_i32((int32_t)e->act),
        att_arg_view(e->gate),
        att_arg_view(e->residual.view),
        att_arg_i32(e->residual.stride),
        att_arg_view(y->view),
        att_arg_i32(y->stride),
    };
    launch->args = args;
    launch->n_args = sizeof args / sizeof *args;
    return att_queue_launch(queue, launch, err);
}

static att_status launch_one(att_queue *queue, const att_linear *l, const att_mat *x,
                             const att_mat *y, const att_epilogue *e, att_launch *launch,
                             att_err *err)
{
    const att_arg args[] = {
        att_arg_i32(l->rows),    att_arg_i32(l->cols),           att_arg_view(x->view),
        att_arg_view(l->weight), att_arg_view(l->bias),          att_arg_i32((int32_t)e->act),
        att_arg_view(e->gate),   att_arg_view(e->residual.view), att_arg_view(y->view),
    };
    launch->args = args;
    launch->n_args = sizeof args / sizeof *args;
    return att_queue_launch(queue, launch, err);
}

att_status att_linear_apply(att_queue *queue, const att_linear *l, att_mat x, att_mat y,
                            const att_epilogue *epilogue, att_err *err)
{
    static const att_epilogue none = {
        ATT_ACT_NONE, {{NULL, NULL, 0, ATT_F32}, 0, 0, 0}, {NULL, NULL, 0, ATT_F32}};
    const att_epilogue *e = epilogue ? epilogue : &none;
    const att_status bad = check_shapes(l, &x, &y, e, err);
    if (bad) return att_fail_in(err, bad, "%s", l->name);
    if (x.rows == 0) return ATT_OK;
    const int f16 = l->weight.dtype == ATT_F16, cpu = l->panel > 1;
    const double m = x.rows, n = l->rows, k = l->cols;
    att_launch launch = {
        .groups = {1, 1, 1},
        .flops = 2.0 * m * n * k,
        .bytes = n * k * (double)att_dtype_bytes(l->weight.dtype) + 4.0 * m * (n + k),
    };
    if (x.rows == 1) {
        launch.kernel = cpu ? (f16 ? ATT_K_GEMV_CPU_F16 : ATT_K_GEMV_CPU_F32)
                            : (f16 ? ATT_K_GEMV_ANY_F16 : ATT_K_GEMV_ANY_F32);
        launch.groups[0] = cpu ? ceil_div(l->rows, ATTI_LINEAR_COLUMNS) : l->rows;
        return launch_one(queue, l, &x, &y, e, &launch, err);
    }
    if (cpu) {
        launch.kernel = f16 ? ATT_K_GEMM_CPU_F16 : ATT_K_GEMM_CPU_F32;
        launch.groups[0] = ceil_div(l->rows, l->panel);
        launch.groups[1] = ceil_div(x.rows, l->panel == 32 ? 12 * 16 : 6 * 16);
    } else {
        launch.kernel = f16 ? ATT_K_GEMM_ANY_F16 : ATT_K_GEMM_ANY_F32;
        launch.groups[0] = ceil_div(l->rows, 64);
        launch.groups[1] = ceil_div(x.rows, 64);
    }
    return launch_many(queue, l, &x, &y, e, &launch, err);
}

att_status att_linear_rows_of(att_queue *queue, const att_linear *l, att_view ids, att_mat y,
                              att_mat add, att_err *err)
{
    if (y.cols != l->cols ||
        (att_view_given(&add.view) && (add.cols != y.cols || add.rows < y.rows)))
        return att_fail(err, ATT_E_SHAPE, "rows of %s [%d,%d]: y is [%d,%d], add is [%d,%d]",
                        l->name, l->rows, l->cols, y.rows, y.cols, add.rows, add.cols);
    const att_arg args[] = {
        att_arg_i32(y.rows),    att_arg_i32(l->rows),    att_arg_i32(l->cols),
        att_arg_i32(l->panel),  att_arg_view(l->weight), att_arg_view(ids),
        att_arg_view(add.view), att_arg_i32(add.stride), att_arg_view(y.view),
        att_arg_i32(y.stride),
    };
    const att_launch launch = {
        .kernel = l->weight.dtype == ATT_F16 ? ATT_K_ROWS_ANY_F16 : ATT_K_ROWS_ANY_F32,
        .groups = {ceil_div(l->cols, 64), y.rows, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args,
        .bytes = (double)y.rows * y.cols * 8.0,
    };
    return att_queue_launch(queue, &launch, err);
}

size_t att_linear_kernels(const att_device *device, att_dtype weights, att_kernel_id *list,
                          size_t room)
{
    static const att_kernel_id ALL[2][2][3] = {
        {{ATT_K_GEMM_ANY_F32, ATT_K_GEMV_ANY_F32, ATT_K_ROWS_ANY_F32},
         {ATT_K_GEMM_ANY_F16, ATT_K_GEMV_ANY_F16, ATT_K_ROWS_ANY_F16}},
        {{ATT_K_GEMM_CPU_F32, ATT_K_GEMV_CPU_F32, ATT_K_ROWS_ANY_F32},
         {ATT_K_GEMM_CPU_F16, ATT_K_GEMV_CPU_F16, ATT_K_ROWS_ANY_F16}},
    };
    const att_kernel_id *all = ALL[att_device_cpu_bodies(device) != 0][weights == ATT_F16];
    size_t n = 0;
    for (; n < 3 && n < room; n++) list[n] = all[n];
    return n;
}
