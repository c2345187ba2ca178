/* linear.h - y = x W^T + b with an epilogue; the object that owns one weight matrix.
 *
 * The layout is chosen when the weight is loaded: panels of VW-wide columns for `cpu` bodies, with
 * words of two bf16 or four bytes in them where precision and device allow, rows for portable ones;
 * or blocks of stored bits in either (cl/blocks.clh).
 * Truth: lib/ref/ref_linear.c. Kernels: cl/gemm_*.cl, cl/gemv_*.cl. Tests:
 * tests/kernels/test_linear.c
 */
#ifndef ATT_LINEAR_H
#define ATT_LINEAR_H

#include "attend/precision.h"
#include "blocks.h"
#include "buffer.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_act {
    ATT_ACT_NONE,
    ATT_ACT_GELU_ERF,
    ATT_ACT_GELU_TANH,
    ATT_ACT_RELU,
    ATT_ACT_SILU,
    ATT_ACT_GELU_QUICK /* x sigmoid(1.702 x) */
} att_act;

/* A weight as a file stores it: host memory, rows N (outputs) x cols K (inputs), row-major,
 * possibly unaligned; parts may be stacked below each other (q, k and v as one matrix). */
typedef struct att_weight_part {
    const void *data; /* N x K of dtype: ATT_F32, ATT_F16, ATT_BF16 or ATT_I8; or blocks */
    att_dtype dtype;
    const float *scale; /* ATT_I8: value = data * scale[row]; else NULL. CTranslate2 stores 1/scale:
                           its loader turns it round. */
    int32_t rows;
    const float *bias; /* f32[rows] or NULL (zeros) */
    att_blocks blocks; /* not ATT_BLOCKS_NONE: data is blocks along K, dtype is not looked at */
    int keep_blocks;   /* multiply blocks as they are stored: where all parts ask for it, and are of
                          one kind of q4_0, q4_1, q5_0, q5_1, q8_0 */
} att_weight_part;

typedef struct att_linear att_linear;

/* Packs and uploads; the parts are not needed afterwards. Exact: bf16 and i8 parts are held as f16
 * only if each value survives it, else as f32; f16 stays f16; blocks are unpacked and rounded to
 * f16. Fast: bf16, or f16 on a GPU. int8: whole numbers of -127 .. 127 with a scale a row, its
 * largest / 127; a part of i8 as it is. What the device has no fast products for is held as for the
 * precision above it. All device memory is taken from arena.
 *
 * Blocks that are kept stay what they are, bit for bit but in another order, at every precision. A
 * weight is its block's d q + m in f32; one whose d or m is no finite number is NaN. Exact and
 * fast: f32 products and sums. int8, where att_linear_blocks_precision() says so: each 32 numbers
 * of x as whole numbers with a scale, their largest / 127, times whole q; the sum of each block
 * goes into a f32 sum. */
att_status att_linear_create(att_linear **linear, att_queue *queue, att_arena *arena,
                             const char *name, const att_weight_part *parts, size_t n_parts,
                             int32_t cols, att_precision precision, att_err *err);
void att_linear_destroy(att_linear *linear);       /* the host object; the arena owns the memory */
int32_t att_linear_rows(const att_linear *linear); /* N */
int32_t att_linear_cols(const att_linear *linear); /* K */

/* y = residual + gate .* act(x W^T + b); absent members do nothing. residual is f32[M,N] and may be
 * y itself; gate is f32[N]. */
typedef struct att_epilogue {
    att_act act;
    att_mat residual;
    att_view gate;
} att_epilogue;

/* x[M,K], y[M,N], any strides, f32 or, but for `cpu` bodies, f16; x and y must not overlap.
 * epilogue may be NULL. M = 1 and M large are different kernels behind this one call. Allocates
 * nothing. */
att_status att_linear_apply(att_queue *queue, const att_linear *linear, att_mat x, att_mat y,
                            const att_epilogue *epilogue, att_err *err);

/* y[m] = row ids[m] of the weight + add[m]: an embedding that shares its table with a linear.
 * ids: i32[M] on the device, each in [0, N) (the caller's promise; a row out of range reads as
 * NaN). add: f32[M,K] or absent. */
att_status att_linear_rows_of(att_queue *queue, const att_linear *linear, att_view ids, att_mat y,
                              att_mat add, att_err *err);

/* What both sides of a product are rounded to at that precision on this device: ATT_U8, ATT_BF16,
 * ATT_F16 (x is, where it comes as f16), or ATT_F32 for not at all. */
att_dtype att_linear_operand(att_device *device, att_precision precision);

/* The precision that products really have on this device where `precision` is asked for. */
att_precision att_linear_precision(att_device *device, att_precision precision);

/* The kernels for weights stored as f32 or f16 at that precision; others are compiled when they are
 * first needed. */
size_t att_linear_kernels(att_device *device, att_dtype weights, att_precision precision,
                          att_kernel_id *list, size_t room);

/* The same two of weights in blocks that are kept. */
att_precision att_linear_blocks_precision(att_device *device, att_precision precision);
size_t att_linear_blocks_kernels(att_device *device, att_blocks blocks, att_precision precision,
                                 att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LINEAR_H */
