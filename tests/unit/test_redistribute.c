/* test_redistribute.c - modalities/vision/redistribute*.c through lib/ref's attention: against maps
 * that VisAttnSink's and PAINT's own code makes (tests/golden/prune.safetensors), against maps made
 * here from the formulas; rows keep their mass, neutral settings change no bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prunegolden.h"
#include "random.h"
#include "redistribute.h"
#include "ref.h"

enum { H = 4, N = 20, IMAGE = 3, END = 15, LAYERS = 8, WIDTH = 64 };

static att_redistribute_options parsed(const char *text)
{
    att_redistribute_options o;
    att_err err;
    if (att_redistribute_parse(&o, text, &err)) fail_msg("%s", err.text);
    return o;
}

static att_redistribute *make(const char *text, const uint8_t *act_heads)
{
    const att_redistribute_options o = parsed(text);
    const att_redistribute_shape shape = {.layers = LAYERS,
                                          .heads = H,
                                          .capacity = N + 6,
                                          .image_begin = IMAGE,
                                          .image_end = END,
                                          .dims = {3, 9},
                                          .n_dims = 2,
                                          .act_heads = act_heads};
    att_redistribute *state;
    att_err err;
    if (att_redistribute_create(&state, &o, &shape, &err)) fail_msg("%s", err.text);
    return state;
}

/* Queries are logits and keys and values the identity: out is the map of attention itself. */
typedef struct sheet {
    float q[H * N * N], one[N * N], out[H * N * N];
    att_attn_call call;
} sheet;

static void lay_out(sheet *s, int32_t n_q)
{
    const att_view q = {NULL, s->q, (int64_t)(N - n_q) * N, ATT_F32},
                   one = {NULL, s->one, 0, ATT_F32},
                   out = {NULL, s->out, (int64_t)(N - n_q) * N, ATT_F32};
    memset(s->one, 0, sizeof s->one);
    memset(s->out, 0, sizeof s->out);
    for (int i = 0; i < N; i++) s->one[i * N + i] = 1.0f;
    s->call = (att_attn_call){.batch = 1,
                              .heads = H,
                              .kv_heads = H,
                              .d_qk = N,
                              .d_v = N,
                              .n_q = n_q,
                              .n_k = N,
                              .q = {q, 0, N * N, N},
                              .k = {one, 0, 0, N},
                              .v = {one, 0, 0, N},
                              .out = {out, 0, N * N, N},
                              .scale = 1.0f,
                              .mask = {.flags = ATT_MASK_CAUSAL, .q_first = N - n_q}};
}

static void attend(sheet *s)
{
    const char *broken = att_ref_attn(&s->call);
    if (broken) fail_msg("%s", broken);
}

/* The logits of a map; a masked key may hold anything. */
static void logits_of(const float *map, float *q)
{
    for (int i = 0; i < H * N * N; i++) q[i] = map[i] > 0.0f ? logf(map[i]) : 0.0f;
}

static void logits_by_chance(float *q, uint64_t seed)
{
    att_random random = att_random_of(seed, 3);
    for (int i = 0; i < H * N * N; i++) q[i] = (float)(4.0 * att_random_unit(&random) - 2.0);
}

static void assert_maps(const float *got, const float *want, int from, const char *what)
{
    for (int i = 0; i < H * N * N; i++)
        if (i / N % N >= from && !(fabsf(got[i] - want[i]) <= 3e-6f)) /* f32 logarithms and back */
            fail_msg("%s: head %d, row %d, key %d: %g, expected %g", what, i / N / N, i / N % N,
                     i % N, (double)got[i], (double)want[i]);
}

static void assert_rows_sum_to_one(const float *map)
{
    for (int r = 0; r < H * N; r++) {
        double sum = 0.0;
        for (int j = 0; j < N; j++) sum += (double)map[r * N + j];
        if (!(fabs(sum - 1.0) < 1e-6)) fail_msg("row %d sums to %g", r, sum);
    }
}

