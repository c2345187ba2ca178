/* lane_rig.h - a session of the Whisper network with lanes: what tests of the network begin with.
 * What fails here fails the test. */
#ifndef ATT_LANE_RIG_H
#define ATT_LANE_RIG_H

#include "whisper.h"

enum { LANE_RIG_LANES = 4 };

typedef struct lane_rig {
    att_whisper_session *session;
    att_whisper_lane *lanes[LANE_RIG_LANES]; /* as many as were asked for */
} lane_rig;

lane_rig lane_rig_open(const att_whisper *whisper, int32_t n_branches, int32_t n_lanes);
void lane_rig_close(lane_rig *rig);

/* Encodes and decodes in the first lane: tokens at the end of its trunk, or branches. */
void lane_rig_encode(const lane_rig *rig, const float *mel);
void lane_rig_decode(const lane_rig *rig, const int32_t *ids, int32_t n);
att_status lane_rig_try(const lane_rig *rig, const int32_t *ids, const int32_t *from, int32_t n,
                        att_err *err);

/* Logits of n tokens of the last call from `first` on. */
void lane_rig_logits(const lane_rig *rig, int32_t first, int32_t n, float *logits);

#endif /* ATT_LANE_RIG_H */
