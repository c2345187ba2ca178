/* ref.h - every op in plain C: slow, obvious, the truth that kernels are held to.
 *
 * Needs nothing of the other rooms but the plain descriptions in attend/; sums in double. Views are
 * host memory. */
#ifndef ATT_REF_H
#define ATT_REF_H

#include "attend/attn.h"
#include "attend/view.h"

#ifdef __cplusplus
extern "C" {
#endif

/* f16 and bf16 bits to float and back (nearest even; overflow becomes infinity, NaN stays NaN). */
float att_ref_f16_to_f32(uint16_t h);
uint16_t att_ref_f32_to_f16(float x);
float att_ref_bf16_to_f32(uint16_t h);

/* Element i of a host view as a float, for every dtype. */
float att_ref_load(const att_view *v, int64_t i);
/* Element i of a view of f32 or f16 becomes x. */
void att_ref_store(const att_view *v, int64_t i, float x);

/* y[M,N] = residual + gate .* act(x[M,K] w[N,K]^T + bias). act: an att_act number of nn/linear.h:
 * 0 none, 1 gelu with erf, 2 gelu with tanh, 3 relu, 4 silu, 5 quick gelu. bias, gate, residual may
 * be absent. */
void att_ref_linear(const att_mat *x, const att_mat *w, const att_view *bias, int act,
                    const att_view *gate, const att_mat *residual, const att_mat *y);
float att_ref_act(int act, float x);

/* kind: an att_norm_kind number of nn/norm.h: 0 layer, 1 rms, 2 ada. */
void att_ref_norm(int kind, float eps, const att_mat *x, const att_view *gamma,
                  const att_view *beta, const att_mat *y);

/* Rotary positions on x[T][heads*D], in place. kind: an att_rope_kind number of nn/rope.h, 1 half,
 * 2 interleaved, 3 table; scaling: an att_rope_scaling, 0 none, 1 linear, 2 by parts. positions:
 * i32[T], or absent for first + row, or of a table f32[T][width/2]. */
typedef struct att_ref_rope_args {
    int kind, scaling;
    int32_t width, head_width, first;
    double base, factor, low_turns, high_turns, original_context;
    const float *divisors; /* [width/2] or NULL */
    att_view positions;
} att_ref_rope_args;

void att_ref_rope(const att_ref_rope_args *args, const att_mat *x);

/* y[T][F] = silu(x[T][0, F)) * x[T][F, 2F); y may be the first half of x. */
void att_ref_swiglu(const att_mat *x, const att_mat *y);

/* y[m] = x[rows[m]], of i32[M]; NaN where there is no such row. */
void att_ref_gather(const att_mat *x, const att_view *rows, const att_mat *y);

/* x[rows][C_in] padded, w[C_out][C_in][width], y[(rows-width)/stride+1][C_out]. */
void att_ref_conv(const att_mat *x, const att_view *w, const att_view *bias, int32_t width,
                  int32_t stride, int act, const att_mat *residual, const att_mat *y);

/* y[m][k] = sqrt(x[m][k]^2 + x[m][K + k]^2), K columns of y. */
void att_ref_magnitude(const att_mat *x, const att_mat *y);

/* Long short-term memory as PyTorch stores it: input[4H][C], recurrent[4H][H], biases[4H] or
 * absent, rows i, f, g, o; state[2][H] is h, then c, and is carried on. act is on y[T][H] alone. */
typedef struct att_ref_lstm_arrays {
    int32_t width;
    att_view input, recurrent, input_bias, recurrent_bias, state;
} att_ref_lstm_arrays;

void att_ref_lstm(const att_ref_lstm_arrays *arrays, const att_mat *x, int act, const att_mat *y);

/* Of the tokens [first, end) of a row of logits that may come (bit t%32 of word t/32 of forbidden
 * is clear) and are above -infinity: the k highest, the lowest token first of equals, -1 behind the
 * last. Returns ln(sum(exp)) of all of them: -infinity where there is none, NaN where one is NaN or
 * +infinity. */
double att_ref_logits_top(const float *z, const uint32_t *forbidden, int32_t first, int32_t end,
                          int32_t k, int32_t *tokens);

/* Pruning of tokens from whole arrays, by the papers' formulas (modalities/vision/prune*.h).
 *
 * FlowCut, one layer: q[H][D] of the class token (row 0 of k and v), k and v [H][S][D]. a and
 * scores: S - 1 patches. sqrt_d: value products are divided by sqrt(D). */
void att_ref_prune_flowcut(const float *q, const float *k, const float *v, int32_t heads,
                           int32_t n_k, int32_t width, int sqrt_d, double *a, double *scores);
/* In the language model: q and value[H][D] of the asking token, k and v of visual tokens alone. */
void att_ref_prune_flowcut_llm(const float *q, const float *value, const float *k, const float *v,
                               int32_t heads, int32_t n_k, int32_t width, double *scores);
/* Tokens after a layer with `left` behind it, left even. */
int32_t att_ref_prune_count(const double *a, int32_t n, int32_t target, int32_t left);
/* stays[n] is 1 for k tokens: the highest; those that cover a grid; the most different of
 * x[n][width]. */
void att_ref_prune_top(const double *scores, int32_t n, int32_t k, uint8_t *stays);
void att_ref_prune_grid(int32_t rows, int32_t cols, int32_t k, uint8_t *stays);
void att_ref_prune_diverse(const float *x, int32_t n, int32_t width, int32_t k, uint8_t *stays);
/* weight[n][n]: row i, when token i stays or is a centre, is what of each token it is made of;
 * zeros else. n is at most 512. */
void att_ref_prune_merge(const double *scores, const float *keys, int32_t n, int32_t width,
                         int32_t dominant, int32_t merged, double *weight);

/* All of attend/attn.h. NULL, or a constant text that says which promise of the call is broken. */
const char *att_ref_attn(const att_attn_call *call);

/* visible(i, j) of one mask for batch row b; exposed for the tests of the predicate. */
int att_ref_attn_visible(const att_attn_mask *mask, int32_t n_q, int32_t n_k, int32_t b, int32_t i,
                         int32_t j);

#ifdef __cplusplus
}
#endif
#endif /* ATT_REF_H */
