/* attn_few_cpu.cl - attention of a few queries over many keys (decoding), for CPU devices.
 *
 * One work-item walks the keys of one head straight from the cache, CHUNK at a time and for every
 * query in turn: dot products four keys at a time, softmax that moves along, then the values. So no
 * number of threads changes a result.
 * In a chunk that is partly seen the value of a masked key meets p = 0; if it was no number, the
 * sum is made again from the keys that are seen.
 * Launch:  groups {H, B, 1}, work-groups of one, T at most MAX_QUERIES.
 * Build:   -D W_F16 for half keys and values.  Preludes: types.clh lanes.clh mask.clh softmax.clh.
 * Oracle:  att_ref_attn(). */
#define CHUNK 512
#define MAX_WIDTH 128
#define AHEAD 32 /* rows of keys and of values */
#define LINE ((int)(64 / sizeof(WEIGHT)))
#define MAX_QUERIES 8

/* z[0..4) = q . key rows 0..3, `token` apart. */
static inline void score_four(const float *q, int D, __global const WEIGHT *key, int token,
                              float *z)
{
    __global const WEIGHT *k0 = key, *k1 = k0 + token, *k2 = k1 + token, *k3 = k2 + token;
    vec a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f;
    float t0 = 0.0f, t1 = 0.0f, t2 = 0.0f, t3 = 0.0f;
    int d = 0;
    for (int row = AHEAD; row < AHEAD + 4; row++)
        for (int e = 0; e < D; e += LINE) fetch_ahead(key + (size_t)row * token + e);
    for (; d + VL <= D; d += VL) {
        const vec x = vec_load(q + d);
        a0 = fma(x, weight_vec(k0 + d), a0);
        a1 = fma(x, weight_vec(k1 + d), a1);
        a2 = fma(x, weight_vec(k2 + d), a2);
        a3 = fma(x, weight_vec(k3 + d), a3);
    }
    for (; d < D; d++) {
        t0 = fma(q[d], weight_at(k0, d), t0);
        t1 = fma(q[d], weight_at(k1, d), t1);
        t2 = fma(q[d], weight_at(k2, d), t2);
        t3 = fma(q[d], weight_at(k3, d), t3);
    }
    z[0] = lanes_sum(a0) + t0;
    z[1] = lanes_sum(a1) + t1;
    z[2] = lanes_sum(a2) + t2;
    z[3] = lanes_sum(a3) + t3;
}

/* o[0..E) = sum over j < n of p[j] value row j. */
static inline void add_values(const float *p, int n, __global const WEIGHT *value, int token, int E,
                              float *o)
{
    int e = 0;
    for (; e + 4 * VL <= E; e += 4 * VL) {
        vec a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, b0 = 0.0f, b1 = 0.0f, b2 = 0.0f, b3 = 0.0f;
        for (int j = 0; j < n; j += 2) {
            __global const WEIGHT *u = value + (size_t)j * token + e;
            __global const WEIGHT *w = j + 1 < n ? u + token : u;
            const vec s = p[j], t = j + 1 < n ? p[j + 1] : 0.0f;
            for (int line = 0; line < 4 * VL; line += LINE) {
                fetch_ahead(u + (size_t)AHEAD * token + line);
                fetch_ahead(w + (size_t)AHEAD * token + line);
            }
            a0 = fma(s, weight_vec(u), a0);
            a1 = fma(s, weight_vec(u + VL), a1);
            a2 = fma(s, weight_vec(u + 2 * VL), a2);
            a3 = fma(s, weight_vec(u + 3 * VL), a3);
            b0 = fma(t, weight_vec(w), b0);
            b1 = fma(t, weight_vec(w + VL), b1);
            b2 = fma(t, weight_vec(w + 2 * VL), b2);
            b3 = fma(t, weight_vec(w + 3 * VL), b3);
        }
        vec_store(a0 + b0, o + e);
        vec_store(a1 + b1, o + e + VL);
        vec_store(a2 + b2, o + e + 2 * VL);
        vec_store(a3 + b3, o + e + 3 * VL);
    }
    for (; e + VL <= E; e += VL) {
        vec a = 0.0f;
        for (int j = 0; j < n; j++)
            a = fma((vec)(p[j]), weight_vec(value + (size_t)j * token + e), a);
        vec_store(a, o + e);
    }
    for (; e < E; e++) {
        o[e] = 0.0f;
        for (int j = 0; j < n; j++) o[e] = fma(p[j], weight_at(value, (size_t)j * token + e), o[e]);
    }
}

