/* linear_blocks.c - weights that stay in blocks as a file stores them: their layout (cl/blocks.clh)
 * and which kernels multiply them (linear_internal.h). Tests: tests/kernels/test_linear.c */
#include <string.h>

#include "linear_internal.h"

/* What a block holds beside its words. */
static const struct {
    int bits, has_min;
} KINDS[ATT_BLOCKS_Q8_0 + 1] = {{0, 0}, {4, 0}, {4, 1}, {5, 0}, {5, 1}, {8, 0}};

att_blocks atti_linear_blocks_kept(const att_weight_part *parts, size_t n_parts)
{
    const att_blocks kind = n_parts ? parts->blocks : ATT_BLOCKS_NONE;
    if (kind > ATT_BLOCKS_Q8_0) return ATT_BLOCKS_NONE;
    for (size_t i = 0; i < n_parts; i++)
        if (!parts[i].keep_blocks || parts[i].blocks != kind) return ATT_BLOCKS_NONE;
    return kind;
}

atti_blocks_body atti_linear_blocks_dots(att_device *device, att_precision precision, int32_t cols)
{
    if (precision != ATT_PRECISION_INT8 || cols > ATTI_LINEAR_DOT_MAX) return ATTI_BLOCKS_GEMM_CPU;
    if (att_device_has(device, ATT_FEATURE_DOT_INT8)) return ATTI_BLOCKS_GEMM_DOT;
    if (att_device_has(device, ATT_FEATURE_DOT_PAIRS)) return ATTI_BLOCKS_GEMM_PAIRS;
    return ATTI_BLOCKS_GEMM_CPU;
}

att_precision att_linear_blocks_precision(att_device *device, att_precision precision)
{
    return atti_linear_blocks_dots(device, precision, 1) == ATTI_BLOCKS_GEMM_CPU
               ? ATT_PRECISION_EXACT
               : ATT_PRECISION_INT8;
}

att_kernel_id atti_linear_blocks_kernel(att_blocks blocks, atti_blocks_body body)
{
    static const att_kernel_id IDS[ATTI_N_BLOCKS_BODIES][ATT_BLOCKS_Q8_0] = {
        {ATT_K_GEMM_ANY_Q4_0, ATT_K_GEMM_ANY_Q4_1, ATT_K_GEMM_ANY_Q5_0, ATT_K_GEMM_ANY_Q5_1,
         ATT_K_GEMM_ANY_Q8_0},
        {ATT_K_GEMV_ANY_Q4_0, ATT_K_GEMV_ANY_Q4_1, ATT_K_GEMV_ANY_Q5_0, ATT_K_GEMV_ANY_Q5_1,
         ATT_K_GEMV_ANY_Q8_0},
        {ATT_K_ROWS_ANY_Q4_0, ATT_K_ROWS_ANY_Q4_1, ATT_K_ROWS_ANY_Q5_0, ATT_K_ROWS_ANY_Q5_1,
         ATT_K_ROWS_ANY_Q8_0},
        {ATT_K_GEMM_CPU_Q4_0, ATT_K_GEMM_CPU_Q4_1, ATT_K_GEMM_CPU_Q5_0, ATT_K_GEMM_CPU_Q5_1,
         ATT_K_GEMM_CPU_Q8_0},
        {ATT_K_GEMV_CPU_Q4_0, ATT_K_GEMV_CPU_Q4_1, ATT_K_GEMV_CPU_Q5_0, ATT_K_GEMV_CPU_Q5_1,
         ATT_K_GEMV_CPU_Q8_0},
        {ATT_K_GEMM_DOT_CPU_Q4_0, ATT_K_GEMM_DOT_CPU_Q4_1, ATT_K_GEMM_DOT_CPU_Q5_0,
         ATT_K_GEMM_DOT_CPU_Q5_1, ATT_K_GEMM_DOT_CPU_Q8_0},
        {ATT_K_GEMM_PAIRS_CPU_Q4_0, ATT_K_GEMM_PAIRS_CPU_Q4_1, ATT_K_GEMM_PAIRS_CPU_Q5_0,
         ATT_K_GEMM_PAIRS_CPU_Q5_1, ATT_K_GEMM_PAIRS_CPU_Q8_0},
    };
    return IDS[body][blocks - 1];
}

