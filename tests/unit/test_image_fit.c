/* test_image_fit.c - modalities/vision/image_fit.c and image_values.c against transformers'
 * processors (tests/golden/images.safetensors, made by tools/reference/dump_images.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "image_fit.h"
#include "image_values.h"
#include "pictures.h"

enum { EDGE = 16 };

static const char *const RULES[] = {"pillow", "pillow13", "torch"};
static const uint8_t LLAVA_GREY[3] = {122, 116, 104};

typedef struct fitted {
    att_status status;
    att_image image;
} fitted;

static fitted fit_clip(const att_image *in, att_resize_rule rule, att_err *err)
{
    fitted f;
    f.status = att_image_fit_crop(in, EDGE, ATT_FILTER_BICUBIC, rule, &f.image, err);
    return f;
}

static fitted fit_llava(const att_image *in, att_resize_rule rule, att_err *err)
{
    fitted f;
    f.status = att_image_fit_pad(in, EDGE, LLAVA_GREY, ATT_FILTER_BICUBIC, rule, &f.image, err);
    return f;
}

static fitted fit_siglip(const att_image *in, att_resize_rule rule, att_err *err)
{
    fitted f;
    f.status = att_image_resize(in, EDGE, EDGE, ATT_FILTER_BICUBIC, rule, &f.image, err);
    return f;
}

static fitted fit_nanovlm(const att_image *in, att_resize_rule rule, att_err *err)
{
    fitted f;
    f.status = att_image_resize(in, EDGE, EDGE, ATT_FILTER_BILINEAR, rule, &f.image, err);
    return f;
}

typedef struct processor {
    const char *name;
    fitted (*fit)(const att_image *in, att_resize_rule rule, att_err *err);
    att_size size;
    int n_rules;
} processor;

static const processor PROCESSORS[] = {
    {"clip", fit_clip, {37, 29}, 3},     {"clip", fit_clip, {29, 38}, 3},
    {"clip", fit_clip, {16, 51}, 3},     {"llava", fit_llava, {37, 29}, 3},
    {"llava", fit_llava, {12, 31}, 3},   {"siglip", fit_siglip, {37, 29}, 3},
    {"siglip", fit_siglip, {29, 38}, 3}, {"nanovlm", fit_nanovlm, {37, 29}, 1},
};

static void squares_are_the_references(void **state)
{
    att_weights *golden = pictures_golden();
    (void)state;
    for (size_t i = 0; i < sizeof PROCESSORS / sizeof *PROCESSORS; i++) {
        const processor *p = &PROCESSORS[i];
        att_image in = picture_hard(p->size.width, p->size.height);
        for (int rule = 0; rule < p->n_rules; rule++) {
            att_err err;
            fitted f = p->fit(&in, (att_resize_rule)rule, &err);
            if (f.status) fail_msg("%s", err.text);
            pictures_assert(&f.image,
                            pictures_array(golden, "%s.%s.%dx%d", p->name, RULES[rule],
                                           p->size.width, p->size.height),
                            0, 0);
            att_image_free(&f.image);
        }
        att_image_free(&in);
    }
    att_weights_close(golden);
}

/* The references work in f32: two roundings of values below 3, each 1.2e-7 of them. */
static void check_values(const float *got, const att_array *want)
{
    for (size_t i = 0; i < 3 * EDGE * EDGE; i++)
        if (!(fabs((double)got[i] - att_array_value(want, i)) <= 1e-6))
            fail_msg("%s: value %zu is %.8g, expected %.8g", want->name, i, (double)got[i],
                     att_array_value(want, i));
}

static void values_are_the_references(void **state)
{
    const struct {
        const char *name;
        att_image_norm norm;
        att_filter filter;
    } cases[] = {{"clip", att_image_norm_clip(), ATT_FILTER_BICUBIC},
                 {"half", att_image_norm_half(), ATT_FILTER_BICUBIC},
                 {"none", att_image_norm_none(), ATT_FILTER_BILINEAR}};
    att_weights *golden = pictures_golden();
    att_image in = picture_hard(37, 29);
    float *planes = calloc(3 * EDGE * EDGE, sizeof *planes);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        att_image square;
        att_err err;
        assert_int_equal(
            att_image_resize(&in, EDGE, EDGE, cases[i].filter, ATT_RESIZE_PILLOW, &square, &err),
            ATT_OK);
        att_image_planes(&square, &cases[i].norm, planes);
        check_values(planes, pictures_array(golden, "values.%s", cases[i].name));
        att_image_free(&square);
    }
    free(planes);
    att_image_free(&in);
    att_weights_close(golden);
}

static void patches_are_planes_in_another_order(void **state)
{
    const att_image_norm norm = att_image_norm_clip();
    const int32_t w = 20, h = 12, side = 4;
    att_image in = picture_hard(w, h);
    float planes[3 * 20 * 12], patches[3 * 20 * 12];
    att_err err;
    (void)state;
    att_image_planes(&in, &norm, planes);
    assert_int_equal(att_image_patches(&in, side, &norm, patches, &err), ATT_OK);
    for (int32_t c = 0; c < 3; c++)
        for (int32_t y = 0; y < h; y++)
            for (int32_t x = 0; x < w; x++) {
                const int32_t patch = y / side * (w / side) + x / side;
                const int32_t inside = (c * side + y % side) * side + x % side;
                assert_true(patches[patch * 3 * side * side + inside] ==
                            planes[(c * h + y) * w + x]);
            }
    assert_int_equal(att_image_patches(&in, 5, &norm, patches, &err), ATT_E_SHAPE);
    att_image_free(&in);
}

static const uint8_t *pixel(const att_image *image, int32_t x, int32_t y)
{
    return image->rgb + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

/* Narrower than the crop by an odd number, higher by an odd number. */
static void a_centre_crop_is_the_references(void **state)
{
    att_weights *golden = pictures_golden();
    att_image in = picture_hard(13, 21), out;
    att_err err;
    (void)state;
    assert_int_equal(att_image_crop_centre(&in, (att_size){EDGE, EDGE}, &out, &err), ATT_OK);
    pictures_assert(&out, pictures_array(golden, "centre.torch.13x21"), 0, 0);
    att_image_free(&in);
    att_image_free(&out);
    att_weights_close(golden);
}

static void a_crop_beyond_the_edges_is_coloured(void **state)
{
    static const uint8_t RED[3] = {255, 0, 0};
    att_image in = picture_hard(6, 5), out;
    att_err err;
    (void)state;
    assert_int_equal(att_image_crop(&in, -2, 3, (att_size){4, 4}, RED, &out, &err), ATT_OK);
    for (int32_t y = 0; y < 4; y++)
        for (int32_t x = 0; x < 4; x++)
            assert_memory_equal(pixel(&out, x, y), x >= 2 && y < 2 ? pixel(&in, x - 2, y + 3) : RED,
                                3);
    att_image_free(&out);
    assert_int_equal(att_image_crop(&in, 100, 100, (att_size){2, 2}, RED, &out, &err), ATT_OK);
    assert_memory_equal(pixel(&out, 1, 1), RED, 3);
    att_image_free(&out);
    att_image_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(squares_are_the_references),
        cmocka_unit_test(values_are_the_references),
        cmocka_unit_test(patches_are_planes_in_another_order),
        cmocka_unit_test(a_centre_crop_is_the_references),
        cmocka_unit_test(a_crop_beyond_the_edges_is_coloured),
    };
    return cmocka_run_group_tests_name("image_fit", tests, NULL, NULL);
}
