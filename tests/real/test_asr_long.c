/* test_asr_long.c - recordings longer than a window: seeking and prompts against OpenAI's
 * transcribe(), memory that does not grow, and a decoder that allocates nothing.
 *
 * Golden: tests/golden/whisper_long.json by tools/reference/dump_whisper.py, which also holds the
 * recipe of the recording. Needs the models and pocketsphinx-testdata; skips without them. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "attend/asr.h"
#include "filemap.h"
#include "realdata.h"
#include "rig.h"
#include "spawn.h"
#include "wavfile.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/whisper_long.json"

enum { RATE_HZ = 16000 };

/* As the goldens were made: one text, decoded once. */
static att_asr_options greedy(void)
{
    att_asr_options o = att_asr_defaults();
    o.beam_size = 1;
    o.temperature_increment_on_fallback = (double)NAN;
    return o;
}

static cJSON *read_golden(void)
{
    att_filemap map;
    assert_int_equal(att_filemap_open(&map, GOLDEN, NULL), ATT_OK);
    cJSON *json = cJSON_ParseWithLength((const char *)map.bytes, map.n_bytes);
    assert_non_null(json);
    att_filemap_close(&map);
    return json;
}

/* The golden's recording, `times` times over. */
static void write_recording(const cJSON *golden, const char *path, int times)
{
    const int64_t n_once = (int64_t)cJSON_GetObjectItem(golden, "samples")->valuedouble;
    int16_t *all = calloc((size_t)n_once * (size_t)times, sizeof *all);
    int64_t at = 0;
    const cJSON *part;
    assert_non_null(all);
    cJSON_ArrayForEach(part, cJSON_GetObjectItem(golden, "recipe"))
    {
        int64_t n;
        const char *file = cJSON_GetObjectItem(part, "file")->valuestring;
        int16_t *samples = wavfile_read(realdata_speech(file), &n);
        const double silence_s = cJSON_GetObjectItem(part, "silence_after_s")->valuedouble;
        assert_true(at + n <= n_once);
        memcpy(all + at, samples, (size_t)n * sizeof *all);
        at += n + (int64_t)(silence_s * RATE_HZ);
        free(samples);
    }
    assert_int_equal(at, n_once);
    for (int i = 1; i < times; i++) memcpy(all + i * n_once, all, (size_t)n_once * sizeof *all);
    wavfile_write(path, all, n_once * times);
    free(all);
}

static void compare_segments(const att_asr_result *got, const cJSON *want)
{
    const cJSON *segments = cJSON_GetObjectItem(want, "segments");
    for (int32_t i = 0; i < got->n_segments && i < cJSON_GetArraySize(segments); i++) {
        const cJSON *s = cJSON_GetArrayItem(segments, i);
        const att_asr_segment *g = &got->segments[i];
        const cJSON *tokens = cJSON_GetObjectItem(s, "tokens");
        assert_string_equal(g->text, cJSON_GetObjectItem(s, "text")->valuestring);
        assert_int_equal(g->seek, cJSON_GetObjectItem(s, "seek")->valueint);
        assert_true(fabs(g->start - cJSON_GetObjectItem(s, "start")->valuedouble) < 1e-9);
        assert_true(fabs(g->end - cJSON_GetObjectItem(s, "end")->valuedouble) < 1e-9);
        assert_int_equal(g->n_tokens, cJSON_GetArraySize(tokens));
        for (int32_t k = 0; k < g->n_tokens; k++)
            assert_int_equal(g->tokens[k], cJSON_GetArrayItem(tokens, k)->valueint);
    }
    assert_int_equal(got->n_segments, cJSON_GetArraySize(segments));
    assert_string_equal(got->text, cJSON_GetObjectItem(want, "text")->valuestring);
}

static void check_model(const char *name)
{
    const char *folder = realdata_model(name);
    char path[512];
    cJSON *golden = read_golden();
    const char *scratch = realdata_folder();
    snprintf(path, sizeof path, "%s/long.wav", scratch);
    write_recording(golden, path, 1);
    rig r = rig_open(rig_portable_only());
    att_asr_model *model;
    att_asr_session *session;
    att_err err;
    if (att_asr_model_open(&model, r.device, folder, ATT_PRECISION_EXACT, &err) ||
        att_asr_session_create(&session, model, &err))
        fail_msg("%s", err.text);
    const cJSON *run;
    cJSON_ArrayForEach(
        run, cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(golden, "models"), name),
                                 "runs"))
    {
        att_asr_result result;
        att_asr_options options = greedy();
        options.language = "en";
        options.condition_on_previous_text =
            cJSON_IsTrue(cJSON_GetObjectItem(run, "condition_on_previous_text"));
        if (att_asr_run(session, path, &options, &result, &err)) fail_msg("%s", err.text);
        compare_segments(&result, run);
        att_asr_result_free(&result);
    }
    att_asr_session_destroy(session);
    att_asr_model_close(model);
    rig_close(&r);
    realdata_remove(scratch);
    cJSON_Delete(golden);
}

