/* test_whisper_rules.c - modalities/speech/whisper_rules.c: each rule of the reference's filters,
 * on a vocabulary of 20: text 0..9, end of text 10, no timestamps 11, timestamps 12..19. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

/* Bit i is set when token i is still allowed after sampled[0..n), text being far likelier than any
 * timestamp unless timestamps_likely. */
static uint32_t allowed(int32_t timestamps, const int32_t *sampled, int32_t n,
                        int timestamps_likely)
{
    float logits[V];
    uint32_t bits = 0;
    for (int i = 0; i < V; i++) logits[i] = (i < BEGIN) != timestamps_likely ? 5.0f : 0.0f;
    const att_whisper_rules r = rules(timestamps);
    att_whisper_rules_apply(&r, sampled, n, logits);
    for (int i = 0; i < V; i++)
        if (logits[i] > -INFINITY) bits |= 1u << i;
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
    for (int i = 0; i < V; i++) logits[i] = i < BEGIN ? (i == 6 ? 2.0f : -50.0f) : 1.0f;
    att_whisper_rules_apply(&r, s, 2, logits);
    assert_true(logits[6] == -INFINITY);
    for (int i = 0; i < V; i++) logits[i] = i < BEGIN ? (i == 6 ? 3.0f : -50.0f) : 1.0f;
    att_whisper_rules_apply(&r, s, 2, logits); /* ln 7 + 1 < 3 */
    assert_true(logits[6] == 3.0f);
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
    att_whisper_rules_apply(&r, s, 3, logits);
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
        r.no_repeat_ngram_size = size;
        att_whisper_rules_apply(&r, s, 5, logits);
        assert_int_equal(isinf(logits[7]) != 0, size <= 3);
        assert_int_equal(isinf(logits[5]) != 0, size == 1);
        assert_true(logits[8] == 0.0f);
    }
}

static void nan_stays(void **state)
{
    (void)state;
    const int32_t s[] = {BEGIN, 5};
    const att_whisper_rules r = rules(1);
    float logits[V] = {0.0f};
    logits[7] = NAN;
    att_whisper_rules_apply(&r, s, 2, logits);
    assert_true(isnan(logits[7]));
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
        cmocka_unit_test(nan_stays),
    };
    return cmocka_run_group_tests_name("whisper_rules", tests, NULL, NULL);
}
