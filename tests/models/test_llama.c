/* test_llama.c - modalities/text/llama.c on small random weights (tests/golden/llama_tiny_random)
 * against Hugging Face's implementation: whole texts and pieces, dropped tokens, kept texts. */
#define _DEFAULT_SOURCE
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

#include "llama.h"
#include "mem.h"
#include "rig.h"
#include "spec.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/llama_tiny_random/"

enum { T = 24, V = 300, STEPS = 8 };

/* As test_llama_tiny.c has it: 1e-5 was seen. */
static const double CLOSE = 5e-5;

static const char *const MODELS[] = {"llama", "qwen2", "mistral"};
enum { N_MODELS = sizeof MODELS / sizeof *MODELS };

typedef struct text_rig {
    rig r;
    att_llama *llama;
    att_llama_session *session;
    att_weights *golden;
    int32_t ids[T];
} text_rig;

static char *read_text(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    assert_non_null(file);
    assert_non_null(text);
    *n = fread(text, 1, 1 << 16, file);
    fclose(file);
    return text;
}

static text_rig open_model(const char *name, int32_t max_rows)
{
    text_rig t = {.r = rig_open(0)};
    const att_llama_limits limits = {
        .max_tokens = 512, .max_rows = max_rows, .max_logits = T, .f32_keys = 1};
    att_weights *weights;
    att_llama_config config;
    char path[512];
    size_t n;
    att_err err;
    snprintf(path, sizeof path, GOLDEN "%s/config.json", name);
    char *json = read_text(path, &n);
    if (att_llama_config_from_json(&config, path, json, n, &err)) fail_msg("%s", err.text);
    free(json);
    snprintf(path, sizeof path, GOLDEN "%s", name);
    if (att_weights_open(&weights, path, &err) ||
        att_llama_open(&t.llama, t.r.device, weights, &config, ATT_PRECISION_EXACT, &err) ||
        att_llama_session_create(&t.session, t.llama, &limits, &err))
        fail_msg("%s", err.text);
    assert_null(att_weights_unread(weights, 0));
    att_weights_close(weights);
    snprintf(path, sizeof path, GOLDEN "%s/golden.safetensors", name);
    if (att_weights_open(&t.golden, path, &err)) fail_msg("%s", err.text);
    const att_array *ids = att_weights_find(t.golden, "ids");
    for (size_t i = 0; i < T; i++) t.ids[i] = (int32_t)att_array_value(ids, i);
    return t;
}

static void close_model(text_rig *t)
{
    att_llama_session_destroy(t->session);
    att_llama_close(t->llama);
    att_weights_close(t->golden);
    rig_close(&t->r);
}

/* n tokens more, their logits to logits[n][V]. */
static void append(text_rig *t, int32_t first, int32_t n, const att_llama_hooks *hooks,
                   int32_t n_logits, float *logits)
{
    const att_llama_segment segment = {.ids = t->ids + first, .n = n};
    const att_llama_call call = {
        .segments = &segment, .n_segments = 1, .n_logits = n_logits, .hooks = hooks};
    att_err err;
    if (att_llama_append(t->session, &call, &err)) fail_msg("%s", err.text);
    for (int32_t i = 0; i < n_logits; i++)
        if (att_llama_logits(t->session, i, logits + (size_t)i * V, &err)) fail_msg("%s", err.text);
}

static double worst_of(const float *a, const float *b, size_t n)
{
    double worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double off = fabs((double)a[i] - (double)b[i]);
        if (!(off <= worst)) worst = off; /* a NaN becomes the worst and stays */
    }
    return worst;
}

static void assert_close(const float *a, const float *b, size_t n)
{
    const double worst = worst_of(a, b, n);
    if (!(worst <= CLOSE)) fail_msg("%g off, at most %g is expected", worst, CLOSE);
}

static void golden_logits(const text_rig *t, float *logits)
{
    const att_array *a = att_weights_find(t->golden, "logits");
    assert_int_equal(att_array_elements(a), T * V);
    for (size_t i = 0; i < (size_t)T * V; i++) logits[i] = (float)att_array_value(a, i);
}

