/* attn_few_cpu.cl - attention of a few queries over many keys (decoding), for CPU devices.
 *
 * One work-item walks the keys of one head straight from the cache, CHUNK at a time: dot products
 * four keys at a time, softmax that moves along, then the values. So no number of threads changes a
 * result. Several queries share what is read: PART keys, or values, serve all of them before the
 * next ones; WIDEN makes numbers of halves once for all, which one query does as it goes.
 * In a chunk that is partly seen the value of a masked key meets p = 0; if it was no number, the
 * sum is made again from the keys that are seen.
 * Launch:  groups {H, B, 1}, work-groups of one, T at most MAX_QUERIES.
 * Build:   -D W_F16 for half keys and values, with it -D WIDEN; -D FIELDS.
 * Preludes: types.clh lanes.clh mask.clh softmax.clh fields.clh.
 * Oracle:  att_ref_attn(). */
#define CHUNK 512
#define PART 32 /* even */
#define MAX_WIDTH 128
#define AHEAD 32 /* rows of keys and of values */
#define LINE ((int)(64 / sizeof(WEIGHT)))
#define MAX_QUERIES 8

/* A row of keys or values as the sums read it. */
#ifdef WIDEN
#define ROW const float
#define row_vec(p) vec_load(p)
#define row_at(p, i) (p)[i]
#else
#define ROW __global const WEIGHT
#define row_vec(p) weight_vec(p)
#define row_at(p, i) weight_at(p, i)
#endif

/* A row of the memory that rows are read from will soon be wanted. */
static inline void fetch_row(__global const WEIGHT *row, int D)
{
    for (int d = 0; d < D; d += LINE) fetch_ahead(row + d);
}

#ifdef WIDEN
#define row_fetch(row, D) /* widen() does */

/* n rows as numbers, `pitch` of them apart. */
static inline void widen(__global const WEIGHT *row, int n, int token, int D, int pitch, float *to)
{
    for (int r = 0; r < n; r++, row += token, to += pitch) {
        int d = 0;
        fetch_row(row + (size_t)AHEAD * token, D);
        for (; d + VL <= D; d += VL) vec_store(weight_vec(row + d), to + d);
        for (; d < D; d++) to[d] = weight_at(row, d);
    }
}
#else
#define row_fetch(row, D) fetch_row(row, D)
#endif

/* z[0..4) = q . key rows 0..3, `token` apart. */
static inline void score_four(const float *q, int D, ROW *key, int token, float *z)
{
    ROW *k0 = key, *k1 = k0 + token, *k2 = k1 + token, *k3 = k2 + token;
    vec a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f;
    float t0 = 0.0f, t1 = 0.0f, t2 = 0.0f, t3 = 0.0f;
    int d = 0;
    for (int r = AHEAD; r < AHEAD + 4; r++) row_fetch(key + (size_t)r * token, D);
    for (; d + VL <= D; d += VL) {
        const vec x = vec_load(q + d);
        a0 = fma(x, row_vec(k0 + d), a0);
        a1 = fma(x, row_vec(k1 + d), a1);
        a2 = fma(x, row_vec(k2 + d), a2);
        a3 = fma(x, row_vec(k3 + d), a3);
    }
    for (; d < D; d++) {
        t0 = fma(q[d], row_at(k0, d), t0);
        t1 = fma(q[d], row_at(k1, d), t1);
        t2 = fma(q[d], row_at(k2, d), t2);
        t3 = fma(q[d], row_at(k3, d), t3);
    }
    z[0] = lanes_sum(a0) + t0;
    z[1] = lanes_sum(a1) + t1;
    z[2] = lanes_sum(a2) + t2;
    z[3] = lanes_sum(a3) + t3;
}

/* z[0..n) = q . key rows. */
static inline void score(const float *q, int D, ROW *key, int token, int n, float *z)
{
    int j = 0;
    for (; j + 4 <= n; j += 4) score_four(q, D, key + (size_t)j * token, token, z + j);
    for (; j < n; j++) {
        float same[4];
        score_four(q, D, key + (size_t)j * token, 0, same);
        z[j] = same[0];
    }
}

/* Of p[j] value row j, j < n: even[0..E) += those of even j, odd[0..E) += the others; of columns
 * that fill no four vectors, all are even's. */
