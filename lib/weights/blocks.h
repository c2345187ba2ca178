/* blocks.h - numbers in blocks of 32 or 256 that share scales, as ggml stores them.
 *
 *   kind  bytes  a block of 32                                           element i
 *   q4_0  18     f16 d; 16 bytes of two nibbles                          d (n - 8)
 *   q4_1  20     f16 d, m; 16 bytes of two nibbles                       d n + m
 *   q5_0  22     f16 d; u32 of fifth bits; 16 bytes of two nibbles       d (n - 16)
 *   q5_1  24     f16 d, m; u32 of fifth bits; 16 bytes of two nibbles    d n + m
 *   q8_0  34     f16 d; 32 x i8 n                                        d n
 *
 *   kind  bytes  a block of 256                                          element i
 *   q4_k  144    f16 d, m; 12 bytes s; 128 bytes of two nibbles          d s n - m t
 *   q5_k  176    the same with 32 bytes of fifth bits before the nibbles d s n - m t
 *   q6_k  210    128 bytes of two nibbles; 64 bytes of four upper pairs  d s (n - 32)
 *                of bits; 16 x i8 s; f16 d
 *
 * All little-endian. Of 32, byte j holds element j in its low nibble and element j + 16 in the high
 * one; bit i of the u32 is element i's. Of 256, a q4_k and q5_k block has eight groups of 32 with a
 * 6-bit scale s and minimum t each: byte j of group g < 4 is s_g in its lower six bits and bits 4
 * and 5 of s_(g+4) above, byte 4 + g the same of t, byte 8 + g the lower bits of s_(g+4) and, in
 * the high nibble, of t_(g+4). Groups 2p and 2p + 1 are the low and the high nibbles of bytes 32p
 * to 32p + 31, and bit g of fifth byte j belongs to element j of group g. q6_k has two halves of
 * 128: 64 bytes of nibbles, 32 of upper bits, of which bits 2r and 2r + 1 of byte j are element 32r
 * + j's; a scale is for 16 elements. Products and sums are rounded to f32 one after the other, from
 * the left, as in the reference. Source: ggml's ggml-common.h and ggml-quants.c. Tests:
 * tests/unit/test_blocks.c */
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
    ATT_BLOCKS_Q4_K,
    ATT_BLOCKS_Q5_K,
    ATT_BLOCKS_Q6_K,
    ATT_N_BLOCKS
} att_blocks;

/* Elements of a block: of the kinds up to q8_0; of the largest. */
enum { ATT_BLOCK_ELEMENTS = 32, ATT_BLOCK_MAX_ELEMENTS = 256 };

size_t att_blocks_bytes(att_blocks kind);     /* of one block; 0 for ATT_BLOCKS_NONE */
size_t att_blocks_elements(att_blocks kind);  /* of one block, 32 or 256; 0 for ATT_BLOCKS_NONE */
const char *att_blocks_name(att_blocks kind); /* "q4_0", ...; "?" for ATT_BLOCKS_NONE */

/* n_blocks blocks, of any alignment, into x[n_blocks][att_blocks_elements(kind)]. kind is not
 * ATT_BLOCKS_NONE. */
void att_blocks_unpack(att_blocks kind, const void *blocks, size_t n_blocks, float *x);

#ifdef __cplusplus
}
#endif
#endif /* ATT_BLOCKS_H */
