/* test_asr_clips.c - modalities/speech/asr_clips.c: seconds into clips of frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asr_clips.h"

static void check(const double *seconds, int32_t n, int32_t i, int64_t want_start, int64_t want_end)
{
    int64_t start, end;
    att_asr_clip_at(seconds, n, i, 1000, &start, &end);
    assert_int_equal(start, want_start);
    assert_int_equal(end, want_end);
}

static void clips_are_pairs(void **state)
{
    (void)state;
    const double s[] = {1.0, 2.005, 4.0, 99.0, 6.0};
    assert_int_equal(att_asr_n_clips(0), 1);
    assert_int_equal(att_asr_n_clips(1), 1);
    assert_int_equal(att_asr_n_clips(4), 2);
    assert_int_equal(att_asr_n_clips(5), 3);
    check(NULL, 0, 0, 0, 1000); /* all of it */
    check(s, 1, 0, 100, 1000);  /* no end: to the end */
    check(s, 5, 0, 100, 200);   /* 200.5 to the even one, as round() */
    check(s, 5, 1, 400, 1000);  /* an end behind the recording's */
    check(s, 5, 2, 600, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(clips_are_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