static void fill_and_attend(att_redistribute *state, int32_t layer, sheet *s)
{
    att_err err;
    if (att_redistribute_fill(state, layer, &s->call, &err)) fail_msg("%s", err.text);
    attend(s);
}

static void var_makes_the_map_that_its_code_makes(void **state)
{
    static sheet s, rows;
    att_weights *golden = prune_golden();
    const float *before = prune_floats(golden, H * N * N, "var.before"),
                *after = prune_floats(golden, H * N * N, "var.after"),
                *hidden = prune_floats(golden, N * WIDTH, "var.hidden");
    int32_t n_sinks, changed = 0;
    att_redistribute *var = make("var:tau=4", NULL);
    att_err err;
    (void)state;
    prune_ints(golden, &n_sinks, "var.sinks");
    if (att_redistribute_hidden(var, 2, hidden, N, WIDTH, &err)) fail_msg("%s", err.text);
    assert_int_equal(att_redistribute_count(var, 2), n_sinks);
    logits_of(before, s.q);
    lay_out(&s, N);
    fill_and_attend(var, 2, &s);
    assert_maps(s.out, after, 0, "prefill");
    assert_rows_sum_to_one(s.out);
    for (int i = 0; i < H * N * N; i++) changed += fabsf(s.out[i] - before[i]) > 1e-5f;
    assert_true(changed > 200);
    /* The last rows alone, as in decode, with what was found in prefill. */
    memcpy(rows.q, s.q, sizeof s.q);
    for (int32_t n_q = 1; n_q < N; n_q += 6) {
        lay_out(&rows, n_q);
        fill_and_attend(var, 2, &rows);
        assert_maps(rows.out, after, N - n_q, "decode");
    }
    att_redistribute_destroy(var);
    att_weights_close(golden);
}

/* rho is the least part of non-sinks, not the most of sinks. */
static void var_wants_rho_of_non_sinks(void **state)
{
    static sheet s, plain;
    float hidden[N * WIDTH];
    att_redistribute *var = make("var:tau=4,rho=0.8,summ=0", NULL);
    att_err err;
    (void)state;
    for (int i = 0; i < N * WIDTH; i++) hidden[i] = 0.5f;
    hidden[6 * WIDTH + 3] = 40.0f;
    if (att_redistribute_hidden(var, 2, hidden, N, WIDTH, &err)) fail_msg("%s", err.text);
    memset(s.q, 0, sizeof s.q);
    for (int r = 0; r < H * N; r++) /* a sink with 0.1, 0.3, 0.3, 0.3 of the picture's mass */
        s.q[r * N + 6] = logf(11.0f * (r / N ? 0.3f / 0.7f : 0.1f / 0.9f));
    memcpy(plain.q, s.q, sizeof s.q);
    lay_out(&s, N);
    lay_out(&plain, N);
    attend(&plain);
    fill_and_attend(var, 2, &s);
    for (int h = 0; h < H; h++)
        for (int i = END; i < N; i++) {
            const int at = (h * N + i) * N + 6;
            const double want = (double)plain.out[at] * (h ? 1.0 : 0.6);
            assert_true(fabs((double)s.out[at] - want) < 1e-6);
        }
    att_redistribute_destroy(var);
}

