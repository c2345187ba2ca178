/* whisper_model.h - what whisper_load.c fills and whisper.c runs; private to the two. */
#ifndef ATT_WHISPER_MODEL_H
#define ATT_WHISPER_MODEL_H

#include "conv.h"
#include "whisper.h"
#include "whisper_heads.h"

struct att_whisper {
    att_precision precision;
    att_device *device;
    att_arena *arena;
    att_whisper_config config;
    att_whisper_heads heads;

    att_conv conv1, conv2;
    att_view audio_positions; /* f32[audio_ctx][C] */
    att_block *audio_blocks;  /* audio_layers */
    att_norm audio_norm;

    att_linear *tokens;      /* [V][C]: embedding and output matrix */
    att_view text_positions; /* f32[text_ctx][C] */
    att_block *text_blocks;  /* text_layers */
    att_norm text_norm;
};

/* Descriptors of the two kinds of block, from the config. */
att_block_desc atti_whisper_audio_block(const att_whisper *whisper);
att_block_desc atti_whisper_text_block(const att_whisper *whisper);

/* Reads the config from the arrays' shapes, binds every tensor, packs and uploads, and has the
 * kernels compiled or read. whisper->device, precision and arena are set; what was made so far is
 * whisper's to free, also on failure. */
att_status atti_whisper_load(att_whisper *whisper, att_weights *weights, att_err *err);

#endif /* ATT_WHISPER_MODEL_H */
