/* test_conform.c - the comparer of lib/conform must be able to fail: a check that cannot is none.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "conform.h"

enum { N = 8, ALL = N + ATT_CONFORM_GUARD };

/* What comparing two equal arrays says after element i of the first became x. */
static double worst_with(int64_t i, float x)
{
    float got[ALL], want[ALL];
    att_conform_result result = {0.0, ""};
    att_conform_fill(got, ALL, 7, 1.0f);
    att_conform_fill(want, ALL, 7, 1.0f);
    got[i] = x;
    att_conform_compare(&result, "x", got, want, N, 1e-3, 0.0);
    return result.worst;
}

static void equal_is_zero(void **state)
{
    (void)state;
    float same[ALL];
    att_conform_fill(same, ALL, 7, 1.0f);
    assert_true(worst_with(3, same[3]) == 0.0);
    assert_true(fabs(worst_with(3, same[3] + 5e-4f) - 0.5) < 1e-3);
}

static void what_is_wrong_is_seen(void **state)
{
    (void)state;
    assert_true(worst_with(0, 2.0f) > 1.0);
    assert_true(worst_with(N - 1, 2.0f) > 1.0);
    assert_true(worst_with(2, NAN) > 1.0);
    assert_true(worst_with(2, INFINITY) > 1.0);
}

static void the_guard_must_survive_exactly(void **state)
{
    (void)state;
    float same[ALL];
    att_conform_fill(same, ALL, 7, 1.0f);
    assert_true(worst_with(N, same[N] + 1e-6f) > 1.0);
    assert_true(worst_with(ALL - 1, NAN) > 1.0);
}

/* NaN where the truth is NaN is right, a number there is wrong, and no later error hides it. */
static void nan_is_a_value(void **state)
{
    (void)state;
    float got[ALL] = {0.0f}, want[ALL] = {0.0f};
    att_conform_result result = {0.0, ""};
    got[1] = want[1] = NAN;
    att_conform_compare(&result, "x", got, want, N, 1e-3, 0.0);
    assert_true(result.worst == 0.0);
    got[1] = 0.0f;
    got[2] = 1e-4f;
    att_conform_compare(&result, "x", got, want, N, 1e-3, 0.0);
    assert_true(isinf(result.worst));
}

static void filling_is_the_same_everywhere(void **state)
{
    (void)state;
    float a[1000], b[1000];
    double sum = 0.0;
    att_conform_fill(a, 1000, 1, 2.0f);
    att_conform_fill(b, 1000, 2, 2.0f);
    for (int i = 0; i < 1000; i++) {
        assert_true(a[i] >= -2.0f && a[i] < 2.0f);
        sum += (double)a[i];
    }
    assert_true(fabs(sum / 1000.0) < 0.2);
    assert_true(a[0] != b[0] && a[0] != a[1]);
}

static void every_stem_has_cases(void **state)
{
    (void)state;
    size_t n, stems = 0;
    const att_conform_case *cases;
    for (; (cases = att_conform_cases(stems, &n)); stems++)
        for (size_t i = 0; i < n; i++) {
            assert_string_equal(cases[i].stem, cases->stem);
            assert_non_null(cases[i].run);
        }
    assert_int_equal(stems, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_is_zero),
        cmocka_unit_test(what_is_wrong_is_seen),
        cmocka_unit_test(the_guard_must_survive_exactly),
        cmocka_unit_test(nan_is_a_value),
        cmocka_unit_test(filling_is_the_same_everywhere),
        cmocka_unit_test(every_stem_has_cases),
    };
    return cmocka_run_group_tests_name("conform", tests, NULL, NULL);
}
