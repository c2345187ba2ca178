/* sampler.h - the next token of a text: one row of logits in host memory, narrowed stage by stage,
 * then drawn from.
 *
 * Stages, in this order, with the names, meanings and defaults of ggml-org's inference programs:
 *   1. penalties   over the last n tokens: a token that came count > 0 times has its logit divided
 *                  by repeat_penalty (multiplied, when it is not above 0), and is lowered by
 *                  count * frequency_penalty + presence_penalty
 *   2. top-k       the k tokens with the largest logits
 *   3. top-p       of these the likeliest, until their probabilities sum to p: the one that reaches
 *                  p is in
 *   4. min-p       of these those with at least p times the probability of the likeliest
 *   5. temperature logits divided by it; at 0 or below only the likeliest is left
 *   6. the draw    from the softmax of what is left
 * The probabilities of 3 and 4 are those before the temperature; sums are double.
 * Equal logits are ordered by their token, the lowest first: equal seeds and rows, equal tokens.
 *
 * Source: the default chain of common/common.h (samplers) and common/sampling.cpp there; the
 * generator of random numbers is ours (random.h), so the draws are not theirs.
 * Tests: tests/unit/test_sampler.c */
#ifndef ATT_SAMPLER_H
#define ATT_SAMPLER_H

#include <stdint.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Start from att_sampler_defaults(), whose values are in brackets. */
typedef struct att_sampler_options {
    float temperature;       /* 0 or less: greedy [0.8] */
    int32_t top_k;           /* 0 or less: all [40] */
    float top_p;             /* 0 to 1; 1: all [0.95] */
    float min_p;             /* 0 to 1; 0: all [0.05] */
    int32_t repeat_last_n;   /* tokens that penalties look back on; 0: none are made [64] */
    float repeat_penalty;    /* above 0; 1: none [1] */
    float frequency_penalty; /* [0] */
    float presence_penalty;  /* [0] */
    uint64_t seed;           /* [0] */
} att_sampler_options;

att_sampler_options att_sampler_defaults(void);

/* One text at a time, one thread at a time. */
typedef struct att_sampler att_sampler;

/* All memory is reserved here: 28 bytes a token of the vocabulary, 4 one of repeat_last_n.
 * ATT_E_ARG, with the option's name, for a value outside of its range. */
att_status att_sampler_create(att_sampler **sampler, int32_t n_vocab,
                              const att_sampler_options *options, att_err *err);
void att_sampler_destroy(att_sampler *sampler); /* NULL is fine */

/* As it was when it was created: nothing came, the seed's first number is next. */
void att_sampler_reset(att_sampler *sampler);

/* The token stands in the text now, of the prompt or chosen: penalties count it. One outside of the
 * vocabulary is passed over. */
void att_sampler_accept(att_sampler *sampler, int32_t token);

/* *token: the choice, not yet accepted. logits: f32[n_vocab], read only; -infinity: may not come.
 * Allocates nothing. ATT_E_MODEL, and *token -1, when a logit is NaN or +infinity, or all are
 * -infinity. */
att_status att_sampler_choose(att_sampler *sampler, const float *logits, int32_t *token,
                              att_err *err);

typedef struct att_sampler_candidate {
    int32_t token;
    float logit;       /* after the penalties, before the temperature */
    float probability; /* of the draw: they sum to 1 */
} att_sampler_candidate;

/* What the last choice was drawn from, *n of them; in the order of their logits, the largest first,
 * when a stage ordered them or there is one, else in that of their tokens. Lives until the next
 * call. */
const att_sampler_candidate *att_sampler_candidates(const att_sampler *sampler, int32_t *n);

#ifdef __cplusplus
}
#endif
#endif /* ATT_SAMPLER_H */
