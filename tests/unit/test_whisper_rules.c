/* test_whisper_rules.c - modalities/speech/whisper_rules.c: each rule of the reference's filters,
 * on a vocabulary of 20: text 0..9, end of text 10, no timestamps 11, timestamps 12..19. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "part_of.h"
#include "whisper_rules.h"

enum { V = 20, EOT = 10, NO_TIMESTAMPS = 11, BEGIN = 12 };

static const int32_t SUPPRESS[] = {3, 4}, FIRST[] = {0, EOT};

static att_whisper_rules rules(int32_t timestamps)
{
    const att_whisper_rules r = {
        .n_vocab = V,
        .eot = EOT,
        .no_timestamps = NO_TIMESTAMPS,
        .timestamp_begin = BEGIN,
        .suppress = SUPPRESS,
        .n_suppress = 2,
        .suppress_first = FIRST,
        .n_suppress_first = 2,
        .timestamps = timestamps,
        .max_initial_timestamp = 3,
    };
    return r;
}

/* What the rules leave of a row: all that may come, best first. */
static void apply(const att_whisper_rules *r, const int32_t *sampled, int32_t n,
                  const float *logits, part_of_row *left)
{
    uint32_t bits[1] = {UINT32_MAX};
    part_of_row rows[2];
    const int32_t split = att_whisper_rules_split(r);
    att_whisper_rules_forbid(r, sampled, n, bits);
    part_of(logits, bits, 0, split, V, &rows[0]);
    part_of(logits, bits, split, V, V, &rows[1]);
    const att_logits_part parts[] = {rows[0].part, rows[1].part};
    left->part.best = left->best;
    att_whisper_rules_join(r, parts, V, &left->part);
}

static int has(const part_of_row *left, int32_t token)
{
    for (int32_t i = 0; i < left->part.n; i++)
        if (left->best[i].token == token) return 1;
    return 0;
}

/* Bit i is set when token i is still allowed after sampled[0..n), text being far likelier than any
 * timestamp unless timestamps_likely. */
static uint32_t allowed(int32_t timestamps, const int32_t *sampled, int32_t n,
                        int timestamps_likely)
{
    float logits[V];
    uint32_t bits = 0;
    part_of_row left;
    for (int i = 0; i < V; i++) logits[i] = (i < BEGIN) != timestamps_likely ? 5.0f : 0.0f;
    const att_whisper_rules r = rules(timestamps);
    apply(&r, sampled, n, logits, &left);
    for (int i = 0; i < left.part.n; i++) bits |= 1u << left.best[i].token;
    return bits;
}

static uint32_t range(int first, int end)
{
    uint32_t bits = 0;
    for (int i = first; i < end; i++) bits |= 1u << i;
    return bits;
}

static const uint32_t NEVER = 1u << 3 | 1u << 4;

static void without_timestamps_only_suppression(void **state)
{
    (void)state;
    const int32_t one[] = {5};
    assert_int_equal(allowed(0, NULL, 0, 0), range(0, V) & ~NEVER & ~(1u << 0 | 1u << EOT));
    assert_int_equal(allowed(0, one, 1, 0), range(0, V) & ~NEVER);
}

static void first_is_an_early_timestamp(void **state)
{
    (void)state;
    assert_int_equal(allowed(1, NULL, 0, 0), range(BEGIN, BEGIN + 4));
}

static void text_follows_the_first_timestamp(void **state)
{
    (void)state; /* a lone first timestamp counts as a pair */
    const int32_t s[] = {BEGIN};
    assert_int_equal(allowed(1, s, 1, 0), range(0, NO_TIMESTAMPS) & ~NEVER);
    assert_int_equal(allowed(1, s, 1, 1), range(0, NO_TIMESTAMPS) & ~NEVER);
}

static void half_a_pair_wants_its_other_half_or_the_end(void **state)
{
    (void)state; /* the same time may repeat; none before it */
    const int32_t s[] = {BEGIN, 5, BEGIN + 2};
    assert_int_equal(allowed(1, s, 3, 0), 1u << EOT | range(BEGIN + 2, V));
}

static void times_do_not_decrease_and_segments_have_length(void **state)
{
    (void)state;
    const int32_t pair[] = {BEGIN, 5, BEGIN + 2, BEGIN + 2},
                  text[] = {BEGIN, 5, BEGIN + 2, BEGIN + 2, 6};
    assert_int_equal(allowed(1, pair, 4, 0), range(0, NO_TIMESTAMPS) & ~NEVER);
    assert_int_equal(allowed(1, text, 5, 0),
                     (range(0, NO_TIMESTAMPS) & ~NEVER) | range(BEGIN + 3, V));
}

