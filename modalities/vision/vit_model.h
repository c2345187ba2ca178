/* vit_model.h - what vit_load.c fills and vit.c runs; private to the two. */
#ifndef ATT_VIT_MODEL_H
#define ATT_VIT_MODEL_H

#include "vit.h"

struct att_vit {
    att_vit_config config;
    att_precision precision;
    att_device *device;
    att_arena *arena;
    att_linear *patch; /* [C, K] */
    att_view table;    /* f32[T][C]: positions; row 0 has the class token in it */
    att_norm first_norm, last_norm;
    att_block *blocks; /* config.layers */
};

att_block_desc atti_vit_block(const att_vit *vit);

#endif /* ATT_VIT_MODEL_H */
