/* logits.h - next-token choice over one row of logits in host memory, and the bits that say what
 * may not be chosen. No state, nothing allocated. Rows that are to stay on the device:
 * logits_top.h.
 *
 * Tests: tests/unit/test_logits.c */
#ifndef ATT_LOGITS_H
#define ATT_LOGITS_H

#include <stdint.h>

#include "random.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Token t may not come when bit t%32 of word t/32 is set: words a row of n_vocab tokens. */
static inline int32_t att_logits_words(int32_t n_vocab)
{
    return (n_vocab + 31) / 32;
}

void att_logits_forbid(uint32_t *bits, int32_t n_vocab, int32_t token); /* one outside: nothing */
void att_logits_forbid_range(uint32_t *bits, int32_t n_vocab, int32_t first, int32_t end);

/* logits[t] = -infinity where t is forbidden. */
void att_logits_hide(float *logits, int32_t n_vocab, const uint32_t *bits);

/* Index of the largest, the first of equals; -1 when any number is NaN or none is above -infinity.
 */
int32_t att_logits_argmax(const float *logits, int32_t n);

/* ln(sum(exp(logits[first..end)))) in double; -infinity for an empty or wholly suppressed range. */
double att_logits_log_sum_exp(const float *logits, int32_t first, int32_t end);

/* ln(exp(a) + exp(b)); a NaN stays. */
double att_logits_log_add(double a, double b);

/* An index with probability softmax(logits / temperature). largest: the logit of the likeliest, a
 * number; weights: scratch of n. */
int32_t att_logits_draw(const float *logits, int32_t n, float largest, double temperature,
                        att_random *random, float *weights);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LOGITS_H */
