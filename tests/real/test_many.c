/* test_many.c - `attend transcribe` over folders, patterns and lists: places, order, resuming.
 *
 * Needs Whisper tiny.en and the recordings of pocketsphinx-testdata; skips without them. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "realdata.h"
#include "spawn.h"

enum { MAX_ARGS = 24, PATH_BYTES = 4096 };

#define SPEECH "librivox/sense_and_sensibility_01_austen_64kb-0"
#define FIRST  "leisure to consider" /* 870 */
#define SECOND "young man"           /* 880 */
#define THIRD  "amiable"             /* 930 */

/* The folder of the running test; its paths are relative to it. */
static char work[PATH_BYTES];

static int shell(const char *command)
{
    const char *const argv[] = {"sh", "-c", command, NULL};
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    const int code = r.code;
    spawn_free(&r);
    return code;
}

/* in/b/one.wav, in/a/one.wav and in/two.wav, in work. */
static int enter(void **state)
{
    (void)state;
    snprintf(work, sizeof work, "%s", realdata_folder());
    return chdir(work) || shell("mkdir -p in/a in/b");
}

static int leave(void **state)
{
    (void)state;
    const int failed = chdir("/");
    realdata_remove(work);
    return failed;
}

static void make_recordings(void)
{
    char command[3 * PATH_BYTES];
    const char *first = realdata_speech(SPEECH "870.wav");
    const int stem = (int)(strlen(first) - strlen("870.wav"));
    snprintf(command, sizeof command,
             "cp %.*s870.wav in/a/one.wav && cp %.*s880.wav in/b/one.wav && "
             "cp %.*s930.wav in/two.wav && touch in/b/notes.txt",
             stem, first, stem, first, stem, first);
    assert_int_equal(shell(command), 0);
}

/* attend transcribe -m <tiny.en> args..., NULL-terminated; before: words in front of it, or NULL.
 */
static spawn_result run(const char *const *before, const char *const *args, const char *input,
                        size_t n_input)
{
    const char *argv[MAX_ARGS] = {NULL};
    size_t n = 0;
    for (; before && *before; before++) argv[n++] = *before;
    argv[n++] = ATTEND_PROGRAM;
    argv[n++] = "transcribe";
    argv[n++] = "-m";
    argv[n++] = realdata_model("tiny.en");
    for (; *args && n + 1 < MAX_ARGS; args++) argv[n++] = *args;
    return spawn_run(argv, input, n_input, NULL, 0.0);
}

#define ARGS(...)       ((const char *const[]){__VA_ARGS__, NULL})
#define TRANSCRIBE(...) run(NULL, ARGS(__VA_ARGS__), NULL, 0)

static void expect(spawn_result r, int code, const char *said)
{
    if (r.code != code || (said && !strstr(r.err, said))) {
        print_message("code %d, said: %s", r.code, r.err);
        fail();
    }
    spawn_free(&r);
}

static void a_folder_is_done_in_order_past_a_bad_file(void **state)
{
    (void)state;
    make_recordings();
    assert_int_equal(shell("echo nothing >in/b/bad.mp3"), 0);
    spawn_result r = TRANSCRIBE("-f", "txt", "-o", "new/out", "in");
    assert_int_equal(r.code, 3);
    const char *first = strstr(r.out, FIRST), *second = strstr(r.out, SECOND);
    const char *third = strstr(r.out, THIRD);
    assert_true(first && second && third && first < second && second < third);
    assert_non_null(strstr(r.err, "3 done, 0 skipped, 1 failed:\n  in/b/bad.mp3\n"));
    spawn_free(&r);
    assert_int_equal(shell("test $(find new/out -type f | wc -l) = 3 && grep -q '" FIRST
                           "' new/out/a/one.txt && grep -q '" SECOND "' new/out/b/one.txt && "
                           "grep -q '" THIRD "' new/out/two.txt"),
                     0);
}

