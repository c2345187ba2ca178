/* test_ref.c - the plain C reference of the smaller ops against numbers worked by
 * hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ref.h"

static att_view view(void *host, att_dtype dtype)
{
    const att_view v = {NULL, host, 0, dtype};
    return v;
}

static void assert_close(float got, double want, double tolerance)
{
    if (!(fabs((double)got - want) <= tolerance)) fail_msg("%g, expected %g", (double)got, want);
}

static void halves_are_ieee(void **state)
{
    (void)state;
    assert_true(att_ref_f16_to_f32(0x3c00) == 1.0f);
    assert_true(att_ref_f16_to_f32(0x0001) == 0x1p-24f);
    assert_true(att_ref_f16_to_f32(0xfbff) == -65504.0f);
    assert_true(isinf(att_ref_f16_to_f32(0x7c00)) && isnan(att_ref_f16_to_f32(0x7e00)));
    for (uint32_t h = 0; h < 0x10000; h++)
        if ((h & 0x7fff) <= 0x7c00)
            assert_int_equal(att_ref_f32_to_f16(att_ref_f16_to_f32((uint16_t)h)), h);
    assert_int_equal(att_ref_f32_to_f16(1.0f + 0x1p-11f), 0x3c00); /* a tie goes to the even one */
    assert_int_equal(att_ref_f32_to_f16(1.0f + 0x3p-11f), 0x3c02);
    assert_int_equal(att_ref_f32_to_f16(65519.9f), 0x7bff);
    assert_int_equal(att_ref_f32_to_f16(65520.0f), 0x7c00);
}

static void activations_are_their_formulas(void **state)
{
    (void)state;
    assert_close(att_ref_act(1, 1.0f), 0.8413447460685429, 1e-7);
    assert_close(att_ref_act(2, 1.0f), 0.8411919906082768, 1e-7);
    assert_close(att_ref_act(4, 1.0f), 0.7310585786300049, 1e-7);
    assert_close(att_ref_act(5, 1.0f), 0.8457957659328212, 1e-7);
    assert_true(att_ref_act(3, -2.0f) == 0.0f && att_ref_act(3, 2.0f) == 2.0f);
    for (int act = 0; act < 6; act++) assert_true(isnan(att_ref_act(act, NAN)));
}

/* 3 and 3 and 1 of 6 numbers count: one is forbidden, one -infinity, one outside. */
static void logits_top_is_its_definition(void **state)
{
    (void)state;
    const float z[] = {1.0f, 3.0f, -INFINITY, 3.0f, 9.0f, 8.0f}, bad[] = {0.0f, NAN};
    const uint32_t forbidden[] = {1u << 4}, none[] = {0};
    int32_t tokens[4];
    assert_close((float)att_ref_logits_top(z, forbidden, 0, 5, 4, tokens),
                 log(exp(1.0) + 2.0 * exp(3.0)), 1e-6);
    assert_true(tokens[0] == 1 && tokens[1] == 3 && tokens[2] == 0 && tokens[3] == -1);
    assert_true(isinf(att_ref_logits_top(z, forbidden, 4, 5, 1, tokens)) && tokens[0] == -1);
    assert_true(isnan(att_ref_logits_top(bad, none, 0, 2, 1, tokens)) && tokens[0] == 0);
}

/* y = residual + gate .* relu(x w^T + bias), x of stride 3. */
static void linear_is_its_formula(void **state)
{
    (void)state;
    float x[] = {1, 2, 99, 3, 4, 99}, w[] = {1, 1, 2, -2}, b[] = {0.5f, 1}, g[] = {2, 3};
    float r[] = {10, 20, 30, 40}, y[4];
    att_mat xm = att_mat_of(view(x, ATT_F32), 2, 2);
    xm.stride = 3;
    const att_mat wm = att_mat_of(view(w, ATT_F32), 2, 2), rm = att_mat_of(view(r, ATT_F32), 2, 2);
    const att_mat ym = att_mat_of(view(y, ATT_F32), 2, 2);
    const att_view bias = view(b, ATT_F32), gate = view(g, ATT_F32);
    att_ref_linear(&xm, &wm, &bias, 3, &gate, &rm, &ym);
    assert_true(y[0] == 17.0f && y[1] == 20.0f && y[2] == 45.0f && y[3] == 40.0f);
}

