/* linear.c - one weight matrix: which kernel runs it (linear.h). Packing: linear_pack.c.
 * Tests: tests/kernels/test_linear.c */
#include "linear.h"

#include <string.h>

#include "ceil_div.h"
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

enum { FEW_ROWS = 64 }; /* of a `cpu` product that does not keep the weight it has widened */

static att_status check_shapes(const att_linear *l, const att_mat *x, const att_mat *y,
                               const att_epilogue *e, att_err *err)
{
    if (x->cols != l->cols || y->cols != l->rows || x->rows != y->rows || x->rows < 0)
        return att_fail(err, ATT_E_SHAPE, "apply linear [%d,%d]: x is [%d,%d], y is [%d,%d]",
                        l->rows, l->cols, x->rows, x->cols, y->rows, y->cols);
    const att_dtype dx = x->view.dtype, dy = y->view.dtype;
    const int cpu = l->panel > 1;
    if ((dx != ATT_F32 && (cpu || dx != ATT_F16)) || (dy != ATT_F32 && (cpu || dy != ATT_F16)))
        return att_fail(err, ATT_E_UNSUPPORTED, "apply linear: x is %s and y %s, expected f32%s",
                        att_dtype_name(dx), att_dtype_name(dy), cpu ? "" : " or f16");
    if (att_view_given(&e->residual.view) && e->residual.view.dtype != ATT_F32)
        return att_fail(err, ATT_E_UNSUPPORTED, "apply linear: the residual is %s, expected f32",
                        att_dtype_name(e->residual.view.dtype));
    if (att_view_given(&e->residual.view) &&
        (e->residual.rows != y->rows || e->residual.cols != y->cols))
        return att_fail(err, ATT_E_SHAPE, "apply linear: the residual is [%d,%d], y is [%d,%d]",
                        e->residual.rows, e->residual.cols, y->rows, y->cols);
    return ATT_OK;
}

enum { SHARED_ARGS = 13, MAX_ARGS = SHARED_ARGS + 2 };

