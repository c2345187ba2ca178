/* test_asr_vad.c - transcribing speech alone: two sentences in three minutes of silence or noise,
 * nothing but silence or noise, and each option of `attend transcribe --vad_filter`.
 *
 * Needs Whisper tiny.en, the model silero-vad and pocketsphinx-testdata; skips without them. */
#define _DEFAULT_SOURCE
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
#include "realdata.h"
#include "rig.h"
#include "spawn.h"
#include "wavfile.h"

enum { RATE_HZ = 16000, N = 180 * RATE_HZ, N_SENTENCES = 2, MAX_ARGS = 24 };

static const struct {
    const char *file;
    int at_s;
} SENTENCES[N_SENTENCES] = {
    {"librivox/sense_and_sensibility_01_austen_64kb-0870.wav", 47},
    {"librivox/sense_and_sensibility_01_austen_64kb-0890.wav", 131},
};

typedef struct opened {
    rig r;
    att_asr_model *model;
    att_vad *vad;
    att_asr_session *session;
} opened;

static opened open_all(void)
{
    opened o = {{NULL, NULL}, NULL, NULL, NULL};
    att_err err;
    char vad[4096];
    (void)realdata_speech(SENTENCES[0].file); /* skips before anything is held */
    snprintf(vad, sizeof vad, "%s", realdata_model("silero-vad"));
    const char *folder = realdata_model("tiny.en");
    o.r = rig_open(rig_portable_only());
    if (att_asr_model_open(&o.model, o.r.device, folder, ATT_PRECISION_EXACT, &err) ||
        att_asr_session_create(&o.session, o.model, &err) ||
        att_vad_open(&o.vad, o.r.device, vad, &err) ||
        att_asr_session_use_vad(o.session, o.vad, &err))
        fail_msg("%s", err.text);
    return o;
}

static void close_all(opened *o)
{
    att_asr_session_destroy(o->session);
    att_vad_close(o->vad);
    att_asr_model_close(o->model);
    rig_close(&o->r);
}

/* Three minutes of a hiss `loud` high, and the sentences in it if wanted; the caller frees them. */
static int16_t *make_recording(int loud, int sentences)
{
    uint32_t state = 1;
    int16_t *all = calloc(N, sizeof *all);
    assert_non_null(all);
    for (int i = 0; loud && i < N; i++) {
        state = state * 1103515245u + 12345u;
        all[i] = (int16_t)((int)(state >> 16) % (2 * loud + 1) - loud);
    }
    for (int s = 0; sentences && s < N_SENTENCES; s++) {
        int64_t n;
        int16_t *samples = wavfile_read(realdata_speech(SENTENCES[s].file), &n);
        for (int64_t i = 0; i < n; i++) {
            int16_t *to = &all[(int64_t)SENTENCES[s].at_s * RATE_HZ + i];
            const int sum = *to + samples[i];
            *to = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
        }
        free(samples);
    }
    return all;
}

static att_asr_result run(opened *o, const char *path)
{
    att_asr_result result;
    att_err err;
    att_asr_options options = att_asr_defaults();
    options.beam_size = 1;
    options.vad_filter = 1;
    if (att_asr_run(o->session, path, &options, &result, &err)) fail_msg("%s", err.text);
    return result;
}

/* Samples of the recording without the voice detector; they are taken from n_spans places. */
static att_asr_result run_plain(opened *o, const int16_t *recording, const att_asr_span *spans,
                                int32_t n_spans)
{
    size_t n = 0;
    att_asr_result result;
    att_err err;
    att_asr_options options = att_asr_defaults();
    options.beam_size = 1;
    float *samples = calloc(N, sizeof *samples);
    assert_non_null(samples);
    for (int32_t i = 0; i < n_spans; i++)
        for (int64_t k = llround(spans[i].start * RATE_HZ); k < llround(spans[i].end * RATE_HZ);
             k++)
            samples[n++] = (float)recording[k] / 32768.0f;
    if (att_asr_run_samples(o->session, samples, n, RATE_HZ, &options, &result, &err))
        fail_msg("%s", err.text);
    free(samples);
    return result;
}

/* Packed by hand, the same stretches say the same. */
static void check_packing(opened *o, const int16_t *recording, const att_asr_result *got)
{
    att_asr_result packed = run_plain(o, recording, got->speech, got->n_speech);
    assert_string_equal(got->text, packed.text);
    assert_int_equal(got->n_segments, packed.n_segments);
    assert_int_equal(got->timings.windows, packed.timings.windows);
    att_asr_result_free(&packed);
}