static void neutral_settings_change_no_bit(void **state)
{
    static const char *const NEUTRAL[] = {"none",        "var:tau=4,keep=1", "var:tau=1000000",
                                          "act:beta=1",  "act:sink=1",       "paint:alpha=0,beta=0",
                                          "pai:alpha=0", "vhr:alpha=1"};
    static sheet s, plain;
    static float means[H * N], hidden[N * WIDTH], with[H * 4], without[H * 4];
    static const uint8_t SETS[END - IMAGE] = {1, 2, 1};
    (void)state;
    logits_by_chance(plain.q, 1);
    memcpy(s.q, plain.q, sizeof s.q);
    lay_out(&plain, N);
    attend(&plain);
    for (int i = 0; i < N * WIDTH; i++) hidden[i] = i % 7 == 3 ? 9.0f : 0.1f;
    for (int i = 0; i < H * N; i++) means[i] = 0.04f;
    for (int i = 0; i < H * 4; i++) with[i] = (float)i;
    for (size_t i = 0; i < sizeof NEUTRAL / sizeof *NEUTRAL; i++) {
        att_redistribute *r = make(NEUTRAL[i], NULL);
        att_err err;
        (void)att_redistribute_hidden(r, 2, hidden, N, WIDTH, &err); /* those it is meant for */
        (void)att_redistribute_columns(r, 2, means, N, &err);
        (void)att_redistribute_sets(r, SETS, END - IMAGE, &err);
        (void)att_redistribute_heads(r, 2, with, without, 4, &err);
        lay_out(&s, N);
        const att_attn_call call = s.call;
        fill_and_attend(r, 2, &s);
        assert_memory_equal(&s.call, &call, sizeof call);
        assert_memory_equal(s.out, plain.out, sizeof s.out);
        att_redistribute_destroy(r);
    }
}

static void only_its_layers_change(void **state)
{
    static const struct {
        const char *text, *layers;
    } ROWS[] = {{"none", "00000000"},
                {"var", "00111110"},
                {"act", "00111110"},
                {"paint", "00111111"},
                {"pai", "00111111"},
                {"vhr", "11111111"},
                {"var:first=1,last=3", "01110000"}};
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        att_redistribute *r = make(ROWS[i].text, NULL);
        for (int32_t l = 0; l < LAYERS; l++)
            assert_int_equal(att_redistribute_in(r, l), ROWS[i].layers[l] - '0');
        assert_false(att_redistribute_in(r, LAYERS) || att_redistribute_in(r, -1));
        att_redistribute_destroy(r);
    }
}

/* The published algorithm over a whole map. */
static void act_on_a_map(double *a, double sink, double beta)
{
    int found = 0, is_sink[N];
    for (int j = 0; j < N; j++) {
        double sum = 0.0;
        for (int i = 0; i < N; i++) sum += a[i * N + j];
        const int above = sum / (N - j) > sink;
        is_sink[j] = above && found;
        found |= above;
    }
    for (int i = 0; i < N; i++) {
        double freed = 0.0, others = 0.0;
        for (int j = 0; j < N; j++) *(is_sink[j] ? &freed : &others) += a[i * N + j];
        for (int j = 0; j < N; j++)
            a[i * N + j] *= is_sink[j] ? beta : 1.0 + (1.0 - beta) * freed / others;
    }
}

static void act_is_the_algorithm_over_a_map(void **state)
{
    static sheet s;
    static float means[H * N];
    static double map[H][N * N];
    uint8_t heads[LAYERS * H];
    att_err err;
    int sinks = 0;
    (void)state;
    memset(heads, 1, sizeof heads);
    heads[2 * H + 3] = 0;
    att_redistribute *act = make("act:sink=0.12", heads);
    logits_by_chance(s.q, 2);
    for (int r = 0; r < H * N; r++) s.q[r * N] += 2.0f;
    for (int r = 0; r < 3 * N; r++) s.q[r * N + 5 + r / N] += 2.0f;
    for (int r = 0; r < H * N; r++) s.q[r * N + 18] += 2.0f; /* seen by two rows only */
    lay_out(&s, N);
    s.call.taps.key_mean = (att_view){NULL, means, 0, ATT_F32};
    attend(&s);
    for (int h = 0; h < H; h++) {
        for (int i = 0; i < N * N; i++) map[h][i] = (double)s.out[h * N * N + i];
        if (h != 3) act_on_a_map(map[h], 0.12, 0.4);
    }
    if (att_redistribute_columns(act, 2, means, N, &err)) fail_msg("%s", err.text);
    sinks = att_redistribute_count(act, 2);
    assert_true(sinks >= 3);
    for (int32_t n_q = N; n_q > 0; n_q -= N - 1) { /* all, and the last row with the frozen sets */
        float want[H * N * N];
        lay_out(&s, n_q);
        fill_and_attend(act, 2, &s);
        for (int i = 0; i < H * N * N; i++) want[i] = (float)map[i / N / N][i % (N * N)];
        assert_maps(s.out, want, N - n_q, "act");
        if (n_q == N) assert_rows_sum_to_one(s.out);
    }
    att_redistribute_destroy(act);
}