static void base_seeks_as_the_reference(void **state)
{
    (void)state;
    check_model("base");
}

static void tiny_en_seeks_as_the_reference(void **state)
{
    (void)state;
    check_model("tiny.en");
}

/* What on_scan told, and after how many times cancelled() says so. */
typedef struct scan_watch {
    double read_s[16];
    int told, until;
} scan_watch;

static void hear_scan(void *user, double read_s)
{
    scan_watch *w = user;
    assert_true(w->told < 16);
    w->read_s[w->told++] = read_s;
}

static int enough(void *user)
{
    const scan_watch *w = user;
    return w->told >= w->until;
}

static void the_first_pass_is_told_and_cancelled(void **state)
{
    (void)state;
    const char *folder = realdata_model("tiny.en");
    char path[512];
    const char *scratch = realdata_folder();
    int16_t *silence = calloc(200 * RATE_HZ, sizeof *silence);
    assert_non_null(silence);
    snprintf(path, sizeof path, "%s/silence.wav", scratch);
    wavfile_write(path, silence, 200 * RATE_HZ);
    free(silence);
    rig r = rig_open(rig_portable_only());
    att_asr_model *model;
    att_asr_session *session = NULL;
    att_err err;
    if (att_asr_model_open(&model, r.device, folder, ATT_PRECISION_EXACT, &err) ||
        att_asr_session_create(&session, model, &err))
        fail_msg("%s", err.text);
    scan_watch watch = {.until = 2};
    att_asr_result result;
    att_asr_options options = greedy();
    options.user = &watch;
    options.on_scan = hear_scan;
    options.cancelled = enough;
    assert_int_equal(att_asr_run(session, path, &options, &result, &err), ATT_E_CANCELLED);
    assert_int_equal(watch.told, 2);
    assert_true(watch.read_s[0] == 60.0 && watch.read_s[1] == 120.0);
    assert_int_equal(result.timings.windows, 0);
    att_asr_result_free(&result);
    att_asr_session_destroy(session);
    att_asr_model_close(model);
    rig_close(&r);
    realdata_remove(scratch);
}

static long peak_kb(const char *model, const char *path)
{
    const char *const argv[] = {ATTEND_PROGRAM, "transcribe", "-q", "--json", "-m",
                                model,          "--language", "en", path,     NULL};
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    if (r.code != 0) fail_msg("transcribe: exit %d: %s", r.code, r.err);
    const long kb = r.max_rss_kb;
    spawn_free(&r);
    return kb;
}

/* Warm, base, a beam of 5: under 450 MB, and six minutes take no more than two, give or take. */
static void memory_does_not_grow_with_the_recording(void **state)
{
    (void)state;
    const char *model = realdata_model("base");
    char kept[512], path[512];
    snprintf(kept, sizeof kept, "%s", model);
    cJSON *golden = read_golden();
    const char *scratch = realdata_folder();
    snprintf(path, sizeof path, "%s/once.wav", scratch);
    write_recording(golden, path, 1);
    const char *brief = realdata_speech("librivox/sense_and_sensibility_01_austen_64kb-0870.wav");
    (void)peak_kb(kept, brief); /* compiles what is not compiled yet */
    const long once = peak_kb(kept, path);
    snprintf(path, sizeof path, "%s/thrice.wav", scratch);
    write_recording(golden, path, 3);
    const long thrice = peak_kb(kept, path);
    print_message("peak resident memory: %ld MB for 117 s, %ld MB for 351 s\n", once / 1024,
                  thrice / 1024);
    assert_true(thrice < 450 * 1024);
    assert_true(thrice < once + 8 * 1024);
    realdata_remove(scratch);
    cJSON_Delete(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_seeks_as_the_reference),
        cmocka_unit_test(tiny_en_seeks_as_the_reference),
        cmocka_unit_test(the_first_pass_is_told_and_cancelled),
        cmocka_unit_test(memory_does_not_grow_with_the_recording),
    };
    return cmocka_run_group_tests_name("asr_long", tests, NULL, NULL);
}
