/* attn_nv.cl - attention in halves with float sums on the matrix units of NVIDIA's GPUs.
 *
 * A work-group makes ROWS rows of one head over KEYS keys at a time. The keys and values of the
 * next block are on their way while one is worked on:
 *
 *     queries of a warp      scores          weights         out of a warp
 *     | 16*MR x WIDTH |  ->  | 16*MR x KEYS |  softmax  ->   | 16*MR x WIDTH |    all in registers
 *                      ^ keys of the block             ^ values of the block      in local memory
 *
 * Scores come as a product spreads its sums, which is how it takes its first operand again: weights
 * stay where they are. The running maximum moves sums when it grows. NaN stays: a NaN score is no
 * new maximum but poisons the sum. A masked key weighs 0, and where its value is no number it is
 * kept from the product, which would make 0 * NaN of it. A row that sees nothing becomes zeros, its
 * lse -3e38. q, k and v must begin at multiples of 8 halves, and their rows too; out of 2.
 * Launch:  groups {ceil(T/ROWS), H, B}.
 * Build:   -D WIDTH=64 or 128: what D and E are; -D MASKS where there are any; for 64 -D WARPGROUP.
 * Prelude: mma.clh, warpgroup.clh, mask.clh values.clh attn_rows.clh.
 * Oracle:  att_ref_attn(): 2^-11 of the largest value, as weights are rounded to halves. */

/* Where queries are in local memory, in 16 bytes: behind the tiles, or where they will be. */
#ifdef WARPGROUP
#define QUERY (4 * TILE / 16)
#define ROOM (5 * TILE / 16)
#else
#define QUERY 0
#define ROOM (4 * TILE / 16)
#endif

/* The queries into local memory and on into registers, or to stay there; all else empty. negate:
 * the scale is negative. */
static inline void begin(rows *x, __local uint *query, __global const half *q, int stride, int T,
                         int negate)
{
    const uint lane = get_local_id(0) % 32, warp = get_local_id(0) / 32, at = local_address(query);
    tile_copy(at, q, stride, get_group_id(0) * ROWS, ROWS, T, CHUNKS, WIDTH);
    copies_close();
    copies_wait(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = get_local_id(0); negate && i < ROWS * WIDTH / 2; i += NV_LANES)
        query[i] ^= 0x80008000u;
    barrier(CLK_LOCAL_MEM_FENCE);
#ifndef WARPGROUP
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int d = 0; d < WIDTH / 16; d++)
            blocks_load(x->query[i][d], at + tile_at((warp * MR + i) * 16 + lane % 16,
                                                     d * 2 + lane / 16, CHUNKS));
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
    x->seen = 0;
#pragma unroll
    for (int i = 0; i < MR * 2; i++) {
        x->top[0][i] = NOTHING;
        x->sum[0][i] = 0.0f;
    }
#pragma unroll
    for (int e = 0; e < MR * WIDTH / 2; e++) x->out[0][0][e] = 0.0f;
}

/* z = queries times the block's keys; out += weights times its values. */
#ifdef WARPGROUP
static inline void score(const rows *x, float z[MR][KEYS / 8][4], uint query, uint keys)
{
#pragma unroll
    for (int c = 0; c < KEYS / 2; c++) z[0][0][c] = 0.0f;
    warpgroup_hold(z[0][0], KEYS / 2);
    warpgroup_begin();
#pragma unroll
    for (int d = 0; d < WIDTH / 16; d++)
        warpgroup_mma_64(z[0][0], tile_descriptor(query + d * 32, CHUNKS),
                         tile_descriptor(keys + d * 32, CHUNKS));
    warpgroup_wait();
    warpgroup_hold(z[0][0], KEYS / 2);
}

