/* weights.c - opening a file of weights, its index, look-up (weights.h).
 * Tests: tests/unit/test_weights.c, tests/fuzz/fuzz_weights.c */
#define _DEFAULT_SOURCE
#include "weights_index.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"
#include "shards.h"

/* The format by content, or NULL after saying what else the file is. */
static att_status tell_format(att_weights *w, att_err *err)
{
    static const struct {
        const char *magic, *what;
    } OTHERS[] = {
        {"PK\003\004", "a zip file (a PyTorch checkpoint or a package)"},
        {"version https://git-lfs", "a git-lfs pointer, not the file it points to"},
    };
    const uint8_t *b = w->bytes;
    if (atti_is_shard_index(b, w->n_bytes))
        return atti_reject(w, 0, err,
                           "this is JSON, as an index of safetensors: it is read from a "
                           "file only, which lies beside the files that it names");
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        const size_t n = strlen(OTHERS[i].magic);
        if (w->n_bytes >= n && memcmp(b, OTHERS[i].magic, n) == 0)
            return atti_reject(w, 0, err,
                               "this is %s; attend reads CTranslate2 model.bin, safetensors, "
                               "GGUF and ggml .bin",
                               OTHERS[i].what);
    }
    if (w->n_bytes >= 4 && memcmp(b, "GGUF", 4) == 0) {
        w->format = "gguf";
    } else if (w->n_bytes >= 4 && memcmp(b, "lmgg", 4) == 0) {
        w->format = "ggml";
    } else if (w->n_bytes > 8 && b[8] == '{') { /* after a length of 8 bytes, a JSON object */
        w->format = "safetensors";
    } else if (w->n_bytes >= 4 && b[0] && b[0] < 64 && !b[1] && !b[2] && !b[3]) {
        w->format = "ctranslate2"; /* starts with a small version number */
    } else {
        return atti_reject(
            w, 0, err, "%s; attend reads CTranslate2 model.bin, safetensors, GGUF and ggml .bin",
            w->n_bytes ? "the format is not known" : "the file is empty");
    }
    return ATT_OK;
}

static att_status read_index(att_weights *w, att_err *err)
{
    att_status status = tell_format(w, err);
    if (!status)
        status = w->format[0] == 'c'              ? atti_read_ct2(w, err)
                 : w->format[0] == 's'            ? atti_read_safetensors(w, err)
                 : strcmp(w->format, "gguf") == 0 ? atti_read_gguf(w, err)
                                                  : atti_read_ggml(w, err);
    if (status) return status;
    w->wanted = att_calloc(w->n_entries, 1);
    return w->wanted ? ATT_OK : atti_no_memory(w, err);
}

att_status att_weights_open_memory(att_weights **weights, const char *name, const void *bytes,
                                   size_t n_bytes, att_err *err)
{
    *weights = NULL;
    att_weights *w = att_calloc(1, sizeof *w);
    if (w) w->path = att_strdup(name);
    if (!w || !w->path) {
        att_weights_close(w);
        return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", name);
    }
    w->bytes = bytes;
    w->n_bytes = n_bytes;
    const att_status status = read_index(w, err);
    if (status) {
        att_weights_close(w);
        return status;
    }
    *weights = w;
    return ATT_OK;
}

static int exists(const char *folder, const char *name)
{
    struct stat st;
    char *path = att_sprintf("%s/%s", folder, name);
    const int there = path && stat(path, &st) == 0;
    att_free(path);
    return there;
}

/* How many files *.gguf are in the folder; *file is one of them, owned by the caller, or NULL. */
static size_t find_gguf(const char *folder, char **file)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    *file = NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        const size_t n_name = strlen(e->d_name);
        if (n_name <= 5 || strcmp(e->d_name + n_name - 5, ".gguf") != 0) continue;
        n++;
        if (!*file) *file = att_sprintf("%s/%s", folder, e->d_name);
    }
    if (d) closedir(d);
    return n;
}

/* The file that path means: itself, or the weights in the folder. Owned by the caller. */
static att_status resolve(char **file, const char *path, att_err *err)
{
    static const char *const NAMES[] = {"model.bin", "model.safetensors",
                                        "model.safetensors.index.json", "ggml-model.bin"};
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        *file = att_strdup(path);
        return *file ? ATT_OK : att_fail(err, ATT_E_MEMORY, "open %s: out of memory", path);
    }
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (!exists(path, NAMES[i])) continue;
        *file = att_sprintf("%s/%s", path, NAMES[i]);
        return *file ? ATT_OK : att_fail(err, ATT_E_MEMORY, "open %s: out of memory", path);
    }
    const size_t n = find_gguf(path, file);
    if (n == 1) return *file ? ATT_OK : att_fail(err, ATT_E_MEMORY, "open %s: out of memory", path);
    att_free(*file);
    *file = NULL;
    if (n > 1)
        return att_fail(err, ATT_E_MODEL,
                        "open %s: the folder holds %zu .gguf files, expected one; give the path of "
                        "the file that is meant",
                        path, n);
    return att_fail(err, ATT_E_MODEL,
                    "open %s: the folder holds %s, expected model.bin, model.safetensors, "
                    "model.safetensors.index.json or one .gguf file",
                    path,
                    exists(path, "pytorch_model.bin")
                        ? "a PyTorch pickle, which is not read: save it as safetensors"
                        : "no weights");
}

