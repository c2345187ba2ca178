/* vadgolden.c - vadgolden.h. */
#include "vadgolden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "filemap.h"

cJSON *vadgolden_read(const char *name)
{
    char path[512];
    att_filemap map;
    snprintf(path, sizeof path, ATT_SOURCE_DIR "/tests/golden/%s", name);
    assert_int_equal(att_filemap_open(&map, path, NULL), ATT_OK);
    cJSON *json = cJSON_ParseWithLength((const char *)map.bytes, map.n_bytes);
    assert_non_null(json);
    att_filemap_close(&map);
    return json;
}

static double number_or(const cJSON *row, int i, double otherwise)
{
    const cJSON *x = cJSON_GetArrayItem(row, i);
    assert_non_null(x);
    return cJSON_IsNull(x) ? otherwise : x->valuedouble;
}

att_vad_options vadgolden_options(const cJSON *row)
{
    att_vad_options o = att_vad_defaults();
    o.threshold = number_or(row, 0, o.threshold);
    o.neg_threshold = number_or(row, 1, o.neg_threshold);
    o.min_speech_duration_ms = (int32_t)number_or(row, 2, o.min_speech_duration_ms);
    o.max_speech_duration_s = number_or(row, 3, o.max_speech_duration_s);
    o.min_silence_duration_ms = (int32_t)number_or(row, 4, o.min_silence_duration_ms);
    o.speech_pad_ms = (int32_t)number_or(row, 5, o.speech_pad_ms);
    return o;
}

void vadgolden_compare(const att_speech_spans *got, const cJSON *want)
{
    assert_int_equal(2 * got->n, cJSON_GetArraySize(want));
    for (int32_t i = 0; i < got->n; i++) {
        assert_int_equal(got->spans[i].start, cJSON_GetArrayItem(want, 2 * i)->valueint);
        assert_int_equal(got->spans[i].end, cJSON_GetArrayItem(want, 2 * i + 1)->valueint);
    }
}
