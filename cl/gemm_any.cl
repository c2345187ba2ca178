/* gemm_any.cl - y[M,N] = residual + gate .* act(x[M,K] w[N,K]^T + bias), the portable body.
 *
 * x and y are float or, with x_f16 and y_f16, half; w is row-major. A work-group of 16 x 16 makes
 * 64 x 64 of y, each work-item 4 x 4 of it, 16 elements apart so that neighbours read neighbours;
 * tiles of x and w are staged in local memory.
 * Launch:  groups {ceil(N/64), ceil(M/64), 1}, work-groups {16, 16, 1}.
 * Build:   -D ACT=float, -D W_F16 for a half weight, or as blocks.clh.  Prelude: types.clh act.clh
 *          values.clh, blocks.clh.
 * Oracle:  att_ref_linear(), relative to sum |x||w|: K * 2^-24. */
#define TILE 64
#define DEPTH 16

__kernel __attribute__((reqd_work_group_size(16, 16, 1)))
void gemm_any(const int M, const int N, const int K, __global const float *x, const int x_at,
              const int x_stride, __global const WEIGHT *w, const int w_at,
              __global const float *bias, const int bias_at, const int act,
              __global const float *gate, const int gate_at, __global const float *residual,
              const int residual_at, const int residual_stride, __global float *y, const int y_at,
              const int y_stride, const int x_f16, const int y_f16)
{
    __local float x_tile[DEPTH][TILE + 1], w_tile[DEPTH][TILE + 1];
    const int lx = get_local_id(0), ly = get_local_id(1);
    const int n0 = get_group_id(0) * TILE, m0 = get_group_id(1) * TILE;
    float sum[4][4] = {{0.0f}};
    w += w_at;

    for (int k0 = 0; k0 < K; k0 += DEPTH) {
        const int k = k0 + lx;
        for (int i = 0; i < 4; i++) {
            const int m = m0 + ly + 16 * i, n = n0 + ly + 16 * i;
            x_tile[lx][ly + 16 * i] =
                m < M && k < K ? value_load(x, x_at + (size_t)m * x_stride + k, x_f16) : 0.0f;
            w_tile[lx][ly + 16 * i] =
                n < N && k < K ? weight_at(w, (size_t)n * K + k) : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int d = 0; d < DEPTH; d++)
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    sum[i][j] = fma(x_tile[d][ly + 16 * i], w_tile[d][lx + 16 * j], sum[i][j]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const int m = m0 + ly + 16 * i, n = n0 + lx + 16 * j;
            if (m >= M || n >= N) continue;
            float v = act_apply(act, bias ? sum[i][j] + bias[bias_at + n] : sum[i][j]);
            if (gate) v *= gate[gate_at + n];
            if (residual) v += residual[residual_at + (size_t)m * residual_stride + n];
            value_store(v, y, y_at + (size_t)m * y_stride + n, y_f16);
        }
}
