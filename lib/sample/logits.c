/* logits.c - logits.h. Tests: tests/unit/test_logits.c */
#include "logits.h"

#include <math.h>

void att_logits_forbid(uint32_t *bits, int32_t n_vocab, int32_t token)
{
    if (token >= 0 && token < n_vocab) bits[token / 32] |= UINT32_C(1) << token % 32;
}

void att_logits_forbid_range(uint32_t *bits, int32_t n_vocab, int32_t first, int32_t end)
{
    if (first < 0) first = 0;
    if (end > n_vocab) end = n_vocab;
    while (first < end && first % 32) att_logits_forbid(bits, n_vocab, first++);
    for (; first + 32 <= end; first += 32) bits[first / 32] = UINT32_MAX;
    while (first < end) att_logits_forbid(bits, n_vocab, first++);
}

void att_logits_hide(float *logits, int32_t n_vocab, const uint32_t *bits)
{
    for (int32_t t = 0; t < n_vocab; t++)
        if (bits[t / 32] >> t % 32 & 1u) logits[t] = -INFINITY;
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

double att_logits_log_add(double a, double b)
{
    const double most = a > b ? a : b;
    if (a == b && isinf(a)) return a;
    return most + log(exp(a - most) + exp(b - most));
}

int32_t att_logits_draw(const float *logits, int32_t n, float largest, double temperature,
                        att_random *random, float *weights)
{
    double total = 0.0;
    int32_t last = -1;
    for (int32_t i = 0; i < n; i++) {
        weights[i] = (float)exp(((double)logits[i] - (double)largest) / temperature);
        total += (double)weights[i];
    }
    double left = att_random_unit(random) * total;
    for (int32_t i = 0; i < n; i++) {
        if (!(weights[i] > 0.0f)) continue;
        last = i;
        left -= (double)weights[i];
        if (left < 0.0) break;
    }
    return last;
}
