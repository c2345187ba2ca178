/* gemm_dot_cpu.cl - y[M,N] = residual + gate .* act(x[M,K] w[N,K]^T + bias) by dots.clh, for CPUs.
 *
 * w lies in words along K: [panels][words][NR], NR = 2*VL columns a panel. One work-item turns up
 * to MB rows of x into words once, [words/VL][row][VL] a tile, and then makes `span` panels of
 * them, a tile of up to MR rows x NR columns at a time, in named accumulators. A row's result
 * depends on that row alone, and on neither M nor span.
 * bf16: both sides rounded to nearest even, one f32 sum in the order of k.
 * int8: w = scale[n] (byte - 128), x as dot_rows.clh; the i32 sum of each GROUP words goes into an
 * f32 sum. A group with a NaN or an infinity makes its row NaN.
 * blocks: a group is a block of w, with d and m of its own: (x_scale x_sum) m + (x_scale sum) d,
 * in f32 in the order of k.
 * Launch:  groups {ceil(panels/span), ceil(M/MB), 1}, work-groups of one; K <= MAX_K.
 * Build:   -D ACT=vec, -D DOT_BF16 or -D DOT_INT8; -D DOT_INT8 or DOT_PAIRS with those of
 *          blocks.clh.  Preludes: types.clh lanes.clh dots.clh, blocks.clh, dot_rows.clh act.clh
 *          epilogue.clh.
 * Oracle:  att_ref_linear() of the rounded numbers. */
#define NR (2 * VL)
#if defined(W_BITS) && VL == 8
#define MR 4 /* of 16 registers, words take four */
#else
#define MR 12
#endif
#define MB 24
#define MAX_K 8192
#define MAX_WORDS (MAX_K / DOT_ELEMENTS)
#define AHEAD 40 /* words */
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

#ifdef DOT_BF16
#define ELEMENT ushort
#define MAX_GROUPS 1 /* not used */
#else
#define ELEMENT uchar
#define MAX_GROUPS (MAX_WORDS / GROUP)
#endif

#ifdef W_BITS
#ifdef DOT_PAIRS
/* Eight sums of 4 bits by 7 and a sign stay in 16 bits, four of 5 bits; 8 bits are taken as two
 * times 4. */
#define PASSES (W_BITS == 4 ? 1 : 2)
#define PASS_WORDS (W_BITS == 5 ? GROUP / 2 : GROUP)
#if W_BITS == 8
#define PASS_WORD(at, j) (block_word(w, at, j) >> 4 * pass & 0x0f0f0f0fu)
#define PASS_TIMES (pass ? 16 : 1)
#else
#define PASS_WORD(at, j) block_word(w, at, pass * PASS_WORDS + (j))
#define PASS_TIMES 1
#endif
#define PASS_FIRST(j) (W_BITS == 5 ? pass * PASS_WORDS + (j) : (j))
#define PART(r) dot_pairs c##r = 0, d##r = 0;
#define STEP(r)                                                                                    \
    if (r < rows) {                                                                                \
        const dot_words t = (dot_words)(own[r * VL + PASS_FIRST(j)]);                              \
        c##r = pairs_add(c##r, u, t);                                                              \
        d##r = pairs_add(d##r, v, t);                                                              \
    }
#define FOLD(r)                                                                                    \
    if (r < rows) {                                                                                \
        a##r = pairs_fold(a##r, c##r, PASS_TIMES);                                                 \
        b##r = pairs_fold(b##r, d##r, PASS_TIMES);                                                 \
    }
#else
#define PASSES 1
#define PASS_WORDS GROUP
#define PASS_WORD(at, j) block_word(w, at, j)
#define PART(r)
#define STEP(r)                                                                                    \
    if (r < rows) {                                                                                \
        const dot_words t = (dot_words)(own[r * VL + j]);                                          \
        a##r = dot_add(a##r, u, t);                                                                \
        b##r = dot_add(b##r, v, t);                                                                \
    }
