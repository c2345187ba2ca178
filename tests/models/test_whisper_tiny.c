/* test_whisper_tiny.c - the Whisper network on small random weights
 * (tests/golden/whisper_tiny_random) against Hugging Face's implementation; made by
 * tools/reference/dump_tiny_random.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lane_rig.h"
#include "mem.h"
#include "realdata.h"
#include "rig.h"
#include "whisper.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/whisper_tiny_random/"

enum { MAX_TOKENS = 64 };

typedef struct fixture {
    rig r;
    att_weights *model, *golden;
    att_whisper *whisper;
    lane_rig lanes;
} fixture;

static float *floats(const fixture *f, const char *name, int64_t n)
{
    const att_array *a = att_weights_find(f->golden, name);
    assert_non_null(a);
    assert_int_equal(att_array_elements(a), n);
    float *x = att_calloc((size_t)n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < (size_t)n; i++) x[i] = (float)att_array_value(a, i);
    return x;
}

static fixture open_fixture(int portable)
{
    fixture f = {0};
    att_err err;
    f.r = rig_open(portable);
    if (att_weights_open(&f.model, GOLDEN "model.safetensors", &err) ||
        att_weights_open(&f.golden, GOLDEN "golden.safetensors", &err) ||
        att_whisper_open(&f.whisper, f.r.device, f.model, ATT_PRECISION_EXACT, &err))
        fail_msg("%s", err.text);
    f.lanes = lane_rig_open(f.whisper, 3, 3);
    return f;
}

static void close_fixture(fixture *f)
{
    lane_rig_close(&f->lanes);
    att_whisper_close(f->whisper);
    att_weights_close(f->model);
    att_weights_close(f->golden);
    rig_close(&f->r);
}

/* Two sums of f32 in different orders through four blocks; the values are of size 1 to 10. */
static void assert_close(const float *got, const float *want, int64_t n, const char *what)
{
    double worst = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double off = fabs((double)got[i] - (double)want[i]);
        if (!(off <= worst)) worst = off; /* a NaN becomes the worst and stays */
    }
    if (!(worst <= 2e-4)) fail_msg("%s is %g off, at most 2e-4 is expected", what, worst);
}

static void encode(fixture *f)
{
    const att_whisper_config *c = att_whisper_get_config(f->whisper);
    float *mel = floats(f, "mel", (int64_t)2 * c->audio_ctx * c->n_mels);
    lane_rig_encode(&f->lanes, mel);
    att_free(mel);
}

static int32_t read_ids(const fixture *f, int32_t *ids)
{
    const att_array *a = att_weights_find(f->golden, "ids");
    assert_non_null(a);
    for (int32_t i = 0; i < (int32_t)a->dims[0]; i++)
        ids[i] = (int32_t)att_array_value(a, (size_t)i);
    return (int32_t)a->dims[0];
}

/* Decodes ids[from..to) and compares their logits. */
static void check_logits(fixture *f, const int32_t *ids, int32_t from, int32_t to,
                         const float *want)
{
    const int32_t vocab = att_whisper_get_config(f->whisper)->vocab;
    static float logits[1024];
    lane_rig_decode(&f->lanes, ids + from, to - from);
    for (int32_t i = from; i < to; i++) {
        lane_rig_logits(&f->lanes, i - from, 1, logits);
        assert_close(logits, want + (int64_t)i * vocab, vocab, "logits");
    }
}

static void check_all(int portable)
{
    fixture f = open_fixture(portable);
    const att_whisper_config *c = att_whisper_get_config(f.whisper);
    const int64_t n_audio = (int64_t)c->audio_ctx * c->audio_width;
    int32_t ids[MAX_TOKENS];
    const int32_t n = read_ids(&f, ids);
    float *want = floats(&f, "encoder", n_audio);
    float *logits = floats(&f, "logits", (int64_t)n * c->vocab);
    float *got = att_calloc((size_t)n_audio, sizeof *got);

    encode(&f);
    assert_int_equal(att_whisper_read_audio(f.lanes.session, got, NULL), ATT_OK);
    assert_close(got, want, n_audio, "encoder");
    check_logits(&f, ids, 0, n, logits); /* all at once, ... */
    att_whisper_truncate(f.lanes.lanes[0], 0);
    for (int32_t i = 0; i < n; i++) check_logits(&f, ids, i, i + 1, logits); /* one by one, ... */
    att_whisper_truncate(f.lanes.lanes[0], 5);
    check_logits(&f, ids, 5, n, logits); /* and from the middle */
    att_free(want);
    att_free(logits);
    att_free(got);
    close_fixture(&f);
}

