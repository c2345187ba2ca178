/* test_asr_options.c - each decoding option against OpenAI's transcribe() on real weights and
 * recordings (tests/golden/whisper_options.json, by tools/reference/dump_options.py), and what
 * temperatures must keep to. Needs the models and recordings; skips without them. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "asr_rig.h"
#include "realdata.h"
#include "wavfile.h"

enum { RATE_HZ = 16000, MAX_LIST = 16 };

/* The first n_files of the golden's recipe, one behind the other; pause_s < 0: with its pauses. */
static const char *recording(const cJSON *golden, int n_files, double pause_s)
{
    static char path[64];
    int16_t *all = NULL;
    size_t n_all = 0;
    for (int i = 0; i < n_files; i++) {
        const cJSON *part = cJSON_GetArrayItem(cJSON_GetObjectItem(golden, "recipe"), i);
        int64_t n;
        int16_t *samples =
            wavfile_read(realdata_speech(cJSON_GetObjectItem(part, "file")->valuestring), &n);
        const double own_s = cJSON_GetObjectItem(part, "silence_after_s")->valuedouble;
        const size_t pause = (size_t)((pause_s < 0.0 ? own_s : pause_s) * RATE_HZ);
        all = realloc(all, (n_all + (size_t)n + pause) * sizeof *all);
        assert_non_null(all);
        memcpy(all + n_all, samples, (size_t)n * sizeof *all);
        memset(all + n_all + n, 0, pause * sizeof *all);
        n_all += (size_t)n + pause;
        free(samples);
    }
    snprintf(path, sizeof path, "/tmp/attend_options_%d.wav", (int)getpid());
    wavfile_write(path, all, (int64_t)n_all);
    free(all);
    return path;
}

/* What an option of the golden is in ours. */
typedef struct told {
    att_asr_options options;
    int32_t suppressed[MAX_LIST];
    double clips[MAX_LIST];
    int n_files;
    double pause_s;
} told;

static int32_t numbers(const char *text, double *list)
{
    int32_t n = 0;
    char *end;
    for (; *text && n < MAX_LIST; text = *end ? end + 1 : end) list[n++] = strtod(text, &end);
    return n;
}

static void set_option(told *t, const cJSON *option)
{
    att_asr_options *o = &t->options;
    const char *name = option->string, *text = option->valuestring;
    const double number = cJSON_IsNumber(option) ? option->valuedouble : (double)NAN;
    double list[MAX_LIST];
    if (!strcmp(name, "beam_size")) {
        o->beam_size = (int32_t)number;
    } else if (!strcmp(name, "patience")) {
        o->patience = number;
    } else if (!strcmp(name, "length_penalty")) {
        o->length_penalty = number;
    } else if (!strcmp(name, "no_speech_threshold")) {
        o->no_speech_threshold = number;
    } else if (!strcmp(name, "logprob_threshold")) {
        o->logprob_threshold = number;
    } else if (!strcmp(name, "initial_prompt")) {
        o->initial_prompt = text;
    } else if (!strcmp(name, "prefix")) {
        o->prefix = text;
    } else if (!strcmp(name, "carry_initial_prompt")) {
        o->carry_initial_prompt = cJSON_IsTrue(option);
    } else if (!strcmp(name, "condition_on_previous_text")) {
        o->condition_on_previous_text = cJSON_IsTrue(option);
    } else if (!strcmp(name, "suppress_tokens")) {
        o->n_suppress_tokens = numbers(text, list);
        for (int32_t i = 0; i < o->n_suppress_tokens; i++) t->suppressed[i] = (int32_t)list[i];
        o->suppress_tokens = t->suppressed;
    } else if (!strcmp(name, "clip_timestamps")) {
        o->n_clip_timestamps = numbers(text, t->clips);
        o->clip_timestamps = t->clips;
    } else if (!strcmp(name, "word_timestamps")) {
        o->word_timestamps = cJSON_IsTrue(option);
    } else if (!strcmp(name, "prepend_punctuations")) {
        o->prepend_punctuations = text;
    } else if (!strcmp(name, "append_punctuations")) {
        o->append_punctuations = text;
    } else if (!strcmp(name, "hallucination_silence_threshold")) {
        o->hallucination_silence_threshold = number;
    } else if (!strcmp(name, "pauses")) {
        t->pause_s = number;
    } else if (!strcmp(name, "files")) {
        t->n_files = (int)number;
    } else {
        fail_msg("the golden has an option that the test does not know: %s", name);
    }
}

/* Times are multiples of 0.02 s: a word may begin one step off where two ways cost nearly the same.
 */