/* At once; cut by the session, whose last piece has all rows that are asked for; one by one. */
static void logits_are_the_references(void **state)
{
    (void)state;
    static float want[T * V], got[T * V];
    for (int i = 0; i < N_MODELS; i++) {
        text_rig t = open_model(MODELS[i], 0);
        golden_logits(&t, want);
        append(&t, 0, T, NULL, T, got);
        assert_close(got, want, (size_t)T * V);
        att_llama_truncate(t.session, 0);
        for (int32_t k = 0; k < T; k++) append(&t, k, 1, NULL, 1, got + (size_t)k * V);
        assert_close(got, want, (size_t)T * V);
        att_llama_truncate(t.session, 9);
        append(&t, 9, T - 9, NULL, T - 9, got + 9 * (size_t)V);
        assert_close(got, want, (size_t)T * V);
        close_model(&t);
        t = open_model(MODELS[i], 10);
        append(&t, 0, T, NULL, 6, got);
        assert_close(got, want + (T - 6) * (size_t)V, 6 * (size_t)V);
        assert_int_equal(att_llama_length(t.session), T);
        close_model(&t);
    }
}

/* Rows that stand for tokens are as good as the tokens. */
static void rows_stand_for_tokens(void **state)
{
    (void)state;
    static float want[T * V], got[T * V], table[8 * 64];
    text_rig t = open_model("llama", 0);
    att_err err;
    att_weights *weights;
    if (att_weights_open(&weights, GOLDEN "llama", &err)) fail_msg("%s", err.text);
    const att_array *tokens = att_weights_find(weights, "model.embed_tokens.weight");
    for (size_t i = 0; i < 8 * 64; i++)
        table[i] = (float)att_array_value(tokens, (size_t)t.ids[5 + i / 64] * 64 + i % 64);
    att_weights_close(weights);
    att_arena *arena;
    att_view view = {0};
    if (att_arena_create(&arena, t.r.device, "test", &err) ||
        att_arena_take(arena, "rows", ATT_F32, 8 * 64, &view, &err) ||
        att_queue_write(t.r.queue, view, table, 8 * 64, &err) || att_queue_wait(t.r.queue, &err))
        fail_msg("%s", err.text);
    golden_logits(&t, want);
    const att_llama_segment segments[] = {{.ids = t.ids, .n = 5},
                                          {.rows = att_mat_of(view, 8, 64), .n = 8},
                                          {.ids = t.ids + 13, .n = T - 13}};
    const att_llama_call call = {.segments = segments, .n_segments = 3, .n_logits = 1};
    if (att_llama_append(t.session, &call, &err) || att_llama_logits(t.session, 0, got, &err))
        fail_msg("%s", err.text);
    assert_close(got, want + (T - 1) * (size_t)V, V);
    att_arena_destroy(arena);
    close_model(&t);
}

/* ---- dropped tokens ---- */

/* What is kept behind a layer, or, the other way to say it, what later layers are shown. */
typedef struct dropper {
    int32_t layer, renumber, n;
    const int32_t *rows;
    att_view bits; /* u8[T][3] on the device */
} dropper;

static att_status keep_rows(void *user, int32_t layer, att_mat x, att_llama_keep *keep,
                            att_err *err)
{
    const dropper *d = user;
    (void)x;
    (void)err;
    if (layer == d->layer)
        *keep = (att_llama_keep){.n = d->n, .rows = d->rows, .renumber = d->renumber};
    return ATT_OK;
}

static att_status hide_keys(void *user, int32_t layer, att_attn_call *call, att_err *err)
{
    const dropper *d = user;
    (void)err;
    if (layer <= d->layer) return ATT_OK;
    call->mask.flags |= ATT_MASK_BITS;
    call->mask.bits = d->bits;
    return ATT_OK;
}

static const int32_t KEPT[] = {0, 1, 4, 5, 9, 13, 20, 21, 22, 23};
enum { N_KEPT = sizeof KEPT / sizeof *KEPT };

