/* test_random.c - lib/sample/random.c against the numbers of the author's pcg32-demo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "random.h"

static void numbers_are_pcg32s(void **state)
{
    (void)state;
    /* pcg32_srandom(42, 54): the first round of pcg32-demo */
    static const uint32_t want[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
                                    0x83d2f293, 0xbfa4784b, 0xcbed606e};
    att_random r = att_random_of(42, 54);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(att_random_u32(&r), want[i]);
}

static void units_fill_their_range(void **state)
{
    (void)state;
    enum { N = 100000, BINS = 10 };
    int bins[BINS] = {0};
    att_random r = att_random_of(1, 2);
    for (int i = 0; i < N; i++) {
        const double x = att_random_unit(&r);
        assert_true(x >= 0.0 && x < 1.0);
        bins[(int)(x * BINS)]++;
    }
    for (int b = 0; b < BINS; b++) assert_in_range(bins[b], N / BINS - 500, N / BINS + 500);
}

static void seeds_and_streams_differ(void **state)
{
    (void)state;
    att_random a = att_random_of(1, 1), b = att_random_of(1, 1), c = att_random_of(2, 1),
               d = att_random_of(1, 2);
    const uint32_t x = att_random_u32(&a);
    assert_int_equal(att_random_u32(&b), x);
    assert_int_not_equal(att_random_u32(&c), x);
    assert_int_not_equal(att_random_u32(&d), x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_pcg32s),
        cmocka_unit_test(units_fill_their_range),
        cmocka_unit_test(seeds_and_streams_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
