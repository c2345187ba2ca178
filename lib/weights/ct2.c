/* ct2.c - CTranslate2's model.bin, binary versions 4 to 6.
 *
 * Little-endian: u32 version; string spec; u32 revision; u32 variables; each: string name, u8 rank,
 * u32 dims[rank], u8 dtype, u32 bytes, data. Then u32 aliases, each: string alias, string name. A
 * string is a u16 length that counts its final NUL, then the bytes. Before version 4 a variable had
 * the size of an element where its dtype is now: such files are rejected by name.
 *
 * An i8 weight has a `weight_scale` beside it: f32, one a row; value = stored / scale.
 * Tests: tests/unit/test_weights.c, tests/fuzz/fuzz_weights.c */
#include "cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

enum { OLDEST_VERSION = 4, NEWEST_VERSION = 6 };

static const struct {
    const char *name;
    att_dtype dtype;
} DTYPES[] = {
    {"float32", ATT_F32}, {"int8", ATT_I8},     {"int16", ATT_I16},
    {"int32", ATT_I32},   {"float16", ATT_F16}, {"bfloat16", ATT_BF16},
};

enum { N_DTYPES = sizeof DTYPES / sizeof *DTYPES };

/* A little-endian number of at most 4 bytes. */
static att_status take_number(atti_cursor *c, size_t n, const char *what, uint32_t *value)
{
    uint64_t wide = 0;
    const att_status status = atti_take_number(c, n, what, &wide);
    *value = (uint32_t)wide;
    return status;
}

/* A name; it lies terminated in the file. */
static att_status take_name(atti_cursor *c, const char *what, const char **name)
{
    uint32_t n = 0;
    const uint8_t *b = NULL;
    const size_t at = c->at;
    att_status status = take_number(c, 2, what, &n);
    if (!status) status = atti_take(c, n, what, &b);
    if (status) return status;
    if (n == 0 || b[n - 1] != 0 || !atti_is_name(b, n - 1))
        return atti_reject(c->w, at, c->err,
                           "%s is no name: expected 1 to 1024 bytes of UTF-8 and a final NUL",
                           what);
    *name = (const char *)b;
    return ATT_OK;
}

static att_status read_header(atti_cursor *c)
{
    uint32_t version = 0;
    uint32_t revision = 0;
    const char *spec = NULL;
    char text[16];
    att_status status = take_number(c, 4, "the binary version", &version);
    if (status) return status;
    if (version < OLDEST_VERSION || version > NEWEST_VERSION)
        return atti_reject(c->w, 0, c->err,
                           "CTranslate2 binary version %" PRIu32 ", expected %d to %d; convert the "
                           "model again with a current CTranslate2",
                           version, OLDEST_VERSION, NEWEST_VERSION);
    status = take_name(c, "the spec's name", &spec);
    if (!status) status = take_number(c, 4, "the spec's revision", &revision);
    if (!status) status = atti_add_text(c->w, "spec", spec, strlen(spec), c->err);
    snprintf(text, sizeof text, "%" PRIu32, revision);
    if (!status) status = atti_add_text(c->w, "revision", text, strlen(text), c->err);
    snprintf(text, sizeof text, "%" PRIu32, version);
    if (!status) status = atti_add_text(c->w, "binary_version", text, strlen(text), c->err);
    return status;
}

/* rank and dims of the variable `name`. */
static att_status read_shape(atti_cursor *c, const char *name, att_array *a)
{
    uint32_t rank = 0;
    const size_t at = c->at;
    att_status status = take_number(c, 1, "a rank", &rank);
    if (!status && rank > ATT_ARRAY_MAX_RANK)
        status = atti_reject(c->w, at, c->err, "'%s' has %" PRIu32 " axes, expected at most %d",
                             name, rank, ATT_ARRAY_MAX_RANK);
    a->rank = (int32_t)rank;
    for (uint32_t i = 0; i < rank && !status; i++) {
        uint32_t dim = 0;
        status = take_number(c, 4, "a dimension", &dim);
        a->dims[i] = dim;
    }
    return status;
}

