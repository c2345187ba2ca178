/* ref_half.c - 16-bit floats and loads of every dtype, in plain C (ref.h). Tests:
 * tests/unit/test_ref.c */
#include <math.h>
#include <string.h>

#include "ref.h"

float att_ref_f16_to_f32(uint16_t h)
{
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    const double sign = h & 0x8000 ? -1.0 : 1.0;
    if (exponent == 31) return mantissa ? NAN : (float)(sign * INFINITY);
    if (exponent == 0) return (float)(sign * ldexp(mantissa, -24));
    return (float)(sign * ldexp(1024 + mantissa, exponent - 25));
}

/* The neighbour that is nearest; of two, the even one. */
uint16_t att_ref_f32_to_f16(float x)
{
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    if (isnan(x)) return (uint16_t)(sign | 0x7e00);
    const double size = fabs((double)x);
    if (size >= 65520.0) return (uint16_t)(sign | 0x7c00);
    uint16_t low = 0, high = 0x7bff; /* finite halves are ordered as integers */
    while (low < high) {
        const uint16_t middle = (uint16_t)((low + high + 1) / 2);
        if ((double)att_ref_f16_to_f32(middle) <= size)
            low = middle;
        else
            high = (uint16_t)(middle - 1);
    }
    const double below = size - (double)att_ref_f16_to_f32(low);
    const double next = low == 0x7bff ? 65536.0 : (double)att_ref_f16_to_f32((uint16_t)(low + 1));
    const double above = next - size;
    const int up = above < below || (above == below && (low & 1));
    return (uint16_t)(sign | (low + up));
}

float att_ref_bf16_to_f32(uint16_t h)
{
    const uint32_t bits = (uint32_t)h << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

void att_ref_store(const att_view *v, int64_t i, float x)
{
    if (v->dtype == ATT_F16)
        ((uint16_t *)v->host)[v->at + i] = att_ref_f32_to_f16(x);
    else
        ((float *)v->host)[v->at + i] = x;
}

float att_ref_load(const att_view *v, int64_t i)
{
    const int64_t at = v->at + i;
    switch (v->dtype) {
    case ATT_F32:
        return ((const float *)v->host)[at];
    case ATT_F16:
        return att_ref_f16_to_f32(((const uint16_t *)v->host)[at]);
    case ATT_BF16:
        return att_ref_bf16_to_f32(((const uint16_t *)v->host)[at]);
    case ATT_I8:
        return ((const int8_t *)v->host)[at];
    case ATT_U8:
        return ((const uint8_t *)v->host)[at];
    case ATT_I16:
        return ((const int16_t *)v->host)[at];
    case ATT_I32:
        return (float)((const int32_t *)v->host)[at];
    case ATT_N_DTYPES:
        break;
    }
    return NAN;
}
