/* llama_spec.c - llama_spec.h. */
#include "llama_spec.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"

enum { GGUF, HUGGING_FACE, NANOVLM, N_LAYOUTS };

/* One tensor: its name in each layout, behind the layout's prefix. */
typedef struct row {
    const char *names[N_LAYOUTS]; /* NULL: this layout has none */
    const char *axes;
    uint32_t flags;
    size_t into;
} row;

#define BLOCK_AT(member) offsetof(att_llama_block_arrays, member)
#define MODEL_AT(member) offsetof(att_llama_arrays, member)

static const row BLOCK[] = {
    {{"blk.%d.attn_norm.weight", "layers.%d.input_layernorm.weight", "blocks.%d.norm1.weight"},
     "C",
     0,
     BLOCK_AT(self_norm)},
    {{"blk.%d.attn_q.weight", "layers.%d.self_attn.q_proj.weight", "blocks.%d.attn.q_proj.weight"},
     "HD,C",
     0,
     BLOCK_AT(qkv[0])},
    {{"blk.%d.attn_k.weight", "layers.%d.self_attn.k_proj.weight", "blocks.%d.attn.k_proj.weight"},
     "GD,C",
     0,
     BLOCK_AT(qkv[1])},
    {{"blk.%d.attn_v.weight", "layers.%d.self_attn.v_proj.weight", "blocks.%d.attn.v_proj.weight"},
     "GD,C",
     0,
     BLOCK_AT(qkv[2])},
    {{"blk.%d.attn_q.bias", "layers.%d.self_attn.q_proj.bias", NULL},
     "HD",
     ATT_SPEC_OPTIONAL,
     BLOCK_AT(qkv_bias[0])},
    {{"blk.%d.attn_k.bias", "layers.%d.self_attn.k_proj.bias", NULL},
     "GD",
     ATT_SPEC_OPTIONAL,
     BLOCK_AT(qkv_bias[1])},
    {{"blk.%d.attn_v.bias", "layers.%d.self_attn.v_proj.bias", NULL},
     "GD",
     ATT_SPEC_OPTIONAL,
     BLOCK_AT(qkv_bias[2])},
    {{"blk.%d.attn_output.weight", "layers.%d.self_attn.o_proj.weight",
      "blocks.%d.attn.out_proj.weight"},
     "C,HD",
     0,
     BLOCK_AT(out)},
    {{"blk.%d.attn_output.bias", "layers.%d.self_attn.o_proj.bias", NULL},
     "C",
     ATT_SPEC_OPTIONAL,
     BLOCK_AT(out_bias)},
    {{"blk.%d.ffn_norm.weight", "layers.%d.post_attention_layernorm.weight",
      "blocks.%d.norm2.weight"},
     "C",
     0,
     BLOCK_AT(ffn_norm)},
    {{"blk.%d.ffn_gate.weight", "layers.%d.mlp.gate_proj.weight", "blocks.%d.mlp.gate_proj.weight"},
     "F,C",
     0,
     BLOCK_AT(ffn_in[0])},
    {{"blk.%d.ffn_up.weight", "layers.%d.mlp.up_proj.weight", "blocks.%d.mlp.up_proj.weight"},
     "F,C",
     0,
     BLOCK_AT(ffn_in[1])},
    {{"blk.%d.ffn_down.weight", "layers.%d.mlp.down_proj.weight", "blocks.%d.mlp.down_proj.weight"},
     "C,F",
     0,
     BLOCK_AT(ffn_out)},
    {{"blk.%d.ffn_gate.bias", "layers.%d.mlp.gate_proj.bias", NULL},
     "F",
     ATT_SPEC_OPTIONAL,
     BLOCK_AT(ffn_in_bias[0])},
    {{"blk.%d.ffn_up.bias", "layers.%d.mlp.up_proj.bias", NULL},
     "F",
     ATT_SPEC_OPTIONAL,
     BLOCK_AT(ffn_in_bias[1])},
    {{"blk.%d.ffn_down.bias", "layers.%d.mlp.down_proj.bias", NULL},
     "C",
     ATT_SPEC_OPTIONAL,
     BLOCK_AT(ffn_out_bias)},
};

