/* test_image.c - modalities/vision/image.c, its readers and image_write.c on files that the
 * libraries themselves make here: every kind, cut short, broken, too large; nothing is printed. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "image.h"
#include "picturefile.h"
#include "pictures.h"
#include "realdata.h"

enum { W = 23, H = 17, GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 }; /* PNG's types */

/* Reads the first n bytes in a block of exactly that size, so that a sanitizer sees a read past the
 * end. */
static att_status read_part(const picturefile *f, size_t n, const att_image_options *options,
                            att_image *image, att_err *err)
{
    uint8_t *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, f->bytes, n);
    const att_status status = att_image_read_memory(image, "x.pic", exact, n, options, err);
    free(exact);
    return status;
}

/* The whole file, which is freed. */
static att_image read_all(picturefile f)
{
    att_image image;
    att_err err;
    if (read_part(&f, f.n, NULL, &image, &err)) fail_msg("%s", err.text);
    picturefile_free(&f);
    return image;
}

static void assert_near(const att_image *got, const att_image *want, int most)
{
    assert_int_equal(got->width, want->width);
    assert_int_equal(got->height, want->height);
    for (int32_t i = 0; i < want->width * want->height * 3; i++)
        if (abs(got->rgb[i] - want->rgb[i]) > most)
            fail_msg("byte %d is %d, expected %d within %d", i, got->rgb[i], want->rgb[i], most);
}

/* Samples of a PNG type out of a picture; in 16 bits with a low byte that is to be dropped. */
static uint8_t *samples_of(const att_image *image, int type, int bits)
{
    static const int COUNT[] = {[GREY] = 1, [RGB] = 3, [PALETTE] = 1, [GREY_ALPHA] = 2, [RGBA] = 4};
    const size_t n = (size_t)image->width * (size_t)image->height;
    const int count = COUNT[type];
    uint8_t *samples = calloc(n * (size_t)count, 2), *to = samples;
    assert_non_null(samples);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < count; c++) {
            const int opaque = (type == GREY_ALPHA || type == RGBA) && c == count - 1;
            *to++ = opaque ? 255 : image->rgb[3 * i + (size_t)c];
            if (bits == 16) *to++ = opaque ? 255 : 0xee;
        }
    return samples;
}

static void every_kind_of_png_is_read(void **state)
{
    static const int TYPES[][2] = {{GREY, 8},       {GREY, 16},       {RGB, 8},
                                   {RGB, 16},       {RGBA, 8},        {RGBA, 16},
                                   {GREY_ALPHA, 8}, {GREY_ALPHA, 16}, {PALETTE, 8}};
    att_image source = picture_hard(W, H);
    uint8_t palette[768];
    (void)state;
    for (int i = 0; i < 256; i++) memset(palette + 3 * i, i, 3); /* so a palette is grey */
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            const int type = TYPES[i][0], colour = type == RGB || type == RGBA;
            uint8_t *samples = samples_of(&source, type, TYPES[i][1]);
            att_image got = read_all(picturefile_png(samples, W, H, type, TYPES[i][1], interlaced,
                                                     type == PALETTE ? palette : NULL));
            for (size_t p = 0; p < W * H * 3; p++)
                assert_int_equal(got.rgb[p], source.rgb[colour ? p : p / 3 * 3]);
            att_image_free(&got);
            free(samples);
        }
    att_image_free(&source);
}

/* The same coefficients, sent in another order. */
static void a_progressive_jpeg_is_the_baseline_one(void **state)
{
    att_image source = picture_smooth(W, H);
    att_image plain = read_all(picturefile_jpeg(&source, PICTUREFILE_BASELINE));
    att_image progressive = read_all(picturefile_jpeg(&source, PICTUREFILE_PROGRESSIVE));
    (void)state;
    assert_near(&plain, &source, 12); /* quality 95, colours at half the resolution */
    assert_memory_equal(plain.rgb, progressive.rgb, W * H * 3);
    att_image_free(&source);
    att_image_free(&plain);
    att_image_free(&progressive);
}

static void grey_and_four_colours_become_rgb(void **state)
{
    att_image source = picture_smooth(W, H);
    att_image grey = read_all(picturefile_jpeg(&source, PICTUREFILE_GREY));
    att_image cmyk = read_all(picturefile_jpeg(&source, PICTUREFILE_CMYK));
    att_image ycck = read_all(picturefile_jpeg(&source, PICTUREFILE_YCCK));
    (void)state;
    for (size_t i = 0; i < W * H * 3; i++)
        assert_true(abs(grey.rgb[i] - source.rgb[i / 3 * 3]) <= 4);
    assert_near(&cmyk, &source, 12);
    assert_near(&ycck, &source, 12);
    att_image_free(&source);
    att_image_free(&grey);
    att_image_free(&cmyk);
    att_image_free(&ycck);
}

