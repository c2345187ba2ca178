/* asr_model.h - what an att_asr_model holds; shared by asr.c and asr_model.c. */
#ifndef ATT_ASR_MODEL_H
#define ATT_ASR_MODEL_H

#include "attend/asr.h"
#include "whisper.h"
#include "whisper_tokens.h"

struct att_asr_model {
    att_whisper *whisper;
    att_whisper_tokens *tokens;
    const att_log *log; /* the device's */
};

/* ATT_E_MODEL for a window or a text context that transcribing does not know. */
att_status atti_asr_check_config(const att_whisper_config *config, const char *path, att_err *err);

#endif /* ATT_ASR_MODEL_H */
