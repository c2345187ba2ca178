/* test_asr_step.c - modalities/speech/asr_step.c: windows say the same alone and with others, on
 * small random weights (tests/golden/whisper_tiny_random). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "asr_step.h"
#include "mem.h"
#include "rig.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/whisper_tiny_random/"

enum { WINDOWS = 9, MAX_LANES = 8, V = 300, EOT = 250, MELS = 80, FRAMES = 100 };

typedef struct fixture {
    rig r;
    att_weights *model;
    att_whisper *whisper;
    float mel[FRAMES * MELS];
    att_whisper_tokens tokens;
    char bytes[2 * V];
    uint32_t starts[V + 1];
    att_whisper_rules rules;
} fixture;

/* A vocabulary of words that compress badly enough. */
static void make_tokens(fixture *f)
{
    f->tokens = (att_whisper_tokens){.n_vocab = V,
                                     .eot = EOT,
                                     .sot = EOT + 1,
                                     .translate = -1,
                                     .transcribe = -1,
                                     .startoflm = -1,
                                     .startofprev = EOT + 2,
                                     .nospeech = EOT + 3,
                                     .notimestamps = EOT + 4,
                                     .timestamp_begin = EOT + 5,
                                     .bytes = f->bytes,
                                     .starts = f->starts};
    for (int i = 0; i < V; i++) {
        f->bytes[2 * i] = (char)('a' + i % 26);
        f->bytes[2 * i + 1] = (char)('A' + i / 26);
        f->starts[i + 1] = (uint32_t)(2 * i + 2);
    }
}

static fixture *open_fixture(void)
{
    fixture *f = att_calloc(1, sizeof *f);
    att_weights *golden;
    att_err err;
    assert_non_null(f);
    f->r = rig_open(rig_portable_only());
    if (att_weights_open(&f->model, GOLDEN "model.safetensors", &err) ||
        att_weights_open(&golden, GOLDEN "golden.safetensors", &err) ||
        att_whisper_open(&f->whisper, f->r.device, f->model, ATT_PRECISION_EXACT, &err))
        fail_msg("%s", err.text);
    const att_array *mel = att_weights_find(golden, "mel");
    for (size_t i = 0; i < FRAMES * MELS; i++) f->mel[i] = (float)att_array_value(mel, i);
    att_weights_close(golden);
    make_tokens(f);
    f->rules = (att_whisper_rules){.n_vocab = V,
                                   .eot = EOT,
                                   .no_timestamps = EOT + 4,
                                   .timestamp_begin = EOT + 5,
                                   .repetition_penalty = 1.0,
                                   .timestamps = 1,
                                   .max_initial_timestamp = 10};
    return f;
}

static void close_fixture(fixture *f)
{
    att_whisper_close(f->whisper);
    att_weights_close(f->model);
    rig_close(&f->r);
    att_free(f);
}

/* A lane takes the window: each has a sound and a prompt of its own. */
static void begin(const fixture *f, att_asr_decoding *d, const att_asr_decoder *decoder, int window)
{
    static float mel[FRAMES * MELS];
    static const int32_t said[] = {3, 1, 4, 15, 9, 26, 5, 35, 8, 97, 93, 23, 84, 62, 64};
    const att_asr_prompt_parts parts = {.previous = said,
                                        .n_previous = window % 3 == 2 ? 15 : window % 3,
                                        .language = -1,
                                        .task = -1};
    att_err err;
    for (int i = 0; i < FRAMES * MELS; i++) mel[i] = f->mel[i] * (1.0f - 0.1f * (float)window);
    if (att_whisper_encode(d->lane, mel, &err)) fail_msg("%s", err.text);
    att_asr_decoding_begin(d, decoder, &parts, window);
}

/* Decodes all windows, at most n_lanes at a time, each lane taking the next when it is done. */
static void decode(const fixture *f, const att_asr_options *o, int n_lanes, att_asr_window *found)
{
    att_asr_stepper stepper;
    att_asr_decoding *lanes = att_calloc(MAX_LANES, sizeof *lanes), *active[MAX_LANES];
    att_err err, *failures = att_calloc(MAX_LANES, sizeof *failures);
    const att_asr_decoder decoder = {&f->tokens, &f->rules, o, 32};
    int window[MAX_LANES], next = 0, n = 0;
    if (att_asr_stepper_init(&stepper, f->whisper, o, n_lanes, &err)) fail_msg("%s", err.text);
    for (; n < n_lanes && next < WINDOWS; n++) {
        if (att_asr_decoding_init(&lanes[n], f->whisper, stepper.session, EOT, o, &err))
            fail_msg("%s", err.text);
        active[n] = &lanes[n];
        window[n] = next++;
        begin(f, active[n], &decoder, window[n]);
    }
    while (n > 0) {
        if (att_asr_step(&stepper, active, n, failures, &err)) fail_msg("%s", err.text);
        for (int i = 0; i < n; i++) {
            if (failures[i].status) fail_msg("%s", failures[i].text);
            if (!active[i]->done) continue;
            found[window[i]] = active[i]->window;
            if (next < WINDOWS) {
                window[i] = next++;
                begin(f, active[i], &decoder, window[i]);
            } else {
                active[i] = active[--n];
                window[i] = window[n];
                failures[i] = failures[n];
                i--;
            }
        }
    }
    for (int i = 0; i < MAX_LANES; i++) att_asr_decoding_finish(&lanes[i]);
    att_asr_stepper_finish(&stepper);
    att_free(lanes);
    att_free(failures);
}

