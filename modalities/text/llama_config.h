/* llama_config.h - the numbers of a language model of the Llama family, out of whatever file tells
 * them.
 *
 * Tests: tests/unit/test_llama_config.c */
#ifndef ATT_LLAMA_CONFIG_H
#define ATT_LLAMA_CONFIG_H

#include "rope.h"
#include "weights.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_llama_config {
    int32_t width, layers, heads, kv_heads, head_width, ffn_width; /* C, L, H, G, D, F */
    int32_t context; /* tokens that it was made for; positions may go further */
    int32_t window;  /* tokens that a query sees, itself included; 0: all before it */
    int32_t tied;    /* the head is the token table, whatever the file holds besides */
    float norm_eps;
    att_rope_desc rope; /* without divisors: they are an array of the file */
} att_llama_config;

/* Of a GGUF file's key/values: the architectures llama (with Mistral and SmolLM2) and qwen2.
 * ATT_E_MODEL names the key that is missing or that this program cannot follow. */
att_status att_llama_config_from_gguf(att_llama_config *config, const att_weights *weights,
                                      att_err *err);

/* Of a config.json of Hugging Face: model_type llama, mistral or qwen2, or a model that holds one
 * of them under text_config; or of nanoVLM, whose numbers begin with lm_. name: what messages call
 * the text. */
att_status att_llama_config_from_json(att_llama_config *config, const char *name, const char *json,
                                      size_t n_bytes, att_err *err);

/* ATT_E_MODEL for numbers that no model has. */
att_status att_llama_config_check(const att_llama_config *config, const char *name, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LLAMA_CONFIG_H */
