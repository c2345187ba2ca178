/* image_fit.h - a picture to the square that an encoder takes: by its short edge and a crop from
 * the middle (CLIP, transformers' LLaVA-1.5), or by a border (LLaVA-1.5's own code, which is what
 * it was trained with). Tests: tests/unit/test_image_fit.c, against tools/reference/dump_images.py
 */
#ifndef ATT_IMAGE_FIT_H
#define ATT_IMAGE_FIT_H

#include "image.h"
#include "resize.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_size {
    int32_t width, height; /* pixels */
} att_size;

/* The size with the shorter edge at `edge` and the longer in proportion, rounded down. */
att_size att_size_by_short_edge(att_size size, int32_t edge);

/* In all of these *out is a new picture, not `in`, and zeroed on failure (ATT_E_MEMORY, ATT_E_ARG).
 */

/* The rectangle from (left, top), which may begin before and end behind the picture: what lies
 * outside is of the colour. */
att_status att_image_crop(const att_image *in, int32_t left, int32_t top, att_size size,
                          const uint8_t colour[3], att_image *out, att_err *err);

/* The middle, half a pixel more being left off at the right and the bottom; black where the picture
 * is smaller, the odd pixel of such a border being at the right and the bottom (as torchvision's
 * classes have it; the Pillow ones have it at the left and the top). */
att_status att_image_crop_centre(const att_image *in, att_size size, att_image *out, att_err *err);

/* In the middle of a square as large as the longer edge, the odd pixel being at the right or the
 * bottom. LLaVA's colour is 255 times the mean, rounded down: 122, 116, 104. */
att_status att_image_pad_square(const att_image *in, const uint8_t colour[3], att_image *out,
                                att_err *err);

/* The short edge to `edge` by the filter, and the square of that edge from the middle. */
att_status att_image_fit_crop(const att_image *in, int32_t edge, att_filter filter,
                              att_resize_rule rule, att_image *out, att_err *err);
/* The padded square, to `edge` by the filter. */
att_status att_image_fit_pad(const att_image *in, int32_t edge, const uint8_t colour[3],
                             att_filter filter, att_resize_rule rule, att_image *out, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_IMAGE_FIT_H */
