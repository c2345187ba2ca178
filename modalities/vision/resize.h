/* resize.h - resampling as the reference processors do it, to the bit.
 *
 * Two programs make the pixels that vision models were trained and are tested on. Both stretch the
 * filter when they shrink (antialiasing), resample in one direction, round to 8 bits, and resample
 * in the other. They differ in how they round weights and in which direction comes first:
 *
 * rule                  weights                    first    made by
 * ATT_RESIZE_PILLOW     22 bits behind the point   rows     Image.resize() of Pillow up to 12
 * ATT_RESIZE_PILLOW_13  the same                   columns where the height shrinks by more than
 *                                                  twice what the width does, as from Pillow 13 on
 * ATT_RESIZE_TORCH      16 bits in all             rows     torchvision's resize() of 8-bit tensors
 *                                                           on a CPU
 *
 * processor (transformers 5)  filter    rule: its Pillow class, its torchvision class (the default)
 * CLIP, LLaVA-1.5, -NeXT      bicubic   Pillow (...ImageProcessorPil), torch
 * SigLIP                      bicubic   Pillow, torch
 * Idefics3, SmolVLM           lanczos   Pillow, torch (from torchvision 0.27; bicubic before it)
 * nanoVLM 0.1 (torchvision)   bilinear  Pillow, since it resizes before it makes a tensor
 *
 * transformers 4 had Pillow in its "slow" classes, which nearly all released models were trained
 * with: ATT_RESIZE_PILLOW is the rule to choose. Torch's differs from it by 1 of 255 in a few
 * pixels; the order of Pillow 13 by more beside hard edges, a portrait made square being enough.
 * Tests: tests/unit/test_resize.c, against tools/reference/dump_images.py */
#ifndef ATT_RESIZE_H
#define ATT_RESIZE_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_filter {
    ATT_FILTER_NEAREST,
    ATT_FILTER_BOX,
    ATT_FILTER_BILINEAR,
    ATT_FILTER_BICUBIC, /* a = -0.5 */
    ATT_FILTER_LANCZOS, /* 3 lobes */
    ATT_N_FILTERS
} att_filter;

typedef enum att_resize_rule {
    ATT_RESIZE_PILLOW,
    ATT_RESIZE_PILLOW_13,
    ATT_RESIZE_TORCH,
    ATT_N_RESIZE_RULES
} att_resize_rule;

const char *att_filter_name(att_filter filter); /* "nearest", ..., "lanczos" */

/* *out becomes `in` at width x height; the same size is a copy. out may not be in. ATT_E_ARG for
 * sides below 1, ATT_E_UNSUPPORTED for the torch rule with nearest or box. On failure *out is
 * zeroed. */
att_status att_image_resize(const att_image *in, int32_t width, int32_t height, att_filter filter,
                            att_resize_rule rule, att_image *out, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_RESIZE_H */
