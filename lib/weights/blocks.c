/* blocks.c - blocks.h. Tests: tests/unit/test_blocks.c */
#include "blocks.h"

#include <assert.h>
#include <stdint.h>

#include "half.h"

/* What a kind consists of. Of 32 elements: n = nibble + 16 * its fifth bit - zero. */
static const struct {
    const char *name;
    size_t bytes, elements;
    int has_min, has_fifth, zero;
} KINDS[ATT_N_BLOCKS] = {
    {"?", 0, 0, 0, 0, 0},        {"q4_0", 18, 32, 0, 0, 8},   {"q4_1", 20, 32, 1, 0, 0},
    {"q5_0", 22, 32, 0, 1, 16},  {"q5_1", 24, 32, 1, 1, 0},   {"q8_0", 34, 32, 0, 0, 0},
    {"q4_k", 144, 256, 1, 0, 0}, {"q5_k", 176, 256, 1, 1, 0}, {"q6_k", 210, 256, 0, 0, 32},
};

size_t att_blocks_bytes(att_blocks kind)
{
    return (unsigned)kind < ATT_N_BLOCKS ? KINDS[kind].bytes : 0;
}

size_t att_blocks_elements(att_blocks kind)
{
    return (unsigned)kind < ATT_N_BLOCKS ? KINDS[kind].elements : 0;
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

/* Six bits of group g of the scales (from 0) or the minima (from 4) in the 12 bytes s. */
static int group_bits(const uint8_t *s, int from, int g)
{
    if (g < 4) return s[from + g] & 63;
    return (s[4 + g] >> from & 15) | (s[from + g - 4] >> 6) << 4;
}

static void unpack_groups(att_blocks kind, const uint8_t *b, float *x)
{
    const float d = half_at(b), m = half_at(b + 2);
    const uint8_t *fifth = b + 16, *nibbles = fifth + (KINDS[kind].has_fifth ? 32 : 0);
    for (int g = 0; g < 8; g++) {
        const float scale = d * (float)group_bits(b + 4, 0, g);
        const float low = m * (float)group_bits(b + 4, 4, g);
        for (int j = 0; j < 32; j++) {
            int n = nibbles[g / 2 * 32 + j] >> g % 2 * 4 & 15;
            if (KINDS[kind].has_fifth) n |= (fifth[j] >> g & 1) << 4;
            const float product = scale * (float)n;
            *x++ = product - low; /* two roundings, never one */
        }
    }
}

static void unpack_sixes(const uint8_t *b, float *x)
{
    const float d = half_at(b + 208);
    for (int i = 0; i < 256; i++) {
        const int half = i / 128, row = i % 128 / 32, j = i % 32;
        const int nibble = b[64 * half + row % 2 * 32 + j] >> row / 2 * 4 & 15;
        const int upper = b[128 + 32 * half + j] >> 2 * row & 3;
        const float scale = d * (float)(int8_t)b[192 + i / 16];
        x[i] = scale * (float)((nibble | upper << 4) - KINDS[ATT_BLOCKS_Q6_K].zero);
    }
}

static void unpack(att_blocks kind, const uint8_t *b, float *x)
{
    switch (kind) {
    case ATT_BLOCKS_Q8_0:
        unpack_bytes(b, x);
        break;
    case ATT_BLOCKS_Q4_K:
    case ATT_BLOCKS_Q5_K:
        unpack_groups(kind, b, x);
        break;
    case ATT_BLOCKS_Q6_K:
        unpack_sixes(b, x);
        break;
    default:
        unpack_nibbles(kind, b, x);
    }
}

void att_blocks_unpack(att_blocks kind, const void *blocks, size_t n_blocks, float *x)
{
    const size_t bytes = att_blocks_bytes(kind), elements = att_blocks_elements(kind);
    const uint8_t *b = blocks;
    assert(bytes > 0);
    for (size_t i = 0; i < n_blocks; i++) unpack(kind, b + i * bytes, x + i * elements);
}
