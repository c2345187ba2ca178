/* textgolden.h - tests/golden/text_tokens.json: texts and what reference tokenizers make of them.
 */
#ifndef ATT_TEXTGOLDEN_H
#define ATT_TEXTGOLDEN_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "text_tokenizer.h"

int textgolden_open(void **state); /* for a group of tests: *state is the cJSON */
int textgolden_close(void **state);

/* Text i: *n bytes, which the caller free()s. NULL behind the last. */
char *textgolden_text(const cJSON *golden, int i, size_t *n);

/* The ids of all texts are those of golden[name][kind]; how many texts that were. */
int textgolden_check(const cJSON *golden, const char *name, const char *kind,
                     const att_text_tokenizer *t, int flags);

#endif /* ATT_TEXTGOLDEN_H */
