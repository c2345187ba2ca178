/* test_text_tokenizer.c - modalities/text: text_tokenizer*.c, text_vocabulary.c, text_merge.c,
 * text_unigram.c, text_split.c, text_normal.c, text_table.c, text_json_parts.c. Against Hugging
 * Face's tokenizers and Google's sentencepiece on nasty texts (tests/golden/text_tokens.json, made
 * by tools/reference/dump_text_tokens.py), with small tokenizers of each kind. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "filemap.h"
#include "mem.h"
#include "text_tokenizer.h"
#include "textgolden.h"
#include "utf8.h"

#define FOLDER ATT_SOURCE_DIR "/tests/golden/text_tokenizers/"

static att_text_tokenizer *open_one(const char *name)
{
    att_text_tokenizer *t;
    att_weights *w;
    att_err err;
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s.json", name);
    if (strncmp(name, "sp_", 3) != 0) {
        if (att_text_tokenizer_open_json(&t, path, &err)) fail_msg("%s", err.text);
        return t;
    }
    snprintf(path, sizeof path, FOLDER "%s.gguf", name);
    if (att_weights_open(&w, path, &err)) fail_msg("%s", err.text);
    if (att_text_tokenizer_open_gguf(&t, w, &err)) fail_msg("%s", err.text);
    att_weights_close(w); /* nothing of it is kept */
    return t;
}

static const char *const NAMES[] = {"llama3",  "qwen2",      "smollm",    "llama2",
                                    "mistral", "characters", "unigram",   "unigram_bytes",
                                    "sp_bpe",  "sp_bpe_unk", "sp_unigram"};
enum { N_NAMES = sizeof NAMES / sizeof *NAMES, N_TEXTS = 131 };

static void ids_are_the_references(void **state)
{
    for (int i = 0; i < N_NAMES; i++) {
        att_text_tokenizer *t = open_one(NAMES[i]);
        const int plain = textgolden_check(*state, NAMES[i], "plain", t, 0);
        const int parsed = textgolden_check(*state, NAMES[i], "parsed", t, ATT_TEXT_PARSE_SPECIAL);
        const int is_sp = strncmp(NAMES[i], "sp_", 3) == 0;
        const int is_unigram = strncmp(NAMES[i], "unigram", 7) == 0;
        assert_int_equal(plain, is_unigram ? 0 : is_sp ? N_TEXTS - 1 : N_TEXTS);
        assert_int_equal(parsed, is_sp ? 0 : is_unigram ? N_TEXTS - 1 : N_TEXTS);
        att_text_tokenizer_destroy(t);
    }
    att_text_tokenizer_destroy(NULL);
}

/* Where each byte has a token, the tokens are the text. */
static void tokens_are_the_text(void **state)
{
    static const char *const WHOLE[] = {"llama3", "smollm", "llama2", "mistral", "sp_bpe"};
    for (int i = 0; i < 5; i++) {
        att_text_tokenizer *t = open_one(WHOLE[i]);
        char *text, *back = calloc(1, 1 << 16);
        size_t n_bytes, n_same;
        for (int k = 0; (text = textgolden_text(*state, k, &n_bytes)); k++) {
            int32_t *ids, n;
            size_t to = 0;
            att_err err;
            assert_int_equal(
                att_text_tokenizer_encode(t, text, n_bytes, ATT_TEXT_PARSE_SPECIAL, &ids, &n, &err),
                ATT_OK);
            char *same = att_utf8_repair_counted(text, n_bytes, &n_same);
            for (int32_t j = 0; j < n; j++) {
                const char *bytes;
                size_t n_token;
                att_text_tokenizer_decode(t, ids[j], &bytes, &n_token);
                memcpy(back + to, bytes, n_token);
                to += n_token;
            }
            /* U+2581 comes back as the blank that it spells; a blank is put before the text, and
             * for some behind special tokens */
            const int exact = !att_text_tokenizer_adds_space(t);
            if (exact && (to != n_same || memcmp(back, same, to) != 0))
                fail_msg("%s, text %d: not the same", WHOLE[i], k);
            size_t a = 0, b = 0;
            while (!exact && a < to && b < n_same) {
                const int is_blank = b + 3 <= n_same && memcmp(same + b, "\xe2\x96\x81", 3) == 0;
                if (back[a] == (is_blank ? ' ' : same[b])) {
                    a++;
                    b += is_blank ? 3 : 1;
                } else if (is_blank && memcmp(back + a, same + b, 3) == 0) {
                    a += 3;
                    b += 3;
                } else if (back[a] == ' ') {
                    a++;
                } else {
                    fail_msg("%s, text %d: byte %zu differs", WHOLE[i], k, b);
                }
            }
            if (!exact) assert_int_equal(b, n_same);
            att_free(ids);
            att_free(same);
            free(text);
        }
        free(back);
        att_text_tokenizer_destroy(t);
    }
}

