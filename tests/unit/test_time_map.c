/* test_time_map.c - the map between a recording and its speech, on a map made by hand. What
 * faster-whisper's map says is in test_speech_spans.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "time_map.h"

enum { SECOND = 16000 };

/* [10, 12), [20, 21) and [21, 25) of a recording become [0, 2), [2, 3) and [3, 7). */
static att_time_map make(void)
{
    att_time_map map = {0};
    assert_int_equal(att_time_map_add(&map, 10 * SECOND, 12 * SECOND, NULL), ATT_OK);
    assert_int_equal(att_time_map_add(&map, 20 * SECOND, 21 * SECOND, NULL), ATT_OK);
    assert_int_equal(att_time_map_add(&map, 21 * SECOND, 25 * SECOND, NULL), ATT_OK);
    return map;
}

static double original(const att_time_map *map, double packed_s, int is_end)
{
    return att_time_map_original_s(map, packed_s, att_time_map_index(map, packed_s, is_end));
}

static void packed_times_find_their_place(void **state)
{
    (void)state;
    att_time_map map = make();
    assert_int_equal(att_time_map_packed(&map), 7 * SECOND);
    assert_true(original(&map, 0.0, 0) == 10.0);
    assert_true(original(&map, 1.5, 0) == 11.5);
    assert_true(original(&map, 2.0, 0) == 20.0 && original(&map, 2.0, 1) == 12.0);
    assert_true(original(&map, 2.25, 1) == 20.25);
    assert_true(original(&map, 3.0, 0) == 21.0 && original(&map, 3.0, 1) == 21.0);
    assert_true(original(&map, 7.0, 0) == 25.0 && original(&map, 9.0, 1) == 27.0);
    /* A word that begins in one span and is said to be of another keeps its length. */
    assert_true(att_time_map_original_s(&map, 2.25, 0) == 12.25);
    att_time_map_free(&map);
}

static void times_are_rounded_as_python_does(void **state)
{
    (void)state;
    att_time_map map = {0};
    assert_int_equal(att_time_map_add(&map, 0, SECOND, NULL), ATT_OK);
    /* 0.125 and 0.375 are ties; 0.005 lies a little above one, 0.285 a little below. */
    assert_true(original(&map, 0.125, 0) == 0.12 && original(&map, 0.375, 0) == 0.38);
    assert_true(original(&map, 0.005, 0) == 0.01 && original(&map, 0.285, 0) == 0.28);
    assert_true(original(&map, 0.12, 0) == 0.12);
    att_time_map_free(&map);
}

static void original_times_find_where_they_went(void **state)
{
    (void)state;
    att_time_map map = make();
    assert_true(att_time_map_packed_s(&map, 3.0) == 0.0);
    assert_true(att_time_map_packed_s(&map, 11.5) == 1.5);
    assert_true(att_time_map_packed_s(&map, 12.0) == 2.0);
    assert_true(att_time_map_packed_s(&map, 15.0) == 2.0); /* where the silence was */
    assert_true(att_time_map_packed_s(&map, 20.5) == 2.5);
    assert_true(att_time_map_packed_s(&map, 24.0) == 6.0);
    assert_true(att_time_map_packed_s(&map, 99.0) == 7.0);
    for (int i = 0; i < 700; i++) { /* there and back */
        const double packed = i / 100.0;
        const double back = att_time_map_packed_s(&map, original(&map, packed, 0));
        assert_true(back - packed < 1e-9 && packed - back < 1e-9);
    }
    att_time_map_free(&map);
}

static void a_map_of_nothing_changes_nothing(void **state)
{
    (void)state;
    att_time_map map = {0};
    assert_int_equal(att_time_map_packed(&map), 0);
    assert_int_equal(att_time_map_index(&map, 1.0, 0), -1);
    assert_true(original(&map, 1.234, 0) == 1.234);
    assert_true(att_time_map_packed_s(&map, 5.0) == 0.0);
    att_time_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_times_find_their_place),
        cmocka_unit_test(times_are_rounded_as_python_does),
        cmocka_unit_test(original_times_find_where_they_went),
        cmocka_unit_test(a_map_of_nothing_changes_nothing),
    };
    return cmocka_run_group_tests_name("time_map", tests, NULL, NULL);
}
