/* test_inputs.c - apps/inputs.c: folders, patterns, lists, names of outputs. */
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

#include "inputs.h"
#include "realdata.h"

/* What is in the folder that the tests work in. */
static const char *const FOLDERS[] = {"t", "t/2", "t/2/deep", "t/.git", "t/B", "none", "other"};
static const char *const FILES[] = {"a.wav",          "notes.txt",    "t/10.mp3",    "t/9.WAV",
                                    "t/.hidden.wav",  "t/readme.md",  "t/2/b.flac",  "t/2/raw.pcm",
                                    "t/2/deep/b.ogg", "t/.git/x.wav", "t/B/[x].wav", "none/x.txt",
                                    "other/10.wav",   "odd*name.wav"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static int enter(void **state)
{
    char *folder = strdup(realdata_folder());
    *state = folder;
    if (!folder || chdir(folder) != 0) return -1;
    for (size_t i = 0; i < COUNT(FOLDERS); i++)
        if (mkdir(FOLDERS[i], 0777) != 0) return -1;
    for (size_t i = 0; i < COUNT(FILES); i++) {
        FILE *f = fopen(FILES[i], "w");
        if (!f || fputs("12345", f) < 0 || fclose(f) != 0) return -1;
    }
    return symlink("..", "t/2/up") || symlink("../a.wav", "t/linked.wav");
}

static int leave(void **state)
{
    const int failed = chdir("/");
    realdata_remove(*state);
    free(*state);
    return failed;
}

/* The items as "path>name" lines; a problem as "path!". */
static const char *shown(const att_inputs *in)
{
    static char text[4096];
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < in->n; i++) {
        const att_input *it = &in->items[i];
        n += (size_t)snprintf(text + n, sizeof text - n, it->problem ? "%s!\n" : "%s>%s\n",
                              it->path, it->name);
        assert_true(n < sizeof text);
    }
    return text;
}

static att_inputs added(const char *const *arguments)
{
    att_inputs in = {0};
    att_err err;
    for (; *arguments; arguments++) assert_int_equal(att_inputs_add(&in, *arguments, &err), ATT_OK);
    assert_int_equal(att_inputs_unite(&in, &err), ATT_OK);
    return in;
}

#define ADDED(...) added((const char *const[]){__VA_ARGS__, NULL})

static void check(att_inputs in, const char *want)
{
    assert_string_equal(shown(&in), want);
    att_inputs_finish(&in);
}

static void a_folder_gives_its_recordings_in_order(void **state)
{
    (void)state;
    const char *want = "t/10.mp3>10\nt/2/b.flac>2/b\nt/2/deep/b.ogg>2/deep/b\nt/9.WAV>9\n"
                       "t/B/[x].wav>B/[x]\nt/linked.wav>linked\n";
    check(ADDED("t"), want);
    att_inputs in = ADDED("t/");
    assert_int_equal(in.n, 6);
    assert_string_equal(in.items[0].path, "t/10.mp3");
    assert_int_equal(in.items[0].bytes, 5);
    att_inputs_finish(&in);
    check(ADDED("t/2/up/B"), "t/2/up/B/[x].wav>[x]\n"); /* a link that is named is entered */
}

static void files_keep_their_base_names(void **state)
{
    (void)state;
    check(ADDED("t/10.mp3", "-", "notes.txt", "./a.wav"),
          "t/10.mp3>10\n->stdin\nnotes.txt>notes\n./a.wav>a\n");
    check(ADDED("t/B/[x].wav", "odd*name.wav"), "t/B/[x].wav>[x]\nodd*name.wav>odd*name\n");
}

static void patterns_match_as_in_a_shell(void **state)
{
    (void)state;
    check(ADDED("t/*"), "t/10.mp3>10\nt/9.WAV>9\nt/linked.wav>linked\n");
    check(ADDED("t/?.W[A-Z]V"), "t/9.WAV>9\n");
    check(ADDED("t/*.md"), "t/readme.md>readme\n"); /* asked for by its extension */
    check(ADDED("t/*/*.flac"), "t/2/b.flac>2/b\n");
    check(ADDED("*/2/*"), "t/2/b.flac>t/2/b\n");
    check(ADDED("t/.h*"), "t/.hidden.wav>.hidden\n");
    check(ADDED("t/**/b.*"), "t/2/b.flac>2/b\nt/2/deep/b.ogg>2/deep/b\n");
    check(ADDED("t/2/**"), "t/2/b.flac>b\nt/2/deep/b.ogg>deep/b\n");
    check(ADDED("**/*.ogg"), "t/2/deep/b.ogg>t/2/deep/b\n");
    check(ADDED("t/**/**/*.ogg"), "t/2/deep/b.ogg>2/deep/b\n");
    check(ADDED("t//**//deep/*"), "t//2/deep/b.ogg>2/deep/b\n");
}

