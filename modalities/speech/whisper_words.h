/* whisper_words.h - tokens into words, and punctuation to the word that it belongs to.
 *
 * Source: OpenAI's tokenizer.py (split_to_word_tokens) and timing.py (merge_punctuations).
 * Tests: tests/real/test_whisper_words.c */
#ifndef ATT_WHISPER_WORDS_H
#define ATT_WHISPER_WORDS_H

#include "whisper_tokens.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_whisper_word {
    char *text; /* owned by the list */
    int32_t n_tokens;
    double start, end; /* seconds from the window's start */
    double probability;
} att_whisper_word;

typedef struct att_whisper_words {
    att_whisper_word *list;
    int32_t n;
} att_whisper_words;

/* The words of text tokens, in order; every token belongs to one. language: code; some write
 * without blanks, and there a word is what is whole characters. */
att_status att_whisper_words_split(att_whisper_words *words, const att_whisper_tokens *tokens,
                                   const char *language, const int32_t *ids, int32_t n,
                                   att_err *err);
void att_whisper_words_free(att_whisper_words *words); /* a zeroed list is fine */

/* A mark of `prepended` moves to the word behind it, one of `appended` to the word before it; an
 * emptied word stays, with "" and no tokens. */
att_status att_whisper_words_merge(att_whisper_words *words, const char *prepended,
                                   const char *appended, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_WORDS_H */
