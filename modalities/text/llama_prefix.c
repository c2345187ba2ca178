/* llama_prefix.c - the keys and values of a text in a file, as safetensors (llama.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "llama_model.h"
#include "mem.h"
#include "outfile.h"

/* What a file must have been written by to be read again. */
static char *describe(const att_llama_session *s)
{
    const att_llama_config *c = &s->llama->config;
    return att_sprintf("attend text 1: %d layers, width %d, %d heads over %d of %d, vocabulary %d, "
                       "base %.9g, keys %s",
                       c->layers, c->width, c->heads, c->kv_heads, c->head_width,
                       att_llama_vocab(s->llama), c->rope.base,
                       att_dtype_name(s->caches[0].k.dtype));
}

/* Bytes of the keys, or of the values, of n tokens of one head. */
static size_t head_bytes(const att_cache *c, int32_t n)
{
    return (size_t)n * (size_t)c->d_qk * att_dtype_bytes(c->k.dtype);
}

static char *header_of(const att_llama_session *s, const char *description, int32_t n)
{
    const att_cache *c = &s->caches[0];
    const char *dtype = c->k.dtype == ATT_F16 ? "F16" : "F32";
    const size_t one = head_bytes(c, n) * (size_t)c->kv_heads;
    size_t at = (size_t)n * sizeof(int32_t);
    char *text = att_sprintf("{\"__metadata__\":{\"text\":\"%s\"},\"ids\":{\"dtype\":\"I32\","
                             "\"shape\":[%d],\"data_offsets\":[0,%zu]}",
                             description, n, at);
    for (int32_t i = 0; text && i < 2 * s->llama->config.layers; i++, at += one) {
        char *longer = att_sprintf("%s,\"%c.%d\":{\"dtype\":\"%s\",\"shape\":[%d,%d,%d],"
                                   "\"data_offsets\":[%zu,%zu]}",
                                   text, i % 2 ? 'v' : 'k', i / 2, dtype, c->kv_heads, n, c->d_qk,
                                   at, at + one);
        att_free(text);
        text = longer;
    }
    char *whole = text ? att_sprintf("%s}", text) : NULL;
    att_free(text);
    return whole;
}

static att_status write_bytes(FILE *file, const char *path, const void *bytes, size_t n,
                              att_err *err)
{
    if (fwrite(bytes, 1, n, file) == n) return ATT_OK;
    return att_fail(err, ATT_E_IO, "write %s: it cannot be written", path);
}

/* Head by head: a cache has room behind each. */
static att_status write_cache(att_llama_session *s, FILE *file, const char *path, att_view from,
                              int32_t n, void *scratch, att_err *err)
{
    const att_cache *c = &s->caches[0];
    att_status status = ATT_OK;
    for (int32_t g = 0; !status && g < c->kv_heads; g++) {
        status =
            att_queue_read(s->queue, scratch, att_view_at(from, (int64_t)g * c->capacity * c->d_qk),
                           (int64_t)n * c->d_qk, err);
        if (!status) status = write_bytes(file, path, scratch, head_bytes(c, n), err);
    }
    return status;
}

static att_status write_all(att_llama_session *s, FILE *file, const char *path, const char *header,
                            const int32_t *ids, int32_t n, att_err *err)
{
    const uint64_t length = strlen(header);
    void *scratch = att_calloc(head_bytes(&s->caches[0], n), 1);
    if (!scratch) return att_fail(err, ATT_E_MEMORY, "write %s: out of memory", path);
    att_status status = write_bytes(file, path, &length, sizeof length, err);
    if (!status) status = write_bytes(file, path, header, length, err);
    if (!status) status = write_bytes(file, path, ids, (size_t)n * sizeof *ids, err);
    for (int32_t i = 0; !status && i < s->llama->config.layers; i++) {
        status = write_cache(s, file, path, s->caches[i].k, n, scratch, err);
        if (!status) status = write_cache(s, file, path, s->caches[i].v, n, scratch, err);
    }
    att_free(scratch);
    return status;
}

att_status att_llama_save(att_llama_session *s, const char *path, const int32_t *ids, int32_t n,
                          att_err *err)
{
    att_outfile out = {.file = NULL};
    if (n < 1 || n != s->length || s->n_tracks != 1)
        return att_fail(err, ATT_E_ARG,
                        "write %s: %d tokens are told, the text has %d%s: only a whole text can be "
                        "kept",
                        path, n, s->length, s->n_tracks == 1 ? "" : ", of which some were dropped");
    char *description = describe(s), *header = description ? header_of(s, description, n) : NULL;
    att_status status = header ? att_outfile_open(&out, path, err)
                               : att_fail(err, ATT_E_MEMORY, "write %s: out of memory", path);
    if (!status) status = write_all(s, out.file, path, header, ids, n, err);
    if (!status) status = att_outfile_commit(&out, err);
    if (status) att_outfile_discard(&out);
    att_free(description);
    att_free(header);
    return status;
}

