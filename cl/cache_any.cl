/* cache_any.cl - appends rows of k[n, G*D] and v[n, G*E], float or half, to a cache, in one launch.
 *
 * Storage is head-major, [G][capacity][D] and [G][capacity][E]: what one head reads is contiguous.
 * Launch:  groups {ceil(G*(D+E)/64), ceil(n/ROWS), 1}, work-groups {64, 1, 1}.
 * Build:   -D KV_F16 for a half cache.  Prelude: values.clh.
 * Oracle:  the rows, rounded to the cache's dtype. */
#define ROWS 16

#ifdef KV_F16
#define KV half
#define kv_store(x, i, p) vstore_half_rte(x, i, p)
#else
#define KV float
#define kv_store(x, i, p) (p)[i] = x
#endif

__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void cache_any(const int n, const int first, const int capacity, const int G, const int D,
               const int E, __global const float *k, const int k_at, const int k_stride,
               __global const float *v, const int v_at, const int v_stride, __global KV *k_cache,
               const int k_cache_at, __global KV *v_cache, const int v_cache_at, const int f16)
{
    const int c = get_global_id(0), begin = get_group_id(1) * ROWS, end = min(begin + ROWS, n);
    const int is_k = c < G * D, column = is_k ? c : c - G * D, width = is_k ? D : E;
    if (c >= G * (D + E)) return;
    const size_t to = ((size_t)(column / width) * capacity + first) * width + column % width;
    for (int t = begin; t < end; t++) {
        if (is_k)
            kv_store(value_load(k, k_at + (size_t)t * k_stride + column, f16),
                     k_cache_at + to + t * width, k_cache);
        else
            kv_store(value_load(v, v_at + (size_t)t * v_stride + column, f16),
                     v_cache_at + to + t * width, v_cache);
    }
}
