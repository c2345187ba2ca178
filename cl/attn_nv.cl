/* attn_nv.cl - attention in halves with float sums on the matrix units of NVIDIA's GPUs.
 *
 * A work-group makes ROWS rows of one head, a warp 16*MR of them, over KEYS keys at a time. The
 * keys and values of the next block are on their way while one is worked on:
 *
 *     queries of a warp      scores          weights         out of a warp
 *     | 16*MR x WIDTH |  ->  | 16*MR x KEYS |  softmax  ->   | 16*MR x WIDTH |    all in registers
 *                      ^ keys of the block             ^ values of the block      in local memory
 *
 * Scores come as mma() spreads its sums, which is how it takes its first operand again: weights
 * stay where they are. The running maximum moves sums when it grows. NaN stays: a NaN score is no
 * new maximum but poisons the sum. A masked key weighs 0, and where its value is no number it is
 * kept from the product, which would make 0 * NaN of it. A row that sees nothing becomes zeros, its
 * lse -3e38. q, k and v must begin at multiples of 8 halves, and their rows too; out of 2.
 * Launch:  groups {ceil(T/ROWS), H, B}.
 * Build:   -D WIDTH=64 or 128: what D and E are; -D MASKS where there are any.
 * Prelude: mma.clh mask.clh values.clh.
 * Oracle:  att_ref_attn(): 2^-10 of the largest value, as weights are rounded to halves. */
#if WIDTH == 64 && !defined(MASKS)
#define MR 2 /* shares what is loaded of keys; masks need the registers */
#else
#define MR 1
#endif
#define KEYS (WIDTH == 64 ? 64 : 32)
#define ROWS (64 * MR)
#define CHUNKS (WIDTH / 8)
#define TILE (KEYS * WIDTH * 2) /* bytes */
#define NOTHING -3.0e38f
#define LOG2_E 1.44269504f

#ifdef MASKS
#define BLOCK_STATE(m, queries, k0, S)                                                             \
    ((m)->flags ? mask_block(m, queries, mask_k_range(m, k0, min((k0) + KEYS, S))) : MASK_ALL)
#define SEES(m, i, key) (!(m)->flags || mask_visible(m, mask_row_of(m, i), key))
#else
#define BLOCK_STATE(m, queries, k0, S) MASK_ALL
#define SEES(m, i, key) 1
#endif

/* What a lane holds: of row r of block i (row() below) its columns. */
typedef struct rows {
    uint query[MR][WIDTH / 16][4];
    float out[MR][WIDTH / 8][4]; /* sum of weights times values */
    float top[MR][2], sum[MR][2];
    int seen; /* bit 2i+r */
} rows;

static inline int row(int i, int r)
{
    const int lane = get_local_id(0) % 32, warp = get_local_id(0) / 32;
    return get_group_id(0) * ROWS + (warp * MR + i) * 16 + r * 8 + lane / 4;
}

/* The queries through local memory into registers; all else empty. */
static inline void begin(rows *x, uint tiles, __global const half *q, int stride, int T, int negate)
{
    const uint lane = get_local_id(0) % 32, warp = get_local_id(0) / 32;
    tile_copy(tiles, q, stride, get_group_id(0) * ROWS, ROWS, T, CHUNKS, WIDTH);
    copies_close();
    copies_wait(0);
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int d = 0; d < WIDTH / 16; d++) {
            const uint at = (warp * MR + i) * 16 + lane % 16;
            blocks_load(x->query[i][d], tiles + tile_at(at, d * 2 + lane / 16, CHUNKS));
#pragma unroll
            for (int c = 0; c < 4; c++) x->query[i][d][c] ^= negate ? 0x80008000u : 0;
        }
    barrier(CLK_LOCAL_MEM_FENCE);
    x->seen = 0;
#pragma unroll
    for (int i = 0; i < MR * 2; i++) {
        x->top[0][i] = NOTHING;
        x->sum[0][i] = 0.0f;
    }
#pragma unroll
    for (int e = 0; e < MR * WIDTH / 2; e++) x->out[0][0][e] = 0.0f;
}

/* z = queries times the block's keys. */
static inline void score(const rows *x, float z[MR][KEYS / 8][4], uint keys)
{
    const uint lane = get_local_id(0) % 32;
#pragma unroll
    for (int c = 0; c < MR * KEYS / 2; c++) z[0][0][c] = 0.0f;
#pragma unroll
    for (int d = 0; d < WIDTH / 16; d++)
#pragma unroll
        for (int j = 0; j < KEYS / 16; j++) {
            uint k[4];
            blocks_load(k, keys + tile_at(j * 16 + lane % 8 + lane / 16 * 8, d * 2 + lane / 8 % 2,
                                          CHUNKS));
#pragma unroll
            for (int i = 0; i < MR; i++) {
                mma(z[i][2 * j], x->query[i][d], k[0], k[1]);
                mma(z[i][2 * j + 1], x->query[i][d], k[2], k[3]);
            }
        }
}

