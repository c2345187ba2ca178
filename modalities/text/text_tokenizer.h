/* text_tokenizer.h - text to the token ids of a language model, and back.
 *
 * Three kinds of vocabulary: byte-level BPE (GPT-2, Llama 3, SmolLM2, Qwen2), SentencePiece's BPE
 * over characters (Llama 2, Vicuna, Mistral), by scores or by merges, and SentencePiece's unigram.
 * They come from a GGUF file, from Hugging Face's tokenizer.json, or from a struct.
 *
 * What is no UTF-8 becomes U+FFFD, one for each maximal part that is no character, as Python's
 * errors="replace". Special tokens are found first: at the leftmost place the longest, user-defined
 * ones always, control tokens where ATT_TEXT_PARSE_SPECIAL asks for them. What is between them is
 * normalised and split as the model says, and each word is merged by a heap: O(n log n) for n
 * bytes, with at most some 100 bytes of memory for each.
 * A byte or character that the vocabulary lacks becomes its bytes' tokens, else the unknown token,
 * else nothing: as in the reference.
 *
 * References: Hugging Face's tokenizers, Google's sentencepiece. Tests:
 * tests/unit/test_text_tokenizer.c, tests/real/test_text_tokenizer_real.c,
 * tests/fuzz/fuzz_text_tokenizer.c, fuzz_text_tokenizer_json.c */
#ifndef ATT_TEXT_TOKENIZER_H
#define ATT_TEXT_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"
#include "weights.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ATT_TEXT_MAX_BYTES = 1 << 23,  /* of one text */
    ATT_TEXT_MAX_TOKENS = 1 << 21, /* of a vocabulary */
    ATT_TEXT_MAX_SPLITS = 8        /* patterns of a pre-tokenizer */
};

typedef enum att_text_model {
    ATT_TEXT_BPE,           /* over bytes: pieces are spelled in GPT-2's visible characters */
    ATT_TEXT_SENTENCEPIECE, /* BPE over characters: a blank is spelled U+2581 */
    ATT_TEXT_UNIGRAM        /* the most probable pieces: a blank is spelled U+2581 */
} att_text_model;

/* GGUF's numbers. */
typedef enum att_text_type {
    ATT_TEXT_NORMAL = 1,
    ATT_TEXT_UNKNOWN = 2,
    ATT_TEXT_CONTROL = 3, /* special: its text is found only when asked for */
    ATT_TEXT_USER = 4,    /* its text is always found */
    ATT_TEXT_UNUSED = 5,  /* never made */
    ATT_TEXT_BYTE = 6     /* spelled <0x0A> */
} att_text_type;

/* Where a blank is put that the text does not have. */
typedef enum att_text_prefix {
    ATT_TEXT_PREFIX_NONE,
    ATT_TEXT_PREFIX_EACH,   /* before the text and what follows a special token */
    ATT_TEXT_PREFIX_LACKED, /* the same where there is none yet */
    ATT_TEXT_PREFIX_FIRST   /* before the text alone, where there is none yet */
} att_text_prefix;

typedef enum att_text_normal { ATT_TEXT_AS_IS, ATT_TEXT_NFC, ATT_TEXT_NFKC } att_text_normal;

/* A vocabulary as files spell it. Plain data; see att_text_vocabulary_init(). */
typedef struct att_text_vocabulary {
    att_text_model model;
    int32_t n;                   /* tokens: ids 0 to n - 1 */
    const char *const *pieces;   /* [n], not terminated */
    const uint32_t *piece_bytes; /* [n] */
    const double *scores; /* [n]: unigram, and SentencePiece without merges. JSON's are f64, and
                           * ties are decided by their last bits */
    const int32_t *types; /* [n] of att_text_type; NULL: all normal */
    const int32_t (*merges)[2]; /* ids of what is joined, the most important pair first */
    size_t n_merges;
    const char *pre;           /* byte-level: a pre-tokenizer that att_text_pre_names() has */
    const char *const *splits; /* instead of it: patterns, each applied to what the last one left */
    int32_t n_splits;
    int ignore_merges; /* a word that is a token needs no merges */
    int separate_unk;  /* unknown characters in a row are a token each, not one together */
    att_text_normal normal;
    att_text_prefix add_space_prefix;
    int add_bos, add_eos;
    int32_t bos, eos, eot, unk; /* -1: none */
} att_text_vocabulary;

