/* half.h - 16-bit floats on the host. Tests: tests/unit/test_base.c */
#ifndef ATT_HALF_H
#define ATT_HALF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

float att_half_to_float(uint16_t half);                             /* IEEE binary16, exact */
void att_halves_to_floats(const void *halves, size_t n, float *to); /* n of them, anywhere */
uint16_t att_half_from_float(float x);      /* to nearest even; too large becomes infinity */
float att_bfloat_to_float(uint16_t bfloat); /* the upper half of a binary32, exact */
uint16_t att_bfloat_from_float(float x);    /* to nearest even; NaN stays NaN */
void att_bfloats_from_floats(const float *x, size_t n, uint16_t *to);

#ifdef __cplusplus
}
#endif
#endif /* ATT_HALF_H */
