/* test_image_files.c - committed pictures of the hard kinds (tests/golden/pictures), each against
 * what Pillow reads in it (images.safetensors, made by tools/reference/dump_images.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pictures.h"

#define FOLDER ATT_SOURCE_DIR "/tests/golden/pictures/"

static att_image read_file(const char *name, const att_image_options *options)
{
    char path[4096];
    att_image image;
    att_err err;
    snprintf(path, sizeof path, FOLDER "%s", name);
    if (att_image_read(&image, path, options, &err)) fail_msg("%s", err.text);
    return image;
}

/* Pillow brings a libjpeg-turbo and a libwebp of its own: of the same arithmetic, so no tolerance.
 */
static void files_are_what_pillow_reads(void **state)
{
    static const char PREFIX[] = "file.";
    att_weights *golden = pictures_golden();
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < att_weights_count(golden); i++) {
        const att_array *want = att_weights_at(golden, i);
        if (strncmp(want->name, PREFIX, sizeof PREFIX - 1) != 0) continue;
        att_image image = read_file(want->name + sizeof PREFIX - 1, NULL);
        pictures_assert(&image, want, 0, 0);
        att_image_free(&image);
        n++;
    }
    assert_int_equal(n, 21);
    att_weights_close(golden);
}

/* All eight show one picture. 12: what JPEG of quality 95 does to it. */
static void every_orientation_is_upright(void **state)
{
    att_image want = picture_smooth(24, 16);
    (void)state;
    for (int turn = 1; turn <= 8; turn++) {
        char name[32];
        snprintf(name, sizeof name, "exif_%d.jpg", turn);
        att_image got = read_file(name, NULL);
        assert_int_equal(got.width, 24);
        assert_int_equal(got.height, 16);
        for (size_t i = 0; i < 24 * 16 * 3; i++)
            if (abs(got.rgb[i] - want.rgb[i]) > 12)
                fail_msg("%s: byte %zu is %d, expected %d", name, i, got.rgb[i], want.rgb[i]);
        att_image_free(&got);
    }
    att_image_free(&want);
}

static void orientation_can_be_left_as_stored(void **state)
{
    static const char *const NAMES[] = {"exif_6.jpg", "exif_6.png", "exif_6.webp"};
    att_image_options options = att_image_defaults();
    (void)state;
    options.as_stored = 1;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        att_image stored = read_file(NAMES[i], &options), upright = read_file(NAMES[i], NULL);
        assert_int_equal(stored.width, 16);
        assert_int_equal(stored.height, 24);
        assert_int_equal(upright.width, 24);
        assert_int_equal(upright.height, 16);
        assert_memory_equal(upright.rgb, stored.rgb + 23 * 16 * 3, 3); /* bottom left comes up */
        att_image_free(&stored);
        att_image_free(&upright);
    }
}

/* Pillow would make white of all above 255 here. */
static void deep_grey_keeps_its_high_byte(void **state)
{
    att_image source = picture_hard(9, 7), got = read_file("grey16.png", NULL);
    (void)state;
    for (size_t i = 0; i < 9 * 7 * 3; i++)
        assert_int_equal(got.rgb[i], source.rgb[i / 3 * 3] * 251 >> 8);
    att_image_free(&source);
    att_image_free(&got);
}

/* rgba8.png: the first four pixels have alpha 0, 255, 1, 254. */
static void the_background_is_the_callers(void **state)
{
    att_image_options options = {.max_pixels = 63, .background = {10, 200, 30}};
    att_image source = picture_hard(9, 7), got = read_file("rgba8.png", &options);
    (void)state;
    assert_memory_equal(got.rgb, options.background, 3);
    assert_memory_equal(got.rgb + 3, source.rgb + 3, 3);
    for (int c = 0; c < 3; c++) {
        assert_true(abs(got.rgb[6 + c] - options.background[c]) <= 1);
        assert_true(abs(got.rgb[9 + c] - source.rgb[9 + c]) <= 1);
    }
    att_image_free(&source);
    att_image_free(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_what_pillow_reads),
        cmocka_unit_test(every_orientation_is_upright),
        cmocka_unit_test(orientation_can_be_left_as_stored),
        cmocka_unit_test(deep_grey_keeps_its_high_byte),
        cmocka_unit_test(the_background_is_the_callers),
    };
    return cmocka_run_group_tests_name("image_files", tests, NULL, NULL);
}
