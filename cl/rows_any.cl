/* rows_any.cl - y[m] = row ids[m] of a weight (+ add[m]): an embedding that shares its table.
 *
 * Element (n, k) of the weight lies at ((n/NR)*K + k)*NR + n%NR: panels of NR columns, or rows with
 * NR = 1. An id outside [0, N) gives NaN.
 * Launch:  groups {ceil(K/64), M, 1}, work-groups {64, 1, 1}.
 * Build:   -D W_F16 for a half weight.  Prelude: types.clh.  Oracle: the row itself, exactly. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void rows_any(const int M, const int N, const int K, const int nr, __global const WEIGHT *w,
              const int w_at, __global const int *ids, const int ids_at, __global const float *add,
              const int add_at, const int add_stride, __global float *y, const int y_at,
              const int y_stride)
{
    const int k = get_global_id(0), m = get_global_id(1);
    if (k >= K || m >= M) return;
    const int n = ids[ids_at + m];
    float v = NAN;
    if (n >= 0 && n < N) v = weight_at(w, w_at + ((size_t)(n / nr) * K + k) * nr + n % nr);
    if (add) v += add[add_at + (size_t)m * add_stride + k];
    y[y_at + (size_t)m * y_stride + k] = v;
}
