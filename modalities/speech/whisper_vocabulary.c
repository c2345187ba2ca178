/* whisper_vocabulary.c - the vocabulary's files in a model folder (whisper_tokens.h).
 * Tests: tests/unit/test_tokens.c */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "filemap.h"
#include "mem.h"
#include "whisper_tokens.h"

enum { MAX_FILE_BYTES = 64 << 20, MAX_IDS = 1 << 20 };

/* A text file of the folder with a NUL behind it; *text is NULL when there is no such file. */
static att_status read_text(const char *folder, const char *name, char **text, char **path,
                            att_err *err)
{
    att_filemap map;
    *text = NULL;
    *path = att_sprintf("%s/%s", folder, name);
    if (!*path) return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", name);
    if (att_filemap_open(&map, *path, NULL) != ATT_OK) return ATT_OK;
    att_status status = ATT_OK;
    if (map.n_bytes > MAX_FILE_BYTES)
        status = att_fail(err, ATT_E_MODEL, "read %s: %zu bytes, at most %d are expected", *path,
                          map.n_bytes, MAX_FILE_BYTES);
    if (!status) *text = att_calloc(map.n_bytes + 1, 1);
    if (!status && !*text) status = att_fail(err, ATT_E_MEMORY, "read %s: out of memory", *path);
    if (!status && map.n_bytes) memcpy(*text, map.bytes, map.n_bytes);
    att_filemap_close(&map);
    return status;
}

/* A growing list of borrowed texts, by id. */
typedef struct list {
    const char **texts;
    int32_t n, room;
} list;

static int set_text(list *l, int32_t id, const char *text)
{
    if (id < 0 || id >= MAX_IDS) return 0;
    if (id >= l->room) {
        const int32_t room = id + 65536;
        const char **grown = att_realloc(l->texts, (size_t)room, sizeof *grown);
        if (!grown) return 0;
        for (int32_t i = l->room; i < room; i++) grown[i] = "";
        l->texts = grown;
        l->room = room;
    }
    l->texts[id] = text;
    if (id >= l->n) l->n = id + 1;
    return 1;
}

/* vocabulary.txt: cut at line ends, in place. */
static att_status from_lines(char *text, list *l)
{
    int32_t id = 0;
    while (*text) {
        char *end = strchr(text, '\n');
        if (end) *end = 0;
        if (!set_text(l, id++, text)) return ATT_E_MODEL;
        if (!end) break;
        text = end + 1;
    }
    return ATT_OK;
}

/* vocabulary.json: a list of texts. */
static att_status from_array(const cJSON *array, list *l)
{
    int32_t id = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, array)
    {
        if (!cJSON_IsString(entry) || !set_text(l, id++, entry->valuestring)) return ATT_E_MODEL;
    }
    return ATT_OK;
}

/* tokenizer.json: model.vocab is text to id, added_tokens a list of {id, content}. */
static att_status from_tokenizer(const cJSON *root, list *l)
{
    const cJSON *vocab = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "model"), "vocab"), *entry;
    const cJSON *added = cJSON_GetObjectItem(root, "added_tokens");
    if (!cJSON_IsObject(vocab)) return ATT_E_MODEL;
    cJSON_ArrayForEach(entry, vocab)
    {
        if (!cJSON_IsNumber(entry) || !set_text(l, entry->valueint, entry->string))
            return ATT_E_MODEL;
    }
    cJSON_ArrayForEach(entry, added)
    {
        const cJSON *id = cJSON_GetObjectItem(entry, "id");
        const cJSON *content = cJSON_GetObjectItem(entry, "content");
        if (!cJSON_IsNumber(id) || !cJSON_IsString(content) ||
            !set_text(l, id->valueint, content->valuestring))
            return ATT_E_MODEL;
    }
    return ATT_OK;
}

/* The first vocabulary file that the folder has. */
static att_status open_vocabulary(att_whisper_tokens **tokens, const char *folder, att_err *err)
{
    static const char *const NAMES[] = {"vocabulary.json", "vocabulary.txt", "tokenizer.json"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char *text = NULL, *path = NULL;
        cJSON *root = NULL;
        list l = {NULL, 0, 0};
        att_status status = read_text(folder, NAMES[i], &text, &path, err);
        const int found = status || text;
        if (!status && text) {
            if (i != 1) root = cJSON_Parse(text);
            status = i == 1   ? from_lines(text, &l)
                     : !root  ? ATT_E_MODEL
                     : i == 0 ? from_array(root, &l)
                              : from_tokenizer(root, &l);
            if (status)
                att_fail(err, ATT_E_MODEL, "read %s: it is broken near token %d", path, l.n);
            else
                status = att_whisper_tokens_from_list(tokens, path, l.texts, l.n, err);
        }
        cJSON_Delete(root);
        att_free(l.texts);
        att_free(text);
        att_free(path);
        if (found) return status;
    }
    return att_fail(err, ATT_E_MODEL,
                    "open %s: there is no vocabulary.json, vocabulary.txt or tokenizer.json in it",
                    folder);
}

/* A list of ids; a missing one is empty. */
static att_status read_ids(const cJSON *array, const char *path, int32_t n_vocab, int32_t **ids,
                           int32_t *n, att_err *err)
{
    const cJSON *entry;
    const int size = cJSON_GetArraySize(array);
    *ids = att_calloc((size_t)size, sizeof **ids);
    if (!*ids) return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", path);
    cJSON_ArrayForEach(entry, array)
    {
        if (!cJSON_IsNumber(entry) || entry->valueint < 0 || entry->valueint >= n_vocab)
            return att_fail(err, ATT_E_MODEL,
                            "read %s: suppressed token %d is not in the vocabulary", path, *n);
        (*ids)[(*n)++] = entry->valueint;
    }
    return ATT_OK;
}

/* config.json as CTranslate2 writes it, or Hugging Face's generation_config.json. */
static att_status read_suppression(att_whisper_tokens *t, const char *folder, att_err *err)
{
    static const char *const KEYS[][3] = {
        {"config.json", "suppress_ids", "suppress_ids_begin"},
        {"generation_config.json", "suppress_tokens", "begin_suppress_tokens"},
    };
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        char *text = NULL, *path = NULL;
        att_status status = read_text(folder, KEYS[i][0], &text, &path, err);
        cJSON *root = text ? cJSON_Parse(text) : NULL;
        const cJSON *all = cJSON_GetObjectItem(root, KEYS[i][1]);
        const int found = !status && cJSON_IsArray(all);
        if (!status && text && !root)
            status = att_fail(err, ATT_E_MODEL, "read %s: it is no JSON", path);
        if (found) {
            status = read_ids(all, path, t->n_vocab, &t->suppress, &t->n_suppress, err);
            if (!status)
                status = read_ids(cJSON_GetObjectItem(root, KEYS[i][2]), path, t->n_vocab,
                                  &t->suppress_first, &t->n_suppress_first, err);
        }
        cJSON_Delete(root);
        att_free(text);
        att_free(path);
        if (status || found) return status;
    }
    return att_fail(err, ATT_E_MODEL,
                    "open %s: neither config.json nor generation_config.json lists the tokens to "
                    "suppress",
                    folder);
}

att_status att_whisper_tokens_open(att_whisper_tokens **tokens, const char *folder, att_err *err)
{
    *tokens = NULL;
    att_status status = open_vocabulary(tokens, folder, err);
    if (!status) status = read_suppression(*tokens, folder, err);
    if (status) {
        att_whisper_tokens_close(*tokens);
        *tokens = NULL;
    }
    return status;
}
