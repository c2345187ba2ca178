/* whisper_suppress.c - which tokens are never sampled, found in the vocabulary itself
 * (whisper_suppress.h). Tests: tests/unit/test_tokens.c */
#include "whisper_suppress.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "tokenizer.h"

/* Marks of speakers, noises and music. Suppressed where one alone, or with a blank before it, is
 * one token. */
static const char *const SYMBOLS[] = {
    "\"",  "#",  "(",  ")",   "*",   "+",   "/",   ":",  ";",   "<",  "=",   ">",
    "@",   "[",  "\\", "]",   "^",   "_",   "`",   "{",  "|",   "}",  "~",   "「",
    "」",  "『", "』", "<<",  ">>",  "<<<", ">>>", "--", "---", "-(", "-[",  "('",
    "(\"", "((", "))", "(((", ")))", "[[",  "]]",  "{{", "}}",  "♪♪", "♪♪♪",
};
/* Of these the first token in any case: they share it with nothing that is spoken. */
static const char *const NOTES[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

enum {
    N_SYMBOLS = sizeof SYMBOLS / sizeof *SYMBOLS,
    N_NOTES = sizeof NOTES / sizeof *NOTES,
    N_SPECIALS = 6,
    MAX_SUPPRESSED = 2 * (N_SYMBOLS + N_NOTES) + 2 + N_SPECIALS
};

typedef struct list {
    int32_t ids[MAX_SUPPRESSED];
    int32_t n;
} list;

/* The text's first token, if it is its only one or `any`. */
static att_status add(list *l, const att_tokenizer *tokenizer, const char *blank, const char *text,
                      int any, att_err *err)
{
    int32_t *ids, n;
    char *whole = att_sprintf("%s%s", blank, text);
    if (!whole) return att_fail(err, ATT_E_MEMORY, "read vocabulary: out of memory");
    const att_status status = att_tokenizer_encode(tokenizer, whole, &ids, &n, err);
    att_free(whole);
    if (status) return status;
    if (n == 1 || (n > 1 && any)) l->ids[l->n++] = ids[0];
    att_free(ids);
    return ATT_OK;
}

static int ascending(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static att_status find_all(list *l, const att_whisper_tokens *t, const att_tokenizer *tokenizer,
                           att_err *err)
{
    const int32_t specials[N_SPECIALS] = {t->transcribe, t->translate,   t->sot,
                                          t->startoflm,  t->startofprev, t->nospeech};
    /* a hyphen and an apostrophe inside of words are speech, at their start they are not */
    att_status status = add(l, tokenizer, " ", "-", 1, err);
    if (!status) status = add(l, tokenizer, " ", "'", 1, err);
    for (int i = 0; !status && i < 2 * N_SYMBOLS; i++)
        status = add(l, tokenizer, i % 2 ? " " : "", SYMBOLS[i / 2], 0, err);
    for (int i = 0; !status && i < 2 * N_NOTES; i++)
        status = add(l, tokenizer, i % 2 ? " " : "", NOTES[i / 2], 1, err);
    for (int i = 0; i < N_SPECIALS; i++)
        if (specials[i] >= 0) l->ids[l->n++] = specials[i];
    qsort(l->ids, (size_t)l->n, sizeof *l->ids, ascending);
    int32_t kept = 0;
    for (int32_t i = 0; i < l->n; i++)
        if (i == 0 || l->ids[i] != l->ids[i - 1]) l->ids[kept++] = l->ids[i];
    l->n = kept;
    return status;
}

static att_status keep(const list *l, int32_t **ids, int32_t *n, att_err *err)
{
    *ids = att_calloc((size_t)l->n, sizeof **ids);
    if (!*ids) return att_fail(err, ATT_E_MEMORY, "read vocabulary: out of memory");
    memcpy(*ids, l->ids, (size_t)l->n * sizeof **ids);
    *n = l->n;
    return ATT_OK;
}

att_status atti_whisper_suppress(att_whisper_tokens *t, att_err *err)
{
    list all = {{0}, 0}, first = {{0}, 0};
    att_tokenizer *tokenizer;
    att_status status = att_tokenizer_create(&tokenizer, t->bytes, t->starts, t->eot, err);
    if (!status) status = find_all(&all, t, tokenizer, err);
    if (!status) status = add(&first, tokenizer, " ", "", 1, err);
    first.ids[first.n++] = t->eot;
    if (!status) status = keep(&all, &t->suppress, &t->n_suppress, err);
    if (!status) status = keep(&first, &t->suppress_first, &t->n_suppress_first, err);
    att_tokenizer_destroy(tokenizer);
    return status;
}

att_status atti_whisper_tokens_complete(att_whisper_tokens **tokens, const char *name,
                                        const char *const *texts, int32_t n, att_err *err)
{
    att_status status = att_whisper_tokens_from_list(tokens, name, texts, n, err);
    if (!status && atti_whisper_suppress(*tokens, err)) {
        status = att_fail_in(err, ATT_E_MODEL, "read %s", name);
        att_whisper_tokens_close(*tokens);
        *tokens = NULL;
    }
    return status;
}