#define FOLD(r)
#endif
#ifdef W_MIN
#define BEGIN(r) dot_sum a##r = 0, b##r = 0;
#define SHIFTED(r, at, to) fma((vec)(total[r]), shift_##at, vec_load(to))
#else
#define BEGIN(r) dot_sum a##r = r < rows ? total[r] : 0, b##r = a##r;
#define SHIFTED(r, at, to) vec_load(to)
#endif
#define KEEP(r)                                                                                    \
    if (r < rows) {                                                                                \
        const vec s = (vec)(scale[r]);                                                             \
        float *to = sum + r * NR;                                                                  \
        vec_store(fma(s * dot_float(a##r), scale_0, SHIFTED(r, 0, to)), to);                       \
        to += VL;                                                                                  \
        vec_store(fma(s * dot_float(b##r), scale_VL, SHIFTED(r, VL, to)), to);                     \
    }
/* sum[r][0..NR) = row r of x times a panel of w, for a known number of rows. */
static inline __attribute__((always_inline)) void
tile(const int rows, const uint *x, const float *scale, const TOTAL *total,
     __global const uchar *restrict w, int words, float *sum)
{
    for (int i = 0; i < rows * NR; i++) sum[i] = 0.0f;
    for (int k = 0; k < words; k += GROUP, w += NR * BLOCK_BYTES, scale += rows, total += rows) {
        block_fetch(w);
        const uint *own = x + k / VL * VL * rows + k % VL;
        EACH_ROW(BEGIN)
#pragma unroll
        for (int pass = 0; pass < PASSES; pass++) {
            EACH_ROW(PART)
#pragma unroll
            for (int j = 0; j < PASS_WORDS; j++) {
                const dot_words u = PASS_WORD(0, j), v = PASS_WORD(VL, j);
                EACH_ROW(STEP)
            }
            EACH_ROW(FOLD)
        }
        const vec scale_0 = block_scale(w, 0), scale_VL = block_scale(w, VL);
#ifdef W_MIN
        const vec shift_0 = block_shift(w, 0, scale_0), shift_VL = block_shift(w, VL, scale_VL);
#endif
        EACH_ROW(KEEP)
    }
}
#else
/* sum[r][0..NR) = row r of x times a panel of w, for a known number of rows. */
static inline __attribute__((always_inline)) void
tile(const int rows, const uint *x, const float *scale, const int *total,
     __global const uint *restrict w, int words, float *sum)
{
#ifdef DOT_BF16
    const int group = words;
#define DECLARE(r) dot_sum a##r = 0.0f, b##r = 0.0f;
#define KEEP(r)                                                                                    \
    if (r < rows) {                                                                                \
        vec_store(a##r, sum + r * NR);                                                             \
        vec_store(b##r, sum + r * NR + VL);                                                        \
    }
#else
    const int group = GROUP;
#define DECLARE(r) dot_sum a##r = r < rows ? total[r] : 0, b##r = a##r;
#define KEEP(r)                                                                                    \
    if (r < rows) {                                                                                \
        const vec s = (vec)(scale[r]);                                                             \
        vec_store(fma(s, dot_float(a##r), k0 ? vec_load(sum + r * NR) : (vec)(0.0f)),              \
                  sum + r * NR);                                                                   \
        vec_store(fma(s, dot_float(b##r), k0 ? vec_load(sum + r * NR + VL) : (vec)(0.0f)),         \
                  sum + r * NR + VL);                                                              \
    }
#endif
#define STEP(r)                                                                                    \
    if (r < rows) {                                                                                \
        const dot_words t = (dot_words)(own[r * VL + k]);                                          \
        a##r = dot_add(a##r, u, t);                                                                \
        b##r = dot_add(b##r, v, t);                                                                \
    }
    for (int k0 = 0; k0 < words; k0 += group, scale += rows, total += rows) {
        const int end = min(k0 + group, words);
        EACH_ROW(DECLARE)
        for (int c = k0; c < end; c += VL) {
            const uint *own = x + c * rows;
            __global const uint *wide = w + (size_t)c * NR;
            for (int k = 0; k < min(VL, end - c); k++) {
                const dot_words u = dot_words_load(wide + k * NR);
                const dot_words v = dot_words_load(wide + k * NR + VL);
                fetch_ahead(wide + (k + AHEAD) * NR);
                fetch_ahead(wide + (k + AHEAD) * NR + VL);
                EACH_ROW(STEP)
            }
        }
        EACH_ROW(KEEP)
    }
#undef DECLARE
#undef STEP
#undef KEEP
}
#endif

/* The rows of the tile that begins with `left` rows to go. */
static inline int tile_rows(int left)
{
    return left >= MR ? MR : left > 1 ? 4 : 1;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_dot_cpu(const int M, const int N, const int K, __global const float *restrict x,
                  const int x_at, const int x_stride, __global const ELEMENT *restrict w,
                  const int w_at, __global const float *bias, const int bias_at, const int act,
                  __global const float *gate, const int gate_at, __global const float *residual,
                  const int residual_at, const int residual_stride, __global float *y,
                  const int y_at, const int y_stride, __global const float *w_scale,
                  const int w_scale_at, const int span)
{
    uint rows_of_x[MB * MAX_WORDS];
    float scale[MB * MAX_GROUPS];
    float sum[MR * NR] __attribute__((aligned(64))); /* or stores are split */
    TOTAL total[MB * MAX_GROUPS];
    const int words = (K + DOT_ELEMENTS - 1) / DOT_ELEMENTS, groups = (words + GROUP - 1) / GROUP;
    const int room = (groups * GROUP + VL - 1) / VL * VL; /* words of a row: whole runs */
    const int first = get_global_id(1) * MB, end = min(first + MB, M);
    const int panels = (N + NR - 1) / NR, from = get_global_id(0) * span;
    if (first >= M) return;
    x += x_at;
    y += y_at;
    w += w_at;
    if (bias) bias += bias_at;
    if (gate) gate += gate_at;
    if (residual) residual += residual_at;

    for (int m = first; m < end; m += tile_rows(end - m)) {
        const int rows = tile_rows(end - m), at = m - first;
        for (int r = 0; r < rows; r++) /* rows behind the last are the last again */
            pack_row(x + (size_t)min(m + r, end - 1) * x_stride, K, words, rows,
                     rows_of_x + at * room + r * VL, scale + at * groups + r,
                     total + at * groups + r);
    }
    for (int p = from; p < min(from + span, panels); p++) {
#ifdef W_BITS
        __global const uchar *panel = w + (size_t)p * groups * NR * BLOCK_BYTES;
#else
        __global const uint *panel = (__global const uint *)w + (size_t)p * words * NR;
#endif
        for (int m = first; m < end; m += tile_rows(end - m)) {
            const int rows = tile_rows(end - m), at = m - first;
            const uint *own = rows_of_x + at * room;
            const float *s = scale + at * groups;
            const TOTAL *z = total + at * groups;
            if (rows == MR)
                tile(MR, own, s, z, panel, words, sum);
            else if (rows == 4)
                tile(4, own, s, z, panel, words, sum);
            else
                tile(1, own, s, z, panel, words, sum);
            for (int r = 0; r < rows && m + r < end; r++) {
                __global const float *res =
                    residual ? residual + (size_t)(m + r) * residual_stride : 0;
                __global float *out = y + (size_t)(m + r) * y_stride;
                vec a = vec_load(sum + r * NR), b = vec_load(sum + r * NR + VL);
#if defined(DOT_INT8) && !defined(W_BITS)
                a *= vec_load(w_scale + w_scale_at + p * NR);
                b *= vec_load(w_scale + w_scale_at + p * NR + VL);
#endif
                epilogue(a, p * NR, N, bias, act, gate, res, out);
                epilogue(b, p * NR + VL, N, bias, act, gate, res, out);
            }
        }
    }
}
