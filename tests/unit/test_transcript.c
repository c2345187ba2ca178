/* test_transcript.c - modalities/speech/transcript*.c: all formats byte for byte as OpenAI's
 * writers (tests/golden/transcript.json, made by tools/reference/dump_writers.py), numbers,
 * strings, lines. */
#define _POSIX_C_SOURCE 200809L
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "transcript.h"
#include "transcript_json.h"
#include "utf8.h"

static cJSON *read_golden(void)
{
    static char text[1 << 16];
    FILE *file = fopen(ATT_SOURCE_DIR "/tests/golden/transcript.json", "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    cJSON *root = cJSON_Parse(text);
    assert_non_null(root);
    return root;
}

static double number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    assert_true(cJSON_IsString(item));
    return item->valuestring;
}

/* The golden's result; texts are borrowed from the JSON, the rest is freed by free_result(). */
static att_asr_result result_of(const cJSON *object)
{
    att_asr_result r = {0};
    const cJSON *segments = cJSON_GetObjectItem(object, "segments"), *item, *token;
    snprintf(r.language, sizeof r.language, "%s", text_of(object, "language"));
    r.text = (char *)text_of(object, "text");
    r.segments = calloc((size_t)cJSON_GetArraySize(segments), sizeof *r.segments);
    assert_non_null(r.segments);
    cJSON_ArrayForEach(item, segments)
    {
        att_asr_segment *s = &r.segments[r.n_segments++];
        const cJSON *tokens = cJSON_GetObjectItem(item, "tokens");
        int32_t *ids = calloc((size_t)cJSON_GetArraySize(tokens) + 1, sizeof *ids);
        assert_non_null(ids);
        s->tokens = ids;
        cJSON_ArrayForEach(token, tokens) ids[s->n_tokens++] = token->valueint;
        s->id = (int32_t)number_of(item, "id");
        s->seek = (int64_t)number_of(item, "seek");
        s->start = number_of(item, "start");
        s->end = number_of(item, "end");
        s->text = text_of(item, "text");
        s->temperature = number_of(item, "temperature");
        s->avg_logprob = number_of(item, "avg_logprob");
        s->compression_ratio = number_of(item, "compression_ratio");
        s->no_speech_prob = number_of(item, "no_speech_prob");
    }
    return r;
}

static void free_result(att_asr_result *r)
{
    for (int32_t i = 0; i < r->n_segments; i++) free((void *)r->segments[i].tokens);
    free(r->segments);
}

static char *written(const att_transcript_format *format, const att_asr_result *result)
{
    char *text = NULL;
    size_t n;
    FILE *file = open_memstream(&text, &n);
    assert_non_null(file);
    const att_transcript_layout layout = {0};
    assert_true(format->write(file, result, &layout));
    fclose(file);
    return text;
}

static void formats_are_openais_byte_for_byte(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"txt", "vtt", "srt", "tsv", "json"};
    cJSON *golden = read_golden();
    att_asr_result result = result_of(cJSON_GetObjectItem(golden, "result"));
    size_t n;
    const att_transcript_format *formats = att_transcript_formats(&n);
    assert_true(n >= sizeof NAMES / sizeof *NAMES);
    for (size_t i = 0; i < n; i++) assert_int_equal(formats[i].is_openai, i < 5);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char *got = written(&formats[i], &result);
        assert_string_equal(formats[i].name, NAMES[i]);
        assert_string_equal(formats[i].extension, NAMES[i]);
        assert_string_equal(got, text_of(golden, NAMES[i]));
        free(got);
    }
    free_result(&result);
    cJSON_Delete(golden);
}

static void no_segments_are_a_file_too(void **state)
{
    (void)state;
    static const char *const WANT[] = {"", "WEBVTT\n\n", "", "start\tend\ttext\n",
                                       "{\"text\": \"\", \"segments\": [], \"language\": \"de\"}"};
    att_asr_result result = {.language = "de", .text = (char *)""};
    size_t n;
    const att_transcript_format *formats = att_transcript_formats(&n);
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++) {
        char *got = written(&formats[i], &result);
        assert_string_equal(got, WANT[i]);
        free(got);
    }
}

