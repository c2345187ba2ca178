/* prune.h - which visual tokens stay: policies over small read-outs of an encoder and a language
 * model. Plain C on host arrays; the caller computes what att_prune_wants() names and gathers what
 * att_prune_step() keeps.
 *
 * name           drops by                                        where (default first)
 * flowcut        carried (attention + value likeness) * |value|  vit, vit+llm:1, projector, llm:L
 * vit-attention  attention received in the encoder               projector, vit:L
 * value-norm     that times |value|                              projector, vit:L
 * visionzip      attention; the others are merged by keys        projector
 * divprune       greedy max-min distance of features             projector
 * fastv          attention of the last prompt row                llm:1, llm:L
 * pyramid        the same, in steps                              llm
 * deft-mid       encoder attention, then the text's at half      llm
 * tiles          smaller grids of tiles, or flat tiles           before the encoder
 * uniform-grid   even coverage                                   projector, vit:L, llm:L
 * random         a seed                                          projector, vit:L, llm:L
 *
 * Layers count from 0; a cut at layer L is made after it, layers above L see the rest; vit:-1 is
 * before the first. A target counts tokens of the language model: where the projector merges
 * patches (group_side), whole groups stay or go and a group's score is the sum of its patches'.
 * Positions: by default original. FlowCut's, VisionZip's and DivPrune's published numbers are with
 * renumbered ones, FastV's with original ones; spec pages of the methods disagree by model.
 *
 * Sums are double, ties go to the lowest index, kept lists ascend, a score that is not a number is
 * an error. Tests: tests/unit/test_prune*.c against lib/ref/ref_prune.c and against values of the
 * methods' public code (tools/reference/dump_prune.py). */
#ifndef ATT_PRUNE_H
#define ATT_PRUNE_H

#include <stdint.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_prune_policy {
    ATT_PRUNE_NONE,
    ATT_PRUNE_FLOWCUT,
    ATT_PRUNE_VIT_ATTENTION,
    ATT_PRUNE_VALUE_NORM,
    ATT_PRUNE_VISIONZIP,
    ATT_PRUNE_DIVPRUNE,
    ATT_PRUNE_FASTV,
    ATT_PRUNE_PYRAMID,
    ATT_PRUNE_DEFT_MID,
    ATT_PRUNE_TILES,
    ATT_PRUNE_UNIFORM_GRID,
    ATT_PRUNE_RANDOM,
    ATT_N_PRUNE_POLICIES
} att_prune_policy;

typedef enum att_prune_place {
    ATT_PRUNE_AT_TILES,     /* before the encoder */
    ATT_PRUNE_AT_VIT,       /* after one of its layers: rows are patches */
    ATT_PRUNE_AT_PROJECTOR, /* rows are tokens of the language model */
    ATT_PRUNE_AT_LLM        /* after one of its layers */
} att_prune_place;

typedef enum att_prune_positions { ATT_PRUNE_ORIGINAL, ATT_PRUNE_RENUMBERED } att_prune_positions;

enum { ATT_PRUNE_MAX_STAGES = 4, ATT_PRUNE_LAYER_DEFAULT = -2 };

/* Plain numbers, made by att_prune_parse(). */
typedef struct att_prune_options {
    att_prune_policy policy;
    int32_t keep;     /* tokens of the language model; 0: keep_part */
    double keep_part; /* of them, above 0 to 1 */
    att_prune_place place;
    int32_t vit_layer, llm_layer; /* ATT_PRUNE_LAYER_DEFAULT: the policy's own */
    int with_llm;                 /* flowcut: a first cut in the encoder to vit_surplus targets */
    double vit_surplus;
    att_prune_positions positions;
    int as_paper;                         /* flowcut: value products / sqrt(width) */
    int mean_query;                       /* vit-attention, value-norm: all queries, not class's */
    double merged_part;                   /* visionzip: part of the target that is merged tokens */
    double deft_part;                     /* deft-mid: of what is above the target, kept at first */
    int32_t stages[ATT_PRUNE_MAX_STAGES]; /* pyramid: layers, ascending; n_stages 0: its own */
    int32_t n_stages;
    int by_entropy; /* tiles: drop flat ones, not resolution */
    uint64_t seed;
} att_prune_options;

/* What a command line says; NULL is not given.
 * policy     NAME[:OPTION]: flowcut:code|paper, vit-attention:class|mean, value-norm:class|mean,
 *            visionzip:P% (merged tokens), pyramid:L,L,.. (layers), tiles:edge|entropy,
 *            random:SEED; none
 * keep       N or P%; 100% is not given
 * prune_at   vit, vit:L, vit+llm:L, projector, llm, llm:L
 * positions  original, renumbered
 * ATT_E_ARG, saying what is possible, for anything else. */
att_status att_prune_parse(att_prune_options *options, const char *policy, const char *keep,
                           const char *prune_at, const char *positions, att_err *err);

const char *att_prune_name(att_prune_policy policy); /* "flowcut"; "?" for no policy */

