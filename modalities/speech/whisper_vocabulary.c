/* whisper_vocabulary.c - the vocabulary's file in a model folder (whisper_tokens.h).
 * Tests: tests/unit/test_tokens.c, tests/fuzz/fuzz_tokens.c */
#define _DEFAULT_SOURCE
#include <cjson/cJSON.h>
#include <string.h>
#include <unistd.h>

#include "filemap.h"
#include "mem.h"
#include "whisper_suppress.h"
#include "whisper_tokens.h"

enum { MAX_FILE_BYTES = 64 << 20, MAX_IDS = 1 << 20 };

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

/* JSON of either form, or lines. *root owns the texts of the list. */
static att_status read_list(char *text, size_t n, const char *name, cJSON **root, list *l,
                            att_err *err)
{
    const char *end = text;
    const size_t blank = strspn(text, " \t\r\n");
    const int array = text[blank] == '[' && strchr("\"] \t\r\n", text[blank + 1]);
    const int object = text[blank] == '{' && strchr("\"} \t\r\n", text[blank + 1]);
    att_status status = ATT_OK;
    if (memchr(text, 0, n))
        return att_fail(err, ATT_E_MODEL, "read %s: byte %zu is 0, a vocabulary is text", name,
                        strlen(text));
    if (array || object) {
        *root = cJSON_ParseWithLengthOpts(text, n, &end, 0);
        if (!*root)
            return att_fail(err, ATT_E_MODEL, "read %s: it is no JSON at byte %zu", name,
                            (size_t)(end - text));
        status = array ? from_array(*root, l) : from_tokenizer(*root, l);
    } else {
        status = from_lines(text, l);
    }
    if (!status) return ATT_OK;
    return att_fail(err, ATT_E_MODEL,
                    "read %s: entry %d is no token; expected a list of texts, one text a line, or "
                    "a tokenizer.json",
                    name, l->n);
}

att_status att_whisper_tokens_parse(att_whisper_tokens **tokens, const char *name,
                                    const void *bytes, size_t n, att_err *err)
{
    *tokens = NULL;
    if (n > MAX_FILE_BYTES)
        return att_fail(err, ATT_E_MODEL, "read %s: %zu bytes, at most %d are expected", name, n,
                        MAX_FILE_BYTES);
    cJSON *root = NULL;
    list l = {NULL, 0, 0};
    char *text = att_calloc(n + 1, 1);
    if (!text) return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", name);
    if (n) memcpy(text, bytes, n);
    att_status status = read_list(text, n, name, &root, &l, err);
    if (!status) status = atti_whisper_tokens_complete(tokens, name, l.texts, l.n, err);
    cJSON_Delete(root);
    att_free(l.texts);
    att_free(text);
    return status;
}

att_status att_whisper_tokens_open(att_whisper_tokens **tokens, const char *folder, att_err *err)
{
    static const char *const NAMES[] = {"vocabulary.json", "vocabulary.txt", "tokenizer.json"};
    *tokens = NULL;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        att_filemap map;
        char *path = att_sprintf("%s/%s", folder, NAMES[i]);
        if (!path) return att_fail(err, ATT_E_MEMORY, "open %s: out of memory", folder);
        const int found = access(path, F_OK) == 0;
        att_status status = found ? att_filemap_open(&map, path, err) : ATT_OK;
        if (status) /* there, but not to be read: not to be passed over either */
            status = att_fail_in(err, ATT_E_MODEL, "read the vocabulary");
        else if (found) {
            status = att_whisper_tokens_parse(tokens, path, map.bytes, map.n_bytes, err);
            att_filemap_close(&map);
        }
        att_free(path);
        if (found) return status;
    }
    return att_fail(err, ATT_E_MODEL,
                    "open %s: there is no vocabulary.json, vocabulary.txt or tokenizer.json in it",
                    folder);
}
