/* test_ref_attn.c - the reference attention (lib/ref/ref_attn*.c) against rows worked out by hand.
 *
 * The usual row: one query, keys with scores 0 and ln 3, so the softmax is 1/4 and 3/4; values 10
 * and 20, so the output is 17.5. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ref.h"

#define LN3 1.0986123f

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

/* n_q queries of 1, n_k keys; widths of 1; heads share what the arrays hold. */
typedef struct sheet {
    float q[4], k[4], v[4], out[4];
    att_attn_call call;
} sheet;

static void usual(sheet *s)
{
    memset(s, 0, sizeof *s);
    const float k[] = {0.0f, LN3}, v[] = {10.0f, 20.0f};
    memcpy(s->k, k, sizeof k);
    memcpy(s->v, v, sizeof v);
    for (int i = 0; i < 4; i++) s->q[i] = 1.0f;
    s->call = (att_attn_call){.batch = 1, .heads = 1, .kv_heads = 1, .d_qk = 1, .d_v = 1};
    s->call.n_q = 1;
    s->call.n_k = 2;
    s->call.scale = 1.0f;
    s->call.q = (att_attn_view){f32(s->q), 0, 0, 1};
    s->call.k = (att_attn_view){f32(s->k), 0, 0, 1};
    s->call.v = (att_attn_view){f32(s->v), 0, 0, 1};
    s->call.out = (att_attn_view){f32(s->out), 0, 0, 1};
}

static void assert_near(float got, double want)
{
    if (!(fabs((double)got - want) <= 2e-6 * (1.0 + fabs(want))))
        fail_msg("got %g, expected %g", (double)got, want);
}

static void assert_out(sheet *s, int i, double want)
{
    const char *broken = att_ref_attn(&s->call);
    if (broken) fail_msg("%s", broken);
    assert_near(s->out[i], want);
}

static void scores_follow_their_order(void **state)
{
    (void)state;
    sheet s;
    float scale = 0.0f, bias[] = {LN3, 0.0f}, gain[] = {0.0f, 1.0f}, sink = 2.0f * 0.69314718f;
    usual(&s);
    assert_out(&s, 0, 17.5);
    s.call.scale = 0.0f; /* uniform */
    assert_out(&s, 0, 15.0);
    s.call.scale = 1.0f;
    s.call.head_scale = f32(&scale);
    assert_out(&s, 0, 15.0);
    usual(&s);
    s.call.softcap = 1.0f; /* tanh(ln 3) = 0.8 */
    assert_out(&s, 0, 10.0 + 10.0 * exp(0.8) / (1.0 + exp(0.8)));
    s.call.bias = (att_attn_view){f32(bias), 0, 0, 0}; /* behind the cap: it is not capped */
    assert_out(&s, 0, 10.0 + 10.0 * exp(0.8) / (3.0 + exp(0.8)));
    usual(&s);
    s.call.bias = (att_attn_view){f32(bias), 0, 0, 0};
    assert_out(&s, 0, 15.0);
    s.call.bias_row_begin = 1;
    assert_out(&s, 0, 17.5);
    usual(&s);
    s.call.abs_gain = f32(gain); /* z + |z| = ln 9 */
    assert_out(&s, 0, 19.0);
    s.call.gain_row_begin = 1;
    assert_out(&s, 0, 17.5);
    usual(&s);
    s.k[1] = -LN3; /* z + |z| = 0 */
    s.call.abs_gain = f32(gain);
    assert_out(&s, 0, 15.0);
    usual(&s);
    s.call.sink_logit = f32(&sink); /* four more in the sum */
    assert_out(&s, 0, 8.75);
}

static void outputs_are_gained_and_added(void **state)
{
    (void)state;
    sheet s;
    float head = 2.0f, token = 3.0f;
    usual(&s);
    s.call.head_gain = f32(&head);
    s.call.token_gain = f32(&token);
    assert_out(&s, 0, 105.0);
    s.call.accumulate = 1;
    assert_out(&s, 0, 210.0);
}

