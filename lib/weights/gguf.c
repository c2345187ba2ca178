/* gguf.c - GGUF, versions 2 and 3: the file of ggml's language and vision models.
 *
 * Little-endian: "GGUF"; u32 version; u64 tensors; u64 key/values; each of these: string key, u32
 * type, value; each tensor: string name, u32 rank, u64 dims[rank], innermost first, u32 type, u64
 * offset. A string is a u64 length and its bytes, without a final NUL. A value of type array is:
 * u32 type of its elements, u64 count, the elements. The data of the tensors begins behind, at the
 * next multiple of the value "general.alignment" (32 without it); offsets count from there.
 *
 * Texts and numbers are copied to key/values of the index, arrays stay in the file. Arrays of
 * arrays, which no model has, are rejected. Source: ggml's docs/gguf.md and gguf.cpp. Tests:
 * tests/unit/test_gguf.c, tests/fuzz/fuzz_gguf.c */
#include <inttypes.h>
#include <string.h>

#include "cursor.h"
#include "ggml_types.h"

enum {
    OLDEST_VERSION = 2,
    NEWEST_VERSION = 3,
    MAX_RANK = 4, /* of ggml's tensors */
    MAX_NAME_BYTES = 1024,
    MAX_TEXT_BYTES = 1 << 24,   /* of a value that is copied; chat templates have some thousands */
    PAIR_BYTES = 8 + 1 + 4 + 1, /* the least that a key/value takes */
    TENSOR_BYTES = 8 + 1 + 4 + 4 + 8, /* the least that a tensor's entry takes */
    ARRAY = 9,
    DEFAULT_ALIGNMENT = 32,
    MAX_ALIGNMENT = 1 << 20
};

/* By the file's number; ATT_VALUE_NONE: an array. */
static const att_value_type TYPES[] = {
    ATT_VALUE_U8,  ATT_VALUE_I8,  ATT_VALUE_U16,  ATT_VALUE_I16,  ATT_VALUE_U32,
    ATT_VALUE_I32, ATT_VALUE_F32, ATT_VALUE_BOOL, ATT_VALUE_TEXT, ATT_VALUE_NONE,
    ATT_VALUE_U64, ATT_VALUE_I64, ATT_VALUE_F64,
};
enum { N_TYPES = sizeof TYPES / sizeof *TYPES };

/* Bytes with their count before them, at most `most`. */
static att_status take_string(atti_cursor *c, const char *what, uint64_t most,
                              const uint8_t **bytes, size_t *n_bytes)
{
    const size_t at = c->at;
    uint64_t n = 0;
    att_status status = atti_take_number(c, 8, what, &n);
    if (!status && n > most)
        status = atti_reject(c->w, at, c->err,
                             "%s has %" PRIu64 " bytes, expected at most %" PRIu64, what, n, most);
    if (!status) status = atti_take(c, n, what, bytes);
    *n_bytes = (size_t)n;
    return status;
}

/* A name as text[MAX_NAME_BYTES + 1]. */
static att_status take_name(atti_cursor *c, const char *what, char *text)
{
    const size_t at = c->at;
    const uint8_t *bytes = NULL;
    size_t n = 0;
    const att_status status = take_string(c, what, MAX_NAME_BYTES, &bytes, &n);
    if (status) return status;
    if (!atti_is_name(bytes, n))
        return atti_reject(c->w, at, c->err, "%s is none: expected 1 to %d bytes of UTF-8", what,
                           MAX_NAME_BYTES);
    memcpy(text, bytes, n);
    text[n] = 0;
    return ATT_OK;
}

static att_status take_type(atti_cursor *c, const char *key, uint64_t *type)
{
    const size_t at = c->at;
    const att_status status = atti_take_number(c, 4, "a value's type", type);
    if (status || *type < N_TYPES) return status;
    return atti_reject(c->w, at, c->err, "'%s' has type %" PRIu64 ", expected 0 to %d", key, *type,
                       N_TYPES - 1);
}

/* A count of things of at least `least` bytes each. */
static att_status take_count(atti_cursor *c, const char *what, size_t least, uint64_t *n)
{
    const size_t at = c->at;
    const att_status status = atti_take_number(c, 8, what, n);
    if (status || *n <= (c->w->n_bytes - c->at) / least) return status;
    return atti_reject(c->w, at, c->err,
                       "%s is %" PRIu64 ", the %zu bytes that follow hold at most %zu; is the file "
                       "cut short?",
                       what, *n, c->w->n_bytes - c->at, (c->w->n_bytes - c->at) / least);
}

