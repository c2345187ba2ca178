/* score_any.cl - a fixed piece of arithmetic: its time ranks devices (lib/device/score.c).
 *
 * y[n]: the sum of eight chains x = x/2 + 1 that begin at 0..7 and run `rounds` steps, so
 * 16 + 12 / 2^rounds, exactly, up to 20 rounds.
 * Launch:  groups {ceil(N/64), 1, 1}, work-groups {64, 1, 1}.
 * Build:   no macros.  Prelude: none.  Oracle: the formula above, exactly. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void score_any(const int N, const int rounds, const float half_of, const float step,
               __global float *y, const int y_at)
{
    const int n = get_global_id(0);
    if (n >= N) return;
    float a = 0.0f, b = 1.0f, c = 2.0f, d = 3.0f, e = 4.0f, f = 5.0f, g = 6.0f, h = 7.0f;
    for (int i = 0; i < rounds; i++) {
        a = a * half_of + step;
        b = b * half_of + step;
        c = c * half_of + step;
        d = d * half_of + step;
        e = e * half_of + step;
        f = f * half_of + step;
        g = g * half_of + step;
        h = h * half_of + step;
    }
    y[y_at + n] = ((a + b) + (c + d)) + ((e + f) + (g + h));
}