/* No tokens; the ids are -1. */
void att_text_vocabulary_init(att_text_vocabulary *vocabulary);

/* Name i of those that `pre` may be; NULL behind the last. */
const char *att_text_pre_name(size_t i);

/* Read only once made; shared by threads. */
typedef struct att_text_tokenizer att_text_tokenizer;

/* Copies what it needs. ATT_E_MODEL where the vocabulary cannot be used: which entry, and why. */
att_status att_text_tokenizer_create(att_text_tokenizer **t, const att_text_vocabulary *vocabulary,
                                     att_err *err);
/* tokenizer.ggml.* of a GGUF file: models gpt2, llama and t5 (without a map of characters). With
 * the pre-tokenizer qwen2 comes NFC, which the file does not tell. */
att_status att_text_tokenizer_open_gguf(att_text_tokenizer **t, const att_weights *weights,
                                        att_err *err);
/* path: tokenizer.json or its folder; tokenizer_config.json beside it says what begins and ends a
 * text. A part of it that is not known is refused by name, never passed over. Tokens are found in
 * the text as it is given, whatever "normalized" says. ATT_E_IO, ATT_E_MODEL. */
att_status att_text_tokenizer_open_json(att_text_tokenizer **t, const char *path, att_err *err);
/* The same from memory; config may be NULL. name is what messages call it. */
att_status att_text_tokenizer_parse_json(att_text_tokenizer **t, const char *name,
                                         const char *bytes, size_t n_bytes, const char *config,
                                         size_t n_config, att_err *err);
void att_text_tokenizer_destroy(att_text_tokenizer *t); /* NULL is fine */

enum {
    ATT_TEXT_PARSE_SPECIAL = 1, /* "<|im_end|>" in the text is that token, not its characters */
    ATT_TEXT_ADD_BOS = 2        /* the token for the beginning, where this model has add_bos */
};

/* *ids: the *n tokens of the text, which may hold any bytes; the caller's, att_free(). A token for
 * the end is never added. ATT_E_ARG: the text is too long, or has more than 1024 combining marks in
 * a row for a model that wants NFC. */
att_status att_text_tokenizer_encode(const att_text_tokenizer *t, const char *text, size_t n_bytes,
                                     int flags, int32_t **ids, int32_t *n, att_err *err);

/* *n bytes of one token, borrowed, not terminated; none for an id out of range. Those of a text's
 * tokens one after the other are the text, behind the blank of add_space_prefix; a character may
 * lie in several. Special tokens are their own text. */
void att_text_tokenizer_decode(const att_text_tokenizer *t, int32_t id, const char **bytes,
                               size_t *n);

/* The special token of that text, else the normal one, else -1. */
int32_t att_text_tokenizer_id(const att_text_tokenizer *t, const char *text);
/* 0 for an id out of range. */
att_text_type att_text_tokenizer_type(const att_text_tokenizer *t, int32_t id);
int32_t att_text_tokenizer_count(const att_text_tokenizer *t);
int32_t att_text_tokenizer_bos(const att_text_tokenizer *t);    /* or -1 */
int32_t att_text_tokenizer_eos(const att_text_tokenizer *t);    /* or -1 */
int att_text_tokenizer_adds_bos(const att_text_tokenizer *t);   /* where ATT_TEXT_ADD_BOS asks */
int att_text_tokenizer_adds_eos(const att_text_tokenizer *t);   /* for who wants to add it */
int att_text_tokenizer_adds_space(const att_text_tokenizer *t); /* to the text's beginning */
/* Whether an answer ends there: eos, eot, and special tokens such as <|im_end|>, </s>,
 * <|endoftext|>, <|eot_id|>, <end_of_utterance>. */
int att_text_tokenizer_is_end(const att_text_tokenizer *t, int32_t id);

#ifdef __cplusplus
}
#endif
#endif /* ATT_TEXT_TOKENIZER_H */
