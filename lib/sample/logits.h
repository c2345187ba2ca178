/* logits.h - next-token choice over one row of logits in host memory. No state, nothing allocated.
 *
 * Tests: tests/unit/test_logits.c */
#ifndef ATT_LOGITS_H
#define ATT_LOGITS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* logits[ids[i]] = -infinity; ids outside [0, n) are ignored. */
void att_logits_suppress(float *logits, int32_t n, const int32_t *ids, int32_t n_ids);

/* logits[first..end) = -infinity, cut to [0, n). */
void att_logits_suppress_range(float *logits, int32_t n, int32_t first, int32_t end);

/* Index of the largest, the first of equals; -1 when any number is NaN or none is above -infinity.
 */
int32_t att_logits_argmax(const float *logits, int32_t n);

/* ln(sum(exp(logits[first..end)))) in double; -infinity for an empty or wholly suppressed range. */
double att_logits_log_sum_exp(const float *logits, int32_t first, int32_t end);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LOGITS_H */
