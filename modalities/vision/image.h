/* image.h - pictures as rows of 8-bit RGB: from JPEG, PNG and WebP, by content, and out as PNG.
 *
 * What a reader does is what Pillow does, so that a model sees what its reference sees: 16-bit PNG
 * keeps the high byte, palettes and grey become RGB, a JPEG in four colours is taken as inverted
 * (Adobe's way, even without Adobe's marker), colour profiles and gamma are not applied. The
 * orientation that EXIF gives is applied, transparency is laid over a background. Of an animated
 * PNG the default picture is read; animated WebP is refused.
 * Tests: tests/unit/test_image.c, test_image_files.c, tests/fuzz/fuzz_image.c */
#ifndef ATT_IMAGE_H
#define ATT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ATT_IMAGE_MAX_SIDE = 1 << 24 }; /* pixels; sums of pixels, weights and offsets fit an int */

/* Filled by the calls below, which overwrite what it held; att_image_free() when done. */
typedef struct att_image {
    int32_t width, height; /* pixels, 1 to ATT_IMAGE_MAX_SIDE */
    uint8_t *rgb;          /* [height][width][3], no padding between rows; NULL: no picture */
} att_image;

typedef struct att_image_options {
    int64_t max_pixels;    /* a larger picture is refused before it is decoded */
    uint8_t background[3]; /* RGB below transparent pixels */
    int as_stored;         /* 1: the orientation that EXIF gives is not applied */
} att_image_options;

/* 100 million pixels (300 MB; while a progressive JPEG is read up to 600 MB more), white, 0. */
att_image_options att_image_defaults(void);

/* A black picture. ATT_E_ARG for a side out of range. */
att_status att_image_create(att_image *image, int32_t width, int32_t height, att_err *err);
void att_image_free(att_image *image); /* a zeroed one is fine; zeroes it */

/* options NULL: the defaults. ATT_E_INPUT, naming the file and, where a library tells, the byte,
 * when it cannot be opened, is none of the formats, too large, cut short or broken; then *image is
 * zeroed. Damage is refused that other readers paint over in grey. */
att_status att_image_read(att_image *image, const char *path, const att_image_options *options,
                          att_err *err);
/* The same for a file in memory; name is what messages call it. */
att_status att_image_read_memory(att_image *image, const char *name, const void *bytes,
                                 size_t n_bytes, const att_image_options *options, att_err *err);

/* A PNG under path, whole or not at all (outfile.h). ATT_E_IO when it cannot be written. */
att_status att_image_write(const att_image *image, const char *path, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_IMAGE_H */
