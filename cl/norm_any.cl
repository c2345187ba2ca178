/* norm_any.cl - layer, rms and ada norm of rows, the portable body: a work-group a row.
 *
 * y is float or, with y_f16, half.
 * kind is att_norm_kind of nn/norm.h: 0 layer, 1 rms, 2 ada (gamma and beta are scale and shift).
 * Launch:  groups {M, 1, 1}, work-groups {LANES, 1, 1}.  Prelude: values.clh.
 * Oracle:  att_ref_norm(), 1e-5 of the row's largest. */
#define LANES 64

static inline float group_sum(__local float *part, int lane, float x)
{
    part[lane] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_of = LANES / 2; half_of > 0; half_of /= 2) {
        if (lane < half_of) part[lane] += part[lane + half_of];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float sum = part[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* before part is filled again */
    return sum;
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void norm_any(const int M, const int C, const int kind, const float eps, __global const float *x,
              const int x_at, const int x_stride, __global const float *gamma, const int gamma_at,
              __global const float *beta, const int beta_at, __global float *y, const int y_at,
              const int y_stride, const int y_f16)
{
    __local float part[LANES];
    const int lane = get_local_id(0), m = get_group_id(0);
    const int width = m < M ? C : 0;
    __global const float *row = x + x_at + (size_t)m * x_stride;
    const size_t out = y_at + (size_t)m * y_stride;
    const float one = kind == 2 ? 1.0f : 0.0f;

    float sum = 0.0f;
    for (int c = lane; c < width; c += LANES) sum += row[c];
    sum = group_sum(part, lane, sum);
    const float mean = kind == 1 ? 0.0f : sum / C;
    float squares = 0.0f;
    for (int c = lane; c < width; c += LANES) squares = fma(row[c] - mean, row[c] - mean, squares);
    const float scale = 1.0f / sqrt(group_sum(part, lane, squares) / C + eps);
    for (int c = lane; c < width; c += LANES) {
        float v = (row[c] - mean) * scale;
        if (gamma) v *= gamma[gamma_at + c] + one;
        if (beta) v += beta[beta_at + c];
        value_store(v, y, out + c, y_f16);
    }
}
