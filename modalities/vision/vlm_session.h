/* vlm_session.h - what vlm_vision.c and vlm_cut.c share; private to the two. */
#ifndef ATT_VLM_SESSION_H
#define ATT_VLM_SESSION_H

#include "vlm_vision.h"

struct att_vlm_vision {
    att_vlm_config config;
    att_device *device;
    att_vit *vit;
    att_projector *projector;
    float *newline; /* [width], or NULL */
};

struct att_vlm_vision_session {
    const att_vlm_vision *vision;
    att_queue *queue;
    att_arena *arena;
    att_vit_session *encoder;
    att_projector_scratch scratch;
    att_mat features;            /* [tiles at once * P, C] */
    att_mat projected;           /* f32[max_tiles * tokens a tile + 1, W] */
    att_mat tokens;              /* f32[max_tokens, W] */
    att_view list;               /* i32[max_tokens] */
    int32_t *host_list, *origin; /* [max_tokens] */
    float *patches;              /* [tiles at once][P][K] */
    int32_t *positions;          /* [tiles at once][P], or NULL */
    att_image *tiles;            /* [max_tiles]: of the picture that was cut */
    int32_t n_tiles, max_tiles, max_tokens;
};

/* The most tiles and tokens of a picture. */
att_status atti_vlm_limits(const att_vlm_config *config, int32_t *tiles, int32_t *tokens,
                           att_err *err);

#endif /* ATT_VLM_SESSION_H */