static void a_row_that_sees_nothing_is_zero(void **state)
{
    (void)state;
    sheet s;
    float lse = 7.0f, sink = 1.0f, scores[2], probabilities[2], entropy = 7.0f;
    int32_t argmax = 7;
    const int32_t heads[] = {0};
    usual(&s);
    s.v[0] = NAN; /* a masked value may be anything */
    s.out[0] = 7.0f;
    s.call.mask.flags = ATT_MASK_CAUSAL;
    s.call.mask.q_first = -1;
    s.call.sink_logit = f32(&sink);
    s.call.taps.lse = f32(&lse);
    s.call.taps.entropy = f32(&entropy);
    s.call.taps.argmax = i32(&argmax);
    s.call.taps.scores = f32(scores);
    s.call.taps.probabilities = f32(probabilities);
    s.call.taps.heads = heads;
    s.call.taps.n_heads = 1;
    assert_out(&s, 0, 0.0);
    assert_true(lse == ATT_ATTN_NOTHING && scores[1] == ATT_ATTN_NOTHING);
    assert_true(probabilities[0] == 0.0f && entropy == 0.0f && argmax == -1);
}

static void nan_and_infinity_stay(void **state)
{
    (void)state;
    sheet s;
    usual(&s);
    s.k[0] = NAN;
    assert_null(att_ref_attn(&s.call));
    assert_true(isnan(s.out[0]));
    usual(&s);
    s.k[0] = 400.0f; /* exp of it alone would overflow */
    assert_out(&s, 0, 10.0);
}

static void classes_move_mass(void **state)
{
    (void)state;
    sheet s;
    uint8_t classes[] = {0, 1};
    usual(&s);
    s.call.classes.key_class = u8(classes);
    s.call.classes.rule = ATT_CLASS_GIVEN;
    s.call.classes.gain[0] = 1.0f;
    s.call.classes.gain[1] = 0.5f;
    assert_out(&s, 0, 10.0); /* 1/4, 3/8 */
    s.call.classes.rule = ATT_CLASS_TO_ONE;
    assert_out(&s, 0, 13.75); /* 5/8, 3/8 */
    s.call.classes.target = 2;
    assert_out(&s, 0, 17.5); /* nobody to take it */
    s.call.classes.rule = ATT_CLASS_RENORMALISE;
    assert_out(&s, 0, 16.0); /* 2/5, 3/5 */
    s.call.classes.when_of = 2;
    s.call.classes.when_mass = 0.8f;
    assert_out(&s, 0, 17.5);
    s.call.classes.when_mass = 0.7f;
    assert_out(&s, 0, 16.0);
    s.call.classes.when_of = 3;
    s.call.classes.when_part_of = 1;
    s.call.classes.when_part = 0.3f;
    assert_out(&s, 0, 17.5);
    s.call.classes.when_part = 0.2f;
    assert_out(&s, 0, 16.0);
    s.call.classes.row_begin = 1;
    assert_out(&s, 0, 17.5);
}

static void the_diagonal_is_mixed_in(void **state)
{
    (void)state;
    sheet s;
    float u = 0.5f;
    usual(&s);
    s.call.n_q = 2;
    s.call.diag_mix = f32(&u);
    assert_out(&s, 0, 0.5 * 17.5 + 5.0);
    assert_out(&s, 1, 0.5 * 17.5 + 10.0);
    s.call.mix_row_end = 1;
    assert_out(&s, 0, 0.5 * 17.5 + 5.0);
    assert_out(&s, 1, 17.5);
}

static void rows_are_gathered_and_scattered(void **state)
{
    (void)state;
    sheet s;
    int32_t q_rows[] = {2, 0, 2}, k_rows[] = {1, 1};
    usual(&s);
    s.call.n_q = 3;
    s.q[0] = 0.0f; /* query 1: uniform */
    s.call.mask.flags = ATT_MASK_CAUSAL;
    s.call.mask.q_first = 0; /* query 0 sees key 0, the others both */
    s.call.q_rows = i32(q_rows);
    s.out[1] = 7.0f;
    assert_out(&s, 2, 17.5); /* the last hit */
    assert_near(s.out[0], 15.0);
    assert_near(s.out[1], 7.0);
    s.call.scatter_mean = 1;
    assert_out(&s, 2, 13.75); /* of 10 and 17.5 */
    s.call.accumulate = 1;
    assert_out(&s, 2, 27.5);
    usual(&s);
    s.call.k_rows = i32(k_rows);
    assert_out(&s, 0, 20.0);
}

