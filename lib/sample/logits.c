/* logits.c - logits.h. Tests: tests/unit/test_logits.c */
#include "logits.h"

#include <math.h>

void att_logits_suppress(float *logits, int32_t n, const int32_t *ids, int32_t n_ids)
{
    for (int32_t i = 0; i < n_ids; i++)
        if (ids[i] >= 0 && ids[i] < n) logits[ids[i]] = -INFINITY;
}

void att_logits_suppress_range(float *logits, int32_t n, int32_t first, int32_t end)
{
    if (first < 0) first = 0;
    if (end > n) end = n;
    for (int32_t i = first; i < end; i++) logits[i] = -INFINITY;
}

int32_t att_logits_argmax(const float *logits, int32_t n)
{
    int32_t best = -1;
    float top = -INFINITY;
    for (int32_t i = 0; i < n; i++) {
        if (isnan(logits[i])) return -1;
        if (logits[i] > top) {
            top = logits[i];
            best = i;
        }
    }
    return best;
}

double att_logits_log_sum_exp(const float *logits, int32_t first, int32_t end)
{
    float top = -INFINITY;
    for (int32_t i = first; i < end; i++)
        if (!(logits[i] <= top)) top = logits[i]; /* a NaN becomes the top and stays */
    if (!(top > -INFINITY)) return isnan(top) ? (double)NAN : -(double)INFINITY;
    double sum = 0.0;
    for (int32_t i = first; i < end; i++) sum += (double)expf(logits[i] - top);
    return (double)top + log(sum);
}
