/* weights.c - opening a file of weights, its index, look-up (weights.h).
 * Tests: tests/unit/test_weights.c, tests/fuzz/fuzz_weights.c */
#define _DEFAULT_SOURCE
#include "weights_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"

/* The format by content, or NULL after saying what else the file is. */
static att_status tell_format(att_weights *w, att_err *err)
{
    static const struct {
        const char *magic, *what;
    } OTHERS[] = {
        {"GGUF", "a GGUF file"},
        {"PK\003\004", "a zip file (a PyTorch checkpoint or a package)"},
        {"version https://git-lfs", "a git-lfs pointer, not the file it points to"},
    };
    const uint8_t *b = w->bytes;
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        const size_t n = strlen(OTHERS[i].magic);
        if (w->n_bytes >= n && memcmp(b, OTHERS[i].magic, n) == 0)
            return atti_reject(w, 0, err,
                               "this is %s; attend reads CTranslate2 model.bin, safetensors and "
                               "ggml .bin",
                               OTHERS[i].what);
    }
    if (w->n_bytes >= 4 && memcmp(b, "lmgg", 4) == 0) {
        w->format = "ggml";
    } else if (w->n_bytes > 8 && b[8] == '{') { /* after a length of 8 bytes, a JSON object */
        w->format = "safetensors";
    } else if (w->n_bytes >= 4 && b[0] && b[0] < 64 && !b[1] && !b[2] && !b[3]) {
        w->format = "ctranslate2"; /* starts with a small version number */
    } else {
        return atti_reject(w, 0, err,
                           "%s; attend reads CTranslate2 model.bin, safetensors and ggml .bin",
                           w->n_bytes ? "the format is not known" : "the file is empty");
    }
    return ATT_OK;
}

static att_status read_index(att_weights *w, att_err *err)
{
    att_status status = tell_format(w, err);
    if (!status)
        status = w->format[0] == 'c'   ? atti_read_ct2(w, err)
                 : w->format[0] == 'g' ? atti_read_ggml(w, err)
                                       : atti_read_safetensors(w, err);
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

/* The file that path means: itself, or the weights in the folder. Owned by the caller. */
static att_status resolve(char **file, const char *path, att_err *err)
{
    static const char *const NAMES[] = {"model.bin", "model.safetensors"};
    struct stat st;
    *file = NULL;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        *file = att_strdup(path);
        return *file ? ATT_OK : att_fail(err, ATT_E_MEMORY, "open %s: out of memory", path);
    }
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char *name = att_sprintf("%s/%s", path, NAMES[i]);
        if (!name) return att_fail(err, ATT_E_MEMORY, "open %s: out of memory", path);
        if (stat(name, &st) == 0) {
            *file = name;
            return ATT_OK;
        }
        att_free(name);
    }
    char *parts = att_sprintf("%s/model.safetensors.index.json", path);
    const int in_parts = parts && stat(parts, &st) == 0;
    att_free(parts);
    return att_fail(
        err, ATT_E_MODEL, "open %s: the folder holds %s, expected model.bin or model.safetensors",
        path, in_parts ? "safetensors in several parts, which are not read yet" : "no weights");
}

att_status att_weights_open(att_weights **weights, const char *path, att_err *err)
{
    *weights = NULL;
    char *file = NULL;
    att_status status = resolve(&file, path, err);
    if (status) return status;
    att_filemap map;
    status = att_filemap_open(&map, file, err);
    if (!status) {
        status = att_weights_open_memory(weights, file, map.bytes, map.n_bytes, err);
        if (status) {
            att_filemap_close(&map);
        } else {
            (*weights)->map = map;
        }
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
        att_free(w->pairs[i].value);
    }
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

const char *att_weights_meta(const att_weights *weights, const char *key)
{
    for (size_t i = 0; i < weights->n_pairs; i++)
        if (strcmp(weights->pairs[i].key, key) == 0) return weights->pairs[i].value;
    return NULL;
}

void att_weights_forget_array(const att_weights *weights, const att_array *array)
{
    att_filemap_forget(&weights->map, (size_t)array->offset, array->bytes);
}

void att_weights_forget(const att_weights *weights)
{
    att_filemap_forget(&weights->map, 0, weights->map.n_bytes);
}
