/* cache_any.cl - appends rows of k and v to a cache, in one launch, widths Ck and Cv.
 *
 * Launch:  groups {ceil((Ck+Cv)/64), ceil(n/ROWS), 1}, work-groups {64, 1, 1}.
 * Build:   -D KV_F16 for a half cache.  Oracle: the rows, rounded to the cache's dtype. */
#define ROWS 16

#ifdef KV_F16
#define KV half
#define kv_store(x, i, p) vstore_half_rte(x, i, p)
#else
#define KV float
#define kv_store(x, i, p) (p)[i] = x
#endif

__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void cache_any(const int n, const int first, const int Ck, const int Cv, __global const float *k,
               const int k_at, const int k_stride, __global const float *v, const int v_at,
               const int v_stride, __global KV *k_cache, const int k_cache_at,
               __global KV *v_cache, const int v_cache_at)
{
    const int c = get_global_id(0), begin = get_group_id(1) * ROWS, end = min(begin + ROWS, n);
    if (c >= Ck + Cv) return;
    for (int t = begin; t < end; t++) {
        if (c < Ck) {
            const float x = k[k_at + (size_t)t * k_stride + c];
            kv_store(x, k_cache_at + (size_t)(first + t) * Ck + c, k_cache);
        } else {
            const float x = v[v_at + (size_t)t * v_stride + c - Ck];
            kv_store(x, v_cache_at + (size_t)(first + t) * Cv + c - Ck, v_cache);
        }
    }
}
