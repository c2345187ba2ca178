/* test_tokens.c - modalities/speech: whisper_tokens.c, whisper_vocabulary.c, whisper_suppress.c,
 * tokenizer.c, languages.c; lib/base/utf8.c. Against OpenAI's tokenizers
 * (tests/golden/tokens.json, made by tools/reference/dump_tokens.py) with the vocabularies of
 * installed models; and on a small vocabulary made here. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "filemap.h"
#include "languages.h"
#include "mem.h"
#include "realdata.h"
#include "tokenizer.h"
#include "utf8.h"
#include "whisper_suppress.h"
#include "whisper_tokens.h"

static cJSON *golden;

static int read_golden(void **state)
{
    (void)state;
    static char text[1 << 18];
    FILE *file = fopen(ATT_SOURCE_DIR "/tests/golden/tokens.json", "rb");
    if (!file) return -1;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    golden = cJSON_Parse(text);
    return golden ? 0 : -1;
}

static int free_golden(void **state)
{
    (void)state;
    cJSON_Delete(golden);
    return 0;
}

static const cJSON *item_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!item) fail_msg("no %s in the golden file", name);
    return item;
}

static void assert_ids(const cJSON *want, const int32_t *ids, int32_t n, const char *what)
{
    if (n != cJSON_GetArraySize(want))
        fail_msg("%s: %d ids, expected %d", what, n, cJSON_GetArraySize(want));
    for (int32_t i = 0; i < n; i++) {
        const int32_t expected = cJSON_GetArrayItem(want, i)->valueint;
        if (ids[i] != expected) fail_msg("%s: id %d is %d, expected %d", what, i, ids[i], expected);
    }
}

static void check_specials(const att_whisper_tokens *t, const cJSON *want)
{
    const cJSON *ids = item_of(want, "specials"), *codes = item_of(want, "languages"), *code;
    assert_int_equal(t->eot, item_of(ids, "eot")->valueint);
    assert_int_equal(t->sot, item_of(ids, "sot")->valueint);
    assert_int_equal(t->translate, item_of(ids, "translate")->valueint);
    assert_int_equal(t->transcribe, item_of(ids, "transcribe")->valueint);
    assert_int_equal(t->startoflm, item_of(ids, "sot_lm")->valueint);
    assert_int_equal(t->startofprev, item_of(ids, "sot_prev")->valueint);
    assert_int_equal(t->nospeech, item_of(ids, "no_speech")->valueint);
    assert_int_equal(t->notimestamps, item_of(ids, "no_timestamps")->valueint);
    assert_int_equal(t->timestamp_begin, item_of(ids, "timestamp_begin")->valueint);
    assert_int_equal(t->n_vocab, t->timestamp_begin + 1501);
    assert_int_equal(t->n_languages, cJSON_GetArraySize(codes));
    int32_t id = t->language_begin;
    cJSON_ArrayForEach(code, codes)
    {
        assert_string_equal(att_whisper_tokens_language_code(t, id), code->valuestring);
        assert_int_equal(att_whisper_tokens_language_id(t, code->valuestring), id);
        id++;
    }
    assert_null(att_whisper_tokens_language_code(t, t->language_begin - 1));
    assert_null(att_whisper_tokens_language_code(t, id));
    assert_int_equal(att_whisper_tokens_language_id(t, "yue"), -1); /* of 100 languages only */
    assert_int_equal(att_whisper_tokens_language_id(t, "klingon"), -1);
    assert_ids(item_of(want, "suppress"), t->suppress, t->n_suppress, "suppress");
    assert_ids(item_of(want, "suppress_first"), t->suppress_first, t->n_suppress_first,
               "suppress_first");
}

static void check_texts(const att_whisper_tokens *t, const cJSON *want)
{
    att_err err;
    att_tokenizer *tokenizer;
    const cJSON *item;
    assert_int_equal(att_tokenizer_create(&tokenizer, t->bytes, t->starts, t->eot, &err), ATT_OK);
    cJSON_ArrayForEach(item, item_of(want, "encode"))
    {
        const char *text = item_of(item, "text")->valuestring;
        int32_t *ids, n;
        assert_int_equal(att_tokenizer_encode(tokenizer, text, &ids, &n, &err), ATT_OK);
        assert_ids(item_of(item, "ids"), ids, n, text);
        char *back = att_whisper_tokens_text(t, ids, n, &err);
        assert_string_equal(back, text);
        att_free(back);
        att_free(ids);
    }
    att_tokenizer_destroy(tokenizer);
    cJSON_ArrayForEach(item, item_of(want, "decode"))
    {
        const cJSON *list = item_of(item, "ids");
        int32_t ids[64], n = 0;
        for (int i = 0; i < cJSON_GetArraySize(list); i++) {
            ids[n++] = cJSON_GetArrayItem(list, i)->valueint;
            ids[n++] = t->eot + i * 40; /* what is special has no text */
        }
        char *text = att_whisper_tokens_text(t, ids, n, &err);
        assert_string_equal(text, item_of(item, "text")->valuestring);
        att_free(text);
    }
}