/* Two channels in, one out, width 3, stride 2: rows 0..2 and 2..4. */
static void convolution_is_its_formula(void **state)
{
    (void)state;
    float x[] = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50}, w[] = {1, 2, 3, 0, 1, 0}, b[] = {0.5f}, y[2];
    const att_mat xm = att_mat_of(view(x, ATT_F32), 5, 2), ym = att_mat_of(view(y, ATT_F32), 2, 1);
    const att_view weight = view(w, ATT_F32), bias = view(b, ATT_F32);
    att_ref_conv(&xm, &weight, &bias, 3, 2, 0, NULL, &ym);
    assert_true(y[0] == 34.5f); /* 1*1 + 2*2 + 3*3 + 20 + 0.5 */
    assert_true(y[1] == 66.5f); /* 1*3 + 2*4 + 3*5 + 40 + 0.5 */
}

static void norms_are_their_formulas(void **state)
{
    (void)state;
    float x[] = {1, 3}, g[] = {2, 4}, b[] = {1, 1}, y[2];
    const att_mat xm = att_mat_of(view(x, ATT_F32), 1, 2), ym = att_mat_of(view(y, ATT_F32), 1, 2);
    const att_view gamma = view(g, ATT_F32), beta = view(b, ATT_F32);
    att_ref_norm(0, 0.0f, &xm, &gamma, &beta, &ym);
    assert_true(y[0] == -1.0f && y[1] == 5.0f);
    att_ref_norm(2, 0.0f, &xm, &gamma, &beta, &ym); /* * (1 + scale) + shift */
    assert_true(y[0] == -2.0f && y[1] == 6.0f);
    att_ref_norm(1, 0.0f, &xm, NULL, NULL, &ym);
    assert_close(y[1], 3.0 / sqrt(5.0), 1e-6);
}

static void magnitude_is_its_formula(void **state)
{
    (void)state;
    float x[] = {3, 0, -4, -2}, y[2];
    const att_mat xm = att_mat_of(view(x, ATT_F32), 1, 4), ym = att_mat_of(view(y, ATT_F32), 1, 2);
    att_ref_magnitude(&xm, &ym);
    assert_true(y[0] == 5.0f && y[1] == 2.0f);
}

/* Position 2 of base 10^4: angles 2 and 0.02. */
static void rotary_positions_are_their_formula(void **state)
{
    (void)state;
    static const double half[] = {-3.1440391170, 1.9196053466, -0.3391430828, 4.0391973601};
    static const double neighbours[] = {-2.2347416902, 0.0770037537, 2.9194053532, 4.0591960267};
    int32_t positions[] = {7, 2};
    float angles[] = {2.0f, 0.02f};
    const struct {
        int kind;
        int32_t first;
        att_view positions;
        const double *want;
    } cases[] = {
        {1, 2, view(NULL, ATT_I32), half},
        {2, 2, view(NULL, ATT_I32), neighbours},
        {1, 0, att_view_at(view(positions, ATT_I32), 1), half},
        {3, 0, view(angles, ATT_F32), half},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float x[] = {1, 2, 3, 4, 5}; /* the last is not of the head's rotary width */
        const att_mat xm = att_mat_of(view(x, ATT_F32), 1, 5);
        const att_ref_rope_args args = {.kind = cases[i].kind,
                                        .width = 4,
                                        .head_width = 5,
                                        .first = cases[i].first,
                                        .base = 1e4,
                                        .positions = cases[i].positions};
        att_ref_rope(&args, &xm);
        for (int j = 0; j < 4; j++) assert_close(x[j], cases[i].want[j], 5e-7);
        assert_true(x[4] == 5.0f);
    }
}

/* Speeds of Hugging Face's _compute_llama3_parameters(): one stays, one is mixed, two are slowed.
 */
static void rotary_scaling_is_its_formula(void **state)
{
    (void)state;
    static const double llama3[] = {1.0, 0.0427511781, 0.00125, 0.000125};
    const float divisors[] = {1.0f, 2.0f, 0.5f, 1.0f};
    att_ref_rope_args args = {.kind = 1,
                              .scaling = 2,
                              .width = 8,
                              .head_width = 8,
                              .first = 1,
                              .base = 1e4,
                              .factor = 8.0,
                              .low_turns = 1.0,
                              .high_turns = 4.0,
                              .original_context = 128.0};
    for (int scaling = 2; scaling >= 0; scaling--) {
        float x[] = {1, 1, 1, 1, 0, 0, 0, 0};
        const att_mat xm = att_mat_of(view(x, ATT_F32), 1, 8);
        args.scaling = scaling;
        args.divisors = scaling == 0 ? divisors : NULL;
        att_ref_rope(&args, &xm);
        for (int i = 0; i < 4; i++) {
            const double plain = pow(10.0, -i);
            assert_close(x[4 + i],
                         sin(scaling == 2   ? llama3[i]
                             : scaling == 1 ? plain / 8.0
                                            : plain / (double)divisors[i]),
                         2e-8 + 6e-8 * plain);
        }
    }
}