static att_status read_text(atti_cursor *c, const char *key)
{
    const size_t at = c->at;
    const uint8_t *bytes = NULL;
    size_t n = 0;
    const att_status status = take_string(c, "a text", MAX_TEXT_BYTES, &bytes, &n);
    if (status) return status;
    if (n && memchr(bytes, 0, n))
        return atti_reject(c->w, at, c->err, "the text of '%s' has a NUL in it", key);
    return atti_add_text(c->w, key, bytes, n, c->err);
}

static att_status check_bools(atti_cursor *c, const char *key, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] > 1)
            return atti_reject(c->w, (uint64_t)(bytes + i - c->w->bytes), c->err,
                               "'%s' is a bool of %d, expected 0 or 1", key, bytes[i]);
    return ATT_OK;
}

static att_status read_number(atti_cursor *c, const char *key, att_value_type type)
{
    const uint8_t *bytes = NULL;
    att_status status = atti_take(c, atti_value_bytes(type), "a number", &bytes);
    if (!status && type == ATT_VALUE_BOOL) status = check_bools(c, key, bytes, 1);
    return status ? status : atti_add_number(c->w, key, atti_value(type, bytes), c->err);
}

static att_status read_list(atti_cursor *c, const char *key)
{
    const uint8_t *bytes = NULL;
    const size_t at = c->at;
    uint64_t type = 0, n = 0;
    size_t ignored;
    att_status status = take_type(c, key, &type);
    if (status) return status;
    if (type == ARRAY)
        return atti_reject(c->w, at, c->err, "'%s' is an array of arrays, which is not read", key);
    att_weights_list_view list = {.type = TYPES[type]};
    const size_t size = atti_value_bytes(list.type);
    status = take_count(c, "the length of an array", size ? size : 8, &n);
    const size_t begin = c->at;
    for (uint64_t i = 0; !status && !size && i < n; i++)
        status = take_string(c, "a text of an array", UINT64_MAX, &bytes, &ignored);
    if (!status && size) status = atti_take(c, n * size, "an array", &bytes);
    if (!status && list.type == ATT_VALUE_BOOL) status = check_bools(c, key, bytes, (size_t)n);
    if (status) return status;
    list.n = (size_t)n;
    list.data = c->w->bytes + begin;
    list.n_bytes = c->at - begin;
    return atti_add_list(c->w, key, &list, c->err);
}

static att_status read_pair(atti_cursor *c)
{
    char key[MAX_NAME_BYTES + 1];
    const size_t at = c->at;
    uint64_t type = 0;
    att_status status = take_name(c, "a key", key);
    if (!status && atti_find_pair(c->w, key))
        status = atti_reject(c->w, at, c->err, "the key '%s' is there a second time", key);
    if (!status) status = take_type(c, key, &type);
    if (status) return status;
    if (type == ARRAY) return read_list(c, key);
    return TYPES[type] == ATT_VALUE_TEXT ? read_text(c, key) : read_number(c, key, TYPES[type]);
}

static att_status read_shape(atti_cursor *c, const char *name, att_array *a)
{
    const size_t at = c->at;
    uint64_t rank = 0, dim = 0;
    att_status status = atti_take_number(c, 4, "a tensor's rank", &rank);
    if (!status && rank > MAX_RANK)
        status = atti_reject(c->w, at, c->err, "'%s' has %" PRIu64 " axes, expected at most %d",
                             name, rank, MAX_RANK);
    for (uint64_t i = rank; !status && i > 0; i--) {
        const size_t dim_at = c->at;
        status = atti_take_number(c, 8, "a dimension", &dim);
        if (!status && dim > INT64_MAX)
            status =
                atti_reject(c->w, dim_at, c->err, "'%s' has a dimension of %" PRIu64, name, dim);
        a->dims[i - 1] = (int64_t)dim;
    }
    a->rank = (int32_t)rank;
    return status;
}

/* The entry of a tensor; its offset counts from the data's begin still. */
static att_status read_tensor(atti_cursor *c)
{
    char name[MAX_NAME_BYTES + 1];
    const size_t at = c->at;
    uint64_t type = 0;
    att_array a = {0};
    att_status status = take_name(c, "a tensor's name", name);
    const size_t shape_at = c->at;
    if (!status) status = read_shape(c, name, &a);
    const size_t type_at = c->at;
    if (!status) status = atti_take_number(c, 4, "a tensor's type", &type);
    if (!status)
        status = atti_set_ggml_type(c->w, type, name, strlen(name), type_at, shape_at, &a, c->err);
    if (!status) status = atti_take_number(c, 8, "a tensor's offset", &a.offset);
    return status ? status : atti_add_array(c->w, name, strlen(name), &a, at, c->err);
}