static void special_tokens_are_known(void **state)
{
    (void)state;
    att_text_tokenizer *t = open_one("llama3");
    const int32_t bos = att_text_tokenizer_id(t, "<|begin_of_text|>");
    assert_true(bos > 0);
    assert_int_equal(att_text_tokenizer_bos(t), bos);
    assert_int_equal(att_text_tokenizer_adds_bos(t), 1);
    assert_int_equal(att_text_tokenizer_eos(t), -1); /* no tokenizer_config.json beside it */
    assert_int_equal(att_text_tokenizer_is_end(t, bos), 0);
    assert_int_equal(att_text_tokenizer_is_end(t, att_text_tokenizer_id(t, "<|eot_id|>")), 1);
    assert_int_equal(att_text_tokenizer_is_end(t, att_text_tokenizer_id(t, "<|end_of_text|>")), 1);
    assert_int_equal(att_text_tokenizer_is_end(t, -1), 0);
    assert_int_equal(att_text_tokenizer_is_end(t, att_text_tokenizer_count(t)), 0);
    assert_int_equal(att_text_tokenizer_type(t, bos), ATT_TEXT_CONTROL);
    assert_int_equal(att_text_tokenizer_type(t, att_text_tokenizer_id(t, "a")), ATT_TEXT_NORMAL);
    assert_int_equal(att_text_tokenizer_type(t, 1 << 20), 0);
    assert_int_equal(att_text_tokenizer_id(t, "<|im_end|>"), -1);
    assert_int_equal(att_text_tokenizer_id(t, ""), -1);
    assert_int_equal(att_text_tokenizer_id(t, "<|eot_id|"), -1);
    const char *bytes;
    size_t n_bytes;
    att_text_tokenizer_decode(t, bos, &bytes, &n_bytes);
    assert_int_equal(n_bytes, 17);
    assert_memory_equal(bytes, "<|begin_of_text|>", 17);
    att_text_tokenizer_decode(t, -1, &bytes, &n_bytes);
    assert_int_equal(n_bytes, 0);
    int32_t *ids, n;
    att_err err;
    assert_int_equal(att_text_tokenizer_encode(t, "", 0, ATT_TEXT_ADD_BOS, &ids, &n, &err), ATT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], bos);
    att_free(ids);
    att_text_tokenizer_destroy(t);
    t = open_one("smollm");
    assert_int_equal(att_text_tokenizer_encode(t, "", 0, ATT_TEXT_ADD_BOS, &ids, &n, &err), ATT_OK);
    assert_int_equal(n, 0);
    assert_non_null(ids);
    att_free(ids);
    att_text_tokenizer_destroy(t);
}

static void config_says_what_begins_and_ends(void **state)
{
    (void)state;
    static const char CONFIG[] = "{\"bos_token\": null, \"eos_token\": {\"content\": "
                                 "\"<|im_end|>\"}, \"add_bos_token\": false}";
    static const char WRONG[] = "{\"eos_token\": \"<|nobody|>\"}";
    att_filemap map;
    att_text_tokenizer *t;
    att_err err;
    assert_int_equal(att_filemap_open(&map, FOLDER "qwen2.json", &err), ATT_OK);
    const char *bytes = (const char *)map.bytes;
    assert_int_equal(
        att_text_tokenizer_parse_json(&t, "q", bytes, map.n_bytes, CONFIG, sizeof CONFIG - 1, &err),
        ATT_OK);
    assert_int_equal(att_text_tokenizer_eos(t), att_text_tokenizer_id(t, "<|im_end|>"));
    assert_int_equal(att_text_tokenizer_bos(t), -1);
    assert_int_equal(att_text_tokenizer_adds_bos(t), 0);
    att_text_tokenizer_destroy(t);
    assert_int_equal(
        att_text_tokenizer_parse_json(&t, "q", bytes, map.n_bytes, WRONG, sizeof WRONG - 1, &err),
        ATT_E_MODEL);
    assert_non_null(strstr(err.text, "<|nobody|>"));
    assert_null(t);
    att_filemap_close(&map);
}

