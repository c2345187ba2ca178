/* test_vlm_ask.c - modalities/vision/vlm*.c: questions about a picture on the small random nanoVLM
 * of tests/golden/vision_tiny_random, with all of its tokens and with some. What is expected is put
 * together by hand from the same picture's rows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "filemap.h"
#include "mem.h"
#include "vlm.h"
#include "vlm_rig.h"

enum { V = 200, TOKENS = 16, PIECES = 128 };

static const char QUESTION[] = "is it a ship";

typedef struct ask_rig {
    vlm_rig v;
    att_language language;
    att_vlm vlm;
    att_vlm_session *session;
    att_llama_session *text; /* of the session */
} ask_rig;

/* One token a character. */
static att_text_tokenizer *letters(void)
{
    static char spelled[PIECES][8];
    static const char *pieces[PIECES];
    static uint32_t bytes[PIECES];
    att_text_vocabulary v;
    att_text_tokenizer *t;
    att_err err;
    for (int i = 0; i < PIECES; i++) {
        /* as GPT-2 spells bytes: what is visible is itself, others move up by 256 */
        if (i > 32 && i < 127) {
            snprintf(spelled[i], sizeof spelled[i], "%c", i);
        } else {
            const int c = 256 + (i == 127 ? 33 : i);
            snprintf(spelled[i], sizeof spelled[i], "%c%c", 0xC0 | c >> 6, 0x80 | (c & 63));
        }
        pieces[i] = spelled[i];
        bytes[i] = (uint32_t)strlen(spelled[i]);
    }
    att_text_vocabulary_init(&v);
    v.model = ATT_TEXT_BPE;
    v.n = PIECES;
    v.pieces = pieces;
    v.piece_bytes = bytes;
    v.pre = "gpt-2";
    vlm_rig_need(att_text_tokenizer_create(&t, &v, &err), &err);
    return t;
}

/* The language model's two layers twice, as policies inside of it want four: a file in memory. */
static uint8_t *deepen(const att_weights *weights, size_t *n_bytes)
{
    enum { HEADER = 1 << 16, DATA = 1 << 22 };
    uint8_t *file = att_calloc(8 + HEADER + DATA, 1);
    char *header = (char *)file + 8;
    size_t at = 0, n = (size_t)sprintf(header, "{");
    assert_non_null(file);
    for (size_t i = 0; i < att_weights_count(weights); i++) {
        const att_array *a = att_weights_at(weights, i);
        int layer = -1, skip = 0;
        if (strncmp(a->name, "decoder.", 8) != 0) continue;
        (void)sscanf(a->name, "decoder.blocks.%d.%n", &layer, &skip);
        for (int copy = 0; copy < (layer < 0 ? 1 : 2); copy++) {
            assert_true(a->dtype == ATT_F32 || a->dtype == ATT_F16);
            assert_true(at + a->bytes <= DATA && n + 256 < HEADER);
            n += (size_t)(layer < 0 ? sprintf(header + n, "\"%s\"", a->name)
                                    : sprintf(header + n, "\"decoder.blocks.%d.%s\"",
                                              layer + 2 * copy, a->name + skip));
            n += (size_t)sprintf(header + n, ":{\"dtype\":\"%s\",\"shape\":[%d",
                                 a->dtype == ATT_F32 ? "F32" : "F16", (int)a->dims[0]);
            if (a->rank > 1) n += (size_t)sprintf(header + n, ",%d", (int)a->dims[1]);
            n += (size_t)sprintf(header + n, "],\"data_offsets\":[%zu,%zu]},", at, at + a->bytes);
            memcpy(file + 8 + HEADER + at, a->data, a->bytes);
            at += a->bytes;
        }
    }
    header[n - 1] = '}';
    memset(header + n, ' ', HEADER - n);
    file[2] = 1; /* HEADER, little-endian */
    *n_bytes = 8 + HEADER + at;
    return file;
}

static ask_rig open_all(void)
{
    ask_rig a = {.v = vlm_rig_open("nanovlm", NULL, rig_portable_only())};
    att_llama_config config;
    att_filemap map;
    att_err err;
    const char *path = ATT_SOURCE_DIR "/tests/golden/vision_tiny_random/nanovlm/config.json";
    vlm_rig_need(att_filemap_open(&map, path, &err), &err);
    vlm_rig_need(
        att_llama_config_from_json(&config, path, (const char *)map.bytes, map.n_bytes, &err),
        &err);
    att_filemap_close(&map);
    size_t n;
    att_weights *deep;
    uint8_t *bytes = deepen(a.v.weights, &n);
    config.layers = 4;
    vlm_rig_need(att_weights_open_memory(&deep, "deep", bytes, n, &err), &err);
    vlm_rig_need(
        att_llama_open(&a.language.llama, a.v.r.device, deep, &config, ATT_PRECISION_EXACT, &err),
        &err);
    att_weights_close(deep);
    att_free(bytes);
    a.language.tokenizer = letters();
    return a;
}