static void dropping_is_hiding(void **state)
{
    (void)state;
    static float dropped[4 * V], hidden[T * V];
    uint8_t bits[T][3];
    memset(bits, 0, sizeof bits);
    for (int i = 0; i < T; i++)
        for (int k = 0; k < N_KEPT; k++)
            bits[i][KEPT[k] / 8] = (uint8_t)(bits[i][KEPT[k] / 8] | 1u << KEPT[k] % 8);
    for (int i = 0; i < N_MODELS; i++) {
        text_rig t = open_model(MODELS[i], 0);
        att_arena *arena;
        att_err err;
        dropper d = {.layer = 0, .n = N_KEPT, .rows = KEPT};
        if (att_arena_create(&arena, t.r.device, "test", &err) ||
            att_arena_take(arena, "bits", ATT_U8, sizeof bits, &d.bits, &err) ||
            att_queue_write(t.r.queue, d.bits, bits, sizeof bits, &err) ||
            att_queue_wait(t.r.queue, &err))
            fail_msg("%s", err.text);
        const att_llama_hooks drop = {.user = &d, .after = keep_rows};
        const att_llama_hooks hide = {.user = &d, .before = hide_keys};
        append(&t, 0, T, &drop, 4, dropped);
        assert_int_equal(att_llama_held(t.session, 0), T);
        assert_int_equal(att_llama_held(t.session, 1), N_KEPT);
        att_llama_truncate(t.session, 0);
        append(&t, 0, T, &hide, T, hidden);
        assert_close(dropped, hidden + (T - 4) * (size_t)V, 4 * (size_t)V);
        att_arena_destroy(arena);
        close_model(&t);
    }
}

/* What follows is the same at once and one by one, whether positions close up or not. */
static void texts_go_on_behind_dropped_tokens(void **state)
{
    (void)state;
    static float at_once[6 * V], one_by_one[6 * V], kept_places[6 * V];
    for (int i = 0; i < N_MODELS; i++) {
        text_rig t = open_model(MODELS[i], 0);
        for (int renumber = 0; renumber < 2; renumber++) {
            dropper d = {.layer = 0, .n = N_KEPT, .rows = KEPT, .renumber = renumber};
            const att_llama_hooks drop = {.user = &d, .after = keep_rows};
            att_llama_truncate(t.session, 0);
            append(&t, 0, T, &drop, 0, NULL);
            append(&t, 3, 6, NULL, 6, at_once);
            att_llama_truncate(t.session, T);
            for (int32_t k = 0; k < 6; k++)
                append(&t, 3 + k, 1, NULL, 1, one_by_one + (size_t)k * V);
            assert_close(at_once, one_by_one, 6 * (size_t)V);
            assert_int_equal(att_llama_length(t.session), T + 6);
            assert_int_equal(att_llama_held(t.session, 1), N_KEPT + 6);
            if (renumber) assert_true(worst_of(kept_places, at_once, 6 * (size_t)V) > 1e-3);
            memcpy(kept_places, at_once, sizeof kept_places);
        }
        close_model(&t);
    }
}

/* Tokens that never come in are tokens that nobody sees from the first layer on. */
static void tokens_may_stand_apart(void **state)
{
    (void)state;
    static float apart[4 * V], gaps[8 * V];
    int32_t positions[T];
    for (int i = 0; i < 2; i++) { /* whose golden has a text with gaps */
        text_rig t = open_model(MODELS[i], 10);
        const att_array *a = att_weights_find(t.golden, "gap_positions");
        const att_array *logits = att_weights_find(t.golden, "gap_logits");
        for (size_t k = 0; k < T; k++) positions[k] = (int32_t)att_array_value(a, k);
        for (size_t k = 0; k < 8 * (size_t)V; k++) gaps[k] = (float)att_array_value(logits, k);
        const att_llama_segment segment = {
            .ids = t.ids, .n = T, .places = positions, .span = positions[T - 1] + 1};
        const att_llama_call call = {.segments = &segment, .n_segments = 1, .n_logits = 4};
        att_err err;
        if (att_llama_append(t.session, &call, &err)) fail_msg("%s", err.text);
        for (int32_t k = 0; k < 4; k++)
            if (att_llama_logits(t.session, k, apart + (size_t)k * V, &err))
                fail_msg("%s", err.text);
        assert_close(apart, gaps + 4 * (size_t)V, 4 * (size_t)V);
        assert_int_equal(att_llama_length(t.session), positions[T - 1] + 1);
        close_model(&t);
    }
}

