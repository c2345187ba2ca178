/* whisper_rules.h - which token may come next: the reference's logit filters over one row.
 *
 * Sources: OpenAI's decoding.py (SuppressBlank, SuppressTokens, ApplyTimestampRules); CTranslate2's
 * decoding (RepetitionPenalty, NoRepeatNgram).
 * Tests: tests/unit/test_whisper_rules.c */
#ifndef ATT_WHISPER_RULES_H
#define ATT_WHISPER_RULES_H

#include <stdint.h>

#include "logits_top.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_whisper_rules {
    int32_t n_vocab;
    int32_t eot, no_timestamps, timestamp_begin; /* token ids */
    const int32_t *suppress;                     /* never allowed */
    int32_t n_suppress;
    const int32_t *suppress_first; /* not allowed as the first token: blank and end of text */
    int32_t n_suppress_first;
    double repetition_penalty; /* logits of tokens that were sampled become less likely by this; 1:
                                  not */
    int32_t no_repeat_ngram_size;  /* no so many text tokens in a row twice; 0: any may */
    int32_t timestamps;            /* 0: text only, the timestamp rules rest */
    int32_t max_initial_timestamp; /* in timestamp tokens (0.02 s); negative: no limit */
} att_whisper_rules;

/* What may not come after sampled[0..n) (the tokens since the prompt): all words of the row's bits
 * (logits.h) are written. */
void att_whisper_rules_forbid(const att_whisper_rules *rules, const int32_t *sampled, int32_t n,
                              uint32_t *bits);

/* Makes tokens that were sampled less likely; whether the rules want that at all. */
int att_whisper_rules_penalise(const att_whisper_rules *rules);
void att_whisper_rules_apply_penalty(const att_whisper_rules *rules, const int32_t *sampled,
                                     int32_t n, float *logits);

/* Where a row is to be parted for the functions below. */
int32_t att_whisper_rules_split(const att_whisper_rules *rules);

/* Whether timestamps are all that may come, by what was found in the text and in the timestamps of
 * a row. */
int att_whisper_rules_force(const att_whisper_rules *rules, const att_logits_part parts[2]);

/* The n_best best of all that may come. joined->best: n_best choices of the caller's. */
void att_whisper_rules_join(const att_whisper_rules *rules, const att_logits_part parts[2],
                            int32_t n_best, att_logits_part *joined);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_RULES_H */
