/* test_progress.c - apps/progress.c: the line that is drawn on a terminal, and when it is not. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "progress.h"

/* What one look at a piece of work draws on stderr. at: how far 60 s of audio are. */
static const char *drawn(att_progress p, double at)
{
    static char text[512];
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    const int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    att_progress_audio(&p, at, 60.0);
    fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

/* A second of work is behind. */
static att_progress on_terminal(void)
{
    att_progress p;
    att_progress_init(&p, 0, 0);
    p.terminal = 1;
    att_progress_begin(&p, "a.wav");
    p.began -= 10.0;
    return p;
}

static void one_file_has_its_own_speed(void **state)
{
    (void)state;
    const char *text = drawn(on_terminal(), 30.0);
    assert_non_null(strstr(text, " 50% [##########----------] "));
    assert_non_null(strstr(text, "0:30/1:00, 3.0x real time, 0:10 left, a.wav"));
}

static void one_of_many_shows_how_far_all_are(void **state)
{
    (void)state;
    att_progress p = on_terminal();
    att_progress_item(&p, "b.wav", 2, 4, 0.5, 0.2); /* 0.6 when it is half done */
    p.many_began -= 12.0;
    const char *text = drawn(p, 30.0);
    assert_non_null(strstr(text, " 60% [############--------] 0:08 left, 2/4: 0:30/1:00 of b.wav"));
    att_progress_item(&p, "c.wav", 3, 4, 0.7, 0.3); /* began just now, the whole did not */
    assert_non_null(strstr(drawn(p, 0.0), " 70% ["));
    assert_non_null(strstr(drawn(p, 0.0), "3/4: 0:00/1:00 of c.wav"));
}

static void nothing_is_drawn_where_nobody_looks(void **state)
{
    (void)state;
    att_progress p = on_terminal();
    p.terminal = 0;
    assert_string_equal(drawn(p, 30.0), "");
    p = on_terminal();
    p.quiet = 1;
    assert_string_equal(drawn(p, 30.0), "");
    p = on_terminal();
    p.began += 9.9; /* too early */
    assert_string_equal(drawn(p, 30.0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_has_its_own_speed),
        cmocka_unit_test(one_of_many_shows_how_far_all_are),
        cmocka_unit_test(nothing_is_drawn_where_nobody_looks),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
