/* whisper_spec.h - Whisper's tensors by name, shape and dtype, for each layout that files come in.
 *
 * Tests: tests/models/test_whisper_tiny.c */
#ifndef ATT_WHISPER_SPEC_H
#define ATT_WHISPER_SPEC_H

#include "spec.h"
#include "whisper.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One linear as stored: weight, per-row scale of an int8 weight, bias. Members may be NULL. */
typedef struct att_whisper_linear {
    const att_array *weight, *scale, *bias;
} att_whisper_linear;

typedef struct att_whisper_norm {
    const att_array *gamma, *beta;
} att_whisper_norm;

/* Stacked matrices are one entry, separate ones follow each other; unused entries stay NULL. */
typedef struct att_whisper_block_arrays {
    att_whisper_norm self_norm, cross_norm, ffn_norm;
    att_whisper_linear self_qkv[3], self_out;
    att_whisper_linear cross_q, cross_kv[2], cross_out;
    att_whisper_linear ffn_in, ffn_out;
} att_whisper_block_arrays;

typedef struct att_whisper_arrays {
    att_whisper_linear conv1, conv2;
    const att_array *audio_positions, *text_positions;
    att_whisper_norm audio_norm, text_norm;
    att_whisper_linear tokens;
    att_whisper_block_arrays *audio_blocks, *text_blocks;
    int32_t inverse_scale; /* 1: an int8 weight is q / scale, as CTranslate2 stores it */
} att_whisper_arrays;

/* Reads the config from shapes and fields and binds every tensor; all complaints in one message.
 * Fails before anything is uploaded. arrays->*_blocks are the caller's to att_free(). */
att_status att_whisper_bind(att_weights *weights, att_whisper_config *config,
                            att_whisper_arrays *arrays, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_SPEC_H */