static void patterns_and_lists_name_files(void **state)
{
    (void)state;
    make_recordings();
    expect(TRANSCRIBE("-q", "-f", "txt", "-o", "out", "in/**/one.*"), 0, NULL);
    assert_int_equal(shell("test -s out/a/one.txt && test -s out/b/one.txt"), 0);
    static const char list[] = "in/two.wav\0in/a\0";
    expect(run(NULL, ARGS("-f", "txt", "-o", "listed", "--files_from", "-", "--null"), list,
               sizeof list - 1),
           0, "2 done, 0 skipped, 0 failed\n");
    assert_int_equal(shell("test -s listed/in/two.txt && test -s listed/in/a/one.txt"), 0);
    expect(TRANSCRIBE("--files_from", "absent"), 3, "absent: No such file");
    expect(TRANSCRIBE("--files_from", "/dev/null"), 0, "names no file");
    expect(run(NULL, ARGS("--files_from", "-"), list, sizeof list - 1), 3, "--null");
    expect(TRANSCRIBE("--files_from", "-", "-"), 2, "standard input");
    expect(TRANSCRIBE("--live", "--files_from", "list"), 2, "--files_from");
    expect(TRANSCRIBE("in/x*.wav"), 3, "no file matches in/x*.wav");
}

/* Names are told apart by their folders; where they are not, nothing is run. */
static void outputs_never_collide(void **state)
{
    (void)state;
    make_recordings();
    expect(TRANSCRIBE("-f", "txt", "in/a", "in/b"), 2, "in/a/one.wav and in/b/one.wav");
    expect(TRANSCRIBE("-f", "txt", "in/a/one.wav", "in/b/one.wav"), 2, "in/b/one.wav");
    assert_int_equal(access("one.txt", F_OK), -1);
    expect(TRANSCRIBE("-f", "txt", "-q", "in/two.wav", "./in/two.wav"), 0, NULL);
    assert_int_equal(access("two.txt", F_OK), 0);
}

static void what_is_done_is_skipped(void **state)
{
    (void)state;
    make_recordings();
    const char *const args[] = {"-f", "txt", "-o", "out", "--skip_existing", "in", NULL};
    expect(run(NULL, args, NULL, 0), 0, "3 done, 0 skipped, 0 failed\n");
    assert_int_equal(shell("echo kept | tee out/two.txt out/a/one.txt >out/b/one.txt"), 0);
    spawn_result r = run(NULL, args, NULL, 0);
    assert_int_equal(r.code, 0);
    assert_string_equal(r.out, "");
    assert_non_null(strstr(r.err, "0 done, 3 skipped, 0 failed\n"));
    spawn_free(&r);
    /* One is missing, one is older than its recording; one has a part of an interrupted run. */
    assert_int_equal(shell("mv out/a/one.txt out/a/one.txt.part && touch -d '1 hour ago' "
                           "out/b/one.txt"),
                     0);
    expect(run(NULL, args, NULL, 0), 0, "2 done, 1 skipped, 0 failed\n");
    assert_int_equal(shell("grep -q '" FIRST "' out/a/one.txt && grep -q '" SECOND
                           "' out/b/one.txt && grep -q kept out/two.txt && test ! -e "
                           "out/a/one.txt.part"),
                     0);
    /* Another format is not there yet: all of it is done. */
    expect(TRANSCRIBE("-q", "-o", "out", "--skip_existing", "in/two.wav"), 0, NULL);
    assert_int_equal(shell("test -s out/two.json && grep -q '" THIRD "' out/two.txt"), 0);
    expect(TRANSCRIBE("--skip_existing", "in"), 2, "--skip_existing");
}

/* With everything done, no model is opened. */
static void nothing_to_do_needs_no_model(void **state)
{
    (void)state;
    make_recordings();
    expect(TRANSCRIBE("-q", "-f", "txt", "-o", "out", "in/two.wav"), 0, NULL);
    const char *const argv[] = {ATTEND_PROGRAM, "transcribe", "-m", "absent", "--offline",
                                "-f",           "txt",        "-o", "out",    "--skip_existing",
                                "in/two.wav",   NULL};
    expect(spawn_run(argv, NULL, 0, NULL, 0.0), 0, "0 done, 1 skipped");
}

