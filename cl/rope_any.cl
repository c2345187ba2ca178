/* rope_any.cl - turns pairs of the first R numbers of each head of x[M, heads*D], float or half, in
 * place: the portable body, a work-item a pair.
 *
 * Pairs are (i, i + R/2) or, interleaved, (2i, 2i + 1). The row's position is first + m or
 * positions[m]; with angles[M][R/2] the angle is given.
 * Launch:  groups {ceil(heads*(R/2)/64), M, 1}, work-groups {64, 1, 1}.
 * Prelude: values.clh angle.clh.  Oracle: att_ref_rope(), 1e-6 of the pair's length. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void rope_any(const int M, const int heads, const int D, const int R, const int interleaved,
              __global float *x, const int x_at, const int x_stride, __global const uint *speeds,
              const int speeds_at, const int first, __global const int *positions,
              const int positions_at, __global const float *angles, const int angles_at,
              const int x_f16)
{
    const int c = get_global_id(0), m = get_global_id(1), half_of = R / 2;
    if (m >= M || c >= heads * half_of) return;
    const int h = c / half_of, i = c % half_of;
    const int position = positions ? positions[positions_at + m] : first + m;
    const float t = angles ? angles[angles_at + (size_t)m * half_of + i]
                           : angle_of(speeds + speeds_at, i, position);
    const float cosine = cos(t), sine = sin(t);
    const size_t at = x_at + (size_t)m * x_stride + h * D + (interleaved ? 2 * i : i);
    const size_t other = at + (interleaved ? 1 : half_of);
    const float a = value_load(x, at, x_f16), b = value_load(x, other, x_f16);
    value_store(a * cosine - b * sine, x, at, x_f16);
    value_store(b * cosine + a * sine, x, other, x_f16);
}