static void likely_timestamps_are_forced(void **state)
{
    (void)state;
    const int32_t s[] = {BEGIN, 5};
    assert_int_equal(allowed(1, s, 2, 1), range(BEGIN + 1, V));
}

static void their_sum_counts_not_their_best(void **state)
{
    (void)state; /* text has 2.0 alone, seven timestamps 1.0 each: ln 7 + 1 > 2 */
    const int32_t s[] = {BEGIN, 5};
    const att_whisper_rules r = rules(1);
    float logits[V];
    part_of_row left;
    for (int i = 0; i < V; i++) logits[i] = i < BEGIN ? (i == 6 ? 2.0f : -50.0f) : 1.0f;
    apply(&r, s, 2, logits, &left);
    assert_false(has(&left, 6));
    for (int i = 0; i < V; i++) logits[i] = i < BEGIN ? (i == 6 ? 3.0f : -50.0f) : 1.0f;
    apply(&r, s, 2, logits, &left); /* ln 7 + 1 < 3 */
    assert_int_equal(left.best[0].token, 6);
}

/* What was said is less likely, once however often it was said, above 0 and below. */
static void repetition_costs(void **state)
{
    (void)state;
    const int32_t s[] = {5, 6, 5};
    att_whisper_rules r = rules(0);
    float logits[V];
    for (int i = 0; i < V; i++) logits[i] = 3.0f;
    logits[6] = -3.0f;
    r.repetition_penalty = 1.5;
    assert_true(att_whisper_rules_penalise(&r));
    att_whisper_rules_apply_penalty(&r, s, 3, logits);
    assert_true(logits[5] == 2.0f && logits[6] == -4.5f && logits[7] == 3.0f);
}

/* After 5 6 7 5 6 a third 7 would repeat three in a row; a 8 would not. */
static void repeated_ngrams_are_not_allowed(void **state)
{
    (void)state;
    const int32_t s[] = {5, 6, 7, 5, 6};
    att_whisper_rules r = rules(0);
    for (int32_t size = 1; size <= 6; size++) {
        float logits[V] = {0.0f};
        part_of_row left;
        r.no_repeat_ngram_size = size;
        apply(&r, s, 5, logits, &left);
        assert_int_equal(!has(&left, 7), size <= 3);
        assert_int_equal(!has(&left, 5), size == 1);
        assert_true(has(&left, 8));
    }
}

/* The best of both parts stand in one order, the text first of equals, and both count in the sum.
 */
static void parts_are_joined(void **state)
{
    (void)state;
    const int32_t s[] = {BEGIN, 5};
    const att_whisper_rules r = rules(1);
    part_of_row left;
    float logits[V];
    for (int i = 0; i < V; i++) logits[i] = -INFINITY;
    logits[6] = 9.0f;
    logits[7] = 1.0f;
    logits[BEGIN + 2] = 2.0f;
    logits[BEGIN + 3] = 1.0f;
    apply(&r, s, 2, logits, &left);
    const int32_t order[] = {6, BEGIN + 2, 7, BEGIN + 3};
    assert_int_equal(left.part.n, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(left.best[i].token, order[i]);
    const double sum = log(exp(9.0) + 2.0 * exp(1.0) + exp(2.0));
    assert_true(fabs(left.part.log_sum_exp - sum) < 1e-12);
    logits[6] = 1.5f; /* less than all timestamps, which alone count then */
    apply(&r, s, 2, logits, &left);
    assert_true(left.part.n == 2 && left.best[0].token == BEGIN + 2);
    assert_true(fabs(left.part.log_sum_exp - log(exp(1.0) + exp(2.0))) < 1e-12);
}

static void nan_stays(void **state)
{
    (void)state;
    const int32_t s[] = {BEGIN, 5}, at[] = {7, BEGIN + 4};
    const att_whisper_rules r = rules(1);
    for (int i = 0; i < 2; i++) {
        float logits[V] = {0.0f};
        part_of_row left;
        logits[at[i]] = NAN;
        apply(&r, s, 2, logits, &left);
        assert_true(isnan(left.part.log_sum_exp));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_timestamps_only_suppression),
        cmocka_unit_test(first_is_an_early_timestamp),
        cmocka_unit_test(text_follows_the_first_timestamp),
        cmocka_unit_test(half_a_pair_wants_its_other_half_or_the_end),
        cmocka_unit_test(times_do_not_decrease_and_segments_have_length),
        cmocka_unit_test(likely_timestamps_are_forced),
        cmocka_unit_test(their_sum_counts_not_their_best),
        cmocka_unit_test(repetition_costs),
        cmocka_unit_test(repeated_ngrams_are_not_allowed),
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(nan_stays),
    };
    return cmocka_run_group_tests_name("whisper_rules", tests, NULL, NULL);
}