static void check_model(const char *name)
{
    att_whisper_tokens *t;
    att_err err;
    const char *folder = realdata_model(name);
    if (att_whisper_tokens_open(&t, folder, &err)) fail_msg("%s", err.text);
    assert_int_equal(t->multilingual, strcmp(name, "base") == 0);
    check_specials(t, item_of(golden, name));
    check_texts(t, item_of(golden, name));
    att_whisper_tokens_close(t);
}

static void base_is_openais_multilingual(void **state)
{
    (void)state;
    check_model("base");
}

static void tiny_en_is_openais_english(void **state)
{
    (void)state;
    check_model("tiny.en");
}

/* vocabulary.json or .txt say the same as the tokenizer.json beside them. */
static void all_files_give_the_same(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"base", "tiny.en"};
    for (int i = 0; i < 2; i++) {
        att_whisper_tokens *a, *b;
        att_err err;
        static char bytes[8 << 20];
        char path[4200];
        const char *folder = realdata_model(NAMES[i]);
        if (att_whisper_tokens_open(&a, folder, &err)) fail_msg("%s", err.text);
        snprintf(path, sizeof path, "%.4000s/tokenizer.json", folder);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        const size_t n = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        if (att_whisper_tokens_parse(&b, path, bytes, n, &err)) fail_msg("%s", err.text);
        assert_int_equal(a->n_vocab, b->n_vocab);
        assert_int_equal(a->timestamp_begin, b->timestamp_begin);
        assert_int_equal(a->n_suppress, b->n_suppress);
        assert_memory_equal(a->suppress, b->suppress, (size_t)a->n_suppress * 4);
        assert_memory_equal(a->bytes, b->bytes, a->starts[a->eot]);
        att_whisper_tokens_close(a);
        att_whisper_tokens_close(b);
    }
}

static void write_json(const char *folder, const char *name, cJSON *json)
{
    char path[4200], *text = cJSON_PrintUnformatted(json);
    snprintf(path, sizeof path, "%.4000s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    cJSON_free(text);
    cJSON_Delete(json);
}

/* The package's vocabulary as Hugging Face's older repositories have it: the ids of the text tokens
 * in vocab.json, those of the others in added_tokens.json. */
static void two_files_give_the_same_as_one(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"base", "tiny.en"};
    for (int i = 0; i < 2; i++) {
        att_whisper_tokens *a, *b;
        att_err err;
        char path[4200], folder[4096];
        att_filemap map;
        snprintf(path, sizeof path, "%.4000s/tokenizer.json", realdata_model(NAMES[i]));
        assert_int_equal(att_filemap_open(&map, path, &err), ATT_OK);
        if (att_whisper_tokens_parse(&a, path, map.bytes, map.n_bytes, &err))
            fail_msg("%s", err.text);
        cJSON *tokenizer = cJSON_ParseWithLength((const char *)map.bytes, map.n_bytes), *entry;
        cJSON *vocab = cJSON_DetachItemFromObject(cJSON_GetObjectItem(tokenizer, "model"), "vocab");
        cJSON *added = cJSON_CreateObject();
        cJSON_ArrayForEach(entry, item_of(tokenizer, "added_tokens"))
        {
            cJSON_AddNumberToObject(added, item_of(entry, "content")->valuestring,
                                    item_of(entry, "id")->valuedouble);
        }
        snprintf(folder, sizeof folder, "%s", realdata_folder());
        write_json(folder, "added_tokens.json", added);
        assert_int_equal(att_whisper_tokens_open(&b, folder, &err), ATT_E_MODEL); /* not alone */
        write_json(folder, "vocab.json", vocab);
        if (att_whisper_tokens_open(&b, folder, &err)) fail_msg("%s", err.text);
        assert_int_equal(a->n_vocab, b->n_vocab);
        assert_int_equal(a->eot, b->eot);
        assert_int_equal(a->timestamp_begin, b->timestamp_begin);
        assert_int_equal(a->n_languages, b->n_languages);
        assert_memory_equal(a->bytes, b->bytes, a->starts[a->n_vocab]);
        att_whisper_tokens_close(a);
        att_whisper_tokens_close(b);
        cJSON_Delete(tokenizer);
        att_filemap_close(&map);
        realdata_remove(folder);
    }
}

