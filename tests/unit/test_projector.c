/* test_projector.c - the order in which patches become tokens, against nanoVLM's and Idefics3's
 * code on the numbers 0, 1, 2, ... (tests/golden/vision_tiny_random/shuffle.safetensors). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "projector.h"

static void check_order(const att_weights *golden, const char *name, int32_t shuffle)
{
    const att_array *a = att_weights_find(golden, name);
    int32_t order[2 * 64];
    att_err err;
    assert_non_null(a);
    assert_int_equal(att_array_elements(a), 64);
    assert_int_equal(att_shuffle_order(8, shuffle, NULL, 2 * 64, order, &err), ATT_OK);
    for (int32_t i = 0; i < 64; i++) {
        assert_int_equal(order[i], (int32_t)att_array_value(a, (size_t)i));
        assert_int_equal(order[64 + i], 64 + order[i]); /* the next tile */
    }
}

static void check_model(const char *file, int32_t largest)
{
    att_weights *golden;
    att_err err;
    assert_int_equal(att_weights_open(&golden, file, &err), ATT_OK);
    check_order(golden, "order.2", 2);
    if (largest > 2) check_order(golden, "order.4", 4);
    att_weights_close(golden);
}

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/vision_tiny_random/"

static void orders_are_the_references(void **state)
{
    (void)state;
    check_model(GOLDEN "nanovlm/golden.safetensors", 2);
    check_model(GOLDEN "smolvlm/golden.safetensors", 4);
}

static void kept_squares_keep_their_order(void **state)
{
    (void)state;
    /* Of 4 x 4 patches in squares of 2: the second square, and the third of the next tile. */
    const int32_t kept[] = {2, 3, 6, 7, 24, 25, 28, 29}, half[] = {2, 3, 6, 9};
    const int32_t stray[] = {2, 3, 6, 7, 9};
    int32_t order[8];
    att_err err;
    assert_int_equal(att_shuffle_order(4, 2, kept, 8, order, &err), ATT_OK);
    for (int32_t i = 0; i < 8; i++) assert_int_equal(order[i], i);
    assert_int_equal(att_shuffle_order(4, 2, half, 4, order, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "2 was kept"));
    assert_int_equal(att_shuffle_order(4, 2, stray, 5, order, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "1 of 5"));
    assert_int_equal(att_shuffle_order(9, 2, NULL, 81, order, &err), ATT_E_ARG);
    assert_int_equal(att_shuffle_order(4, 1, stray, 5, order, &err), ATT_OK);
    assert_int_equal(order[4], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(orders_are_the_references),
                                       cmocka_unit_test(kept_squares_keep_their_order)};
    return cmocka_run_group_tests_name("projector", tests, NULL, NULL);
}
