/* whisper_rules.c - whisper_rules.h. Tests: tests/unit/test_whisper_rules.c */
#include "whisper_rules.h"

#include <math.h>
#include <string.h>

static void forbid_all(const att_whisper_rules *r, const int32_t *tokens, int32_t n, uint32_t *bits)
{
    for (int32_t i = 0; i < n; i++) att_logits_forbid(bits, r->n_vocab, tokens[i]);
}

/* Timestamps come in pairs, except directly before the end of text. */
static void pair_timestamps(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
                            uint32_t *bits)
{
    const int last = n >= 1 && sampled[n - 1] >= r->timestamp_begin;
    const int before = n < 2 || sampled[n - 2] >= r->timestamp_begin;
    if (last && before) /* a pair is complete: text or the end */
        att_logits_forbid_range(bits, r->n_vocab, r->timestamp_begin, r->n_vocab);
    else if (last) /* half a pair: no text */
        att_logits_forbid_range(bits, r->n_vocab, 0, r->eot);

    int32_t newest = -1;
    for (int32_t i = n - 1; i >= 0 && newest < 0; i--)
        if (sampled[i] >= r->timestamp_begin) newest = sampled[i];
    if (newest < 0) return;
    /* Times do not decrease, and a segment has a length: only the second of a pair may repeat. */
    const int32_t first_allowed = last && !before ? newest : newest + 1;
    att_logits_forbid_range(bits, r->n_vocab, r->timestamp_begin, first_allowed);
}

/* What would repeat n tokens in a row is not allowed. */
static void forbid_repeats(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
                           uint32_t *bits)
{
    const int32_t before = r->no_repeat_ngram_size - 1;
    for (int32_t i = 0; i + before < n; i++) {
        int32_t same = 0;
        while (same < before && sampled[i + same] == sampled[n - before + same]) same++;
        if (same == before) att_logits_forbid(bits, r->n_vocab, sampled[i + before]);
    }
}

void att_whisper_rules_forbid(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
                              uint32_t *bits)
{
    memset(bits, 0, (size_t)att_logits_words(r->n_vocab) * sizeof *bits);
    if (r->no_repeat_ngram_size > 0) forbid_repeats(r, sampled, n, bits);
    if (n == 0) forbid_all(r, r->suppress_first, r->n_suppress_first, bits);
    forbid_all(r, r->suppress, r->n_suppress, bits);
    if (!r->timestamps) return;

    att_logits_forbid(bits, r->n_vocab, r->no_timestamps);
    pair_timestamps(r, sampled, n, bits);
    if (n > 0) return;
    att_logits_forbid_range(bits, r->n_vocab, 0, r->timestamp_begin);
    if (r->max_initial_timestamp >= 0)
        att_logits_forbid_range(bits, r->n_vocab, r->timestamp_begin + r->max_initial_timestamp + 1,
                                r->n_vocab);
}

int att_whisper_rules_penalise(const att_whisper_rules *r)
{
    return r->repetition_penalty > 0.0 && r->repetition_penalty != 1.0;
}

/* Each token that was sampled once, however often. */
void att_whisper_rules_apply_penalty(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
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

int32_t att_whisper_rules_split(const att_whisper_rules *r)
{
    return r->timestamps ? r->timestamp_begin : r->n_vocab;
}

int att_whisper_rules_force(const att_whisper_rules *r, const att_logits_part parts[2])
{
    /* If all timestamps together are likelier than the best single text token, one is forced. A NaN
     * in the text forces nothing, and stays. */
    return r->timestamps && parts[0].n > 0 && !isnan(parts[0].log_sum_exp) &&
           parts[1].log_sum_exp > (double)parts[0].best[0].logit;
}

void att_whisper_rules_join(const att_whisper_rules *r, const att_logits_part parts[2],
                            int32_t n_best, att_logits_part *joined)
{
    const att_logits_part *text = &parts[0], *times = &parts[1];
    const int forced = att_whisper_rules_force(r, parts);
    int32_t i = forced ? text->n : 0, j = 0;
    joined->n = 0;
    while (joined->n < n_best && (i < text->n || j < times->n)) {
        const int from_text =
            j == times->n || (i < text->n && text->best[i].logit >= times->best[j].logit);
        joined->best[joined->n++] = from_text ? text->best[i++] : times->best[j++];
    }
    joined->log_sum_exp =
        forced ? times->log_sum_exp : att_logits_log_add(text->log_sum_exp, times->log_sum_exp);
}
