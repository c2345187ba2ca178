/* test_asr_chains.c - modalities/speech/asr_chains.c: what of a recording is heard, and which
 * windows of it depend on each other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "asr_run.h"
#include "mem.h"

typedef struct expected {
    int32_t n_chains, n_ranges;
    int64_t ranges[2 * 8]; /* begin and end in turn */
} expected;

static void check(const att_asr_options *o, int64_t n_frames, const double *speech_s, int n_speech,
                  const expected *want)
{
    atti_asr_run r = {.options = o, .n_frames = n_frames};
    att_err err;
    for (int i = 0; i < n_speech; i++)
        assert_int_equal(att_time_map_add(&r.map, (int64_t)(speech_s[2 * i] * ATT_MEL_RATE_HZ),
                                          (int64_t)(speech_s[2 * i + 1] * ATT_MEL_RATE_HZ), &err),
                         ATT_OK);
    assert_int_equal(atti_asr_divide(&r, &err), ATT_OK);
    assert_int_equal(r.n_ranges, want->n_ranges);
    for (int32_t i = 0; i < r.n_ranges; i++) {
        assert_int_equal(r.ranges[i].begin, want->ranges[2 * i]);
        assert_int_equal(r.ranges[i].end, want->ranges[2 * i + 1]);
    }
    assert_int_equal(r.n_chains, want->n_chains);
    for (int32_t i = 0, next = 0; i < r.n_chains; next = r.chains[i++].end) {
        assert_int_equal(r.chains[i].first, next);
        assert_int_equal(r.chains[i].end, r.n_chains == 1 ? r.n_ranges : next + 1);
    }
    att_time_map_free(&r.map);
    att_free(r.ranges);
    att_free(r.chains);
}

static void windows_that_know_each_other_are_one_chain(void **state)
{
    (void)state;
    static const double clips[] = {1.0, 5.0, 20.0, 31.5, 50.0};
    att_asr_options o = att_asr_defaults();
    check(&o, 10000, NULL, 0, &(expected){1, 1, {0, 10000}});
    o.clip_timestamps = clips;
    o.n_clip_timestamps = 5;
    const expected three = {1, 3, {100, 500, 2000, 3150, 5000, 10000}};
    check(&o, 10000, NULL, 0, &three);
    o.condition_on_previous_text = 0; /* the last one is longer than a window */
    check(&o, 10000, NULL, 0, &three);
    o.n_clip_timestamps = 4;
    o.word_timestamps = 1;
    check(&o, 10000, NULL, 0, &(expected){1, 2, {100, 500, 2000, 3150}});
    o.word_timestamps = 0;
    o.initial_prompt = "of the first window with speech";
    check(&o, 10000, NULL, 0, &(expected){1, 2, {100, 500, 2000, 3150}});
    o.initial_prompt = NULL;
    o.without_timestamps = 1;
    o.single_window = 1;
    check(&o, 10000, NULL, 0, &(expected){1, 2, {100, 500, 2000, 3150}});
}

static void windows_that_know_nothing_are_chains(void **state)
{
    (void)state;
    static const double clips[] = {1.0, 5.0, 20.0, 31.5, 50.0};
    att_asr_options o = att_asr_defaults();
    o.condition_on_previous_text = 0;
    o.clip_timestamps = clips;
    o.n_clip_timestamps = 4;
    check(&o, 10000, NULL, 0, &(expected){2, 2, {100, 500, 2000, 3150}});
    o.without_timestamps = 1; /* windows follow each other whatever is said */
    o.n_clip_timestamps = 5;
    check(&o, 11100, NULL, 0,
          &(expected){5, 5, {100, 500, 2000, 3150, 5000, 8000, 8000, 11000, 11000, 11100}});
    o.n_clip_timestamps = 0;
    check(&o, 3000, NULL, 0, &(expected){1, 1, {0, 3000}});
    check(&o, 3001, NULL, 0, &(expected){2, 2, {0, 3000, 3000, 3001}});
    check(&o, 0, NULL, 0, &(expected){0, 0, {0}});
    o.initial_prompt = "of every window";
    o.carry_initial_prompt = 1;
    check(&o, 3001, NULL, 0, &(expected){2, 2, {0, 3000, 3000, 3001}});
}

/* Stretches of 10, 15, 6, 30, 1 and 29 s. */
static void speech_is_heard_by_the_window(void **state)
{
    (void)state;
    static const double speech[] = {1, 11, 20, 35, 50, 56, 100, 130, 140, 141, 200, 229};
    att_asr_options o = att_asr_defaults();
    o.vad_filter = 1;
    check(&o, 9100, speech, 6, &(expected){1, 1, {0, 9100}});
    o.vad_chunks = 1;
    check(&o, 9100, speech, 6, &(expected){4, 4, {0, 2500, 2500, 3100, 3100, 6100, 6100, 9100}});
    check(&o, 0, NULL, 0, &(expected){1, 1, {0, 0}}); /* nobody speaks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_that_know_each_other_are_one_chain),
        cmocka_unit_test(windows_that_know_nothing_are_chains),
        cmocka_unit_test(speech_is_heard_by_the_window),
    };
    return cmocka_run_group_tests_name("asr_chains", tests, NULL, NULL);
}