static void paint_finds_the_sets_that_its_code_finds(void **state)
{
    enum { PATCHES = 48 };
    att_weights *golden = prune_golden();
    const float *row0 = prune_floats(golden, PATCHES, "paint.row0"),
                *row2 = prune_floats(golden, PATCHES, "paint.row2");
    const att_redistribute_options o = parsed("paint");
    double scratch[PATCHES];
    uint8_t set[PATCHES], want[PATCHES] = {0};
    int32_t n;
    (void)state;
    const int32_t *local = prune_ints(golden, &n, "paint.local");
    for (int32_t i = 0; i < n; i++) want[local[i]] = 1;
    const int32_t *summary = prune_ints(golden, &n, "paint.summary");
    for (int32_t i = 0; i < n; i++) want[summary[i]] = 2;
    att_paint_sets(&o, row0, row2, NULL, PATCHES, scratch, set);
    assert_memory_equal(set, want, PATCHES);
    att_weights_close(golden);
}

/* z + gain |z|, then softmax, in the last row alone. */
static void last_row_with_gain(const float *logits, const float *gain, float *map)
{
    double sum = 0.0;
    for (int j = 0; j < N; j++) {
        const double z = (double)logits[j] + (double)gain[j] * fabs((double)logits[j]);
        sum += exp(z);
        map[j] = (float)exp(z);
    }
    for (int j = 0; j < N; j++) map[j] = (float)((double)map[j] / sum);
}

static void paint_and_pai_raise_logits_of_the_last_row(void **state)
{
    static sheet s;
    static float want[H * N * N];
    static const uint8_t SETS[END - IMAGE] = {0, 1, 2, 0, 1, 1, 0, 0, 2, 0, 0, 1};
    att_err err;
    (void)state;
    for (int pai = 0; pai < 2; pai++) {
        float gain[N] = {0};
        att_redistribute *r = make(pai ? "pai:alpha=0.25" : "paint", NULL);
        for (int j = IMAGE; j < END; j++)
            gain[j] = pai ? 0.25f : SETS[j - IMAGE] == 1 ? 0.7f : SETS[j - IMAGE] ? 0.3f : 0.0f;
        if (!pai && att_redistribute_sets(r, SETS, END - IMAGE, &err)) fail_msg("%s", err.text);
        logits_by_chance(s.q, 3);
        for (int32_t n_q = N; n_q > 0; n_q -= N - 1) {
            lay_out(&s, N);
            attend(&s);
            memcpy(want, s.out, sizeof want);
            for (int h = 0; h < H; h++)
                last_row_with_gain(s.q + (h * N + N - 1) * N, gain, want + (h * N + N - 1) * N);
            lay_out(&s, n_q);
            fill_and_attend(r, 2, &s);
            assert_maps(s.out, want, N - n_q, "gain");
        }
        assert_int_not_equal(att_redistribute_sets(r, SETS, 5, &err), ATT_OK);
        att_redistribute_destroy(r);
    }
}

static void pai_contrasts_with_text_alone(void **state)
{
    /* p = 1/2, 1/4, 1/5, 1/20 (its highest times 0.1: stays), and one below it. */
    const float logits[] = {logf(50.0f), logf(25.0f), logf(19.0f), logf(5.1f), logf(0.9f)};
    const float text[] = {logf(20.0f), logf(20.0f), logf(20.0f), logf(20.0f), logf(20.0f)};
    float out[5];
    (void)state;
    att_pai_contrast(logits, text, 5, 1.5, out);
    for (int i = 0; i < 4; i++) {
        const double p = (double)logits[i] - log(100.0), t = log(0.2);
        assert_true(fabs((double)out[i] - (1.5 * (p - t) + t)) < 1e-6);
    }
    assert_true(isinf(out[4]) && out[4] < 0.0f);
}

