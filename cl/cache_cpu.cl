/* cache_cpu.cl - cache_any for CPU devices: a work-item takes ROWS rows of one head, in vectors.
 *
 * Storage as cache_any's. k and v are float.
 * Launch:  groups {G, ceil(n/ROWS), 1}, work-groups of one.
 * Build:   -D KV_F16 for a half cache.  Prelude: types.clh.
 * Oracle:  the rows, rounded to the cache's dtype. */
#define ROWS 16

#ifdef KV_F16
#define KV half
#define kv_store(x, p) vstore_half_rte(x, 0, p)
#if VL == 16
#define kv_store_vec(x, p) vstore_half16_rte(x, 0, p)
#else
#define kv_store_vec(x, p) vstore_half8_rte(x, 0, p)
#endif
#else
#define KV float
#define kv_store(x, p) *(p) = x
#define kv_store_vec(x, p) vec_store(x, p)
#endif

static inline void append(__global const float *from, int stride, int n, int width,
                          __global KV *to)
{
    for (int t = 0; t < n; t++, from += stride, to += width) {
        int c = 0;
        for (; c + VL <= width; c += VL) kv_store_vec(vec_load(from + c), to + c);
        for (; c < width; c++) kv_store(from[c], to + c);
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void cache_cpu(const int n, const int first, const int capacity, const int G, const int D,
               const int E, __global const float *k, const int k_at, const int k_stride,
               __global const float *v, const int v_at, const int v_stride, __global KV *k_cache,
               const int k_cache_at, __global KV *v_cache, const int v_cache_at)
{
    const int g = get_global_id(0), begin = get_global_id(1) * ROWS, rows = min(ROWS, n - begin);
    const size_t slot = (size_t)g * capacity + first + begin;
    if (rows < 1) return;
    append(k + k_at + (size_t)begin * k_stride + g * D, k_stride, rows, D,
           k_cache + k_cache_at + slot * D);
    append(v + v_at + (size_t)begin * v_stride + g * E, v_stride, rows, E,
           v_cache + v_cache_at + slot * E);
}
