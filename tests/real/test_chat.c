/* test_chat.c - `attend chat` as a user runs it, on the real SmolLM2: answers, options, kept texts,
 * the limit of the context, mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "realdata.h"
#include "spawn.h"

enum { MAX_WORDS = 32 };

/* `attend chat` with the model and these words behind it, up to a NULL. */
static spawn_result chat(const char *input, const char *const *words)
{
    const char *argv[MAX_WORDS] = {
        ATTEND_PROGRAM, "chat", "--offline", "-m", NULL,          "--threads", "2",
        "--temp",       "0",    "-s",        "1",  "--precision", "exact"};
    size_t n = 0;
    argv[4] = realdata_model("smollm2");
    while (argv[n]) n++;
    for (; *words && n < MAX_WORDS - 1; words++) argv[n++] = *words;
    return spawn_run(argv, input, input ? strlen(input) : 0, NULL, 0.0);
}

static void assert_code(const spawn_result *r, int code)
{
    if (r->code != code) fail_msg("exit code %d, expected %d: %s", r->code, code, r->err);
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("'%s' is not in: %s", part, text);
}

static cJSON *parse(const spawn_result *r)
{
    assert_code(r, 0);
    cJSON *json = cJSON_Parse(r->out);
    if (!json) fail_msg("no JSON: %s", r->out);
    return json;
}

static double number_of(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(json, key);
    if (!cJSON_IsNumber(item)) fail_msg("there is no number '%s'", key);
    return item->valuedouble;
}

#define CHAT(input, ...) chat(input, (const char *const[]){__VA_ARGS__, NULL})

static const char QUESTION[] = "What is the capital of France?";

static void a_question_is_answered(void **state)
{
    (void)state;
    spawn_result r = CHAT(NULL, "-n", "32", QUESTION);
    assert_code(&r, 0);
    assert_says(r.out, "Paris");
    assert_null(strstr(r.out, "<|im_end|>"));
    spawn_result piped = CHAT(QUESTION, "-n", "32");
    assert_string_equal(piped.out, r.out);
    spawn_free(&piped);
    spawn_free(&r);
}

static void json_tells_all_of_it(void **state)
{
    (void)state;
    spawn_result r = CHAT(NULL, "-n", "5", "--json", QUESTION);
    cJSON *json = parse(&r);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "end")), "length");
    assert_int_equal(number_of(json, "answer_tokens"), 5);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "answer_ids")), 5);
    assert_true(number_of(json, "prompt_tokens") > 10);
    assert_int_equal(number_of(json, "seed"), 1);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "precision")), "exact");
    cJSON_Delete(json);
    spawn_free(&r);
}

static void seeds_repeat_and_differ(void **state)
{
    (void)state;
    const char *const same[] = {"-n", "24", "--temp", "1.5", "Tell me a story.", NULL};
    const char *const other[] = {"-n", "24", "--temp", "1.5", "-s", "2", "Tell me a story.", NULL};
    spawn_result a = chat(NULL, same), b = chat(NULL, same), c = chat(NULL, other);
    assert_code(&a, 0);
    assert_string_equal(a.out, b.out);
    assert_string_not_equal(a.out, c.out);
    spawn_free(&a);
    spawn_free(&b);
    spawn_free(&c);
}

static void kept_texts_are_not_read_again(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    char path[512];
    snprintf(path, sizeof path, "%s/text", folder);
    spawn_result first = CHAT(NULL, "-n", "8", "--json", "--prompt_cache", path, QUESTION);
    spawn_result again = CHAT(NULL, "-n", "8", "--json", "--prompt_cache", path, QUESTION);
    cJSON *a = parse(&first), *b = parse(&again);
    assert_int_equal(number_of(a, "reused_tokens"), 0);
    assert_true(number_of(b, "reused_tokens") >= number_of(b, "prompt_tokens") - 1);
    assert_true(cJSON_Compare(cJSON_GetObjectItem(a, "answer_ids"),
                              cJSON_GetObjectItem(b, "answer_ids"), 1));
    cJSON_Delete(a);
    cJSON_Delete(b);
    spawn_free(&first);
    spawn_free(&again);
    realdata_remove(folder);
}

static void text_goes_on_without_a_chat(void **state)
{
    (void)state;
    spawn_result r = CHAT(NULL, "-n", "12", "--json", "--no_conversation", "Once upon a time");
    cJSON *json = parse(&r);
    assert_int_equal(number_of(json, "prompt_tokens"), 4);
    assert_says(cJSON_GetStringValue(cJSON_GetObjectItem(json, "answer")), "a");
    cJSON_Delete(json);
    spawn_free(&r);
}

static void the_limit_is_told(void **state)
{
    (void)state;
    static char text[4096];
    for (size_t i = 0; i + 6 < sizeof text; i += 5) memcpy(text + i, "word ", 5);
    spawn_result r = CHAT(text, "-c", "256", "-n", "16");
    assert_code(&r, 2);
    assert_says(r.err, "tokens");
    assert_int_equal(strlen(r.out), 0);
    spawn_free(&r);
    r = CHAT(NULL, "-c", "64", "--ignore_eos", QUESTION);
    assert_code(&r, 0);
    assert_says(r.err, "the context is full");
    spawn_free(&r);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    const struct {
        const char *words[5];
        int code;
        const char *says;
    } mistakes[] = {
        {{"--chat_template", "no-such-family", QUESTION}, 2, "no-such-family"},
        {{"-p", QUESTION, "another"}, 2, "two questions"},
        {{"-f", "/no/such/file"}, 3, "/no/such/file"},
        {{"-m", "/no/such/model.gguf", QUESTION}, 4, "/no/such/model.gguf"},
        {{"-m", ATT_SOURCE_DIR "/README.md", QUESTION}, 4, "holds no weights"},
        {{"--top_p", "1.5", QUESTION}, 2, "top_p"},
        {{"-c", "-5", QUESTION}, 2, "whole number"},
        {{"--precision", "half", QUESTION}, 2, "half"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        spawn_result r = chat(NULL, mistakes[i].words);
        assert_code(&r, mistakes[i].code);
        assert_says(r.err, mistakes[i].says);
        spawn_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_answered),
        cmocka_unit_test(json_tells_all_of_it),
        cmocka_unit_test(seeds_repeat_and_differ),
        cmocka_unit_test(kept_texts_are_not_read_again),
        cmocka_unit_test(text_goes_on_without_a_chat),
        cmocka_unit_test(the_limit_is_told),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
