/* text_tokenizer_internal.h - what an att_text_tokenizer is made of, and the run of one text. */
#ifndef ATTI_TEXT_TOKENIZER_INTERNAL_H
#define ATTI_TEXT_TOKENIZER_INTERNAL_H

#include "text_split.h"
#include "text_table.h"
#include "text_tokenizer.h"

struct att_text_tokenizer {
    att_text_model model;
    int32_t n;
    char *bytes;         /* of all pieces */
    const char **pieces; /* as they are decoded: a blank is a blank, a byte a byte */
    uint32_t *piece_bytes;
    uint8_t *types;
    uint8_t *is_end;
    uint32_t *ranks;         /* SentencePiece without merges: 0 for the best score */
    double *scores;          /* unigram */
    double unk_score;        /* unigram */
    atti_text_table words;   /* normal pieces */
    atti_text_trie prefixes; /* of normal pieces, unigram */
    atti_text_trie specials; /* control, user-defined and unknown tokens */
    uint8_t special_begins[256];
    atti_text_pairs pairs; /* merges; empty: by ranks */
    uint32_t longest;      /* piece, bytes */
    int32_t byte_ids[256]; /* -1: none */
    int has_bytes;         /* SentencePiece, unigram: all 256 */
    atti_text_splitter splitter;
    int ignore_merges, separate_unk, add_bos, add_eos;
    att_text_normal normal;
    att_text_prefix prefix;
    int32_t bos, eos, unk;
};

/* A part of a word, in a list by number; n == 0: it was joined to the one before it. */
typedef struct atti_text_symbol {
    uint32_t at, n; /* bytes */
    int32_t id;     /* -1: no token */
    int32_t previous, next;
} atti_text_symbol;

/* Two neighbours that can be joined. */
typedef struct atti_text_join {
    uint32_t rank;
    int32_t left, right;
    uint32_t n; /* bytes of both: another sum means that one has changed */
    int32_t id;
} atti_text_join;

/* The best way to a place in the text, for unigram. */
typedef struct atti_text_best {
    double score;
    int32_t id;    /* of the last piece; -1: none */
    uint32_t from; /* where that begins */
} atti_text_best;

/* The encoding of one text. */
typedef struct atti_text_run {
    const att_text_tokenizer *t;
    int32_t *ids;
    size_t n, room;
    atti_text_symbol *symbols;
    size_t symbol_room;
    atti_text_join *heap;
    size_t n_heap, heap_room;
    atti_text_best *best;
    size_t best_room;
    atti_text_match match;
    char *stretch; /* what is between special tokens, normalised */
    size_t stretch_room;
    int32_t *characters;
    size_t character_room;
    att_err *err;
} atti_text_run;

/* Makes room for n elements, or says that memory is out. */
att_status atti_text_reserve(atti_text_run *r, void **block, size_t *room, size_t n, size_t size);
att_status atti_text_push(atti_text_run *r, int32_t id);
/* A character that is no token; *in_unk: the last one was unknown too. */
att_status atti_text_push_unknown(atti_text_run *r, const char *text, size_t n, int *in_unk);

/* The tokens of a word: text_merge.c, text_unigram.c. Valid UTF-8. */
att_status atti_text_merge(atti_text_run *r, const char *text, size_t n);
att_status atti_text_unigram(atti_text_run *r, const char *text, size_t n);

/* r->stretch becomes the text, normalised, *n bytes: text_normal.c. */
att_status atti_text_normalise(atti_text_run *r, const char *text, size_t n_text, int is_first,
                               size_t *n);

/* Bytes of the character that begins at text, which is valid UTF-8. */
static inline size_t atti_text_width(const char *text)
{
    const unsigned char c = (unsigned char)*text;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

#endif /* ATTI_TEXT_TOKENIZER_INTERNAL_H */