/* Where the entry says its offset. */
static uint64_t offset_at(const atti_entry *e)
{
    return e->at + 8 + strlen(e->array.name) + 4 + 8 * (uint64_t)e->array.rank + 4;
}

static att_status read_alignment(const atti_cursor *c, uint64_t *alignment)
{
    double x = 0.0;
    *alignment = DEFAULT_ALIGNMENT;
    if (!atti_find_pair(c->w, "general.alignment")) return ATT_OK;
    if (att_weights_number(c->w, "general.alignment", &x))
        for (*alignment = 1; *alignment <= MAX_ALIGNMENT; *alignment *= 2)
            if ((double)*alignment == x) return ATT_OK;
    return atti_reject(c->w, 8, c->err, "general.alignment is no power of two from 1 to %d",
                       MAX_ALIGNMENT);
}

/* From offsets in the data to places in the file, each inside of it and apart from all others. */
static att_status place_tensors(atti_cursor *c)
{
    att_weights *w = c->w;
    uint64_t alignment = 0;
    att_status status = read_alignment(c, &alignment);
    if (status) return status;
    const uint64_t begin = (c->at + alignment - 1) / alignment * alignment;
    for (size_t i = 0; i < w->n_entries; i++) {
        const atti_entry *e = &w->entries[i];
        att_array *a = &w->entries[i].array;
        if (a->offset % alignment != 0)
            return atti_reject(w, offset_at(e), c->err,
                               "'%s' has offset %" PRIu64 ", expected a multiple of %" PRIu64,
                               a->name, a->offset, alignment);
        if (begin > w->n_bytes || a->offset > w->n_bytes - begin ||
            a->bytes > w->n_bytes - begin - a->offset)
            return atti_reject(w, offset_at(e), c->err,
                               "'%s' takes %zu bytes from %" PRIu64
                               " of the data, which has %" PRIu64
                               "; the file is cut short, get it again",
                               a->name, a->bytes, a->offset,
                               begin > w->n_bytes ? (uint64_t)0 : w->n_bytes - begin);
        a->offset += begin;
        a->data = w->bytes + a->offset;
    }
    atti_sort_by_place(w);
    for (size_t i = 1; i < w->n_entries; i++) {
        const att_array *a = &w->entries[i - 1].array, *b = &w->entries[i].array;
        if (b->offset - a->offset < a->bytes)
            return atti_reject(w, offset_at(&w->entries[i]), c->err, "'%s' overlaps '%s'", b->name,
                               a->name);
    }
    return ATT_OK;
}

static att_status read_header(atti_cursor *c, uint64_t *n_tensors, uint64_t *n_pairs)
{
    const uint8_t *magic;
    uint64_t version = 0;
    att_status status = atti_take(c, 4, "the magic number", &magic);
    const size_t at = c->at;
    if (!status) status = atti_take_number(c, 4, "the version", &version);
    if (status) return status;
    if (version != 0 && (version & 0xffff) == 0)
        return atti_reject(c->w, at, c->err,
                           "the file is big-endian, expected little-endian; convert it again");
    if (version < OLDEST_VERSION || version > NEWEST_VERSION)
        return atti_reject(c->w, at, c->err,
                           "GGUF version %" PRIu64 ", expected %d or %d; convert the model again "
                           "with current tools",
                           version, OLDEST_VERSION, NEWEST_VERSION);
    status = take_count(c, "the number of tensors", TENSOR_BYTES, n_tensors);
    return status ? status : take_count(c, "the number of key/values", PAIR_BYTES, n_pairs);
}

/* A model may be cut into several files, each with a part of the tensors. */
static att_status check_whole(const atti_cursor *c)
{
    double n = 1.0;
    if (!att_weights_number(c->w, "split.count", &n) || n <= 1.0) return ATT_OK;
    return atti_reject(c->w, 8, c->err,
                       "the file is one of %.0f parts of a model; join them with ggml's "
                       "gguf-split --merge",
                       n);
}

att_status atti_read_gguf(att_weights *weights, att_err *err)
{
    atti_cursor c = {.w = weights, .err = err};
    uint64_t n_tensors = 0, n_pairs = 0;
    att_status status = read_header(&c, &n_tensors, &n_pairs);
    for (uint64_t i = 0; i < n_pairs && !status; i++) status = read_pair(&c);
    if (!status) status = check_whole(&c);
    for (uint64_t i = 0; i < n_tensors && !status; i++) status = read_tensor(&c);
    if (!status) status = place_tensors(&c);
    return status ? status : atti_sort(weights, err);
}