/* What every product of several rows is told first. */
static void fill_shared(att_arg args[SHARED_ARGS], const att_linear *l, const att_mat *x,
                        const att_mat *y, const att_epilogue *e)
{
    const att_arg shared[SHARED_ARGS] = {
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
    memcpy(args, shared, sizeof shared);
}

static att_status launch_many(att_queue *queue, const att_linear *l, const att_mat *x,
                              const att_mat *y, const att_epilogue *e, att_launch *launch,
                              att_err *err)
{
    att_arg args[MAX_ARGS];
    fill_shared(args, l, x, y, e);
    args[SHARED_ARGS] = att_arg_i32(x->view.dtype == ATT_F16);
    args[SHARED_ARGS + 1] = att_arg_i32(y->view.dtype == ATT_F16);
    launch->args = args;
    launch->n_args = l->panel > 1 ? SHARED_ARGS : MAX_ARGS; /* `cpu`: f32 alone */
    return att_queue_launch(queue, launch, err);
}

/* Rows of one work-item of gemm_cpu. */
static int32_t cpu_rows(const att_linear *l)
{
    return l->panel == 32 ? 12 * 16 : 6 * 16;
}

/* Words: one kernel for any number of rows. */
static att_status launch_dots(att_queue *queue, const att_linear *l, const att_mat *x,
                              const att_mat *y, const att_epilogue *e, att_launch *launch,
                              att_err *err)
{
    /* To share between threads, where there are few rows; each is worth turning x into words. */
    enum { ITEMS = 32, ITEM_BYTES = 64 << 10, ITEM_BLOCK_BYTES = 32 << 10 };
    const int32_t panels = att_ceil_div(l->rows, l->panel);
    const int32_t blocks = att_ceil_div(x->rows, ATTI_LINEAR_DOT_ROWS);
    const int32_t word = (int32_t)att_dtype_bytes(l->weight.dtype) * l->per;
    const int32_t bytes = l->blocks ? ITEM_BLOCK_BYTES : ITEM_BYTES;
    const int32_t least = att_ceil_div(bytes, l->panel * l->words * word);
    const int32_t even = att_ceil_div(panels, att_ceil_div(ITEMS, blocks));
    const int32_t span = blocks == 1 && even < least ? least : even;
    att_arg args[MAX_ARGS];
    fill_shared(args, l, x, y, e);
    args[SHARED_ARGS] = att_arg_view(l->scale);
    args[SHARED_ARGS + 1] = att_arg_i32(span);
    launch->kernel = l->blocks                   ? atti_linear_blocks_kernel(l->blocks, l->dots)
                     : l->weight.dtype == ATT_U8 ? ATT_K_GEMM_DOT_CPU_INT8
                                                 : ATT_K_GEMM_DOT_CPU_BF16;
    launch->groups[0] = att_ceil_div(panels, span);
    launch->groups[1] = blocks;
    launch->args = args;
    launch->n_args = MAX_ARGS;
    return att_queue_launch(queue, launch, err);
}

static att_status launch_one(att_queue *queue, const att_linear *l, const att_mat *x,
                             const att_mat *y, const att_epilogue *e, att_launch *launch,
                             att_err *err)
{
    const att_arg args[] = {
        att_arg_i32(l->rows),
        att_arg_i32(l->cols),
        att_arg_view(x->view),
        att_arg_view(l->weight),
        att_arg_view(l->bias),
        att_arg_i32((int32_t)e->act),
        att_arg_view(e->gate),
        att_arg_view(e->residual.view),
        att_arg_view(y->view),
        att_arg_i32(x->view.dtype == ATT_F16),
        att_arg_i32(y->view.dtype == ATT_F16),
    };
    launch->args = args;
    launch->n_args = sizeof args / sizeof *args - (l->panel > 1 ? 2 : 0);
    return att_queue_launch(queue, launch, err);
}

static att_status launch_blocks(att_queue *queue, const att_linear *l, const att_mat *x,
                                const att_mat *y, const att_epilogue *e, att_launch *launch,
                                att_err *err)
{
    const int cpu = l->panel > 1, one = x->rows == 1;
    if (cpu && l->dots != ATTI_BLOCKS_GEMM_CPU) return launch_dots(queue, l, x, y, e, launch, err);
    launch->kernel = atti_linear_blocks_kernel(
        l->blocks, one ? (cpu ? ATTI_BLOCKS_GEMV_CPU : ATTI_BLOCKS_GEMV_ANY)
                       : (cpu ? ATTI_BLOCKS_GEMM_CPU : ATTI_BLOCKS_GEMM_ANY));
    if (one) {
        launch->groups[0] = att_ceil_div(l->rows, cpu ? 2 * l->panel : 1);
        return launch_one(queue, l, x, y, e, launch, err);
    }
    launch->groups[0] = att_ceil_div(l->rows, cpu ? l->panel : 64);
    launch->groups[1] = att_ceil_div(x->rows, cpu ? cpu_rows(l) : 64);
    return launch_many(queue, l, x, y, e, launch, err);
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
        .bytes =
            n * l->words * l->per * (double)att_dtype_bytes(l->weight.dtype) + 4.0 * m * (n + k),
    };
    if (l->blocks) return launch_blocks(queue, l, &x, &y, e, &launch, err);
    if (l->per > 1) return launch_dots(queue, l, &x, &y, e, &launch, err);
    if (x.rows == 1) {
        launch.kernel = cpu ? (f16 ? ATT_K_GEMV_CPU_F16 : ATT_K_GEMV_CPU_F32)
                            : (f16 ? ATT_K_GEMV_ANY_F16 : ATT_K_GEMV_ANY_F32);
        launch.groups[0] = cpu ? att_ceil_div(l->rows, ATTI_LINEAR_COLUMNS) : l->rows;
        return launch_one(queue, l, &x, &y, e, &launch, err);
    }
    if (cpu && x.rows <= FEW_ROWS) {
        launch.kernel = x.rows == 5 || x.rows == 6
                            ? (f16 ? ATT_K_GEMM_6_CPU_F16 : ATT_K_GEMM_6_CPU_F32)
                            : (f16 ? ATT_K_GEMM_4_CPU_F16 : ATT_K_GEMM_4_CPU_F32);
        launch.groups[0] = att_ceil_div(l->rows, l->panel);
    } else if (cpu) {
        launch.kernel = f16 ? ATT_K_GEMM_CPU_F16 : ATT_K_GEMM_CPU_F32;
        launch.groups[0] = att_ceil_div(l->rows, l->panel);
        launch.groups[1] = att_ceil_div(x.rows, cpu_rows(l));
    } else if (atti_linear_nv_takes(att_queue_device(queue), l, &x)) {
        atti_linear_nv_choose(att_queue_device(queue), l, x.rows, &launch);
    } else {
        launch.kernel = f16 ? ATT_K_GEMM_ANY_F16 : ATT_K_GEMM_ANY_F32;
        launch.groups[0] = att_ceil_div(l->rows, 64);
        launch.groups[1] = att_ceil_div(x.rows, 64);
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
        att_arg_i32(y.rows),   att_arg_i32(l->rows),    att_arg_i32(l->cols),
        att_arg_i32(l->panel), att_arg_view(l->weight), att_arg_view(l->scale),
        att_arg_view(ids),     att_arg_view(add.view),  att_arg_i32(add.stride),
        att_arg_view(y.view),  att_arg_i32(y.stride),
    };
    const att_dtype dtype = l->weight.dtype;
    const att_launch launch = {
        .kernel = l->blocks           ? atti_linear_blocks_kernel(l->blocks, ATTI_BLOCKS_ROWS_ANY)
                  : dtype == ATT_F16  ? ATT_K_ROWS_ANY_F16
                  : dtype == ATT_BF16 ? ATT_K_ROWS_ANY_BF16
                  : dtype == ATT_U8   ? ATT_K_ROWS_ANY_INT8
                                      : ATT_K_ROWS_ANY_F32,
        .groups = {att_ceil_div(l->cols, 64), y.rows, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args,
        .bytes = (double)y.rows * y.cols * 8.0,
    };
    return att_queue_launch(queue, &launch, err);
}

att_dtype att_linear_operand(att_device *device, att_precision precision)
{
    if (precision == ATT_PRECISION_INT8 && att_device_has(device, ATT_FEATURE_DOT_INT8))
        return ATT_U8;
    if (precision != ATT_PRECISION_EXACT && att_device_has(device, ATT_FEATURE_DOT_BF16))
        return ATT_BF16;
    if (precision != ATT_PRECISION_EXACT && att_device_has(device, ATT_FEATURE_MMA_F16))
        return ATT_F16;
    return ATT_F32;
}

att_precision att_linear_precision(att_device *device, att_precision precision)
{
    const att_dtype operand = att_linear_operand(device, precision);
    return operand == ATT_U8    ? ATT_PRECISION_INT8
           : operand == ATT_F32 ? ATT_PRECISION_EXACT
                                : ATT_PRECISION_FAST;
}

/* What weights stored as f16 or not are multiplied by. */
typedef struct kernels {
    size_t n;
    att_kernel_id id[6];
} kernels;

static const kernels *kernels_of(att_device *device, int f16, att_dtype operand)
{
    static const kernels ANY[2] = {
        {3, {ATT_K_GEMM_ANY_F32, ATT_K_GEMV_ANY_F32, ATT_K_ROWS_ANY_F32}},
        {3, {ATT_K_GEMM_ANY_F16, ATT_K_GEMV_ANY_F16, ATT_K_ROWS_ANY_F16}}};
    static const kernels CPU[2] = {{5,
                                    {ATT_K_GEMM_CPU_F32, ATT_K_GEMM_4_CPU_F32, ATT_K_GEMM_6_CPU_F32,
                                     ATT_K_GEMV_CPU_F32, ATT_K_ROWS_ANY_F32}},
                                   {5,
                                    {ATT_K_GEMM_CPU_F16, ATT_K_GEMM_4_CPU_F16, ATT_K_GEMM_6_CPU_F16,
                                     ATT_K_GEMV_CPU_F16, ATT_K_ROWS_ANY_F16}}};
    static const kernels BF16 = {2, {ATT_K_GEMM_DOT_CPU_BF16, ATT_K_ROWS_ANY_BF16}};
    static const kernels INT8 = {2, {ATT_K_GEMM_DOT_CPU_INT8, ATT_K_ROWS_ANY_INT8}};
    /* x of f32 is no operand of theirs */
    static const kernels MMA = {
        4, {ATT_K_GEMM_NV, ATT_K_GEMM_ANY_F16, ATT_K_GEMV_ANY_F16, ATT_K_ROWS_ANY_F16}};
    static const kernels WARPGROUP = {6,
                                      {ATT_K_GEMM_WARPGROUP_128_NV, ATT_K_GEMM_WARPGROUP_64_NV,
                                       ATT_K_GEMM_WARPGROUP_64_DEEP_NV, ATT_K_GEMM_ANY_F16,
                                       ATT_K_GEMV_ANY_F16, ATT_K_ROWS_ANY_F16}};
    if (operand == ATT_U8) return &INT8;
    if (operand == ATT_BF16) return &BF16;
    if (operand == ATT_F16)
        return att_device_has(device, ATT_FEATURE_WARPGROUP_F16) ? &WARPGROUP : &MMA;
    return att_device_cpu_bodies(device) ? &CPU[f16] : &ANY[f16];
}

size_t att_linear_kernels(att_device *device, att_dtype weights, att_precision precision,
                          att_kernel_id *list, size_t room)
{
    const att_dtype operand = att_linear_operand(device, precision);
    const kernels *k = kernels_of(device, weights == ATT_F16, operand);
    size_t n = 0;
    for (; n < k->n && n < room; n++) list[n] = k->id[n];
    return n;
}
