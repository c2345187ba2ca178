/* half.c - half.h. Tests: tests/unit/test_base.c */
#include "half.h"

#include <string.h>

static float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float att_bfloat_to_float(uint16_t bfloat)
{
    return float_of_bits((uint32_t)bfloat << 16);
}

/* In masks, so that a compiler makes vectors of it. */
static inline float widened(uint16_t half)
{
    const uint32_t magnitude = (uint32_t)(half & 0x7fffu) << 13;
    const uint32_t is_tiny = 0u - (uint32_t)((half & 0x7c00u) == 0);
    const uint32_t is_over = 0u - (uint32_t)((half & 0x7c00u) == 0x7c00u); /* infinity, NaN */
    const uint32_t normal = magnitude + (112u << 23) + (is_over & 112u << 23);
    const uint32_t tiny = bits_of_float(float_of_bits(magnitude + (113u << 23)) - 0x1p-14f);
    return float_of_bits((tiny & is_tiny) | (normal & ~is_tiny) | (half & 0x8000u) << 16);
}

float att_half_to_float(uint16_t half)
{
    return widened(half);
}

void att_halves_to_floats(const void *halves, size_t n, float *to)
{
    enum { BLOCK = 16 }; /* of a size that compilers know, for vectors */
    const unsigned char *from = halves;
    uint16_t bits[BLOCK];
    for (; n >= BLOCK; n -= BLOCK, from += sizeof bits, to += BLOCK) {
        memcpy(bits, from, sizeof bits);
        for (int i = 0; i < BLOCK; i++) to[i] = widened(bits[i]);
    }
    memcpy(bits, from, n * sizeof *bits);
    for (size_t i = 0; i < n; i++) to[i] = widened(bits[i]);
}

uint16_t att_half_from_float(float x)
{
    uint32_t bits = bits_of_float(x);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);  /* NaN */
    if (bits >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* 65520 and above */
    if (bits < 0x33000001u) return sign;                        /* 2^-25 and below */
    const int shift = bits < 0x38800000u ? 126 - (int)(bits >> 23) : 13;
    const uint32_t mantissa =
        bits < 0x38800000u ? (bits & 0x7fffffu) | 0x800000u : bits - 0x38000000u;
    const uint32_t kept = mantissa >> shift, rest = mantissa & ((1u << shift) - 1u);
    const uint32_t middle = 1u << (shift - 1);
    return (uint16_t)(sign | (kept + (rest > middle || (rest == middle && (kept & 1u)))));
}

static inline uint16_t narrowed(float x)
{
    const uint32_t bits = bits_of_float(x);
    const uint32_t is_nan = 0u - (uint32_t)((bits & 0x7fffffffu) > 0x7f800000u);
    const uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    return (uint16_t)((is_nan & 0x7fffu) | (rounded & ~is_nan) >> 16);
}

uint16_t att_bfloat_from_float(float x)
{
    return narrowed(x);
}

void att_bfloats_from_floats(const float *x, size_t n, uint16_t *to)
{
    enum { BLOCK = 16 };
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (size_t k = i; k < i + BLOCK; k++) to[k] = narrowed(x[k]);
    for (; i < n; i++) to[i] = narrowed(x[i]);
}
