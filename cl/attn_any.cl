/* attn_any.cl - out[b,h,i] = sum over visible j of softmax_j(scale q.k) v, on any device.
 *
 * A work-group makes ROWS rows of one head over a chunk of the keys, KEYS at a time in local
 * memory: SHARE work-items a row, each with every SHARE-th key's score and every SHARE-th column.
 * The running maximum moves sum and columns when it grows. NaN stays: a NaN score is no new maximum
 * but poisons the sum. A masked key's value is not touched. A row that sees nothing becomes zeros,
 * its lse -3e38. The row times head_gain[h], where given, is stored or, with add, added to what is
 * there; of several chunks each is left in part, as cl/attn_merge_any.cl reads it. q and out are
 * float or half. FIELDS: all that cl/fields.clh says.
 * Launch:  groups {ceil(T/ROWS) * chunks, H, B}.
 * Build:   -D WIDTH=64 or 128: the most that D and E may be; -D KV_F16 for half keys and values;
 *          -D FIELDS.
 * Prelude: mask.clh values.clh fields.clh.  Oracle: att_ref_attn(). */
#define LANES 64
#define ROWS 16
#define KEYS 32
#define SHARE (LANES / ROWS)
#define SCORES (KEYS / SHARE)
#define COLUMNS (WIDTH / SHARE)

#ifdef KV_F16
#define KV half
#define kv_at(p, i) vload_half(i, p)
#else
#define KV float
#define kv_at(p, i) (p)[i]
#endif

/* n rows of keys or values into the tile, zeros behind them; loads are on their way together. A
 * macro: PoCL 3.1 miscompiles the function. */
