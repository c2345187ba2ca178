/* whisper_heads.c - whisper_heads.h. The table is OpenAI's (whisper/__init__.py), as pairs.
 * Tests: tests/unit/test_whisper_heads.c, tests/fuzz/fuzz_heads.c */
#define _DEFAULT_SOURCE
#include "whisper_heads.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filemap.h"
#include "mem.h"

enum { MAX_FILE_BYTES = 4 << 20, MAX_HEADS = 4096 };

/* One checkpoint's heads: n of HEADS from `first` on. Large-v1 has the shape of large-v2 and is not
 * told apart; the later one is what people use. */
static const struct {
    int32_t layers, heads, mels, english;
    int32_t first, n;
} TABLE[] = {
    {4, 6, 80, 1, 0, 8},       /* tiny.en */
    {4, 6, 80, 0, 8, 6},       /* tiny */
    {6, 8, 80, 1, 14, 5},      /* base.en */
    {6, 8, 80, 0, 19, 8},      /* base */
    {12, 12, 80, 1, 27, 19},   /* small.en */
    {12, 12, 80, 0, 46, 10},   /* small */
    {24, 16, 80, 1, 56, 18},   /* medium.en */
    {24, 16, 80, 0, 74, 6},    /* medium */
    {32, 20, 80, 0, 80, 23},   /* large-v2 */
    {32, 20, 128, 0, 103, 10}, /* large-v3 */
    {4, 20, 128, 0, 113, 6},   /* large-v3-turbo */
};

static const att_whisper_head HEADS[] = {
    {1, 0},   {2, 0},   {2, 5},   {3, 0},   {3, 1},   {3, 2},   {3, 3},   {3, 4},   /* tiny.en */
    {2, 2},   {3, 0},   {3, 2},   {3, 3},   {3, 4},   {3, 5},                       /* tiny */
    {3, 3},   {4, 7},   {5, 1},   {5, 5},   {5, 7},                                 /* base.en */
    {3, 1},   {4, 2},   {4, 3},   {4, 7},   {5, 1},   {5, 2},   {5, 4},   {5, 6},   /* base */
    {6, 6},   {7, 0},   {7, 3},   {7, 8},   {8, 2},   {8, 5},   {8, 7},   {9, 0},   /* small.en */
    {9, 4},   {9, 8},   {9, 10},  {10, 0},  {10, 1},  {10, 2},  {10, 3},  {10, 6},  /* */
    {10, 11}, {11, 2},  {11, 4},                                                    /* */
    {5, 3},   {5, 9},   {8, 0},   {8, 4},   {8, 7},   {8, 8},   {9, 0},   {9, 7},   /* small */
    {9, 9},   {10, 5},                                                              /* */
    {11, 4},  {14, 1},  {14, 12}, {14, 14}, {15, 4},  {16, 0},  {16, 4},  {16, 9},  /* medium.en */
    {17, 12}, {17, 14}, {18, 7},  {18, 10}, {18, 15}, {20, 0},  {20, 3},  {20, 9},  /* */
    {20, 14}, {21, 12},                                                             /* */
    {13, 15}, {15, 4},  {15, 15}, {16, 1},  {20, 0},  {23, 4},                      /* medium */
    {10, 12}, {13, 17}, {16, 11}, {16, 12}, {16, 13}, {17, 15}, {17, 16}, {18, 4},  /* large-v2 */
    {18, 11}, {18, 19}, {19, 11}, {21, 2},  {21, 3},  {22, 3},  {22, 9},  {22, 12}, /* */
    {23, 5},  {23, 7},  {23, 13}, {25, 5},  {26, 1},  {26, 12}, {27, 15},           /* */
    {7, 0},   {10, 17}, {12, 18}, {13, 12}, {16, 1},  {17, 14}, {19, 11}, {21, 4},  /* large-v3 */
    {24, 1},  {25, 6},                                                              /* */
    {2, 4},   {2, 11},  {3, 3},   {3, 6},   {3, 11},  {3, 14},                      /* turbo */
};

static att_status no_memory(att_err *err)
{
    return att_fail(err, ATT_E_MEMORY, "choose alignment heads: out of memory");
}

/* Every head of the layers from half of them on. */
static att_status last_half(att_whisper_heads *heads, const att_whisper_config *c, att_err *err)
{
    const int32_t first = c->text_layers / 2;
    heads->n = (c->text_layers - first) * c->text_heads;
    heads->list = att_calloc((size_t)heads->n, sizeof *heads->list);
    if (!heads->list) return no_memory(err);
    for (int32_t i = 0; i < heads->n; i++)
        heads->list[i] = (att_whisper_head){first + i / c->text_heads, i % c->text_heads};
    return ATT_OK;
}

