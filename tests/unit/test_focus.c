/* test_focus.c - modalities/vision/focus.c: the contrast by hand, regions, boxes, crops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "focus.h"
#include "pictures.h"

static void the_contrast_weighs_steps_both_have(void **state)
{
    /* 1 x 2 tokens, one layer: steps 0 and 1 of both; step 2 of the question alone. */
    static const float Q[3][2] = {{0.4f, 0.2f}, {0.1f, 0.6f}, {9.0f, 9.0f}};
    static const float G[2][2] = {{0.2f, 0.4f}, {0.5f, 0.3f}};
    (void)state;
    for (int variant = 0; variant < 3; variant++) {
        att_focus_options o = att_focus_defaults();
        att_focus *focus;
        double map[2];
        att_err err;
        o.as_code = variant != 1;
        o.first_step_only = variant == 2;
        if (att_focus_create(&focus, &o, 1, 2, 1, 4, &err)) fail_msg("%s", err.text);
        assert_int_equal(att_focus_map(focus, map, &err), ATT_E_ARG);
        for (int t = 0; t < 3; t++)
            assert_int_equal(att_focus_tell(focus, ATT_FOCUS_QUESTION, t, 0, Q[t], &err), ATT_OK);
        for (int t = 0; t < 2; t++)
            assert_int_equal(att_focus_tell(focus, ATT_FOCUS_GENERAL, t, 0, G[t], &err), ATT_OK);
        assert_int_equal(att_focus_tell(focus, ATT_FOCUS_GENERAL, 7, 0, G[0], &err), ATT_OK);
        if (att_focus_map(focus, map, &err)) fail_msg("%s", err.text);
        const double first = variant == 1 ? 0.003 : 1e-8, second = variant == 1 ? 0.004 : 1e-8;
        for (int i = 0; i < 2; i++) {
            double want = (double)Q[0][i] / ((double)G[0][i] + first);
            if (variant != 2) want += 2.0 * (double)Q[1][i] / ((double)G[1][i] + second);
            if (!(fabs(map[i] - want) < 1e-6)) fail_msg("%g, expected %g", map[i], want);
        }
        const float broken[2] = {0.5f, NAN};
        assert_int_equal(att_focus_tell(focus, ATT_FOCUS_GENERAL, 0, 0, broken, &err), ATT_E_MODEL);
        assert_int_equal(att_focus_tell(focus, ATT_FOCUS_GENERAL, 0, 1, Q[0], &err), ATT_E_ARG);
        att_focus_destroy(focus);
    }
}

/* A picture as large as its map, so that nothing is sampled in between. */
static void regions_are_ranked_by_their_sum(void **state)
{
    enum { W = 8, HEIGHT = 6 };
    static const char *const DRAWN[HEIGHT] = {"9.....55", ".9...555", "........",
                                              "...6....", "....6...", "7......."};
    double map[W * HEIGHT];
    att_focus_area area;
    att_err err;
    (void)state;
    for (int i = 0; i < W * HEIGHT; i++) {
        const char c = DRAWN[i / W][i % W];
        map[i] = c == '.' ? 0.001 * i : c - '0';
    }
    /* Sums 18 (touching by a corner), 25, 12 and 7; 10 of 48 pixels. */
    att_focus_options o = att_focus_defaults();
    o.keep_part = 10.0 / 48.0;
    static const int32_t BOX[][4] = {{5, 0, 3, 2}, {0, 0, 8, 2}, {0, 0, 8, 5}, {0, 0, 8, 6}};
    for (int32_t regions = 1; regions <= 4; regions++) {
        o.regions = regions;
        if (att_focus_choose(&o, map, HEIGHT, W, W, HEIGHT, &area, &err)) fail_msg("%s", err.text);
        assert_int_equal(area.n_regions, 4);
        assert_int_equal(area.n_kept, regions);
        const int32_t *box = BOX[regions - 1];
        if (area.left != box[0] || area.top != box[1] || area.width != box[2] ||
            area.height != box[3])
            fail_msg("%d regions: %d x %d from (%d, %d)", regions, area.width, area.height,
                     area.left, area.top);
        assert_int_equal(area.mask[0], regions > 1);
        assert_int_equal(area.mask[1 * W + 6], 1);
        att_focus_area_free(&area);
    }
    o.regions = 0;
    if (att_focus_choose(&o, map, HEIGHT, W, W, HEIGHT, &area, &err)) fail_msg("%s", err.text);
    assert_int_equal(area.n_kept, 3); /* max(3, 4 / 5) */
    att_focus_area_free(&area);
}

