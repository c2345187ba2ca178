/* ggml.c - ggml's older file (before GGUF), with the header that speech models have in it.
 *
 * Little-endian, nothing aligned: i32 magic; 11 i32, the model's numbers (FIELDS); i32 rows, i32
 * columns, f32 filters[rows][columns]; i32 tokens, each: i32 bytes, the bytes; then up to the end
 * tensors, each: i32 rank, i32 bytes of its name, i32 type, i32 dims[rank], innermost first, name,
 * data. The numbers become text of att_weights_text(); the filters an array "filters", the tokens
 * with their lengths one array of bytes, "vocabulary" (att_weights.h says so too).
 *
 * The last number is the type that most tensors have, plus 1000 times the version of the blocks.
 * Source: ggml-org's speech program and its converters. Tests: tests/unit/test_ggml.c,
 * tests/fuzz/fuzz_ggml.c */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cursor.h"
#include "ggml_types.h"

enum { MAX_TOKENS = 1 << 20, MAX_TOKEN_BYTES = 4096, BLOCK_VERSION = 2, VERSION_FACTOR = 1000 };

static const char *const FIELDS[] = {
    "n_vocab",    "n_audio_ctx",  "n_audio_state", "n_audio_head", "n_audio_layer",
    "n_text_ctx", "n_text_state", "n_text_head",   "n_text_layer", "n_mels",
};
enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS };

typedef struct reader {
    atti_cursor in;
    uint32_t block_version;
} reader;

/* A number in [0, most]. */
static att_status take_number(atti_cursor *c, const char *what, uint32_t most, uint32_t *value)
{
    const size_t at = c->at;
    uint64_t wide = 0;
    const att_status status = atti_take_number(c, 4, what, &wide);
    *value = (uint32_t)wide;
    if (status || *value <= most) return status;
    return atti_reject(c->w, at, c->err, "%s is %" PRId32 ", expected 0 to %" PRIu32, what,
                       (int32_t)*value, most);
}

static att_status keep_number(atti_cursor *c, const char *key, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, value);
    return atti_add_text(c->w, key, text, strlen(text), c->err);
}

static att_status read_header(reader *r)
{
    atti_cursor *c = &r->in;
    const uint8_t *magic;
    uint32_t value = 0;
    att_status status = atti_take(c, 4, "the magic number", &magic);
    for (int i = 0; i < N_FIELDS && !status; i++) {
        status = take_number(c, FIELDS[i], MAX_TOKENS, &value);
        if (!status) status = keep_number(c, FIELDS[i], value);
    }
    if (!status) status = take_number(c, "ftype", INT32_MAX, &value);
    if (!status) status = keep_number(c, "ftype", value % VERSION_FACTOR);
    r->block_version = value / VERSION_FACTOR;
    return status;
}

static att_status read_filters(atti_cursor *c)
{
    const size_t at = c->at;
    uint32_t rows = 0, columns = 0;
    const uint8_t *data = NULL;
    att_status status = take_number(c, "the number of filters", MAX_TOKENS, &rows);
    if (!status) status = take_number(c, "the width of the filters", MAX_TOKENS, &columns);
    att_array a = {.dtype = ATT_F32, .stored_as = "f32", .rank = 2, .dims = {rows, columns}};
    a.offset = c->at;
    if (!status) status = atti_take(c, 4 * (uint64_t)rows * columns, "the filters", &data);
    if (status) return status;
    a.bytes = c->at - (size_t)a.offset;
    a.data = data;
    return atti_add_array(c->w, "filters", strlen("filters"), &a, at, c->err);
}

static att_status read_vocabulary(atti_cursor *c)
{
    const size_t at = c->at;
    uint32_t n = 0, bytes = 0;
    const uint8_t *token;
    att_status status = take_number(c, "the number of tokens", MAX_TOKENS, &n);
    if (!status) status = keep_number(c, "n_tokens", n);
    att_array a = {.dtype = ATT_U8, .stored_as = "tokens", .rank = 1};
    a.offset = c->at;
    for (uint32_t i = 0; i < n && !status; i++) {
        status = take_number(c, "the length of a token", MAX_TOKEN_BYTES, &bytes);
        if (!status) status = atti_take(c, bytes, "a token", &token);
    }
    if (status) return status;
    a.bytes = c->at - (size_t)a.offset;
    a.dims[0] = (int64_t)a.bytes;
    a.data = c->w->bytes + a.offset;
    return atti_add_array(c->w, "vocabulary", strlen("vocabulary"), &a, at, c->err);
}

/* The type of a tensor whose name and dims are known, and its bytes. */
static att_status set_type(reader *r, uint32_t type, size_t at, const char *name, size_t n_name,
                           att_array *a)
{
    const att_status status =
        atti_set_ggml_type(r->in.w, type, name, n_name, at, at + 4, a, r->in.err);
    if (status || !a->blocks || r->block_version == BLOCK_VERSION) return status;
    return atti_reject(r->in.w, at, r->in.err,
                       "'%.*s' is %s in version %" PRIu32 " of the blocks, expected %d; "
                       "quantise the model again with current tools",
                       (int)n_name, name, a->stored_as, r->block_version, BLOCK_VERSION);
}

static att_status read_tensor(reader *r)
{
    atti_cursor *c = &r->in;
    const size_t at = c->at;
    uint32_t rank = 0, n_name = 0, type = 0, dim = 0;
    const uint8_t *name = NULL, *data = NULL;
    char what[128];
    att_array a = {0};
    att_status status = take_number(c, "a tensor's rank", ATT_ARRAY_MAX_RANK, &rank);
    if (!status) status = take_number(c, "the length of a tensor's name", 1024, &n_name);
    if (!status) status = take_number(c, "a tensor's type", INT32_MAX, &type);
    a.rank = (int32_t)rank;
    for (uint32_t i = rank; i > 0 && !status; i--) {
        status = take_number(c, "a tensor's dimension", INT32_MAX, &dim);
        a.dims[i - 1] = dim;
    }
    const size_t name_at = c->at;
    if (!status) status = atti_take(c, n_name, "a tensor's name", &name);
    if (status) return status;
    if (!atti_is_name(name, n_name))
        return atti_reject(c->w, name_at, c->err,
                           "a tensor's name is none: expected 1 to 1024 bytes of UTF-8");
    status = set_type(r, type, at + 8, (const char *)name, n_name, &a);
    if (status) return status;
    a.offset = c->at;
    snprintf(what, sizeof what, "'%.*s'", (int)n_name, (const char *)name);
    status = atti_take(c, a.bytes, what, &data);
    if (status) return status;
    a.data = data;
    return atti_add_array(c->w, (const char *)name, n_name, &a, at, c->err);
}

att_status atti_read_ggml(att_weights *weights, att_err *err)
{
    reader r = {.in = {.w = weights, .err = err}};
    atti_cursor *c = &r.in;
    att_status status = read_header(&r);
    if (!status) status = read_filters(c);
    if (!status) status = read_vocabulary(c);
    if (!status && c->at == weights->n_bytes)
        status = atti_reject(weights, c->at, err,
                             "the file ends after its vocabulary, there are no weights in it");
    while (!status && c->at < weights->n_bytes) status = read_tensor(&r);
    return status ? status : atti_sort(weights, err);
}
