/* blocks.h - numbers in blocks of 32 that share a scale, as ggml stores them.
 *
 *   kind  bytes  a block                                                 element i
 *   q4_0  18     f16 d; 16 bytes of two nibbles                          d (n - 8)
 *   q4_1  20     f16 d, m; 16 bytes of two nibbles                       d n + m
 *   q5_0  22     f16 d; u32 of fifth bits; 16 bytes of two nibbles       d (n - 16)
 *   q5_1  24     f16 d, m; u32 of fifth bits; 16 bytes of two nibbles    d n + m
 *   q8_0  34     f16 d; 32 x i8 n                                        d n
 *
 * All little-endian. Byte j holds element j in its low nibble and element j + 16 in the high one;
 * bit i of the u32 is element i's. Product and sum are rounded to f32 one after the other, as in
 * the reference. Source: ggml's ggml-common.h and ggml-quants.c. Tests: tests/unit/test_blocks.c */
#ifndef ATT_BLOCKS_H
#define ATT_BLOCKS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_blocks {
    ATT_BLOCKS_NONE = 0,
    ATT_BLOCKS_Q4_0,
    ATT_BLOCKS_Q4_1,
    ATT_BLOCKS_Q5_0,
    ATT_BLOCKS_Q5_1,
    ATT_BLOCKS_Q8_0,
    ATT_N_BLOCKS
} att_blocks;

enum { ATT_BLOCK_ELEMENTS = 32 };

size_t att_blocks_bytes(att_blocks kind);     /* of one block; 0 for ATT_BLOCKS_NONE */
const char *att_blocks_name(att_blocks kind); /* "q4_0", ...; "?" for ATT_BLOCKS_NONE */

/* n_blocks blocks, of any alignment, into x[32 * n_blocks]. kind is not ATT_BLOCKS_NONE. */
void att_blocks_unpack(att_blocks kind, const void *blocks, size_t n_blocks, float *x);

#ifdef __cplusplus
}
#endif
#endif /* ATT_BLOCKS_H */
