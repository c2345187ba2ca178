/* image_fit.c - crops and borders (image_fit.h). Tests: tests/unit/test_image_fit.c */
#include "image_fit.h"

#include <string.h>

enum { CHANNELS = 3 };

static int32_t min32(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

static int32_t max32(int64_t a, int64_t b)
{
    return (int32_t)(a > b ? a : b);
}

att_size att_size_by_short_edge(att_size size, int32_t edge)
{
    const int wide = size.width > size.height;
    const int64_t shorter = wide ? size.height : size.width;
    const int64_t longer = wide ? size.width : size.height;
    const int32_t other = (int32_t)((double)(edge * longer) / (double)shorter);
    return wide ? (att_size){other, edge} : (att_size){edge, other};
}

static void fill(att_image *image, const uint8_t colour[3])
{
    const size_t n = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < n; i++) memcpy(image->rgb + i * CHANNELS, colour, CHANNELS);
}

att_status att_image_crop(const att_image *in, int32_t left, int32_t top, att_size size,
                          const uint8_t colour[3], att_image *out, att_err *err)
{
    const att_status status = att_image_create(out, size.width, size.height, err);
    if (status) return status;
    const int32_t x0 = max32(left, 0), x1 = min32((int64_t)left + size.width, in->width);
    const int32_t y0 = max32(top, 0), y1 = min32((int64_t)top + size.height, in->height);
    if (x1 - x0 < size.width || y1 - y0 < size.height) fill(out, colour);
    for (int32_t y = y0; x0 < x1 && y < y1; y++) {
        const size_t to = (size_t)(y - top) * (size_t)size.width + (size_t)(x0 - left);
        const size_t from = (size_t)y * (size_t)in->width + (size_t)x0;
        memcpy(out->rgb + to * CHANNELS, in->rgb + from * CHANNELS, (size_t)(x1 - x0) * CHANNELS);
    }
    return ATT_OK;
}

/* Towards minus infinity, where a picture is smaller than its crop. */
static int32_t half(int32_t n)
{
    return n >= 0 ? n / 2 : -(-n / 2);
}

att_status att_image_crop_centre(const att_image *in, att_size size, att_image *out, att_err *err)
{
    static const uint8_t BLACK[3] = {0, 0, 0};
    return att_image_crop(in, half(in->width - size.width), half(in->height - size.height), size,
                          BLACK, out, err);
}

att_status att_image_pad_square(const att_image *in, const uint8_t colour[3], att_image *out,
                                att_err *err)
{
    const int32_t edge = max32(in->width, in->height);
    return att_image_crop(in, -((edge - in->width) / 2), -((edge - in->height) / 2),
                          (att_size){edge, edge}, colour, out, err);
}

att_status att_image_fit_crop(const att_image *in, int32_t edge, att_filter filter,
                              att_resize_rule rule, att_image *out, att_err *err)
{
    att_image near;
    memset(out, 0, sizeof *out);
    const att_size size = att_size_by_short_edge((att_size){in->width, in->height}, edge);
    att_status status = att_image_resize(in, size.width, size.height, filter, rule, &near, err);
    if (!status) status = att_image_crop_centre(&near, (att_size){edge, edge}, out, err);
    att_image_free(&near);
    return status;
}

att_status att_image_fit_pad(const att_image *in, int32_t edge, const uint8_t colour[3],
                             att_filter filter, att_resize_rule rule, att_image *out, att_err *err)
{
    att_image square;
    memset(out, 0, sizeof *out);
    att_status status = att_image_pad_square(in, colour, &square, err);
    if (!status) status = att_image_resize(&square, edge, edge, filter, rule, out, err);
    att_image_free(&square);
    return status;
}
