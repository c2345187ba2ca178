/* whisper_rules.c - whisper_rules.h. Tests: tests/unit/test_whisper_rules.c */
#include "whisper_rules.h"

#include "logits.h"

/* Timestamps come in pairs, except directly before the end of text. */
static void pair_timestamps(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
                            float *logits)
{
    const int last = n >= 1 && sampled[n - 1] >= r->timestamp_begin;
    const int before = n < 2 || sampled[n - 2] >= r->timestamp_begin;
    if (last && before) /* a pair is complete: text or the end */
        att_logits_suppress_range(logits, r->n_vocab, r->timestamp_begin, r->n_vocab);
    else if (last) /* half a pair: no text */
        att_logits_suppress_range(logits, r->n_vocab, 0, r->eot);

    int32_t newest = -1;
    for (int32_t i = n - 1; i >= 0 && newest < 0; i--)
        if (sampled[i] >= r->timestamp_begin) newest = sampled[i];
    if (newest < 0) return;
    /* Times do not decrease, and a segment has a length: only the second of a pair may repeat. */
    const int32_t first_allowed = last && !before ? newest : newest + 1;
    att_logits_suppress_range(logits, r->n_vocab, r->timestamp_begin, first_allowed);
}

/* If all timestamps together are likelier than the best single text token, one is forced. */
static void prefer_timestamps(const att_whisper_rules *r, float *logits)
{
    const double times = att_logits_log_sum_exp(logits, r->timestamp_begin, r->n_vocab);
    const int32_t best = att_logits_argmax(logits, r->timestamp_begin);
    if (best >= 0 && times > (double)logits[best]) /* best < 0: no text is left, or a NaN stays */
        att_logits_suppress_range(logits, r->n_vocab, 0, r->timestamp_begin);
}

/* Each token that was sampled once, however often. */
static void penalise_repetition(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
                                float *logits)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t first = 0;
        while (sampled[first] != sampled[i]) first++;
        if (first < i) continue;
        float *x = &logits[sampled[i]];
        *x = (float)(*x < 0.0f ? (double)*x * r->repetition_penalty
                               : (double)*x / r->repetition_penalty);
    }
}

/* What would repeat n tokens in a row is not allowed. */
static void forbid_repeats(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
                           float *logits)
{
    const int32_t before = r->no_repeat_ngram_size - 1;
    for (int32_t i = 0; i + before < n; i++) {
        int32_t same = 0;
        while (same < before && sampled[i + same] == sampled[n - before + same]) same++;
        if (same == before) att_logits_suppress(logits, r->n_vocab, &sampled[i + before], 1);
    }
}

void att_whisper_rules_apply(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
                             float *logits)
{
    if (r->repetition_penalty > 0.0 && r->repetition_penalty != 1.0)
        penalise_repetition(r, sampled, n, logits);
    if (r->no_repeat_ngram_size > 0) forbid_repeats(r, sampled, n, logits);
    if (n == 0) att_logits_suppress(logits, r->n_vocab, r->suppress_first, r->n_suppress_first);
    att_logits_suppress(logits, r->n_vocab, r->suppress, r->n_suppress);
    if (!r->timestamps) return;

    att_logits_suppress(logits, r->n_vocab, &r->no_timestamps, 1);
    pair_timestamps(r, sampled, n, logits);
    if (n == 0) {
        att_logits_suppress_range(logits, r->n_vocab, 0, r->timestamp_begin);
        if (r->max_initial_timestamp >= 0)
            att_logits_suppress_range(
                logits, r->n_vocab, r->timestamp_begin + r->max_initial_timestamp + 1, r->n_vocab);
    }
    prefer_timestamps(r, logits);
}