static void tiles_and_head_classes_choose_keys(void **state)
{
    (void)state;
    sheet s;
    int32_t row[] = {0, 1, 1}, index[] = {1};
    uint8_t of_head[] = {1, 0};
    float own_k[] = {0.0f}, own_v[] = {5.0f};
    att_attn_head_class classes[2];
    usual(&s);
    s.call.n_q = 2;
    s.call.tiles = (att_attn_tiles){1, 1, i32(row), i32(index)};
    s.out[1] = 7.0f;
    assert_out(&s, 0, 20.0); /* tile 1 alone */
    assert_near(s.out[1], 0.0);
    usual(&s);
    memset(classes, 0, sizeof classes);
    classes[0].mask.flags = ATT_MASK_SINK; /* key 0 alone */
    classes[0].mask.n_sink = 1;
    classes[1].k = (att_attn_view){f32(own_k), 0, 0, 1};
    classes[1].v = (att_attn_view){f32(own_v), 0, 0, 1};
    classes[1].n_k = 1;
    s.call.heads = 2;
    s.call.out.head = 1;
    s.call.head_class = u8(of_head);
    s.call.head_classes = classes;
    s.call.n_head_classes = 2;
    assert_out(&s, 0, 5.0);
    assert_near(s.out[1], 10.0);
}

static void taps_read_the_row(void **state)
{
    (void)state;
    sheet s;
    uint8_t classes[] = {0, 3};
    const int32_t heads[] = {0};
    float lse, entropy, distance, windowed, mass[4], mean[2], band[2], scores[2], probabilities[2];
    float weight[] = {1.0f, 3.0f};
    int32_t argmax;
    usual(&s);
    s.call.mask.q_first = 5;
    s.call.classes.key_class = u8(classes);
    s.call.taps = (att_attn_taps){.lse = f32(&lse),
                                  .entropy = f32(&entropy),
                                  .distance = f32(&distance),
                                  .windowed_distance = f32(&windowed),
                                  .distance_window = 4,
                                  .argmax = i32(&argmax),
                                  .class_mass = f32(mass),
                                  .key_mean = f32(mean),
                                  .key_band_mean = f32(band),
                                  .band_low = 4,
                                  .band_high = 4,
                                  .scores = f32(scores),
                                  .probabilities = f32(probabilities),
                                  .heads = heads,
                                  .n_heads = 1};
    assert_out(&s, 0, 17.5);
    assert_near(lse, log(4.0));
    assert_near(entropy, 0.25 * log(4.0) + 0.75 * log(4.0 / 3.0));
    assert_near(distance, 0.25 * 5.0 + 0.75 * 4.0);
    assert_near(windowed, 4.0);
    assert_int_equal(argmax, 1);
    assert_near(mass[0], 0.25);
    assert_near(mass[3], 0.75);
    assert_near(mean[0], 0.25);
    assert_near(band[0], 0.0); /* 5 lies outside the band */
    assert_near(band[1], 0.75);
    assert_near(scores[1], log(3.0));
    assert_near(probabilities[1], 0.75);
    s.call.n_q = 2;
    s.call.taps = (att_attn_taps){
        .key_mean = f32(mean), .scores = f32(scores), .heads = heads, .n_heads = 1, .row_begin = 1};
    s.q[1] = 0.0f; /* uniform */
    assert_out(&s, 1, 15.0);
    assert_near(mean[0], 0.375);
    assert_near(scores[1], 0.0);
    s.call.taps = (att_attn_taps){.key_mean = f32(mean),
                                  .key_band_mean = f32(band),
                                  .row_weight = f32(weight),
                                  .band_high = 5};
    assert_out(&s, 1, 15.0);
    assert_near(mean[0], (0.25 + 3.0 * 0.5) / 4.0);
    assert_near(band[0], 0.25); /* query 1 is 6 away */
}