static void vhr_chooses_heads_that_see_the_picture(void **state)
{
    enum { HEADS = 8 };
    /* Distances 1 .. 8, but head 5 is far only because it surges without the picture. */
    float with[HEADS * 2] = {0}, without[HEADS * 2] = {0}, gain[HEADS];
    double far[HEADS];
    (void)state;
    for (int h = 0; h < HEADS; h++) with[2 * h] = (float)(h + 1);
    without[2 * 5 + 1] = 40.0f;
    assert_int_equal(att_vhr_choose(with, without, HEADS, 2, 2.0, gain, far), 4);
    /* Lower median of 0 1 2 3 4 5 7 8 is 3. */
    assert_memory_equal(gain, ((float[]){1, 1, 1, 2, 2, 1, 2, 2}), sizeof gain);
    assert_true(far[5] == 0.0 && far[7] == 8.0);
    without[1] = NAN;
    assert_int_equal(att_vhr_choose(with, without, HEADS, 2, 2.0, gain, NULL), -1);
}

static void vhr_gains_are_frozen_into_calls(void **state)
{
    static sheet s, plain;
    const float with[H] = {1.0f, 5.0f, 0.5f, 4.0f}, without[H] = {0};
    att_redistribute *vhr = make("vhr:alpha=2.5", NULL);
    att_err err;
    (void)state;
    if (att_redistribute_heads(vhr, 4, with, without, 1, &err)) fail_msg("%s", err.text);
    assert_int_equal(att_redistribute_count(vhr, 4), 2);
    logits_by_chance(s.q, 4);
    memcpy(plain.q, s.q, sizeof s.q);
    lay_out(&s, 1);
    lay_out(&plain, 1);
    attend(&plain);
    fill_and_attend(vhr, 4, &s);
    for (int i = 0; i < H * N * N; i++)
        assert_true(fabsf(s.out[i] - plain.out[i] * (i / N / N % 2 ? 2.5f : 1.0f)) < 1e-6f);
    att_redistribute_destroy(vhr);
}

static void sinks_are_known_or_calibrated(void **state)
{
    int32_t dims[ATT_SINK_MAX_DIMS];
    float x[3 * 32], phi;
    att_sink_calibration c;
    att_err err;
    (void)state;
    assert_int_equal(att_sink_dims("vicuna-7b", dims), 2);
    assert_true(dims[0] == 1415 && dims[1] == 2533);
    assert_int_equal(att_sink_dims("smollm2", dims), 0);
    for (int i = 0; i < 32; i++) x[i] = i == 4 ? -3.0f : 0.0f;
    dims[0] = 4;
    att_sink_phi(x, 1, 32, dims, 1, &phi); /* 3 / sqrt(9 / 32 + 1e-6) */
    assert_true(fabsf(phi - 5.656844f) < 1e-5f);
    x[7] = NAN;
    att_sink_phi(x, 1, 32, dims, 1, &phi);
    assert_true(isnan(phi));
    if (att_sink_calibration_create(&c, 32, &err)) fail_msg("%s", err.text);
    for (int prompt = 0; prompt < 10; prompt++) {
        for (int i = 0; i < 3 * 32; i++) x[i] = 0.1f;
        x[prompt % 3 * 32 + 9] = 30.0f; /* in some layer, always */
        x[2 * 32 + 4] = -40.0f;
        if (prompt < 8) x[17] = 30.0f; /* not often enough */
        att_sink_calibration_add(&c, x, 3, 3.0);
    }
    assert_int_equal(att_sink_calibration_dims(&c, 0.9, dims), 2);
    assert_true(dims[0] == 4 && dims[1] == 9);
    assert_int_equal(att_sink_calibration_dims(&c, 0.8, dims), 3);
    att_sink_calibration_free(&c);
}