size_t att_linear_blocks_kernels(att_device *device, att_blocks blocks, att_precision precision,
                                 att_kernel_id *list, size_t room)
{
    static const atti_blocks_body ANY[] = {ATTI_BLOCKS_GEMM_ANY, ATTI_BLOCKS_GEMV_ANY},
                                  CPU[] = {ATTI_BLOCKS_GEMM_CPU, ATTI_BLOCKS_GEMV_CPU};
    if (blocks < ATT_BLOCKS_Q4_0 || blocks > ATT_BLOCKS_Q8_0) return 0;
    const int cpu = att_device_cpu_bodies(device);
    const atti_blocks_body dots = atti_linear_blocks_dots(device, precision, 1);
    const int one = cpu && dots != ATTI_BLOCKS_GEMM_CPU;
    size_t n = 0;
    for (size_t i = 0; i < (one ? 1u : 2u) && n < room; i++)
        list[n++] = atti_linear_blocks_kernel(blocks, one ? dots : cpu ? CPU[i] : ANY[i]);
    if (n < room) list[n++] = atti_linear_blocks_kernel(blocks, ATTI_BLOCKS_ROWS_ANY);
    return n;
}

static int is_finite(const unsigned char *half)
{
    return (half[1] & 0x7c) != 0x7c;
}

/* Bits b, b + 4, b + 8, ... become byte b. */
static uint32_t order_fifths(uint32_t bits)
{
    uint32_t ordered = 0;
    for (int b = 0; b < 4; b++) {
        uint32_t x = bits >> b & 0x11111111u;
        x = (x | x >> 3) & 0x03030303u;
        x = (x | x >> 6) & 0x000f000fu;
        ordered |= ((x | x >> 12) & 0xffu) << 8 * b;
    }
    return ordered;
}

/* Low halves are inputs 0 .. 15, high ones 16 .. 31; eight inputs in a row become a word. */
static void order_nibbles(uint32_t *words)
{
    const uint32_t low = 0x0f0f0f0fu, a = words[0], b = words[1], c = words[2], d = words[3];
    words[0] = (a & low) | (b & low) << 4;
    words[1] = (c & low) | (d & low) << 4;
    words[2] = (a >> 4 & low) | (b & ~low);
    words[3] = (c >> 4 & low) | (d & ~low);
}

/* Column i of a block of a panel of nr columns. */
static void put_block(att_blocks kind, const unsigned char *from, int32_t nr, int32_t i,
                      unsigned char *to)
{
    static const unsigned char NOT_A_NUMBER[2] = {0x00, 0x7e};
    const size_t columns = (size_t)nr, at = (size_t)i, mins = KINDS[kind].has_min ? 2 : 0;
    const int finite = is_finite(from) && (!mins || is_finite(from + 2));
    const size_t n = KINDS[kind].bits == 8 ? 8 : 4;
    uint32_t words[8];
    memcpy(to + 2 * at, finite ? from : NOT_A_NUMBER, 2);
    if (mins) memcpy(to + 2 * (columns + at), from + 2, 2);
    from += 2 + mins;
    to += (2 + mins) * columns;
    if (KINDS[kind].bits == 5) {
        memcpy(words, from, 4); /* both sides are little-endian */
        words[0] = order_fifths(words[0]);
        memcpy(to + 4 * at, words, 4);
        from += 4;
        to += 4 * columns;
    }
    memcpy(words, from, 4 * n);
    if (n == 4) order_nibbles(words);
    for (size_t j = 0; j < n; j++) {
        if (n == 8) words[j] ^= 0x80808080u;
        memcpy(to + 4 * (j * columns + at), &words[j], 4);
    }
}

void atti_linear_blocks_pack(const att_linear *l, const att_weight_part *part, int32_t row,
                             int32_t i, unsigned char *panel)
{
    const size_t bytes = (size_t)l->per, words = (size_t)l->words;
    const unsigned char *from = (const unsigned char *)part->data + (size_t)row * words * bytes;
    for (size_t g = 0; g < words; g++)
        put_block(l->blocks, from + g * bytes, l->panel, i, panel + g * bytes * (size_t)l->panel);
}
