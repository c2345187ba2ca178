/* shards.c - shards.h. Tests: tests/unit/test_shards.c, tests/fuzz/fuzz_shards.c */
#include "shards.h"

#include <string.h>

#include "mem.h"

enum { MAX_FILES = 1024, MAX_ARRAYS = 1 << 18, MAX_FILE_NAME = 255, MAX_BYTES = 100000000 };

int atti_is_shard_index(const uint8_t *bytes, size_t n)
{
    /* a safetensors file of less than 2^56 bytes of header has a zero there */
    return n > 8 && bytes[0] == '{' && bytes[7] != 0;
}

/* A file beside the index: no path, nothing hidden. */
static int is_plain(const char *name)
{
    static const char END[] = ".safetensors";
    const size_t n = strlen(name), n_end = sizeof END - 1;
    return n > n_end && n <= MAX_FILE_NAME && name[0] != '.' && !strpbrk(name, "/\\") &&
           atti_is_name((const uint8_t *)name, n) && strcmp(name + n - n_end, END) == 0;
}

static att_status find_file(atti_shards *s, const char *name, const att_weights *w, uint64_t at,
                            size_t *file, att_err *err)
{
    for (*file = s->n_files; *file > 0; --*file) /* mostly the latest */
        if (strcmp(s->files[*file - 1], name) == 0) {
            --*file;
            return ATT_OK;
        }
    if (s->n_files == MAX_FILES)
        return atti_reject(w, at, err, "more than %d files are named", MAX_FILES);
    if (s->n_files == s->files_room) {
        const size_t room = 2 * s->files_room + 8;
        const char **grown = att_realloc(s->files, room, sizeof *grown);
        if (!grown) return atti_no_memory(w, err);
        s->files = grown;
        s->files_room = room;
    }
    *file = s->n_files;
    s->files[s->n_files++] = name;
    return ATT_OK;
}

static att_status read_row(atti_shards *s, const cJSON *item, atti_json *j)
{
    atti_shard_row *row = &s->rows[s->n_rows];
    const char *file = cJSON_GetStringValue(item);
    row->array = item->string;
    if (!atti_is_name((const uint8_t *)row->array, strlen(row->array)))
        return atti_reject(j->w, j->at, j->err,
                           "a key of weight_map is no name: expected 1 to 1024 bytes of UTF-8");
    row->at = atti_json_key(j, row->array);
    if (!file || !is_plain(file))
        return atti_reject(j->w, row->at, j->err,
                           "'%s' is not in a file NAME.safetensors beside the index", row->array);
    s->n_rows++;
    return find_file(s, file, j->w, row->at, &row->file, j->err);
}

att_status atti_shards_parse(atti_shards *s, const att_weights *w, att_err *err)
{
    atti_json j = {
        .w = w, .what = "the index", .text = (const char *)w->bytes, .n = w->n_bytes, .err = err};
    memset(s, 0, sizeof *s);
    if (w->n_bytes > MAX_BYTES)
        return atti_reject(w, 0, err, "an index of %zu bytes, expected at most %d", w->n_bytes,
                           MAX_BYTES);
    att_status status = atti_json_parse(&j, &s->root);
    if (status) return status;
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(s->root, "weight_map"), *item;
    const int n = cJSON_IsObject(map) ? cJSON_GetArraySize(map) : 0;
    if (n < 1 || n > MAX_ARRAYS)
        return atti_reject(w, 0, err,
                           "this is JSON without a weight_map of 1 to %d arrays; attend reads "
                           "CTranslate2 model.bin, safetensors, their index and ggml .bin",
                           MAX_ARRAYS);
    s->rows = att_calloc((size_t)n, sizeof *s->rows);
    if (!s->rows) return atti_no_memory(w, err);
    (void)atti_json_key(&j, "weight_map");
    cJSON_ArrayForEach(item, map)
    {
        status = read_row(s, item, &j);
        if (status) break;
    }
    return status;
}

void atti_shards_free(atti_shards *s)
{
    att_free(s->rows);
    att_free(s->files);
    cJSON_Delete(s->root);
    memset(s, 0, sizeof *s);
}