static inline void add_values(const float *p, int n, ROW *value, int token, int E, float *even,
                              float *odd)
{
    int e = 0;
    for (; e + 4 * VL <= E; e += 4 * VL) {
        float *o = even + e, *u = odd + e;
        vec a0 = vec_load(o), a1 = vec_load(o + VL), a2 = vec_load(o + 2 * VL);
        vec a3 = vec_load(o + 3 * VL), b0 = vec_load(u), b1 = vec_load(u + VL);
        vec b2 = vec_load(u + 2 * VL), b3 = vec_load(u + 3 * VL);
        for (int j = 0; j < n; j += 2) {
            ROW *v = value + (size_t)j * token + e, *w = j + 1 < n ? v + token : v;
            const vec s = p[j], t = j + 1 < n ? p[j + 1] : 0.0f;
            row_fetch(v + (size_t)AHEAD * token, 4 * VL);
            row_fetch(w + (size_t)AHEAD * token, 4 * VL);
            a0 = fma(s, row_vec(v), a0);
            a1 = fma(s, row_vec(v + VL), a1);
            a2 = fma(s, row_vec(v + 2 * VL), a2);
            a3 = fma(s, row_vec(v + 3 * VL), a3);
            b0 = fma(t, row_vec(w), b0);
            b1 = fma(t, row_vec(w + VL), b1);
            b2 = fma(t, row_vec(w + 2 * VL), b2);
            b3 = fma(t, row_vec(w + 3 * VL), b3);
        }
        vec_store(a0, o);
        vec_store(a1, o + VL);
        vec_store(a2, o + 2 * VL);
        vec_store(a3, o + 3 * VL);
        vec_store(b0, u);
        vec_store(b1, u + VL);
        vec_store(b2, u + 2 * VL);
        vec_store(b3, u + 3 * VL);
    }
    for (; e + VL <= E; e += VL) {
        vec a = vec_load(even + e);
        for (int j = 0; j < n; j++)
            a = fma((vec)(p[j]), row_vec(value + (size_t)j * token + e), a);
        vec_store(a, even + e);
    }
    for (; e < E; e++)
        for (int j = 0; j < n; j++)
            even[e] = fma(p[j], row_at(value, (size_t)j * token + e), even[e]);
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
                  const int lse_at, MASK_PARAMS, HEAD_PARAMS FIELD_PARAMS)
{
    float x[MAX_QUERIES][MAX_WIDTH], z[MAX_QUERIES][CHUNK], o[SETS][MAX_QUERIES][MAX_WIDTH];
    float even[MAX_QUERIES][MAX_WIDTH], odd[MAX_QUERIES][MAX_WIDTH];
    float top[MAX_QUERIES], sum[MAX_QUERIES], fade[MAX_QUERIES];
    int seen[MAX_QUERIES], state[MAX_QUERIES];
    const int h = get_global_id(0), b = get_global_id(1);
    const mask m = MASK_OF(b, T, S);
    if (T == 0 || OTHER_HEAD(h)) return;
    FIELDS_OF(b, h)
    float weight[MAX_QUERIES][SETS > 1 ? CHUNK : 1], mass[MAX_QUERIES][CLASSES] = {{0.0f}};
#ifdef WIDEN
    float rows[PART * MAX_WIDTH];
    const int part = PART, k_pitch = (D + VL - 1) / VL * VL, v_pitch = (E + VL - 1) / VL * VL;
#define ROWS_OF(row, n, token, width, pitch) (widen(row, n, token, width, pitch, rows), rows)
#else
    const int part = T > 1 ? PART : CHUNK, k_pitch = k_token, v_pitch = v_token;
#define ROWS_OF(row, n, token, width, pitch) (row)
#endif

    const float factor = (head_scale ? head_scale[head_scale_at + h] : scale) * LOG2_E;
    for (int i = 0; i < T; i++) {
        const size_t row = q_at + (size_t)b * q_batch + (size_t)h * q_head + (size_t)i * q_token;
        for (int d = 0; d < D; d++)
            x[i][d] =
                factor * (q_f16 ? vload_half(row + d, (__global const half *)q) : q[row + d]);
        top[i] = -3.0e38f;
        sum[i] = 0.0f;
        seen[i] = 0;
        for (int set = 0; set < sets; set++)
            for (int e = 0; e < E; e++) o[set][i][e] = 0.0f;
    }
    for (int first = 0; first < S; first += CHUNK) {
        const int n = min(CHUNK, S - first), wide = (n + VL - 1) / VL * VL;
        __global const WEIGHT *key = k + k_at + (size_t)b * k_batch +
                                     (size_t)(h / share) * k_head + (size_t)first * k_token;
        __global const WEIGHT *value = v + v_at + (size_t)b * v_batch +
                                       (size_t)(h / share) * v_head + (size_t)first * v_token;
        int any = 0;
        for (int i = 0; i < T; i++) {
            state[i] = flags ? mask_block(&m, mask_q_range(&m, i, i + 1),
                                          mask_k_range(&m, first, first + n))
                             : MASK_ALL;
            any |= state[i] != MASK_NONE;
        }
        if (!any) continue;
        for (int j = 0; j < n; j += part) {
            const int few = min(part, n - j);
            ROW *own = ROWS_OF(key + (size_t)j * k_token, few, k_token, D, k_pitch);
            for (int i = 0; i < T; i++)
                if (state[i] != MASK_NONE) score(x[i], D, own, k_pitch, few, z[i] + j);
        }
        for (int i = 0; i < T; i++) {
            if (state[i] == MASK_NONE) continue;
            for (int j = 0; score_changes(&sf, i) && j < n; j++)
                z[i][j] = score_change(&sf, i, first + j, z[i][j]);
            seen[i] |= hide(z[i], &m, i, first, n, wide, state[i]);
            fade[i] = soften(z[i], wide, &top[i], &sum[i]);
            masses_fade(mass[i], fade[i]);
            for (int j = 0; rf.classes && j < n; j++) mass[i][class_of(&rf, first + j)] += z[i][j];
        }
        for (int set = 0; set < sets; set++) {
            for (int i = 0; i < T; i++) {
                for (int e = 0; e < E; e++) even[i][e] = odd[i][e] = 0.0f;
                for (int j = 0; set && state[i] != MASK_NONE && j < n; j++)
                    weight[i][j] = set_weight(&rf, set, class_of(&rf, first + j), z[i][j]);
            }
            for (int j = 0; j < n; j += part) {
                const int few = min(part, n - j);
                ROW *own = ROWS_OF(value + (size_t)j * v_token, few, v_token, E, v_pitch);
                for (int i = 0; i < T; i++)
                    if (state[i] != MASK_NONE)
                        add_values((set ? weight[i] : z[i]) + j, few, own, v_pitch, E, even[i],
                                   odd[i]);
            }
            for (int i = 0; i < T; i++) {
                if (state[i] == MASK_NONE) continue;
                for (int e = 0; e < E; e++) even[i][e] += odd[i][e];
                if (state[i] == MASK_SOME && !all_finite(even[i], E))
                    add_seen_values((set ? weight[i] : z[i]), n, value, v_token, E, even[i]);
                for (int e = 0; e < E; e++)
                    o[set][i][e] = fma(o[set][i][e], fade[i], even[i][e]);
            }
        }
    }
    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f;
    for (int i = 0; i < T; i++) {
        __global float *to = out + out_at + (size_t)b * out_batch + (size_t)h * out_head +
                             (size_t)i * out_token;
        const size_t line = ((size_t)b * get_global_size(0) + h) * T + i;
        const row_end last = row_end_of(&rf, i, S, get_global_size(0), line, (size_t)b * T + i,
                                        gain, seen[i], &top[i], &sum[i], mass[i]);
        __global const WEIGHT *own =
            v + v_at + (size_t)b * v_batch + (size_t)(h / share) * v_head + (size_t)i * v_token;
        for (int e = 0; e < E; e++) {
            float y = row_number(&last, o[FIRST][i][e], o[GAINED][i][e], o[TARGET][i][e]);
            if (last.own != 0.0f) y = row_mixed(&last, y, weight_at(own, e));
            to[e] = (add ? to[e] : 0.0f) + last.gain * y;
        }
        if (lse)
            lse[lse_at + line] =
                seen[i] ? top[i] * LN_2 + log(sum[i]) : -3.0e38f;
    }
}
