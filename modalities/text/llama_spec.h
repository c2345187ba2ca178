/* llama_spec.h - the tensors of a Llama-family model by name, shape and dtype, for each layout that
 * files come in: GGUF, Hugging Face (alone or inside another model), nanoVLM.
 *
 * Tests: tests/models/test_llama.c */
#ifndef ATT_LLAMA_SPEC_H
#define ATT_LLAMA_SPEC_H

#include "llama_config.h"
#include "spec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Members of optional arrays may be NULL. */
typedef struct att_llama_block_arrays {
    const att_array *self_norm, *ffn_norm;
    const att_array *qkv[3], *qkv_bias[3], *out, *out_bias;
    const att_array *ffn_in[2], *ffn_in_bias[2], *ffn_out, *ffn_out_bias; /* gate, up; down */
} att_llama_block_arrays;

typedef struct att_llama_arrays {
    const att_array *tokens, *norm;
    const att_array *head;          /* NULL: the token table */
    const att_array *rope_freqs;    /* divisors of speeds, or NULL */
    att_llama_block_arrays *blocks; /* config's layers */
} att_llama_arrays;

/* Binds every tensor, with all complaints in one message. arrays->blocks is the caller's to
 * att_free(), also on failure. */
att_status att_llama_bind(att_weights *weights, const att_llama_config *config,
                          att_llama_arrays *arrays, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LLAMA_SPEC_H */
