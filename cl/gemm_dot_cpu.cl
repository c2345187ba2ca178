/* gemm_dot_cpu.cl - y[M,N] = residual + gate .* act(x[M,K] w[N,K]^T + bias) by dots.clh, for CPUs.
 *
 * w lies in words along K: [panels][words][NR], NR = 2*VL columns a panel. One work-item turns up
 * to MB rows of x into words once, [words/VL][row][VL] a tile, and then makes `span` panels of
 * them, a tile of up to MR rows x NR columns at a time, in named accumulators. A row's result
 * depends on that row alone, and on neither M nor span.
 * bf16: both sides rounded to nearest even, one f32 sum in the order of k.
 * int8: w = scale[n] (byte - 128); each BLOCK words of a row of x have a scale of their own, the
 * largest of them / 127, so that an outlier dims its 127 neighbours only; the i32 sum of a block
 * goes into an f32 sum. A block with a NaN or an infinity makes its row NaN.
 * Launch:  groups {ceil(panels/span), ceil(M/MB), 1}, work-groups of one; K <= MAX_K.
 * Build:   -D ACT=vec, -D DOT_BF16 or -D DOT_INT8.  Preludes: types.clh lanes.clh dots.clh act.clh
 *          epilogue.clh.
 * Oracle:  att_ref_linear() of the rounded weights. */
#define NR (2 * VL)
#define MR 12
#define MB 24
#define MAX_K 8192
#define MAX_WORDS (MAX_K / DOT_ELEMENTS)
#define BLOCK 32
#define AHEAD 40 /* words */
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

#ifdef DOT_BF16
#define ELEMENT ushort
#define MAX_BLOCKS 1 /* not used */
#else
#define ELEMENT uchar
#define MAX_BLOCKS (MAX_WORDS / BLOCK)
#endif

/* Inputs k .. k+n of a row, zeros behind K; n is a multiple of VL. */
static inline void take_row(__global const float *x, int k, int K, int n, vec *to)
{
    for (int i = 0; i < n / VL; i++, k += VL) {
        float lanes[VL];
        if (k + VL <= K) {
            to[i] = vec_load(x + k);
            continue;
        }
        for (int l = 0; l < VL; l++) lanes[l] = k + l < K ? x[k + l] : 0.0f;
        to[i] = vec_load(lanes);
    }
}

#ifdef DOT_BF16
/* One row of x as words, VL of them side by side and `pitch` from one such group to the next. */
static void pack_row(__global const float *x, int K, int words, int pitch, uint *to, float *scale,
                     int *minus)
{
    vec part[2];
    for (int k = 0; k < words; k += VL) {
        take_row(x, 2 * k, K, 2 * VL, part);
        dot_words_store(dot_words_of(part[0], part[1]), to + k * pitch);
    }
}
#else
/* One row of x as words, VL of them side by side and `pitch` from one such group to the next, and
 * each block's scale and -128 times its sum. */
static void pack_row(__global const float *x, int K, int words, int pitch, uint *to, float *scale,
                     int *minus)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: what is added to it is rounded to a whole */
    vec part[4 * BLOCK / VL];
    for (int g = 0; g * BLOCK < words; g++) {
        vec most = 0.0f, odd = 0.0f, sum = 0.0f;
        take_row(x, 4 * g * BLOCK, K, 4 * BLOCK, part);
        for (int i = 0; i < 4 * BLOCK / VL; i++) {
            const vec a = fabs(part[i]);
            most = a > most ? a : most;
            odd = fma(a, (vec)(0.0f), odd);
        }
        const float top = lanes_max(most), up = top > 1e-30f ? 127.0f / top : 0.0f;
        for (int i = 0; i < 4 * BLOCK / VL; i++) { /* VL/4 words each */
            const vec rounded = fma(part[i], (vec)(up), (vec)(magic));
            sum += rounded - magic;
            bytes_store(rounded, to + (g * BLOCK + i / 4 * VL) * pitch + i % 4 * (VL / 4));
        }
        scale[g * pitch] = top / 127.0f + lanes_sum(odd);
        minus[g * pitch] = -128 * (int)lanes_sum(sum);
    }
}
#endif

/* sum[r][0..NR) = row r of x times a panel of w, for a known number of rows. */
static inline __attribute__((always_inline)) void
tile(const int rows, const uint *x, const float *scale, const int *minus,
     __global const uint *restrict w, int words, float *sum)
{
#ifdef DOT_BF16
    const int block = words;
#define DECLARE(r) dot_sum a##r = 0.0f, b##r = 0.0f;
#define KEEP(r)                                                                                    \
    if (r < rows) {                                                                                \
        vec_store(a##r, sum + r * NR);                                                             \
        vec_store(b##r, sum + r * NR + VL);                                                        \
    }
#else
    const int block = BLOCK;
#define DECLARE(r) dot_sum a##r = r < rows ? minus[r] : 0, b##r = a##r;
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
    for (int k0 = 0; k0 < words; k0 += block, scale += rows, minus += rows) {
        const int end = min(k0 + block, words);
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
    float scale[MB * MAX_BLOCKS], sum[MR * NR];
    int minus[MB * MAX_BLOCKS];
    const int words = (K + DOT_ELEMENTS - 1) / DOT_ELEMENTS, blocks = (words + BLOCK - 1) / BLOCK;
    const int room = blocks * BLOCK; /* words of a row: whole blocks */
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
                     rows_of_x + at * room + r * VL, scale + at * blocks + r,
                     minus + at * blocks + r);
    }
    for (int p = from; p < min(from + span, panels); p++) {
        __global const uint *panel = (__global const uint *)w + (size_t)p * words * NR;
        for (int m = first; m < end; m += tile_rows(end - m)) {
            const int rows = tile_rows(end - m), at = m - first;
            const uint *own = rows_of_x + at * room;
            const float *s = scale + at * blocks;
            const int *z = minus + at * blocks;
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
#ifdef DOT_INT8
                a *= vec_load(w_scale + w_scale_at + p * NR);
                b *= vec_load(w_scale + w_scale_at + p * NR + VL);
#endif
                epilogue(a, p * NR, N, bias, act, gate, res, out);
                epilogue(b, p * NR + VL, N, bias, act, gate, res, out);
            }
        }
    }
}
