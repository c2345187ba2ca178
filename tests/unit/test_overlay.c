/* test_overlay.c - modalities/vision/overlay.c: which pixels are dimmed, lined and coloured, at any
 * size of picture. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "overlay.h"
#include "pictures.h"

static const uint8_t *at(const att_image *image, int32_t x, int32_t y)
{
    return image->rgb + ((int64_t)y * image->width + x) * 3;
}

static att_image plain(int32_t width, int32_t height)
{
    att_image image;
    att_err err;
    if (att_image_create(&image, width, height, &err)) fail_msg("%s", err.text);
    for (int64_t i = 0; i < (int64_t)width * height; i++)
        memcpy(image.rgb + i * 3, ((const uint8_t[3]){200, 100, 50}), 3);
    return image;
}

static void kept_patches_stay_and_others_are_dimmed(void **state)
{
    static const int32_t SIZES[][4] = {{32, 32, 512, 512},
                                       {7, 3, 512, 219},
                                       {1000, 800, 1000, 800},
                                       {4096, 1024, 2048, 512},
                                       {600, 1, 600, 1}};
    static const int32_t KEPT[] = {0, 3};
    static const float HEAT[4] = {1.0f, 0.0f, 0.0f, 0.5f};
    const att_overlay_args args = {.rows = 2, .cols = 2, .kept = KEPT, .n_kept = 2, .heat = HEAT};
    (void)state;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        att_image image = plain(SIZES[i][0], SIZES[i][1]), out;
        const int32_t w = SIZES[i][2], h = SIZES[i][3], panel = w + ATT_OVERLAY_GAP;
        att_err err;
        if (att_overlay_draw(&image, &args, &out, &err)) fail_msg("%s", err.text);
        assert_int_equal(out.width, 2 * w + ATT_OVERLAY_GAP);
        assert_int_equal(out.height, h);
        if (h > 100) {
            assert_memory_equal(at(&out, w / 4, h / 4), ((uint8_t[]){200, 100, 50}), 3);
            assert_memory_equal(at(&out, w * 3 / 4, h * 3 / 4), ((uint8_t[]){200, 100, 50}), 3);
            const uint8_t *dim = at(&out, w * 3 / 4, h / 4); /* 0.4 * 124.2 + 12 */
            assert_memory_equal(dim, ((uint8_t[]){62, 62, 62}), 3);
            assert_memory_equal(at(&out, w / 2 - 1, h / 4), ((uint8_t[]){255, 214, 10}), 3);
            assert_memory_equal(at(&out, w + 3, h / 4), ((uint8_t[]){255, 255, 255}), 3);
            const uint8_t *hot = at(&out, panel + w / 8, h / 8);
            const uint8_t *cold = at(&out, panel + w * 7 / 8, h / 8);
            const uint8_t *warm = at(&out, panel + w * 7 / 8, h * 7 / 8); /* 1/2: red, half green */
            assert_true(hot[0] > 220 && hot[2] > 200);
            assert_memory_equal(cold, ((uint8_t[]){56, 56, 56}), 3);
            assert_true(warm[0] > 220 && warm[1] > 120 && warm[1] < 160 && warm[2] < 60);
        }
        att_image_free(&out);
        att_image_free(&image);
    }
}

/* Tokens may cover a part of the picture, or more than it. */
static void tokens_cover_what_they_were_made_of(void **state)
{
    static const int32_t KEPT[] = {0};
    att_image image = plain(1000, 600), out;
    att_overlay_args args = {.rows = 1,
                             .cols = 2,
                             .kept = KEPT,
                             .n_kept = 1,
                             .left = 100.0,
                             .top = -200.0,
                             .width = 800.0,
                             .height = 1000.0};
    att_err err;
    (void)state;
    if (att_overlay_draw(&image, &args, &out, &err)) fail_msg("%s", err.text);
    assert_int_equal(out.width, 1000);
    assert_int_equal(at(&out, 50, 300)[0], 62);
    assert_int_equal(at(&out, 300, 2)[0], 200);
    assert_int_equal(at(&out, 300, 598)[0], 200);
    assert_int_equal(at(&out, 700, 300)[0], 62);
    assert_int_equal(at(&out, 499, 300)[0], 255);
    att_image_free(&out);
    att_image_free(&image);
}

static void nonsense_is_refused(void **state)
{
    static const int32_t TWICE[] = {1, 1}, BEYOND[] = {0, 4};
    static const float BROKEN[4] = {0.0f, NAN, 0.0f, 0.0f};
    att_image image = plain(20, 20), out;
    att_overlay_args args = {.rows = 2, .cols = 2, .kept = TWICE, .n_kept = 2};
    att_err err;
    (void)state;
    assert_int_equal(att_overlay_draw(&image, &args, &out, &err), ATT_E_ARG);
    assert_null(out.rgb);
    args.kept = BEYOND;
    assert_int_equal(att_overlay_draw(&image, &args, &out, &err), ATT_E_ARG);
    args.n_kept = 1;
    args.heat = BROKEN;
    assert_int_equal(att_overlay_draw(&image, &args, &out, &err), ATT_E_MODEL);
    args.heat = NULL;
    args.rows = 0;
    assert_int_equal(att_overlay_draw(&image, &args, &out, &err), ATT_E_ARG);
    att_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_patches_stay_and_others_are_dimmed),
        cmocka_unit_test(tokens_cover_what_they_were_made_of),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("overlay", tests, NULL, NULL);
}
