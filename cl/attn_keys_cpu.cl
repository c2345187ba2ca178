/* attn_keys_cpu.cl - what keys receive, as cl/attn_keys_any.cl says it; many queries, CPUs.
 *
 * One work-item makes KEYS keys of one head from the packed keys of attn_pack_cpu.cl: scores by
 * the register tile of score_tile.clh, MR rows at a time, weights from the rows' lse, sums of them.
 * A block that no row sees is skipped. Each sum has one order, whatever the number of threads.
 * Launch:  groups {ceil(keys/KEYS), H, B}, work-groups of one.
 * Build:   -D DOT_BF16.
 * Preludes: types.clh lanes.clh dots.clh score_tile.clh mask.clh softmax.clh fields.clh.
 * Oracle:  att_ref_attn(). */
#define KEYS 64 /* at most KB */

/* sum[0..n) += w * weight of the key in the row; z becomes the weights. */
static inline void add_row(float *z, int n, float lse, float w, float *sum)
{
    for (int j = 0; j < n; j += VL) {
        const vec x = vec_load(z + j), p = soft_exp2(x - lse);
        const vec a = x == (vec)(-INFINITY) ? (vec)(0.0f) : p;
        vec_store(a, z + j);
        vec_store(fma((vec)(w), a, vec_load(sum + j)), sum + j);
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attn_keys_cpu(const int T, const int S, const int D, const int E, const int share,
                   const float scale, __global const float *head_scale, const int head_scale_at,
                   __global const float *q, const int q_at, const int q_batch, const int q_head,
                   const int q_token, const int q_f16, __global const WORD *restrict packed,
                   const int packed_at, MASK_PARAMS, HEAD_PARAMS, SCORE_PARAMS,
                   __global const float *lse, const int lse_at, __global const float *weight,
                   const int weight_at, const int keys, const int low, const int high,
                   __global float *mean, const int mean_at, __global float *band,
                   const int band_at)
{
    float z[MR * KB], sum[KEYS], some[KEYS], some_rows[KEYS], rows = 0.0f;
    WORD x[MR * X_WORDS];
    const int k0 = get_global_id(0) * KEYS, h = get_global_id(1), b = get_global_id(2);
    if (T == 0 || OTHER_HEAD(h)) return;
    const int n = clamp(S - k0, 0, KEYS), wide = (n + NR - 1) / NR * NR;
    const int panels = (S + NR - 1) / NR, words = (D + PER - 1) / PER;
    const size_t line = (size_t)b * get_global_size(1) + h;
    const size_t head = (size_t)b * (get_global_size(1) / share) + h / share;
    const float factor = (head_scale ? head_scale[head_scale_at + h] : scale) * LOG2_E;
    const mask m = MASK_OF(b, T, S);
    const score_fields sf = SCORE_OF(b, h);
    packed += packed_at + head * panels * words * NR + (size_t)k0 * words;
    for (int j = 0; j < KEYS; j++) sum[j] = some[j] = some_rows[j] = 0.0f;

    for (int i = 0; i < T; i++) rows += weight ? weight[weight_at + i] : 1.0f;
    for (int first = 0; first < T && n > 0; first += MR) {
        const int count = min(MR, T - first);
        const int state = flags ? mask_block(&m, mask_q_range(&m, first, first + count),
                                             mask_k_range(&m, k0, k0 + n))
                                : MASK_ALL;
        for (int r = 0; r < count && state != MASK_NONE; r++) {
            const size_t at = q_at + (size_t)b * q_batch + (size_t)h * q_head +
                              (size_t)(first + r) * q_token;
            float row[MAX_WIDTH] = {0};
            for (int d = 0; d < D; d++)
                row[d] =
                    factor * (q_f16 ? vload_half(at + d, (__global const half *)q) : q[at + d]);
            to_words(row, (D + NR - 1) / NR * NR, x + r * X_WORDS);
        }
        for (int r = count; r < MR; r++)
            for (int d = 0; d < words; d++) x[r * X_WORDS + d] = 0;
        for (int j = 0; j < wide && state != MASK_NONE; j += NR)
            score_tile(x, words, packed + (size_t)j * words, z + j);
        for (int r = 0; r < count; r++) {
            const int i = first + r;
            const float w = weight ? weight[weight_at + i] : 1.0f;
            const float total = lse[lse_at + line * T + i];
            const int none = state == MASK_NONE || total == -3.0e38f;
            float *row = z + r * KB;
            for (int j = 0; !none && score_changes(&sf, i) && j < n; j++)
                row[j] = score_change(&sf, i, k0 + j, row[j]);
            if (!none) hide(row, &m, i, k0, n, wide, state);
            if (!none) add_row(row, wide, total * LOG2_E, w, sum);
            for (int j = 0; band && j < n; j++) {
                const int far = mask_q_pos(&m, i) - mask_k_pos(&m, k0 + j);
                if (far < low || far > high) continue;
                some_rows[j] += w;
                if (!none) some[j] = fma(w, row[j], some[j]);
            }
        }
    }
    for (int j = 0; j < KEYS && k0 + j < keys; j++) {
        const size_t to = line * keys + k0 + j;
        const int in = j < n;
        if (mean) mean[mean_at + to] = in && rows != 0.0f ? sum[j] / rows : 0.0f;
        if (band) band[band_at + to] = in && some_rows[j] != 0.0f ? some[j] / some_rows[j] : 0.0f;
    }
}
