/* gather_any.cl - y[m] = x[rows[m]] of float or half rows; a row outside of [0, N) gives NaN.
 *
 * Launch:  groups {ceil(C/64), M, 1}, work-groups {64, 1, 1}.
 * Build:   no macros.  Prelude: values.clh.
 * Oracle:  att_ref_gather(), exactly. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void gather_any(const int M, const int C, const int N, __global const int *rows, const int rows_at,
                __global const float *x, const int x_at, const int x_stride, __global float *y,
                const int y_at, const int y_stride, const int x_f16, const int y_f16)
{
    const int c = get_global_id(0), m = get_global_id(1);
    if (c >= C || m >= M) return;
    const int n = rows[rows_at + m];
    float v = NAN;
    if (n >= 0 && n < N) v = value_load(x, x_at + (size_t)n * x_stride + c, x_f16);
    value_store(v, y, y_at + (size_t)m * y_stride + c, y_f16);
}
