/* whisper_tokens.h - Whisper's vocabulary: special tokens by what they are, others as bytes.
 *
 * Read from a model folder: vocabulary.json (a list), vocabulary.txt (one a line), tokenizer.json,
 * or vocab.json and added_tokens.json beside it (text to id); merges.txt is not needed
 * (tokenizer.h). Or from a ggml file. What is suppressed follows from the vocabulary, as in
 * OpenAI's tokenizer.py. Tests: tests/unit/test_tokens.c, tests/fuzz/fuzz_tokens.c */
#ifndef ATT_WHISPER_TOKENS_H
#define ATT_WHISPER_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"
#include "weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Read only once open. Ids of specials that a vocabulary lacks are -1. */
typedef struct att_whisper_tokens {
    int32_t n_vocab, multilingual;
    int32_t eot, sot, translate, transcribe, startoflm, startofprev, nospeech, notimestamps;
    int32_t timestamp_begin;                   /* 0.00 s; steps of 0.02 s up to the last id */
    int32_t language_begin, n_languages;       /* ids of "<|en|>" and those after it */
    int32_t *suppress, n_suppress;             /* never sampled; ascending */
    int32_t *suppress_first, n_suppress_first; /* not as the first token: blank, end of text */
    char *bytes;                               /* all tokens' bytes behind each other */
    uint32_t *starts; /* token i is bytes[starts[i]] .. bytes[starts[i + 1]] */
} att_whisper_tokens;

/* ATT_E_MODEL names the file and the entry or byte that is wrong. */
att_status att_whisper_tokens_open(att_whisper_tokens **tokens, const char *folder, att_err *err);
/* From a ggml file, which carries its own: array "vocabulary", see weights.h. */
att_status att_whisper_tokens_from_weights(att_whisper_tokens **tokens, const att_weights *weights,
                                           att_err *err);
/* From the bytes of one of these files; name is what messages call it. */
att_status att_whisper_tokens_parse(att_whisper_tokens **tokens, const char *name,
                                    const void *bytes, size_t n, att_err *err);
void att_whisper_tokens_close(att_whisper_tokens *tokens); /* NULL is fine */

/* From the texts themselves: entry i is token i, in GPT-2's byte-to-unicode form. Suppression lists
 * are empty. For att_whisper_tokens_parse() and tests. */
att_status att_whisper_tokens_from_list(att_whisper_tokens **tokens, const char *name,
                                        const char *const *texts, int32_t n, att_err *err);

/* The text of ids, as UTF-8: specials and timestamps are left out, what is no UTF-8 becomes U+FFFD.
 * The caller frees it; NULL (and err) when memory is out. */
char *att_whisper_tokens_text(const att_whisper_tokens *tokens, const int32_t *ids, int32_t n,
                              att_err *err);

/* Token id of a language by code or name in any case; -1 when this vocabulary has none. */
int32_t att_whisper_tokens_language_id(const att_whisper_tokens *tokens, const char *code_or_name);
/* "en" for a language's token id; NULL for other ids. Lives as long as the program. */
const char *att_whisper_tokens_language_code(const att_whisper_tokens *tokens, int32_t id);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_TOKENS_H */
