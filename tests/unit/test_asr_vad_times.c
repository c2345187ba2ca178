/* test_asr_vad_times.c - times of segments and words back from packed audio, as faster-whisper's
 * restore_speech_timestamps() gives them but for one rule about padding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asr_vad.h"

enum { SECOND = 16000 };

/* [10, 12) and [20, 25) of a recording become [0, 2) and [2, 7). */
static att_time_map make(void)
{
    att_time_map map = {0};
    assert_int_equal(att_time_map_add(&map, 10 * SECOND, 12 * SECOND, NULL), ATT_OK);
    assert_int_equal(att_time_map_add(&map, 20 * SECOND, 25 * SECOND, NULL), ATT_OK);
    return map;
}

static void segments_without_words_go_by_their_ends(void **state)
{
    (void)state;
    att_time_map map = make();
    att_asr_segment s = {.start = 0.5, .end = 2.0};
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 10.5 && s.end == 12.0);
    s = (att_asr_segment){.start = 2.0, .end = 3.5};
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 20.0 && s.end == 21.5);
    s = (att_asr_segment){.start = 1.0, .end = 3.0}; /* over the gap */
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 11.0 && s.end == 21.0);
    att_time_map_free(&map);
}

/* Padding of 0.4 s at either end of a stretch holds no speech. */
static void padding_is_no_part_of_a_segment(void **state)
{
    (void)state;
    att_time_map map = make();
    att_asr_segment s = {.start = 0.5, .end = 2.375}; /* ends in what stands before the speech */
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 10.5 && s.end == 12.0);
    s = (att_asr_segment){.start = 0.5, .end = 2.5}; /* ends in the speech */
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 10.5 && s.end == 20.5);
    s = (att_asr_segment){.start = 1.75, .end = 4.0}; /* begins behind the speech before */
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 20.0 && s.end == 22.0);
    s = (att_asr_segment){.start = 1.5, .end = 4.0}; /* begins in it */
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 11.5 && s.end == 22.0);
    s = (att_asr_segment){.start = 1.75, .end = 2.25}; /* all of it is padding: the first */
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 11.75 && s.end == 12.0);
    s = (att_asr_segment){.start = 0.5, .end = 2.375}; /* no padding, no rule */
    atti_asr_restore_times(&map, 0, &s);
    assert_true(s.start == 10.5 && s.end == 20.38);
    att_time_map_free(&map);
}

static void a_word_stays_in_one_stretch(void **state)
{
    (void)state;
    att_time_map map = make();
    /* The second begins before the gap, but its middle lies behind it; the third ends at a border.
     */
    att_asr_word words[] = {{.text = " a", .start = 0.5, .end = 1.0},
                            {.text = " b", .start = 1.9, .end = 2.5},
                            {.text = " c", .start = 3.0, .end = 3.25}};
    att_asr_segment s = {.start = 0.0, .end = 6.0, .words = words, .n_words = 3};
    atti_asr_restore_times(&map, 400, &s);
    assert_true(words[0].start == 10.5 && words[0].end == 11.0);
    assert_true(words[1].start == 19.9 && words[1].end == 20.5);
    assert_true(words[2].start == 21.0 && words[2].end == 21.25);
    assert_true(s.start == 10.5 && s.end == 21.25); /* as long as its words */
    att_time_map_free(&map);
}

static void without_a_map_nothing_changes(void **state)
{
    (void)state;
    const att_time_map map = {0};
    att_asr_word word = {.text = " a", .start = 1.2345, .end = 2.3456};
    att_asr_segment s = {.start = 0.123, .end = 4.567, .words = &word, .n_words = 1};
    atti_asr_restore_times(&map, 400, &s);
    assert_true(s.start == 0.123 && s.end == 4.567);
    assert_true(word.start == 1.2345 && word.end == 2.3456);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_without_words_go_by_their_ends),
        cmocka_unit_test(padding_is_no_part_of_a_segment),
        cmocka_unit_test(a_word_stays_in_one_stretch),
        cmocka_unit_test(without_a_map_nothing_changes),
    };
    return cmocka_run_group_tests_name("asr_vad_times", tests, NULL, NULL);
}