/* The sentence's segments stand where it was put and, with same_words, say what it says alone. In a
 * hiss tiny.en hears a word otherwise when another sentence follows; so does faster-whisper. */
static int32_t check_sentence(opened *o, const int16_t *recording, const att_asr_result *got,
                              int32_t first, int s, int same_words)
{
    int64_t n;
    free(wavfile_read(realdata_speech(SENTENCES[s].file), &n));
    const att_asr_span put = {SENTENCES[s].at_s, SENTENCES[s].at_s + (double)n / RATE_HZ};
    att_asr_result alone = run_plain(o, recording, &put, 1);
    char words[2][2048] = {"", ""};
    int32_t end = first;
    assert_true(alone.n_segments > 0 && first < got->n_segments);
    while (end < got->n_segments &&
           got->segments[end].start < SENTENCES[s].at_s + alone.duration_s + 0.5)
        end++;
    assert_true(end > first);
    for (int32_t i = 0; i < alone.n_segments; i++)
        strncat(words[0], alone.segments[i].text, sizeof words[0] - strlen(words[0]) - 1);
    for (int32_t i = first; i < end; i++)
        strncat(words[1], got->segments[i].text, sizeof words[1] - strlen(words[1]) - 1);
    if (same_words) assert_string_equal(words[1], words[0]);
    const double from = SENTENCES[s].at_s + alone.segments[0].start;
    const double to = SENTENCES[s].at_s + alone.segments[alone.n_segments - 1].end;
    print_message("sentence %d: %.2f to %.2f, expected %.2f to %.2f\n", s,
                  got->segments[first].start, got->segments[end - 1].end, from, to);
    assert_true(fabs(got->segments[first].start - from) <= 0.3);
    assert_true(fabs(got->segments[end - 1].end - to) <= 0.3);
    att_asr_result_free(&alone);
    return end;
}

static void check_recording(int loud)
{
    char path[512];
    opened o = open_all();
    const char *folder = realdata_folder();
    snprintf(path, sizeof path, "%s/three.wav", folder);
    int16_t *samples = make_recording(loud, 1);
    wavfile_write(path, samples, N);
    att_asr_result got = run(&o, path);
    assert_true(got.duration_s == 180.0);
    assert_int_equal(got.n_speech, N_SENTENCES);
    check_packing(&o, samples, &got);
    int32_t segment = 0;
    for (int s = 0; s < N_SENTENCES; s++) {
        assert_true(fabs(got.speech[s].start - SENTENCES[s].at_s) < 0.6);
        assert_true(got.speech[s].end - got.speech[s].start < 9.0);
        segment = check_sentence(&o, samples, &got, segment, s, !loud);
    }
    assert_int_equal(segment, got.n_segments); /* and nothing else was heard */
    assert_true(got.timings.windows <= N_SENTENCES && got.timings.vad_s > 0.0);
    att_asr_result_free(&got);
    free(samples);
    realdata_remove(folder);
    close_all(&o);
}

static void sentences_in_silence_are_all_that_is_heard(void **state)
{
    (void)state;
    check_recording(0);
}

static void sentences_in_a_hiss_are_all_that_is_heard(void **state)
{
    (void)state;
    check_recording(30);
}

/* Words lie in the speech that they were heard in, in order. */
static void words_stand_where_they_were_spoken(void **state)
{
    (void)state;
    opened o = open_all();
    int16_t *recording = make_recording(0, 1);
    float *samples = calloc(N, sizeof *samples);
    assert_non_null(samples);
    for (int i = 0; i < N; i++) samples[i] = (float)recording[i] / 32768.0f;
    att_asr_result got;
    att_err err;
    att_asr_options options = att_asr_defaults();
    options.beam_size = 1;
    options.vad_filter = options.word_timestamps = 1;
    if (att_asr_run_samples(o.session, samples, N, RATE_HZ, &options, &got, &err))
        fail_msg("%s", err.text);
    int n_in[N_SENTENCES] = {0, 0};
    double last = 0.0;
    assert_int_equal(got.n_speech, N_SENTENCES);
    for (int32_t i = 0; i < got.n_segments; i++)
        for (int32_t k = 0; k < got.segments[i].n_words; k++) {
            const att_asr_word *w = &got.segments[i].words[k];
            const int s = w->start > SENTENCES[1].at_s - 1;
            assert_true(w->start >= last - 1e-9 && w->end >= w->start);
            const double middle = (w->start + w->end) / 2.0; /* decides where a word belongs */
            assert_true(middle >= got.speech[s].start && middle <= got.speech[s].end);
            assert_true(w->start >= got.segments[i].start && w->end <= got.segments[i].end);
            last = w->end;
            n_in[s]++;
        }
    assert_int_equal(n_in[0], 22); /* "And Mr. John Dashwood had then leisure ... for them." */
    assert_int_equal(n_in[1], 14); /* "Unless to be rather cold-hearted ... ill-disposed." */
    att_asr_result_free(&got);
    free(samples);
    free(recording);
    close_all(&o);
}

