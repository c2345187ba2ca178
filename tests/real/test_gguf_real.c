/* test_gguf_real.c - a language model's GGUF file against what ggml's own package reads in it
 * (tests/golden/smollm2_gguf.json, made by tools/reference/dump_gguf.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "filemap.h"
#include "realdata.h"
#include "weights.h"

typedef struct rig {
    att_weights *weights;
    cJSON *want;
} rig;

static rig open_both(void)
{
    rig r;
    att_filemap map;
    att_err err;
    if (att_weights_open(&r.weights, realdata_model("smollm2"), &err)) fail_msg("%s", err.text);
    if (att_filemap_open(&map, ATT_SOURCE_DIR "/tests/golden/smollm2_gguf.json", &err))
        fail_msg("%s", err.text);
    r.want = cJSON_ParseWithLength((const char *)map.bytes, map.n_bytes);
    assert_non_null(r.want);
    att_filemap_close(&map);
    return r;
}

static void close_both(rig *r)
{
    cJSON_Delete(r->want);
    att_weights_close(r->weights);
}

static void values_are_the_references(void **state)
{
    (void)state;
    rig r = open_both();
    const cJSON *want;
    int n = 0;
    cJSON_ArrayForEach(want, cJSON_GetObjectItem(r.want, "values"))
    {
        double x = -1.0;
        const char *text = att_weights_text(r.weights, want->string);
        const int is_number = att_weights_number(r.weights, want->string, &x);
        const double number = cJSON_IsBool(want) ? cJSON_IsTrue(want) : want->valuedouble;
        assert_int_equal(is_number, !cJSON_IsString(want));
        if (cJSON_IsString(want) && (!text || strcmp(text, want->valuestring) != 0))
            fail_msg("'%s' is '%s', expected '%s'", want->string, text, want->valuestring);
        if (is_number && x != number)
            fail_msg("'%s' is %.17g, expected %.17g", want->string, x, number);
        n++;
    }
    assert_int_equal(n, 29);
    close_both(&r);
}

/* A row of the golden: type, count, the first three elements, the last three (or less). */
static void check_list(const att_weights *w, const cJSON *want)
{
    att_weights_list_view list;
    const size_t n = att_weights_list(w, want->string, &list);
    const int n_ends = n < 3 ? (int)n : 3;
    assert_int_equal(n, cJSON_GetArrayItem(want, 1)->valuedouble);
    assert_int_equal(cJSON_GetArraySize(want), 2 + 2 * n_ends);
    const int is_text = strcmp(cJSON_GetArrayItem(want, 0)->valuestring, "string") == 0;
    assert_int_equal(list.type, is_text ? ATT_VALUE_TEXT : ATT_VALUE_I32);
    for (size_t i = 0; i < n; i++) {
        const size_t last = (size_t)n_ends - (n - i); /* wraps before the last ones */
        size_t bytes = 0;
        const char *text = is_text ? att_weights_list_text(&list, &bytes) : NULL;
        const cJSON *ends[] = {
            i < (size_t)n_ends ? cJSON_GetArrayItem(want, 2 + (int)i) : NULL,
            last < (size_t)n_ends ? cJSON_GetArrayItem(want, 2 + n_ends + (int)last) : NULL};
        for (int k = 0; k < 2; k++) {
            if (!ends[k]) continue;
            if (is_text) {
                assert_int_equal(bytes, strlen(ends[k]->valuestring));
                assert_memory_equal(text, ends[k]->valuestring, bytes);
            } else {
                assert_true(att_weights_list_number(&list, i) == ends[k]->valuedouble);
            }
        }
    }
}

static void lists_are_the_references(void **state)
{
    (void)state;
    rig r = open_both();
    const cJSON *want;
    int n = 0;
    cJSON_ArrayForEach(want, cJSON_GetObjectItem(r.want, "lists"))
    {
        check_list(r.weights, want);
        n++;
    }
    assert_int_equal(n, 4);
    close_both(&r);
}

/* A row of the golden: name, type, dims, offset, elements 0, 1, n / 2 and n - 1. */
static void check_tensor(const att_array *a, const cJSON *want)
{
    const cJSON *dims = cJSON_GetArrayItem(want, 2), *values = cJSON_GetArrayItem(want, 4);
    const size_t n = (size_t)att_array_elements(a), at[] = {0, 1, n / 2, n - 1};
    assert_string_equal(a->name, cJSON_GetArrayItem(want, 0)->valuestring);
    assert_string_equal(a->stored_as, cJSON_GetArrayItem(want, 1)->valuestring);
    assert_int_equal(a->offset, cJSON_GetArrayItem(want, 3)->valuedouble);
    assert_int_equal(a->rank, cJSON_GetArraySize(dims));
    for (int32_t d = 0; d < a->rank; d++)
        assert_int_equal(a->dims[d], cJSON_GetArrayItem(dims, d)->valuedouble);
    for (int i = 0; i < 4; i++)
        if (att_array_value(a, at[i]) != cJSON_GetArrayItem(values, i)->valuedouble)
            fail_msg("'%s': element %zu is %.17g, expected %.17g", a->name, at[i],
                     att_array_value(a, at[i]), cJSON_GetArrayItem(values, i)->valuedouble);
}

static void tensors_are_the_references(void **state)
{
    (void)state;
    rig r = open_both();
    const cJSON *want = cJSON_GetObjectItem(r.want, "tensors");
    assert_string_equal(att_weights_format(r.weights), "gguf");
    assert_int_equal(att_weights_count(r.weights), 272);
    assert_int_equal(cJSON_GetArraySize(want), 272);
    for (int i = 0; i < 272; i++)
        check_tensor(att_weights_at(r.weights, (size_t)i), cJSON_GetArrayItem(want, i));
    close_both(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_references),
        cmocka_unit_test(lists_are_the_references),
        cmocka_unit_test(tensors_are_the_references),
    };
    return cmocka_run_group_tests_name("gguf_real", tests, NULL, NULL);
}
