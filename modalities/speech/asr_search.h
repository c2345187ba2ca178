/* asr_search.h - which texts of a window are followed: one, several drawn at random, or a beam.
 *
 * All on the host, over the best tokens of rows of logits that the rules have been applied to.
 * Texts are lines through a tree of nodes; what they share they hold once. A step takes one row a
 * live line and says which tokens come next, and which row each of them follows. All memory is
 * reserved by att_asr_search_create(); steps allocate nothing. Source: OpenAI's decoding.py
 * (GreedyDecoder, BeamSearchDecoder, MaximumLikelihoodRanker). Tests: tests/unit/test_asr_search.c
 */
#ifndef ATT_ASR_SEARCH_H
#define ATT_ASR_SEARCH_H

#include "attend/error.h"
#include "logits_top.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_asr_node {
    int32_t token, parent; /* parent < 0: the first token */
    float logprob;
} att_asr_node;

/* A text: the tokens up to a node; node < 0 is the empty text. */
typedef struct att_asr_line {
    int32_t node, n; /* n tokens */
    float sum;       /* of their log-probabilities, and the end of text's if it came */
    int32_t from;    /* the row of logits that its newest token was chosen from */
} att_asr_line;

typedef struct att_asr_search {
    int32_t eot;
    int32_t room, room_nodes;    /* lines, nodes */
    int32_t width, max_finished; /* of this search */
    int32_t n_nodes, n_live, n_finished;
    int32_t done; /* no further step is wanted */
    att_asr_node *nodes;
    att_asr_line *live, *finished;
    att_asr_line *next;    /* scratch: the live lines of the next step */
    att_asr_line *choices; /* scratch: what may follow, before the best are taken */
    att_asr_node *news;    /* scratch: the node of each choice */
} att_asr_search;

/* Room for searches of up to `width` lines, `max_finished` texts and `max_tokens` tokens a text. */
att_status att_asr_search_create(att_asr_search **search, int32_t width, int32_t max_finished,
                                 int32_t max_tokens, int32_t eot, att_err *err);
void att_asr_search_destroy(att_asr_search *search); /* NULL is fine */

/* A new search over `width` lines that all begin empty and read the same first row of logits. A
 * beam ends with max_finished texts. */
void att_asr_search_begin(att_asr_search *search, int32_t width, int32_t max_finished);

/* The row that a live line reads, of those of the next step: n_live, but one at the first step. */
int32_t att_asr_search_row(const att_asr_search *search, int32_t line);
int32_t att_asr_search_rows(const att_asr_search *search);

/* A row is of use: ATT_E_DEVICE when its logits hold NaN or allow nothing. */
att_status att_asr_search_check(const att_asr_search *search, const att_logits_part *row,
                                att_err *err);

/* Each live line goes on with the token chosen for it, whose logit is what it was chosen by. Lines
 * end at the end of text, the search when all have. rows: by att_asr_search_row(), checked. */
void att_asr_search_extend(att_asr_search *search, const att_logits_part *rows,
                           const att_logits_choice *chosen);

/* The best `width` continuations of all live lines; a line that ends among them is finished. rows:
 * of the width + 1 best tokens each, as far as there are so many. */
att_status att_asr_search_beam(att_asr_search *search, const att_logits_part *rows, att_err *err);

/* Tokens and their log-probabilities along a line; both may be NULL. */
void att_asr_search_read(const att_asr_search *search, const att_asr_line *line, int32_t *tokens,
                         float *logprobs);

/* The best text: the highest sum over its length, or over ((5 + length) / 6)^length_penalty when
 * that is not NaN. Live lines count when not enough texts are finished. */
att_asr_line att_asr_search_best(const att_asr_search *search, double length_penalty);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_SEARCH_H */
