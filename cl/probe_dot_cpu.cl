/* probe_dot_cpu.cl - one instruction of dots.clh on known numbers (lib/device/features.c).
 *
 * y[i] = i + the products of the words a and b, for every lane i.
 * Launch:  groups {1, 1, 1}, work-groups of one.
 * Build:   -D DOT_BF16, -D DOT_INT8 or -D DOT_PAIRS.  Preludes: types.clh dots.clh. */
#ifdef DOT_PAIRS
#define dot_add(sum, a, b) pairs_fold(sum, pairs_add(0, a, b), 1)
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void probe_dot_cpu(const int n, const uint a, const uint b, __global float *y, const int y_at)
{
    float first[VL];
    if (n != VL) return;
    for (int i = 0; i < VL; i++) first[i] = i;
#ifdef DOT_BF16
    vec_store(dot_add(vec_load(first), (dot_words)(a), (dot_words)(b)), y + y_at);
#elif VL == 16
    vec_store(convert_float16(
                  dot_add(convert_int16(vec_load(first)), (dot_words)(a), (dot_words)(b))),
              y + y_at);
#else
    vec_store(
        convert_float8(dot_add(convert_int8(vec_load(first)), (dot_words)(a), (dot_words)(b))),
        y + y_at);
#endif
}