static void assert_same(const fixture *f, const att_asr_window *a, const att_asr_window *b)
{
    assert_int_equal(a->n_tokens, b->n_tokens);
    assert_memory_equal(a->tokens, b->tokens, (size_t)a->n_tokens * sizeof *a->tokens);
    assert_true(a->temperature == b->temperature);
    if (!att_device_cpu_bodies(f->r.device)) return;
    assert_memory_equal(a->probs, b->probs, (size_t)a->n_tokens * sizeof *a->probs);
    assert_true(a->no_speech_prob == b->no_speech_prob && a->avg_logprob == b->avg_logprob);
}

static void windows_say_the_same_in_any_company(void **state)
{
    (void)state;
    static att_asr_window alone[WINDOWS], found[WINDOWS];
    fixture *f = open_fixture();
    for (int how = 0; how < 4; how++) {
        att_asr_options o = att_asr_defaults();
        int different = 0, warm = 0;
        o.beam_size = how == 1 ? 5 : 1;
        o.best_of = how == 0 ? 1 : 5;
        o.temperature = how == 2 ? 0.8 : 0.0;
        o.logprob_threshold = how == 3 ? -0.48 : (double)NAN; /* some windows are tried again */
        o.no_speech_threshold = o.compression_ratio_threshold = (double)NAN;
        decode(f, &o, 1, alone);
        for (int w = 1; w < WINDOWS; w++) {
            different += alone[w].n_tokens != alone[0].n_tokens ||
                         memcmp(alone[w].tokens, alone[0].tokens, sizeof alone[0].tokens) != 0;
            warm += alone[w].temperature > 0.0;
        }
        assert_true(different > 0);
        if (how == 3) assert_true(warm > 0 && warm < WINDOWS - 1);
        for (int lanes = 3; lanes <= MAX_LANES; lanes += 5) {
            decode(f, &o, lanes, found);
            for (int w = 0; w < WINDOWS; w++) assert_same(f, &alone[w], &found[w]);
        }
    }
    close_fixture(f);
}

static int always(void *user)
{
    (void)user;
    return 1;
}

/* One window is cancelled, the others go on. */
static void a_window_fails_alone(void **state)
{
    (void)state;
    fixture *f = open_fixture();
    att_asr_stepper stepper;
    att_asr_decoding lanes[2], *both[] = {&lanes[0], &lanes[1]}, *other = &lanes[1];
    static att_err failures[2];
    att_err err;
    att_asr_options o = att_asr_defaults(), cancelled = o;
    cancelled.cancelled = always;
    const att_asr_decoder decoders[] = {{&f->tokens, &f->rules, &cancelled, 32},
                                        {&f->tokens, &f->rules, &o, 32}};
    if (att_asr_stepper_init(&stepper, f->whisper, &o, 2, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < 2; i++) {
        if (att_asr_decoding_init(&lanes[i], f->whisper, stepper.session, EOT, &o, &err))
            fail_msg("%s", err.text);
        begin(f, &lanes[i], &decoders[i], i);
    }
    assert_int_equal(att_asr_step(&stepper, both, 2, failures, &err), ATT_OK);
    assert_int_equal(failures[0].status, ATT_E_CANCELLED);
    assert_int_equal(failures[1].status, ATT_OK);
    assert_int_equal(att_asr_decode(&stepper, other, &err), ATT_OK);
    assert_true(other->done && other->window.n_tokens > 0);
    begin(f, &lanes[0], &decoders[0], 0);
    assert_int_equal(att_asr_decode(&stepper, &lanes[0], &err), ATT_E_CANCELLED);
    assert_non_null(strstr(err.text, "cancelled"));
    for (int i = 0; i < 2; i++) att_asr_decoding_finish(&lanes[i]);
    att_asr_stepper_finish(&stepper);
    close_fixture(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_say_the_same_in_any_company),
        cmocka_unit_test(a_window_fails_alone),
    };
    return cmocka_run_group_tests_name("asr_step", tests, NULL, NULL);
}