static void gather_takes_the_rows_of_its_list(void **state)
{
    (void)state;
    float x[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}, y[8];
    int32_t rows[] = {2, 0, 3, 2};
    const att_mat xm = att_mat_of((att_view){NULL, x, 0, ATT_F32}, 3, 2);
    const att_mat ym = att_mat_of((att_view){NULL, y, 0, ATT_F32}, 4, 2);
    const att_view list = {NULL, rows, 0, ATT_I32};
    att_ref_gather(&xm, &list, &ym);
    assert_true(y[0] == 5.0f && y[1] == 6.0f && y[2] == 1.0f && y[3] == 2.0f && y[7] == 6.0f);
    assert_true(isnan(y[4]) && isnan(y[5]));
}

static void swiglu_is_its_formula(void **state)
{
    (void)state;
    float x[] = {1.0f, -2.0f, 3.0f, 5.0f};
    const att_mat xm = att_mat_of(view(x, ATT_F32), 1, 4), ym = att_mat_cols(xm, 0, 2);
    att_ref_swiglu(&xm, &ym);
    assert_close(x[0], 3.0 * 0.7310585786300049, 2e-7);
    assert_close(x[1], 5.0 * -0.2384058440442351, 2e-7);
    assert_true(x[2] == 3.0f && x[3] == 5.0f);
}

/* Two steps of a layer 2 wide with 1 input; expected: torch.nn.LSTMCell in double. */
static void lstm_is_its_formula(void **state)
{
    (void)state;
    float x[] = {1, -2}, w[8], u[16], b[8], d[8], s[] = {0.5f, -0.25f, -2.0f, -0.5f}, y[4];
    for (int i = 0; i < 8; i++) {
        w[i] = 0.25f * (float)i - 1.0f;
        b[i] = 0.5f * (float)(i % 3) - 0.5f;
        d[i] = 0.25f * (float)(3 * i % 4) - 0.25f;
    }
    for (int i = 0; i < 16; i++) u[i] = 0.25f * (float)(3 * i % 8) - 1.0f;
    const att_ref_lstm_arrays arrays = {
        .width = 2,
        .input = view(w, ATT_F32),
        .recurrent = view(u, ATT_F32),
        .input_bias = view(b, ATT_F32),
        .recurrent_bias = view(d, ATT_F32),
        .state = view(s, ATT_F32),
    };
    const att_mat xm = att_mat_of(view(x, ATT_F32), 2, 1), ym = att_mat_of(view(y, ATT_F32), 2, 2);
    att_ref_lstm(&arrays, &xm, 3, &ym); /* relu on y alone */
    assert_close(y[0], 0, 1e-7);
    assert_close(y[1], 0.2215342183, 1e-7);
    assert_close(y[2], 0, 1e-7);
    assert_close(y[3], 0.07002481985, 1e-7);
    assert_close(s[0], -0.176469896, 1e-7);
    assert_close(s[1], 0.07002481985, 1e-7);
    assert_close(s[2], -0.8636263424, 1e-7);
    assert_close(s[3], 0.3225067044, 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_ieee),
        cmocka_unit_test(activations_are_their_formulas),
        cmocka_unit_test(logits_top_is_its_definition),
        cmocka_unit_test(linear_is_its_formula),
        cmocka_unit_test(convolution_is_its_formula),
        cmocka_unit_test(norms_are_their_formulas),
        cmocka_unit_test(magnitude_is_its_formula),
        cmocka_unit_test(rotary_positions_are_their_formula),
        cmocka_unit_test(rotary_scaling_is_its_formula),
        cmocka_unit_test(gather_takes_the_rows_of_its_list),
        cmocka_unit_test(swiglu_is_its_formula),
        cmocka_unit_test(lstm_is_its_formula),
    };
    return cmocka_run_group_tests_name("ref", tests, NULL, NULL);
}
