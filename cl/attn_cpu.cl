/* attn_cpu.cl - out[b,h,i] = sum over visible j of softmax_j(scale q.k) v; many queries, CPUs.
 *
 * One work-item makes RB rows of one head from the panels of attn_pack_cpu.cl, KB keys at a time:
 * scores by a register tile of MR rows x 2 vectors into `z`, maximum and sum of each row so far,
 * then the same tile over the keys adds p v to `o`. Accumulators are named (an array of them
 * would spill). A key block that no row sees is skipped; only one that is partly seen asks the
 * predicate, and only there a value that is no number asks whether its key is seen at all.
 * NaN stays: a NaN score is no new maximum but poisons the sum. A row that sees nothing becomes
 * zeros, its lse -3e38. Each sum has one order, whatever the number of threads.
 * DOT_BF16: both products of words of two bf16; the sums and the softmax stay f32.
 * Launch:  groups {ceil(T/RB), H, B}, work-groups of one.
 * Build:   -D DOT_BF16.  Preludes: types.clh lanes.clh dots.clh mask.clh softmax.clh.
 * Oracle:  att_ref_attn(). */
#define NR (2 * VL)
#define RB 24
#define KB 384
#define MAX_WIDTH 128

#if VL == 16
#define MR 12
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#else
#define MR 6
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)
#endif

/* What the sums are over: single numbers, or words of two. */
#ifdef DOT_BF16
#define WORD uint
#define PER 2
#define word_load(p) dot_words_load(p)
#define word_add(sum, word, by) dot_add(sum, word, (dot_words)(by))
#define WORDS dot_words
#else
#define WORD float
#define PER 1
#define word_load(p) vec_load(p)
#define word_add(sum, word, by) fma((vec)(by), word, sum)
#define WORDS vec
#endif
#define X_WORDS (MAX_WIDTH / PER)
#define P_WORDS (KB / PER)

/* z[r][0..NR) = sum over words d of q[r][d] key[d], for MR rows. */
static inline void score_tile(const WORD *q, int words, __global const WORD *key, float *z)
{
#define DECLARE(r) vec a##r = 0.0f, b##r = 0.0f;
    EACH_ROW(DECLARE)
#undef DECLARE
    for (int d = 0; d < words; d++) {
        const WORDS u = word_load(key + (size_t)d * NR), w = word_load(key + (size_t)d * NR + VL);
#define STEP(r)                                                                                    \
    {                                                                                              \
        const WORD t = q[r * X_WORDS + d];                                                         \
        a##r = word_add(a##r, u, t);                                                               \
        b##r = word_add(b##r, w, t);                                                               \
    }
        EACH_ROW(STEP)
#undef STEP
    }
#define KEEP(r) vec_store(a##r, z + r * KB); vec_store(b##r, z + r * KB + VL);
    EACH_ROW(KEEP)
#undef KEEP
}

/* o[r][0..NR) = fade[r] o[r] + sum over words j of p[r][j] value[j], for MR rows. */
static inline void value_tile(const WORD *p, int words, __global const WORD *value,
                              const float *fade, float *o)
{
#define DECLARE(r)                                                                                 \
    vec a##r = fade[r] * vec_load(o + r * MAX_WIDTH);                                              \
    vec b##r = fade[r] * vec_load(o + r * MAX_WIDTH + VL);
    EACH_ROW(DECLARE)
#undef DECLARE
    for (int j = 0; j < words; j++) {
        const WORDS u = word_load(value + (size_t)j * NR);
        const WORDS w = word_load(value + (size_t)j * NR + VL);
#define STEP(r)                                                                                    \
    {                                                                                              \
        const WORD t = p[r * P_WORDS + j];                                                         \
        a##r = word_add(a##r, u, t);                                                               \
        b##r = word_add(b##r, w, t);                                                               \
    }
        EACH_ROW(STEP)
#undef STEP
    }
#define KEEP(r) vec_store(a##r, o + r * MAX_WIDTH); vec_store(b##r, o + r * MAX_WIDTH + VL);
    EACH_ROW(KEEP)
#undef KEEP
}

/* Vector `part` of value row j, in a panel of columns. */
static inline vec value_of(__global const WORD *value, int j, int part)
{
#ifdef DOT_BF16
    return dot_element(dot_words_load(value + (size_t)(j / 2) * NR + part * VL), j % 2);
#else
    return vec_load(value + (size_t)j * NR + part * VL);
#endif
}

/* Whether n rows of NR values are all numbers, and no infinities. */
static inline int all_finite(int n, __global const WORD *value)
{
    vec s = 0.0f;
    for (int j = 0; j < n; j++)
        for (int part = 0; part < 2; part++) s = fma(value_of(value, j, part), (vec)(0.0f), s);
    return lanes_sum(s) == 0.0f;
}

/* value_tile() of one row that leaves the values of masked keys alone. */
static void value_row(const float *p, int n, __global const WORD *value, float fade, float *o)
{
    vec a = fade * vec_load(o), b = fade * vec_load(o + VL);
    for (int j = 0; j < n; j++) {
        if (p[j] == 0.0f) continue;
        a = fma((vec)(p[j]), value_of(value, j, 0), a);
        b = fma((vec)(p[j]), value_of(value, j, 1), b);
    }
    vec_store(a, o);
    vec_store(b, o + VL);
}