/* The third head looks elsewhere, the last one mostly at a sink: its row stays. */
static void sink_mass_before_and_after(void **state)
{
    static const float MASS[H * 4] = {0.3f, 0.3f, 0.2f, 0.2f, 0.1f, 0.6f, 0.0f, 0.3f,
                                      1.0f, 0.0f, 0.0f, 0.0f, 0.1f, 0.1f, 0.8f, 0.0f};
    const att_redistribute_options o = parsed("var");
    double part[2];
    (void)state;
    att_var_sink_part(&o, MASS, H, part);
    /* 0.2 / 0.5, 0, 0.8 / 0.9; after: 0.12 / (0.3 + 0.16 + 0.12), 0, the same. */
    assert_true(fabs(part[0] - (0.4 + 0.8 / 0.9) / 3.0) < 1e-6);
    assert_true(fabs(part[1] - (0.12 / 0.58 + 0.8 / 0.9) / 3.0) < 1e-6);
    att_var_sink_part(&o, MASS + 8, 1, part);
    assert_true(part[0] == -1.0 && part[1] == -1.0);
}

static void nonsense_is_refused(void **state)
{
    static const char *const BAD[] = {"vor",
                                      "var:",
                                      "var:rho",
                                      "var:rho=2",
                                      "var:rho=-1",
                                      "var:tau=x",
                                      "var:beta=0.5",
                                      "act:beta=1.5",
                                      "paint:alpha=nan",
                                      "none:tau=1",
                                      "var:first=5,last=3",
                                      "var:first=2.5",
                                      "pai:gamma=0.5",
                                      "var:rho=0.5,,keep=1"};
    att_redistribute_options o;
    att_redistribute *r;
    att_err err;
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        if (att_redistribute_parse(&o, BAD[i], &err) != ATT_E_ARG) fail_msg("%s passes", BAD[i]);
    o = parsed("var:rho=0.8,keep=0.25");
    assert_true(o.rho == 0.8 && o.keep == 0.25);
    att_redistribute_shape shape = {.layers = 4, .heads = 2, .capacity = 9, .image_end = 5};
    assert_int_equal(att_redistribute_create(&r, &o, &shape, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "calibrate"));
    shape.image_end = 10;
    assert_int_equal(att_redistribute_create(&r, &o, &shape, &err), ATT_E_ARG);
    r = make("var", NULL);
    float hidden[2 * 12] = {0};
    hidden[15] = NAN;
    assert_int_equal(att_redistribute_hidden(r, 2, hidden, 2, 12, &err), ATT_E_MODEL);
    assert_int_equal(att_redistribute_hidden(r, 2, hidden, 2, 9, &err), ATT_E_ARG);
    assert_int_equal(att_redistribute_columns(r, 2, hidden, 2, &err), ATT_E_ARG);
    att_redistribute_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(var_makes_the_map_that_its_code_makes),
        cmocka_unit_test(var_wants_rho_of_non_sinks),
        cmocka_unit_test(neutral_settings_change_no_bit),
        cmocka_unit_test(only_its_layers_change),
        cmocka_unit_test(act_is_the_algorithm_over_a_map),
        cmocka_unit_test(paint_finds_the_sets_that_its_code_finds),
        cmocka_unit_test(paint_and_pai_raise_logits_of_the_last_row),
        cmocka_unit_test(pai_contrasts_with_text_alone),
        cmocka_unit_test(vhr_chooses_heads_that_see_the_picture),
        cmocka_unit_test(vhr_gains_are_frozen_into_calls),
        cmocka_unit_test(sinks_are_known_or_calibrated),
        cmocka_unit_test(sink_mass_before_and_after),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("redistribute", tests, NULL, NULL);
}
