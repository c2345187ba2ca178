/* asr_prompt.h - the tokens that stand before a window's text.
 *
 * Source: OpenAI's decoding.py (_get_initial_tokens) and transcribe.py.
 * Tests: tests/unit/test_asr_prompt.c */
#ifndef ATT_ASR_PROMPT_H
#define ATT_ASR_PROMPT_H

#include "whisper_tokens.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a prompt is made of; all borrowed. Token ids below 0 are left out. */
typedef struct att_asr_prompt_parts {
    const int32_t *carried, *previous, *prefix;
    int32_t n_carried; /* stays in front of the previous text, however long that is */
    int32_t n_previous, n_prefix;
    int32_t language, task;
    int32_t without_timestamps;
} att_asr_prompt_parts;

/* [start of previous, carried, newest of previous,] start of transcript [, language] [, task]
 * [, no timestamps] [, prefix] into ids (text_ctx numbers). Text before the start of transcript is
 * cut to text_ctx/2 - 1 tokens, of the prefix as many are kept as leave text_ctx/2 to be sampled.
 * Returns the number of tokens; *sot: where the start of transcript stands. */
int32_t att_asr_prompt_make(const att_whisper_tokens *tokens, const att_asr_prompt_parts *parts,
                            int32_t text_ctx, int32_t *ids, int32_t *sot);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_PROMPT_H */