static void compare_words(const att_asr_segment *got, const cJSON *want, const char *title)
{
    assert_int_equal(got->n_words, cJSON_GetArraySize(want));
    for (int32_t i = 0; i < got->n_words; i++) {
        const cJSON *w = cJSON_GetArrayItem(want, i);
        assert_string_equal(got->words[i].text, cJSON_GetArrayItem(w, 0)->valuestring);
        const double start = got->words[i].start - cJSON_GetArrayItem(w, 1)->valuedouble;
        const double end = got->words[i].end - cJSON_GetArrayItem(w, 2)->valuedouble;
        if (!(fabs(start) < 0.021 && fabs(end) < 0.021))
            fail_msg("%s: '%s' is %g s and %g s off", title, got->words[i].text, start, end);
        assert_true(fabs(got->words[i].probability - cJSON_GetArrayItem(w, 3)->valuedouble) < 5e-3);
    }
}

static void compare(const att_asr_result *got, const cJSON *want, const char *title)
{
    const cJSON *segments = cJSON_GetObjectItem(want, "segments"), *s;
    int32_t i = 0;
    if (strcmp(got->text, cJSON_GetObjectItem(want, "text")->valuestring) != 0)
        fail_msg("%s:\n%s\nis expected to be\n%s", title, got->text,
                 cJSON_GetObjectItem(want, "text")->valuestring);
    assert_int_equal(got->n_segments, cJSON_GetArraySize(segments));
    cJSON_ArrayForEach(s, segments)
    {
        const att_asr_segment *g = &got->segments[i++];
        const cJSON *tokens = cJSON_GetObjectItem(s, "tokens");
        assert_true(abs((int)g->seek - cJSON_GetObjectItem(s, "seek")->valueint) <=
                    (cJSON_GetObjectItem(s, "words") ? 2 : 0));
        const cJSON *words = cJSON_GetObjectItem(s, "words");
        const double off = words ? 0.021 : 1e-9;
        if (words) compare_words(g, words, title);
        assert_true(fabs(g->start - cJSON_GetObjectItem(s, "start")->valuedouble) < off);
        assert_true(fabs(g->end - cJSON_GetObjectItem(s, "end")->valuedouble) < off);
        assert_int_equal(g->n_tokens, cJSON_GetArraySize(tokens));
        for (int32_t k = 0; k < g->n_tokens; k++)
            assert_int_equal(g->tokens[k], cJSON_GetArrayItem(tokens, k)->valueint);
        assert_true(fabs(g->avg_logprob - cJSON_GetObjectItem(s, "avg_logprob")->valuedouble) <
                    2e-3);
        assert_true(fabs(g->compression_ratio -
                         cJSON_GetObjectItem(s, "compression_ratio")->valuedouble) < 1e-5);
    }
}

static void check_model(const char *name)
{
    asr_rig o = asr_rig_open(name);
    cJSON *golden = golden_json("whisper_options.json");
    const int n_files = cJSON_GetArraySize(cJSON_GetObjectItem(golden, "recipe"));
    const cJSON *run, *option;
    cJSON_ArrayForEach(
        run, cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(golden, "models"), name),
                                 "runs"))
    {
        told t = {.options = att_asr_defaults(), .n_files = n_files, .pause_s = -1.0};
        att_asr_result result;
        att_err err;
        t.options.language = "en";
        t.options.temperature_increment_on_fallback = (double)NAN;
        cJSON_ArrayForEach(option, cJSON_GetObjectItem(run, "options")) set_option(&t, option);
        char *title = cJSON_PrintUnformatted(cJSON_GetObjectItem(run, "options"));
        const char *path = recording(golden, t.n_files, t.pause_s);
        if (att_asr_run(o.session, path, &t.options, &result, &err)) fail_msg("%s", err.text);
        unlink(path);
        compare(&result, run, title);
        att_asr_result_free(&result);
        cJSON_free(title);
    }
    cJSON_Delete(golden);
    asr_rig_close(&o);
}

static void base_obeys_as_the_reference(void **state)
{
    (void)state;
    check_model("base");
}

static void tiny_en_obeys_as_the_reference(void **state)
{
    (void)state;
    check_model("tiny.en");
}

/* The result's words and the temperature that they were found at. */
static double text_at(asr_rig *o, const att_asr_options *options, char *text, size_t room)
{
    att_asr_result result;
    att_err err;
    const char *file = realdata_speech("librivox/sense_and_sensibility_01_austen_64kb-0870.wav");
    if (att_asr_run(o->session, file, options, &result, &err)) fail_msg("%s", err.text);
    assert_true(result.n_segments > 0);
    snprintf(text, room, "%s", result.text);
    const double temperature = result.segments[0].temperature;
    for (int32_t k = 0; k < result.segments[0].n_tokens; k++) {
        const float p = result.segments[0].token_probs[k];
        assert_true(p > 0.0f && p <= 1.0f);
    }
    att_asr_result_free(&result);
    return temperature;
}

