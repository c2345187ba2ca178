/* test_ref_attn_rules.c - the reference attention (lib/ref/ref_attn*.c) held to the identities that
 * policies rest on: what two calls, one call with other data, or a closed form must agree about.
 * Rows worked out by hand are in test_ref_attn.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ref.h"

enum {
    B = 2,
    H = 4,
    G = 2,
    T = 9,
    S = 9,
    D = 5,
    E = 3,
    N_OUT = B * H * T * E,
    N_V = B * G * S * E
};

static att_view f32(float *x)
{
    const att_view v = {NULL, x, 0, ATT_F32};
    return v;
}

static att_view i32(int32_t *x)
{
    const att_view v = {NULL, x, 0, ATT_I32};
    return v;
}

static att_view u8(uint8_t *x)
{
    const att_view v = {NULL, x, 0, ATT_U8};
    return v;
}

/* Numbers in [-1, 1), the same each time. */
static void fill(float *x, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-23f - 1.0f;
    }
}

/* A plain call; every head of every batch row has queries, keys and values of its own. */
typedef struct sheet {
    float q[B * H * T * D], k[B * G * S * D], v[N_V];
    att_attn_call call;
} sheet;

static void lay_out(sheet *s)
{
    memset(s, 0, sizeof *s);
    fill(s->q, sizeof s->q / sizeof *s->q, 1);
    fill(s->k, sizeof s->k / sizeof *s->k, 2);
    fill(s->v, sizeof s->v / sizeof *s->v, 3);
    s->call = (att_attn_call){.batch = B, .heads = H, .kv_heads = G, .d_qk = D, .d_v = E};
    s->call.n_q = T;
    s->call.n_k = S;
    s->call.scale = 2.0f;
    s->call.q = (att_attn_view){f32(s->q), H * T * D, T * D, D};
    s->call.k = (att_attn_view){f32(s->k), G * S * D, S * D, D};
    s->call.v = (att_attn_view){f32(s->v), G * S * E, S * E, E};
}

static void attend(att_attn_call *call, float *out)
{
    call->out = (att_attn_view){f32(out), H * T * E, T * E, E};
    const char *broken = att_ref_attn(call);
    if (broken) fail_msg("%s", broken);
}

static void assert_same(const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= 2e-6f)) /* of numbers below 1 */
            fail_msg("%zu: got %g, expected %g", i, (double)got[i], (double)want[i]);
}

/* Value row j of the kv head that output entry i belongs to. */
static const float *value_row(const sheet *s, int i, int j)
{
    const int b = i / (H * T * E), h = i / (T * E) % H;
    return s->v + ((b * G + h / (H / G)) * S + j) * E;
}

/* Three prefix tokens, a time token, a span of three frames, one tail token. */
static void speech_frames_see_each_other(void **state)
{
    (void)state;
    static const int ALLOWED[] = {1, 2, 3, 4, 7, 7, 7, 8};
    int32_t span[] = {0, 0, 0, 0, 1, 1, 1, 0};
    const att_attn_mask mask = {
        .flags = ATT_MASK_CAUSAL | ATT_MASK_SPAN, .q_span = i32(span), .k_span = i32(span)};
    for (int32_t i = 0; i < 8; i++)
        for (int32_t j = 0; j < 8; j++)
            assert_int_equal(att_ref_attn_visible(&mask, 8, 8, 0, i, j), j < ALLOWED[i]);
}

static void spans_lead_from_causal_to_full(void **state)
{
    (void)state;
    static float causal[N_OUT], full[N_OUT], out[N_OUT];
    int32_t one[B * S], none[B * S] = {0};
    sheet s;
    lay_out(&s);
    for (int i = 0; i < B * S; i++) one[i] = 1;
    attend(&s.call, full);
    s.call.mask.flags = ATT_MASK_CAUSAL;
    attend(&s.call, causal);
    s.call.mask.flags = ATT_MASK_CAUSAL | ATT_MASK_SPAN;
    s.call.mask.q_span = s.call.mask.k_span = i32(one);
    attend(&s.call, out);
    assert_same(out, full, N_OUT);
    s.call.mask.q_span = s.call.mask.k_span = i32(none);
    attend(&s.call, out);
    assert_same(out, causal, N_OUT);
}

