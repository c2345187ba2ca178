/* test_word_times.c - modalities/speech/word_times.c and the merging of whisper_words.c against
 * OpenAI's add_word_timestamps() on made-up words (tests/golden/words.json). */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "attend/asr.h"
#include "asr_rig.h"
#include "mem.h"
#include "word_times.h"

enum { MAX_SEGMENTS = 4 };

static double at(const cJSON *list, int i)
{
    const cJSON *item = cJSON_GetArrayItem(list, i);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static att_whisper_words read_words(const cJSON *list)
{
    att_whisper_words w = {NULL, cJSON_GetArraySize(list)};
    w.list = att_calloc((size_t)w.n, sizeof *w.list);
    assert_non_null(w.list);
    for (int i = 0; i < w.n; i++) {
        const cJSON *word = cJSON_GetArrayItem(list, i);
        w.list[i] = (att_whisper_word){.text = att_strdup(cJSON_GetArrayItem(word, 0)->valuestring),
                                       .n_tokens = (int32_t)at(word, 1),
                                       .start = at(word, 2),
                                       .end = at(word, 3),
                                       .probability = at(word, 4)};
    }
    return w;
}

static void compare(const att_word_segment *got, const cJSON *want, int number)
{
    const cJSON *words = cJSON_GetArrayItem(want, 2);
    if (fabs(got->start - at(want, 0)) > 1e-9 || fabs(got->end - at(want, 1)) > 1e-9)
        fail_msg("case %d: %.12g to %.12g, expected %.12g to %.12g", number, got->start, got->end,
                 at(want, 0), at(want, 1));
    assert_int_equal(got->n_words, cJSON_GetArraySize(words));
    for (int32_t i = 0; i < got->n_words; i++) {
        const cJSON *w = cJSON_GetArrayItem(words, i);
        assert_string_equal(got->words[i].text, cJSON_GetArrayItem(w, 0)->valuestring);
        if (fabs(got->words[i].start - at(w, 1)) > 1e-9 ||
            fabs(got->words[i].end - at(w, 2)) > 1e-9)
            fail_msg("case %d: '%s' from %.12g to %.12g, expected %.12g to %.12g", number,
                     got->words[i].text, got->words[i].start, got->words[i].end, at(w, 1),
                     at(w, 2));
        assert_true(fabs(got->words[i].probability - at(w, 3)) < 1e-9);
    }
}

static void check_case(const cJSON *c, int number)
{
    const att_asr_options o = att_asr_defaults();
    const cJSON *given = cJSON_GetObjectItem(c, "segments"), *want = cJSON_GetObjectItem(c, "want");
    att_word_segment segments[MAX_SEGMENTS];
    const int n = cJSON_GetArraySize(given);
    double last_speech = cJSON_GetObjectItem(c, "last_speech")->valuedouble;
    assert_true(n <= MAX_SEGMENTS);
    memset(segments, 0, sizeof segments);
    for (int i = 0; i < n; i++) {
        const cJSON *s = cJSON_GetArrayItem(given, i);
        segments[i] =
            (att_word_segment){.start = at(s, 0), .end = at(s, 1), .n_tokens = (int32_t)at(s, 2)};
    }
    att_whisper_words words = read_words(cJSON_GetObjectItem(c, "words"));
    assert_int_equal(
        att_word_times_add(segments, n, &words, o.prepend_punctuations, o.append_punctuations,
                           cJSON_GetObjectItem(c, "offset")->valuedouble, &last_speech, NULL),
        ATT_OK);
    for (int i = 0; i < n; i++) compare(&segments[i], cJSON_GetArrayItem(want, i), number);
    att_word_segments_free(segments, n);
    att_whisper_words_free(&words);
}

static void times_are_the_references(void **state)
{
    (void)state;
    cJSON *json = golden_json("words.json");
    const cJSON *cases = cJSON_GetObjectItem(json, "times"), *c;
    int number = 0;
    assert_true(cJSON_GetArraySize(cases) > 40);
    cJSON_ArrayForEach(c, cases) check_case(c, number++);
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(times_are_the_references)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