static void what_is_not_there_is_told_in_its_place(void **state)
{
    (void)state;
    att_inputs in = ADDED("absent.wav", "a.wav", "none", "x*.wav", "t/absent/*");
    assert_string_equal(shown(&in), "absent.wav!\na.wav>a\nnone!\nx*.wav!\nt/absent/*!\n");
    assert_non_null(strstr(in.items[0].problem, "absent.wav: No such file"));
    assert_non_null(strstr(in.items[2].problem, "none: no recording"));
    assert_non_null(strstr(in.items[3].problem, "no file matches x*.wav"));
    att_inputs_finish(&in);
}

static void what_is_there_twice_is_taken_once(void **state)
{
    (void)state;
    check(ADDED("t/9.WAV", "t", "t/**", "./t/2", "a.wav", "./a.wav"),
          "t/9.WAV>9\nt/10.mp3>10\nt/2/b.flac>2/b\nt/2/deep/b.ogg>2/deep/b\n"
          "t/B/[x].wav>B/[x]\nt/linked.wav>linked\na.wav>a\n");
    check(ADDED("-", "-"), "->stdin\n");
}

static void clashing_names_are_found(void **state)
{
    (void)state;
    const att_input *a, *b;
    att_err err;
    att_inputs in = ADDED("t/10.mp3", "a.wav", "absent/10", "other/10.wav");
    assert_int_equal(att_inputs_clash(&in, &a, &b, &err), ATT_OK);
    assert_string_equal(a->path, "t/10.mp3");
    assert_string_equal(b->path, "other/10.wav");
    att_inputs_finish(&in);
    in = ADDED("t", "a.wav", "absent/a", "t/2/b.flac"); /* 2/b is not b */
    assert_int_equal(att_inputs_clash(&in, &a, &b, &err), ATT_OK);
    assert_null(a);
    att_inputs_finish(&in);
}

static att_status listed(att_inputs *in, const char *text, size_t n, char end, att_err *err)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    rewind(f);
    memset(in, 0, sizeof *in);
    const att_status status = att_inputs_add_list(in, f, "the list", end, err);
    fclose(f);
    return status;
}

#define LISTED(text, end) listed(&in, text, sizeof(text) - 1, end, &err)

static void lists_keep_places_as_written(void **state)
{
    const char *folder = *state;
    att_inputs in;
    att_err err;
    assert_int_equal(LISTED("a.wav\r\n\nt/2\n./t/./9.WAV\nt/2/../10.mp3\nt/*\nnotes.txt", '\n'), 0);
    check(in, "a.wav>a\nt/2/b.flac>t/2/b\nt/2/deep/b.ogg>t/2/deep/b\n./t/./9.WAV>t/9\n"
              "t/2/../10.mp3>10\nt/*!\nnotes.txt>notes\n");
    assert_int_equal(LISTED("odd*name.wav\0\0a.wav\0", '\0'), 0);
    check(in, "odd*name.wav>odd*name\na.wav>a\n");
    char path[256];
    const int n = snprintf(path, sizeof path, "%s/a.wav\n", folder);
    assert_int_equal(listed(&in, path, (size_t)n, '\n', &err), 0);
    assert_int_equal(in.n, 1);
    path[n - (int)strlen(".wav\n")] = 0;
    assert_string_equal(in.items[0].name, path + 1); /* no root */
    att_inputs_finish(&in);
}

static void what_is_no_list_is_refused_with_the_byte(void **state)
{
    (void)state;
    static char text[5000];
    att_inputs in;
    att_err err;
    assert_int_equal(LISTED("a.wav\na\0b\n", '\n'), ATT_E_INPUT);
    assert_non_null(strstr(err.text, "the list: byte 7 "));
    att_inputs_finish(&in);
    memset(text, 'x', sizeof text);
    assert_int_equal(listed(&in, text, sizeof text, '\n', &err), ATT_E_INPUT);
    assert_non_null(strstr(err.text, "4095"));
    att_inputs_finish(&in);
    assert_int_equal(listed(&in, text, 4095, '\0', &err), ATT_OK); /* as long as a name may be */
    assert_non_null(in.items[0].problem);
    att_inputs_finish(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_gives_its_recordings_in_order),
        cmocka_unit_test(files_keep_their_base_names),
        cmocka_unit_test(patterns_match_as_in_a_shell),
        cmocka_unit_test(what_is_not_there_is_told_in_its_place),
        cmocka_unit_test(what_is_there_twice_is_taken_once),
        cmocka_unit_test(clashing_names_are_found),
        cmocka_unit_test(lists_keep_places_as_written),
        cmocka_unit_test(what_is_no_list_is_refused_with_the_byte),
    };
    return cmocka_run_group_tests_name("inputs", tests, enter, leave);
}