att_status att_whisper_heads_of_shape(att_whisper_heads *heads, const att_whisper_config *c,
                                      att_err *err)
{
    const int english = c->vocab == 51864;
    const int whole = c->vocab >= 51864; /* of OpenAI's vocabularies */
    memset(heads, 0, sizeof *heads);
    for (size_t i = 0; whole && i < sizeof TABLE / sizeof *TABLE; i++) {
        if (TABLE[i].layers != c->text_layers || TABLE[i].heads != c->text_heads ||
            TABLE[i].mels != c->n_mels || TABLE[i].english != english)
            continue;
        heads->list = att_calloc((size_t)TABLE[i].n, sizeof *heads->list);
        if (!heads->list) return no_memory(err);
        heads->n = TABLE[i].n;
        memcpy(heads->list, HEADS + TABLE[i].first, (size_t)heads->n * sizeof *heads->list);
        return ATT_OK;
    }
    return last_half(heads, c, err);
}

/* A whole number in [0, end). */
static int read_index(const cJSON *item, int32_t end, int32_t *index)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0.0 && item->valuedouble < end)) return 0;
    *index = (int32_t)item->valuedouble;
    return (double)*index == item->valuedouble;
}

static int ascending(const void *a, const void *b)
{
    const att_whisper_head *x = a, *y = b;
    return x->layer != y->layer ? x->layer - y->layer : x->head - y->head;
}

static att_status read_list(att_whisper_heads *heads, const char *name, const cJSON *list,
                            const att_whisper_config *c, att_err *err)
{
    const cJSON *pair;
    const int given = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : -1;
    if (given < 0 || given > MAX_HEADS)
        return att_fail(err, ATT_E_MODEL,
                        "read %s: alignment_heads is no list of up to %d pairs of layer and head",
                        name, MAX_HEADS);
    heads->list = att_calloc((size_t)given, sizeof *heads->list);
    if (!heads->list) return no_memory(err);
    cJSON_ArrayForEach(pair, list)
    {
        att_whisper_head *h = &heads->list[heads->n++];
        if (!cJSON_IsArray(pair) || cJSON_GetArraySize(pair) != 2 ||
            !read_index(pair->child, c->text_layers, &h->layer) ||
            !read_index(pair->child->next, c->text_heads, &h->head))
            return att_fail(err, ATT_E_MODEL,
                            "read %s: entry %d of alignment_heads is no pair of a layer below %d "
                            "and a head below %d",
                            name, heads->n - 1, c->text_layers, c->text_heads);
    }
    if (heads->n) qsort(heads->list, (size_t)heads->n, sizeof *heads->list, ascending);
    int32_t kept = 0;
    for (int32_t i = 0; i < heads->n; i++)
        if (i == 0 || ascending(&heads->list[i], &heads->list[i - 1]) != 0)
            heads->list[kept++] = heads->list[i];
    heads->n = kept;
    return ATT_OK;
}

att_status att_whisper_heads_parse(att_whisper_heads *heads, const char *name, const void *bytes,
                                   size_t n, const att_whisper_config *c, att_err *err)
{
    const char *end = NULL;
    memset(heads, 0, sizeof *heads);
    if (n > MAX_FILE_BYTES)
        return att_fail(err, ATT_E_MODEL, "read %s: %zu bytes, at most %d are expected", name, n,
                        MAX_FILE_BYTES);
    cJSON *root = cJSON_ParseWithLengthOpts(bytes ? bytes : "", n, &end, 0);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "alignment_heads");
    att_status status = ATT_OK;
    if (!cJSON_IsObject(root))
        status = att_fail(err, ATT_E_MODEL, "read %s: it is no JSON object at byte %zu", name,
                          end && bytes ? (size_t)(end - (const char *)bytes) : (size_t)0);
    else if (list && !cJSON_IsNull(list))
        status = read_list(heads, name, list, c, err);
    cJSON_Delete(root);
    if (status || heads->n == 0) {
        att_free(heads->list);
        memset(heads, 0, sizeof *heads);
    }
    return status;
}

att_status att_whisper_heads_read(att_whisper_heads *heads, const char *folder,
                                  const att_whisper_config *c, att_err *err)
{
    static const char *const NAMES[] = {"generation_config.json", "config.json"};
    att_status status = ATT_OK;
    memset(heads, 0, sizeof *heads);
    for (size_t i = 0; !status && heads->n == 0 && i < sizeof NAMES / sizeof *NAMES; i++) {
        att_filemap map;
        char *path = att_sprintf("%s/%s", folder, NAMES[i]);
        if (!path) return no_memory(err);
        if (access(path, F_OK) == 0) {
            status = att_filemap_open(&map, path, err);
            if (!status) {
                status = att_whisper_heads_parse(heads, path, map.bytes, map.n_bytes, c, err);
                att_filemap_close(&map);
            }
        }
        att_free(path);
    }
    return status;
}
