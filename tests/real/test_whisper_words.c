/* test_whisper_words.c - modalities/speech/whisper_words.c against OpenAI's split_to_word_tokens()
 * on sentences in several languages (tests/golden/words.json). Needs Whisper base's vocabulary. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asr_rig.h"
#include "realdata.h"
#include "whisper_words.h"

enum { MAX_IDS = 256 };

static void check_sentence(const att_whisper_tokens *tokens, const cJSON *c)
{
    const cJSON *given = cJSON_GetObjectItem(c, "ids"), *want = cJSON_GetObjectItem(c, "words");
    const cJSON *counts = cJSON_GetObjectItem(c, "n_tokens");
    int32_t ids[MAX_IDS], n = cJSON_GetArraySize(given);
    assert_true(n <= MAX_IDS);
    for (int32_t i = 0; i < n; i++) ids[i] = cJSON_GetArrayItem(given, i)->valueint;
    att_whisper_words words;
    assert_int_equal(att_whisper_words_split(&words, tokens,
                                             cJSON_GetObjectItem(c, "language")->valuestring, ids,
                                             n, NULL),
                     ATT_OK);
    assert_int_equal(words.n, cJSON_GetArraySize(want));
    for (int32_t i = 0; i < words.n; i++) {
        assert_string_equal(words.list[i].text, cJSON_GetArrayItem(want, i)->valuestring);
        assert_int_equal(words.list[i].n_tokens, cJSON_GetArrayItem(counts, i)->valueint);
    }
    att_whisper_words_free(&words);
}

static void sentences_split_as_the_references(void **state)
{
    (void)state;
    const char *folder = realdata_model("base");
    att_whisper_tokens *tokens;
    att_err err;
    if (att_whisper_tokens_open(&tokens, folder, &err)) fail_msg("%s", err.text);
    cJSON *json = golden_json("words.json");
    const cJSON *cases = cJSON_GetObjectItem(json, "split"), *c;
    assert_true(cJSON_GetArraySize(cases) >= 8);
    cJSON_ArrayForEach(c, cases) check_sentence(tokens, c);
    cJSON_Delete(json);
    att_whisper_tokens_close(tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sentences_split_as_the_references)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
