/* test_whisper_real.c - real weights on real recordings against OpenAI's implementation in fp32.
 *
 * Goldens: tests/golden/whisper_ids.json, whisper_librispeech_ids.json, whisper_*_ref.safetensors,
 * by tools/reference/dump_whisper.py. Needs the models and recordings; skips without them. */
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

#include "asr_rig.h"
#include "filemap.h"
#include "mel.h"
#include "lane_rig.h"
#include "mem.h"
#include "realdata.h"
#include "rig.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/"

/* The reference's lead of its choice over the next, below which rounding may turn the choice. */
static const double NEAR_TIE = 0.02;

/* As the goldens were made: one text, decoded once. */
static att_asr_options greedy(void)
{
    att_asr_options o = att_asr_defaults();
    o.beam_size = 1;
    o.temperature_increment_on_fallback = (double)NAN;
    return o;
}

/* One window in one decode; segments' tokens behind each other. */
static int32_t transcribe_ids(asr_rig *o, const char *path, const att_asr_options *options,
                              int32_t *ids, int32_t room)
{
    att_asr_result result;
    att_err err;
    int32_t n = 0;
    if (att_asr_run(o->session, path, options, &result, &err)) fail_msg("%s: %s", path, err.text);
    for (int32_t i = 0; i < result.n_segments; i++)
        for (int32_t k = 0; k < result.segments[i].n_tokens && n < room; k++)
            ids[n++] = result.segments[i].tokens[k];
    att_asr_result_free(&result);
    return n;
}

/* 0: equal; 1: they part at a near tie of the reference's; fails otherwise. */
static int compare_ids(const char *file, const int32_t *ids, int32_t n, const cJSON *want)
{
    const cJSON *tokens = cJSON_GetObjectItem(want, "tokens"),
                *gaps = cJSON_GetObjectItem(want, "gaps");
    const int32_t n_want = cJSON_GetArraySize(tokens);
    for (int32_t i = 0; i < n || i < n_want; i++) {
        const int32_t got = i < n ? ids[i] : -1;
        const int32_t expected = i < n_want ? cJSON_GetArrayItem(tokens, i)->valueint : -1;
        if (got == expected) continue;
        const double gap = cJSON_GetArrayItem(gaps, i)->valuedouble;
        print_message("%s: token %d is %d, the reference has %d with a lead of %g\n", file, i, got,
                      expected, gap);
        if (!(gap < NEAR_TIE)) fail_msg("%s: the reference was sure of its token", file);
        return 1;
    }
    return 0;
}

/* How many of the utterances part at near ties. */
static int check_utterances(asr_rig *o, const cJSON *model, const char *kind,
                            const char *(*find)(const char *), const char *prefix)
{
    enum { ROOM = 512 };
    static int32_t ids[ROOM];
    int ties = 0;
    const cJSON *u;
    att_asr_options options = greedy();
    options.language = "en";
    options.single_window = 1;
    options.no_speech_threshold = (double)NAN; /* what decode() says, silence or not */
    options.without_timestamps = strcmp(kind, "plain") == 0;
    cJSON_ArrayForEach(u, cJSON_GetObjectItem(model, "utterances"))
    {
        char name[512];
        snprintf(name, sizeof name, "%s%s", prefix, cJSON_GetObjectItem(u, "file")->valuestring);
        const int32_t n = transcribe_ids(o, find(name), &options, ids, ROOM);
        ties += compare_ids(name, ids, n, cJSON_GetObjectItem(u, kind));
    }
    return ties;
}

static void check_model(const char *name)
{
    asr_rig o = asr_rig_open(name);
    cJSON *json = golden_json("whisper_ids.json");
    const cJSON *model = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "models"), name);
    const int plain = check_utterances(&o, model, "plain", realdata_speech, "");
    const int timed = check_utterances(&o, model, "timed", realdata_speech, "");
    print_message("%s: %d of 10 plain and %d of 10 timed part at a near tie\n", name, plain, timed);
    assert_true(plain == 0);
    assert_true(timed <= 1);
    cJSON_Delete(json);
    asr_rig_close(&o);
}

static void base_says_what_the_reference_says(void **state)
{
    (void)state;
    check_model("base");
}

static void tiny_en_says_what_the_reference_says(void **state)
{
    (void)state;
    check_model("tiny.en");
}

static void librispeech_ids_are_the_references(void **state)
{
    (void)state;
    (void)realdata_shared("speech/librispeech-test-other/transcripts.tsv");
    asr_rig o = asr_rig_open("base");
    cJSON *json = golden_json("whisper_librispeech_ids.json");
    const cJSON *model = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "models"), "base");
    const int ties =
        check_utterances(&o, model, "plain", realdata_shared, "speech/librispeech-test-other/");
    print_message("base: %d of 60 part at a near tie\n", ties);
    assert_true(ties <= 2);
    cJSON_Delete(json);
    asr_rig_close(&o);
}

/* --- tensors of one recording --- */

static void assert_near(const att_array *want, const float *got, size_t step_rows, size_t width,
                        double limit, const char *what)
{
    double worst = 0.0;
    const size_t n = (size_t)att_array_elements(want);
    for (size_t i = 0; i < n; i++) {
        const size_t row = i / width * step_rows, col = i % width;
        const double off = fabs((double)got[row * width + col] - att_array_value(want, i));
        if (!(off <= worst)) worst = off;
    }
    print_message("%s: %.2e off, limit %.0e\n", what, worst, limit);
    if (!(worst <= limit)) fail_msg("%s is %g off, at most %g is expected", what, worst, limit);
}

