/* test_transcript_words.c - modalities/speech/transcript*.c with words: subtitles and JSON byte for
 * byte as OpenAI's writers lay them out (tests/golden/transcript_words.json, by
 * tools/reference/dump_writers.py --words), and the formats that tell when each word is sung. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "asr_result.h"
#include "asr_rig.h"
#include "transcript.h"

enum { MAX_WORDS = 16 };

static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    assert_non_null(item);
    return item;
}

static att_asr_result result_of(const cJSON *object)
{
    att_asr_result r = {.has_words = 1};
    const cJSON *s, *w;
    snprintf(r.language, sizeof r.language, "%s", member(object, "language")->valuestring);
    cJSON_ArrayForEach(s, member(object, "segments"))
    {
        att_asr_word words[MAX_WORDS];
        att_asr_segment segment = {.start = member(s, "start")->valuedouble,
                                   .end = member(s, "end")->valuedouble,
                                   .text = member(s, "text")->valuestring,
                                   .words = words,
                                   .avg_logprob = member(s, "avg_logprob")->valuedouble,
                                   .compression_ratio = member(s, "compression_ratio")->valuedouble,
                                   .no_speech_prob = member(s, "no_speech_prob")->valuedouble};
        cJSON_ArrayForEach(w, member(s, "words"))
        {
            assert_true(segment.n_words < MAX_WORDS);
            words[segment.n_words++] =
                (att_asr_word){.text = member(w, "word")->valuestring,
                               .start = member(w, "start")->valuedouble,
                               .end = member(w, "end")->valuedouble,
                               .probability = member(w, "probability")->valuedouble};
        }
        assert_int_equal(att_asr_result_add(&r, &segment, NULL), ATT_OK);
    }
    return r;
}

static char *written(const char *name, const att_asr_result *result,
                     const att_transcript_layout *layout)
{
    char *text = NULL;
    size_t n, n_formats, i = 0;
    const att_transcript_format *formats = att_transcript_formats(&n_formats);
    while (i < n_formats && strcmp(formats[i].name, name) != 0) i++;
    assert_true(i < n_formats);
    FILE *file = open_memstream(&text, &n);
    assert_non_null(file);
    assert_true(formats[i].write(file, result, layout));
    fclose(file);
    return text;
}

static int32_t limit(const cJSON *layout, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(layout, name);
    return item ? (cJSON_IsTrue(item) ? 1 : item->valueint) : 0;
}

static void check_text(const char *format, const att_asr_result *result,
                       const att_transcript_layout *layout, const char *want)
{
    char *got = written(format, result, layout);
    assert_string_equal(got, want);
    free(got);
}

static void layouts_are_openais_byte_for_byte(void **state)
{
    (void)state;
    cJSON *json = golden_json("transcript_words.json");
    const cJSON *entry, *c;
    int n = 0;
    cJSON_ArrayForEach(entry, member(json, "results"))
    {
        att_asr_result result = result_of(member(entry, "result"));
        const att_transcript_layout none = {0};
        result.text = (char *)member(member(entry, "result"), "text")->valuestring;
        check_text("json", &result, &none, member(entry, "json")->valuestring);
        cJSON_ArrayForEach(c, member(entry, "cases"))
        {
            const cJSON *l = member(c, "layout");
            const att_transcript_layout layout = {
                limit(l, "max_line_width"), limit(l, "max_line_count"),
                limit(l, "max_words_per_line"), limit(l, "highlight_words")};
            check_text("vtt", &result, &layout, member(c, "vtt")->valuestring);
            check_text("srt", &result, &layout, member(c, "srt")->valuestring);
            n++;
        }
        result.text = NULL;
        att_asr_result_free(&result);
    }
    assert_int_equal(n, 18);
    cJSON_Delete(json);
}

static const att_asr_word SUNG[] = {
    {" Rock", 59.0, 59.504, 0.9}, {" &", 59.504, 59.6, 0.9}, {" {roll}", 60.0, 3661.25, 0.9}};

static att_asr_result song(int words)
{
    att_asr_result r = {.has_words = words};
    const att_asr_segment sung = {.start = 59.0,
                                  .end = 3661.25,
                                  .text = " Rock & {roll}",
                                  .words = SUNG,
                                  .n_words = words ? 3 : 0};
    const att_asr_segment blank = {.start = 3661.25, .end = 3662.0, .text = ""};
    assert_int_equal(att_asr_result_add(&r, &sung, NULL), ATT_OK);
    assert_int_equal(att_asr_result_add(&r, &blank, NULL), ATT_OK);
    return r;
}

static void each_word_has_its_time(void **state)
{
    (void)state;
    const att_transcript_layout whole = {0}, narrow = {.max_line_width = 8};
    att_asr_result r = song(1);
    check_text("karaoke", &r, &whole,
               "WEBVTT\n\n00:00:59.000 --> 01:01:01.250\n"
               "Rock<00:00:59.504> &amp;<00:01:00.000> {roll}\n\n");
    check_text("lrc", &r, &whole,
               "[re:attend]\n[00:59.00]<00:59.00>Rock <00:59.50>& <01:00.00>{roll}<61:01.25>\n");
    char *ass = written("ass", &r, &narrow);
    const char *line = strstr(ass, "Dialogue:");
    assert_non_null(line);
    assert_string_equal(line, "Dialogue: 0,0:00:59.00,1:01:01.25,Default,,0,0,0,,"
                              "{\\k50}Rock {\\k50}&\\N{\\k360125}\\{roll\\}\n");
    assert_memory_equal(ass, "[Script Info]\n", 14);
    free(ass);
    att_asr_result_free(&r);
}

static void without_words_segments_are_told(void **state)
{
    (void)state;
    const att_transcript_layout layout = {0};
    att_asr_result r = song(0);
    check_text("karaoke", &r, &layout,
               "WEBVTT\n\n00:00:59.000 --> 01:01:01.250\nRock &amp; {roll}\n\n");
    check_text("lrc", &r, &layout, "[re:attend]\n[00:59.00]Rock & {roll}\n");
    char *ass = written("ass", &r, &layout);
    assert_string_equal(strstr(ass, "Dialogue:"),
                        "Dialogue: 0,0:00:59.00,1:01:01.25,Default,,0,0,0,,"
                        "Rock & \\{roll\\}\n");
    free(ass);
    att_asr_result_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_are_openais_byte_for_byte),
        cmocka_unit_test(each_word_has_its_time),
        cmocka_unit_test(without_words_segments_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
