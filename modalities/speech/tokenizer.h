/* tokenizer.h - text to token ids: byte-level BPE over a vocabulary whose ids are merge ranks.
 *
 * The text is split into words by GPT-2's pattern; in each word the adjacent pair that makes the
 * token with the lowest id is merged until none is left. So the vocabulary alone is enough, without
 * a list of merges. Source: OpenAI's tiktoken. Tests: tests/unit/test_tokens.c */
#ifndef ATT_TOKENIZER_H
#define ATT_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Read only once made; shared by threads. */
typedef struct att_tokenizer att_tokenizer;

enum { ATT_TOKENIZER_MAX_BYTES = 1 << 16 }; /* of one text: time grows with a word's square */

/* Token i of n is bytes[starts[i]] .. bytes[starts[i + 1]], borrowed. */
att_status att_tokenizer_create(att_tokenizer **tokenizer, const char *bytes,
                                const uint32_t *starts, int32_t n, att_err *err);
void att_tokenizer_destroy(att_tokenizer *tokenizer); /* NULL is fine */

/* The ids of the text, which the caller att_free()s. What is no UTF-8 counts as U+FFFD. Nothing in
 * the text is special: "<|endoftext|>" is 13 characters. ATT_E_MODEL when the vocabulary lacks a
 * byte, ATT_E_ARG when the text is too long. */
att_status att_tokenizer_encode(const att_tokenizer *tokenizer, const char *text, int32_t **ids,
                                int32_t *n, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_TOKENIZER_H */
