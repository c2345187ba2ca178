/* exif.h - the orientation in the EXIF data of a picture file, and nothing else of it.
 *
 * Any bytes may be given: what is missing, cut or senseless is orientation 1.
 * Tests: tests/unit/test_exif.c, tests/fuzz/fuzz_image.c */
#ifndef ATT_EXIF_H
#define ATT_EXIF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What to do with the stored rows to see the picture upright. TIFF 6.0, tag 274. */
enum {
    ATT_EXIF_UPRIGHT = 1,
    ATT_EXIF_MIRROR = 2,     /* left to right */
    ATT_EXIF_HALF_TURN = 3,  /* 180 degrees */
    ATT_EXIF_FLIP = 4,       /* top to bottom */
    ATT_EXIF_TRANSPOSE = 5,  /* over the diagonal from top left */
    ATT_EXIF_TURN_RIGHT = 6, /* 90 degrees clockwise */
    ATT_EXIF_TRANSVERSE = 7, /* over the diagonal from top right */
    ATT_EXIF_TURN_LEFT = 8   /* 90 degrees counterclockwise */
};

/* Of a TIFF header and its first directory, as EXIF data begins; "Exif\0\0" before it is passed
 * over. */
int att_exif_orientation(const uint8_t *bytes, size_t n_bytes);

/* Of whole files: the first APP1 segment with EXIF, chunk eXIf, chunk EXIF. */
int att_exif_of_jpeg(const uint8_t *bytes, size_t n_bytes);
int att_exif_of_png(const uint8_t *bytes, size_t n_bytes);
int att_exif_of_webp(const uint8_t *bytes, size_t n_bytes);

#ifdef __cplusplus
}
#endif
#endif /* ATT_EXIF_H */
