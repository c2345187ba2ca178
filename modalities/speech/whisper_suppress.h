/* whisper_suppress.h - fills in the suppression lists of a vocabulary; private to the token files.
 *
 * Source: OpenAI's tokenizer.py (non_speech_tokens) and decoding.py (SuppressBlank). */
#ifndef ATT_WHISPER_SUPPRESS_H
#define ATT_WHISPER_SUPPRESS_H

#include "whisper_tokens.h"

/* Sets suppress (ascending) and suppress_first, both empty until then. */
att_status atti_whisper_suppress(att_whisper_tokens *tokens, att_err *err);

/* att_whisper_tokens_from_list() and the lists. */
att_status atti_whisper_tokens_complete(att_whisper_tokens **tokens, const char *name,
                                        const char *const *texts, int32_t n, att_err *err);

/* Appends the ids of text tokens that a pattern (PCRE2) matches as a whole to list, which has *n
 * entries and room for all of them. ATT_E_ARG says what is wrong with the pattern. */
att_status att_whisper_suppress_matching(const att_whisper_tokens *tokens, const char *pattern,
                                         int32_t *list, int32_t *n, att_err *err);

#endif /* ATT_WHISPER_SUPPRESS_H */
