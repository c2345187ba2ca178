/* image.c - which format, how large, which way up (image.h); the formats: image_jpeg.c,
 * image_png.c, image_webp.c. Tests: tests/unit/test_image.c */
#include "image.h"

#include <string.h>

#include "exif.h"
#include "filemap.h"
#include "image_decode.h"
#include "mem.h"

enum { CHANNELS = 3 };

/* What tells a format, who reads it, where its orientation is. */
typedef struct picture_format {
    size_t at, n;
    const char *magic;
    att_status (*read)(const atti_image_file *file, att_image *image, att_err *err);
    int (*orientation)(const uint8_t *bytes, size_t n_bytes);
} picture_format;

static const picture_format FORMATS[] = {
    {0, 3, "\xff\xd8\xff", atti_jpeg_read, att_exif_of_jpeg},
    {0, 8, "\x89PNG\r\n\x1a\n", atti_png_read, att_exif_of_png},
    {8, 4, "WEBP", atti_webp_read, att_exif_of_webp},
};

att_image_options att_image_defaults(void)
{
    return (att_image_options){.max_pixels = 100000000, .background = {255, 255, 255}};
}

att_status att_image_create(att_image *image, int32_t width, int32_t height, att_err *err)
{
    memset(image, 0, sizeof *image);
    if (width < 1 || height < 1 || width > ATT_IMAGE_MAX_SIDE || height > ATT_IMAGE_MAX_SIDE)
        return att_fail(err, ATT_E_ARG, "make picture: %d x %d pixels, expected sides of 1 to %d",
                        width, height, (int)ATT_IMAGE_MAX_SIDE);
    image->rgb = att_calloc((size_t)height, (size_t)width * CHANNELS);
    if (!image->rgb)
        return att_fail(err, ATT_E_MEMORY, "make picture: no memory for %d x %d pixels", width,
                        height);
    image->width = width;
    image->height = height;
    return ATT_OK;
}

void att_image_free(att_image *image)
{
    att_free(image->rgb);
    memset(image, 0, sizeof *image);
}

att_status atti_image_check_size(const atti_image_file *file, const char *format, uint64_t width,
                                 uint64_t height, att_err *err)
{
    const uint64_t limit = file->options->max_pixels < 0 ? 0 : (uint64_t)file->options->max_pixels;
    if (width >= 1 && height >= 1 && width <= ATT_IMAGE_MAX_SIDE && height <= ATT_IMAGE_MAX_SIDE &&
        width <= limit / height)
        return ATT_OK;
    return att_fail(err, ATT_E_INPUT,
                    "read picture %s: %s of %llu x %llu pixels, expected at least 1 x 1 and at "
                    "most %llu in all - make it smaller",
                    file->name, format, (unsigned long long)width, (unsigned long long)height,
                    (unsigned long long)limit);
}

void atti_image_compose(uint8_t *rgb, const uint8_t *rgba, size_t n, const uint8_t background[3])
{
    for (size_t i = 0; i < n; i++, rgb += CHANNELS, rgba += 4) {
        const uint32_t alpha = rgba[3];
        for (size_t c = 0; c < CHANNELS; c++) {
            const uint32_t sum = rgba[c] * alpha + background[c] * (255 - alpha) + 128;
            rgb[c] = (uint8_t)((sum * 128 + (sum * 128 >> 8)) >> 15);
        }
    }
}

att_image atti_image_from_rgba(uint8_t *rgba, int32_t width, int32_t height,
                               const uint8_t background[3])
{
    const size_t n = (size_t)width * (size_t)height;
    atti_image_compose(rgba, rgba, n, background);
    uint8_t *rgb = att_realloc(rgba, n, CHANNELS);
    return (att_image){width, height, rgb ? rgb : rgba};
}

/* Where pixel (0, 0) of the upright picture lies in the stored one, and how many pixels further its
 * right and its lower neighbour lie. */
typedef struct walk {
    ptrdiff_t start, right, down;
} walk;

static walk walk_of(int orientation, ptrdiff_t w, ptrdiff_t h)
{
    const ptrdiff_t last = w * h - 1, row = w;
    switch (orientation) {
    case ATT_EXIF_MIRROR:
        return (walk){w - 1, -1, row};
    case ATT_EXIF_HALF_TURN:
        return (walk){last, -1, -row};
    case ATT_EXIF_FLIP:
        return (walk){last - (w - 1), 1, -row};
    case ATT_EXIF_TRANSPOSE:
        return (walk){0, row, 1};
    case ATT_EXIF_TURN_RIGHT:
        return (walk){last - (w - 1), -row, 1};
    case ATT_EXIF_TRANSVERSE:
        return (walk){last, -row, -1};
    case ATT_EXIF_TURN_LEFT:
        return (walk){w - 1, row, -1};
    default:
        return (walk){0, 1, row};
    }
}

/* The image turned upright, in a buffer of its own. */
static att_status turn(att_image *image, int orientation, att_err *err)
{
    if (orientation == ATT_EXIF_UPRIGHT) return ATT_OK;
    const int swapped = orientation >= ATT_EXIF_TRANSPOSE;
    const walk step = walk_of(orientation, image->width, image->height);
    att_image upright;
    const att_status status = att_image_create(&upright, swapped ? image->height : image->width,
                                               swapped ? image->width : image->height, err);
    if (status) return status;
    uint8_t *to = upright.rgb;
    for (ptrdiff_t y = 0; y < upright.height; y++) {
        ptrdiff_t from = step.start + y * step.down;
        for (int32_t x = 0; x < upright.width; x++, to += CHANNELS, from += step.right)
            memcpy(to, image->rgb + from * CHANNELS, CHANNELS);
    }
    att_image_free(image);
    *image = upright;
    return ATT_OK;
}

static const picture_format *format_of(const uint8_t *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        const picture_format *f = &FORMATS[i];
        if (n_bytes >= f->at + f->n && memcmp(bytes + f->at, f->magic, f->n) == 0) return f;
    }
    return NULL;
}

att_status att_image_read_memory(att_image *image, const char *name, const void *bytes,
                                 size_t n_bytes, const att_image_options *options, att_err *err)
{
    const att_image_options defaults = att_image_defaults();
    const atti_image_file file = {name, bytes, n_bytes, options ? options : &defaults};
    memset(image, 0, sizeof *image);
    if (n_bytes == 0) return att_fail(err, ATT_E_INPUT, "read picture %s: it is empty", name);
    const picture_format *f = format_of(bytes, n_bytes);
    if (!f)
        return att_fail(err, ATT_E_INPUT,
                        "read picture %s: it does not begin as a JPEG, PNG or WebP file does",
                        name);
    att_status status = f->read(&file, image, err);
    if (!status && !file.options->as_stored)
        status = turn(image, f->orientation(bytes, n_bytes), err);
    if (status) att_image_free(image);
    return status;
}

att_status att_image_read(att_image *image, const char *path, const att_image_options *options,
                          att_err *err)
{
    att_filemap map;
    memset(image, 0, sizeof *image);
    if (att_filemap_open(&map, path, err)) return att_fail_in(err, ATT_E_INPUT, "read picture");
    const att_status status =
        att_image_read_memory(image, path, map.bytes, map.n_bytes, options, err);
    att_filemap_close(&map);
    return status;
}