/* Behind the copy of the rig: a session points into it. */
static void start(ask_rig *a)
{
    att_sampler_options greedy = att_sampler_defaults();
    static char prompt[] = "Q: %s A:";
    att_err err;
    greedy.temperature = 0.0f;
    a->vlm = (att_vlm){.vision = a->v.vision, .language = &a->language, .prompt = prompt};
    vlm_rig_need(att_vlm_session_create(&a->session, &a->vlm, 0, &greedy, &err), &err);
    a->text = att_generator_session(att_vlm_generator(a->session));
}

static void close_all(ask_rig *a)
{
    att_vlm_session_destroy(a->session);
    att_llama_close(a->language.llama);
    att_text_tokenizer_destroy(a->language.tokenizer);
    vlm_rig_close(&a->v);
}

/* Sees and asks; the logits behind the prompt. */
static att_vlm_seen ask(ask_rig *a, const att_prune_options *prune, float *logits)
{
    att_vlm_seen seen;
    att_prompted prompted;
    att_err err;
    vlm_rig_need(att_vlm_see(a->session, &a->v.image, prune, &seen, &err), &err);
    vlm_rig_need(att_vlm_ask(a->session, QUESTION, &prompted, &err), &err);
    vlm_rig_need(att_llama_logits(a->text, 0, logits, &err), &err);
    return seen;
}

/* The same by hand: kept rows of the whole picture, at their places or closed up. */
static void expect(ask_rig *a, const int32_t *kept, int32_t n, int original, float *logits)
{
    static const char TEXT[] = "Q: is it a ship A:";
    int32_t ids[sizeof TEXT];
    att_mat rows;
    att_arena *arena;
    att_view some;
    att_err err;
    att_queue *queue = att_llama_queue(a->text);
    for (size_t i = 0; i + 1 < sizeof TEXT; i++) ids[i] = TEXT[i];
    vlm_rig_need(att_vlm_vision_encode(a->v.session, &a->v.image, &rows, NULL, &err), &err);
    vlm_rig_need(att_arena_create(&arena, a->v.r.device, "test", &err), &err);
    vlm_rig_need(att_arena_take(arena, "rows", ATT_F32, (int64_t)n * rows.cols, &some, &err), &err);
    vlm_rig_need(att_queue_wait(a->v.r.queue, &err), &err);
    for (int32_t i = 0; i < n; i++)
        vlm_rig_need(att_queue_copy(queue, att_view_at(some, (int64_t)i * rows.cols),
                                    att_mat_rows(rows, kept[i], 1).view, rows.cols, &err),
                     &err);
    const att_llama_segment segments[] = {{.rows = att_mat_of(some, n, rows.cols),
                                           .n = n,
                                           .places = original ? kept : NULL,
                                           .span = original ? TOKENS : n},
                                          {.ids = ids, .n = (int32_t)sizeof TEXT - 1}};
    const att_llama_call call = {.segments = segments, .n_segments = 2, .n_logits = 1};
    att_llama_truncate(a->text, 0);
    vlm_rig_need(att_llama_append(a->text, &call, &err), &err);
    vlm_rig_need(att_llama_logits(a->text, 0, logits, &err), &err);
    att_arena_destroy(arena);
}

static att_prune_options parse(const char *policy, const char *keep, const char *at,
                               const char *positions)
{
    att_prune_options o;
    att_err err;
    vlm_rig_need(att_prune_parse(&o, policy, keep, at, positions, &err), &err);
    return o;
}

static void all_tokens_are_the_parts_together(void **state)
{
    (void)state;
    static float got[V], want[V];
    int32_t all[TOKENS];
    for (int32_t i = 0; i < TOKENS; i++) all[i] = i;
    ask_rig a = open_all();
    start(&a);
    const att_vlm_seen seen = ask(&a, NULL, got);
    assert_int_equal(seen.n_kept, TOKENS);
    expect(&a, all, TOKENS, 1, want);
    assert_memory_equal(got, want, sizeof got);
    close_all(&a);
}

static void keeping_all_is_no_pruning(void **state)
{
    (void)state;
    static const char *const POLICIES[] = {"flowcut:code", "vit-attention:mean", "uniform-grid",
                                           "random", "divprune"};
    static float plain[V], got[V];
    ask_rig a = open_all();
    start(&a);
    ask(&a, NULL, plain);
    for (size_t i = 0; i < sizeof POLICIES / sizeof *POLICIES; i++) {
        const att_prune_options o = parse(POLICIES[i], "100%", NULL, NULL);
        const att_vlm_seen seen = ask(&a, &o, got);
        assert_int_equal(seen.n_kept, TOKENS);
        assert_memory_equal(got, plain, sizeof got);
    }
    close_all(&a);
}

