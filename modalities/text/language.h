/* language.h - a language model as files bring it: weights, tokenizer and chat template together.
 *
 * Tests: tests/real/test_chat.c */
#ifndef ATT_LANGUAGE_H
#define ATT_LANGUAGE_H

#include "chat_template.h"
#include "llama.h"
#include "text_tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Read only, shared by threads. */
typedef struct att_language {
    att_llama *llama;
    att_text_tokenizer *tokenizer;
    att_chat_template *chat; /* NULL: the file has none */
} att_language;

/* path: a GGUF file, or a folder with one, or a folder of Hugging Face's (config.json,
 * model.safetensors, tokenizer.json, tokenizer_config.json). chat: a family's name in place of the
 * file's own template, or NULL. A template that is not known for sure is no error until someone
 * needs it: *why_no_chat then says why (empty otherwise); it may be NULL. */
att_status att_language_open(att_language **language, att_device *device, const char *path,
                             att_precision precision, const char *chat, att_err *why_no_chat,
                             att_err *err);
void att_language_close(att_language *language); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif /* ATT_LANGUAGE_H */
