/* magnitude_any.cl - y[m][k] = sqrt(x[m][k]^2 + x[m][K+k]^2): a work-group a row.
 *
 * x[M][2K] holds real parts, then imaginary ones.
 * Launch:  groups {M, 1, 1}, work-groups {LANES, 1, 1}.
 * Oracle:  att_ref_magnitude(), 1e-6 of the number. */
#define LANES 64

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void magnitude_any(const int M, const int K, __global const float *x, const int x_at,
                   const int x_stride, __global float *y, const int y_at, const int y_stride)
{
    const int m = get_group_id(0);
    const int width = m < M ? K : 0;
    __global const float *re = x + x_at + (size_t)m * x_stride, *im = re + K;
    __global float *out = y + y_at + (size_t)m * y_stride;
    for (int k = get_local_id(0); k < width; k += LANES)
        out[k] = sqrt(fma(re[k], re[k], im[k] * im[k]));
}
