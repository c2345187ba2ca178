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

static void suppression_stays_inside(void **state)
{
    (void)state;
    float x[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f};
    const int32_t ids[] = {-1, 1, 4, 7};
    att_logits_suppress(x, 4, ids, 4); /* 4 is outside [0, 4) */
    assert_true(isinf(x[1]));
    assert_true(x[0] == 1.0f && x[2] == 3.0f && x[3] == 4.0f && x[4] == 5.0f);
    att_logits_suppress_range(x, 4, -3, 1);
    att_logits_suppress_range(x, 4, 3, 9);
    assert_true(isinf(x[0]) && isinf(x[3]));
    assert_true(x[2] == 3.0f && x[4] == 5.0f);
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(argmax_takes_the_first_of_equals),
        cmocka_unit_test(argmax_refuses_nan_and_nothing),
        cmocka_unit_test(suppression_stays_inside),
        cmocka_unit_test(log_sum_exp_is_the_sum),
    };
    return cmocka_run_group_tests_name("logits", tests, NULL, NULL);
}
