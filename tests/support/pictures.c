/* pictures.c - made-up pictures and their golden arrays (pictures.h). */
#include "pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static att_image blank(int32_t width, int32_t height)
{
    att_image image;
    att_err err;
    if (att_image_create(&image, width, height, &err)) fail_msg("%s", err.text);
    return image;
}

att_image picture_hard(int32_t width, int32_t height)
{
    att_image image = blank(width, height);
    uint8_t *to = image.rgb;
    uint32_t state = 1;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            for (int32_t c = 0; c < 3; c++) {
                state = state * 1103515245u + 12345u;
                const int ramp = (x * (5 + 2 * c) + y * (6 + 2 * c) + 40 * c) & 255;
                const int noisy = ramp / 2 + (int)(state >> 16 & 63);
                const int block = (x / 5 + y / 7) % 3;
                *to++ = (uint8_t)(block == 0 ? (c == 1 ? 0 : 255) : block == 1 ? ramp : noisy);
            }
    return image;
}

att_image picture_smooth(int32_t width, int32_t height)
{
    att_image image = blank(width, height);
    uint8_t *to = image.rgb;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            *to++ = (uint8_t)(20 + 8 * x);
            *to++ = (uint8_t)(20 + 12 * y);
            *to++ = (uint8_t)(220 - 4 * x - 4 * y);
        }
    return image;
}

att_weights *pictures_golden(void)
{
    att_weights *golden;
    att_err err;
    if (att_weights_open(&golden, ATT_SOURCE_DIR "/tests/golden/images.safetensors", &err))
        fail_msg("%s", err.text);
    return golden;
}

const att_array *pictures_array(const att_weights *golden, const char *format, ...)
{
    char name[128];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const att_array *array = att_weights_find(golden, name);
    if (!array) fail_msg("no array %s in the golden file", name);
    return array;
}

void pictures_assert(const att_image *image, const att_array *want, size_t tile, int most)
{
    const int64_t *dims = want->dims + want->rank - 3;
    const size_t n = (size_t)(dims[0] * dims[1] * dims[2]);
    const uint8_t *pixels = want->data;
    if (image->height != dims[0] || image->width != dims[1] || want->bytes < (tile + 1) * n)
        fail_msg("%s: tile %zu is %d x %d pixels, expected %d x %d", want->name, tile, image->width,
                 image->height, (int)dims[1], (int)dims[0]);
    for (size_t i = 0; i < n; i++)
        if (abs(image->rgb[i] - pixels[tile * n + i]) > most)
            fail_msg("%s: tile %zu, row %zu, column %zu, colour %zu is %d, expected %d within %d",
                     want->name, tile, i / 3 / (size_t)dims[1], i / 3 % (size_t)dims[1], i % 3,
                     image->rgb[i], pixels[tile * n + i], most);
}
