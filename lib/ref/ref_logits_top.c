/* ref_logits_top.c - the best tokens of a row of logits in plain C (ref.h).
 * Tests: tests/unit/test_ref.c */
#include <math.h>

#include "ref.h"

static int counts(const float *z, const uint32_t *forbidden, int32_t t)
{
    return !(forbidden[t / 32] >> t % 32 & 1u) && z[t] != -INFINITY;
}

/* The highest behind `last` (-1: of all); -1: none. */
static int32_t next_best(const float *z, const uint32_t *forbidden, int32_t first, int32_t end,
                         int32_t last)
{
    int32_t best = -1;
    for (int32_t t = first; t < end; t++) {
        if (!counts(z, forbidden, t) || isnan(z[t])) continue;
        if (last >= 0 && (z[t] > z[last] || (z[t] == z[last] && t <= last))) continue;
        if (best < 0 || z[t] > z[best]) best = t;
    }
    return best;
}

double att_ref_logits_top(const float *z, const uint32_t *forbidden, int32_t first, int32_t end,
                          int32_t k, int32_t *tokens)
{
    int32_t last = -1, done = 0;
    for (int32_t i = 0; i < k; i++) {
        if (!done) last = next_best(z, forbidden, first, end, last);
        done = last < 0;
        tokens[i] = last;
    }
    double sum = 0.0, top = -(double)INFINITY;
    for (int32_t t = first; t < end; t++) {
        if (!counts(z, forbidden, t)) continue;
        if (isnan(z[t]) || isinf(z[t])) return (double)NAN;
        if ((double)z[t] > top) top = (double)z[t];
    }
    for (int32_t t = first; t < end; t++)
        if (counts(z, forbidden, t)) sum += exp((double)z[t] - top);
    return sum > 0.0 ? top + log(sum) : -(double)INFINITY;
}