/* What is not known is refused by its name. The texts replace a piece of a file that is. */
static void unknown_parts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *old, *now, *says;
    } KNOWN[] = {
        {"qwen2", "\"type\":\"NFC\"", "\"type\":\"Lowercase\"", "Lowercase"},
        {"qwen2", "\"Isolated\"", "\"Removed\"", "Isolated"},
        {"qwen2", "(?i:", "(?<a", "this group"},
        {"qwen2", "\\\\p{N}|", "\\\\h|", "this escape"},
        {"qwen2", "(?!\\\\S)", "$", "an anchor"},
        {"qwen2", "(?i:", "(?:(", "is none"},
        {"smollm", "\"type\":\"Digits\"", "\"type\":\"Punctuation\"", "Punctuation"},
        {"smollm", "\"use_regex\":true", "\"use_regex\":true,\"add_prefix_space\":true", "x"},
        {"smollm", "\"dropout\":null", "\"dropout\":0.1", "by chance"},
        {"smollm", "\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"", "suffix"},
        {"smollm", "\"type\":\"BPE\"", "\"type\":\"WordPiece\"", "WordPiece"},
        {"smollm", "\"lstrip\":false", "\"lstrip\":true", "lstrip"},
        {"smollm", "\"!\":0", "\"!\":1", "the same id"},
        {"smollm", "\"!\":0", "\"!\":-1", "has the id"},
        {"smollm", "\"!\":0", "\"!\":1e9", "has the id"},
        {"smollm", "\"!\":0", "\"!\":[]", "has no id"},
        {"smollm", "\"merges\":[", "\"merges\":[\"q zq\",", "two tokens"},
        {"smollm", "\"merges\":[", "\"merges\":[\"! !\",", "make none"},
        {"smollm", "\"merges\":[", "\"merges\":[\"!\\u0000\",", "NUL"},
        {"smollm", "{", "[[[[[[[[[[[[[[[[[[[[{", "nested deeper"},
        {"smollm", "\"version\"", "version", "no JSON object"},
        {"mistral", "\"replacement\":\"▁\"", "\"replacement\":\"_\"", "replacement"},
        {"mistral", "\"first\"", "\"last\"", "prepends 'last'"},
        {"llama2", "\"prepend\":\"▁\"", "\"prepend\":\"x\"", "Prepend"},
        {"llama2", "\"unk_token\":\"<unk>\"", "\"unk_token\":\"<u>\"", "unk_token"},
        {"unigram", "\"unk_id\":0", "\"unk_id\":4000", "unk_id"},
        {"unigram", "[\"<s>\",0.0]", "[\"<s>\",null]", "score"},
    };
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        att_filemap map;
        att_err err = {0};
        att_text_tokenizer *t;
        char path[512];
        snprintf(path, sizeof path, FOLDER "%s.json", KNOWN[k].file);
        assert_int_equal(att_filemap_open(&map, path, &err), ATT_OK);
        char *whole = calloc(map.n_bytes + 1, 1), *text = calloc(map.n_bytes + 256, 1);
        memcpy(whole, map.bytes, map.n_bytes);
        att_filemap_close(&map);
        const char *at = strstr(whole, KNOWN[k].old);
        if (!at) fail_msg("%s has no %s", KNOWN[k].file, KNOWN[k].old);
        sprintf(text, "%.*s%s%s", (int)(at - whole), whole, KNOWN[k].now,
                at + strlen(KNOWN[k].old));
        const att_status status =
            att_text_tokenizer_parse_json(&t, "that.json", text, strlen(text), NULL, 0, &err);
        if (strcmp(KNOWN[k].says, "x") == 0) { /* the first of two equal keys is taken */
            assert_int_equal(status, ATT_OK);
            att_text_tokenizer_destroy(t);
        } else if (status != ATT_E_MODEL || t || !strstr(err.text, KNOWN[k].says) ||
                   !strstr(err.text, "that.json")) {
            fail_msg("%s: status %d, '%s'", KNOWN[k].now, status, err.text);
        }
        free(whole);
        free(text);
    }
}