/* The logits after a text that is decoded in one line. */
static void line_logits(fixture *f, const int32_t *ids, int32_t n, float *logits)
{
    att_whisper_truncate(f->lanes.lanes[0], 0);
    lane_rig_decode(&f->lanes, ids, n);
    lane_rig_logits(&f->lanes, n - 1, 1, logits);
}

/* A tree of lines over a trunk of five tokens; each line says what it says alone. */
static void check_branches(int portable)
{
    enum { TRUNK = 5, STEPS = 3, LINES = 3 };
    static const int32_t tokens[STEPS][LINES] = {{11, 12, 13}, {21, 22, 23}, {31, 32, 33}};
    static const int32_t from[STEPS][LINES] = {{-1, -1, -1}, {2, 0, 0}, {1, 2, 0}};
    static float got[STEPS][LINES * 300], want[300];
    fixture f = open_fixture(portable);
    int32_t ids[MAX_TOKENS], line[LINES][TRUNK + STEPS];
    att_err err;
    assert_true(read_ids(&f, ids) >= TRUNK);
    encode(&f);
    for (int round = 0; round < 2; round++) { /* the second time over what the first left */
        lane_rig_decode(&f.lanes, ids, TRUNK);
        for (int k = 0; k < STEPS; k++) {
            if (lane_rig_try(&f.lanes, tokens[k], from[k], LINES, &err)) fail_msg("%s", err.text);
            lane_rig_logits(&f.lanes, 0, LINES, got[k]);
        }
        assert_int_equal(att_whisper_length(f.lanes.lanes[0]), TRUNK + STEPS);
        if (round == 0) att_whisper_truncate(f.lanes.lanes[0], 0);
    }
    for (int i = 0; i < LINES; i++) memcpy(line[i], ids, sizeof *ids * TRUNK);
    for (int k = 0; k < STEPS; k++) {
        int32_t earlier[LINES][TRUNK + STEPS];
        memcpy(earlier, line, sizeof line);
        for (int i = 0; i < LINES; i++) {
            if (from[k][i] >= 0) memcpy(line[i], earlier[from[k][i]], sizeof line[i]);
            line[i][TRUNK + k] = tokens[k][i];
            line_logits(&f, line[i], TRUNK + k + 1, want);
            assert_close(got[k] + (size_t)i * 300, want, 300, "a branch");
        }
    }
    close_fixture(&f);
}

static void branches_are_lines_of_their_own(void **state)
{
    (void)state;
    for (int portable = rig_portable_only(); portable < 2; portable++) check_branches(portable);
}

static void senseless_branches_are_refused(void **state)
{
    (void)state;
    fixture f = open_fixture(rig_portable_only());
    static const int32_t ids[4] = {1, 2, 3, 4}, trunk[4] = {-1, -1, -1, -1}, other[] = {0, 1, 2};
    att_err err;
    encode(&f);
    assert_int_equal(lane_rig_try(&f.lanes, ids, NULL, 2, &err), ATT_OK);
    assert_int_equal(lane_rig_try(&f.lanes, ids, trunk, 4, &err), ATT_E_SHAPE);
    assert_int_equal(lane_rig_try(&f.lanes, ids, other, 1, &err), ATT_E_ARG);
    assert_int_equal(lane_rig_try(&f.lanes, ids, trunk, 2, &err), ATT_OK);
    assert_int_equal(lane_rig_try(&f.lanes, ids, other, 3, &err), ATT_E_ARG);
    assert_int_equal(lane_rig_try(&f.lanes, ids, trunk, 1, &err), ATT_E_ARG);
    assert_int_equal(lane_rig_try(&f.lanes, ids, NULL, 1, &err), ATT_E_ARG);
    att_whisper_truncate(f.lanes.lanes[0], 2);
    assert_int_equal(lane_rig_try(&f.lanes, ids, NULL, 1, &err), ATT_OK);
    close_fixture(&f);
}

/* What lanes decode in one call, each lane says alone: a prompt, tokens and branches side by side.
 */
