/* overlay.h - what was kept, and where attention lies, drawn over the picture.
 *
 * Left: kept patches as they are, dropped ones dimmed and grey, a line between them. Right, where
 * there is a map: the picture in grey, coloured from black over red and yellow to white by the map.
 * Small pictures are enlarged (so that patches can be seen), large ones reduced: each panel's
 * longest edge is ATT_OVERLAY_MIN_EDGE to ATT_OVERLAY_MAX_EDGE pixels. Tests:
 * tests/unit/test_overlay.c */
#ifndef ATT_OVERLAY_H
#define ATT_OVERLAY_H

#include <stdint.h>

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ATT_OVERLAY_MIN_EDGE = 512, ATT_OVERLAY_MAX_EDGE = 2048, ATT_OVERLAY_GAP = 8 };

typedef struct att_overlay_args {
    int32_t rows, cols;  /* tokens */
    const int32_t *kept; /* [n_kept], ascending, of att_prune_ids() */
    int32_t n_kept;
    const float *heat; /* [rows * cols]: attention; of dropped tokens 0. NULL: no second panel */
    /* What the tokens cover, in pixels of the picture; beyond it where it was padded. Both sizes 0:
     * all of it. */
    double left, top, width, height;
} att_overlay_args;

/* *out is a new picture: one panel, or two side by side. ATT_E_ARG for a grid or list that cannot
 * be, ATT_E_MODEL for heat that is not a number; then *out is zeroed. */
att_status att_overlay_draw(const att_image *image, const att_overlay_args *args, att_image *out,
                            att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_OVERLAY_H */
