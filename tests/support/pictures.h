/* pictures.h - the made-up pictures of tools/reference/dump_images.py, and what it says of them. */
#ifndef ATT_PICTURES_H
#define ATT_PICTURES_H

#include "image.h"
#include "weights.h"

/* picture() and smooth() of the script; to be freed. */
att_image picture_hard(int32_t width, int32_t height);
att_image picture_smooth(int32_t width, int32_t height);

/* tests/golden/images.safetensors; ends the test when it cannot be read. */
att_weights *pictures_golden(void);

/* An array by printf's name; ends the test when there is none. */
const att_array *pictures_array(const att_weights *golden, const char *format, ...)
    ATT_PRINTF(2, 3);

/* Fails, naming the array and the first pixel, unless the image is tile `tile` of u8 [...][H][W][3]
 * with no value more than `most` away. */
void pictures_assert(const att_image *image, const att_array *want, size_t tile, int most);

#endif /* ATT_PICTURES_H */