/* Cut at the projector: the kept rows are those of the whole picture. */
static void kept_rows_stay_what_they_are(void **state)
{
    (void)state;
    static const char *const POLICIES[] = {"uniform-grid", "random", "divprune"};
    static float got[V], want[V];
    ask_rig a = open_all();
    start(&a);
    for (size_t i = 0; i < sizeof POLICIES / sizeof *POLICIES; i++)
        for (int original = 0; original < 2; original++) {
            const att_prune_options o =
                parse(POLICIES[i], "5", "projector", original ? "original" : "renumbered");
            const att_vlm_seen seen = ask(&a, &o, got);
            int32_t kept[TOKENS];
            assert_int_equal(seen.n_kept, 5);
            memcpy(kept, seen.kept, 5 * sizeof *kept);
            expect(&a, kept, 5, original, want);
            assert_memory_equal(got, want, sizeof got);
        }
    close_all(&a);
}

/* Cut inside the encoder: fewer tokens come out, and answers go on. */
static void encoders_are_cut(void **state)
{
    (void)state;
    static const char *const POLICIES[] = {"flowcut", "vit-attention:mean", "value-norm:mean"};
    static float got[V];
    ask_rig a = open_all();
    start(&a);
    for (size_t i = 0; i < sizeof POLICIES / sizeof *POLICIES; i++) {
        const att_prune_options o = parse(POLICIES[i], "25%", NULL, NULL);
        const att_vlm_seen seen = ask(&a, &o, got);
        assert_int_equal(seen.n_kept, TOKENS / 4);
        for (int32_t k = 0; k < V; k++) assert_true(isfinite(got[k]));
        for (int32_t k = 1; k < seen.n_kept; k++) assert_true(seen.kept[k] > seen.kept[k - 1]);
    }
    close_all(&a);
}

/* Cut behind a layer of the language model: later layers hold fewer. */
static void language_models_are_cut(void **state)
{
    (void)state;
    static float got[V], plain[V];
    const int32_t text = 18;
    ask_rig a = open_all();
    start(&a);
    ask(&a, NULL, plain);
    static const char *const POLICIES[] = {"uniform-grid", "random", "fastv", "flowcut"};
    for (int i = 0; i < 8; i++) {
        const att_prune_options o =
            parse(POLICIES[i / 2], "4", "llm:1", i % 2 ? "original" : "renumbered");
        const att_vlm_seen seen = ask(&a, &o, got);
        assert_int_equal(seen.n_kept, TOKENS);
        assert_int_equal(att_vlm_held(a.session, 1), TOKENS + text);
        assert_int_equal(att_vlm_held(a.session, 2), 4 + text);
        assert_true(memcmp(got, plain, sizeof got) != 0);
    }
    const att_prune_options steps = parse("pyramid", "2", NULL, NULL);
    ask(&a, &steps, got);
    assert_int_equal(att_vlm_held(a.session, 0), TOKENS + text);
    for (int32_t i = 1; i < 4; i++)
        assert_true(att_vlm_held(a.session, i) < att_vlm_held(a.session, i - 1));
    assert_int_equal(att_vlm_held(a.session, 3), 2 + text);
    const att_prune_options half = parse("deft-mid", "4", NULL, NULL);
    const att_vlm_seen first = ask(&a, &half, got);
    assert_true(first.n_kept > 4 && first.n_kept < TOKENS);
    assert_int_equal(att_vlm_held(a.session, 3), 4 + text);
    close_all(&a);
}

/* Reading the attention out changes nothing. */
static void looking_changes_no_bit(void **state)
{
    (void)state;
    static float got[V], want[V];
    ask_rig a = open_all();
    start(&a);
    const att_prune_options o = parse("fastv", "100%", "llm:1", NULL);
    ask(&a, NULL, want);
    ask(&a, &o, got);
    assert_memory_equal(got, want, sizeof got);
    close_all(&a);
}

static void senseless_wishes_are_refused(void **state)
{
    (void)state;
    att_vlm_seen seen;
    att_prompted prompted;
    att_err err;
    ask_rig a = open_all();
    start(&a);
    assert_int_equal(att_vlm_ask(a.session, QUESTION, &prompted, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "none was seen"));
    const att_prune_options o = parse("fastv", "4", "llm:77", NULL);
    assert_int_equal(att_vlm_see(a.session, &a.v.image, &o, &seen, &err), ATT_E_ARG);
    assert_int_equal(att_vlm_ask(a.session, QUESTION, &prompted, &err), ATT_E_ARG);
    close_all(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tokens_are_the_parts_together),
        cmocka_unit_test(keeping_all_is_no_pruning),
        cmocka_unit_test(kept_rows_stay_what_they_are),
        cmocka_unit_test(encoders_are_cut),
        cmocka_unit_test(language_models_are_cut),
        cmocka_unit_test(looking_changes_no_bit),
        cmocka_unit_test(senseless_wishes_are_refused),
    };
    return cmocka_run_group_tests_name("vlm_ask", tests, NULL, NULL);
}
