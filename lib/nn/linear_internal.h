/* linear_internal.h - what an att_linear is made of; shared by linear.c and linear_pack.c. */
#ifndef ATT_LINEAR_INTERNAL_H
#define ATT_LINEAR_INTERNAL_H

#include "linear.h"

/* Columns of one work-item of gemv_cpu: panels are padded to fill it. */
enum { ATTI_LINEAR_COLUMNS = 64, ATTI_LINEAR_NAME_BYTES = 96 };

struct att_linear {
    char name[ATTI_LINEAR_NAME_BYTES];
    int32_t rows, cols; /* N outputs, K inputs */
    int32_t panel;      /* columns of a panel: [N/panel][K][panel]; 1: row-major */
    att_view weight;    /* f32 or f16 */
    att_view bias;      /* f32[N], padded to whole panels; absent when no part has one */
};

#endif /* ATT_LINEAR_INTERNAL_H */