static void check_lanes(int portable)
{
    enum { LANES = 3, V = 300, CALLS = 4 };
    static const int32_t prompt[] = {7, 21, 3, 40, 5, 6},
                         from[CALLS][3] = {{-1, -1, -1}, {2, 0, 0}, {1, 1, 2}, {0, 1, 2}};
    static float together[CALLS][LANES][3 * V], alone[3 * V];
    fixture f = open_fixture(portable);
    const att_whisper_config *c = att_whisper_get_config(f.whisper);
    const int64_t n_mel = (int64_t)2 * c->audio_ctx * c->n_mels;
    float *mel = floats(&f, "mel", n_mel);
    att_whisper_lane *const *lanes = f.lanes.lanes;
    att_err err;
    for (int company = 1; company >= 0; company--) {
        for (int i = 0; i < LANES; i++) { /* each hears something else */
            for (int64_t k = 0; k < n_mel; k++) mel[k] *= i ? 0.5f : 1.0f;
            if (att_whisper_encode(lanes[i], mel, &err)) fail_msg("%s", err.text);
        }
        for (int64_t k = 0; k < n_mel; k++) mel[k] *= 4.0f;
        for (int call = 0; call < CALLS; call++) {
            att_whisper_turn turns[LANES] = {
                {lanes[0], prompt + call, NULL, 1},             /* token by token */
                {lanes[1], prompt, NULL, call ? 1 : 6},         /* a prompt, then its tokens */
                {lanes[2], prompt + call, NULL, call ? 3 : 1}}; /* a token, then branches */
            if (call) turns[2].from = from[call - 1];
            if (company && att_whisper_decode(f.lanes.session, turns, LANES, &err))
                fail_msg("%s", err.text);
            for (int i = 0, at = 0; i < LANES; at += turns[i++].n) {
                const int32_t n = turns[i].n < 3 ? turns[i].n : 3; /* the last ones */
                float *logits = company ? together[call][i] : alone;
                if (!company && att_whisper_decode(f.lanes.session, &turns[i], 1, &err))
                    fail_msg("%s", err.text);
                lane_rig_logits(&f.lanes, (company ? at : 0) + turns[i].n - n, n, logits);
                if (!company && att_device_cpu_bodies(f.r.device))
                    assert_memory_equal(together[call][i], alone, sizeof *alone * V * (size_t)n);
                else if (!company)
                    assert_close(together[call][i], alone, V * n, "a lane in company");
            }
        }
    }
    assert_true(fabs((double)together[1][0][0] - (double)together[1][1][0]) > 1e-3);
    att_free(mel);
    close_fixture(&f);
}

static void lanes_do_not_know_of_each_other(void **state)
{
    (void)state;
    for (int portable = rig_portable_only(); portable < 2; portable++) check_lanes(portable);
}

static void senseless_turns_are_refused(void **state)
{
    (void)state;
    fixture f = open_fixture(rig_portable_only());
    static const int32_t ids[32] = {0};
    att_whisper_lane *const *lanes = f.lanes.lanes;
    att_whisper_session *session = f.lanes.session, *none;
    att_whisper_turn turns[] = {{lanes[0], ids, NULL, 1}, {lanes[0], ids, NULL, 1}};
    att_err err;
    assert_int_equal(att_whisper_session_create(&none, f.whisper, 1, 65, &err), ATT_E_ARG);
    encode(&f);
    assert_int_equal(att_whisper_decode(session, turns, 2, &err), ATT_E_ARG); /* one lane twice */
    turns[1].lane = lanes[1];
    assert_int_equal(att_whisper_decode(session, turns, 2, &err), ATT_E_ARG); /* not encoded */
    assert_int_equal(att_whisper_decode(session, turns, 4, &err), ATT_E_SHAPE);
    assert_int_equal(att_whisper_decode(session, turns, 0, &err), ATT_E_SHAPE);
    assert_int_equal(att_whisper_room(session), 32 + 2 * 3); /* a context and two branchings */
    turns[0].n = turns[1].n = 20;
    float *mel = floats(&f, "mel", (int64_t)100 * 80);
    assert_int_equal(att_whisper_encode(lanes[1], mel, &err), ATT_OK);
    assert_int_equal(att_whisper_decode(session, turns, 2, &err), ATT_E_SHAPE);
    turns[1].n = 18;
    assert_int_equal(att_whisper_decode(session, turns, 2, &err), ATT_OK);
    att_free(mel);
    close_fixture(&f);
}

