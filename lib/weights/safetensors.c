/* safetensors.c - the safetensors format.
 *
 * u64 length of the header, little-endian; the header, a JSON object: name -> {"dtype", "shape",
 * "data_offsets": [begin, end]} and "__metadata__" -> strings; then the data, which the arrays fill
 * without gap or overlap. Offsets count from the end of the header.
 * Tests: tests/unit/test_weights.c, tests/fuzz/fuzz_weights.c */
#include "weights_index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"

#define MAX_HEADER_BYTES UINT64_C(100000000) /* as the reference implementation has it */

static const struct {
    const char *name;
    att_dtype dtype;
    uint64_t bits;
} DTYPES[] = {
    {"F32", ATT_F32, 32},
    {"F16", ATT_F16, 16},
    {"BF16", ATT_BF16, 16},
    {"I8", ATT_I8, 8},
    {"U8", ATT_U8, 8},
    {"I16", ATT_I16, 16},
    {"I32", ATT_I32, 32},
    {"BOOL", ATT_N_DTYPES, 8},
    {"U16", ATT_N_DTYPES, 16},
    {"U32", ATT_N_DTYPES, 32},
    {"I64", ATT_N_DTYPES, 64},
    {"U64", ATT_N_DTYPES, 64},
    {"F64", ATT_N_DTYPES, 64},
    {"C64", ATT_N_DTYPES, 64},
    {"F8_E4M3", ATT_N_DTYPES, 8},
    {"F8_E5M2", ATT_N_DTYPES, 8},
    {"F8_E8M0", ATT_N_DTYPES, 8},
    {"F6_E2M3", ATT_N_DTYPES, 6},
    {"F6_E3M2", ATT_N_DTYPES, 6},
    {"F4", ATT_N_DTYPES, 4},
};

typedef struct reader {
    att_weights *w;
    atti_json header;
    att_err *err;
} reader;

/* A JSON number that is a whole one in [0, 2^53]. */
static int whole(const cJSON *item, int64_t *value)
{
    if (!cJSON_IsNumber(item)) return 0;
    const double x = item->valuedouble;
    if (!(x >= 0.0 && x <= 9007199254740992.0)) return 0;
    *value = (int64_t)x;
    return (double)*value == x;
}

static att_status read_dtype(const reader *r, const cJSON *item, uint64_t at, att_array *a,
                             uint64_t *bits)
{
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const char *text = cJSON_GetStringValue(dtype);
    for (size_t i = 0; text && i < sizeof DTYPES / sizeof *DTYPES; i++) {
        if (strcmp(DTYPES[i].name, text) != 0) continue;
        a->dtype = DTYPES[i].dtype;
        a->stored_as = DTYPES[i].name;
        *bits = DTYPES[i].bits;
        return ATT_OK;
    }
    return atti_reject(r->w, at, r->err, "'%s' has a dtype that is not known", item->string);
}

static att_status read_shape(const reader *r, const cJSON *item, uint64_t at, att_array *a)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *dim = NULL;
    int good = cJSON_IsArray(shape);
    cJSON_ArrayForEach(dim, shape)
    {
        if (!good) break;
        good = a->rank < ATT_ARRAY_MAX_RANK && whole(dim, &a->dims[a->rank]);
        a->rank++;
    }
    if (good) return ATT_OK;
    return atti_reject(r->w, at, r->err, "'%s' has a shape that is not up to %d whole numbers",
                       item->string, ATT_ARRAY_MAX_RANK);
}