static void masks_say_who_sees_whom(void **state)
{
    (void)state;
    int32_t q_span[] = {1, 0, 2}, k_span[] = {0, 0, 2, 1}, q_seq[] = {1, 1, 2},
            k_seq[] = {1, 2, 1, 2};
    int32_t k_pos[] = {3, 0, 2, 1};
    uint8_t bits[] = {0x5, 0x0, 0xf};
    const struct {
        att_attn_mask mask;
        const char *rows[3]; /* a 1 a visible key */
    } cases[] = {
        {{.flags = 0}, {"1111", "1111", "1111"}},
        {{.flags = ATT_MASK_CAUSAL}, {"1000", "1100", "1110"}},
        {{.flags = ATT_MASK_CAUSAL, .q_first = 1}, {"1100", "1110", "1111"}},
        {{.flags = ATT_MASK_CAUSAL, .k_pos = i32(k_pos)}, {"0100", "0101", "0111"}},
        {{.flags = ATT_MASK_CAUSAL | ATT_MASK_SPAN, .q_span = i32(q_span), .k_span = i32(k_span)},
         {"1001", "1100", "1110"}},
        {{.flags = ATT_MASK_WINDOW, .left = 1, .right = 0}, {"1000", "1100", "0110"}},
        {{.flags = ATT_MASK_WINDOW, .left = 0, .right = -1}, {"1111", "0111", "0011"}},
        {{.flags = ATT_MASK_WINDOW, .left = -1, .right = 1}, {"1100", "1110", "1111"}},
        {{.flags = ATT_MASK_WINDOW | ATT_MASK_SINK, .n_sink = 1}, {"1000", "1100", "1010"}},
        {{.flags = ATT_MASK_SINK, .n_sink = 2}, {"1100", "1100", "1100"}},
        {{.flags = ATT_MASK_WINDOW | ATT_MASK_GLOBAL, .n_global = 1}, {"1111", "1100", "1010"}},
        {{.flags = ATT_MASK_WINDOW | ATT_MASK_SPAN, .q_span = i32(q_span), .k_span = i32(k_span)},
         {"1000", "0100", "0010"}},
        {{.flags = ATT_MASK_WINDOW | ATT_MASK_SPAN_LIFTS_WINDOW,
          .q_span = i32(q_span),
          .k_span = i32(k_span)},
         {"1001", "0100", "0010"}},
        {{.flags = ATT_MASK_SEQ, .q_seq = i32(q_seq), .k_seq = i32(k_seq)},
         {"1010", "1010", "0101"}},
        {{.flags = ATT_MASK_BITS, .bits = u8(bits)}, {"1010", "0000", "1111"}},
        {{.flags = ATT_MASK_BITS | ATT_MASK_CAUSAL, .bits = u8(bits)}, {"1000", "0000", "1110"}},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        for (int32_t i = 0; i < 3; i++)
            for (int32_t j = 0; j < 4; j++)
                if (att_ref_attn_visible(&cases[n].mask, 3, 4, 0, i, j) !=
                    (cases[n].rows[i][j] == '1'))
                    fail_msg("mask %zu, query %d, key %d", n, i, j);
}

static void broken_promises_are_told(void **state)
{
    (void)state;
    sheet s;
    uint8_t class = 4;
    const int32_t heads[] = {1};
#define BROKEN(field, value)                                                                       \
    usual(&s);                                                                                     \
    s.call.field = value;                                                                          \
    assert_non_null(att_ref_attn(&s.call))
    BROKEN(batch, 0);
    BROKEN(heads, -1);
    BROKEN(kv_heads, 2);
    BROKEN(n_k, -1);
    BROKEN(n_k, 1 << 20);
    BROKEN(q.view.host, NULL);
    BROKEN(out.view.dtype, ATT_BF16);
    BROKEN(mask.flags, 1u << 8);
    BROKEN(mask.left, -2);
    BROKEN(mask.flags, ATT_MASK_BITS);
    BROKEN(tiles.tile_k, 4);
    BROKEN(scatter_mean, 1);
    BROKEN(diag_mix, f32(s.q));
    BROKEN(head_class, u8(&class));
    BROKEN(classes.rule, ATT_CLASS_GIVEN);
    BROKEN(classes.rule, (att_class_rule)9);
    BROKEN(taps.scores, f32(s.q));
#undef BROKEN
    usual(&s);
    s.call.taps.scores = f32(s.q);
    s.call.taps.heads = heads;
    s.call.taps.n_heads = 1;
    assert_non_null(att_ref_attn(&s.call));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_follow_their_order),
        cmocka_unit_test(outputs_are_gained_and_added),
        cmocka_unit_test(a_row_that_sees_nothing_is_zero),
        cmocka_unit_test(nan_and_infinity_stay),
        cmocka_unit_test(classes_move_mass),
        cmocka_unit_test(the_diagonal_is_mixed_in),
        cmocka_unit_test(rows_are_gathered_and_scattered),
        cmocka_unit_test(tiles_and_head_classes_choose_keys),
        cmocka_unit_test(taps_read_the_row),
        cmocka_unit_test(masks_say_who_sees_whom),
        cmocka_unit_test(broken_promises_are_told),
    };
    return cmocka_run_group_tests_name("ref_attn", tests, NULL, NULL);
}
