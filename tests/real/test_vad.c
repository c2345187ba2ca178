/* test_vad.c - Silero's voice detector against the package silero-vad on read sentences and
 * silence: probabilities, whatever the pieces in which the samples come, and the speech in them.
 *
 * Golden: tests/golden/vad_speech.json by tools/reference/dump_vad.py. Needs the model silero-vad
 * and pocketsphinx-testdata; skips without them. The weights of the package's jit file are others:
 * `dump_vad.py export $ATT_TEST_MODELS/silero-vad-jit/model.safetensors` makes them a model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "attend/vad.h"
#include "realdata.h"
#include "rig.h"
#include "vadgolden.h"
#include "wavfile.h"

enum { MAX_PROBS = 2048 };

typedef struct vad_rig {
    rig r;
    att_vad *vad;
    att_vad_session *session;
} vad_rig;

static vad_rig open_vad(const char *model, int portable)
{
    att_err err;
    const char *folder = realdata_model(model);
    vad_rig v = {rig_open(portable), NULL, NULL};
    if (att_vad_open(&v.vad, v.r.device, folder, &err) ||
        att_vad_session_create(&v.session, v.vad, &err))
        fail_msg("%s", err.text);
    return v;
}

static void close_vad(vad_rig *v)
{
    att_vad_session_destroy(v->session);
    att_vad_close(v->vad);
    rig_close(&v->r);
}

/* Skips, if it must, before anything is held. */
static void need(const char *model)
{
    (void)realdata_model(model);
    (void)realdata_speech("cards/001.wav");
}

/* The golden's recording; the caller frees it. */
static float *read_recording(const cJSON *golden, size_t *n)
{
    const cJSON *part;
    size_t at = 0;
    *n = (size_t)cJSON_GetObjectItem(golden, "samples")->valueint;
    float *all = calloc(*n, sizeof *all);
    assert_non_null(all);
    cJSON_ArrayForEach(part, cJSON_GetObjectItem(golden, "recipe"))
    {
        int64_t n_part;
        const char *file = cJSON_GetObjectItem(part, "file")->valuestring;
        int16_t *samples = wavfile_read(realdata_speech(file), &n_part);
        assert_true(at + (size_t)n_part <= *n);
        for (int64_t i = 0; i < n_part; i++) all[at++] = (float)samples[i] / 32768.0f;
        at += (size_t)lround(cJSON_GetObjectItem(part, "silence_after_s")->valuedouble *
                             ATT_VAD_RATE_HZ);
        free(samples);
    }
    assert_int_equal(at, *n);
    return all;
}

/* All windows, with pieces of `piece` samples. */
static size_t listen(att_vad_session *session, const float *samples, size_t n, size_t piece,
                     float *probs)
{
    size_t n_probs = 0, got;
    att_err err;
    for (size_t at = 0; at < n; at += piece) {
        const size_t take = n - at < piece ? n - at : piece;
        if (att_vad_push(session, samples + at, take, probs + n_probs, &got, &err))
            fail_msg("%s", err.text);
        assert_true(got <= take / ATT_VAD_WINDOW + 1);
        n_probs += got;
        assert_true(n_probs < MAX_PROBS);
    }
    if (att_vad_finish(session, probs + n_probs, &err)) fail_msg("%s", err.text);
    return n_probs + 1;
}

/* Both are f32 over some hundred steps of memory, summed in other orders: some 1e-6. */
static void compare_probs(const float *got, size_t n, const cJSON *want)
{
    assert_int_equal(n, cJSON_GetArraySize(want));
    const cJSON *w = want->child;
    double worst = 0.0;
    for (size_t i = 0; i < n; i++, w = w->next) {
        const double off = fabs((double)got[i] - w->valuedouble);
        if (!(off <= worst)) worst = off;
        if (!(off <= 1e-4))
            fail_msg("window %zu: %g, expected %g", i, (double)got[i], w->valuedouble);
    }
    print_message("%zu windows, %.1e off at most\n", n, worst);
}

