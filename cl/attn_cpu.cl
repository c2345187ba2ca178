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
 * Build:   -D DOT_BF16, -D FIELDS.
 * Preludes: types.clh lanes.clh dots.clh score_tile.clh mask.clh softmax.clh fields.clh.
 * Oracle:  att_ref_attn(). */
#define RB 24

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

/* Column e of value row j; panels of keys. */
static inline float value_number(__global const WORD *values, int panels, int j, int e)
{
    __global const WORD *value = values + (size_t)(e / NR) * panels * NR * NR / PER;
    float x[VL];
    vec_store(value_of(value, j, e % NR / VL), x);
    return x[e % VL];
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

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attn_cpu(const int T, const int S, const int D, const int E, const int share,
              const float scale, __global const float *head_scale, const int head_scale_at,
              __global const float *q, const int q_at, const int q_batch, const int q_head,
              const int q_token, const int q_f16, __global const WORD *restrict keys,
              const int keys_at, __global const WORD *restrict values, const int values_at,
              __global float *restrict out, const int out_at, const int out_batch,
              const int out_head, const int out_token, const int add,
              __global const float *head_gain, const int head_gain_at, __global float *lse,
              const int lse_at, MASK_PARAMS, HEAD_PARAMS FIELD_PARAMS)
{
    float o[SETS][RB * MAX_WIDTH], z[RB * KB];
    WORD x[RB * X_WORDS];
#ifdef DOT_BF16
    WORD p[RB * P_WORDS];
#define AS_WORDS(weights) p
#else
#define AS_WORDS(weights) weights
#endif
    float top[RB], sum[RB], fade[RB];
    int seen[RB];
    const int first = get_global_id(0) * RB, h = get_global_id(1), b = get_global_id(2);
    const int rows = min(RB, T - first);
    const int panels = (S + NR - 1) / NR, columns = (E + NR - 1) / NR;
    const int words = (D + PER - 1) / PER;
    if (rows <= 0 || OTHER_HEAD(h)) return;
    FIELDS_OF(b, h)
    float weight[SETS > 1 ? RB * KB : 1], mass[RB][CLASSES] = {{0.0f}};
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
        for (int set = 0; set < sets; set++)
            for (int e = 0; e < columns * NR; e++) o[set][r * MAX_WIDTH + e] = 0.0f;
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
            for (int j = 0; score_changes(&sf, first + r) && j < n; j++)
                z[r * KB + j] = score_change(&sf, first + r, k0 + j, z[r * KB + j]);
            seen[r] |= hide(z + r * KB, &m, first + r, k0, n, wide, state);
            fade[r] = soften(z + r * KB, wide, top + r, sum + r);
            masses_fade(mass[r], fade[r]);
            for (int j = 0; rf.classes && j < n; j++)
                mass[r][class_of(&rf, k0 + j)] += z[r * KB + j];
        }
        for (int r = rows; r < (rows + MR - 1) / MR * MR; r++) fade[r] = 0.0f;
        for (int set = 0; set < sets; set++) {
            float *weights = set ? weight : z;
            for (int j = 0; set && j < wide; j++) {
                const int class = class_of(&rf, min(k0 + j, S - 1));
                for (int r = 0; r < rows; r++)
                    weights[r * KB + j] = set_weight(&rf, set, class, z[r * KB + j]);
            }
#ifdef DOT_BF16
            for (int r = 0; r < rows; r++) to_words(weights + r * KB, wide, p + r * P_WORDS);
#endif
            for (int c = 0; c < columns; c++) {
                __global const WORD *value = values + ((size_t)c * panels * NR + k0) * NR / PER;
                float *to = o[set] + c * NR;
                if (state == MASK_ALL || all_finite(n, value))
                    for (int r = 0; r < rows; r += MR)
                        value_tile(AS_WORDS(weights) + r * P_WORDS, (n + PER - 1) / PER, value,
                                   fade + r, to + r * MAX_WIDTH);
                else
                    for (int r = 0; r < rows; r++)
                        value_row(weights + r * KB, n, value, fade[r], to + r * MAX_WIDTH);
            }
        }
    }
    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f;
    for (int r = 0; r < rows; r++) {
        __global float *to = out + out_at + (size_t)b * out_batch + (size_t)h * out_head +
                             (size_t)(first + r) * out_token;
        const size_t line = ((size_t)b * get_global_size(1) + h) * T + first + r;
        const int i = first + r, at = r * MAX_WIDTH;
        const row_end last = row_end_of(&rf, i, S, get_global_size(1), line, (size_t)b * T + i,
                                        gain, seen[r], &top[r], &sum[r], mass[r]);
        for (int e = 0; e < E; e++) {
            float y = row_number(&last, o[FIRST][at + e], o[GAINED][at + e], o[TARGET][at + e]);
            if (last.own != 0.0f) y = row_mixed(&last, y, value_number(values, panels, i, e));
            to[e] = (add ? to[e] : 0.0f) + last.gain * y;
        }
        if (lse)
            lse[lse_at + line] =
                seen[r] ? top[r] * LN_2 + log(sum[r]) : -3.0e38f;
    }
}
