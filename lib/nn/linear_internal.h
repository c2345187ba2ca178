/* linear_internal.h - what an att_linear is made of; shared by linear.c, linear_blocks.c,
 * linear_nv.c and linear_pack.c. */
#ifndef ATT_LINEAR_INTERNAL_H
#define ATT_LINEAR_INTERNAL_H

#include "linear.h"

enum {
    ATTI_LINEAR_COLUMNS = 64,   /* of one work-item of gemv_cpu: panels are padded to fill it */
    ATTI_LINEAR_DOT_ROWS = 24,  /* of one work-item of gemm_dot_cpu */
    ATTI_LINEAR_DOT_MAX = 8192, /* inputs that gemm_dot_cpu has room for */
    ATTI_LINEAR_NAME_BYTES = 96
};

/* The bodies for weights in blocks. */
typedef enum atti_blocks_body {
    ATTI_BLOCKS_GEMM_ANY,
    ATTI_BLOCKS_GEMV_ANY,
    ATTI_BLOCKS_ROWS_ANY,
    ATTI_BLOCKS_GEMM_CPU,
    ATTI_BLOCKS_GEMV_CPU,
    ATTI_BLOCKS_GEMM_DOT,
    ATTI_BLOCKS_GEMM_PAIRS,
    ATTI_N_BLOCKS_BODIES
} atti_blocks_body;

struct att_linear {
    char name[ATTI_LINEAR_NAME_BYTES];
    int32_t rows, cols; /* N outputs, K inputs */
    /* [N/panel][words][panel][per]: columns of a panel, inputs of a word (cl/dots.clh). A panel of
     * 1: row-major. */
    int32_t panel, per, words;
    att_blocks blocks;     /* kept: cl/blocks.clh; `words` a row are blocks, of `per` bytes */
    atti_blocks_body dots; /* of blocks: GEMM_DOT or GEMM_PAIRS for int8, else GEMM_CPU */
    att_view weight;       /* f32 or f16 one a word; bf16 two; u8, 128 + a whole number, four */
    att_view scale;        /* u8: what a whole number of row n is worth, f32[N], padded */
    att_view bias;         /* f32[N], padded to whole panels; absent when no part has one */
};

/* Whether cl/gemm_nv.cl can multiply x, and in which tiles: fills in kernel and groups. */
int atti_linear_nv_takes(att_device *device, const att_linear *linear, const att_mat *x);
void atti_linear_nv_choose(att_device *device, const att_linear *linear, int32_t rows,
                           att_launch *launch);

/* The kind in which all parts are kept, or ATT_BLOCKS_NONE. */
att_blocks atti_linear_blocks_kept(const att_weight_part *parts, size_t n_parts);
/* The body for several rows at that precision on a device with `cpu` bodies. */
atti_blocks_body atti_linear_blocks_dots(att_device *device, att_precision precision, int32_t cols);
att_kernel_id atti_linear_blocks_kernel(att_blocks blocks, atti_blocks_body body);
/* One row of a part into column i of a panel. */
void atti_linear_blocks_pack(const att_linear *linear, const att_weight_part *part, int32_t row,
                             int32_t i, unsigned char *panel);

#endif /* ATT_LINEAR_INTERNAL_H */
