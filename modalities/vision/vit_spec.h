/* vit_spec.h - which arrays of a file are a vision transformer; private to vit*.c. */
#ifndef ATT_VIT_SPEC_H
#define ATT_VIT_SPEC_H

#include "vision_load.h"
#include "vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_vit_block_arrays {
    att_vision_norm self_norm, ffn_norm;
    att_vision_linear self_qkv[3]; /* one, or q, k and v */
    att_vision_linear self_out, ffn_in, ffn_out;
} att_vit_block_arrays;

typedef struct att_vit_arrays {
    att_vision_linear patch;
    const att_array *positions, *class_token; /* class_token NULL: there is none */
    att_vision_norm first_norm, last_norm;    /* of NULLs where they are missing */
    att_vit_block_arrays *blocks;             /* config's layers; the caller's to free */
} att_vit_arrays;

/* Finds and checks all arrays; config: as att_vit_read_config() has it. arrays->blocks may be set
 * on failure too. */
att_status atti_vit_bind(att_weights *weights, att_vit_config *config, att_vit_arrays *arrays,
                         att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_VIT_SPEC_H */