static void a_uniform_head_is_the_mean_of_what_it_sees(void **state)
{
    (void)state;
    static float out[N_OUT], want[N_OUT];
    sheet s;
    lay_out(&s);
    s.call.scale = 0.0f;
    s.call.mask.flags = ATT_MASK_CAUSAL;
    attend(&s.call, out);
    for (int i = 0; i < N_OUT; i++) {
        const int t = i / E % T;
        for (int j = 0; j <= t; j++) want[i] += value_row(&s, i, j)[i % E] / (float)(t + 1);
    }
    assert_same(out, want, N_OUT);
}

/* Parts over some of the keys are joined by their lse, as decoding in chunks does. */
static void parts_merge_by_their_lse(void **state)
{
    (void)state;
    static float whole[N_OUT], parts[2][N_OUT], merged[N_OUT], lse[3][B * H * T], want[B * H * T];
    enum { FIRST = 4 };
    sheet s;
    lay_out(&s);
    s.call.taps.lse = f32(lse[2]);
    attend(&s.call, whole);
    for (int p = 0; p < 2; p++) {
        att_attn_call call = s.call;
        call.n_k = p ? S - FIRST : FIRST;
        call.k.view = att_view_at(call.k.view, p ? FIRST * D : 0);
        call.v.view = att_view_at(call.v.view, p ? FIRST * E : 0);
        call.taps.lse = f32(lse[p]);
        attend(&call, parts[p]);
    }
    for (int r = 0; r < B * H * T; r++) {
        want[r] = lse[0][r] + log1pf(expf(lse[1][r] - lse[0][r]));
        for (int e = 0; e < E; e++)
            for (int p = 0; p < 2; p++)
                merged[r * E + e] += parts[p][r * E + e] * expf(lse[p][r] - want[r]);
    }
    assert_same(merged, whole, N_OUT);
    assert_same(lse[2], want, B * H * T);
}

/* H = lse - sum p z; p = exp(z - lse); the mean of a column is that of its p. */
static void taps_agree_with_each_other(void **state)
{
    (void)state;
    static float out[N_OUT], z[B * H * T * S], p[B * H * T * S], lse[B * H * T];
    static float entropy[B * H * T], mean[B * H * S], want_h[B * H * T], want_mean[B * H * S];
    const int32_t heads[] = {0, 1, 2, 3};
    sheet s;
    lay_out(&s);
    s.call.mask.flags = ATT_MASK_CAUSAL;
    s.call.taps = (att_attn_taps){.lse = f32(lse),
                                  .entropy = f32(entropy),
                                  .key_mean = f32(mean),
                                  .scores = f32(z),
                                  .probabilities = f32(p),
                                  .heads = heads,
                                  .n_heads = H};
    attend(&s.call, out);
    for (int i = 0; i < B * H * T * S; i++) {
        const int r = i / S;
        if (i == r * S) want_h[r] = lse[r];
        assert_float_equal(p[i], expf(z[i] - lse[r]), 2e-6);
        if (p[i] > 0.0f) want_h[r] -= p[i] * z[i];
        want_mean[r / T * S + i % S] += p[i] / (float)T;
    }
    assert_same(entropy, want_h, B * H * T);
    assert_same(mean, want_mean, B * H * S);
}

/* O' = beta O_s + (1 + a(1-beta)/(1-a)) O_rest: mass taken from sinks goes to the rest. */
static void calibration_has_a_closed_form(void **state)
{
    (void)state;
    static float out[N_OUT], of_class[2][N_OUT], want[N_OUT], mass[B * H * T * 4];
    uint8_t class[] = {0, 1, 1, 0, 1, 1, 1, 1, 1};
    const float beta = 0.4f;
    sheet s;
    lay_out(&s);
    s.call.mask.flags = ATT_MASK_CAUSAL;
    s.call.mask.q_first = 1; /* each row sees a key that is no sink */
    s.call.taps.class_mass = f32(mass);
    s.call.classes = (att_attn_classes){.rule = ATT_CLASS_GIVEN, .key_class = u8(class)};
    for (int c = 0; c < 2; c++) {
        s.call.classes.gain[0] = (float)(c == 0);
        s.call.classes.gain[1] = (float)(c == 1);
        attend(&s.call, of_class[c]);
    }
    for (int i = 0; i < N_OUT; i++) {
        const float a = mass[i / E * 4];
        want[i] = beta * of_class[0][i] + (1.0f + a * (1.0f - beta) / (1.0f - a)) * of_class[1][i];
    }
    s.call.classes.rule = ATT_CLASS_TO_ONE;
    s.call.classes.gain[0] = beta;
    s.call.classes.target = 1;
    attend(&s.call, out);
    assert_same(out, want, N_OUT);
    s.call.classes.gain[0] = 1.0f; /* nothing taken */
    attend(&s.call, out);
    for (int i = 0; i < N_OUT; i++) want[i] = of_class[0][i] + of_class[1][i];
    assert_same(out, want, N_OUT);
}