#define FILL(from, token, width)                                                                   \
    for (int d = lane; d < (width); d += LANES)                                                    \
        _Pragma("unroll") for (int j = 0; j < KEYS; j++)                                           \
        {                                                                                          \
            const float x = kv_at(from, (size_t)(k0 + min(j, n - 1)) * (token) + d);               \
            tile[j][d] = j < n ? x : 0.0f;                                                         \
        }

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void attn_any(const int T, const int S, const int D, const int E, const int share,
              const float scale, __global const float *head_scale, const int head_scale_at,
              __global const float *q, const int q_at, const int q_batch, const int q_head,
              const int q_token, const int q_f16, __global const KV *k, const int k_at,
              const int k_batch, const int k_head, const int k_token, __global const KV *v,
              const int v_at, const int v_batch, const int v_head, const int v_token,
              __global float *out, const int out_at, const int out_batch, const int out_head,
              const int out_token, const int add, __global const float *head_gain,
              const int head_gain_at, __global float *lse, const int lse_at, MASK_PARAMS,
              HEAD_PARAMS, __global float *part, const int part_at, const int chunks,
              const int chunk_keys, const int out_f16 FIELD_PARAMS)
{
    __local float query[ROWS][WIDTH + 1], tile[KEYS][WIDTH + 1], weight[ROWS][KEYS + 1];
    __local int class[SETS > 1 ? KEYS : 1];
    const int lane = get_local_id(0), r = lane / SHARE, s = lane % SHARE;
    const int chunk = chunks > 0 ? (int)get_group_id(0) % chunks : 0;
    const int first = (chunks > 0 ? (int)get_group_id(0) / chunks : 0) * ROWS, i = first + r;
    const int h = get_group_id(1), b = get_group_id(2);
    const int begin = chunk * chunk_keys, end = min(begin + chunk_keys, S);
    if (OTHER_HEAD(h)) return;
    const mask m = MASK_OF(b, T, S);
    mask_row row = {0, 0, 0, 0};
    if (flags && i < T) row = mask_row_of(&m, i);
    const float factor = T > 0 && head_scale ? head_scale[head_scale_at + h] : scale;
    const size_t q_row = q_at + (size_t)b * q_batch + (size_t)h * q_head;
    k += k_at + (size_t)b * k_batch + (size_t)(share ? h / share : 0) * k_head;
    v += v_at + (size_t)b * v_batch + (size_t)(share ? h / share : 0) * v_head;

    for (int d = lane; d < D; d += LANES)
        for (int x = 0; x < ROWS; x++) {
            const size_t at = q_row + (size_t)(first + x) * q_token + d;
            query[x][d] = first + x < T ? factor * value_load(q, at, q_f16) : 0.0f;
        }
    FIELDS_OF(b, h)
    float acc[SETS][COLUMNS], z[SCORES], mass[CLASSES];
    for (int x = 0; x < SETS; x++)
        for (int c = 0; c < COLUMNS; c++) acc[x][c] = 0.0f;
    for (int c = 0; c < CLASSES; c++) mass[c] = 0.0f;
    float top = -3.0e38f, sum = 0.0f;
    int seen = 0;

    for (int k0 = begin; k0 < end; k0 += KEYS) {
        const int n = min(KEYS, end - k0);
        int visible = 0; /* bit t: the score of key s + SHARE*t counts */
        barrier(CLK_LOCAL_MEM_FENCE);
        FILL(k, k_token, D)
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int t = 0; t < SCORES; t++) z[t] = 0.0f;
        for (int d = 0; d < D; d++) {
            const float x = query[r][d];
            for (int t = 0; t < SCORES; t++) z[t] = fma(x, tile[s + SHARE * t][d], z[t]);
        }
        for (int t = 0; t < SCORES; t++) {
            const int j = s + SHARE * t;
            if (i < T && j < n && (!flags || mask_visible(&m, row, k0 + j))) visible |= 1 << t;
            if (visible >> t & 1) z[t] = score_change(&sf, i, k0 + j, z[t]);
            weight[r][j] = visible >> t & 1 ? z[t] : -INFINITY;
        }
        seen |= visible;
        barrier(CLK_LOCAL_MEM_FENCE);
        float high = top;
        for (int j = 0; j < KEYS; j++) high = weight[r][j] > high ? weight[r][j] : high;
        if (SETS > 1 && lane < KEYS) class[lane] = class_of(&rf, k0 + min(lane, n - 1));
        FILL(v, v_token, E)
        barrier(CLK_LOCAL_MEM_FENCE);
        const float fade = exp(top - high);
        sum *= fade;
        top = high;
        masses_fade(mass, fade);
        for (int t = 0; t < SCORES; t++) {
            const float p = visible >> t & 1 ? exp(z[t] - high) : -1.0f; /* masked */
            weight[r][s + SHARE * t] = p;
            if (visible >> t & 1) sum += p;
            for (int c = 0; rf.classes && c < CLASSES; c++)
                if (visible >> t & 1) mass[c] += c == class[s + SHARE * t] ? p : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int x = 0; x < SETS; x++)
            for (int c = 0; c < COLUMNS; c++) acc[x][c] *= fade;
        for (int j = 0; j < n; j++) {
            const float p = weight[r][j];
            if (p < 0.0f) continue;
            for (int c = 0; c < COLUMNS; c++)
                if (s + SHARE * c < E) acc[0][c] = fma(p, tile[j][s + SHARE * c], acc[0][c]);
            for (int x = 1; x < SETS; x++) {
                const float w = set_weight(&rf, x, class[j], p);
                for (int c = 0; c < COLUMNS; c++)
                    if (x < sets && s + SHARE * c < E)
                        acc[x][c] = fma(w, tile[j][s + SHARE * c], acc[x][c]);
            }
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    weight[r][s] = sum;
    weight[r][SHARE + s] = seen ? 1.0f : 0.0f;
    for (int c = 0; c < MASSES; c++) weight[r][(2 + c) * SHARE + s] = mass[c];
    barrier(CLK_LOCAL_MEM_FENCE);
    float total = 0.0f, any = 0.0f;
    for (int c = 0; c < MASSES; c++) mass[c] = 0.0f;
    for (int x = 0; x < SHARE; x++) {
        total += weight[r][x];
        any += weight[r][SHARE + x];
        for (int c = 0; c < MASSES; c++) mass[c] += weight[r][(2 + c) * SHARE + x];
    }
    if (i >= T) return;
    const size_t line = ((size_t)b * get_num_groups(1) + h) * T + i;
    if (chunks > 1) {
        part += part_at + (line * chunks + chunk) * PART_WIDTH(sets, E);
        for (int x = 0; x < SETS; x++)
            for (int c = 0; c < COLUMNS; c++)
                if (x < sets && s + SHARE * c < E) part[x * E + s + SHARE * c] = acc[x][c];
        part += sets * E;
        if (s > 0) return;
        part[0] = top;
        part[1] = total;
        part[2] = any;
        for (int c = 0; c < MASSES; c++) part[3 + c] = mass[c];
        return;
    }
    const size_t to = out_at + (size_t)b * out_batch + (size_t)h * out_head + (size_t)i * out_token;
    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f;
    const row_end last = row_end_of(&rf, i, S, get_num_groups(1), line, (size_t)b * T + i, gain,
                                    any > 0.0f, &top, &total, mass);
    for (int c = 0; c < COLUMNS; c++) {
        const int e = s + SHARE * c;
        float o = row_number(&last, acc[FIRST][c], acc[GAINED][c], acc[TARGET][c]);
        if (last.own != 0.0f && e < E) o = row_mixed(&last, o, kv_at(v, (size_t)i * v_token + e));
        if (e < E) value_put(last.gain * o, add, out, to + e, out_f16);
    }
    if (lse && s == 0) lse[lse_at + line] = any > 0.0f ? top + log(total) : -3.0e38f;
}