/* Of n tokens of the language model; at least 1, at most n. */
int32_t att_prune_target(const att_prune_options *options, int32_t n);

/* The options of tile i of n, where each tile has a state of its own: a number of tokens to keep is
 * divided, the first tiles having one more (none has fewer than 1); a percentage is each tile's; a
 * seed is another in each. Cuts in the language model are per tile then too. */
att_prune_options att_prune_of_tile(const att_prune_options *options, int32_t i, int32_t n);

/* ---- one picture (or tile) ---- */

typedef struct att_prune_geometry {
    int32_t rows, cols;  /* patches, row by row */
    int32_t group_side;  /* 1, 2, 4: patches along a token of the language model */
    int32_t group_order; /* 1: patches come group by group, not row by row */
    int32_t has_class;   /* a class token before the patches */
    int32_t vit_layers;  /* that run: up to the feature layer */
    int32_t llm_layers;
} att_prune_geometry;

/* What a step must be given. */
enum {
    ATT_READ_CLASS_ROW = 1 << 0, /* row: head mean of the class token's probabilities */
    ATT_READ_MEAN_ROW = 1 << 1,  /* row: of the softmax of the mean query */
    ATT_READ_KEY_MEAN = 1 << 2,  /* row: attention received, mean of all heads and queries */
    ATT_READ_LAST_ROW = 1 << 3,  /* row: head mean of the last prompt token's probabilities */
    ATT_READ_TEXT_ROWS = 1 << 4, /* row: mean of that of all text tokens behind the picture */
    ATT_READ_HEAD_ROWS = 1 << 5, /* head_rows: of the last prompt token */
    ATT_READ_VALUE_DOTS = 1 << 6,
    ATT_READ_VALUE_L1 = 1 << 7,
    ATT_READ_KEYS = 1 << 8,
    ATT_READ_FEATURES = 1 << 9
};

/* Borrowed for the call. n rows are the visual tokens of now, without class token; probabilities
 * are of softmax over everything that the query sees. Heads of value_dots are those of the values
 * (G). What is not wanted may be NULL. */
typedef struct att_prune_reads {
    int32_t n, heads, head_width;
    const float *row;        /* [n] */
    const float *head_rows;  /* [heads][n] */
    int32_t value_heads;     /* heads unless set */
    const float *value_dots; /* [value_heads][c + n]: value of the class token (c = 1, its own
                                first) or of the last prompt token (c = 0) times value j */
    const float *value_l1;   /* [n]: sum over d of |mean over heads of value j| */
    const float *vectors;    /* [n][width]: keys (mean over heads) or features */
    int32_t width;
} att_prune_reads;

/* A merged token is the sum of rows source[at[i]] .. source[at[i+1]-1] by weight. */
typedef struct att_prune_merge {
    int32_t n;         /* tokens made; 0: nothing is merged, gather by kept */
    const int32_t *at; /* [n + 1] */
    const int32_t *source;
    const float *weight;
} att_prune_merge;

/* The state's memory, until its next step. Index i of kept: row kept[i] of the rows before. With a
 * merge kept[i] is the row that token i stands for; its rows are tokens of the language model. */
typedef struct att_prune_cut {
    int32_t n;
    const int32_t *kept;
    att_prune_merge merge;
} att_prune_cut;

typedef struct att_prune att_prune;

/* Reserves all memory for rows * cols patches. ATT_E_ARG for options that this geometry cannot do,
 * ATT_E_MEMORY. */
att_status att_prune_create(att_prune **prune, const att_prune_options *options,
                            const att_prune_geometry *geometry, att_err *err);
void att_prune_destroy(att_prune *prune); /* NULL is fine */

void att_prune_begin(att_prune *prune); /* a new picture: all tokens are there */

/* Bits of ATT_READ_* for the step at a place and layer; 0 with *due 0: no step there. *due may be 1
 * without a read (uniform-grid). layer: -1 is before the first; 0 at the projector. */
uint32_t att_prune_wants(const att_prune *prune, att_prune_place place, int32_t layer, int *due);

/* Makes the step, if one is due; in any case *cut says what stays (all of it, if none is). Places
 * and layers come in the order of a forward pass. ATT_E_ARG when reads are missing or of another
 * size, ATT_E_MODEL when a score is not a number. */
att_status att_prune_step(att_prune *prune, att_prune_place place, int32_t layer,
                          const att_prune_reads *reads, att_prune_cut *cut, att_err *err);

/* Tokens there now, as indexes of patches (in the encoder) or of tokens of the language model. */
const int32_t *att_prune_ids(const att_prune *prune, int32_t *n);

/* positions[n] of the tokens there now in the language model, the picture's first token being at
 * `first`; returns the position behind the picture. */
int32_t att_prune_place_tokens(const att_prune *prune, int32_t first, int32_t *positions);

#ifdef __cplusplus
}
#endif
#endif /* ATT_PRUNE_H */