static void languages_have_the_names_of_openai(void **state)
{
    (void)state;
    const cJSON *item;
    assert_int_equal(cJSON_GetArraySize(item_of(golden, "names")), 112);
    cJSON_ArrayForEach(item, item_of(golden, "names"))
    {
        assert_string_equal(att_language_code(item->string), item->valuestring);
        assert_string_equal(att_language_code(item->valuestring), item->valuestring);
        assert_non_null(att_language_name(item->valuestring));
    }
    assert_string_equal(att_language_code("ENGLISH"), "en");
    assert_string_equal(att_language_code("De"), "de");
    assert_string_equal(att_language_name("haw"), "Hawaiian");
    assert_null(att_language_code(""));
    assert_null(att_language_code("e"));
}

/* --- a vocabulary of our own: 256 bytes in GPT-2's form, some merges, the special ones --- */

enum { N_MERGES = 7, N_SPECIALS = 10, N_SMALL = 256 + N_MERGES + N_SPECIALS };

static const char *const MERGES[N_MERGES] = {"ab", "bc", "abc", "Ġa", "Ġab", "xyz", "ab"};
static const char *const SPECIALS[N_SPECIALS] = {
    "<|endoftext|>",  "<|startoftranscript|>", "<|en|>",       "<|de|>",           "<|translate|>",
    "<|transcribe|>", "<|startofprev|>",       "<|nospeech|>", "<|notimestamps|>", "<|0.00|>"};

/* Line i is token i: bytes in their own order, as characters that can be seen. */
static char *small_lines(void)
{
    char *text = calloc(1, 1 << 14);
    int hidden = 0;
    assert_non_null(text);
    for (int b = 0; b < 256; b++) {
        const int shown = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        const int c = shown ? b : 256 + hidden++;
        if (c < 128)
            sprintf(text + strlen(text), "%c\n", c);
        else
            sprintf(text + strlen(text), "%c%c\n", 0xc0 | c >> 6, 0x80 | (c & 63));
    }
    for (int i = 0; i < N_MERGES; i++) sprintf(text + strlen(text), "%s\n", MERGES[i]);
    for (int i = 0; i < N_SPECIALS; i++) sprintf(text + strlen(text), "%s\n", SPECIALS[i]);
    return text;
}

static att_whisper_tokens *small(void)
{
    att_whisper_tokens *t = NULL;
    att_err err;
    char *text = small_lines();
    if (att_whisper_tokens_parse(&t, "small", text, strlen(text), &err)) fail_msg("%s", err.text);
    free(text);
    return t;
}

static void every_byte_has_its_token(void **state)
{
    (void)state;
    att_whisper_tokens *t = small();
    assert_int_equal(t->n_vocab, N_SMALL);
    for (int b = 0; b < 256; b++) {
        assert_int_equal(t->starts[b + 1] - t->starts[b], 1);
        assert_int_equal((unsigned char)t->bytes[t->starts[b]], b);
    }
    assert_int_equal(t->eot, 256 + N_MERGES);
    assert_int_equal(t->startoflm, -1);
    assert_int_equal(t->n_languages, 2);
    assert_int_equal(att_whisper_tokens_language_id(t, "German"), t->language_begin + 1);
    assert_int_equal(att_whisper_tokens_language_id(t, "fr"), -1);
    att_whisper_tokens_close(t);
}

/* A pattern matches a token as a whole, bytes that are no UTF-8 included. */
static void patterns_find_tokens(void **state)
{
    (void)state;
    att_whisper_tokens *t = small();
    int32_t list[N_SMALL] = {7}, n = 1;
    att_err err;
    assert_int_equal(att_whisper_suppress_matching(t, "[0-9]| ?ab", list, &n, &err), ATT_OK);
    assert_int_equal(n, 1 + 10 + 3); /* digits, "ab" twice, " ab" */
    assert_int_equal(list[0], 7);
    for (int i = 0; i < 10; i++) assert_int_equal(list[1 + i], '0' + i);
    assert_int_equal(list[11], 256);
    assert_int_equal(list[12], 260);
    assert_int_equal(list[13], 262);
    assert_int_equal(att_whisper_suppress_matching(t, "a(b", list, &n, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "a(b"));
    att_whisper_tokens_close(t);
}

