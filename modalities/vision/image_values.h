/* image_values.h - 8-bit pixels to the f32 numbers that an encoder takes: (x / 255 - mean) / std.
 * Tests: tests/unit/test_image_fit.c, against tools/reference/dump_images.py */
#ifndef ATT_IMAGE_VALUES_H
#define ATT_IMAGE_VALUES_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of red, green, blue. */
typedef struct att_image_norm {
    float mean[3], std[3];
} att_image_norm;

/* CLIP, LLaVA: the means of CLIP's own pictures. */
att_image_norm att_image_norm_clip(void);
/* SigLIP, Idefics3, SmolVLM: 0.5 and 0.5, so that values are -1 to 1. */
att_image_norm att_image_norm_half(void);
/* nanoVLM 0.1: 0 and 1, so that values are 0 to 1. */
att_image_norm att_image_norm_none(void);

/* planes[3][H][W]; each value is rounded once, from a double. */
void att_image_planes(const att_image *image, const att_image_norm *norm, float *planes);

/* patches[(H/side)*(W/side)][3*side*side]: patches row by row, in each the planes of side x side,
 * as the columns of a convolution's weight [N][3][side][side] lie. ATT_E_SHAPE when side does not
 * divide both edges. */
att_status att_image_patches(const att_image *image, int32_t side, const att_image_norm *norm,
                             float *patches, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_IMAGE_VALUES_H */