static inline int all_finite(const float *o, int E)
{
    float s = 0.0f;
    for (int e = 0; e < E; e++) s = fma(o[e], 0.0f, s);
    return s == 0.0f;
}

/* add_values() that leaves the values of masked keys alone. */
static void add_seen_values(const float *p, int n, __global const WEIGHT *value, int token, int E,
                            float *o)
{
    for (int e = 0; e < E; e++) o[e] = 0.0f;
    for (int j = 0; j < n; j++)
        for (int e = 0; e < E && p[j] != 0.0f; e++)
            o[e] = fma(p[j], weight_at(value, (size_t)j * token + e), o[e]);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attn_few_cpu(const int T, const int S, const int D, const int E, const int share,
                  const float scale, __global const float *head_scale, const int head_scale_at,
                  __global const float *q, const int q_at, const int q_batch, const int q_head,
                  const int q_token, const int q_f16, __global const WEIGHT *restrict k,
                  const int k_at, const int k_batch, const int k_head, const int k_token,
                  __global const WEIGHT *restrict v, const int v_at, const int v_batch,
                  const int v_head, const int v_token, __global float *out, const int out_at,
                  const int out_batch, const int out_head, const int out_token, const int add,
                  __global const float *head_gain, const int head_gain_at, __global float *lse,
                  const int lse_at, MASK_PARAMS)
{
    float x[MAX_WIDTH], z[CHUNK], fresh[MAX_WIDTH], o[MAX_QUERIES][MAX_WIDTH];
    float top[MAX_QUERIES], sum[MAX_QUERIES];
    int seen[MAX_QUERIES];
    const int h = get_global_id(0), b = get_global_id(1);
    const mask m = MASK_OF(b, T, S);
    if (T == 0) return;

    const float factor = (head_scale ? head_scale[head_scale_at + h] : scale) * LOG2_E;
    for (int i = 0; i < T; i++) {
        top[i] = -3.0e38f;
        sum[i] = 0.0f;
        seen[i] = 0;
        for (int e = 0; e < E; e++) o[i][e] = 0.0f;
    }
    for (int first = 0; first < S; first += CHUNK) {
        const int n = min(CHUNK, S - first), wide = (n + VL - 1) / VL * VL;
        __global const WEIGHT *key = k + k_at + (size_t)b * k_batch +
                                     (size_t)(h / share) * k_head + (size_t)first * k_token;
        __global const WEIGHT *value = v + v_at + (size_t)b * v_batch +
                                       (size_t)(h / share) * v_head + (size_t)first * v_token;
        for (int i = 0; i < T; i++) {
            const size_t row =
                q_at + (size_t)b * q_batch + (size_t)h * q_head + (size_t)i * q_token;
            const int state = flags ? mask_block(&m, mask_q_range(&m, i, i + 1),
                                                 mask_k_range(&m, first, first + n))
                                    : MASK_ALL;
            if (state == MASK_NONE) continue;
            for (int d = 0; d < D; d++)
                x[d] = factor *
                       (q_f16 ? vload_half(row + d, (__global const half *)q) : q[row + d]);
            int j = 0;
            for (; j + 4 <= n; j += 4)
                score_four(x, D, key + (size_t)j * k_token, k_token, z + j);
            for (; j < n; j++) {
                float same[4];
                score_four(x, D, key + (size_t)j * k_token, 0, same);
                z[j] = same[0];
            }
            seen[i] |= hide(z, &m, i, first, n, wide, state);
            const float fade = soften(z, wide, &top[i], &sum[i]);
            add_values(z, n, value, v_token, E, fresh);
            if (state == MASK_SOME && !all_finite(fresh, E))
                add_seen_values(z, n, value, v_token, E, fresh);
            for (int e = 0; e < E; e++) o[i][e] = fma(o[i][e], fade, fresh[e]);
        }
    }
    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f;
    for (int i = 0; i < T; i++) {
        __global float *to = out + out_at + (size_t)b * out_batch + (size_t)h * out_head +
                             (size_t)i * out_token;
        for (int e = 0; e < E; e++)
            to[e] = (add ? to[e] : 0.0f) + gain * (seen[i] ? o[i][e] / sum[i] : 0.0f);
        if (lse)
            lse[lse_at + ((size_t)b * get_global_size(0) + h) * T + i] =
                seen[i] ? top[i] * LN_2 + log(sum[i]) : -3.0e38f;
    }
}
