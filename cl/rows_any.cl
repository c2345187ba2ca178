/* rows_any.cl - y[m] = row ids[m] of a weight (+ add[m]): an embedding that shares its table.
 *
 * Element (n, k) of the weight lies in word ((n/NR)*words + k/PER)*NR + n%NR of PER elements:
 * panels of NR columns, or rows with NR = 1. An id outside [0, N) gives NaN.
 * Launch:  groups {ceil(K/64), M, 1}, work-groups {64, 1, 1}.
 * Build:   -D W_F16, W_BF16 or W_INT8 (128 + a whole number, times scale[n]), or as blocks.clh.
 *           Prelude: types.clh, blocks.clh.  Oracle: the row itself, exactly. */
#if defined(W_INT8)
#define PER 4
#elif defined(W_BF16)
#define PER 2
#else
#define PER 1
#endif

__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void rows_any(const int M, const int N, const int K, const int nr, __global const WEIGHT *w,
              const int w_at, __global const float *scale, const int scale_at,
              __global const int *ids, const int ids_at, __global const float *add,
              const int add_at, const int add_stride, __global float *y, const int y_at,
              const int y_stride)
{
    const int k = get_global_id(0), m = get_global_id(1);
    if (k >= K || m >= M) return;
    const int n = ids[ids_at + m];
    float v = NAN;
    if (n >= 0 && n < N) {
#ifdef W_BITS
        const size_t block = (size_t)(n / nr) * (K / BLOCK) + k / BLOCK;
        v = block_at(w + w_at + block * nr * BLOCK_BYTES, nr, n % nr, k % BLOCK);
#else
        const int words = (K + PER - 1) / PER;
        const size_t word = ((size_t)(n / nr) * words + k / PER) * nr + n % nr;
        v = weight_at(w, w_at + word * PER + k % PER);
#ifdef W_INT8
        v *= scale[scale_at + n];
#endif
#endif
    }
    if (add) v += add[add_at + (size_t)m * add_stride + k];
    y[y_at + (size_t)m * y_stride + k] = v;
}
