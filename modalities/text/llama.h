/* llama.h - language models of the Llama family (Llama, Mistral, SmolLM2, Qwen2, Vicuna) over
 * att_block: weights that threads share, and sessions that each hold one running text.
 *
 * Touvron et al., LLaMA, 2023; the reference is Hugging Face's modeling_llama.py and
 * modeling_qwen2.py. Letters: docs/shapes.md.
 * Tests: tests/models/test_llama.c, tests/real/test_llama_real.c */
#ifndef ATT_LLAMA_H
#define ATT_LLAMA_H

#include "block.h"
#include "llama_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Weights and compiled programs; read only, shared by threads. */
typedef struct att_llama att_llama;

/* Binds, packs and uploads; the weights are not needed afterwards. Blocks of q4_0 to q8_0 stay as
 * they are stored where q, k and v, and gate and up, are of one kind each. ATT_E_MODEL with all
 * that is wrong with the file in one message. */
att_status att_llama_open(att_llama **llama, att_device *device, att_weights *weights,
                          const att_llama_config *config, att_precision precision, att_err *err);
void att_llama_close(att_llama *llama); /* after its sessions; NULL is fine */

const att_llama_config *att_llama_get_config(const att_llama *llama);
int32_t att_llama_vocab(const att_llama *llama);           /* V: logits a row */
att_precision att_llama_precision(const att_llama *llama); /* that products really have */
size_t att_llama_bytes(const att_llama *llama);            /* of device memory */
att_device *att_llama_device(const att_llama *llama);

/* Zeros are the defaults, in brackets. */
typedef struct att_llama_limits {
    int32_t max_tokens; /* that the text may have [the model's context, at most 4096] */
    int32_t max_rows;   /* tokens that go through the blocks at once; longer calls are cut [512] */
    int32_t max_logits; /* rows of logits that a call may ask for [1] */
    int32_t f32_keys;   /* keys and values f32 [f16] */
} att_llama_limits;

/* One running text, one thread at a time; its memory is reserved here and does not grow:
 * 2 L G D bytes-of-a-key a token. */
typedef struct att_llama_session att_llama_session;

att_status att_llama_session_create(att_llama_session **session, const att_llama *llama,
                                    const att_llama_limits *limits, att_err *err);
void att_llama_session_destroy(att_llama_session *session); /* NULL is fine */
const att_llama *att_llama_of(const att_llama_session *session);
att_queue *att_llama_queue(att_llama_session *session);
size_t att_llama_session_bytes(const att_llama_session *session);
size_t
att_llama_cache_bytes(const att_llama_session *session);  /* keys and values of the text now */
int32_t att_llama_room(const att_llama_session *session); /* max_tokens */

/* A run of tokens, or of rows that stand for tokens: those of a picture. */
typedef struct att_llama_segment {
    const int32_t *ids; /* n of the vocabulary; NULL: rows */
    att_mat rows;       /* f32[n, C] on the device, dense */
    int32_t n;
    /* Where they stand, when some of a longer run are given: ascending, below span, from the
     * segment's beginning on. NULL: one behind the other. */
    const int32_t *places;
    int32_t span; /* places that the segment takes in the text; 0: n */
} att_llama_segment;

/* Rows of the call that go on after a layer. */
typedef struct att_llama_keep {
    int32_t n;
    const int32_t *rows; /* ascending indices among those that reached the layer */
    int32_t renumber;    /* 1: they, and all that follows, close up; 0: positions stay */
} att_llama_keep;

/* What a caller decides layer by layer. Either may be NULL. */
typedef struct att_llama_hooks {
    void *user;
    /* Before a layer: the call of its attention as a plain text's, to be changed. */
    att_status (*before)(void *user, int32_t layer, att_attn_call *call, att_err *err);
    /* After a layer: keep->n is how many rows there are; fewer in, fewer go on, and their keys and
     * values are all that later layers hold of them. */
    att_status (*after)(void *user, int32_t layer, att_mat x, att_llama_keep *keep, att_err *err);
} att_llama_hooks;

typedef struct att_llama_call {
    const att_llama_segment *segments;
    int32_t n_segments;
    int32_t n_logits;             /* of the last rows; 0: none */
    const att_llama_hooks *hooks; /* NULL: none */
} att_llama_call;

/* Appends the segments to the text. ATT_E_SHAPE when there is no room, or when rows are to be
 * dropped from a call of more than max_rows: nothing was appended. After another error the text is
 * as long as before. */
att_status att_llama_append(att_llama_session *session, const att_llama_call *call, att_err *err);

/* Row i of the logits that the last call asked for, f32[V]; waits for them. */
att_status att_llama_logits(att_llama_session *session, int32_t i, float *logits, att_err *err);

int32_t att_llama_length(const att_llama_session *session);     /* places, of dropped tokens too */
void att_llama_truncate(att_llama_session *session, int32_t n); /* the first n stay */
/* Tokens of the text whose keys a layer holds. */
int32_t att_llama_held(const att_llama_session *session, int32_t layer);
/* These keys and values, the newest last; borrowed, to be read. */
const att_cache *att_llama_cache(const att_llama_session *session, int32_t layer);

/* Only with the device's options.profile (queue.h). */
size_t att_llama_profile(const att_llama_session *session, att_profile_row *rows, size_t room);

/* Writes the text's keys and values and its n tokens (the caller's record of them) as a safetensors
 * file: k.0 and v.0 [G][n][D] and so on. ATT_E_ARG when rows were dropped or n is not the length.
 */
att_status att_llama_save(att_llama_session *session, const char *path, const int32_t *ids,
                          int32_t n, att_err *err);
/* The text of such a file of the same model in place of what there was; *ids are the caller's,
 * att_free(). ATT_E_INPUT for another model's, or a longer text than there is room for: the session
 * is as it was. */
att_status att_llama_restore(att_llama_session *session, const char *path, int32_t **ids,
                             int32_t *n, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LLAMA_H */
