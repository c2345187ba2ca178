/* test_args.c - apps/args.c: the option reader, and the table of transcribe. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "transcribe.h"

enum { ROOM = 16 };

typedef struct got {
    att_transcribe_options o;
    const char *files[ROOM];
    size_t n_files;
    int code;
} got;

static got run(const char *const *args)
{
    got g;
    char *argv[ROOM] = {(char *)"transcribe"};
    int argc = 1;
    for (; *args; args++) argv[argc++] = (char *)*args;
    size_t n;
    const att_opt *table = att_transcribe_table(&n);
    memset(&g, 0, sizeof g);
    g.o = att_transcribe_defaults();
    g.code = att_args_read("transcribe", table, n, argc, argv, &g.o, g.files, &g.n_files);
    return g;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void hyphen_and_underscore_are_alike(void **state)
{
    (void)state;
    assert_string_equal(RUN("--output_format", "srt").o.output_format, "srt");
    assert_string_equal(RUN("--output-format=srt").o.output_format, "srt");
    assert_string_equal(RUN("-f", "srt").o.output_format, "srt");
    assert_string_equal(RUN("-fsrt").o.output_format, "srt");
}

static void values_are_checked(void **state)
{
    (void)state;
    assert_int_equal(RUN("--output_format", "doc").code, 2);
    assert_int_equal(RUN("--threads", "two").code, 2);
    assert_int_equal(RUN("--threads", "-1").code, 2);
    assert_int_equal(RUN("--threads", "99999999999").code, 2);
    assert_int_equal(RUN("--verbose", "yes").code, 2);
    assert_int_equal(RUN("--verbose", "false").o.verbose, 0);
    assert_int_equal(RUN("--quiet=1").code, 2);
    assert_int_equal(RUN("--threads").code, 2);
    assert_true(isnan(RUN("--logprob_threshold", "None").o.logprob_threshold));
    assert_true(RUN("--logprob_threshold", "-0.5").o.logprob_threshold == -0.5);
}

static void files_and_letters(void **state)
{
    (void)state;
    const got g = RUN("a.wav", "-qv", "-", "--", "-b.wav", "--json");
    assert_int_equal(g.code, 0);
    assert_int_equal(g.o.quiet, 1);
    assert_int_equal(g.o.info, 1);
    assert_int_equal(g.o.json, 0);
    assert_int_equal(g.n_files, 4);
    assert_string_equal(g.files[1], "-");
    assert_string_equal(g.files[2], "-b.wav");
    assert_string_equal(g.files[3], "--json");
}

static void unknown_options_are_refused(void **state)
{
    (void)state;
    assert_int_equal(RUN("--frobnicate").code, 2);
    assert_int_equal(RUN("-Z").code, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hyphen_and_underscore_are_alike),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(files_and_letters),
        cmocka_unit_test(unknown_options_are_refused),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
