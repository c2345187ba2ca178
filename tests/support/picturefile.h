/* picturefile.h - small picture files in memory, made by the libraries that read them. */
#ifndef ATT_PICTUREFILE_H
#define ATT_PICTUREFILE_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"

typedef struct picturefile {
    uint8_t *bytes; /* to be freed with picturefile_free() */
    size_t n;
} picturefile;

void picturefile_free(picturefile *f);

typedef enum picturefile_jpeg_kind {
    PICTUREFILE_BASELINE,
    PICTUREFILE_PROGRESSIVE,
    PICTUREFILE_MANY_SCANS, /* 127 */
    PICTUREFILE_GREY,       /* of red */
    PICTUREFILE_CMYK,       /* inverted, as Adobe's programs write; black is 0 */
    PICTUREFILE_YCCK
} picturefile_jpeg_kind;

picturefile picturefile_jpeg(const att_image *image, picturefile_jpeg_kind kind);

/* rows of the PNG colour type and bits, 16-bit samples big-endian; palette of 256 RGB or NULL. */
picturefile picturefile_png(const uint8_t *rows, int32_t width, int32_t height, int type, int bits,
                            int interlaced, const uint8_t *palette);

/* n_channels 3 or 4. */
picturefile picturefile_webp(const uint8_t *pixels, int32_t width, int32_t height, int n_channels,
                             int lossless);

#endif /* ATT_PICTUREFILE_H */