static void numbers_are_as_python_writes_them(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *text;
    } KNOWN[] = {{0.0, "0.0"},
                 {-0.0, "-0.0"},
                 {0.1, "0.1"},
                 {0.30000000000000004, "0.30000000000000004"},
                 {0.0001, "0.0001"},
                 {0.00001, "1e-05"},
                 {9007199254740993.0, "9007199254740992.0"},
                 {1e15, "1000000000000000.0"},
                 {9999999999999998.0, "9999999999999998.0"},
                 {1e16, "1e+16"},
                 {-1.25e100, "-1.25e+100"},
                 {5e-324, "5e-324"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {NAN, "NaN"},
                 {INFINITY, "Infinity"},
                 {-INFINITY, "-Infinity"}};
    char text[64];
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        assert_string_equal(atti_json_number(KNOWN[i].x, text, sizeof text), KNOWN[i].text);
    uint64_t random = 88172645463325252u; /* and any other reads back as it was */
    for (int i = 0; i < 20000; i++) {
        double x;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        memcpy(&x, &random, sizeof x);
        if (isfinite(x)) assert_true(strtod(atti_json_number(x, text, sizeof text), NULL) == x);
    }
}

/* The golden file's are Python's own. */
static void many_numbers_are_pythons(void **state)
{
    (void)state;
    cJSON *golden = read_golden();
    const char *want = text_of(golden, "numbers");
    int n = 0;
    for (; *want; n++) {
        char text[64], *end;
        atti_json_number(strtod(want, &end), text, sizeof text);
        const size_t width = (size_t)(end - want);
        if (strlen(text) != width || memcmp(text, want, width) != 0)
            fail_msg("%s, expected %.*s", text, (int)width, want);
        want = end + (*end == ' ');
    }
    assert_true(n > 800);
    cJSON_Delete(golden);
}

static void lines_are_as_the_program_prints_them(void **state)
{
    (void)state;
    static const struct {
        double start, end;
        const char *text, *line;
    } KNOWN[] = {{0.0, 4.0, " So.", "[00:00.000 --> 00:04.000]  So.\n"},
                 {3599.9994, 3599.9996, "x", "[59:59.999 --> 01:00:00.000] x\n"},
                 {360000.0, 360059.5, "", "[100:00:00.000 --> 100:00:59.500] \n"}};
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        char *text = NULL;
        size_t n;
        FILE *file = open_memstream(&text, &n);
        const att_asr_segment segment = {
            .start = KNOWN[i].start, .end = KNOWN[i].end, .text = KNOWN[i].text};
        att_transcript_print_line(file, &segment);
        fclose(file);
        assert_string_equal(text, KNOWN[i].line);
        free(text);
    }
}

static void ratios_are_zlibs(void **state)
{
    (void)state;
    char again[16 * 30 + 1] = "", japanese[9 * 50 + 1] = "";
    for (int i = 0; i < 30; i++) strcat(again, " again and again");
    for (int i = 0; i < 50; i++) strcat(japanese, "日本語");
    assert_true(att_transcript_compression_ratio("", 0) == 0.0);
    assert_true(att_transcript_compression_ratio("a", 1) == 1.0 / 9.0);
    assert_true(att_transcript_compression_ratio(again, strlen(again)) == 19.2);
    assert_true(att_transcript_compression_ratio(japanese, strlen(japanese)) == 450.0 / 23.0);
}

static void stripping_takes_all_white_space(void **state)
{
    (void)state;
    static const struct {
        const char *text, *stripped;
    } KNOWN[] = {{"", ""},
                 {" \t\r\n\v\f", ""},
                 {" a b ", "a b"},
                 {"\xc2\xa0\u3000\u2028x\u1680y\xc2\x85\u205f", "x\u1680y"},
                 {"\u200bz", "\u200bz"},       /* zero width is none */
                 {" \xa0 \x85", "\xa0 \x85"}}; /* nor are stray bytes */
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        size_t n;
        const char *from = att_utf8_strip(KNOWN[i].text, &n);
        assert_int_equal(n, strlen(KNOWN[i].stripped));
        assert_memory_equal(from, KNOWN[i].stripped, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_openais_byte_for_byte),
        cmocka_unit_test(no_segments_are_a_file_too),
        cmocka_unit_test(numbers_are_as_python_writes_them),
        cmocka_unit_test(many_numbers_are_pythons),
        cmocka_unit_test(lines_are_as_the_program_prints_them),
        cmocka_unit_test(ratios_are_zlibs),
        cmocka_unit_test(stripping_takes_all_white_space),
    };
    return cmocka_run_group_tests_name("transcript", tests, NULL, NULL);
}
