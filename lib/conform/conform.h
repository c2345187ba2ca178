/* conform.h - op cases: a device against lib/ref. `attend devices --check` and tests/kernels run
 * the same cases. One file of cases a stem: conform_linear.c, conform_attn.c, ... */
#ifndef ATT_CONFORM_H
#define ATT_CONFORM_H

#include <stdint.h>

#include "attend/error.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one case found. worst: the largest error in units of its tolerance (1 is the limit; NaN
 * where the truth has a number is infinite, and NaN stays NaN where the truth is NaN). */
typedef struct att_conform_result {
    double worst;
    char text[256]; /* where it was worst, or why the case failed */
} att_conform_result;

typedef struct att_conform_case {
    const char *stem; /* "linear", "attn", ... */
    const char *name; /* "f16 7x33x50 gelu residual" */
    /* Runs index-th variant. ATT_E_UNSUPPORTED: the device may not know it, reported as skipped.
     * small: sizes fit for an interpreter such as Oclgrind. */
    att_status (*run)(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err);
    int32_t variant;
} att_conform_case;

/* The cases of the i-th stem and their number; NULL past the last. A table of constants. */
const att_conform_case *att_conform_cases(size_t i, size_t *n);

/* Helpers of the case files. Compares n numbers, |got - want| <= abs + rel*|want|, and the
 * ATT_CONFORM_GUARD canaries behind them; keeps the worst in result. */
enum { ATT_CONFORM_GUARD = 64 };
void att_conform_compare(att_conform_result *result, const char *what, const float *got,
                         const float *want, int64_t n, double abs, double rel);

/* n numbers in [-amplitude, amplitude), the same for the same seed everywhere. */
void att_conform_fill(float *x, int64_t n, uint32_t seed, float amplitude);

#ifdef __cplusplus
}
#endif
#endif /* ATT_CONFORM_H */