static att_status read_variable(atti_cursor *c)
{
    const size_t at = c->at;
    const char *name = NULL;
    att_array a = {0};
    att_status status = take_name(c, "a variable's name", &name);
    if (!status) status = read_shape(c, name, &a);
    if (status) return status;

    const size_t type_at = c->at;
    uint32_t type = 0;
    uint32_t bytes = 0;
    uint64_t expected = 0;
    status = take_number(c, 1, "a dtype", &type);
    if (!status) status = take_number(c, 4, "a size", &bytes);
    if (status) return status;
    if (type >= N_DTYPES)
        return atti_reject(c->w, type_at, c->err, "'%s' has dtype %" PRIu32 ", expected 0 to %d",
                           name, type, N_DTYPES - 1);
    a.dtype = DTYPES[type].dtype;
    a.stored_as = DTYPES[type].name;
    if (!atti_array_bytes(a.dims, a.rank, 8 * att_dtype_bytes(a.dtype), &expected))
        return atti_reject(c->w, type_at + 1, c->err, "'%s' has a shape too large for any file",
                           name);
    if (expected != bytes)
        return atti_reject(c->w, type_at + 1, c->err,
                           "'%s' says %" PRIu32 " bytes, its shape and dtype %s make %" PRIu64,
                           name, bytes, a.stored_as, expected);
    a.offset = c->at;
    a.bytes = bytes;
    const uint8_t *data = NULL;
    status = atti_take(c, bytes, name, &data);
    a.data = data;
    return status ? status : atti_add_array(c->w, name, strlen(name), &a, at, c->err);
}

/* Adds alias + suffix as another name of name + suffix; *found: whether the file has that. */
static att_status add_alias(atti_cursor *c, const char *alias, const char *name, const char *suffix,
                            size_t at, int *found)
{
    char *full_alias = att_sprintf("%s%s", alias, suffix);
    char *full_name = att_sprintf("%s%s", name, suffix);
    att_status status = full_alias && full_name ? ATT_OK : atti_no_memory(c->w, c->err);
    const atti_entry *target = status ? NULL : atti_find(c->w, full_name);
    *found = target != NULL;
    if (target) status = atti_add_alias(c->w, full_alias, target, at, c->err);
    att_free(full_alias);
    att_free(full_name);
    return status;
}

static att_status read_alias(atti_cursor *c)
{
    const size_t at = c->at;
    const char *alias = NULL;
    const char *name = NULL;
    int found = 0;
    att_status status = take_name(c, "an alias", &alias);
    if (!status) status = take_name(c, "an alias' target", &name);
    if (!status) status = add_alias(c, alias, name, "", at, &found);
    if (status) return status;
    if (!found)
        return atti_reject(c->w, at, c->err, "'%s' is an alias of '%s', which is not in the file",
                           alias, name);
    return add_alias(c, alias, name, "_scale", at,
                     &found); /* of a quantised weight, if it is one */
}

att_status atti_read_ct2(att_weights *weights, att_err *err)
{
    atti_cursor c = {.w = weights, .err = err};
    uint32_t n = 0;
    att_status status = read_header(&c);
    if (!status) status = take_number(&c, 4, "the number of variables", &n);
    for (uint32_t i = 0; i < n && !status; i++) status = read_variable(&c);
    if (!status) status = atti_sort(weights, err);
    if (!status) status = take_number(&c, 4, "the number of aliases", &n);
    for (uint32_t i = 0; i < n && !status; i++) status = read_alias(&c);
    if (!status) status = atti_sort(weights, err);
    if (!status && c.at != weights->n_bytes)
        status = atti_reject(weights, c.at, err, "%zu bytes follow the end of the model",
                             weights->n_bytes - c.at);
    return status;
}
