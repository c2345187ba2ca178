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

/* vocab.json and added_tokens.json: an object, text to id. */
static att_status from_map(const cJSON *map, list *l)
{
    const cJSON *entry;
    if (!cJSON_IsObject(map)) return ATT_E_MODEL;
    cJSON_ArrayForEach(entry, map)
    {
        if (!cJSON_IsNumber(entry) || !set_text(l, entry->valueint, entry->string))
            return ATT_E_MODEL;
    }
    return ATT_OK;
}

/* tokenizer.json: model.vocab is text to id, added_tokens a list of {id, content}. */
static att_status from_tokenizer(const cJSON *root, list *l)
{
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(root, "model"), *entry;
    const cJSON *added = cJSON_GetObjectItemCaseSensitive(root, "added_tokens");
    if (from_map(cJSON_GetObjectItemCaseSensitive(model, "vocab"), l)) return ATT_E_MODEL;
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

static att_status from_object(const cJSON *root, list *l)
{
    /* "model" is a word too: in a vocab.json it has a number */
    const int tokenizer = cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(root, "model"));
    return tokenizer ? from_tokenizer(root, l) : from_map(root, l);
}

/* One file, and what keeps its texts alive. */
typedef struct source {
    const char *name;
    const void *bytes;
    size_t n;
    char *text;
    cJSON *root;
} source;

/* JSON of any form, or lines. */
static att_status read_text(source *s, list *l, att_err *err)
{
    const char *end = s->text;
    const size_t blank = strspn(s->text, " \t\r\n");
    const int array = s->text[blank] == '[' && strchr("\"] \t\r\n", s->text[blank + 1]);
    const int object = s->text[blank] == '{' && strchr("\"} \t\r\n", s->text[blank + 1]);
    att_status status = ATT_OK;
    if (memchr(s->text, 0, s->n))
        return att_fail(err, ATT_E_MODEL, "read %s: byte %zu is 0, a vocabulary is text", s->name,
                        strlen(s->text));
    if (array || object) {
        s->root = cJSON_ParseWithLengthOpts(s->text, s->n, &end, 0);
        if (!s->root)
            return att_fail(err, ATT_E_MODEL, "read %s: it is no JSON at byte %zu", s->name,
                            (size_t)(end - s->text));
        status = array ? from_array(s->root, l) : from_object(s->root, l);
    } else {
        status = from_lines(s->text, l);
    }
    if (!status) return ATT_OK;
    return att_fail(err, ATT_E_MODEL,
                    "read %s: entry %d is no token; expected a list of texts, one text a line, "
                    "texts with their ids, or a tokenizer.json",
                    s->name, l->n);
}

static att_status read_source(source *s, list *l, att_err *err)
{
    if (s->n > MAX_FILE_BYTES)
        return att_fail(err, ATT_E_MODEL, "read %s: %zu bytes, at most %d are expected", s->name,
                        s->n, MAX_FILE_BYTES);
    s->text = att_calloc(s->n + 1, 1);
    if (!s->text) return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", s->name);
    if (s->n) memcpy(s->text, s->bytes, s->n);
    return read_text(s, l, err);
}

/* The tokens of all sources together. */
static att_status parse(att_whisper_tokens **tokens, source *sources, size_t n, att_err *err)
{
    list l = {NULL, 0, 0};
    att_status status = ATT_OK;
    *tokens = NULL;
    for (size_t i = 0; !status && i < n; i++) status = read_source(&sources[i], &l, err);
    if (!status) status = atti_whisper_tokens_complete(tokens, sources->name, l.texts, l.n, err);
    for (size_t i = 0; i < n; i++) {
        cJSON_Delete(sources[i].root);
        att_free(sources[i].text);
    }
    att_free(l.texts);
    return status;
}

att_status att_whisper_tokens_parse(att_whisper_tokens **tokens, const char *name,
                                    const void *bytes, size_t n, att_err *err)
{
    source s = {.name = name, .bytes = bytes, .n = n};
    return parse(tokens, &s, 1, err);
}

enum { MAX_SOURCES = 2 };

/* The files of a folder that are its vocabulary. */
typedef struct files {
    char *paths[MAX_SOURCES];
    att_filemap maps[MAX_SOURCES];
    source sources[MAX_SOURCES];
    size_t n;
} files;

/* Opens folder/name; *found: whether there is one. */
static att_status add_file(files *f, const char *folder, const char *name, int *found, att_err *err)
{
    char *path = att_sprintf("%s/%s", folder, name);
    if (!path) return att_fail(err, ATT_E_MEMORY, "open %s: out of memory", folder);
    *found = access(path, F_OK) == 0;
    if (!*found) {
        att_free(path);
        return ATT_OK;
    }
    f->paths[f->n] = path;
    const att_filemap *map = &f->maps[f->n];
    if (att_filemap_open(&f->maps[f->n++], path, err)) /* there, and not to be passed over */
        return att_fail_in(err, ATT_E_MODEL, "read the vocabulary");
    f->sources[f->n - 1] = (source){.name = path, .bytes = map->bytes, .n = map->n_bytes};
    return ATT_OK;
}

att_status att_whisper_tokens_open(att_whisper_tokens **tokens, const char *folder, att_err *err)
{
    static const char *const NAMES[] = {"vocabulary.json", "vocabulary.txt", "tokenizer.json",
                                        "vocab.json"};
    enum { WITH_ADDED = 3, N_NAMES = sizeof NAMES / sizeof *NAMES };
    int i = 0, found = 0;
    files f;
    memset(&f, 0, sizeof f);
    *tokens = NULL;
    att_status status = ATT_OK;
    for (; !status && !found && i < N_NAMES; i++)
        status = add_file(&f, folder, NAMES[i], &found, err);
    if (!status && !found)
        status = att_fail(err, ATT_E_MODEL,
                          "open %s: there is no vocabulary.json, vocabulary.txt, tokenizer.json or "
                          "vocab.json in it",
                          folder);
    if (!status && i - 1 == WITH_ADDED)
        status = add_file(&f, folder, "added_tokens.json", &found, err);
    if (!status) status = parse(tokens, f.sources, f.n, err);
    for (size_t k = 0; k < f.n; k++) {
        att_filemap_close(&f.maps[k]);
        att_free(f.paths[k]);
    }
    return status;
}
