/* gemv_cpu.cl - gemm_cpu for one row of x: bound by reading the weight once.
 *
 * One work-item makes 64 columns: 64/NR panels side by side, so that their sums hide the latency of
 * each other; each sum runs over k in order, exactly as in gemm_cpu.
 * Launch:  groups {panels * NR / 64, 1, 1}, work-groups of one; the panels are padded to that.
 * Build:   -D ACT=vec, -D W_F16 for a half weight.  Prelude: types.clh act.clh epilogue.clh.
 * Oracle:  att_ref_linear(), as gemm_cpu. */
#define NR (2 * VL)
#define AHEAD 64 /* rows of a panel */
#if VL == 16
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
    const int n = get_global_id(0) * 64;
    const size_t panel = (size_t)K * NR;
    if (n >= N) return;
    x += x_at;
    y += y_at;
    if (bias) bias += bias_at;
    if (gate) gate += gate_at;
    if (residual) residual += residual_at;
    w += w_at + (size_t)get_global_id(0) * K * 64;
#define DECLARE(p) vec a##p = (vec)(0.0f), b##p = (vec)(0.0f);
    EACH(DECLARE)
#undef DECLARE
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
#define FINISH(p)                                                                                  \
    epilogue(a##p, n + p * NR, N, bias, act, gate, residual, y);                                   \
    epilogue(b##p, n + p * NR + VL, N, bias, act, gate, residual, y);
    EACH(FINISH)
#undef FINISH
}
