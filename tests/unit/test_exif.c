/* test_exif.c - modalities/vision/exif.c: orientations in both byte orders, behind other parts of
 * each kind of file, cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "exif.h"

/* A TIFF header and a directory of two entries, the second being the orientation. */
static size_t tiff(uint8_t *to, int little, uint32_t type, uint32_t value)
{
    const uint32_t fields[][2] = {{2, 42}, {4, 8},   {2, 2},    {2, 256}, {2, 3},     {4, 1},
                                  {4, 7},  {2, 274}, {2, type}, {4, 1},   {2, value}, {2, 0}};
    size_t n = 2;
    memcpy(to, little ? "II" : "MM", 2);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (uint32_t b = 0; b < fields[i][0]; b++)
            to[n++] = (uint8_t)(fields[i][1] >> 8 * (little ? b : fields[i][0] - 1 - b));
    return n;
}

static void exif_is_read_in_both_orders_and_bounded(void **state)
{
    uint8_t bytes[64];
    (void)state;
    for (int little = 0; little < 2; little++) {
        for (uint32_t turn = 1; turn <= 8; turn++) {
            const size_t n = tiff(bytes, little, 3, turn);
            assert_int_equal(att_exif_orientation(bytes, n), turn);
            for (size_t cut = 0; cut < n; cut++) {
                uint8_t *exact = malloc(cut ? cut : 1);
                memcpy(exact, bytes, cut);
                assert_int_equal(att_exif_orientation(exact, cut), 1);
                free(exact);
            }
        }
        assert_int_equal(att_exif_orientation(bytes, tiff(bytes, little, 3, 9)), 1);
        assert_int_equal(att_exif_orientation(bytes, tiff(bytes, little, 3, 0)), 1);
        assert_int_equal(att_exif_orientation(bytes, tiff(bytes, little, 4, 6)), 1);
    }
    const size_t n = tiff(bytes + 6, 1, 3, 6) + 6;
    memcpy(bytes, "Exif\0\0", 6);
    assert_int_equal(att_exif_orientation(bytes, n), 6);
    memset(bytes + 10, 0xff, 4); /* the directory far behind the end */
    assert_int_equal(att_exif_orientation(bytes, n), 1);
}

/* What stands before and behind a TIFF block of orientation 6 in each kind of file. */
static void exif_is_found_behind_other_parts(void **state)
{
    static const char JPEG[] = "\xff\xd8\xff\xe0\0\5abc\xff\xff\xe1\0\4no\xff\xe1\0\x2a";
    static const char PNG[] = "\x89PNG\r\n\x1a\n\0\0\0\3tEXtabc....\0\0\0\x22"
                              "eXIf";
    static const char WEBP[] = "RIFF....WEBPODD \3\0\0\0abc\0EXIF\x22\0\0\0";
    uint8_t bytes[128] = {0};
    (void)state;
    const size_t n_jpeg = sizeof JPEG - 1, n_png = sizeof PNG - 1, n_webp = sizeof WEBP - 1;
    memcpy(bytes, JPEG, n_jpeg);
    memcpy(bytes + n_jpeg, "Exif\0\0", 6);
    size_t n = n_jpeg + 6 + tiff(bytes + n_jpeg + 6, 0, 3, 6);
    assert_int_equal(att_exif_of_jpeg(bytes, n), 6);
    assert_int_equal(att_exif_of_jpeg(bytes, n - 1), 1);
    memcpy(bytes, PNG, n_png);
    n = n_png + tiff(bytes + n_png, 0, 3, 6);
    assert_int_equal(att_exif_of_png(bytes, n + 4), 6); /* a checksum follows */
    assert_int_equal(att_exif_of_png(bytes, n + 3), 1);
    memcpy(bytes, WEBP, n_webp);
    n = n_webp + tiff(bytes + n_webp, 1, 3, 6);
    assert_int_equal(att_exif_of_webp(bytes, n), 6);
    assert_int_equal(att_exif_of_webp(bytes, n - 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exif_is_read_in_both_orders_and_bounded),
        cmocka_unit_test(exif_is_found_behind_other_parts),
    };
    return cmocka_run_group_tests_name("exif", tests, NULL, NULL);
}
