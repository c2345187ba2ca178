/* text_split.h - pre-tokenizers: patterns that cut a text into the words that are merged alone.
 *
 * Patterns are written as in tokenizer.json, for the library Oniguruma; what means the same to
 * PCRE2, or can be said to it, is taken, all else is refused. Tests: test_text_tokenizer.c */
#ifndef ATTI_TEXT_SPLIT_H
#define ATTI_TEXT_SPLIT_H

#include "text_tokenizer.h"

typedef struct atti_text_splitter {
    void *codes[ATT_TEXT_MAX_SPLITS]; /* compiled patterns */
    int32_t n;                        /* 0: the text is one word */
} atti_text_splitter;

/* What is known of a pre-tokenizer by its name in GGUF files. */
typedef struct atti_text_pre {
    const char *name;
    const char *splits[4];
    int ignore_merges, add_bos;
    att_text_normal normal;
} atti_text_pre;

const atti_text_pre *atti_text_pre_find(const char *name); /* or NULL */
/* GPT-2's pattern, which ByteLevel with use_regex means. */
const char *atti_text_gpt2_split(void);

/* ATT_E_MODEL: the pattern is not known, its byte, and why. */
att_status atti_text_splitter_add(atti_text_splitter *s, const char *pattern, att_err *err);
void atti_text_splitter_finish(atti_text_splitter *s);

/* A thread's room for matching. */
typedef struct atti_text_match {
    void *data[ATT_TEXT_MAX_SPLITS], *context;
} atti_text_match;

int atti_text_match_init(atti_text_match *m, const atti_text_splitter *s); /* 0: memory is out */
void atti_text_match_finish(atti_text_match *m);

/* The next piece of the n bytes from `at` on, n > at, for pattern k: up to *end, which is what it
 * matches or what lies before that. Valid UTF-8. */
att_status atti_text_split_next(const atti_text_splitter *s, int32_t k, atti_text_match *m,
                                const char *text, size_t n, size_t at, size_t *matched, size_t *end,
                                att_err *err);

#endif /* ATTI_TEXT_SPLIT_H */
