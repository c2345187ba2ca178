/* test_alignment.c - modalities/speech/alignment.c against OpenAI's arithmetic on made-up scores
 * (tests/golden/words.json, by tools/reference/dump_words.py). */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alignment.h"
#include "asr_rig.h"

enum { HEADS = 3, ROWS = 12, STRIDE = 60, COLS = 50, KEPT = 7 };

/* splitmix64's finaliser. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* As score() of the script. */
static float score(int64_t head, int64_t row, int64_t col)
{
    const uint64_t place = (uint64_t)(head << 40 | row << 20 | col);
    const double noise = (double)((int64_t)(mix(place) >> 44) - (1 << 19)) / (1 << 17);
    const int64_t off = col - 4 * row - head;
    return (float)(noise + (off > -3 && off < 3 ? 6.0 : 0.0));
}

static void maps_become_the_references_times(void **state)
{
    (void)state;
    static float scores[ROWS * STRIDE], sum[ROWS * COLS];
    int32_t first[ROWS];
    cJSON *json = golden_json("words.json");
    const cJSON *golden = cJSON_GetObjectItem(json, "alignment");
    const cJSON *matrix = cJSON_GetObjectItem(golden, "matrix");
    memset(sum, 0, sizeof sum);
    for (int h = 0; h < HEADS; h++) {
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < STRIDE; j++) scores[i * STRIDE + j] = score(h, i, j);
        att_alignment_add_head(scores, ROWS, STRIDE, COLS, sum);
    }
    for (int i = 0; i < ROWS * COLS; i++) sum[i] /= HEADS;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j += KEPT) {
            const double want =
                cJSON_GetArrayItem(cJSON_GetArrayItem(matrix, i), j / KEPT)->valuedouble;
            assert_true(fabs((double)sum[i * COLS + j] - want) < 2e-5);
        }
    assert_int_equal(att_alignment_walk(sum, ROWS, COLS, first, NULL), ATT_OK);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(first[i],
                         cJSON_GetArrayItem(cJSON_GetObjectItem(golden, "first"), i)->valueint);
    cJSON_Delete(json);
}

/* Sizes at which there is little to walk through, and NaN: an end, inside of the columns. */
static void small_and_broken_maps_have_an_end(void **state)
{
    (void)state;
    float one[] = {0.5f}, row[] = {1.0f, 2.0f, 3.0f}, nans[12];
    int32_t first[4];
    assert_int_equal(att_alignment_walk(one, 1, 1, first, NULL), ATT_OK);
    assert_int_equal(first[0], 0);
    assert_int_equal(att_alignment_walk(row, 1, 3, first, NULL), ATT_OK);
    assert_int_equal(first[0], 0);
    assert_int_equal(att_alignment_walk(row, 3, 1, first, NULL), ATT_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(first[i], 0);
    for (int i = 0; i < 12; i++) nans[i] = NAN;
    assert_int_equal(att_alignment_walk(nans, 4, 3, first, NULL), ATT_OK);
    for (int i = 0; i < 4; i++) assert_in_range(first[i], 0, 2);
    float sum[3] = {0.0f, 0.0f, 0.0f};
    att_alignment_add_head(row, 1, 3, 3, sum); /* one row has no deviation */
    assert_true(isnan(sum[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_become_the_references_times),
        cmocka_unit_test(small_and_broken_maps_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