/* Scores of masked keys, and of keys from S on, become NOTHING. */
static inline void hide(rows *x, float z[MR][KEYS / 8][4], const mask *m, int k0, int T, int S)
{
    const int lane = get_local_id(0) % 32;
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
#ifdef MASKS
            mask_row of = {0, 0, 0, 0};
            if (m->flags) of = mask_row_of(m, min(row(i, r), T - 1));
#endif
#pragma unroll
            for (int j = 0; j < KEYS / 4; j++) {
                const int key = k0 + j / 2 * 8 + lane % 4 * 2 + j % 2;
                int visible = key < S;
#ifdef MASKS
                visible = visible && (!m->flags || mask_visible(m, of, key));
#endif
                if (visible)
                    x->seen |= 1 << (2 * i + r);
                else
                    z[i][j / 2][2 * r + j % 2] = NOTHING;
            }
        }
}

/* Scores of row (i, r), times `by`, to weights as halves; what was summed fades. */
static inline void soften(rows *x, const float z[KEYS / 8][4], uint p[KEYS / 16][4], int i, int r,
                          float by, int some)
{
    float high = NOTHING, total = 0.0f;
#pragma unroll
    for (int j = 0; j < KEYS / 8; j++) high = fmax(high, fmax(z[j][2 * r], z[j][2 * r + 1]));
    high = fmax(high, across(high, 1));
    high = fmax(high, across(high, 2)) * by;
    high = fmax(high, x->top[i][r]);
    const float fade = exp2_near(x->top[i][r] - high);
    x->top[i][r] = high;
#pragma unroll
    for (int j = 0; j < KEYS / 8; j++) {
        const float *s = z[j] + 2 * r;
        float a = exp2_near(fma(s[0], by, -high)), b = exp2_near(fma(s[1], by, -high));
        if (some && s[0] == NOTHING) a = 0.0f;
        if (some && s[1] == NOTHING) b = 0.0f;
        total += a + b;
        p[j / 2][j % 2 * 2 + r] = halves_of(a, b);
    }
    x->sum[i][r] = fma(x->sum[i][r], fade, total);
#pragma unroll
    for (int e = 0; e < WIDTH / 4; e++) x->out[i][e / 2][2 * r + e % 2] *= fade;
}

/* Two halves, zeros in place of infinities and NaN; *odd says whether there were any. */
static inline uint finite(uint x, int *odd)
{
    const uint low = (x & 0x7c00u) == 0x7c00u, high = (x & 0x7c000000u) == 0x7c000000u;
    *odd |= low | high;
    return (low ? 0 : x & 0xffffu) | (high ? 0 : x & 0xffff0000u);
}

/* out += weights times the block's values; whether some were left out for not being finite. */
static inline int weigh(rows *x, uint p[MR][KEYS / 16][4], uint values, int some)
{
    const uint lane = get_local_id(0) % 32;
    int odd = 0;
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++)
#pragma unroll
        for (int e = 0; e < WIDTH / 16; e++) {
            uint v[4];
            blocks_load_turned(v, values + tile_at(j * 16 + lane % 16, e * 2 + lane / 16, CHUNKS));
            if (some) {
#pragma unroll
                for (int c = 0; c < 4; c++) v[c] = finite(v[c], &odd);
            }
#pragma unroll
            for (int i = 0; i < MR; i++) {
                mma(x->out[i][2 * e], p[i][j], v[0], v[1]);
                mma(x->out[i][2 * e + 1], p[i][j], v[2], v[3]);
            }
        }
    return any_lane(odd);
}

/* Those values to the rows that see them. */
static inline void add_odd(rows *x, __local const half *values, const mask *m, int k0, int T, int S)
{
    const int lane = get_local_id(0) % 32;
    for (int key = 0; key < KEYS && k0 + key < S; key++)
#pragma unroll
        for (int i = 0; i < MR * 2; i++) {
            if (!SEES(m, min(row(i / 2, i % 2), T - 1), k0 + key)) continue;
#pragma unroll
            for (int e = 0; e < WIDTH / 4; e++) {
                const float v =
                    vload_half(tile_at(key, e / 2, CHUNKS) / 2 + lane % 4 * 2 + e % 2, values);
                if (isnan(v) || isinf(v)) x->out[i / 2][e / 2][i % 2 * 2 + e % 2] += v;
            }
        }
}

