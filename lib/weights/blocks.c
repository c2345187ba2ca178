/* blocks.c - blocks.h. Tests: tests/unit/test_blocks.c */
#include "blocks.h"

#include <assert.h>
#include <stdint.h>

#include "half.h"

/* What a kind consists of: n = nibble + 16 * its fifth bit - zero. */
static const struct {
    const char *name;
    size_t bytes;
    int has_min, has_fifth, zero;
} KINDS[ATT_N_BLOCKS] = {
    {"?", 0, 0, 0, 0},      {"q4_0", 18, 0, 0, 8}, {"q4_1", 20, 1, 0, 0},
    {"q5_0", 22, 0, 1, 16}, {"q5_1", 24, 1, 1, 0}, {"q8_0", 34, 0, 0, 0},
};

size_t att_blocks_bytes(att_blocks kind)
{
    return (unsigned)kind < ATT_N_BLOCKS ? KINDS[kind].bytes : 0;
}

const char *att_blocks_name(att_blocks kind)
{
    return KINDS[(unsigned)kind < ATT_N_BLOCKS ? kind : ATT_BLOCKS_NONE].name;
}

static float half_at(const uint8_t *b)
{
    return att_half_to_float((uint16_t)(b[0] | b[1] << 8));
}

static void unpack_bytes(const uint8_t *b, float *x)
{
    const float d = half_at(b);
    for (int i = 0; i < ATT_BLOCK_ELEMENTS; i++) x[i] = d * (float)(int8_t)b[2 + i];
}

static void unpack_nibbles(att_blocks kind, const uint8_t *b, float *x)
{
    const float d = half_at(b), m = KINDS[kind].has_min ? half_at(b + 2) : 0.0f;
    const uint8_t *fifth = b + (KINDS[kind].has_min ? 4 : 2);
    const uint8_t *nibbles = fifth + (KINDS[kind].has_fifth ? 4 : 0);
    for (int i = 0; i < ATT_BLOCK_ELEMENTS; i++) {
        int n = nibbles[i % 16] >> (i < 16 ? 0 : 4) & 15;
        if (KINDS[kind].has_fifth) n |= (fifth[i / 8] >> i % 8 & 1) << 4;
        const float product = d * (float)(n - KINDS[kind].zero);
        x[i] = KINDS[kind].has_min ? product + m : product; /* two roundings, never one */
    }
}

void att_blocks_unpack(att_blocks kind, const void *blocks, size_t n_blocks, float *x)
{
    const size_t bytes = att_blocks_bytes(kind);
    const uint8_t *b = blocks;
    assert(bytes > 0);
    for (size_t i = 0; i < n_blocks; i++, b += bytes, x += ATT_BLOCK_ELEMENTS) {
        if (kind == ATT_BLOCKS_Q8_0)
            unpack_bytes(b, x);
        else
            unpack_nibbles(kind, b, x);
    }
}
