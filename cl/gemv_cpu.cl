/* gemv_cpu.cl - gemm_cpu for one row of x: bound by reading the weight once.
 *
 * One work-item makes COLUMNS columns: panels side by side, so that their sums hide the latency of
 * each other; each sum runs over k in order, exactly as in gemm_cpu.
 * Launch:  groups {ceil(N/COLUMNS), 1, 1}, work-groups of one; panels are padded to 64 columns.
 * Build:   -D ACT=vec, -D W_F16 for a half weight, or as blocks.clh.  Prelude: types.clh act.clh
 *          epilogue.clh, blocks.clh.
 * Oracle:  att_ref_linear(), as gemm_cpu. */
#define NR (2 * VL)
#ifdef W_BITS
#define COLUMNS (2 * NR) /* what is unpacked takes registers too */
#else
#define COLUMNS 64
#define AHEAD 64 /* rows of a panel */
#endif
#if COLUMNS == 2 * NR
#define EACH(X) X(0) X(1)
#else
#define EACH(X) X(0) X(1) X(2) X(3)
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemv_cpu(const int N, const int K, __global const float *restrict x, const int x_at,
              __global const WEIGHT *restrict w, const int w_at, __global const float *bias,
              const int bias_at, const int act, __global const float *gate, const int gate_at,
              __global const float *residual, const int residual_at, __global float *y,
              const int y_at)
{
    const int n = get_global_id(0) * COLUMNS;
    if (n >= N) return;
    x += x_at;
    y += y_at;
    if (bias) bias += bias_at;
    if (gate) gate += gate_at;
    if (residual) residual += residual_at;
#define DECLARE(p) vec a##p = (vec)(0.0f), b##p = (vec)(0.0f);
    EACH(DECLARE)
#undef DECLARE
#ifdef W_BITS
    const size_t panel = (size_t)(K / BLOCK) * NR * BLOCK_BYTES;
    w += w_at + n / NR * panel;
    for (int k = 0; k < K; k += BLOCK, w += NR * BLOCK_BYTES) {
#define SCALES(p)                                                                                  \
    block_fetch(w + p * panel);                                                                    \
    const vec da##p = block_scale(w + p * panel, 0), ca##p = block_shift(w + p * panel, 0, da##p); \
    const vec db##p = block_scale(w + p * panel, VL);                                              \
    const vec cb##p = block_shift(w + p * panel, VL, db##p);
        EACH(SCALES)
#undef SCALES
#pragma unroll
        for (int j = 0; j < BLOCK_WORDS; j++) {
            const vec t0 = (vec)(x[k + 4 * j]), t1 = (vec)(x[k + 4 * j + 1]);
            const vec t2 = (vec)(x[k + 4 * j + 2]), t3 = (vec)(x[k + 4 * j + 3]);
#define WORD(at, sum, d, c, p)                                                                     \
    {                                                                                              \
        const vec_uint word = block_word(w + p * panel, at, j);                                    \
        sum##p = fma(t0, fma(block_number(word, 0), d##p, c##p), sum##p);                          \
        sum##p = fma(t1, fma(block_number(word, 1), d##p, c##p), sum##p);                          \
        sum##p = fma(t2, fma(block_number(word, 2), d##p, c##p), sum##p);                          \
        sum##p = fma(t3, fma(block_number(word, 3), d##p, c##p), sum##p);                          \
    }
#define STEP(p) WORD(0, a, da, ca, p) WORD(VL, b, db, cb, p)
            EACH(STEP)
#undef STEP
#undef WORD
        }
    }
#else
    const size_t panel = (size_t)K * NR;
    w += w_at + (size_t)n * K;
    for (int k = 0; k < K; k++) {
        const vec t = (vec)(x[k]);
#define STEP(p)                                                                                    \
    fetch_ahead(w + p * panel + (k + AHEAD) * NR);                                                 \
    if (sizeof(WEIGHT) == sizeof(float)) fetch_ahead(w + p * panel + (k + AHEAD) * NR + VL);       \
    a##p = fma(t, weight_vec(w + p * panel + k * NR), a##p);                                       \
    b##p = fma(t, weight_vec(w + p * panel + k * NR + VL), b##p);
        EACH(STEP)
#undef STEP
    }
#endif
#define FINISH(p)                                                                                  \
    epilogue(a##p, n + p * NR, N, bias, act, gate, residual, y);                                   \
    epilogue(b##p, n + p * NR + VL, N, bias, act, gate, residual, y);
    EACH(FINISH)
#undef FINISH
}
