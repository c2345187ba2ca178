/* prunegolden.h - tests/golden/prune.safetensors, made by tools/reference/dump_prune.py. */
#ifndef ATT_PRUNEGOLDEN_H
#define ATT_PRUNEGOLDEN_H

#include "weights.h"

/* Ends the test when it cannot be read. */
att_weights *prune_golden(void);

/* Numbers of an array by printf's name (alive until the golden is closed); ends the test when there
 * is none or it has not n of them. */
const float *prune_floats(const att_weights *golden, size_t n, const char *format, ...)
    ATT_PRINTF(3, 4);
/* The same without a number of them known: *n. */
const int32_t *prune_ints(const att_weights *golden, int32_t *n, const char *format, ...)
    ATT_PRINTF(3, 4);

#endif /* ATT_PRUNEGOLDEN_H */