/* The array of the file, which must have these dims; NULL for none. */
static const att_array *find(const att_weights *file, const char *name, att_dtype dtype,
                             int32_t rank, const int64_t *dims)
{
    const att_array *a = att_weights_find(file, name);
    if (!a || a->dtype != dtype || a->blocks || a->rank != rank) return NULL;
    return memcmp(a->dims, dims, (size_t)rank * sizeof *dims) == 0 ? a : NULL;
}

static const att_array *find_cache(const att_weights *file, const att_cache *c, char kind,
                                   int32_t layer, int32_t n)
{
    const int64_t dims[] = {c->kv_heads, n, c->d_qk};
    char name[16];
    snprintf(name, sizeof name, "%c.%" PRId32, kind, layer);
    return find(file, name, c->k.dtype, 3, dims);
}

/* How many tokens the file holds, or an error. Nothing of the session changes. */
static att_status check_file(const att_llama_session *s, const att_weights *file, const char *path,
                             int32_t *n, att_err *err)
{
    const char *told = att_weights_text(file, "text");
    const att_array *ids = att_weights_find(file, "ids");
    char *description = describe(s);
    const int same = told && description && strcmp(told, description) == 0;
    att_free(description);
    if (!same || !ids || ids->rank != 1 || ids->dtype != ATT_I32 || ids->dims[0] < 1)
        return att_fail(err, ATT_E_INPUT, "read %s: it is no text of this model (it says '%s')",
                        path, told ? told : "nothing");
    if (ids->dims[0] > s->max_tokens)
        return att_fail(err, ATT_E_INPUT, "read %s: it has %lld tokens, there is room for %d", path,
                        (long long)ids->dims[0], s->max_tokens);
    *n = (int32_t)ids->dims[0];
    for (int32_t i = 0; i < s->llama->config.layers; i++)
        if (!find_cache(file, &s->caches[i], 'k', i, *n) ||
            !find_cache(file, &s->caches[i], 'v', i, *n))
            return att_fail(err, ATT_E_INPUT, "read %s: keys or values of layer %d are missing",
                            path, i);
    for (int32_t i = 0; i < *n; i++) {
        const double id = att_array_value(ids, (size_t)i);
        if (!(id >= 0 && id < att_llama_vocab(s->llama)))
            return att_fail(err, ATT_E_INPUT, "read %s: token %d is %g", path, i, id);
    }
    return ATT_OK;
}

static att_status read_cache(att_llama_session *s, const att_array *from, const att_cache *c,
                             att_view to, int32_t n, att_err *err)
{
    const char *data = from->data;
    att_status status = ATT_OK;
    for (int32_t g = 0; !status && g < c->kv_heads; g++)
        status = att_queue_write(s->queue, att_view_at(to, (int64_t)g * c->capacity * c->d_qk),
                                 data + (size_t)g * head_bytes(c, n), (int64_t)n * c->d_qk, err);
    return status;
}

static att_status read_all(att_llama_session *s, const att_weights *file, int32_t n, int32_t *ids,
                           att_err *err)
{
    const att_array *told = att_weights_find(file, "ids");
    att_status status = ATT_OK;
    att_llama_truncate(s, 0);
    for (int32_t i = 0; !status && i < s->llama->config.layers; i++) {
        att_cache *c = &s->caches[i];
        status = read_cache(s, find_cache(file, c, 'k', i, n), c, c->k, n, err);
        if (!status) status = read_cache(s, find_cache(file, c, 'v', i, n), c, c->v, n, err);
    }
    if (status) return status;
    for (int32_t i = 0; i < n; i++) {
        ids[i] = (int32_t)att_array_value(told, (size_t)i);
        s->tracks[0].places[i] = s->tracks[0].positions[i] = i;
    }
    s->tracks[0].n = s->length = n;
    for (int32_t i = 0; i < s->llama->config.layers; i++) s->caches[i].length = n;
    return ATT_OK;
}

att_status att_llama_restore(att_llama_session *s, const char *path, int32_t **ids, int32_t *n,
                             att_err *err)
{
    att_weights *file = NULL;
    *ids = NULL;
    att_status status = att_weights_open(&file, path, err);
    if (!status) status = check_file(s, file, path, n, err);
    if (!status && !(*ids = att_calloc((size_t)*n, sizeof **ids)))
        status = att_fail(err, ATT_E_MEMORY, "read %s: out of memory", path);
    if (!status) status = read_all(s, file, *n, *ids, err);
    att_weights_close(file);
    if (!status) return ATT_OK;
    att_free(*ids);
    *ids = NULL;
    return status;
}
