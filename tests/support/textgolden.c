/* textgolden.c - textgolden.h. */
#include "textgolden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "filemap.h"
#include "mem.h"

int textgolden_open(void **state)
{
    att_filemap map;
    if (att_filemap_open(&map, ATT_SOURCE_DIR "/tests/golden/text_tokens.json", NULL)) return -1;
    *state = cJSON_ParseWithLength((const char *)map.bytes, map.n_bytes);
    att_filemap_close(&map);
    return *state ? 0 : -1;
}

int textgolden_close(void **state)
{
    cJSON_Delete(*state);
    return 0;
}

char *textgolden_text(const cJSON *golden, int i, size_t *n)
{
    const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItem(golden, "texts"), i);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(item, "text"));
    const char *hex = cJSON_GetStringValue(cJSON_GetObjectItem(item, "hex"));
    if (!text && !hex) return NULL;
    *n = text ? strlen(text) : strlen(hex) / 2;
    char *bytes = calloc(*n + 1, 1);
    assert_non_null(bytes);
    if (text) memcpy(bytes, text, *n);
    for (size_t k = 0; !text && k < *n; k++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * k, "%2x", &byte), 1);
        bytes[k] = (char)byte;
    }
    return bytes;
}

static void check_ids(const cJSON *want, const int32_t *ids, int32_t n, const char *what, int i)
{
    const cJSON *entry;
    int32_t at = 0;
    cJSON_ArrayForEach(entry, want)
    {
        if (at >= n || ids[at] != entry->valueint)
            fail_msg("%s, text %d: id %d is %d, expected %d", what, i, at, at < n ? ids[at] : -1,
                     entry->valueint);
        at++;
    }
    if (at != n) fail_msg("%s, text %d: %d ids, expected %d", what, i, n, at);
}

int textgolden_check(const cJSON *golden, const char *name, const char *kind,
                     const att_text_tokenizer *t, int flags)
{
    const cJSON *of_name = cJSON_GetObjectItem(golden, name), *list;
    const cJSON *lists = cJSON_GetObjectItem(of_name, kind);
    const cJSON *parsed = cJSON_GetObjectItem(of_name, "parsed");
    int i = 0, n_checked = 0;
    cJSON_ArrayForEach(list, lists)
    {
        size_t n_bytes;
        int32_t *ids, n;
        att_err err;
        char *text = textgolden_text(golden, i, &n_bytes);
        assert_non_null(text);
        if (!cJSON_IsNull(list)) {
            const cJSON *want = cJSON_IsNumber(list) ? cJSON_GetArrayItem(parsed, i) : list;
            assert_true(cJSON_IsArray(want));
            if (att_text_tokenizer_encode(t, text, n_bytes, flags, &ids, &n, &err))
                fail_msg("%s, text %d: %s", name, i, err.text);
            check_ids(want, ids, n, name, i);
            att_free(ids);
            n_checked++;
        }
        free(text);
        i++;
    }
    return n_checked;
}
