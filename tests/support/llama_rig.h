/* llama_rig.h - the tiny models of tests/golden/llama_tiny_random put together by hand from their
 * weights: token rows, two blocks, the last norm and a head, and two texts to run through them. */
#ifndef ATT_LLAMA_RIG_H
#define ATT_LLAMA_RIG_H

#include "block.h"
#include "rig.h"
#include "weights.h"

enum { LLAMA_LAYERS = 2, LLAMA_TOKENS = 24, LLAMA_TEXTS = 2, LLAMA_VOCAB = 300 };

/* What a config.json says. */
typedef struct llama_config {
    const char *name; /* of the folder */
    att_block_desc desc;
    int32_t window; /* tokens that a query sees, itself included; 0: all before it */
    int32_t tied;   /* the head is the token table */
} llama_config;

typedef struct llama_rig {
    rig r;
    llama_config config;
    att_weights *weights, *golden;
    att_arena *arena;
    att_linear *tokens, *head; /* of a tied model one and the same */
    att_block blocks[LLAMA_LAYERS];
    att_norm norm;
    att_block_scratch scratch;
    att_cache caches[LLAMA_TEXTS][LLAMA_LAYERS];
    att_view ids, positions[LLAMA_TEXTS]; /* i32[LLAMA_TOKENS] */
    att_mat x, logits;
} llama_rig;

/* portable: portable bodies only; halves: f16 caches, and f16 between products too, which portable
 * bodies do on every device. Ends the test with a message where something is missing. */
llama_rig llama_rig_open(const llama_config *config, int portable, int halves);
void llama_rig_close(llama_rig *rig);

/* A text's next tokens. */
typedef struct llama_part {
    int32_t text, rows;
    const int32_t *ids;
    const int32_t *positions; /* of the whole text; NULL: the index of a token is its position */
} llama_part;

/* Appends the parts to their texts in one call, logits[rows in all][LLAMA_VOCAB]. */
void llama_rig_run(llama_rig *rig, const llama_part *parts, int32_t n_parts, float *logits);
void llama_rig_clear(llama_rig *rig); /* empties the texts */

#endif /* ATT_LLAMA_RIG_H */