/* Hugging Face's older files end before the times. */
static void times_may_go_without_saying(void **state)
{
    (void)state;
    att_whisper_tokens *t = NULL;
    att_err err;
    char *text = small_lines();
    *strstr(text, "<|0.00|>") = 0;
    if (att_whisper_tokens_parse(&t, "small", text, strlen(text), &err)) fail_msg("%s", err.text);
    free(text);
    assert_int_equal(t->notimestamps, N_SMALL - 2);
    assert_int_equal(t->timestamp_begin, N_SMALL - 1);
    assert_int_equal(t->n_vocab, N_SMALL - 1 + 1501);
    assert_int_equal(t->starts[t->n_vocab], t->starts[t->timestamp_begin]);
    att_whisper_tokens_close(t);
}

static void the_lowest_pair_merges_first(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t n, ids[8];
    } KNOWN[] = {{"", 0, {0}},
                 {"abc", 1, {258}},
                 {"abab", 2, {256, 256}}, /* of equal tokens the first */
                 {"xyz", 1, {261}},       /* a word that no pair leads to */
                 {"xyzx", 4, {'x', 'y', 'z', 'x'}},
                 {"bbc", 2, {'b', 257}},
                 {"abbc", 2, {256, 257}},
                 {"x ab", 2, {'x', 260}},
                 {"x abc", 3, {'x', ' ', 258}}, /* ab, then abc, which is lower than Ġab */
                 {"\xff", 3, {0xef, 0xbf, 0xbd}}};
    att_whisper_tokens *t = small();
    att_tokenizer *tokenizer;
    att_err err;
    assert_int_equal(att_tokenizer_create(&tokenizer, t->bytes, t->starts, t->eot, &err), ATT_OK);
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        int32_t *ids, n;
        assert_int_equal(att_tokenizer_encode(tokenizer, KNOWN[k].text, &ids, &n, &err), ATT_OK);
        if (n != KNOWN[k].n) fail_msg("'%s': %d ids", KNOWN[k].text, n);
        assert_memory_equal(ids, KNOWN[k].ids, (size_t)n * sizeof *ids);
        att_free(ids);
    }
    char *text = calloc(1, ATT_TOKENIZER_MAX_BYTES + 2);
    int32_t *ids, n;
    memset(text, 'x', ATT_TOKENIZER_MAX_BYTES + 1);
    assert_int_equal(att_tokenizer_encode(tokenizer, text, &ids, &n, &err), ATT_E_ARG);
    assert_null(ids);
    free(text);
    att_tokenizer_destroy(tokenizer);
    att_tokenizer_destroy(NULL);
    att_whisper_tokens_close(t);
}