/* Killed again and again, each time later; what is there in the end is what one run leaves. */
static void a_killed_run_goes_on_where_it_was(void **state)
{
    (void)state;
    make_recordings();
    assert_int_equal(shell("for i in 1 2 3 4; do cp -r in/a in/c$i; done"), 0);
    const char *const args[] = {"-q", "-o", "out", "--verbose", "False", "--skip_existing",
                                "in", NULL};
    int killed = 0, code = 137;
    for (int i = 0; code == 137 && i < 200; i++) {
        char after[32];
        snprintf(after, sizeof after, "%.2f", 0.5 + 0.13 * i);
        spawn_result r = run(ARGS("timeout", "-s", "KILL", after), args, NULL, 0);
        code = r.code;
        killed += code == 137;
        spawn_free(&r);
    }
    assert_int_equal(code, 0);
    assert_true(killed > 0);
    expect(TRANSCRIBE("-q", "-o", "whole", "--verbose", "False", "in"), 0, NULL);
    /* NAME.txt.XXXXXX was being written when the kill came. */
    assert_int_equal(shell("find out -name '*.*.*' -delete; diff -r out whole && "
                           "test $(find out -type f | wc -l) = 35"),
                     0);
}

/* Ctrl-C in the middle: what is left is told, and not done. */
static void an_interrupted_run_says_what_is_left(void **state)
{
    (void)state;
    make_recordings();
    assert_int_equal(shell("for i in 1 2 3 4 5 6 7 8 9; do cp -r in/a in/c$i; done"), 0);
    const char *const argv[] = {ATTEND_PROGRAM, "transcribe", "-m", realdata_model("tiny.en"),
                                "-f",           "txt",        "-o", "out",
                                "in",           NULL};
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 1.0);
    if (r.code != 0) {
        assert_int_equal(r.code, 130);
        assert_non_null(strstr(r.err, " not done\n"));
    }
    spawn_free(&r);
}

static void a_picture_lies_beside_the_other_files(void **state)
{
    (void)state;
    make_recordings();
    spawn_result r = TRANSCRIBE("--plot", "-f", "txt", "-o", "out", "in/b");
    if (r.code == 2 && strstr(r.err, "libpango")) skip(); /* built without Pango */
    expect(r, 0, NULL);
    assert_int_equal(shell("test -s out/one.txt && head -c 8 out/one.png | grep -aq PNG && "
                           "test $(find out -type f | wc -l) = 2"),
                     0);
    /* Without -f and -o it is the only file. */
    expect(TRANSCRIBE("-q", "--plot", "in/two.wav"), 0, NULL);
    assert_int_equal(shell("test -s two.png && test ! -e two.txt"), 0);
    expect(TRANSCRIBE("--plot", "--skip_existing", "in/two.wav"), 0, "0 done, 1 skipped");
    expect(TRANSCRIBE("--plot", "-o", "two.png", "in/two.wav"), 1, "two.png");
    expect(run(NULL, ARGS("--plot", "-"), "", 0), 2, "standard input");
    expect(TRANSCRIBE("--plot", "--live"), 2, "--plot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_is_done_in_order_past_a_bad_file, enter, leave),
        cmocka_unit_test_setup_teardown(patterns_and_lists_name_files, enter, leave),
        cmocka_unit_test_setup_teardown(outputs_never_collide, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_done_is_skipped, enter, leave),
        cmocka_unit_test_setup_teardown(nothing_to_do_needs_no_model, enter, leave),
        cmocka_unit_test_setup_teardown(a_killed_run_goes_on_where_it_was, enter, leave),
        cmocka_unit_test_setup_teardown(a_picture_lies_beside_the_other_files, enter, leave),
        cmocka_unit_test_setup_teardown(an_interrupted_run_says_what_is_left, enter, leave),
    };
    return cmocka_run_group_tests_name("many", tests, NULL, NULL);
}
