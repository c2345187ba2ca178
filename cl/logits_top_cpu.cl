/* logits_top_cpu.cl - logits_top_any for CPU devices: a work-item a chunk, vectors of tokens.
 *
 * Arrays and answers are logits_top_any's.
 * Launch:  groups {chunks, M, 1}, work-groups of one.
 * Prelude: types.clh lanes.clh.  Oracle: att_ref_logits_top(): tokens exactly, sums to 1e-6. */
#define TOKENS 2048
#define BLOCK 256 /* tokens whose sum is one term of the chunk's: keeps the digits of small ones */

#if VL == 16
typedef int16 ivec;
#define LANE_BITS                                                                                  \
    ((ivec)(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768))
#else
typedef int8 ivec;
#define LANE_BITS ((ivec)(1, 2, 4, 8, 16, 32, 64, 128))
#endif

/* Tokens [t, t + VL), t a multiple of VL, with -infinity for what does not count. */
static inline vec logits_at(__global const float *z, __global const int *forbidden, int t,
                            int begin, int end)
{
    vec x;
    int bits = forbidden ? forbidden[t / 32] >> t % 32 : 0;
    if (t < begin) bits |= (1 << min(begin - t, VL)) - 1;
    if (t + VL <= end) {
        x = vec_load(z + t);
    } else {
        float lanes[VL];
        for (int i = 0; i < VL; i++) lanes[i] = t + i < end ? z[t + i] : -INFINITY;
        x = vec_load(lanes);
    }
    return select(x, (vec)(-INFINITY), ((ivec)(bits) & LANE_BITS) != 0);
}

/* Puts a token where it belongs among the K best; later tokens stand behind equal ones. */
static inline void insert(__global float *logits, __global float *tokens, int K, float x, int t)
{
    int at = K - 1;
    for (; at > 0 && (tokens[at - 1] < 0.0f || x > logits[at - 1]); at--) {
        logits[at] = logits[at - 1];
        tokens[at] = tokens[at - 1];
    }
    logits[at] = x;
    tokens[at] = t;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void logits_top_cpu(const int M, const int V, const int split, const int K,
                    __global const float *z, const int z_at, const int z_stride,
                    __global const int *forbidden, const int forbidden_at,
                    const int forbidden_stride, __global float *out, const int out_at)
{
    const int chunk = get_group_id(0), m = get_group_id(1);
    const int n_first = (split + TOKENS - 1) / TOKENS;
    const int begin = chunk < n_first ? chunk * TOKENS : split + (chunk - n_first) * TOKENS;
    const int end = min(begin + TOKENS, chunk < n_first ? split : V), first = begin / VL * VL;
    float kept[TOKENS + VL];
    if (m >= M) return;
    z += z_at + (size_t)m * z_stride;
    if (forbidden) forbidden += forbidden_at + (size_t)m * forbidden_stride;
    out += out_at + ((size_t)m * get_num_groups(0) + chunk) * (2 + 2 * K);

    vec most = (vec)(-INFINITY);
    for (int t = first; t < end; t += VL) {
        const vec x = logits_at(z, forbidden, t, begin, end);
        vec_store(x, kept + t - first);
        most = fmax(most, x);
    }
    const float top = lanes_max(most);
    vec total = (vec)(0.0f);
    for (int b = first; b < end; b += BLOCK) {
        vec sum = (vec)(0.0f);
        for (int t = b; t < min(b + BLOCK, end); t += VL) {
            const vec x = vec_load(kept + t - first);
            sum += select(exp(x - top), (vec)(0.0f), x == (vec)(-INFINITY));
        }
        total += sum;
    }
    out[0] = top;
    out[1] = lanes_sum(total);
    for (int k = 0; k < K; k++) {
        out[2 + k] = -INFINITY;
        out[2 + K + k] = -1.0f;
    }
    float least = -INFINITY;
    for (int t = first; t < end; t += VL) {
        const vec x = vec_load(kept + t - first);
        if (!any(x > (vec)(least))) continue;
        for (int i = t; i < t + VL; i++)
            if (kept[i - first] > least) {
                insert(out + 2, out + 2 + K, K, kept[i - first], i);
                least = out[2 + K - 1];
            }
    }
}
