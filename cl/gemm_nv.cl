/* gemm_nv.cl - y[M,N] = residual + gate .* act(x[M,K] w[N,K]^T + bias) in halves with float sums,
 * on the matrix units of NVIDIA's GPUs.
 *
 * A work-group makes a tile of BM x 128 of y. It walks along K in steps of BK; the tiles of x and w
 * for the next steps are on their way while one is multiplied:
 *
 *                    w  | 128 x BK |          local memory   step s   s+1  ..  s+STAGES-1
 *                       |__________|                         | x | w | x | w |  ...  |
 *       x  | BM x BK |  |  y tile  |                            ^ multiplied   ^ being filled
 *
 *   mma.sync (sm_80): four warps, each 64 x 64 of the tile, in blocks of 16 x 8.
 *   WARPGROUP (Hopper): all four warps as one, 64 x 128 at a time.
 *
 * The sums then go through local memory, 64 rows at a time, so that bias, gate, residual and y are
 * read and written in whole lines. y is half with y_f16, else float; x_f16 is 1. x and w must begin
 * at multiples of 8 halves, and their rows too.
 * Launch:  groups {ceil(M/BM) * ceil(N/128), 1, 1}.
 * Build:   -D ACT=float4, -D BM=128 -D BK=32 -D STAGES=3 (or other sizes that fit 48 KiB), and
 *          -D WARPGROUP.  Prelude: act.clh mma.clh, warpgroup.clh.
 * Oracle:  att_ref_linear() of rounded inputs, relative to sum |x||w|: K * 2^-24. */
#define BN 128
#define CHUNKS (BK / 8)
#define BAND 8 /* rows of tiles whose work-groups follow each other, so that they share w */
#define X_BYTES (BM * BK * 2)
#define STAGE_BYTES ((BM + BN) * BK * 2)
#define PASS 64            /* rows of the tile that are finished together */
#define LINE (BN + 8)      /* floats of one, padded against bank conflicts */
#define PASS_BYTES (PASS * LINE * 4)
#define ROOM (STAGES * STAGE_BYTES > PASS_BYTES ? STAGES * STAGE_BYTES : PASS_BYTES)

/* Sums of a lane: MT x NT blocks of four, as mma() holds them. ROW, COLUMN: of block (i, 0). */
#ifdef WARPGROUP
#define MT (BM / 64)
#define NT (BN / 8)
#define ROW(warp, i) ((i) * 64 + (warp) * 16)
#define COLUMN(warp) 0
#else
#define MT 4
#define NT 8
#define ROW(warp, i) ((warp) % 2 * 64 + (i) * 16)
#define COLUMN(warp) ((warp) / 2 * 64)
#endif

typedef struct sums {
    float at[MT][NT][4];
} sums;

#ifdef WARPGROUP
static inline void multiply(sums *sum, uint x, uint w, uint lane, uint warp)
{
    warpgroup_hold(sum->at[0][0], MT * NT * 4);
    warpgroup_begin();
#pragma unroll
    for (int k = 0; k < BK / 16; k++)
#pragma unroll
        for (int i = 0; i < MT; i++)
            warpgroup_mma(sum->at[i][0], tile_descriptor(x + i * 64 * BK * 2 + k * 32, CHUNKS),
                          tile_descriptor(w + k * 32, CHUNKS));
}
static inline void multiply_wait(sums *sum)
{
    warpgroup_wait();
    warpgroup_hold(sum->at[0][0], MT * NT * 4);
}
#else
static inline void load_step(uint a[MT][4], uint b[NT / 2][4], uint x, uint w, uint lane, uint warp,
                             int k)
{
    const uint row = ROW(warp, 0) + (lane & 15), column = COLUMN(warp) + (lane & 7) + lane / 16 * 8;
#pragma unroll
    for (int i = 0; i < MT; i++)
        blocks_load(a[i], x + tile_at(row + i * 16, k * 2 + lane / 16, CHUNKS));
#pragma unroll
    for (int j = 0; j < NT / 2; j++)
        blocks_load(b[j], w + tile_at(column + j * 16, k * 2 + lane / 8 % 2, CHUNKS));
}

static inline void multiply(sums *sum, uint x, uint w, uint lane, uint warp)
{
    uint a[2][MT][4], b[2][NT / 2][4]; /* this step of 16 and the next */
    load_step(a[0], b[0], x, w, lane, warp, 0);
#pragma unroll
    for (int k = 0; k < BK / 16; k++) {
        if (k + 1 < BK / 16) load_step(a[(k + 1) % 2], b[(k + 1) % 2], x, w, lane, warp, k + 1);
#pragma unroll
        for (int i = 0; i < MT; i++)
#pragma unroll
            for (int j = 0; j < NT; j++)
                mma(sum->at[i][j], a[k % 2][i], b[k % 2][j / 2][j % 2 * 2],
                    b[k % 2][j / 2][j % 2 * 2 + 1]);
    }
}
#define multiply_wait(sum)
#endif

/* The rows [first, first + PASS) of the tile to local memory. */
static inline void spread(__local float *lines, const sums *sum, int first, uint lane, uint warp)
{
#pragma unroll
    for (int i = 0; i < MT; i++) {
        const int row = (int)ROW(warp, i) - first;
        if (row < 0 || row >= PASS) continue;
        __local float *to = lines + (row + lane / 4) * LINE + COLUMN(warp) + lane % 4 * 2;
#pragma unroll
        for (int j = 0; j < NT; j++) {
            const float *s = sum->at[i][j];
            *(__local float2 *)(to + j * 8) = (float2)(s[0], s[1]);
            *(__local float2 *)(to + j * 8 + 8 * LINE) = (float2)(s[2], s[3]);
        }
    }
}

