/* test_whisper_heads.c - modalities/speech/whisper_heads.c: the heads by shape, and the lists that
 * files name. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mem.h"
#include "realdata.h"
#include "whisper_heads.h"

static att_whisper_config shape(int32_t layers, int32_t heads, int32_t mels, int32_t vocab)
{
    const att_whisper_config c = {
        .n_mels = mels, .vocab = vocab, .text_layers = layers, .text_heads = heads};
    return c;
}

/* "1.0 2.5" for (1,0) (2,5). */
static void assert_heads(const att_whisper_heads *heads, const char *wanted)
{
    char text[512] = "";
    for (int32_t i = 0; i < heads->n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d.%d", i ? " " : "",
                 heads->list[i].layer, heads->list[i].head);
    assert_string_equal(text, wanted);
}

static void sizes_have_their_heads(void **state)
{
    (void)state;
    static const struct {
        int32_t layers, heads, mels, vocab;
        const char *wanted;
    } CASES[] = {
        {4, 6, 80, 51864, "1.0 2.0 2.5 3.0 3.1 3.2 3.3 3.4"},
        {4, 6, 80, 51865, "2.2 3.0 3.2 3.3 3.4 3.5"},
        {6, 8, 80, 51864, "3.3 4.7 5.1 5.5 5.7"},
        {6, 8, 80, 51865, "3.1 4.2 4.3 4.7 5.1 5.2 5.4 5.6"},
        {12, 12, 80, 51864,
         "6.6 7.0 7.3 7.8 8.2 8.5 8.7 9.0 9.4 9.8 9.10 10.0 10.1 10.2 10.3 10.6 10.11 11.2 11.4"},
        {12, 12, 80, 51865, "5.3 5.9 8.0 8.4 8.7 8.8 9.0 9.7 9.9 10.5"},
        {24, 16, 80, 51864,
         "11.4 14.1 14.12 14.14 15.4 16.0 16.4 16.9 17.12 17.14 18.7 18.10 18.15 20.0 20.3 20.9 "
         "20.14 21.12"},
        {24, 16, 80, 51865, "13.15 15.4 15.15 16.1 20.0 23.4"},
        {32, 20, 80, 51865,
         "10.12 13.17 16.11 16.12 16.13 17.15 17.16 18.4 18.11 18.19 19.11 21.2 21.3 22.3 22.9 "
         "22.12 23.5 23.7 23.13 25.5 26.1 26.12 27.15"},
        {32, 20, 128, 51866, "7.0 10.17 12.18 13.12 16.1 17.14 19.11 21.4 24.1 25.6"},
        {4, 20, 128, 51866, "2.4 2.11 3.3 3.6 3.11 3.14"},
        {2, 3, 128, 51866, "1.0 1.1 1.2"},    /* distilled: all of the last half */
        {3, 2, 80, 51865, "1.0 1.1 2.0 2.1"}, /* half of an odd number, rounded down */
        {1, 2, 80, 51865, "0.0 0.1"},
        {4, 6, 80, 300, "2.0 2.1 2.2 2.3 2.4 2.5 3.0 3.1 3.2 3.3 3.4 3.5"}, /* not OpenAI's */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const att_whisper_config c =
            shape(CASES[i].layers, CASES[i].heads, CASES[i].mels, CASES[i].vocab);
        att_whisper_heads heads;
        att_err err;
        assert_int_equal(att_whisper_heads_of_shape(&heads, &c, &err), ATT_OK);
        assert_heads(&heads, CASES[i].wanted);
        att_free(heads.list);
    }
}

static att_status parse(att_whisper_heads *heads, const char *text, att_err *err)
{
    const att_whisper_config c = shape(6, 8, 80, 51865);
    return att_whisper_heads_parse(heads, "some.json", text, strlen(text), &c, err);
}

static void lists_are_read(void **state)
{
    (void)state;
    static const char *const NONE[] = {"{}", "{\"alignment_heads\": null}",
                                       "{\"alignment_heads\": []}"};
    att_whisper_heads heads;
    att_err err;
    assert_int_equal(
        parse(&heads, "{\"a\": 1, \"alignment_heads\": [[5, 7], [0, 3], [5, 7]]}", &err), ATT_OK);
    assert_heads(&heads, "0.3 5.7"); /* in order, each once */
    att_free(heads.list);
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++) {
        assert_int_equal(parse(&heads, NONE[i], &err), ATT_OK);
        assert_int_equal(heads.n, 0);
        assert_null(heads.list);
    }
}

static void senseless_lists_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } CASES[] = {
        {"", "no JSON object at byte 0"},
        {"[]", "no JSON object"},
        {"{\"alignment_heads\": [[1, 2]", "no JSON object at byte"},
        {"{\"alignment_heads\": 3}", "no list"},
        {"{\"alignment_heads\": [[1, 2], [6, 0]]}", "entry 1"}, /* a layer too many */
        {"{\"alignment_heads\": [[1, 8]]}", "a head below 8"},
        {"{\"alignment_heads\": [[-1, 0]]}", "entry 0"},
        {"{\"alignment_heads\": [[1, 2.5]]}", "entry 0"},
        {"{\"alignment_heads\": [[1]]}", "entry 0"},
        {"{\"alignment_heads\": [[1, \"2\"]]}", "entry 0"},
        {"{\"alignment_heads\": [1, 2]}", "entry 0"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        att_whisper_heads heads;
        att_err err;
        assert_int_equal(parse(&heads, CASES[i].text, &err), ATT_E_MODEL);
        assert_null(heads.list);
        assert_int_equal(heads.n, 0);
        assert_non_null(strstr(err.text, "some.json"));
        assert_non_null(strstr(err.text, CASES[i].said));
    }
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char *path = att_sprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    att_free(path);
}

static void the_generation_config_comes_first(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    const att_whisper_config c = shape(6, 8, 80, 51865);
    att_whisper_heads heads;
    att_err err;
    assert_int_equal(att_whisper_heads_read(&heads, folder, &c, &err), ATT_OK);
    assert_int_equal(heads.n, 0); /* neither is there */
    write_file(folder, "config.json", "{\"alignment_heads\": [[1, 1]]}");
    assert_int_equal(att_whisper_heads_read(&heads, folder, &c, &err), ATT_OK);
    assert_heads(&heads, "1.1");
    att_free(heads.list);
    write_file(folder, "generation_config.json", "{\"alignment_heads\": []}");
    assert_int_equal(att_whisper_heads_read(&heads, folder, &c, &err), ATT_OK);
    assert_heads(&heads, "1.1"); /* it names none */
    att_free(heads.list);
    write_file(folder, "generation_config.json", "{\"alignment_heads\": [[2, 2]]}");
    assert_int_equal(att_whisper_heads_read(&heads, folder, &c, &err), ATT_OK);
    assert_heads(&heads, "2.2");
    att_free(heads.list);
    write_file(folder, "generation_config.json", "{\"alignment_heads\": [[2, 99]]}");
    assert_int_equal(att_whisper_heads_read(&heads, folder, &c, &err), ATT_E_MODEL);
    assert_int_equal(heads.n, 0);
    assert_non_null(strstr(err.text, "generation_config.json"));
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_their_heads),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(senseless_lists_are_refused),
        cmocka_unit_test(the_generation_config_comes_first),
    };
    return cmocka_run_group_tests_name("whisper_heads", tests, NULL, NULL);
}