static void a_large_picture_is_boxed_in_its_own_pixels(void **state)
{
    double map[4] = {0.0, 0.0, 0.0, 1.0}; /* right below */
    att_focus_area area;
    att_err err;
    att_focus_options o = att_focus_defaults();
    (void)state;
    o.keep_part = 0.0625; /* bilinear: the outermost quarter of that quarter is flat */
    if (att_focus_choose(&o, map, 2, 2, 4000, 2000, &area, &err)) fail_msg("%s", err.text);
    assert_int_equal(area.mask_width, 512);
    assert_int_equal(area.mask_height, 256);
    assert_true(area.left == 3000 && area.top == 1500 && area.width == 1000 && area.height == 500);
    att_focus_area_free(&area);
    for (int i = 0; i < 4; i++) map[i] = 0.5; /* flat: all equals, all kept */
    if (att_focus_choose(&o, map, 2, 2, 30, 20, &area, &err)) fail_msg("%s", err.text);
    assert_true(area.left == 0 && area.top == 0 && area.width == 30 && area.height == 20);
    att_focus_area_free(&area);
    map[2] = NAN;
    assert_int_equal(att_focus_choose(&o, map, 2, 2, 30, 20, &area, &err), ATT_E_MODEL);
    o.keep_part = 0.0;
    assert_int_equal(att_focus_choose(&o, map, 2, 2, 30, 20, &area, &err), ATT_E_ARG);
}

static void the_crop_covers_the_picture(void **state)
{
    att_image image = picture_smooth(60, 40), out;
    uint8_t mask[60 * 40];
    att_err err;
    att_focus_area area = {.left = 10,
                           .top = 5,
                           .width = 20,
                           .height = 30,
                           .mask_width = 60,
                           .mask_height = 40,
                           .mask = mask};
    (void)state;
    memset(mask, 1, sizeof mask);
    for (int masked = 0; masked < 2; masked++) {
        if (att_focus_crop(&image, &area, masked, &out, &err)) fail_msg("%s", err.text);
        assert_int_equal(out.width, 60); /* times 3 */
        assert_int_equal(out.height, 90);
        const uint8_t *middle = out.rgb + (46 * 60 + 31) * 3,
                      *from = image.rgb + (20 * 60 + 20) * 3;
        for (int c = 0; c < 3; c++) assert_true(abs(middle[c] - from[c]) <= 8);
        att_image_free(&out);
    }
    memset(mask, 0, sizeof mask);
    if (att_focus_crop(&image, &area, 1, &out, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < 60 * 90 * 3; i++) assert_int_equal(out.rgb[i], 0);
    att_image_free(&out);
    area.width = 1; /* a line does not become a wall */
    if (att_focus_crop(&image, &area, 0, &out, &err)) fail_msg("%s", err.text);
    assert_int_equal(out.height, 120);
    att_image_free(&out);
    att_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contrast_weighs_steps_both_have),
        cmocka_unit_test(regions_are_ranked_by_their_sum),
        cmocka_unit_test(a_large_picture_is_boxed_in_its_own_pixels),
        cmocka_unit_test(the_crop_covers_the_picture),
    };
    return cmocka_run_group_tests_name("focus", tests, NULL, NULL);
}
