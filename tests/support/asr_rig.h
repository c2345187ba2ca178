/* asr_rig.h - an opened speech model with a session, and goldens as JSON: what tests of
 * transcribing begin with. Failing to open fails the test. */
#ifndef ATT_ASR_RIG_H
#define ATT_ASR_RIG_H

#include <cjson/cJSON.h>

#include "attend/asr.h"
#include "rig.h"

typedef struct asr_rig {
    rig r;
    att_asr_model *model;
    att_asr_session *session;
} asr_rig;

/* name: a model as realdata_model() finds it, which skips the test when there is none. */
asr_rig asr_rig_open(const char *name);
void asr_rig_close(asr_rig *rig);

/* tests/golden/NAME; cJSON_Delete() it. */
cJSON *golden_json(const char *name);

#endif /* ATT_ASR_RIG_H */