/* Two numbers of a row to out. */
static inline void put(__global float *out, size_t at, float a, float b, int add, int f16)
{
    if (add) {
        value_put(a, 1, out, at, f16);
        value_put(b, 1, out, at + 1, f16);
    } else if (f16) {
        *(__global uint *)((__global half *)out + at) = halves_of(a, b);
    } else {
        *(__global float2 *)(out + at) = (float2)(a, b);
    }
}

__kernel __attribute__((reqd_work_group_size(NV_LANES, 1, 1)))
void attn_nv(const int T, const int S, const int D, const int E, const int share, const float scale,
             __global const float *head_scale, const int head_scale_at, __global const half *q,
             const int q_at, const int q_batch, const int q_head, const int q_token,
             const int q_f16, __global const half *k, const int k_at, const int k_batch,
             const int k_head, const int k_token, __global const half *v, const int v_at,
             const int v_batch, const int v_head, const int v_token, __global float *out,
             const int out_at, const int out_batch, const int out_head, const int out_token,
             const int add, __global const float *head_gain, const int head_gain_at,
             __global float *lse, const int lse_at, MASK_PARAMS, const int out_f16)
{
    __local uint4 room[4 * TILE / 16] __attribute__((aligned(128)));
    const uint tiles = local_address(room);
    const int first = get_group_id(0) * ROWS, h = get_group_id(1), b = get_group_id(2);
    if (T == 0) return;
    const mask m = MASK_OF(b, T, S);
    const float factor = LOG2_E * (head_scale ? head_scale[head_scale_at + h] : scale);
    k += k_at + (size_t)b * k_batch + (size_t)(h / share) * k_head;
    v += v_at + (size_t)b * v_batch + (size_t)(h / share) * v_head;
    rows x;
    begin(&x, tiles, q + q_at + (size_t)b * q_batch + (size_t)h * q_head, q_token, T,
          factor < 0.0f);

#define FETCH(at, to)                                                                              \
    {                                                                                              \
        tile_copy(tiles + (to) * 2 * TILE, k, k_token, at, KEYS, S, CHUNKS, WIDTH);                \
        tile_copy(tiles + ((to) * 2 + 1) * TILE, v, v_token, at, KEYS, S, CHUNKS, WIDTH);          \
    }
#define SKIP(at)                                                                                   \
    while (at < S && (state = BLOCK_STATE(&m, queries, at, S)) == MASK_NONE) at += KEYS;
    const mask_range queries = mask_q_range(&m, first, min(first + ROWS, T));
    int state = MASK_ALL, k0 = 0, half_of = 0;
    SKIP(k0)
    if (k0 < S) FETCH(k0, 0)
    copies_close();
    while (k0 < S) {
        const int some = state != MASK_ALL || k0 + KEYS > S;
        const uint keys = tiles + half_of * 2 * TILE;
        float z[MR][KEYS / 8][4];
        uint p[MR][KEYS / 16][4];
        int k1 = k0 + KEYS;
        SKIP(k1)
        copies_wait(0);
        barrier(CLK_LOCAL_MEM_FENCE); /* the block has come, and all are done with the one before */
        if (k1 < S) FETCH(k1, half_of ^ 1)
        copies_close();
        score(&x, z, keys);
        if (some)
            hide(&x, z, &m, k0, T, S);
        else
            x.seen = -1;
#pragma unroll
        for (int i = 0; i < MR * 2; i++)
            soften(&x, z[i / 2], p[i / 2], i / 2, i % 2, fabs(factor), some);
        if (weigh(&x, p, keys + TILE, some))
            add_odd(&x, (__local const half *)room + (half_of * 2 + 1) * (TILE / 2), &m, k0, T, S);
        k0 = k1;
        half_of ^= 1;
    }

    const float gain = head_gain ? head_gain[head_gain_at + h] : 1.0f;
#pragma unroll
    for (int i = 0; i < MR * 2; i++) {
        const int at = row(i / 2, i % 2), lane = get_local_id(0) % 32;
        float sum = x.sum[0][i], any = x.seen >> i & 1;
        sum += across(sum, 1);
        sum += across(sum, 2);
        any += across(any, 1);
        any += across(any, 2);
        if (at >= T) continue;
        const size_t to = out_at + (size_t)b * out_batch + (size_t)h * out_head +
                          (size_t)at * out_token + lane % 4 * 2;
#pragma unroll
        for (int e = 0; e < WIDTH / 8; e++) {
            const float *o = x.out[i / 2][e] + i % 2 * 2, by = gain / sum;
            put(out, to + e * 8, any > 0.0f ? o[0] * by : 0.0f, any > 0.0f ? o[1] * by : 0.0f, add,
                out_f16);
        }
        if (lse && lane % 4 == 0)
            lse[lse_at + ((size_t)b * get_num_groups(1) + h) * T + at] =
                any > 0.0f ? x.top[0][i] / LOG2_E + log(sum) : NOTHING;
    }
}
