/* image_values.c - a table of 256 values a colour, looked up (image_values.h).
 * Tests: tests/unit/test_image_fit.c */
#include "image_values.h"

enum { CHANNELS = 3, LEVELS = 256 };

att_image_norm att_image_norm_clip(void)
{
    return (att_image_norm){{0.48145466f, 0.4578275f, 0.40821073f},
                            {0.26862954f, 0.26130258f, 0.27577711f}};
}

att_image_norm att_image_norm_half(void)
{
    return (att_image_norm){{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
}

att_image_norm att_image_norm_none(void)
{
    return (att_image_norm){{0.0f, 0.0f, 0.0f}, {1.0f, 1.0f, 1.0f}};
}

static void make_table(const att_image_norm *norm, float table[CHANNELS][LEVELS])
{
    for (int c = 0; c < CHANNELS; c++)
        for (int x = 0; x < LEVELS; x++)
            table[c][x] = (float)((x / 255.0 - (double)norm->mean[c]) / (double)norm->std[c]);
}

void att_image_planes(const att_image *image, const att_image_norm *norm, float *planes)
{
    float table[CHANNELS][LEVELS];
    const size_t n = (size_t)image->width * (size_t)image->height;
    make_table(norm, table);
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < n; i++) planes[c * n + i] = table[c][image->rgb[i * CHANNELS + c]];
}

/* One patch, whose first pixel is rgb. */
static float *put_patch(const uint8_t *rgb, size_t row_bytes, int32_t side,
                        float table[CHANNELS][LEVELS], float *to)
{
    for (size_t c = 0; c < CHANNELS; c++)
        for (int32_t y = 0; y < side; y++) {
            const uint8_t *row = rgb + (size_t)y * row_bytes + c;
            for (int32_t x = 0; x < side; x++) *to++ = table[c][row[(size_t)x * CHANNELS]];
        }
    return to;
}

att_status att_image_patches(const att_image *image, int32_t side, const att_image_norm *norm,
                             float *patches, att_err *err)
{
    float table[CHANNELS][LEVELS];
    if (side < 1 || image->width % side || image->height % side)
        return att_fail(err, ATT_E_SHAPE, "cut patches: %d x %d pixels, patches of %d do not fit",
                        image->width, image->height, side);
    const size_t row_bytes = (size_t)image->width * CHANNELS;
    make_table(norm, table);
    for (int32_t y = 0; y < image->height; y += side)
        for (int32_t x = 0; x < image->width; x += side)
            patches = put_patch(image->rgb + (size_t)y * row_bytes + (size_t)x * CHANNELS,
                                row_bytes, side, table, patches);
    return ATT_OK;
}
