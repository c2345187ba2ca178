/* test_speech_spans.c - speech from probabilities, and times through the map that it gives, against
 * faster-whisper's functions on made-up probabilities.
 *
 * Golden: tests/golden/vad_spans.json by tools/reference/dump_vad.py, whose made_up() is here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "speech_spans.h"
#include "time_map.h"
#include "vadgolden.h"

enum { MAX_WINDOWS = 1024 };

static uint32_t below(uint32_t *state, uint32_t n)
{
    *state = (*state * 1103515245u + 12345u) & 0x7fffffffu;
    return (*state >> 12) % n;
}

static void make_up(uint32_t seed, int n, float *probs)
{
    static const int LEVELS[] = {30, 350, 430, 520, 990};
    uint32_t state = (seed * 2654435761u) & 0x7fffffffu;
    int i = 0;
    (void)below(&state, 1);
    while (i < n) {
        const int level = LEVELS[below(&state, 5)];
        const int length = 1 + (int)below(&state, 40);
        for (int end = i + length < n ? i + length : n; i < end; i++) {
            const int x = level + (int)below(&state, 120) - 60;
            probs[i] = (float)(x < 0 ? 0 : x > 1024 ? 1024 : x) / 1024.0f;
        }
    }
}

/* step: windows a call. */
static void find(const att_vad_options *options, const float *probs, int n, int64_t n_samples,
                 int step, att_speech_spans *spans)
{
    att_err err;
    if (att_speech_spans_init(spans, options, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < n; i += step)
        if (att_speech_spans_add(spans, probs + i, (size_t)(i + step < n ? step : n - i), &err))
            fail_msg("%s", err.text);
    if (att_speech_spans_end(spans, n_samples, &err)) fail_msg("%s", err.text);
}

static void check_times(const att_speech_spans *spans, const cJSON *times)
{
    att_time_map map = {0};
    for (int32_t i = 0; i < spans->n; i++)
        assert_int_equal(att_time_map_add(&map, spans->spans[i].start, spans->spans[i].end, NULL),
                         ATT_OK);
    for (int i = 0; i < cJSON_GetArraySize(times); i += 3) {
        const double packed = cJSON_GetArrayItem(times, i)->valuedouble;
        for (int is_end = 0; is_end < 2; is_end++) {
            const double got =
                att_time_map_original_s(&map, packed, att_time_map_index(&map, packed, is_end));
            const double want = cJSON_GetArrayItem(times, i + 1 + is_end)->valuedouble;
            if (got != want) fail_msg("%.9f is %.9f, expected %.9f", packed, got, want);
        }
    }
    att_time_map_free(&map);
}

static void spans_and_times_are_the_reference_s(void **state)
{
    (void)state;
    static float probs[MAX_WINDOWS];
    cJSON *golden = vadgolden_read("vad_spans.json");
    int n_cases = 0, n_times = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(golden, "cases"))
    {
        const cJSON *of = cJSON_GetObjectItem(one, "of");
        const int n = cJSON_GetArrayItem(of, 1)->valueint;
        const int64_t n_samples = cJSON_GetArrayItem(of, 2)->valueint;
        const att_vad_options options = vadgolden_options(cJSON_GetObjectItem(one, "options"));
        assert_true(n <= MAX_WINDOWS);
        make_up((uint32_t)cJSON_GetArrayItem(of, 0)->valueint, n, probs);
        for (int step = 1; step <= MAX_WINDOWS; step *= 32) {
            att_speech_spans spans;
            find(&options, probs, n, n_samples, step, &spans);
            vadgolden_compare(&spans, cJSON_GetObjectItem(one, "spans"));
            const cJSON *times = cJSON_GetObjectItem(one, "times");
            if (times) check_times(&spans, times);
            n_times += times != NULL;
            att_speech_spans_finish(&spans);
        }
        n_cases++;
    }
    assert_true(n_cases >= 300 && n_times >= 60);
    cJSON_Delete(golden);
}

static void senseless_options_are_named(void **state)
{
    (void)state;
    att_speech_spans s;
    att_err err;
    att_vad_options o = att_vad_defaults();
    o.threshold = 1.5;
    assert_int_equal(att_speech_spans_init(&s, &o, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "1.5"));
    o = att_vad_defaults();
    o.neg_threshold = -1.0;
    assert_int_equal(att_speech_spans_init(&s, &o, &err), ATT_E_ARG);
    o = att_vad_defaults();
    o.speech_pad_ms = -30;
    assert_int_equal(att_speech_spans_init(&s, &o, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "-30 ms"));
    att_speech_spans_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_and_times_are_the_reference_s),
        cmocka_unit_test(senseless_options_are_named),
    };
    return cmocka_run_group_tests_name("speech_spans", tests, NULL, NULL);
}
