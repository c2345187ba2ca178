/* swiglu_any.cl - y[m] = silu(x[m][0, F)) * x[m][F, 2F) of float or half rows, the portable body.
 *
 * y may be the first half of x: a work-item writes only where it alone has read.
 * Launch:  groups {ceil(F/64), M, 1}, work-groups {64, 1, 1}.
 * Build:   -D ACT=float.  Prelude: values.clh act.clh.
 * Oracle:  att_ref_swiglu(), 1e-6 of the value. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void swiglu_any(const int M, const int F, __global const float *x, const int x_at,
                const int x_stride, __global float *y, const int y_at, const int y_stride,
                const int f16)
{
    const int c = get_global_id(0), m = get_global_id(1);
    if (c >= F || m >= M) return;
    const size_t at = x_at + (size_t)m * x_stride + c;
    const float gate = act_apply(4, value_load(x, at, f16));
    value_store(gate * value_load(x, at + F, f16), y, y_at + (size_t)m * y_stride + c, f16);
}
