/* swiglu_cpu.cl - swiglu_any of float rows for CPU devices, in vectors.
 *
 * Launch:  groups {ceil(F/COLUMNS), M, 1}, work-groups of one.
 * Build:   -D ACT=vec.  Prelude: types.clh act.clh.
 * Oracle:  att_ref_swiglu(), 1e-6 of the value. */
#define COLUMNS 1024

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void swiglu_cpu(const int M, const int F, __global const float *x, const int x_at,
                const int x_stride, __global float *y, const int y_at, const int y_stride)
{
    const int begin = get_global_id(0) * COLUMNS, end = min(begin + COLUMNS, F);
    const int m = get_global_id(1);
    if (m >= M) return;
    __global const float *gate = x + x_at + (size_t)m * x_stride, *up = gate + F;
    __global float *out = y + y_at + (size_t)m * y_stride;
    int c = begin;
    for (; c + VL <= end; c += VL)
        vec_store(act_apply(4, vec_load(gate + c)) * vec_load(up + c), out + c);
    for (; c < end; c++) out[c] = act_apply(4, (vec)(gate[c])).s0 * up[c];
}
