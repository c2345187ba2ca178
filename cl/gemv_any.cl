/* gemv_any.cl - gemm_any for one row of x: a work-group of LANES a column, summed as a tree.
 *
 * Launch:  groups {N, 1, 1}, work-groups {LANES, 1, 1}.
 * Build:   -D ACT=float, -D W_F16 for a half weight, or as blocks.clh.  Prelude: types.clh act.clh
 *          values.clh, blocks.clh.
 * Oracle:  att_ref_linear(), as gemm_any. */
#define LANES 64

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void gemv_any(const int N, const int K, __global const float *x, const int x_at,
              __global const WEIGHT *w, const int w_at, __global const float *bias,
              const int bias_at, const int act, __global const float *gate, const int gate_at,
              __global const float *residual, const int residual_at, __global float *y,
              const int y_at, const int x_f16, const int y_f16)
{
    __local float part[LANES];
    const int lane = get_local_id(0), n = get_group_id(0);
    float sum = 0.0f;
    w += w_at;
    for (int k = lane; k < K; k += LANES)
        sum = fma(value_load(x, x_at + k, x_f16), weight_at(w, (size_t)n * K + k), sum);
    part[lane] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_of = LANES / 2; half_of > 0; half_of /= 2) {
        if (lane < half_of) part[lane] += part[lane + half_of];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (lane == 0 && n < N) {
        float v = act_apply(act, bias ? part[0] + bias[bias_at + n] : part[0]);
        if (gate) v *= gate[gate_at + n];
        if (residual) v += residual[residual_at + n];
        value_store(v, y, y_at + n, y_f16);
    }
}
