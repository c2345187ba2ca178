/* rope.h - rotary positions: pairs of numbers of a head turn with the position of its token.
 *
 * (a, b) becomes (a cos t - b sin t, b cos t + a sin t); pair i of width R turns by
 * t = position * base^(-2i/R), scaled. Su et al., RoFormer, 2021, equation 34.
 *
 * Speeds are kept as 64-bit fractions of a turn: the product with a position drops whole turns by
 * overflow, so an angle is as good at position 131071 as at 1. cos and sin are within 4e-7 there
 * (t itself within 3e-7), where products of f32 are 8e-3 off. A table of cos and sin for each
 * position would be as good for 67 MB at that length; rows of few tokens are bound by launches.
 *
 * Truth: lib/ref/ref_rope.c. Kernels: cl/rope_*.cl. Tests: tests/kernels/test_rope.c */
#ifndef ATT_ROPE_H
#define ATT_ROPE_H

#include "buffer.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_rope_kind {
    ATT_ROPE_NONE,
    ATT_ROPE_HALF,        /* number i turns with i + R/2 */
    ATT_ROPE_INTERLEAVED, /* 2i with 2i + 1 */
    ATT_ROPE_TABLE        /* as half, but angles are data of the call */
} att_rope_kind;

typedef enum att_rope_scaling {
    ATT_ROPE_UNSCALED,
    ATT_ROPE_LINEAR,  /* all pairs turn 1/factor as fast */
    ATT_ROPE_BY_PARTS /* those do that turn less than low_turns times in original_context tokens;
                       above high_turns they stay, between the two speeds are mixed */
} att_rope_scaling;

/* Which numbers of a head turn, and how fast. */
typedef struct att_rope_desc {
    att_rope_kind kind;
    int32_t width; /* R: the first R numbers of a head turn, even; 0: all of them */
    double base;   /* 10000, say; not of a table */
    att_rope_scaling scaling;
    double factor;
    double low_turns, high_turns, original_context; /* low_freq_factor and high_freq_factor of HF */
    const float *divisors; /* host, f32[R/2] that speeds are divided by besides; or NULL. Of GGUF
                              rope_freqs. Read by att_rope_init() only. */
} att_rope_desc;

/* ATT_E_ARG for numbers that make no rotation of heads this wide, ATT_E_UNSUPPORTED for a width
 * that is not built. */
att_status att_rope_check(const att_rope_desc *desc, int32_t head_width, att_err *err);

/* Made once for a model and copied into its blocks: the arena owns the memory. */
typedef struct att_rope {
    att_rope_kind kind;
    int32_t width, head_width; /* R, D */
    att_view speeds; /* i32[R/2][2]: low and high word of a fraction of a turn; none of a table */
} att_rope;

att_status att_rope_init(att_rope *rope, att_queue *queue, att_arena *arena,
                         const att_rope_desc *desc, int32_t head_width, att_err *err);

/* Turns x[T, heads*D] in place: f32, or f16 (which portable kernels do); any stride, so that q and
 * k may be columns of one matrix. Row i has position first + i, or positions[i] where that is
 * given: i32[T], or for a table the angles f32[T][R/2] in radians. Any i32 is a position. NaN stays
 * in its pair. Allocates nothing. */
att_status att_rope_apply(att_queue *queue, const att_rope *rope, att_mat x, int32_t first,
                          const att_view *positions, att_err *err);

size_t att_rope_kernels(const att_device *device, att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ROPE_H */
