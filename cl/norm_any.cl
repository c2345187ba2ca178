/* norm_any.cl - layer, rms and ada norm of rows, the portable body: a work-group a row.
 *
 * y is float or, with y_f16, half.
 * kind is att_norm_kind of nn/norm.h: 0 layer, 1 rms, 2 ada (gamma and beta are scale and shift).
 * Launch:  groups {M, 1, 1}, work-groups {LANES, 1, 1}.  Prelude: values.clh.
 * Oracle:  att_ref_norm(), 1e-5 of the row's largest. */
#define LANES 64

static inline float sum_4(float4 x)
{
    return (x.x + x.y) + (x.z + x.w);
}

/* Every lane sums for itself: that is less waiting than a tree. */
static inline float group_sum(__local float4 *part, int lane, float4 x)
{
    float4 sum = 0.0f;
    ((__local float *)part)[lane] = sum_4(x);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < LANES / 4; i++) sum += part[i];
    barrier(CLK_LOCAL_MEM_FENCE); /* before part is filled again */
    return sum_4(sum);
}

/* Columns [c, c + 4) of the C of a row; zeros behind the last. whole: 16 bytes may be read at once.
 */
static inline float4 columns(__global const float *row, int c, int C, int whole)
{
    if (whole) return *(__global const float4 *)(row + c);
    return (float4)(row[c], c + 1 < C ? row[c + 1] : 0.0f, c + 2 < C ? row[c + 2] : 0.0f,
                    c + 3 < C ? row[c + 3] : 0.0f);
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void norm_any(const int M, const int C, const int kind, const float eps, __global const float *x,
              const int x_at, const int x_stride, __global const float *gamma, const int gamma_at,
              __global const float *beta, const int beta_at, __global float *y, const int y_at,
              const int y_stride, const int y_f16)
{
    __local float4 part[LANES / 4];
    const int lane = get_local_id(0), m = get_group_id(0);
    const int width = m < M ? C : 0;
    const int whole = !((x_at | x_stride | C) % 4);
    __global const float *row = x + x_at + (size_t)m * x_stride;
    const size_t out = y_at + (size_t)m * y_stride;
    const float one = kind == 2 ? 1.0f : 0.0f;

    float4 sum = 0.0f, squares = 0.0f;
    for (int c = lane * 4; c < width; c += LANES * 4) sum += columns(row, c, C, whole);
    const float total = group_sum(part, lane, sum), mean = kind == 1 ? 0.0f : total / C;
    for (int c = lane * 4; c < width; c += LANES * 4) {
        float4 d = columns(row, c, C, whole) - mean;
        if (!whole) d = select((float4)(0.0f), d, c + (int4)(0, 1, 2, 3) < C);
        squares = fma(d, d, squares);
    }
    const float scale = 1.0f / sqrt(group_sum(part, lane, squares) / C + eps);
    for (int c = lane * 4; c < width; c += LANES * 4) {
        float d[4];
        vstore4((columns(row, c, C, whole) - mean) * scale, 0, d);
        for (int i = 0; i < 4; i++) {
            if (c + i >= C) continue;
            float v = d[i];
            if (gamma) v *= gamma[gamma_at + c + i] + one;
            if (beta) v += beta[beta_at + c + i];
            value_store(v, y, out + c + i, y_f16);
        }
    }
}
