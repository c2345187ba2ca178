/* test_hallucination.c - modalities/speech/hallucination.c: what is doubted, and where the window
 * goes on, worked out by hand from OpenAI's transcribe.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hallucination.h"

/* Words that nobody doubts, and words that everybody does. */
static att_asr_word good[] = {{" good", 12.0, 12.3, 0.9}, {" words", 12.3, 12.8, 0.8}};
static att_asr_word late[] = {{" later", 25.0, 25.4, 0.9}, {" on", 25.4, 25.7, 0.9}};
static att_asr_word made_up[] = {{" thank", 19.0, 19.05, 0.05}, {" you", 19.05, 19.1, 0.1}};
static att_asr_word soon[] = {{" next", 20.0, 20.3, 0.9}, {" one", 20.3, 20.6, 0.9}};
static att_asr_word last[] = {{" last", 38.4, 38.7, 0.9}, {" one", 38.7, 39.0, 0.9}};
static att_asr_word very_last[] = {{" thank", 38.5, 38.55, 0.05}, {" you", 38.55, 38.6, 0.1}};
static att_asr_word early[] = {{" hm", 14.0, 14.02, 0.05}, {" hm", 14.02, 14.04, 0.05}};

static const att_hallucination_window WINDOW = {.threshold_s = 2.0,
                                                .seek = 1000,
                                                .frames = 3000,
                                                .content_frames = 10000,
                                                .last_speech_s = 9.5};

static att_word_segment segment(att_asr_word *words)
{
    return (att_word_segment){
        .start = words[0].start, .end = words[1].end, .words = words, .n_words = 2};
}

static void odd_words_are_anomalies(void **state)
{
    (void)state;
    const att_word_segment g = segment(good), m = segment(made_up), none = {.start = 1.0};
    assert_int_equal(att_hallucination_is_anomaly(&g), 0);
    assert_int_equal(att_hallucination_is_anomaly(&m), 1);
    assert_int_equal(att_hallucination_is_anomaly(&none), 0);
    assert_int_equal(att_hallucination_is_anomaly(NULL), 0);
    att_asr_word drawn_out[] = {
        {" oh", 0.0, 6.0, 0.9}, {".", 6.0, 6.1, 0.9}, {" yes", 6.1, 6.4, 1}};
    const att_word_segment d = {.words = drawn_out, .n_words = 3}; /* 4 s too long: 3 are enough */
    assert_int_equal(att_hallucination_is_anomaly(&d), 1);
    drawn_out[0].end = 4.5; /* 2.5 for two words beside the mark */
    assert_int_equal(att_hallucination_is_anomaly(&d), 1);
    drawn_out[0].end = 3.5;
    assert_int_equal(att_hallucination_is_anomaly(&d), 0);
}

static void good_words_go_on_at_their_end(void **state)
{
    (void)state;
    att_word_segment s[] = {segment(good), segment(late)};
    int32_t n = 2;
    int again;
    assert_int_equal(att_hallucination_skip(&WINDOW, s, &n, 3333, &again), 2570);
    assert_int_equal(n, 2);
    assert_int_equal(again, 0);
    att_hallucination_window lone = WINDOW; /* nothing is said behind the last timestamp */
    lone.ends_in_timestamp = 1;
    assert_int_equal(att_hallucination_skip(&lone, s, &n, 3333, &again), 3333);
    s[1] = segment(last); /* a second before the window's end is no silence */
    assert_int_equal(att_hallucination_skip(&WINDOW, s, &n, 3333, &again), 4000);
}

static void leading_silence_before_doubt_is_skipped(void **state)
{
    (void)state;
    att_word_segment s[] = {segment(early), segment(late)};
    int32_t n = 2;
    int again;
    assert_int_equal(att_hallucination_skip(&WINDOW, s, &n, 3333, &again), 1400);
    assert_int_equal(again, 1);
    att_hallucination_window patient = WINDOW;
    patient.threshold_s = 4.5; /* 4 s are not so long then */
    patient.last_speech_s = 12.5;
    (void)att_hallucination_skip(&patient, s, &n, 3333, &again);
    assert_int_equal(again, 0);
}

static void doubt_between_silences_ends_the_window(void **state)
{
    (void)state;
    att_word_segment s[] = {segment(good), segment(made_up), segment(late)};
    int32_t n = 3;
    int again;
    assert_int_equal(att_hallucination_skip(&WINDOW, s, &n, 3333, &again), 1900);
    assert_int_equal(n, 1);
    assert_int_equal(again, 0);
    n = 3;
    s[2] = segment(soon); /* words follow at once */
    assert_int_equal(att_hallucination_skip(&WINDOW, s, &n, 3333, &again), 2060);
    assert_int_equal(n, 3);
    n = 2; /* at the recording's end all the rest is skipped */
    att_hallucination_window end = WINDOW;
    end.frames = 2950;
    end.content_frames = 3950;
    s[1] = segment(very_last);
    assert_int_equal(att_hallucination_skip(&end, s, &n, 3333, &again), 3950);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_words_are_anomalies),
        cmocka_unit_test(good_words_go_on_at_their_end),
        cmocka_unit_test(leading_silence_before_doubt_is_skipped),
        cmocka_unit_test(doubt_between_silences_ends_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
