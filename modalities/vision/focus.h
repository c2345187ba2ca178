/* focus.h - where a question looks: the contrast of two probes' attention, and the part of the
 * picture to look at again. Written from the formulas of CARVE (Ge et al., "Focusing by Contrastive
 * Attention", arXiv 2509.06461, section 4); no file of its code is used.
 *
 * Two probes are generated from one picture: the question, and "Write a general description of the
 * image." At each step t and in each listed layer the last row's head-mean attention over the
 * visual tokens is told. map = sum over steps and layers of (t + 1) * A_question / (A_general +
 * lambda), over the steps that both have; its highest pixels form regions, the best of which are
 * kept. Tests: tests/unit/test_focus.c */
#ifndef ATT_FOCUS_H
#define ATT_FOCUS_H

#include <stdint.h>

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ATT_FOCUS_MAX_STEPS = 32, ATT_FOCUS_MAX_EDGE = 512 };

typedef struct att_focus_options {
    /* Added to A_general: this part of its mean over the tokens, so that a token that it never sees
     * does not outweigh all others; the code's absolute 1e-8 with as_code. */
    double lambda;
    int as_code;
    int first_step_only;
    double keep_part; /* of the pixels, the highest; the paper uses 0.2 to 0.6 */
    int32_t regions;  /* kept at most; 0: the code's max(3, a fifth of all) */
} att_focus_options;

/* 0.01, 0, 0, 0.2, 0. */
att_focus_options att_focus_defaults(void);

typedef enum att_focus_probe { ATT_FOCUS_QUESTION, ATT_FOCUS_GENERAL } att_focus_probe;

typedef struct att_focus att_focus;

/* Reserves rows * cols * n_layers * steps numbers twice. ATT_E_ARG for options or sizes that cannot
 * be, ATT_E_MEMORY. */
att_status att_focus_create(att_focus **focus, const att_focus_options *options, int32_t rows,
                            int32_t cols, int32_t n_layers, int32_t steps, att_err *err);
void att_focus_destroy(att_focus *focus); /* NULL is fine */

/* row[rows * cols] of one step and layer (0 to n_layers - 1 of those listed; LLaVA-1.5-7B: layers
 * 20 to 25). Steps beyond those reserved are ignored. ATT_E_MODEL for what is not a number. */
att_status att_focus_tell(att_focus *focus, att_focus_probe probe, int32_t step, int32_t layer,
                          const float *row, att_err *err);

/* map[rows * cols]; ATT_E_ARG before both probes have a whole step. */
att_status att_focus_map(const att_focus *focus, double *map, att_err *err);

/* The picture's part to look at, in pixels, and what is seen in it. */
typedef struct att_focus_area {
    int32_t left, top, width, height;
    int32_t n_regions, n_kept;
    int32_t mask_width, mask_height; /* of the whole picture, at most ATT_FOCUS_MAX_EDGE */
    uint8_t *mask;                   /* 1: in a kept region; att_focus_area_free() */
} att_focus_area;

/* map[rows * cols] over a picture of width x height: up-sampled (bilinear, pixel centres), the
 * highest keep_part of it (and what equals the lowest of that), regions of eight neighbours, ranked
 * by their sum. */
att_status att_focus_choose(const att_focus_options *options, const double *map, int32_t rows,
                            int32_t cols, int32_t width, int32_t height, att_focus_area *area,
                            att_err *err);
void att_focus_area_free(att_focus_area *area);

/* The area, black outside of kept regions where `masked`, enlarged by Lanczos in its own shape
 * until it covers the picture's size (but no edge beyond twice the picture's longest). The paper
 * asks again with it alone, its code with both pictures. */
att_status att_focus_crop(const att_image *image, const att_focus_area *area, int masked,
                          att_image *out, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_FOCUS_H */
