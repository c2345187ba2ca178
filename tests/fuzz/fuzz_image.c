/* fuzz_image.c - files of any bytes as pictures: refused with a reason, or pixels within the limit,
 * all of them readable. Seeds: a few pixels as JPEG (baseline, progressive, grey, four colours,
 * EXIF), PNG (8 and 16 bit, palette, transparency, EXIF) and WebP (lossy, lossless, alpha,
 * EXIF). */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "fuzz.h"
#include "image.h"

enum { MAX_PIXELS = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    att_image_options options = att_image_defaults();
    att_image image;
    att_err err = {0};
    options.max_pixels = MAX_PIXELS;
    const att_status status = att_image_read_memory(&image, "x", data, n, &options, &err);
    if (status) {
        if (status != ATT_E_INPUT || image.rgb || image.width || image.height || !err.text[0])
            abort();
        return 0;
    }
    uint8_t all = 0;
    const size_t pixels = (size_t)image.width * (size_t)image.height;
    if (image.width < 1 || image.height < 1 || pixels > MAX_PIXELS) abort();
    for (size_t i = 0; i < pixels * 3; i++) all |= image.rgb[i];
    if (all == 0 && image.rgb == NULL) abort();
    att_image_free(&image);
    return 0;
}