/* With values of 1 an output is its row's sum. Heads have classes of their own. */
static void redistribution_keeps_a_rows_mass(void **state)
{
    (void)state;
    static float out[N_OUT];
    uint8_t class[H * S];
    sheet s;
    lay_out(&s);
    for (int i = 0; i < N_V; i++) s.v[i] = 1.0f;
    for (int i = 0; i < H * S; i++) class[i] = (uint8_t)((i * 7 + i / S) % 3);
    s.call.classes = (att_attn_classes){
        .key_class = u8(class), .per_head = 1, .gain = {0.3f, 1.0f, 1.0f, 1.0f}, .target = 2};
    for (int rule = ATT_CLASS_TO_ONE; rule <= ATT_CLASS_RENORMALISE; rule++) {
        s.call.classes.rule = (att_class_rule)rule;
        attend(&s.call, out);
        for (int i = 0; i < N_OUT; i++) assert_float_equal(out[i], 1.0f, 2e-6);
    }
}

/* alpha O_full + (1-alpha) O_stream by two calls that add up. */
static void two_calls_blend_by_accumulating(void **state)
{
    (void)state;
    static float full[N_OUT], stream[N_OUT], want[N_OUT], out[N_OUT];
    float alpha[] = {0.0f, 0.25f, 0.7f, 1.0f}, rest[H];
    sheet s;
    lay_out(&s);
    const att_attn_mask causal = {.flags = ATT_MASK_CAUSAL};
    const att_attn_mask streaming = {.flags = ATT_MASK_CAUSAL | ATT_MASK_SINK | ATT_MASK_WINDOW,
                                     .left = 1,
                                     .right = -1,
                                     .n_sink = 1};
    for (int h = 0; h < H; h++) rest[h] = 1.0f - alpha[h];
    s.call.mask = causal;
    attend(&s.call, full);
    s.call.mask = streaming;
    attend(&s.call, stream);
    for (int i = 0; i < N_OUT; i++) {
        const int h = i / (T * E) % H;
        want[i] = alpha[h] * full[i] + rest[h] * stream[i];
    }
    s.call.head_gain = f32(rest);
    attend(&s.call, out);
    s.call.mask = causal;
    s.call.head_gain = f32(alpha);
    s.call.accumulate = 1;
    attend(&s.call, out);
    assert_same(out, want, N_OUT);
}

static void a_map_mixed_with_the_identity_mixes_outputs(void **state)
{
    (void)state;
    static float plain[N_OUT], want[N_OUT], out[N_OUT];
    float u[] = {0.0f, 0.3f, 0.8f, 1.0f};
    sheet s;
    lay_out(&s);
    attend(&s.call, plain);
    for (int i = 0; i < N_OUT; i++) {
        const int h = i / (T * E) % H;
        want[i] = (1.0f - u[h]) * plain[i] + u[h] * value_row(&s, i, i / E % T)[i % E];
    }
    s.call.diag_mix = f32(u);
    attend(&s.call, out);
    assert_same(out, want, N_OUT);
}

