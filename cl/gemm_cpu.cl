/* gemm_cpu.cl - y[M,N] = residual + gate .* act(x[M,K] w[N,K]^T + bias), for CPU devices.
 *
 * w is packed in panels of NR = 2*VL columns: [panels][K][NR], zeros behind N. One work-item makes
 * one panel's columns of MB rows: the panel is widened to f32 once for each KT of its K and then
 * reused by all rows, MR at a time, in named accumulators (an indexed array of them would spill).
 * Each sum runs over k in order, so a row's result does not depend on M.
 * Launch:  groups {panels, ceil(M/MB), 1}, work-groups of one.
 * Build:   -D ACT=vec, -D W_F16 for a half weight, or as blocks.clh (w: its panels).
 *          Prelude: types.clh act.clh epilogue.clh, blocks.clh.
 *          -D FEW=4 or 6 for a few rows, so many at a time: the weight is widened as it is read,
 *          since that costs less than keeping it.
 * Oracle:  att_ref_linear(), relative to sum |x||w|: K * 2^-24. */
#define NR (2 * VL)
#ifdef FEW
#define KT K
#define MR FEW
#define AHEAD 64 /* rows of the panel */
#elif VL == 16
#define KT 512
#define MR 12
#else
#define KT 512
#define MR 6
#endif
#define MB (MR * 16)

#if MR == 4
#define EACH_ROW(X) X(0) X(1) X(2) X(3)
#elif MR == 6
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)
#else
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#endif

#ifdef W_BITS
/* Inputs k0 .. k0+depth of a panel as f32; both are whole blocks. */
static inline void widen(__global const uchar *restrict w, int k0, int depth, float *panel)
{
    w += (size_t)(k0 / BLOCK) * NR * BLOCK_BYTES;
    for (int k = 0; k < depth; k += BLOCK, w += NR * BLOCK_BYTES)
        for (int at = 0; at < NR; at += VL) {
            const vec d = block_scale(w, at), c = block_shift(w, at, d);
            float *to = panel + k * NR + at;
#pragma unroll
            for (int j = 0; j < BLOCK_WORDS; j++) {
                const vec_uint word = block_word(w, at, j);
#pragma unroll
                for (int b = 0; b < 4; b++)
                    vec_store(fma(block_number(word, b), d, c), to + (4 * j + b) * NR);
            }
        }
}
#elif !defined(FEW)
static inline void widen(__global const WEIGHT *restrict w, int k0, int depth, float *panel)
{
    for (int k = 0; k < depth; k++) {
        vec_store(weight_vec(w + (size_t)(k0 + k) * NR), panel + k * NR);
        vec_store(weight_vec(w + (size_t)(k0 + k) * NR + VL), panel + k * NR + VL);
    }
}
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_cpu(const int M, const int N, const int K, __global const float *restrict x,
              const int x_at, const int x_stride, __global const WEIGHT *restrict w, const int w_at,
              __global const float *bias, const int bias_at, const int act,
              __global const float *gate, const int gate_at, __global const float *residual,
              const int residual_at, const int residual_stride, __global float *y, const int y_at,
              const int y_stride)
{
#ifdef FEW
#define COLUMNS(k, at) weight_vec(w + (size_t)(k0 + (k)) * NR + (at))
#else
#define COLUMNS(k, at) vec_load(panel + (k) * NR + (at))
    float panel[KT * NR];
#endif
    float part[MB * NR];
    const int n = get_global_id(0) * NR;
    const int first = get_global_id(1) * MB;
    const int end = min(first + MB, M);
    x += x_at;
    y += y_at;
#ifdef W_BITS
    w += w_at + (size_t)get_global_id(0) * (K / BLOCK) * NR * BLOCK_BYTES;
#else
    w += w_at + (size_t)get_global_id(0) * K * NR;
#endif
    if (bias) bias += bias_at;
    if (gate) gate += gate_at;
    if (residual) residual += residual_at;

    for (int k0 = 0; k0 < K; k0 += KT) {
        const int depth = min(KT, K - k0);
#ifndef FEW
        widen(w, k0, depth, panel);
#endif
        for (int m = first; m < end; m += MR) {
            float *p = part + (m - first) * NR;
#define DECLARE(r)                                                                                 \
    __global const float *x##r = x + (size_t)min(m + r, end - 1) * x_stride + k0;                  \
    vec a##r = k0 ? vec_load(p + r * NR) : (vec)(0.0f);                                            \
    vec b##r = k0 ? vec_load(p + r * NR + VL) : (vec)(0.0f);
            EACH_ROW(DECLARE)
#undef DECLARE
            for (int k = 0; k < depth; k++) {
                const vec u = COLUMNS(k, 0), v = COLUMNS(k, VL);
#ifdef FEW
                fetch_ahead(w + (size_t)(k + AHEAD) * NR);
                if (sizeof(WEIGHT) == sizeof(float)) fetch_ahead(w + (size_t)(k + AHEAD) * NR + VL);
#endif
#define STEP(r)                                                                                    \
    {                                                                                              \
        const vec t = (vec)(x##r[k]);                                                              \
        a##r = fma(t, u, a##r);                                                                    \
        b##r = fma(t, v, b##r);                                                                    \
    }
                EACH_ROW(STEP)
#undef STEP
            }
            if (k0 + KT < K) {
#define KEEP(r) vec_store(a##r, p + r * NR); vec_store(b##r, p + r * NR + VL);
                EACH_ROW(KEEP)
#undef KEEP
                continue;
            }
#define FINISH(r)                                                                                  \
    if (m + r < end) {                                                                             \
        __global const float *res = residual ? residual + (size_t)(m + r) * residual_stride : 0;   \
        __global float *out = y + (size_t)(m + r) * y_stride;                                      \
        epilogue(a##r, n, N, bias, act, gate, res, out);                                           \
        epilogue(b##r, n + VL, N, bias, act, gate, res, out);                                      \
    }
            EACH_ROW(FINISH)
#undef FINISH
        }
    }
}