/* A file that is no index. */
static att_status open_one(att_weights **weights, const char *file, att_err *err)
{
    att_filemap map;
    att_status status = att_filemap_open(&map, file, err);
    if (status) return status;
    status = att_weights_open_memory(weights, file, map.bytes, map.n_bytes, err);
    if (status)
        att_filemap_close(&map);
    else
        (*weights)->map = map;
    return status;
}

/* Opens the files that the index names and takes over the arrays that it says are in them. */
static att_status open_shards(att_weights *w, const atti_shards *shards, att_err *err)
{
    const char *slash = strrchr(w->path, '/');
    const int n_folder = slash ? (int)(slash - w->path) + 1 : 0;
    att_status status = ATT_OK;
    w->parts = att_calloc(shards->n_files, sizeof(att_weights *));
    if (!w->parts) return atti_no_memory(w, err);
    for (size_t i = 0; i < shards->n_files; i++) {
        char *path = att_sprintf("%.*s%s", n_folder, w->path, shards->files[i]);
        if (!path) return atti_no_memory(w, err);
        status = open_one(&w->parts[i], path, err);
        att_free(path);
        if (status) return att_fail_in(err, ATT_E_MODEL, "read %s", w->path);
        w->n_parts++;
    }
    for (size_t i = 0; !status && i < shards->n_rows; i++) {
        const atti_shard_row *row = &shards->rows[i];
        const atti_entry *entry = atti_find(w->parts[row->file], row->array);
        if (!entry)
            return atti_reject(w, row->at, err, "'%s' is not in %s", row->array,
                               shards->files[row->file]);
        status = atti_add_array(w, row->array, strlen(row->array), &entry->array, row->at, err);
    }
    return status ? status : atti_sort(w, err);
}

/* map becomes the handle's. */
static att_status open_index(att_weights **weights, const char *file, att_filemap map, att_err *err)
{
    atti_shards shards;
    att_weights *w = att_calloc(1, sizeof *w);
    if (w) w->path = att_strdup(file);
    if (!w || !w->path) {
        att_filemap_close(&map);
        att_weights_close(w);
        return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", file);
    }
    w->map = map;
    w->bytes = map.bytes;
    w->n_bytes = map.n_bytes;
    w->format = "safetensors";
    att_status status = atti_shards_parse(&shards, w, err);
    if (!status) status = open_shards(w, &shards, err);
    atti_shards_free(&shards);
    if (!status) w->wanted = att_calloc(w->n_entries, 1);
    if (!status && !w->wanted) status = atti_no_memory(w, err);
    if (status)
        att_weights_close(w);
    else
        *weights = w;
    return status;
}

att_status att_weights_open(att_weights **weights, const char *path, att_err *err)
{
    *weights = NULL;
    char *file = NULL;
    att_filemap map;
    att_status status = resolve(&file, path, err);
    if (status) return status;
    status = att_filemap_open(&map, file, err);
    if (!status && atti_is_shard_index(map.bytes, map.n_bytes)) {
        status = open_index(weights, file, map, err);
    } else if (!status) {
        att_filemap_close(&map);
        status = open_one(weights, file, err);
    }
    att_free(file);
    return status;
}

void att_weights_close(att_weights *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->n_entries; i++) att_free((char *)w->entries[i].array.name);
    for (size_t i = 0; i < w->n_pairs; i++) {
        att_free(w->pairs[i].key);
        att_free(w->pairs[i].text);
    }
    for (size_t i = 0; i < w->n_parts; i++) att_weights_close(w->parts[i]);
    att_free(w->parts);
    att_free(w->entries);
    att_free(w->pairs);
    att_free(w->wanted);
    att_free(w->path);
    att_filemap_close(&w->map);
    att_free(w);
}

const char *att_weights_format(const att_weights *weights)
{
    return weights->format;
}

const char *att_weights_path(const att_weights *weights)
{
    return weights->path;
}

size_t att_weights_count(const att_weights *weights)
{
    return weights->n_entries;
}

const att_array *att_weights_at(const att_weights *weights, size_t i)
{
    return i < weights->n_entries ? &weights->entries[i].array : NULL;
}

const att_array *att_weights_find(const att_weights *weights, const char *name)
{
    const atti_entry *entry = atti_find(weights, name);
    return entry ? &entry->array : NULL;
}

/* The file that the array's data lies in. */
static const att_weights *holder(const att_weights *weights, const att_array *array)
{
    const uint8_t *data = array->data;
    for (size_t i = 0; i < weights->n_parts; i++) {
        const att_weights *part = weights->parts[i];
        if (data >= part->bytes && data < part->bytes + part->n_bytes) return part;
    }
    return weights;
}

void att_weights_forget_array(const att_weights *weights, const att_array *array)
{
    att_filemap_forget(&holder(weights, array)->map, (size_t)array->offset, array->bytes);
}

void att_weights_forget(const att_weights *weights)
{
    att_filemap_forget(&weights->map, 0, weights->map.n_bytes);
    for (size_t i = 0; i < weights->n_parts; i++) att_weights_forget(weights->parts[i]);
}