static void vocabularies_are_checked(void **state)
{
    (void)state;
    static const char *const PIECES[] = {"a", "b", "ab", "<0x0G>"};
    static const uint32_t BYTES[] = {1, 1, 2, 6};
    static const double SCORES[] = {0.0, 0.0, -1.0, 0.0};
    static const int32_t TYPES[] = {1, 1, 1, 6}, JOIN[1][2] = {{0, 1}};
    att_text_tokenizer *t;
    att_err err;
    att_text_vocabulary v;
    att_text_vocabulary_init(&v);
    assert_int_equal(att_text_tokenizer_create(&t, &v, &err), ATT_E_MODEL);
    v.n = 3;
    v.pieces = PIECES;
    v.piece_bytes = BYTES;
    v.merges = JOIN;
    v.n_merges = 1;
    v.pre = "gpt-5";
    assert_int_equal(att_text_tokenizer_create(&t, &v, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "gpt-5"));
    v.pre = "gpt-2";
    assert_int_equal(att_text_tokenizer_create(&t, &v, &err), ATT_OK);
    att_text_tokenizer_destroy(t);
    v.eos = 3;
    assert_int_equal(att_text_tokenizer_create(&t, &v, &err), ATT_E_MODEL);
    v.eos = -1;
    v.n = 4;
    v.types = TYPES;
    assert_int_equal(att_text_tokenizer_create(&t, &v, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "<0x0G>"));
    v.n = 3;
    v.model = ATT_TEXT_UNIGRAM;
    assert_int_equal(att_text_tokenizer_create(&t, &v, &err), ATT_E_MODEL); /* no scores */
    v.scores = SCORES;
    v.pre = NULL;
    assert_int_equal(att_text_tokenizer_create(&t, &v, &err), ATT_OK);
    att_text_tokenizer_destroy(t);
    for (size_t i = 0; att_text_pre_name(i); i++) {
        v.model = ATT_TEXT_BPE;
        v.pre = att_text_pre_name(i);
        assert_int_equal(att_text_tokenizer_create(&t, &v, &err), ATT_OK);
        att_text_tokenizer_destroy(t);
    }
}

/* Time that grows with the square of a word would be minutes. */
static void long_words_are_no_trouble(void **state)
{
    (void)state;
    enum { N = 1 << 18 };
    static const char *const PATTERNS[] = {"a", "the", "ab\xcc\x81", " ", "\n", "  \n", "12", "="};
    char *text = calloc(N + 8, 1);
    for (int i = 0; i < N_NAMES; i++) {
        att_text_tokenizer *t = open_one(NAMES[i]);
        for (size_t p = 0; p < sizeof PATTERNS / sizeof *PATTERNS; p++) {
            const size_t n_pattern = strlen(PATTERNS[p]);
            int32_t *ids, n;
            att_err err;
            for (size_t k = 0; k < N; k++) text[k] = PATTERNS[p][k % n_pattern];
            if (att_text_tokenizer_encode(t, text, N, 0, &ids, &n, &err)) fail_msg("%s", err.text);
            size_t n_bytes = 0;
            for (int32_t k = 0; k < n; k++) {
                const char *bytes;
                size_t n_token;
                att_text_tokenizer_decode(t, ids[k], &bytes, &n_token);
                n_bytes += n_token;
            }
            if (i < 5 && p != 2) assert_in_range(n_bytes, N, N + 1);
            att_free(ids);
        }
        att_text_tokenizer_destroy(t);
    }
    free(text);
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    att_text_tokenizer *t = open_one("qwen2");
    char *text = calloc(ATT_TEXT_MAX_BYTES + 1, 1);
    int32_t *ids, n;
    att_err err;
    assert_int_equal(att_text_tokenizer_encode(t, text, ATT_TEXT_MAX_BYTES + 1, 0, &ids, &n, &err),
                     ATT_E_ARG);
    assert_null(ids);
    for (size_t i = 0; i < 2050; i++) text[i] = i % 2 ? '\x81' : '\xcc'; /* U+0301 */
    assert_int_equal(att_text_tokenizer_encode(t, text, 2048, 0, &ids, &n, &err), ATT_OK);
    att_free(ids);
    assert_int_equal(att_text_tokenizer_encode(t, text, 2050, 0, &ids, &n, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "combining marks"));
    free(text);
    att_text_tokenizer_destroy(t);
}

typedef struct job {
    const att_text_tokenizer *t;
    const cJSON *golden;
    int n;
} job;

static void *encode_all(void *data)
{
    job *j = data;
    j->n = textgolden_check(j->golden, "qwen2", "parsed", j->t, ATT_TEXT_PARSE_SPECIAL);
    return NULL;
}

static void threads_share_one(void **state)
{
    att_text_tokenizer *t = open_one("qwen2");
    pthread_t threads[4];
    job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (job){t, *state, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_all, &jobs[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].n, N_TEXTS);
    }
    att_text_tokenizer_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_the_references),
        cmocka_unit_test(tokens_are_the_text),
        cmocka_unit_test(special_tokens_are_known),
        cmocka_unit_test(config_says_what_begins_and_ends),
        cmocka_unit_test(unknown_parts_are_refused),
        cmocka_unit_test(vocabularies_are_checked),
        cmocka_unit_test(long_words_are_no_trouble),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(threads_share_one),
    };
    return cmocka_run_group_tests_name("text_tokenizer", tests, textgolden_open, textgolden_close);
}