/* Text that fails a threshold is decoded again, up to a temperature of 1; a seed makes it anew. */
static void thresholds_raise_the_temperature(void **state)
{
    (void)state;
    enum { ROOM = 2048 };
    static char plain[ROOM], drawn[ROOM], again[ROOM], other[ROOM];
    asr_rig o = asr_rig_open("tiny.en");
    att_asr_options options = att_asr_defaults();
    options.best_of = 2;
    options.no_speech_threshold = (double)NAN;
    assert_true(text_at(&o, &options, plain, ROOM) == 0.0);
    options.logprob_threshold = 0.0; /* nothing is that likely */
    options.temperature_increment_on_fallback = 0.5;
    assert_true(text_at(&o, &options, drawn, ROOM) == 1.0);
    assert_true(text_at(&o, &options, again, ROOM) == 1.0);
    options.seed = 1;
    assert_true(text_at(&o, &options, other, ROOM) == 1.0);
    assert_string_equal(drawn, again);
    assert_string_not_equal(drawn, other);
    assert_string_not_equal(drawn, plain);
    options.no_speech_threshold = -1.0; /* all is silence: no reason to try again */
    options.logprob_threshold = 0.0;
    att_asr_result result;
    att_err err;
    const char *file = realdata_speech("librivox/sense_and_sensibility_01_austen_64kb-0870.wav");
    if (att_asr_run(o.session, file, &options, &result, &err)) fail_msg("%s", err.text);
    assert_int_equal(result.n_segments, 0);
    att_asr_result_free(&result);
    asr_rig_close(&o);
}

/* Samples in memory give what the file that holds them gives. */
static void samples_are_heard_like_a_file(void **state)
{
    (void)state;
    asr_rig o = asr_rig_open("tiny.en");
    const char *file = realdata_speech("librivox/sense_and_sensibility_01_austen_64kb-0870.wav");
    att_asr_options options = att_asr_defaults();
    options.beam_size = 1;
    att_asr_result want, got;
    att_err err;
    int64_t n;
    int16_t *raw = wavfile_read(file, &n);
    float *samples = calloc((size_t)n, sizeof *samples);
    assert_non_null(samples);
    for (int64_t i = 0; i < n; i++) samples[i] = (float)raw[i] / 32768.0f;
    if (att_asr_run(o.session, file, &options, &want, &err) ||
        att_asr_run_samples(o.session, samples, (size_t)n, RATE_HZ, &options, &got, &err))
        fail_msg("%s", err.text);
    assert_true(strlen(want.text) > 40);
    assert_string_equal(got.text, want.text);
    assert_int_equal(got.n_segments, want.n_segments);
    assert_true(got.duration_s == want.duration_s);
    att_asr_result_free(&got);
    att_asr_result_free(&want);
    assert_int_equal(att_asr_run_samples(o.session, samples, 0, RATE_HZ, &options, &got, &err),
                     ATT_OK);
    assert_int_equal(got.n_segments, 0);
    att_asr_result_free(&got);
    free(samples);
    free(raw);
    asr_rig_close(&o);
}

static void senseless_options_are_refused(void **state)
{
    (void)state;
    asr_rig o = asr_rig_open("tiny.en");
    const int32_t far[] = {99999};
    const double before[] = {-1.0};
    att_asr_options bad[7];
    att_asr_result result;
    att_err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) bad[i] = att_asr_defaults();
    bad[0].beam_size = 65;
    bad[1].patience = 0.0;
    bad[2].temperature = -0.5;
    bad[3].length_penalty = 1.5;
    bad[4].suppress_tokens = far;
    bad[5].clip_timestamps = before;
    bad[5].n_clip_timestamps = 1;
    bad[6].best_of = -1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *file = realdata_speech("cards/001.wav");
        assert_int_equal(att_asr_run(o.session, file, &bad[i], &result, &err), ATT_E_ARG);
        assert_int_equal(result.n_segments, 0);
        att_asr_result_free(&result);
    }
    asr_rig_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_obeys_as_the_reference),
        cmocka_unit_test(tiny_en_obeys_as_the_reference),
        cmocka_unit_test(thresholds_raise_the_temperature),
        cmocka_unit_test(samples_are_heard_like_a_file),
        cmocka_unit_test(senseless_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
