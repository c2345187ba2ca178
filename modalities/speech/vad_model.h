/* vad_model.h - what vad_load.c fills and vad.c runs; private to the two. */
#ifndef ATT_VAD_MODEL_H
#define ATT_VAD_MODEL_H

#include "attend/vad.h"
#include "conv.h"
#include "lstm.h"
#include "weights.h"

enum {
    ATTI_VAD_CONTEXT = 64, /* samples of the window before, in front of a window */
    ATTI_VAD_MIRROR = 64,  /* samples behind it, its own end mirrored */
    ATTI_VAD_SPAN = ATTI_VAD_CONTEXT + ATT_VAD_WINDOW + ATTI_VAD_MIRROR,
    ATTI_VAD_BINS = 129,
    ATTI_VAD_WIDTH = 128, /* of the memory */
    ATTI_VAD_CONVS = 4
};

struct att_vad {
    att_device *device;
    att_arena *arena;
    att_conv spectrum; /* cosines, then sines, windowed */
    att_conv convs[ATTI_VAD_CONVS];
    att_lstm memory;
    att_conv out; /* width 1 */
};

/* Binds every array, packs and uploads; what was made so far is vad's to free, also on failure. */
att_status atti_vad_load(att_vad *vad, att_queue *queue, att_weights *weights, att_err *err);

#endif /* ATT_VAD_MODEL_H */