static void keeping_all_changes_no_bit(void **state)
{
    (void)state;
    static float plain[T * V], kept[T * V];
    int32_t all[T];
    for (int32_t i = 0; i < T; i++) all[i] = i;
    text_rig t = open_model("llama", 0);
    dropper d = {.layer = 0, .n = T, .rows = all, .renumber = 1};
    const att_llama_hooks drop = {.user = &d, .after = keep_rows};
    append(&t, 0, T, NULL, T, plain);
    att_llama_truncate(t.session, 0);
    append(&t, 0, T, &drop, T, kept);
    assert_memory_equal(plain, kept, sizeof plain);
    close_model(&t);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    static const int32_t FALLING[] = {5, 4, 23}, NO_LAST[] = {0, 1};
    text_rig t = open_model("llama", 0);
    att_err err;
    int32_t ids[] = {V};
    const att_llama_segment unknown = {.ids = ids, .n = 1}, text = {.ids = t.ids, .n = T};
    att_llama_segment long_text[24] = {text};
    for (int i = 0; i < 24; i++) long_text[i] = text;
    att_llama_call call = {.segments = &unknown, .n_segments = 1};
    assert_int_equal(att_llama_append(t.session, &call, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "id 300"));
    call = (att_llama_call){.segments = long_text, .n_segments = 24};
    assert_int_equal(att_llama_append(t.session, &call, &err), ATT_E_SHAPE);
    assert_non_null(strstr(err.text, "room for 512"));
    dropper d = {.layer = 0, .n = 3, .rows = FALLING};
    const att_llama_hooks drop = {.user = &d, .after = keep_rows};
    call = (att_llama_call){.segments = &text, .n_segments = 1, .n_logits = 1, .hooks = &drop};
    assert_int_equal(att_llama_append(t.session, &call, &err), ATT_E_ARG);
    d = (dropper){.layer = 0, .n = 2, .rows = NO_LAST};
    assert_int_equal(att_llama_append(t.session, &call, &err), ATT_E_ARG);
    assert_int_equal(att_llama_length(t.session), 0);
    assert_int_equal(att_llama_held(t.session, 0), 0);
    close_model(&t);
}

/* ---- kept texts ---- */

static void texts_are_kept_in_files(void **state)
{
    (void)state;
    static float want[4 * V], got[4 * V];
    char path[] = "/tmp/attend-text-XXXXXX";
    att_err err;
    int32_t *ids = NULL, n = 0;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    text_rig t = open_model("llama", 0);
    append(&t, 0, T - 4, NULL, 0, NULL);
    assert_int_equal(att_llama_save(t.session, path, t.ids, 3, &err), ATT_E_ARG);
    if (att_llama_save(t.session, path, t.ids, T - 4, &err)) fail_msg("%s", err.text);
    append(&t, T - 4, 4, NULL, 4, want);
    if (att_llama_restore(t.session, path, &ids, &n, &err)) fail_msg("%s", err.text);
    assert_int_equal(n, T - 4);
    assert_memory_equal(ids, t.ids, (T - 4) * sizeof *ids);
    att_free(ids);
    append(&t, T - 4, 4, NULL, 4, got);
    assert_memory_equal(want, got, sizeof want);
    close_model(&t);
    t = open_model("qwen2", 0); /* another's, and a broken one */
    assert_int_equal(att_llama_restore(t.session, path, &ids, &n, &err), ATT_E_INPUT);
    assert_non_null(strstr(err.text, "no text of this model"));
    assert_null(ids);
    assert_int_equal(truncate(path, 700), 0);
    assert_int_equal(att_llama_restore(t.session, path, &ids, &n, &err), ATT_E_MODEL);
    unlink(path);
    close_model(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_the_references),
        cmocka_unit_test(rows_stand_for_tokens),
        cmocka_unit_test(dropping_is_hiding),
        cmocka_unit_test(texts_go_on_behind_dropped_tokens),
        cmocka_unit_test(tokens_may_stand_apart),
        cmocka_unit_test(keeping_all_changes_no_bit),
        cmocka_unit_test(senseless_calls_are_refused),
        cmocka_unit_test(texts_are_kept_in_files),
    };
    return cmocka_run_group_tests_name("llama", tests, NULL, NULL);
}