static void what_is_no_utf8_is_replaced_as_python_does(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } KNOWN[] = {{"", ""},
                 {"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\x89", "aä€🎉"},
                 {"\xc3", "\ufffd"},
                 {"\xe2\x82", "\ufffd"}, /* one for a beginning */
                 {"\xe2\x82x", "\ufffdx"},
                 {"\xf0\x9f\x8e", "\ufffd"},
                 {"\xc0\xaf", "\ufffd\ufffd"}, /* overlong */
                 {"\xe0\x80\x80", "\ufffd\ufffd\ufffd"},
                 {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"}, /* a surrogate */
                 {"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
                 {"\x80\xbf\xff", "\ufffd\ufffd\ufffd"},
                 {"\xe2\xe2\x82\xac", "\ufffd€"}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        char *text = att_utf8_repair(KNOWN[k].bytes, strlen(KNOWN[k].bytes));
        assert_string_equal(text, KNOWN[k].text);
        att_free(text);
    }
}

/* Parsing fails, and the text has these words. */
static void check_refused(const char *bytes, size_t n, const char *words)
{
    att_err err = {0};
    att_whisper_tokens *t;
    assert_int_equal(att_whisper_tokens_parse(&t, "that file", bytes, n, &err), ATT_E_MODEL);
    assert_null(t);
    assert_non_null(strstr(err.text, "that file"));
    if (!strstr(err.text, words)) fail_msg("no '%s' in: %s", words, err.text);
}

static void broken_vocabularies_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } KNOWN[] = {{"", "0 tokens"},
                 {"a\nb\n", "2 tokens without"},
                 {"[\"a\", \"b\", 3]", "entry 2 is no token"},
                 {"[\"a\", \"b]", "no JSON at byte 7"},
                 {"{\"model\": {}}", "entry 0 is no token"},
                 {"{\"model\": {\"vocab\": {\"a\": 0, \"b\": -1}}}", "entry 1 is no token"},
                 {"{\"model\": {\"vocab\": {\"a\": 1e9}}}", "entry 0 is no token"},
                 {"{\"model\": {\"vocab\": {}}, \"added_tokens\": [{\"id\": 1}]}", "entry 0"}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++)
        check_refused(KNOWN[k].text, strlen(KNOWN[k].text), KNOWN[k].words);
    check_refused("a\nb\0c\n", 6, "byte 3 is 0");
    char *text = small_lines();
    memcpy(strstr(text, "<|startoftranscript|>"), "<|startoftranscribe|>", 21);
    check_refused(text, strlen(text), "special");
    free(text);
    text = small_lines();
    memcpy(strstr(text, "<|de|>"), "<|xx|>", 6);
    check_refused(text, strlen(text), "'<|xx|>', is no known language");
    free(text);
    text = small_lines();
    memcpy(strstr(text, "(\n"), "X\n", 2); /* two tokens for X, none for the bracket */
    check_refused(text, strlen(text), "no byte 0x28");
    free(text);
    att_err err;
    att_whisper_tokens *t;
    const char *folder = realdata_folder();
    assert_int_equal(att_whisper_tokens_open(&t, folder, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "vocabulary.json"));
    realdata_remove(folder);
}

/* Each kind of file, broken: the error names it, and no other file is read in its place. */
static void broken_folders_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *words; /* without a text it is a folder */
    } KNOWN[] = {{"tokenizer.json", "{\"model\": {}}", "entry 0 is no token"},
                 {"vocab.json", "{\"model\": 1, \"a\": [0]}", "entry 2 is no token"},
                 {"vocab.json", "{\"model\": 1}", "2 tokens without"},
                 {"vocab.json", NULL, "not a regular file"},
                 {"vocabulary.txt", "a\nb\n", "2 tokens without"},
                 {"vocabulary.json", "[\"a\",", "no JSON at byte 4"},
                 {"tokenizer.json", "", "0 tokens"},
                 {"vocabulary.txt", NULL, "not a regular file"},
                 {"vocabulary.json", NULL, "not a regular file"}};
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        char folder[4096], path[4200];
        att_err err = {0};
        att_whisper_tokens *t;
        snprintf(folder, sizeof folder, "%s", realdata_folder());
        snprintf(path, sizeof path, "%s/%s", folder, KNOWN[k].name);
        if (KNOWN[k].text) {
            FILE *file = fopen(path, "wb");
            assert_non_null(file);
            fputs(KNOWN[k].text, file);
            fclose(file);
        } else {
            assert_int_equal(mkdir(path, 0700), 0);
        }
        assert_int_equal(att_whisper_tokens_open(&t, folder, &err), ATT_E_MODEL);
        assert_null(t);
        if (!strstr(err.text, KNOWN[k].name) || !strstr(err.text, KNOWN[k].words))
            fail_msg("no '%s' and '%s' in: %s", KNOWN[k].name, KNOWN[k].words, err.text);
        realdata_remove(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_is_openais_multilingual),
        cmocka_unit_test(tiny_en_is_openais_english),
        cmocka_unit_test(all_files_give_the_same),
        cmocka_unit_test(two_files_give_the_same_as_one),
        cmocka_unit_test(languages_have_the_names_of_openai),
        cmocka_unit_test(every_byte_has_its_token),
        cmocka_unit_test(patterns_find_tokens),
        cmocka_unit_test(times_may_go_without_saying),
        cmocka_unit_test(the_lowest_pair_merges_first),
        cmocka_unit_test(what_is_no_utf8_is_replaced_as_python_does),
        cmocka_unit_test(broken_vocabularies_are_refused),
        cmocka_unit_test(broken_folders_are_refused),
    };
    return cmocka_run_group_tests_name("tokens", tests, read_golden, free_golden);
}