static void network_matches_reference(void **state)
{
    (void)state;
    for (int portable = rig_portable_only(); portable < 2; portable++) check_all(portable);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    fixture f = open_fixture(rig_portable_only());
    const int32_t ids[] = {1, 300}, vocab = att_whisper_get_config(f.whisper)->vocab;
    static int32_t many[64];
    att_err err;
    assert_int_equal(vocab, 300);
    assert_int_equal(lane_rig_try(&f.lanes, ids, NULL, 1, &err), ATT_E_ARG); /* not encoded */
    encode(&f);
    assert_int_equal(lane_rig_try(&f.lanes, ids, NULL, 2, &err), ATT_E_ARG); /* no such token */
    assert_non_null(strstr(err.text, "300"));
    assert_int_equal(lane_rig_try(&f.lanes, many, NULL, 33, &err), ATT_E_SHAPE);
    assert_int_equal(lane_rig_try(&f.lanes, many, NULL, 32, &err), ATT_OK);
    assert_int_equal(lane_rig_try(&f.lanes, many, NULL, 1, &err), ATT_E_SHAPE);
    close_fixture(&f);
}

/* Those of the shape, until a file names others; a broken file changes nothing. */
static void alignment_heads_are_known(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    char path[512];
    fixture f = open_fixture(rig_portable_only());
    int32_t n;
    att_err err;
    const att_whisper_head *h = att_whisper_alignment_heads(f.whisper, &n);
    assert_int_equal(n, 2); /* two of layer 1 of 2 */
    assert_true(h[0].layer == 1 && h[0].head == 0 && h[1].layer == 1 && h[1].head == 1);
    assert_int_equal(att_whisper_read_heads(f.whisper, GOLDEN, &err), ATT_OK); /* names none */
    snprintf(path, sizeof path, "%s/config.json", folder);
    for (int good = 0; good < 2; good++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(good ? "{\"alignment_heads\": [[0, 1]]}" : "{\"alignment_heads\": [[2, 0]]}", file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(att_whisper_read_heads(f.whisper, folder, &err),
                         good ? ATT_OK : ATT_E_MODEL);
        h = att_whisper_alignment_heads(f.whisper, &n);
        assert_int_equal(n, good ? 1 : 2);
    }
    assert_true(h[0].layer == 0 && h[0].head == 1);
    close_fixture(&f);
    realdata_remove(folder);
}

/* A tensor that is missing, of another shape or dtype: all are named at once. */
static void all_complaints_come_together(void **state)
{
    (void)state;
    static const char header[] =
        "{\"model.encoder.layers.0.fc1.weight\":{\"dtype\":\"F16\",\"shape\":[8,2],"
        "\"data_offsets\":[0,32]},\"model.encoder.conv1.weight\":{\"dtype\":\"I32\",\"shape\":[2,1,"
        "3]"
        ",\"data_offsets\":[32,56]}}";
    unsigned char file[sizeof header + 8 + 56] = {0};
    const size_t n = sizeof header - 1;
    for (int b = 0; b < 8; b++) file[b] = (unsigned char)(n >> 8 * b);
    memcpy(file + 8, header, n);
    rig r = rig_open(rig_portable_only());
    att_weights *weights;
    att_whisper *whisper;
    att_err err;
    assert_int_equal(att_weights_open_memory(&weights, "small", file, 8 + n + 56, &err), ATT_OK);
    assert_int_equal(att_whisper_open(&whisper, r.device, weights, ATT_PRECISION_EXACT, &err),
                     ATT_E_MODEL);
    assert_null(whisper);
    assert_non_null(strstr(err.text, "conv1.weight"));
    assert_non_null(strstr(err.text, "conv1.bias"));
    att_weights_close(weights);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_matches_reference),
        cmocka_unit_test(branches_are_lines_of_their_own),
        cmocka_unit_test(senseless_branches_are_refused),
        cmocka_unit_test(lanes_do_not_know_of_each_other),
        cmocka_unit_test(senseless_turns_are_refused),
        cmocka_unit_test(senseless_calls_are_refused),
        cmocka_unit_test(alignment_heads_are_known),
        cmocka_unit_test(all_complaints_come_together),
    };
    return cmocka_run_group_tests_name("whisper_tiny", tests, NULL, NULL);
}