/* What happens to one row of sums; bias, gate, residual and y begin at its column 0. */
typedef struct finish {
    int act, y_f16, whole; /* whole: eight columns may be read and written at once */
    __global const float *bias, *gate, *residual;
    __global float *y;
} finish;

static inline float4 finish_4(const finish *f, float4 v, int n)
{
    v = act_apply(f->act, f->bias ? v + *(__global const float4 *)(f->bias + n) : v);
    if (f->gate) v *= *(__global const float4 *)(f->gate + n);
    if (f->residual) v += *(__global const float4 *)(f->residual + n);
    return v;
}

static inline void finish_1(const finish *f, float sum, int n)
{
    float v = act_apply(f->act, (float4)(f->bias ? sum + f->bias[n] : sum)).x;
    if (f->gate) v *= f->gate[n];
    if (f->residual) v += f->residual[n];
    if (f->y_f16)
        vstore_half_rte(v, n, (__global half *)f->y);
    else
        f->y[n] = v;
}

/* Columns [n, n + 8) of a row. */
static inline void finish_8(const finish *f, __local const float *line, int n, int N)
{
    if (!f->whole || n + 8 > N) {
        for (int i = 0; i < 8 && n + i < N; i++) finish_1(f, line[i], n + i);
        return;
    }
    const float4 a = finish_4(f, *(__local const float4 *)line, n);
    const float4 b = finish_4(f, *(__local const float4 *)(line + 4), n + 4);
    if (f->y_f16) {
        *(__global uint4 *)((__global half *)f->y + n) =
            (uint4)(halves_of(a.x, a.y), halves_of(a.z, a.w), halves_of(b.x, b.y),
                    halves_of(b.z, b.w));
    } else {
        *(__global float4 *)(f->y + n) = a;
        *(__global float4 *)(f->y + n + 4) = b;
    }
}

__kernel __attribute__((reqd_work_group_size(NV_LANES, 1, 1)))
void gemm_nv(const int M, const int N, const int K, __global const half *restrict x, const int x_at,
             const int x_stride, __global const half *restrict w, const int w_at,
             __global const float *restrict bias, const int bias_at, const int act,
             __global const float *restrict gate, const int gate_at, __global const float *residual,
             const int residual_at, const int residual_stride, __global float *y, const int y_at,
             const int y_stride, const int x_f16, const int y_f16)
{
    __local uint4 room[ROOM / 16] __attribute__((aligned(1024)));
    const uint lane = get_local_id(0) % 32, warp = get_local_id(0) / 32;
    const uint stages = local_address(room);
    const int steps = (K + BK - 1) / BK;
    const int tiles_m = (M + BM - 1) / BM, tiles_n = (N + BN - 1) / BN;
    if (M == 0) return;
    const int id = get_group_id(0), band = id / (BAND * tiles_n), in_band = id % (BAND * tiles_n);
    const int band_rows = min(tiles_m - band * BAND, BAND);
    const int m0 = (band * BAND + in_band % band_rows) * BM, n0 = in_band / band_rows * BN;
    x += x_at;
    w += w_at;

#define FETCH(s)                                                                                   \
    {                                                                                              \
        const uint to = stages + (s) % STAGES * STAGE_BYTES;                                       \
        tile_copy(to, x + (s) * BK, x_stride, m0, BM, M, CHUNKS, K - (s) * BK);                    \
        tile_copy(to + X_BYTES, w + (s) * BK, K, n0, BN, N, CHUNKS, K - (s) * BK);                 \
    }
    sums sum;
#pragma unroll
    for (int i = 0; i < MT * NT * 4; i++) sum.at[0][0][i] = 0.0f;
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) {
        if (s < steps) FETCH(s)
        copies_close();
    }
    for (int s = 0; s < steps; s++) {
        const uint stage = stages + s % STAGES * STAGE_BYTES;
        copies_wait(STAGES - 2);
#ifdef WARPGROUP
        warpgroup_see_copies();
#endif
        barrier(CLK_LOCAL_MEM_FENCE); /* the step has come, and all are done with the one before */
        if (s + STAGES - 1 < steps) FETCH(s + STAGES - 1)
        copies_close();
        multiply(&sum, stage, stage + X_BYTES, lane, warp);
        multiply_wait(&sum);
    }

    const int whole = !((y_at | y_stride) % 8) &&
                      !((bias_at | gate_at | residual_at | residual_stride) % 4);
    __local float *lines = (__local float *)room;
    const int c = get_local_id(0) % (BN / 8) * 8;
#pragma unroll
    for (int first = 0; first < BM; first += PASS) {
        barrier(CLK_LOCAL_MEM_FENCE);
        spread(lines, &sum, first, lane, warp);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int r = get_local_id(0) / (BN / 8); r < PASS; r += NV_LANES / (BN / 8)) {
            const int m = m0 + first + r;
            if (m >= M || n0 + c >= N) continue;
            const size_t to = y_at + (size_t)m * y_stride;
            const finish f = {
                act, y_f16, whole, bias ? bias + bias_at : 0, gate ? gate + gate_at : 0,
                residual ? residual + residual_at + (size_t)m * residual_stride : 0,
                y_f16 ? (__global float *)((__global half *)y + to) : y + to};
            finish_8(&f, lines + r * LINE + c, n0 + c, N);
        }
    }
}
