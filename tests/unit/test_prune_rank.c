/* test_prune_rank.c - modalities/vision/prune_rank.c and prune_diverse.c against the exhaustive
 * search of lib/ref/ref_prune.c, with equals and with what is not a number. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "prune_rank.h"
#include "random.h"
#include "ref.h"

enum { MOST = 120, WIDTH = 19 };

static att_ranked scratch[2 * MOST];
static int32_t kept[MOST];
static uint8_t stays[MOST];

static void assert_kept(int32_t n, int32_t k, const char *what)
{
    int32_t at = 0;
    for (int32_t i = 0; i < n; i++)
        if (stays[i] && (at == k || kept[at++] != i))
            fail_msg("%s: %d of %d: token %d is not where it belongs", what, k, n, i);
    assert_int_equal(at, k);
}

static void the_highest_stay_and_equals_go_by_index(void **state)
{
    double scores[MOST];
    att_random random = att_random_of(1, 0);
    (void)state;
    for (int32_t n = 1; n <= MOST; n += 7)
        for (int32_t k = 0; k <= n; k++) {
            for (int32_t i = 0; i < n; i++) /* a few values, so that many are equal */
                scores[i] =
                    k % 3 ? floor(att_random_unit(&random) * 5.0) : att_random_unit(&random) - 0.5;
            if (n > 3) scores[3] = -INFINITY;
            assert_int_equal(att_rank_top(scores, n, k, scratch, kept), -1);
            att_ref_prune_top(scores, n, k, stays);
            assert_kept(n, k, "top");
        }
    for (int32_t i = 0; i < 9; i++) scores[i] = 1.0;
    scores[6] = NAN;
    assert_int_equal(att_rank_top(scores, 9, 3, scratch, kept), 6);
}

static void a_grid_is_covered_evenly(void **state)
{
    static const int32_t SIZES[][2] = {{1, 1}, {6, 6}, {7, 7}, {3, 40}, {8, 8}, {14, 8}};
    double scores[MOST];
    (void)state;
    for (size_t s = 0; s < sizeof SIZES / sizeof *SIZES; s++) {
        const int32_t rows = SIZES[s][0], cols = SIZES[s][1], n = rows * cols;
        for (int32_t i = 0; i < n; i++) scores[i] = att_rank_grid(rows, cols, i / cols, i % cols);
        for (int32_t k = 1; k <= n; k++) {
            assert_int_equal(att_rank_top(scores, n, k, scratch, kept), -1);
            att_ref_prune_grid(rows, cols, k, stays);
            assert_kept(n, k, "grid");
        }
    }
    /* A quarter of 8 x 8 is every second row and column, one the middle. */
    for (int32_t i = 0; i < 64; i++) scores[i] = att_rank_grid(8, 8, i / 8, i % 8);
    att_rank_top(scores, 64, 16, scratch, kept);
    for (int32_t i = 0; i < 16; i++) assert_int_equal(kept[i], i / 4 * 16 + i % 4 * 2);
    att_rank_top(scores, 64, 1, scratch, kept);
    assert_int_equal(kept[0], 4 * 8 + 4);
}

static void chance_is_a_function_of_its_seed(void **state)
{
    int32_t again[MOST], hits[10] = {0};
    (void)state;
    att_rank_random(7, MOST, 40, scratch, kept);
    att_rank_random(7, MOST, 40, scratch, again);
    assert_memory_equal(kept, again, 40 * sizeof *kept);
    att_rank_random(8, MOST, 40, scratch, again);
    assert_memory_not_equal(kept, again, 40 * sizeof *kept);
    for (int32_t i = 1; i < 40; i++) assert_true(kept[i - 1] < kept[i]);
    for (uint64_t seed = 0; seed < 2000; seed++) {
        att_rank_random(seed, 10, 3, scratch, kept);
        for (int i = 0; i < 3; i++) hits[kept[i]]++;
    }
    for (int i = 0; i < 10; i++) assert_in_range(hits[i], 518, 682); /* 600, 4 deviations */
}

static void fill(float *x, int32_t n, uint64_t seed)
{
    att_random random = att_random_of(seed, 1);
    for (int32_t i = 0; i < n; i++) x[i] = (float)(att_random_unit(&random) - 0.5);
}

static void the_most_different_stay(void **state)
{
    float x[60 * WIDTH];
    (void)state;
    for (int32_t n = 1; n <= 60; n += 13)
        for (int32_t k = 1; k <= n; k += 3) {
            fill(x, n * WIDTH, (uint64_t)(n * 100 + k));
            if (n > 20) { /* equals and nothing */
                memcpy(x + 5 * WIDTH, x + 2 * WIDTH, WIDTH * sizeof *x);
                memset(x + 9 * WIDTH, 0, WIDTH * sizeof *x);
            }
            assert_int_equal(att_rank_diverse(x, n, WIDTH, k, scratch, kept), -1);
            att_ref_prune_diverse(x, n, WIDTH, k, stays);
            assert_kept(n, k, "diverse");
        }
    x[3 * WIDTH + 1] = NAN;
    assert_int_equal(att_rank_diverse(x, 10, WIDTH, 4, scratch, kept), 3);
}

static void others_join_their_nearest_centre(void **state)
{
    static double weight[50 * 50], got[50 * 50];
    float keys[50 * WIDTH], w[MOST];
    double scores[50];
    int32_t at[MOST], source[MOST], made;
    att_random random = att_random_of(3, 0);
    (void)state;
    for (int32_t n = 5; n <= 50; n += 15)
        for (int32_t merged = 0; merged <= 5; merged++) {
            const int32_t dominant = n / 3;
            fill(keys, n * WIDTH, (uint64_t)n);
            for (int32_t i = 4; i < n && merged % 2; i++) /* equals among centres */
                memcpy(keys + i * WIDTH, keys + i % 4 * WIDTH, WIDTH * sizeof *keys);
            for (int32_t i = 0; i < n; i++) scores[i] = floor(att_random_unit(&random) * 9.0);
            assert_int_equal(att_rank_merge(scores, keys, n, WIDTH, dominant, merged, scratch, kept,
                                            at, source, w, &made),
                             -1);
            att_ref_prune_merge(scores, keys, n, WIDTH, dominant, merged, weight);
            memset(got, 0, sizeof got);
            for (int32_t m = 0; m < made; m++) {
                if (m) assert_true(kept[m - 1] < kept[m]);
                for (int32_t s = at[m]; s < at[m + 1]; s++)
                    got[kept[m] * n + source[s]] = (double)w[s];
            }
            assert_int_equal(made, dominant + (merged < n - dominant ? merged : n - dominant));
            for (int32_t i = 0; i < n * n; i++)
                if (!(fabs(got[i] - weight[i]) < 1e-7)) /* a weight is rounded to float */
                    fail_msg("%d of %d by %d: %g, expected %g", i, n, merged, got[i], weight[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_stay_and_equals_go_by_index),
        cmocka_unit_test(a_grid_is_covered_evenly),
        cmocka_unit_test(chance_is_a_function_of_its_seed),
        cmocka_unit_test(the_most_different_stay),
        cmocka_unit_test(others_join_their_nearest_centre),
    };
    return cmocka_run_group_tests_name("prune_rank", tests, NULL, NULL);
}