static void webp_is_read_and_laid_on_white(void **state)
{
    att_image source = picture_hard(W, H), soft = picture_smooth(W, H);
    uint8_t rgba[W * H * 4];
    (void)state;
    att_image lossless = read_all(picturefile_webp(source.rgb, W, H, 3, 1));
    att_image lossy = read_all(picturefile_webp(soft.rgb, W, H, 3, 0));
    assert_memory_equal(lossless.rgb, source.rgb, W * H * 3);
    assert_near(&lossy, &soft, 16);
    for (size_t i = 0; i < W * H; i++) {
        memcpy(rgba + 4 * i, source.rgb + 3 * i, 3);
        rgba[4 * i + 3] = (uint8_t)(i % 2 ? 255 : 0);
    }
    att_image clear = read_all(picturefile_webp(rgba, W, H, 4, 1));
    for (size_t i = 0; i < W * H * 3; i++)
        assert_int_equal(clear.rgb[i], i / 3 % 2 ? source.rgb[i] : 255);
    att_image_free(&source);
    att_image_free(&soft);
    att_image_free(&lossless);
    att_image_free(&lossy);
    att_image_free(&clear);
}

enum { N_FILES = 6 };

/* One of each format and way of coding. */
static void make_files(picturefile files[N_FILES])
{
    att_image source = picture_hard(W, H);
    files[0] = picturefile_jpeg(&source, PICTUREFILE_BASELINE);
    files[1] = picturefile_jpeg(&source, PICTUREFILE_PROGRESSIVE);
    files[2] = picturefile_png(source.rgb, W, H, RGB, 8, 0, NULL);
    files[3] = picturefile_png(source.rgb, W, H, RGB, 8, 1, NULL);
    files[4] = picturefile_webp(source.rgb, W, H, 3, 0);
    files[5] = picturefile_webp(source.rgb, W, H, 3, 1);
    att_image_free(&source);
}

/* Runs `what` and fails when anything came on stderr or stdout. */
static void quietly(void (*what)(picturefile *files, size_t n), picturefile *files, size_t n)
{
    fflush(NULL);
    FILE *said = tmpfile();
    const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    assert_true(said && out >= 0 && err >= 0);
    dup2(fileno(said), STDOUT_FILENO);
    dup2(fileno(said), STDERR_FILENO);
    what(files, n);
    fflush(NULL);
    const off_t bytes = lseek(fileno(said), 0, SEEK_END);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    fclose(said);
    assert_int_equal(bytes, 0);
}

/* Up to 16 bytes may be missing: a PNG's last checksum and its end, which hold no pixels. */
static void cut_at_every_byte(picturefile *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t cut = 0; cut < files[i].n; cut++) {
            att_image image;
            att_err err = {0};
            const att_status status = read_part(&files[i], cut, NULL, &image, &err);
            if (status == ATT_OK && cut + 16 < files[i].n)
                fail_msg("file %zu: %zu of %zu bytes are a picture", i, cut, files[i].n);
            if (status && (status != ATT_E_INPUT || image.rgb || !strstr(err.text, "x.pic")))
                fail_msg("file %zu: %zu bytes: %s", i, cut, err.text);
            att_image_free(&image);
        }
}

/* Refused or not, but within the block and with pixels or without a picture. */
static void break_every_byte(picturefile *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at < files[i].n; at++) {
            att_image image;
            att_err err = {0};
            att_image_options options = att_image_defaults();
            options.max_pixels = 1 << 20;
            files[i].bytes[at] ^= 0xff;
            const att_status status = read_part(&files[i], files[i].n, &options, &image, &err);
            files[i].bytes[at] ^= 0xff;
            if (!status != (image.rgb != NULL) || (status && !err.text[0]))
                fail_msg("file %zu, byte %zu: status %d, '%s'", i, at, status, err.text);
            att_image_free(&image);
        }
}

static void cut_and_broken_files_are_refused_quietly(void **state)
{
    picturefile files[N_FILES];
    (void)state;
    make_files(files);
    quietly(cut_at_every_byte, files, N_FILES);
    quietly(break_every_byte, files, N_FILES);
    for (size_t i = 0; i < N_FILES; i++) picturefile_free(&files[i]);
}

static void assert_refused(const picturefile *f, const att_image_options *options, const char *text)
{
    att_image image;
    att_err err = {0};
    assert_int_equal(read_part(f, f->n, options, &image, &err), ATT_E_INPUT);
    assert_null(image.rgb);
    if (!strstr(err.text, text)) fail_msg("'%s', expected '%s' in it", err.text, text);
}

/* Where a JPEG's header names its height: behind FF C0 or FF C2, a length and the precision. */
static uint8_t *jpeg_height(const picturefile *f)
{
    for (size_t i = 2; i + 9 < f->n; i += 2 + ((size_t)f->bytes[i + 2] << 8 | f->bytes[i + 3]))
        if (f->bytes[i + 1] == 0xc0 || f->bytes[i + 1] == 0xc2) return f->bytes + i + 5;
    fail_msg("no frame header");
    return NULL;
}

