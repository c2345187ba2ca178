/* image_decode.h - inside the readers of pictures: what image.c asks of one file per format.
 * Tests: tests/unit/test_image.c */
#ifndef ATT_IMAGE_DECODE_H
#define ATT_IMAGE_DECODE_H

#include "image.h"

typedef struct atti_image_file {
    const char *name; /* for messages */
    const uint8_t *bytes;
    size_t n_bytes;
    const att_image_options *options;
} atti_image_file;

/* Pixels of the picture as it is stored, or a refusal; *image is zeroed before the call. */
att_status atti_jpeg_read(const atti_image_file *file, att_image *image, att_err *err);
att_status atti_png_read(const atti_image_file *file, att_image *image, att_err *err);
att_status atti_webp_read(const atti_image_file *file, att_image *image, att_err *err);

/* Whether a picture of this size may be decoded; format: "JPEG", for the message. */
att_status atti_image_check_size(const atti_image_file *file, const char *format, uint64_t width,
                                 uint64_t height, att_err *err);

/* n pixels of RGBA to RGB over the background, rounded as Pillow's alpha_composite() does. rgb may
 * be the start of rgba. */
void atti_image_compose(uint8_t *rgb, const uint8_t *rgba, size_t n, const uint8_t background[3]);

/* The buffer of width * height RGBA pixels as an image over the background: the same memory,
 * shrunk. Takes the buffer over. */
att_image atti_image_from_rgba(uint8_t *rgba, int32_t width, int32_t height,
                               const uint8_t background[3]);

#endif /* ATT_IMAGE_DECODE_H */
