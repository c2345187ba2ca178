/* whisper_heads.h - which heads of the decoder's cross-attention follow the words in time.
 *
 * Tests: tests/unit/test_whisper_heads.c, tests/fuzz/fuzz_heads.c */
#ifndef ATT_WHISPER_HEADS_H
#define ATT_WHISPER_HEADS_H

#include "whisper.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Heads in ascending order, each once; the list is the owner's to att_free(). */
typedef struct att_whisper_heads {
    att_whisper_head *list;
    int32_t n;
} att_whisper_heads;

/* By the shape: OpenAI's table where it has the shape, else all heads of the last half of the
 * layers, as OpenAI's model.py begins. */
att_status att_whisper_heads_of_shape(att_whisper_heads *heads, const att_whisper_config *config,
                                      att_err *err);

/* "alignment_heads" of a JSON object, a list of [layer, head]; name is what messages call it.
 * heads->n is 0 where there is no such list. ATT_E_MODEL when it is none, or names a layer or head
 * that the config does not have. */
att_status att_whisper_heads_parse(att_whisper_heads *heads, const char *name, const void *bytes,
                                   size_t n, const att_whisper_config *config, att_err *err);

/* The list of the folder's generation_config.json, else of its config.json; heads->n is 0 where
 * neither has one. */
att_status att_whisper_heads_read(att_whisper_heads *heads, const char *folder,
                                  const att_whisper_config *config, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_HEADS_H */