static void large_pictures_are_refused_before_they_are_decoded(void **state)
{
    static const char PROMISED[] = "60000 x 60000 pixels, expected at least 1 x 1 and at most "
                                   "100000000";
    att_image_options options = att_image_defaults();
    picturefile files[N_FILES];
    (void)state;
    make_files(files);
    options.max_pixels = W * H - 1;
    for (size_t i = 0; i < N_FILES; i++) assert_refused(&files[i], &options, "at most 390");
    for (size_t i = 0; i < 2; i++) {
        memcpy(jpeg_height(&files[i]), "\xea\x60\xea\x60", 4);
        assert_refused(&files[i], NULL, PROMISED);
    }
    memcpy(files[2].bytes + 16, "\0\0\xea\x60\0\0\xea\x60", 8);
    assert_refused(&files[2], NULL, PROMISED);
    memcpy(files[3].bytes + 16, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_refused(&files[3], NULL, "4294967295 x 4294967295 pixels");
    for (size_t i = 0; i < N_FILES; i++) picturefile_free(&files[i]);
}

static void damage_is_named_with_its_place(void **state)
{
    att_image source = picture_hard(W, H);
    picturefile jpeg = picturefile_jpeg(&source, PICTUREFILE_BASELINE);
    picturefile scans = picturefile_jpeg(&source, PICTUREFILE_MANY_SCANS);
    picturefile png = picturefile_png(source.rgb, W, H, RGB, 8, 0, NULL);
    picturefile webp = picturefile_webp(source.rgb, W, H, 3, 1);
    (void)state;
    memcpy(jpeg.bytes + jpeg.n - 200, "\xff\xd9", 2); /* end of image amid the pixels */
    assert_refused(&jpeg, NULL, "x.pic: JPEG is broken before byte");
    assert_refused(&scans, NULL, "more than 100 scans");
    png.bytes[png.n - 100] ^= 1;
    assert_refused(&png, NULL, "x.pic: PNG is broken before byte");
    png.bytes[12] = 'X';
    assert_refused(&png, NULL, "expected a header (IHDR)");
    webp.n -= 20;
    assert_refused(&webp, NULL, "the file ends early");
    picturefile_free(&jpeg);
    picturefile_free(&scans);
    picturefile_free(&png);
    picturefile_free(&webp);
    att_image_free(&source);
}

static void other_files_are_refused(void **state)
{
    const picturefile text = {(uint8_t[]){"hello, this is a text"}, 21}, nothing = {NULL, 0};
    att_image image;
    att_err err;
    (void)state;
    assert_refused(&text, NULL, "does not begin as a JPEG, PNG or WebP");
    assert_int_equal(att_image_read_memory(&image, "e.png", nothing.bytes, 0, NULL, &err),
                     ATT_E_INPUT);
    assert_non_null(strstr(err.text, "e.png: it is empty"));
    assert_int_equal(att_image_read(&image, "/nonexistent/a.png", NULL, &err), ATT_E_INPUT);
    assert_non_null(strstr(err.text, "/nonexistent/a.png"));
    assert_int_equal(att_image_read(&image, "/", NULL, &err), ATT_E_INPUT);
    assert_null(image.rgb);
}

static size_t files_in(const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0;
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

static void what_is_written_is_read_again(void **state)
{
    const char *folder = realdata_folder();
    char path[4200];
    att_image source = picture_hard(W, H), got, none = {0};
    att_err err;
    (void)state;
    snprintf(path, sizeof path, "%s/out.png", folder);
    if (att_image_write(&source, path, &err)) fail_msg("%s", err.text);
    if (att_image_read(&got, path, NULL, &err)) fail_msg("%s", err.text);
    assert_near(&got, &source, 0);
    assert_int_equal(att_image_write(&none, path, &err), ATT_E_ARG);
    assert_int_equal(files_in(folder), 1);
    snprintf(path, sizeof path, "%s/none/out.png", folder);
    assert_int_equal(att_image_write(&source, path, &err), ATT_E_IO);
    assert_non_null(strstr(err.text, "none/out.png"));
    att_image_free(&got);
    att_image_free(&source);
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_png_is_read),
        cmocka_unit_test(a_progressive_jpeg_is_the_baseline_one),
        cmocka_unit_test(grey_and_four_colours_become_rgb),
        cmocka_unit_test(webp_is_read_and_laid_on_white),
        cmocka_unit_test(cut_and_broken_files_are_refused_quietly),
        cmocka_unit_test(large_pictures_are_refused_before_they_are_decoded),
        cmocka_unit_test(damage_is_named_with_its_place),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(what_is_written_is_read_again),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