static void no_speech_costs_no_window_and_gives_no_word(void **state)
{
    (void)state;
    static const int LOUD[] = {0, 30, 3000};
    char path[512];
    opened o = open_all();
    const char *folder = realdata_folder();
    snprintf(path, sizeof path, "%s/none.wav", folder);
    for (size_t i = 0; i < sizeof LOUD / sizeof *LOUD; i++) {
        int16_t *samples = make_recording(LOUD[i], 0);
        wavfile_write(path, samples, N);
        free(samples);
        att_asr_result got = run(&o, path);
        assert_int_equal(got.timings.windows, 0);
        assert_int_equal(got.n_segments, 0);
        assert_int_equal(got.n_speech, 0);
        assert_string_equal(got.text, "");
        assert_true(got.duration_s == 180.0);
        att_asr_result_free(&got);
    }
    realdata_remove(folder);
    close_all(&o);
}

/* What heard() tells, and when it has had enough. */
typedef struct watch {
    double read_s[8];
    int n, until;
} watch;

static void heard(void *user, double read_s)
{
    watch *w = user;
    assert_true(w->n < 8);
    w->read_s[w->n++] = read_s;
}

static int enough(void *user)
{
    const watch *w = user;
    return w->n >= w->until;
}

static void listening_is_told_and_cancelled(void **state)
{
    (void)state;
    opened o = open_all();
    float *silence = calloc(N, sizeof *silence);
    assert_non_null(silence);
    for (int until = 2; until < 9; until += 6) {
        watch w = {.until = until};
        att_asr_result result;
        att_err err;
        att_asr_options options = att_asr_defaults();
        options.vad_filter = 1;
        options.user = &w;
        options.on_scan = heard;
        options.cancelled = enough;
        const att_status status =
            att_asr_run_samples(o.session, silence, N, RATE_HZ, &options, &result, &err);
        assert_int_equal(status, until == 2 ? ATT_E_CANCELLED : ATT_OK);
        assert_int_equal(w.n, until == 2 ? 2 : 3);
        assert_true(w.read_s[0] == 60.0 && w.read_s[1] == 120.0);
        att_asr_result_free(&result);
    }
    free(silence);
    close_all(&o);
}

static void what_cannot_be_asked_is_said(void **state)
{
    (void)state;
    opened o = open_all();
    static const float SILENCE[16000];
    static const double CLIP[] = {0.0, 0.5};
    att_asr_result result;
    att_err err;
    att_asr_options options = att_asr_defaults();
    options.vad_filter = 1;
    options.clip_timestamps = CLIP;
    options.n_clip_timestamps = 2;
    assert_int_equal(
        att_asr_run_samples(o.session, SILENCE, 16000, RATE_HZ, &options, &result, &err),
        ATT_E_ARG);
    assert_non_null(strstr(err.text, "clip_timestamps"));
    att_asr_result_free(&result);
    options.n_clip_timestamps = 0;
    options.vad.threshold = 2.0;
    assert_int_equal(
        att_asr_run_samples(o.session, SILENCE, 16000, RATE_HZ, &options, &result, &err),
        ATT_E_ARG);
    assert_non_null(strstr(err.text, "threshold"));
    att_asr_result_free(&result);
    options.vad.threshold = 0.5;
    assert_int_equal(att_asr_session_use_vad(o.session, NULL, &err), ATT_OK);
    assert_int_equal(
        att_asr_run_samples(o.session, SILENCE, 16000, RATE_HZ, &options, &result, &err),
        ATT_E_ARG);
    assert_non_null(strstr(err.text, "att_asr_session_use_vad"));
    att_asr_result_free(&result);
    close_all(&o);
}

/* --- the program --- */

