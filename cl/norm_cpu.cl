/* norm_cpu.cl - layer, rms and ada norm of rows, for CPU devices: two passes over a row in cache.
 *
 * kind is att_norm_kind of nn/norm.h: 0 layer, 1 rms, 2 ada (gamma and beta are scale and shift).
 * Launch:  groups {ceil(M/ROWS), 1, 1}, work-groups of one.
 * Prelude: types.clh.  Oracle: att_ref_norm(), 1e-5 of the row's largest. */
#define ROWS 8

static inline float lanes_sum(vec x)
{
    float lanes[VL], sum = 0.0f;
    vec_store(x, lanes);
    for (int i = 0; i < VL; i++) sum += lanes[i];
    return sum;
}

static inline float row_sum(__global const float *x, int C)
{
    vec sum = (vec)(0.0f);
    int c = 0;
    for (; c + VL <= C; c += VL) sum += vec_load(x + c);
    float rest = 0.0f;
    for (; c < C; c++) rest += x[c];
    return lanes_sum(sum) + rest;
}

static inline float row_squares(__global const float *x, int C, float mean)
{
    vec sum = (vec)(0.0f);
    int c = 0;
    for (; c + VL <= C; c += VL) {
        const vec d = vec_load(x + c) - mean;
        sum = fma(d, d, sum);
    }
    float rest = 0.0f;
    for (; c < C; c++) rest = fma(x[c] - mean, x[c] - mean, rest);
    return lanes_sum(sum) + rest;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void norm_cpu(const int M, const int C, const int kind, const float eps, __global const float *x,
              const int x_at, const int x_stride, __global const float *gamma, const int gamma_at,
              __global const float *beta, const int beta_at, __global float *y, const int y_at,
              const int y_stride)
{
    const int first = get_global_id(0) * ROWS, end = min(first + ROWS, M);
    const float one = kind == 2 ? 1.0f : 0.0f;
    if (gamma) gamma += gamma_at;
    if (beta) beta += beta_at;
    for (int m = first; m < end; m++) {
        __global const float *row = x + x_at + (size_t)m * x_stride;
        __global float *out = y + y_at + (size_t)m * y_stride;
        const float mean = kind == 1 ? 0.0f : row_sum(row, C) / C;
        const float scale = 1.0f / sqrt(row_squares(row, C, mean) / C + eps);
        int c = 0;
        for (; c + VL <= C; c += VL) {
            vec v = (vec_load(row + c) - mean) * scale;
            if (gamma) v *= vec_load(gamma + c) + one;
            if (beta) v += vec_load(beta + c);
            vec_store(v, out + c);
        }
        for (; c < C; c++) {
            float v = (row[c] - mean) * scale;
            if (gamma) v *= gamma[c] + one;
            if (beta) v += beta[c];
            out[c] = v;
        }
    }
}
