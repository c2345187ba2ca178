/* whisper_config.h - Hugging Face's config.json held against the weights beside it.
 *
 * The weights' shapes say nearly all; what they cannot say (heads, activation) and what betrays
 * files of different models is checked here. Tests: tests/unit/test_whisper_config.c,
 * tests/fuzz/fuzz_heads.c */
#ifndef ATT_WHISPER_CONFIG_H
#define ATT_WHISPER_CONFIG_H

#include "whisper.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each key that the JSON object has must be as the weights make it; absent ones, as all are in
 * CTranslate2's config.json, are not asked for. ATT_E_MODEL with all that differs. */
att_status att_whisper_config_check(const att_whisper_config *config, const char *name,
                                    const void *bytes, size_t n, att_err *err);

/* The same for the folder's config.json; ATT_OK where there is none. */
att_status att_whisper_config_check_folder(const att_whisper_config *config, const char *folder,
                                           att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_CONFIG_H */