static att_status read_array(reader *r, const cJSON *item)
{
    att_array a = {0};
    uint64_t bits = 0;
    uint64_t expected = 0;
    int64_t begin = 0;
    int64_t end = 0;
    const size_t data_at = 8 + r->header.n;
    const size_t n_data = r->w->n_bytes - data_at;
    const uint64_t at = atti_json_key(&r->header, item->string);

    att_status status = read_dtype(r, item, at, &a, &bits);
    if (!status) status = read_shape(r, item, at, &a);
    if (status) return status;
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !whole(offsets->child, &begin) || !whole(offsets->child->next, &end) || begin > end)
        return atti_reject(r->w, at, r->err,
                           "'%s' has no data_offsets of two whole numbers in order", item->string);
    if ((uint64_t)end > n_data)
        return atti_reject(r->w, at, r->err,
                           "'%s' ends at byte %" PRId64
                           " of the data, the file has %zu; it is cut short, get it again",
                           item->string, end, n_data);
    if (!atti_array_bytes(a.dims, a.rank, bits, &expected))
        return atti_reject(r->w, at, r->err, "'%s' has a shape too large for any file",
                           item->string);
    if (expected != (uint64_t)(end - begin))
        return atti_reject(r->w, at, r->err,
                           "'%s' takes %" PRId64 " bytes, its shape and dtype %s make %" PRIu64,
                           item->string, end - begin, a.stored_as, expected);
    a.offset = data_at + (uint64_t)begin;
    a.bytes = (size_t)expected;
    a.data = r->w->bytes + a.offset;
    return atti_add_array(r->w, item->string, strlen(item->string), &a, at, r->err);
}

static att_status read_metadata(reader *r, const cJSON *item)
{
    const cJSON *pair = NULL;
    att_status status = ATT_OK;
    if (!cJSON_IsObject(item) || r->w->n_pairs)
        return atti_reject(r->w, atti_json_key(&r->header, item->string), r->err,
                           "__metadata__ is not one object of strings");
    cJSON_ArrayForEach(pair, item)
    {
        const char *value = cJSON_GetStringValue(pair);
        if (!value)
            return atti_reject(r->w, atti_json_key(&r->header, pair->string), r->err,
                               "__metadata__ holds something that is no string");
        status = atti_add_text(r->w, pair->string, value, strlen(value), r->err);
        if (status) return status;
    }
    return ATT_OK;
}

/* The arrays must fill the data from its first byte to its last, each byte once. */
static att_status check_cover(const reader *r)
{
    att_weights *w = r->w;
    uint64_t at = 8 + (uint64_t)r->header.n;
    atti_sort_by_place(w);
    for (size_t i = 0; i < w->n_entries; i++) {
        const att_array *a = &w->entries[i].array;
        if (a->offset != at)
            return atti_reject(w, a->offset, r->err, "'%s' begins here, expected %" PRIu64 ": %s",
                               a->name, at,
                               a->offset < at ? "two arrays overlap" : "a gap that no array fills");
        at += a->bytes;
    }
    if (at != w->n_bytes)
        return atti_reject(w, at, r->err, "%" PRIu64 " bytes follow the last array",
                           (uint64_t)w->n_bytes - at);
    return ATT_OK;
}

static att_status read_items(reader *r, const cJSON *root)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, root)
    {
        att_status status;
        if (strcmp(item->string, "__metadata__") == 0) {
            status = read_metadata(r, item);
        } else if (!atti_is_name((const uint8_t *)item->string, strlen(item->string))) {
            status = atti_reject(r->w, 8, r->err,
                                 "a key of the header is no name: expected 1 to "
                                 "1024 bytes of UTF-8");
        } else if (!cJSON_IsObject(item)) {
            status =
                atti_reject(r->w, atti_json_key(&r->header, item->string), r->err,
                            "'%s' is not an object of dtype, shape and data_offsets", item->string);
        } else {
            status = read_array(r, item);
        }
        if (status) return status;
    }
    return ATT_OK;
}

att_status atti_read_safetensors(att_weights *weights, att_err *err)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++) n |= (uint64_t)weights->bytes[i] << 8 * i;
    if (n > MAX_HEADER_BYTES || n > weights->n_bytes - 8)
        return atti_reject(weights, 0, err,
                           "the header takes %" PRIu64 " bytes, the file has %zu after it (and a "
                           "header at most %" PRIu64 "); is it cut short?",
                           n, weights->n_bytes - 8, MAX_HEADER_BYTES);
    const atti_json header = {.w = weights,
                              .what = "the header",
                              .text = (const char *)weights->bytes + 8,
                              .n = (size_t)n,
                              .at = 8,
                              .err = err};
    reader r = {.w = weights, .header = header, .err = err};
    cJSON *root = NULL;
    att_status status = atti_json_parse(&header, &root);
    if (!status) status = read_items(&r, root);
    cJSON_Delete(root);
    if (!status) status = check_cover(&r);
    if (!status) status = atti_sort(weights, err);
    return status;
}