/* n numbers, a multiple of NR, as words. */
static inline void to_words(const float *from, int n, WORD *to)
{
    for (int i = 0; i < n; i += NR) {
        const vec a = vec_load(from + i), b = vec_load(from + i + VL);
#ifdef DOT_BF16
        dot_words_store(dot_words_of(a, b), to + i / 2);
#else
        vec_store(a, to + i);
        vec_store(b, to + i + VL);
#endif
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attn_cpu(const int T, const int S, const int D, const int E, const int share,
              const float scale, __global const float *head_scale, const int head_scale_at,
              __global const float *q, const int q_at, const int q_batch, const int q_head,
              const int q_token, const int q_f16, __global const WORD *restrict keys,
              const int keys_at, __global const WORD *restrict values, const int values_at,
              __global float *restrict out, const int out_at, const int out_batch,
              const int out_head, const int out_token, const int add,
              __global const float *head_gain, const int head_gain_at, __global float *lse,
              const int lse_at, MASK_PARAMS)
{
    float o[RB * MAX_WIDTH], z[RB * KB];
    WORD x[RB * X_WORDS];
#ifdef DOT_BF16
    WORD p[RB * P_WORDS];
#else
    const float *p = z;
#endif
    float top[RB], sum[RB], fade[RB];
    int seen[RB];
    const int first = get_global_id(0) * RB, h = get_global_id(1), b = get_global_id(2);
    const int rows = min(RB, T - first);
    const int panels = (S + NR - 1) / NR, columns = (E + NR - 1) / NR;
    const int words = (D + PER - 1) / PER;
    if (rows <= 0) return;
    const size_t head = (size_t)b * (get_global_size(1) / share) + h / share;
    const float factor = (head_scale ? head_scale[head_scale_at + h] : scale) * LOG2_E;
    const size_t q_row = q_at + (size_t)b * q_batch + (size_t)h * q_head;
    const mask m = MASK_OF(b, T, S);
    const mask_range q_range = mask_q_range(&m, first, first + rows);
    keys += keys_at + head * panels * words * NR;
    values += values_at + head * columns * panels * NR * NR / PER;

    for (int r = 0; r < RB; r++) {
        const size_t at = q_row + (size_t)(first + min(r, rows - 1)) * q_token;
        float row[MAX_WIDTH] = {0};
        for (int d = 0; d < D; d++)
            row[d] = factor * (q_f16 ? vload_half(at + d, (__global const half *)q) : q[at + d]);
        to_words(row, (D + NR - 1) / NR * NR, x + r * X_WORDS);
        for (int e = 0; e < columns * NR; e++) o[r * MAX_WIDTH + e] = 0.0f;
        top[r] = -3.0e38f;
        sum[r] = 0.0f;
        seen[r] = 0;
    }
    for (int k0 = 0; k0 < S; k0 += KB) {
        const int n = min(KB, S - k0), wide = (n + NR - 1) / NR * NR;
        const int state = flags ? mask_block(&m, q_range, mask_k_range(&m, k0, k0 + n)) : MASK_ALL;
        if (state == MASK_NONE) continue;
        for (int j = 0; j < wide; j += NR)
            for (int r = 0; r < rows; r += MR)
                score_tile(x + r * X_WORDS, words, keys + (size_t)(k0 + j) * words,
                           z + r * KB + j);
        for (int r = 0; r < rows; r++) {
            seen[r] |= hide(z + r * KB, &m, first + r, k0, n, wide, state);
            fade[r] = soften(z + r * KB, wide, top + r, sum + r);
#ifdef DOT_BF16
            to_words(z + r * KB, wide, p + r * P_WORDS);
#endif
        }
        for (int r = rows; r < (rows + MR - 1) / MR * MR; r++) fade[r] = 0.0f;
        for (int c = 0; c < columns; c++) {
            __global const WORD *value = values + ((size_t)c * panels * NR + k0) * NR / PER;
            if (state == MASK_ALL || all_finite(n, value))
                for (int r = 0; r < rows; r += MR)
                    value_tile(p + r * P_WORDS, (n + PER - 1) / PER, value, fade + r,
                               o + r * MAX_WIDTH + c * NR);
            else
                for (int r = 0; r < rows; r++)
                    value_row(z + r * KB, n, value, fade[r], o + r * MAX_WIDTH + c * NR);
        }
    }
    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f;
    for (int r = 0; r < rows; r++) {
        __global float *to = out + out_at + (size_t)b * out_batch + (size_t)h * out_head +
                             (size_t)(first + r) * out_token;
        for (int e = 0; e < E; e++)
            to[e] = (add ? to[e] : 0.0f) +
                    gain * (seen[r] ? o[r * MAX_WIDTH + e] / sum[r] : 0.0f);
        if (lse)
            lse[lse_at + ((size_t)b * get_global_size(1) + h) * T + first + r] =
                seen[r] ? top[r] * LN_2 + log(sum[r]) : -3.0e38f;
    }
}
