/* half.h - 16-bit floats on the host. Tests: tests/unit/test_base.c */
#ifndef ATT_HALF_H
#define ATT_HALF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

float att_half_to_float(uint16_t half);     /* IEEE binary16, exact */
uint16_t att_half_from_float(float x);      /* to nearest even; too large becomes infinity */
float att_bfloat_to_float(uint16_t bfloat); /* the upper half of a binary32, exact */
uint16_t att_bfloat_from_float(float x);    /* to nearest even; NaN stays NaN */

#ifdef __cplusplus
}
#endif
#endif /* ATT_HALF_H */