/* Infinities and NaN are taken out of local memory first; *flag is 0 before and after. */
static inline void weigh(rows *x, uint p[MR][KEYS / 16][4], __local uint *values, __local int *flag,
                         const mask *m, int k0, int T, int S, int some)
{
    const uint at = local_address(values);
    int odd = 0;
    for (int i = get_local_id(0); some && i < TILE / 4; i += NV_LANES) finite(values[i], &odd);
    if (odd) *flag = 1;
    if (some) barrier(CLK_LOCAL_MEM_FENCE);
    if (some && *flag) {
        add_odd(x, (__local const half *)values, m, k0, T, S);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = get_local_id(0); i < TILE / 4; i += NV_LANES)
            values[i] = finite(values[i], &odd);
        *flag = 0;
        warpgroup_see_copies();
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    warpgroup_hold_operand(p[0][0], KEYS / 4);
    warpgroup_hold(x->out[0][0], WIDTH / 2);
    warpgroup_begin();
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++)
        warpgroup_mma_64_turned(x->out[0][0], p[0][j], tile_descriptor(at + j * TILE / 4, CHUNKS));
    warpgroup_wait();
    warpgroup_hold(x->out[0][0], WIDTH / 2);
}
#else
static inline void score(const rows *x, float z[MR][KEYS / 8][4], uint query, uint keys)
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

static inline void weigh(rows *x, uint p[MR][KEYS / 16][4], __local uint *values, __local int *flag,
                         const mask *m, int k0, int T, int S, int some)
{
    const uint lane = get_local_id(0) % 32, at = local_address(values);
    int odd = 0;
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++)
#pragma unroll
        for (int e = 0; e < WIDTH / 16; e++) {
            uint v[4];
            blocks_load_turned(v, at + tile_at(j * 16 + lane % 16, e * 2 + lane / 16, CHUNKS));
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
    if (some && any_lane(odd)) add_odd(x, (__local const half *)values, m, k0, T, S);
}
#endif

__kernel __attribute__((reqd_work_group_size(NV_LANES, 1, 1)))
void attn_nv(const int T, const int S, const int D, const int E, const int share, const float scale,
             __global const float *head_scale, const int head_scale_at, __global const half *q,
             const int q_at, const int q_batch, const int q_head, const int q_token,
             const int q_f16, __global const half *k, const int k_at, const int k_batch,
             const int k_head, const int k_token, __global const half *v, const int v_at,
             const int v_batch, const int v_head, const int v_token, __global float *out,
             const int out_at, const int out_batch, const int out_head, const int out_token,
             const int add, __global const float *head_gain, const int head_gain_at,
             __global float *lse, const int lse_at, MASK_PARAMS, HEAD_PARAMS,
             const int out_f16)
{
    __local uint4 room[ROOM] __attribute__((aligned(1024)));
    __local int flag;
    const uint tiles = local_address(room);
    const int first = get_group_id(0) * ROWS, h = get_group_id(1), b = get_group_id(2);
    if (T == 0 || OTHER_HEAD(h)) return;
    flag = 0;
    const mask m = MASK_OF(b, T, S);
    const float factor = LOG2_E * (head_scale ? head_scale[head_scale_at + h] : scale);
    k += k_at + (size_t)b * k_batch + (size_t)(h / share) * k_head;
    v += v_at + (size_t)b * v_batch + (size_t)(h / share) * v_head;
    rows x;
    begin(&x, (__local uint *)(room + QUERY), q + q_at + (size_t)b * q_batch + (size_t)h * q_head,
          q_token, T, factor < 0.0f);

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
#ifdef WARPGROUP
        warpgroup_see_copies();
#endif
        barrier(CLK_LOCAL_MEM_FENCE); /* the block has come, and all are done with the one before */
        if (k1 < S) FETCH(k1, half_of ^ 1)
        copies_close();
        score(&x, z, local_address(room + QUERY), keys);
        if (some)
            hide(&x, z, &m, k0, T, S);
        else
            x.seen = -1;
#pragma unroll
        for (int i = 0; i < MR * 2; i++)
            soften(&x, z[i / 2], p[i / 2], i / 2, i % 2, fabs(factor), some);
        weigh(&x, p, (__local uint *)room + (half_of * 2 + 1) * (TILE / 4), &flag, &m, k0, T, S,
              some);
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