/* Tiles that are all listed hide nothing; listed in part they say what bits say. */
static void tiles_say_what_bits_say(void **state)
{
    (void)state;
    static float plain[N_OUT], tiled[N_OUT], by_bits[N_OUT];
    enum { TILE_Q = 4, TILE_K = 2, ACROSS = 5, DOWN = 3, ROW_BYTES = (S + 7) / 8 };
    int32_t row[DOWN + 1], index[DOWN * ACROSS];
    uint8_t bits[T * ROW_BYTES] = {0};
    sheet s;
    lay_out(&s);
    attend(&s.call, plain);
    for (int i = 0; i <= DOWN; i++) row[i] = i * ACROSS;
    for (int i = 0; i < DOWN * ACROSS; i++) index[i] = i % ACROSS;
    s.call.tiles = (att_attn_tiles){TILE_Q, TILE_K, i32(row), i32(index)};
    attend(&s.call, tiled);
    assert_memory_equal(tiled, plain, sizeof plain);

    static const int32_t SOME_ROW[] = {0, 2, 2, 5}, SOME[] = {4, 0, 1, 3, 2};
    memcpy(row, SOME_ROW, sizeof SOME_ROW);
    memcpy(index, SOME, sizeof SOME);
    for (int i = 0; i < T; i++)
        for (int n = row[i / TILE_Q]; n < row[i / TILE_Q + 1]; n++)
            for (int j = index[n] * TILE_K; j < S && j < (index[n] + 1) * TILE_K; j++)
                bits[i * ROW_BYTES + j / 8] |= (uint8_t)(1 << j % 8);
    attend(&s.call, tiled);
    s.call.tiles = (att_attn_tiles){0};
    s.call.mask.flags = ATT_MASK_BITS;
    s.call.mask.bits = u8(bits);
    attend(&s.call, by_bits);
    assert_memory_equal(tiled, by_bits, sizeof plain);
}

/* The last query over a ring of one sink and four recent keys, in the ring's own order. */
static void a_ring_with_positions_is_the_masked_whole(void **state)
{
    (void)state;
    static float whole[N_OUT], ring[N_OUT];
    int32_t pos[] = {0, 7, 8, 5, 6, 0, 7, 8, 5, 6}, rows[] = {0, 7, 8, 5, 6};
    enum { LAST = T - 1 };
    sheet s;
    lay_out(&s);
    s.call.mask = (att_attn_mask){.flags = ATT_MASK_CAUSAL | ATT_MASK_SINK | ATT_MASK_WINDOW,
                                  .left = 3,
                                  .right = -1,
                                  .n_sink = 1,
                                  .q_first = LAST};
    s.call.q.view = att_view_at(s.call.q.view, LAST * D);
    s.call.n_q = 1;
    attend(&s.call, whole);
    s.call.n_k = 5;
    s.call.k_rows = i32(rows);
    s.call.mask.k_pos = i32(pos);
    attend(&s.call, ring);
    assert_same(ring, whole, N_OUT);
}

/* Streaming heads beside full heads in one call are two calls. */
static void classes_of_heads_are_calls_of_their_own(void **state)
{
    (void)state;
    static float want[2][N_OUT], out[N_OUT];
    uint8_t of_head[] = {1, 0, 0, 1};
    att_attn_head_class classes[2];
    sheet s;
    lay_out(&s);
    memset(classes, 0, sizeof classes);
    classes[0].mask.flags = ATT_MASK_CAUSAL;
    classes[1].mask = (att_attn_mask){.flags = ATT_MASK_WINDOW, .left = 1, .right = 1};
    for (int c = 0; c < 2; c++) {
        s.call.mask = classes[c].mask;
        attend(&s.call, want[c]);
    }
    s.call.head_class = u8(of_head);
    s.call.head_classes = classes;
    s.call.n_head_classes = 2;
    attend(&s.call, out);
    for (int i = 0; i < N_OUT; i++) assert_true(out[i] == want[of_head[i / (T * E) % H]][i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speech_frames_see_each_other),
        cmocka_unit_test(spans_lead_from_causal_to_full),
        cmocka_unit_test(a_uniform_head_is_the_mean_of_what_it_sees),
        cmocka_unit_test(parts_merge_by_their_lse),
        cmocka_unit_test(taps_agree_with_each_other),
        cmocka_unit_test(calibration_has_a_closed_form),
        cmocka_unit_test(redistribution_keeps_a_rows_mass),
        cmocka_unit_test(two_calls_blend_by_accumulating),
        cmocka_unit_test(a_map_mixed_with_the_identity_mixes_outputs),
        cmocka_unit_test(tiles_say_what_bits_say),
        cmocka_unit_test(a_ring_with_positions_is_the_masked_whole),
        cmocka_unit_test(classes_of_heads_are_calls_of_their_own),
    };
    return cmocka_run_group_tests_name("ref_attn_rules", tests, NULL, NULL);
}