static const row MODEL[] = {
    {{"token_embd.weight", "embed_tokens.weight", "token_embedding.weight"},
     "V,C",
     ATT_SPEC_OPTIONAL,
     MODEL_AT(tokens)},
    {{"output_norm.weight", "norm.weight", "norm.weight"}, "C", 0, MODEL_AT(norm)},
    {{"output.weight", NULL, "head.weight"}, "V,C", ATT_SPEC_OPTIONAL, MODEL_AT(head)},
    {{"rope_freqs.weight", NULL, NULL}, "R", ATT_SPEC_OPTIONAL, MODEL_AT(rope_freqs)},
};

enum { N_BLOCK = sizeof BLOCK / sizeof *BLOCK, N_MODEL = sizeof MODEL / sizeof *MODEL };
enum { MAX_ROWS = N_BLOCK, MAX_NAME = 128 };

/* Which layout the file has, and what its names begin with. */
typedef struct layout {
    int kind;
    const char *prefix, *head; /* head: the whole name of Hugging Face's */
} layout;

static layout find_layout(const att_weights *weights)
{
    static const struct {
        const char *tokens;
        layout layout;
    } KNOWN[] = {
        {"token_embd.weight", {GGUF, "", NULL}},
        {"decoder.token_embedding.weight", {NANOVLM, "decoder.", NULL}},
        {"decoder.head.weight", {NANOVLM, "decoder.", NULL}},
        {"model.embed_tokens.weight", {HUGGING_FACE, "model.", "lm_head.weight"}},
        {"language_model.model.embed_tokens.weight",
         {HUGGING_FACE, "language_model.model.", "language_model.lm_head.weight"}},
        {"model.language_model.embed_tokens.weight",
         {HUGGING_FACE, "model.language_model.", "lm_head.weight"}},
        {"model.text_model.embed_tokens.weight",
         {HUGGING_FACE, "model.text_model.", "lm_head.weight"}},
    };
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (att_weights_find(weights, KNOWN[i].tokens)) return KNOWN[i].layout;
    return KNOWN[2].layout; /* whose names the complaints then tell */
}

static void bind_rows(att_weights *weights, const layout *l, const row *rows, size_t n,
                      int32_t layer, att_letter *letters, size_t n_letters, void *into,
                      att_complaints *complaints)
{
    char names[MAX_ROWS][MAX_NAME];
    att_spec_row spec[MAX_ROWS];
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        const int is_head = rows[i].into == MODEL_AT(head) && rows == MODEL;
        const char *name = rows[i].names[l->kind];
        if (!name && !(is_head && l->head)) continue;
        snprintf(names[m], sizeof names[m], "%s%s", name ? l->prefix : "", name ? name : l->head);
        spec[m] = (att_spec_row){names[m], rows[i].axes, ATT_SPEC_FLOATS | ATT_SPEC_BLOCKS,
                                 rows[i].flags, rows[i].into};
        m++;
    }
    att_spec_bind(weights, spec, m, layer, letters, n_letters, into, complaints);
}

att_status att_llama_bind(att_weights *weights, const att_llama_config *c, att_llama_arrays *arrays,
                          att_err *err)
{
    enum { N_LETTERS = 7 };
    att_letter letters[N_LETTERS] = {
        {'C', c->width},     {'H', c->heads}, {'G', c->kv_heads},      {'D', c->head_width},
        {'F', c->ffn_width}, {'V', 0},        {'R', c->head_width / 2}};
    att_complaints complaints = {.n = 0};
    const layout l = find_layout(weights);
    memset(arrays, 0, sizeof *arrays);
    arrays->blocks = att_calloc((size_t)c->layers, sizeof *arrays->blocks);
    if (!arrays->blocks) return att_fail(err, ATT_E_MEMORY, "open model: out of memory");
    bind_rows(weights, &l, MODEL, N_MODEL, 0, letters, N_LETTERS, arrays, &complaints);
    for (int32_t i = 0; i < c->layers; i++)
        bind_rows(weights, &l, BLOCK, N_BLOCK, i, letters, N_LETTERS, &arrays->blocks[i],
                  &complaints);
    if (!arrays->tokens && c->tied) arrays->tokens = arrays->head; /* nanoVLM keeps that one */
    if (!arrays->tokens) att_complain(&complaints, "there is no table of tokens");
    if (c->tied) arrays->head = NULL;
    return att_complaints_status(&complaints, weights, err);
}