static spawn_result transcribe(const char *const *args, const char *const *env)
{
    const char *argv[MAX_ARGS] = {ATTEND_PROGRAM, "transcribe", "-q",
                                  "--json",       "-m",         realdata_model("tiny.en"),
                                  "--beam_size",  "1"};
    for (size_t n = 8; *args && n + 1 < MAX_ARGS; args++) argv[n++] = *args;
    return spawn_run(argv, NULL, 0, env, 0.0);
}

#define TRANSCRIBE(...) transcribe((const char *const[]){__VA_ARGS__, NULL}, NULL)

/* The stretches that `option value` finds in the path; *seconds: their sum. */
static int count_speech(const char *path, const char *option, const char *value, double *seconds)
{
    spawn_result r = TRANSCRIBE("--vad_filter", "True", option, value, path);
    if (r.code != 0) fail_msg("%s %s: exit %d: %s", option, value, r.code, r.err);
    cJSON *json = cJSON_Parse(r.out);
    const cJSON *span, *speech = cJSON_GetObjectItem(json, "speech");
    assert_true(cJSON_IsArray(speech));
    *seconds = 0.0;
    cJSON_ArrayForEach(span, speech)
    {
        *seconds += cJSON_GetArrayItem(span, 1)->valuedouble;
        *seconds -= cJSON_GetArrayItem(span, 0)->valuedouble;
    }
    const int n = cJSON_GetArraySize(speech);
    cJSON_Delete(json);
    spawn_free(&r);
    return n;
}

static void every_option_has_an_effect(void **state)
{
    (void)state;
    char path[512], vad[4096];
    double all_s, s;
    snprintf(vad, sizeof vad, "%s/model.safetensors", realdata_model("silero-vad"));
    const char *folder = realdata_folder();
    snprintf(path, sizeof path, "%s/three.wav", folder);
    int16_t *samples = make_recording(0, 1);
    wavfile_write(path, samples, N);
    free(samples);
    assert_int_equal(count_speech(path, "--vad_model", vad, &all_s), N_SENTENCES);
    assert_true(all_s > 8.0 && all_s < 18.0);
    assert_int_equal(count_speech(path, "--vad_threshold", "1", &s), 0);
    assert_int_equal(count_speech(path, "--vad_min_speech_duration_ms", "60000", &s), 0);
    assert_true(count_speech(path, "--vad_max_speech_duration_s", "3", &s) > N_SENTENCES);
    assert_int_equal(count_speech(path, "--vad_speech_pad_ms", "0", &s), N_SENTENCES);
    assert_true(fabs(all_s - s - 4 * 0.4) < 0.01); /* two ends of two sentences */
    assert_int_equal(count_speech(path, "--vad_min_silence_duration_ms", "100000", &s), 1);
    assert_int_equal(count_speech(path, "--vad_neg_threshold", "0", &s), 1); /* never ends */
    realdata_remove(folder);
}

static void what_the_program_cannot_do_has_a_code(void **state)
{
    (void)state;
    char cache[512];
    const char *folder = realdata_folder(), *speech = realdata_speech(SENTENCES[0].file);
    snprintf(cache, sizeof cache, "XDG_CACHE_HOME=%s", folder);
    const char *const env[] = {cache, NULL};
    const char *const offline[] = {"--offline", "--vad_filter", "True", speech, NULL};
    spawn_result r = transcribe(offline, env);
    assert_int_equal(r.code, 4);
    assert_non_null(strstr(r.err, "attend models get silero-vad"));
    spawn_free(&r);
    r = TRANSCRIBE("--vad_filter", "True", "--vad_model", realdata_model("tiny.en"), speech);
    assert_int_equal(r.code, 4);
    assert_string_equal(r.out, "");
    spawn_free(&r);
    r = TRANSCRIBE("--vad_filter", "True", "--clip_timestamps", "1,2", speech);
    assert_int_equal(r.code, 2);
    spawn_free(&r);
    r = TRANSCRIBE("--vad_filter", "True", "--live", "-");
    assert_int_equal(r.code, 2);
    spawn_free(&r);
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_in_silence_are_all_that_is_heard),
        cmocka_unit_test(sentences_in_a_hiss_are_all_that_is_heard),
        cmocka_unit_test(words_stand_where_they_were_spoken),
        cmocka_unit_test(no_speech_costs_no_window_and_gives_no_word),
        cmocka_unit_test(listening_is_told_and_cancelled),
        cmocka_unit_test(what_cannot_be_asked_is_said),
        cmocka_unit_test(every_option_has_an_effect),
        cmocka_unit_test(what_the_program_cannot_do_has_a_code),
    };
    return cmocka_run_group_tests_name("asr_vad", tests, NULL, NULL);
}