static void check_probabilities(const char *model, const char *golden_name)
{
    static float probs[MAX_PROBS];
    size_t n;
    need(model);
    cJSON *golden = vadgolden_read("vad_speech.json");
    float *samples = read_recording(golden, &n);
    for (int portable = rig_portable_only(); portable < 2; portable++) {
        vad_rig v = open_vad(model, portable);
        const size_t pieces[] = {n, 5000, 999};
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            const size_t n_probs = listen(v.session, samples, n, pieces[i], probs);
            compare_probs(probs, n_probs, cJSON_GetObjectItem(golden, golden_name));
        }
        close_vad(&v);
    }
    free(samples);
    cJSON_Delete(golden);
}

static void probabilities_are_the_package_s(void **state)
{
    (void)state;
    check_probabilities("silero-vad", "probabilities");
}

static void probabilities_are_the_jit_s_with_its_weights(void **state)
{
    (void)state;
    check_probabilities("silero-vad-jit", "jit_probabilities");
}

static void speech_is_found_where_the_reference_finds_it(void **state)
{
    (void)state;
    static float probs[MAX_PROBS];
    size_t n;
    att_err err;
    need("silero-vad");
    cJSON *golden = vadgolden_read("vad_speech.json");
    float *samples = read_recording(golden, &n);
    vad_rig v = open_vad("silero-vad", rig_portable_only());
    const size_t n_probs = listen(v.session, samples, n, 60 * ATT_VAD_RATE_HZ, probs);
    const cJSON *run;
    cJSON_ArrayForEach(run, cJSON_GetObjectItem(golden, "runs"))
    {
        att_speech_spans spans;
        const att_vad_options o = vadgolden_options(cJSON_GetObjectItem(run, "options"));
        if (att_speech_spans_init(&spans, &o, &err) ||
            att_speech_spans_add(&spans, probs, n_probs, &err) ||
            att_speech_spans_end(&spans, (int64_t)n, &err))
            fail_msg("%s", err.text);
        vadgolden_compare(&spans, cJSON_GetObjectItem(run, "spans"));
        att_speech_spans_finish(&spans);
    }
    close_vad(&v);
    free(samples);
    cJSON_Delete(golden);
}

/* What was heard before a reset, or before the end, does not matter. */
static void a_recording_begins_anew(void **state)
{
    (void)state;
    static float first[MAX_PROBS], again[MAX_PROBS];
    size_t n, got;
    att_err err;
    need("silero-vad");
    cJSON *golden = vadgolden_read("vad_speech.json");
    float *samples = read_recording(golden, &n);
    vad_rig v = open_vad("silero-vad", rig_portable_only());
    n = 40000;
    const size_t n_probs = listen(v.session, samples, n, n, first);
    assert_int_equal(n_probs, n / ATT_VAD_WINDOW + 1);
    if (att_vad_push(v.session, samples + 7, 33000, again, &got, &err) ||
        att_vad_reset(v.session, &err))
        fail_msg("%s", err.text);
    assert_int_equal(listen(v.session, samples, n, n, again), n_probs);
    assert_memory_equal(first, again, n_probs * sizeof *first);
    close_vad(&v);
    free(samples);
    cJSON_Delete(golden);
}

static void other_weights_are_refused(void **state)
{
    (void)state;
    att_err err;
    att_vad *vad;
    rig r = rig_open(rig_portable_only());
    assert_int_equal(
        att_vad_open(&vad, r.device, ATT_SOURCE_DIR "/tests/golden/whisper_tiny_random", &err),
        ATT_E_MODEL);
    assert_null(vad);
    assert_non_null(strstr(err.text, "stft_conv.weight"));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_the_package_s),
        cmocka_unit_test(probabilities_are_the_jit_s_with_its_weights),
        cmocka_unit_test(speech_is_found_where_the_reference_finds_it),
        cmocka_unit_test(a_recording_begins_anew),
        cmocka_unit_test(other_weights_are_refused),
    };
    return cmocka_run_group_tests_name("vad", tests, NULL, NULL);
}
