/* test_resize.c - modalities/vision/resize.c to the bit against Pillow and torchvision
 * (tests/golden/images.safetensors, made by tools/reference/dump_images.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pictures.h"
#include "resize.h"

static const char *const RULES[] = {"pillow", "pillow13", "torch"};

typedef struct sizes {
    int32_t width, height, to_width, to_height;
} sizes;

/* SMALL and LARGE of the script. */
static const sizes SMALL[] = {{37, 29, 16, 12}, {19, 13, 26, 21}, {19, 13, 7, 30}, {19, 13, 19, 5},
                              {11, 17, 18, 17}, {200, 3, 7, 5},   {11, 40, 16, 16}};
static const sizes LARGE[] = {
    {1001, 667, 336, 224}, {640, 480, 512, 384}, {300, 500, 777, 901}, {480, 640, 384, 384}};

static att_filter first_filter(att_resize_rule rule)
{
    return rule == ATT_RESIZE_TORCH ? ATT_FILTER_BILINEAR : ATT_FILTER_NEAREST;
}

/* The order differs in the last alone. */
static size_t first_size(att_resize_rule rule)
{
    return rule == ATT_RESIZE_PILLOW_13 ? sizeof SMALL / sizeof *SMALL - 1 : 0;
}

static att_image resized(const sizes *s, att_filter filter, att_resize_rule rule)
{
    att_image in = picture_hard(s->width, s->height), out;
    att_err err;
    if (att_image_resize(&in, s->to_width, s->to_height, filter, rule, &out, &err))
        fail_msg("%s", err.text);
    att_image_free(&in);
    return out;
}

static void small_pictures_are_the_references(void **state)
{
    att_weights *golden = pictures_golden();
    (void)state;
    for (att_resize_rule rule = 0; rule < ATT_N_RESIZE_RULES; rule++)
        for (att_filter filter = first_filter(rule); filter < ATT_N_FILTERS; filter++)
            for (size_t i = first_size(rule); i < sizeof SMALL / sizeof *SMALL; i++) {
                const sizes *s = &SMALL[i];
                att_image out = resized(s, filter, rule);
                const att_array *want = pictures_array(golden, "%s.%s.%dx%d-%dx%d", RULES[rule],
                                                       att_filter_name(filter), s->width, s->height,
                                                       s->to_width, s->to_height);
                pictures_assert(&out, want, 0, 0);
                att_image_free(&out);
            }
    att_weights_close(golden);
}

static uint32_t fnv1a(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 0x811c9dc5u;
    for (size_t i = 0; i < n; i++) sum = (sum ^ bytes[i]) * 0x01000193u;
    return sum;
}

static void large_pictures_are_the_references(void **state)
{
    att_weights *golden = pictures_golden();
    (void)state;
    for (att_resize_rule rule = 0; rule < ATT_N_RESIZE_RULES; rule++) {
        const att_array *sums = pictures_array(golden, "sums.%s", RULES[rule]);
        size_t at = 0;
        for (att_filter filter = first_filter(rule); filter < ATT_N_FILTERS; filter++)
            for (size_t i = 0; i < sizeof LARGE / sizeof *LARGE; i++) {
                att_image out = resized(&LARGE[i], filter, rule);
                const size_t n = (size_t)out.width * (size_t)out.height * 3;
                const uint32_t want = (uint32_t)(int32_t)att_array_value(sums, at++);
                if (fnv1a(out.rgb, n) != want)
                    fail_msg("%s %s to %d x %d: some pixel is another", RULES[rule],
                             att_filter_name(filter), out.width, out.height);
                att_image_free(&out);
            }
    }
    att_weights_close(golden);
}

static void one_colour_stays(void **state)
{
    (void)state;
    for (att_resize_rule rule = 0; rule < ATT_N_RESIZE_RULES; rule++)
        for (att_filter filter = first_filter(rule); filter < ATT_N_FILTERS; filter++) {
            att_image in, out;
            att_err err;
            assert_int_equal(att_image_create(&in, 50, 41, &err), ATT_OK);
            memset(in.rgb, 201, 50 * 41 * 3);
            assert_int_equal(att_image_resize(&in, 23, 97, filter, rule, &out, &err), ATT_OK);
            for (size_t i = 0; i < 23 * 97 * 3; i++) assert_int_equal(out.rgb[i], 201);
            att_image_free(&in);
            att_image_free(&out);
        }
}

static void the_same_size_is_a_copy(void **state)
{
    const sizes same = {19, 13, 19, 13};
    att_image in = picture_hard(19, 13);
    (void)state;
    for (att_filter filter = 0; filter < ATT_N_FILTERS; filter++) {
        att_image out = resized(&same, filter, ATT_RESIZE_PILLOW);
        assert_memory_equal(out.rgb, in.rgb, 19 * 13 * 3);
        att_image_free(&out);
    }
    att_image_free(&in);
}

static void senseless_requests_are_refused(void **state)
{
    att_image in = picture_hard(4, 4), none = {0}, out;
    att_err err;
    (void)state;
    assert_int_equal(att_image_resize(&in, 0, 4, ATT_FILTER_BOX, ATT_RESIZE_PILLOW, &out, &err),
                     ATT_E_ARG);
    assert_null(out.rgb);
    assert_int_equal(
        att_image_resize(&in, 4, INT32_MAX, ATT_FILTER_BOX, ATT_RESIZE_PILLOW, &out, &err),
        ATT_E_ARG);
    assert_int_equal(att_image_resize(&none, 4, 4, ATT_FILTER_BOX, ATT_RESIZE_PILLOW, &out, &err),
                     ATT_E_ARG);
    assert_int_equal(att_image_resize(&in, 8, 8, ATT_FILTER_BOX, ATT_RESIZE_TORCH, &out, &err),
                     ATT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "box"));
    att_image_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_pictures_are_the_references),
        cmocka_unit_test(large_pictures_are_the_references),
        cmocka_unit_test(one_colour_stays),
        cmocka_unit_test(the_same_size_is_a_copy),
        cmocka_unit_test(senseless_requests_are_refused),
    };
    return cmocka_run_group_tests_name("resize", tests, NULL, NULL);
}