static float *read_mel(const char *path, int32_t n_mels)
{
    att_audio *audio = NULL;
    att_mel_stream *stream = NULL;
    att_err err;
    int64_t n_frames;
    int32_t frames;
    float *mel = att_calloc((size_t)ATT_MEL_WINDOW * (size_t)n_mels, sizeof *mel);
    if (att_audio_open(&audio, path, ATT_MEL_RATE_HZ, NULL, &err) ||
        att_mel_stream_open(&stream, audio, n_mels, &err) ||
        att_mel_stream_scan(stream, INT64_MAX, &n_frames, &err) ||
        att_mel_stream_window(stream, 0, 1, mel, &frames, &err))
        fail_msg("%s", err.text);
    att_mel_stream_close(stream);
    att_audio_close(audio);
    return mel;
}

/* Tolerances: spec rows 2 (mel 1e-4), 9 (encoder 2e-3), 10 (logits 5e-3), all in f32. */
static void check_tensors(const char *name, const char *file)
{
    const char *folder = realdata_model(name);
    const char *recording =
        realdata_speech("librivox/sense_and_sensibility_01_austen_64kb-0870.wav");
    rig r = rig_open(rig_portable_only());
    att_weights *weights, *golden;
    att_whisper *whisper;
    att_err err;
    if (att_weights_open(&weights, folder, &err) || att_weights_open(&golden, file, &err) ||
        att_whisper_open(&whisper, r.device, weights, ATT_PRECISION_EXACT, &err))
        fail_msg("%s", err.text);
    lane_rig lanes = lane_rig_open(whisper, 1, 1);
    const att_whisper_config *c = att_whisper_get_config(whisper);
    float *mel = read_mel(recording, c->n_mels);
    float *audio = att_calloc((size_t)c->audio_ctx * (size_t)c->audio_width, sizeof *audio);
    float *logits = att_calloc((size_t)c->vocab, sizeof *logits);
    int32_t prompt[8];
    const att_array *ids = att_weights_find(golden, "prompt");
    const int32_t n = (int32_t)ids->dims[0];
    for (int32_t i = 0; i < n; i++) prompt[i] = (int32_t)att_array_value(ids, (size_t)i);
    lane_rig_encode(&lanes, mel);
    assert_int_equal(att_whisper_read_audio(lanes.session, audio, &err), ATT_OK);
    lane_rig_decode(&lanes, prompt, n);
    lane_rig_logits(&lanes, n - 1, 1, logits);
    assert_near(att_weights_find(golden, "mel"), mel, 8, (size_t)c->n_mels, 1e-4, "mel");
    assert_near(att_weights_find(golden, "encoder"), audio, 25, (size_t)c->audio_width, 2e-3,
                "encoder");
    assert_near(att_weights_find(golden, "logits"), logits, 4, 1, 5e-3, "logits");
    att_free(mel);
    att_free(audio);
    att_free(logits);
    lane_rig_close(&lanes);
    att_whisper_close(whisper);
    att_weights_close(weights);
    att_weights_close(golden);
    rig_close(&r);
}

static void base_tensors_are_the_references(void **state)
{
    (void)state;
    check_tensors("base", GOLDEN "whisper_base_ref.safetensors");
}

static void tiny_en_tensors_are_the_references(void **state)
{
    (void)state;
    check_tensors("tiny.en", GOLDEN "whisper_tiny_en_ref.safetensors");
}

/* Detection finds English; translate with a forced language is another prompt, not an error. */
static void language_and_task_are_prompts(void **state)
{
    (void)state;
    enum { ROOM = 512 };
    static int32_t ids[ROOM];
    asr_rig o = asr_rig_open("base");
    cJSON *json = golden_json("whisper_ids.json");
    const cJSON *forced = cJSON_GetObjectItem(
        cJSON_GetObjectItem(cJSON_GetObjectItem(json, "models"), "base"), "forced");
    const char *file = realdata_speech(cJSON_GetObjectItem(forced, "file")->valuestring);
    att_asr_options options = greedy();
    options.single_window = 1;
    options.without_timestamps = 1;
    options.language = "German";
    options.translate = 1;
    const int32_t n = transcribe_ids(&o, file, &options, ids, ROOM);
    assert_int_equal(compare_ids(file, ids, n, forced), 0);

    att_asr_result result;
    options.language = NULL;
    options.translate = 0;
    assert_int_equal(att_asr_run(o.session, file, &options, &result, NULL), ATT_OK);
    assert_string_equal(result.language, "en");
    att_asr_result_free(&result);
    cJSON_Delete(json);
    asr_rig_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_tensors_are_the_references),
        cmocka_unit_test(tiny_en_tensors_are_the_references),
        cmocka_unit_test(base_says_what_the_reference_says),
        cmocka_unit_test(tiny_en_says_what_the_reference_says),
        cmocka_unit_test(language_and_task_are_prompts),
        cmocka_unit_test(librispeech_ids_are_the_references),
    };
    return cmocka_run_group_tests_name("whisper_real", tests, NULL, NULL);
}
