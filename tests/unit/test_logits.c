/* test_logits.c - lib/sample/logits.c: suppression, choice and sums over one row of logits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "logits.h"

static void argmax_takes_the_first_of_equals(void **state)
{
    (void)state;
    const float x[] = {-1.0f, 3.0f, 3.0f, 2.0f};
    assert_int_equal(att_logits_argmax(x, 4), 1);
}

static void argmax_refuses_nan_and_nothing(void **state)
{
    (void)state;
    const float nan_last[] = {1.0f, 2.0f, NAN}, nothing[] = {-INFINITY, -INFINITY};
    assert_int_equal(att_logits_argmax(nan_last, 3), -1);
    assert_int_equal(att_logits_argmax(nothing, 2), -1);
    assert_int_equal(att_logits_argmax(nothing, 0), -1);
}

static void forbidden_tokens_are_hidden(void **state)
{
    (void)state;
    float x[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f};
    uint32_t bits[1] = {0};
    const int32_t tokens[] = {-1, 1, 3, 4, 32};
    for (int i = 0; i < 5; i++) att_logits_forbid(bits, 4, tokens[i]); /* 4 is outside [0, 4) */
    assert_int_equal(bits[0], 1u << 1 | 1u << 3);
    att_logits_hide(x, 4, bits);
    assert_true(isinf(x[1]) && isinf(x[3]));
    assert_true(x[0] == 1.0f && x[2] == 3.0f && x[4] == 5.0f);
}

static void log_sum_exp_is_the_sum(void **state)
{
    (void)state;
    const float x[] = {1000.0f, 1000.0f, -INFINITY, NAN};
    /* ln 2 above 1000; the float exp of 0 is exact */
    assert_true(fabs(att_logits_log_sum_exp(x, 0, 3) - (1000.0 + log(2.0))) < 1e-12);
    assert_true(isinf(att_logits_log_sum_exp(x, 2, 3)));
    assert_true(isinf(att_logits_log_sum_exp(x, 1, 1)));
    assert_true(isnan(att_logits_log_sum_exp(x, 0, 4)));
    assert_true(isnan(att_logits_log_sum_exp(x, 3, 4)));
    const double nothing = -(double)INFINITY, nan = (double)NAN;
    assert_true(fabs(att_logits_log_add(1000.0, 1001.0) - (1001.0 + log1p(exp(-1.0)))) < 1e-12);
    assert_true(att_logits_log_add(nothing, 2.0) == 2.0 && att_logits_log_add(2.0, nothing) == 2.0);
    assert_true(att_logits_log_add(nothing, nothing) == nothing);
    assert_true(isnan(att_logits_log_add(nan, 1.0)) && isnan(att_logits_log_add(1.0, nan)));
}

/* Tokens come as often as softmax(logits / temperature) says, and never where nothing is allowed.
 */
static void draws_follow_their_distribution(void **state)
{
    (void)state;
    enum { N = 20000, V = 5 };
    static const float logits[V] = {0.0f, 1.0f, -INFINITY, -2.0f, 2.0f};
    const double temperature = 2.0;
    int counts[V] = {0};
    float weights[V];
    double total = 0.0;
    att_random random = att_random_of(7, 1);
    for (int v = 0; v < V; v++) total += exp((double)logits[v] / temperature);
    for (int i = 0; i < N; i++)
        counts[att_logits_draw(logits, V, 2.0f, temperature, &random, weights)]++;
    for (int v = 0; v < V; v++) {
        const double p = exp((double)logits[v] / temperature) / total;
        const double sigma = sqrt(N * p * (1.0 - p));
        assert_true(fabs(counts[v] - N * p) <= 4.0 * sigma + 1e-9);
    }
}

/* Each range sets its bits and no others. */
static void forbidden_ranges_stay_inside(void **state)
{
    (void)state;
    enum { V = 70 };
    for (int32_t first = -2; first < V + 2; first++)
        for (int32_t end = first - 1; end <= V + 2; end++) {
            uint32_t bits[4] = {0};
            att_logits_forbid_range(bits, V, first, end);
            for (int32_t t = 0; t < 4 * 32; t++)
                assert_int_equal(bits[t / 32] >> t % 32 & 1u, t < V && t >= first && t < end);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(argmax_takes_the_first_of_equals),
        cmocka_unit_test(argmax_refuses_nan_and_nothing),
        cmocka_unit_test(forbidden_tokens_are_hidden),
        cmocka_unit_test(log_sum_exp_is_the_sum),
        cmocka_unit_test(draws_follow_their_distribution),
        cmocka_unit_test(forbidden_ranges_stay_inside),
    };
    return cmocka_run_group_tests_name("logits", tests, NULL, NULL);
}
