/* vit_spec.c - the spec tables of vision transformers (vit_spec.h): nanoVLM's names, Hugging Face's
 * below several prefixes, and those of GGUF files, of which old ones call the two linears of the
 * feed-forward part by each other's name. Letters: C width, F feed-forward width, P edge of a
 * patch, N positions. Tests: tests/models/test_vit_tiny.c */
#include "vit_spec.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

#define OPT         ATT_SPEC_OPTIONAL
#define FLT         ATT_SPEC_FLOATS
#define QNT         (ATT_SPEC_FLOATS | ATT_SPEC_BLOCKS)
#define BLK(member) offsetof(att_vit_block_arrays, member)
#define TOP(member) offsetof(att_vit_arrays, member)

static const att_spec_row NANO_TOP[] = {
    {"patch_embedding.conv.weight", "C,3,P,P", FLT, 0, TOP(patch.weight)},
    {"patch_embedding.conv.bias", "C", FLT, OPT, TOP(patch.bias)},
    {"patch_embedding.cls_token", "1,1,C", FLT, OPT, TOP(class_token)},
    {"patch_embedding.position_embedding", "1,N,C", FLT, 0, TOP(positions)},
    {"layer_norm.weight", "C", FLT, 0, TOP(last_norm.gamma)},
    {"layer_norm.bias", "C", FLT, 0, TOP(last_norm.beta)},
};

static const att_spec_row NANO_BLOCK[] = {
    {"blocks.%d.ln1.weight", "C", FLT, 0, BLK(self_norm.gamma)},
    {"blocks.%d.ln1.bias", "C", FLT, 0, BLK(self_norm.beta)},
    {"blocks.%d.attn.qkv_proj.weight", "3C,C", FLT, 0, BLK(self_qkv[0].weight)},
    {"blocks.%d.attn.qkv_proj.bias", "3C", FLT, OPT, BLK(self_qkv[0].bias)},
    {"blocks.%d.attn.out_proj.weight", "C,C", FLT, 0, BLK(self_out.weight)},
    {"blocks.%d.attn.out_proj.bias", "C", FLT, OPT, BLK(self_out.bias)},
    {"blocks.%d.ln2.weight", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"blocks.%d.ln2.bias", "C", FLT, 0, BLK(ffn_norm.beta)},
    {"blocks.%d.mlp.fc1.weight", "F,C", FLT, 0, BLK(ffn_in.weight)},
    {"blocks.%d.mlp.fc1.bias", "F", FLT, OPT, BLK(ffn_in.bias)},
    {"blocks.%d.mlp.fc2.weight", "C,F", FLT, 0, BLK(ffn_out.weight)},
    {"blocks.%d.mlp.fc2.bias", "C", FLT, OPT, BLK(ffn_out.bias)},
};

static const att_spec_row HF_TOP[] = {
    {"embeddings.patch_embedding.weight", "C,3,P,P", FLT, 0, TOP(patch.weight)},
    {"embeddings.patch_embedding.bias", "C", FLT, OPT, TOP(patch.bias)},
    {"embeddings.class_embedding", "C", FLT, OPT, TOP(class_token)},
    {"embeddings.position_embedding.weight", "N,C", FLT, 0, TOP(positions)},
    {"pre_layrnorm.weight", "C", FLT, OPT, TOP(first_norm.gamma)},
    {"pre_layrnorm.bias", "C", FLT, OPT, TOP(first_norm.beta)},
    {"post_layernorm.weight", "C", FLT, OPT, TOP(last_norm.gamma)},
    {"post_layernorm.bias", "C", FLT, OPT, TOP(last_norm.beta)},
};

static const att_spec_row HF_BLOCK[] = {
    {"encoder.layers.%d.layer_norm1.weight", "C", FLT, 0, BLK(self_norm.gamma)},
    {"encoder.layers.%d.layer_norm1.bias", "C", FLT, 0, BLK(self_norm.beta)},
    {"encoder.layers.%d.self_attn.q_proj.weight", "C,C", FLT, 0, BLK(self_qkv[0].weight)},
    {"encoder.layers.%d.self_attn.q_proj.bias", "C", FLT, OPT, BLK(self_qkv[0].bias)},
    {"encoder.layers.%d.self_attn.k_proj.weight", "C,C", FLT, 0, BLK(self_qkv[1].weight)},
    {"encoder.layers.%d.self_attn.k_proj.bias", "C", FLT, OPT, BLK(self_qkv[1].bias)},
    {"encoder.layers.%d.self_attn.v_proj.weight", "C,C", FLT, 0, BLK(self_qkv[2].weight)},
    {"encoder.layers.%d.self_attn.v_proj.bias", "C", FLT, OPT, BLK(self_qkv[2].bias)},
    {"encoder.layers.%d.self_attn.out_proj.weight", "C,C", FLT, 0, BLK(self_out.weight)},
    {"encoder.layers.%d.self_attn.out_proj.bias", "C", FLT, OPT, BLK(self_out.bias)},
    {"encoder.layers.%d.layer_norm2.weight", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"encoder.layers.%d.layer_norm2.bias", "C", FLT, 0, BLK(ffn_norm.beta)},
    {"encoder.layers.%d.mlp.fc1.weight", "F,C", FLT, 0, BLK(ffn_in.weight)},
    {"encoder.layers.%d.mlp.fc1.bias", "F", FLT, OPT, BLK(ffn_in.bias)},
    {"encoder.layers.%d.mlp.fc2.weight", "C,F", FLT, 0, BLK(ffn_out.weight)},
    {"encoder.layers.%d.mlp.fc2.bias", "C", FLT, OPT, BLK(ffn_out.bias)},
};

static const att_spec_row GGUF_TOP[] = {
    {"patch_embd.weight", "C,3,P,P", FLT, 0, TOP(patch.weight)},
    {"patch_embd.bias", "C", FLT, OPT, TOP(patch.bias)},
    {"class_embd", "C", FLT, OPT, TOP(class_token)},
    {"position_embd.weight", "N,C", FLT, 0, TOP(positions)},
    {"pre_ln.weight", "C", FLT, OPT, TOP(first_norm.gamma)},
    {"pre_ln.bias", "C", FLT, OPT, TOP(first_norm.beta)},
    {"post_ln.weight", "C", FLT, OPT, TOP(last_norm.gamma)},
    {"post_ln.bias", "C", FLT, OPT, TOP(last_norm.beta)},
};

static const att_spec_row GGUF_BLOCK[] = {
    {"blk.%d.ln1.weight", "C", FLT, 0, BLK(self_norm.gamma)},
    {"blk.%d.ln1.bias", "C", FLT, 0, BLK(self_norm.beta)},
    {"blk.%d.attn_q.weight", "C,C", QNT, 0, BLK(self_qkv[0].weight)},
    {"blk.%d.attn_q.bias", "C", FLT, OPT, BLK(self_qkv[0].bias)},
    {"blk.%d.attn_k.weight", "C,C", QNT, 0, BLK(self_qkv[1].weight)},
    {"blk.%d.attn_k.bias", "C", FLT, OPT, BLK(self_qkv[1].bias)},
    {"blk.%d.attn_v.weight", "C,C", QNT, 0, BLK(self_qkv[2].weight)},
    {"blk.%d.attn_v.bias", "C", FLT, OPT, BLK(self_qkv[2].bias)},
    {"blk.%d.attn_out.weight", "C,C", QNT, 0, BLK(self_out.weight)},
    {"blk.%d.attn_out.bias", "C", FLT, OPT, BLK(self_out.bias)},
    {"blk.%d.ln2.weight", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"blk.%d.ln2.bias", "C", FLT, 0, BLK(ffn_norm.beta)},
};

static const att_spec_row GGUF_FFN[] = {
    {"blk.%d.ffn_up.weight", "F,C", QNT, 0, BLK(ffn_in.weight)},
    {"blk.%d.ffn_up.bias", "F", FLT, OPT, BLK(ffn_in.bias)},
    {"blk.%d.ffn_down.weight", "C,F", QNT, 0, BLK(ffn_out.weight)},
    {"blk.%d.ffn_down.bias", "C", FLT, OPT, BLK(ffn_out.bias)},
};

static const att_spec_row GGUF_SWAPPED_FFN[] = {
    {"blk.%d.ffn_down.weight", "F,C", QNT, 0, BLK(ffn_in.weight)},
    {"blk.%d.ffn_down.bias", "F", FLT, OPT, BLK(ffn_in.bias)},
    {"blk.%d.ffn_up.weight", "C,F", QNT, 0, BLK(ffn_out.weight)},
    {"blk.%d.ffn_up.bias", "C", FLT, OPT, BLK(ffn_out.bias)},
};

#define ROWS(table) table, sizeof table / sizeof *table

/* One way of naming the same network, below one prefix. */
typedef struct layout {
    const char *prefix, *layer; /* an array that every layer has */
    const att_spec_row *top;
    size_t n_top;
    const att_spec_row *block;
    size_t n_block;
} layout;

static const layout LAYOUTS[] = {
    {"vision_encoder.", "blocks.%d.ln1.weight", ROWS(NANO_TOP), ROWS(NANO_BLOCK)},
    {"vision_tower.vision_model.", "encoder.layers.%d.layer_norm1.weight", ROWS(HF_TOP),
     ROWS(HF_BLOCK)},
    {"model.vision_tower.vision_model.", "encoder.layers.%d.layer_norm1.weight", ROWS(HF_TOP),
     ROWS(HF_BLOCK)},
    {"vision_tower.", "encoder.layers.%d.layer_norm1.weight", ROWS(HF_TOP), ROWS(HF_BLOCK)},
    {"model.vision_tower.", "encoder.layers.%d.layer_norm1.weight", ROWS(HF_TOP), ROWS(HF_BLOCK)},
    {"model.vision_model.", "encoder.layers.%d.layer_norm1.weight", ROWS(HF_TOP), ROWS(HF_BLOCK)},
    {"vision_model.", "encoder.layers.%d.layer_norm1.weight", ROWS(HF_TOP), ROWS(HF_BLOCK)},
    {"v.", "blk.%d.ln1.weight", ROWS(GGUF_TOP), ROWS(GGUF_BLOCK)},
};

#undef OPT
#undef FLT
#undef QNT
#undef BLK
#undef TOP

/* The layout and how many layers the file has of it. */
static const layout *find_layout(const att_weights *weights, int32_t *layers)
{
    for (size_t i = 0; i < sizeof LAYOUTS / sizeof *LAYOUTS; i++) {
        char pattern[128];
        snprintf(pattern, sizeof pattern, "%s%s", LAYOUTS[i].prefix, LAYOUTS[i].layer);
        *layers = att_spec_layers(weights, pattern);
        if (*layers > 0) return &LAYOUTS[i];
    }
    return NULL;
}

enum { C, F, P, N, N_LETTERS, MAX_LAYERS = 512, MAX_SIDE = 1024 };

/* The feed-forward part of GGUF's, whose names its first layer's shape decides: up is the one that
 * takes C inputs. Equal widths tell nothing; then names are as they should be. */
static void bind_ffn(att_weights *weights, int32_t layer, att_letter *letters,
                     att_vit_block_arrays *block, att_complaints *complaints)
{
    const att_array *up = att_weights_find(weights, "v.blk.0.ffn_up.weight");
    const int swapped = up && up->rank == 2 && up->dims[1] != letters[C].size;
    if (swapped)
        atti_vision_bind(weights, "v.", ROWS(GGUF_SWAPPED_FFN), layer, letters, N_LETTERS, block,
                         complaints);
    else
        atti_vision_bind(weights, "v.", ROWS(GGUF_FFN), layer, letters, N_LETTERS, block,
                         complaints);
}

#undef ROWS

/* A norm of which only one half is there. */
static void check_norm(const char *what, const att_vision_norm *norm, att_complaints *complaints)
{
    if (!norm->gamma != !norm->beta)
        att_complain(complaints, "the %s norm has a %s alone", what,
                     norm->gamma ? "weight" : "bias");
}

static int32_t root_of(int64_t n)
{
    int32_t side = 0;
    while ((int64_t)(side + 1) * (side + 1) <= n && side < MAX_SIDE) side++;
    return side;
}

static void read_sizes(const att_letter *l, const att_vit_arrays *a, int32_t layers,
                       att_vit_config *config, att_complaints *complaints)
{
    const int64_t patches = l[N].size - (a->class_token != NULL);
    const int32_t side = root_of(patches);
    if (layers > MAX_LAYERS || l[C].size > 1 << 16 || l[F].size > 1 << 18 || l[P].size > 256)
        att_complain(complaints, "layers, widths or patches are absurdly large");
    if ((int64_t)side * side != patches || side < 1)
        att_complain(complaints, "there are %lld positions%s, expected a square%s",
                     (long long)l[N].size, a->class_token ? " with a class token's" : "",
                     a->class_token ? " and one" : "");
    check_norm("first", &a->first_norm, complaints);
    check_norm("last", &a->last_norm, complaints);
    *config = (att_vit_config){
        .width = (int32_t)l[C].size,
        .heads = l[C].size >= 64 ? (int32_t)(l[C].size / 64) : 1,
        .ffn_width = (int32_t)l[F].size,
        .layers = layers,
        .patch = (int32_t)l[P].size,
        .side = side,
        .class_token = a->class_token != NULL,
        .first_norm = a->first_norm.gamma != NULL,
        .last_norm = a->last_norm.gamma != NULL,
        .ffn = ATT_FFN_GELU_TANH,
        .eps = 1e-6f,
    };
}

att_status atti_vit_bind(att_weights *weights, att_vit_config *config, att_vit_arrays *arrays,
                         att_err *err)
{
    int32_t layers = 0;
    att_letter letters[N_LETTERS] = {{'C', 0}, {'F', 0}, {'P', 0}, {'N', 0}};
    att_complaints complaints = {0};
    const layout *l = find_layout(weights, &layers);
    memset(arrays, 0, sizeof *arrays);
    if (!l)
        return att_fail(err, ATT_E_MODEL,
                        "load %s: no vision encoder in it, by nanoVLM's names, Hugging Face's or "
                        "those of GGUF",
                        att_weights_path(weights));
    arrays->blocks = att_calloc((size_t)layers, sizeof *arrays->blocks);
    if (!arrays->blocks)
        return att_fail(err, ATT_E_MEMORY, "load %s: out of memory", att_weights_path(weights));
    atti_vision_bind(weights, l->prefix, l->top, l->n_top, -1, letters, N_LETTERS, arrays,
                     &complaints);
    for (int32_t i = 0; i < layers; i++) {
        atti_vision_bind(weights, l->prefix, l->block, l->n_block, i, letters, N_LETTERS,
                         &arrays->blocks[i], &complaints);
        if (l->block == GGUF_BLOCK) bind_ffn(weights, i, letters, &arrays->blocks[i], &complaints);
    }
    if (complaints.n == 0) read_sizes(letters, arrays, layers, config, &complaints);
    return att_complaints_status(&complaints, weights, err);
}

att_status att_vit_read_config(att_vit_config *config, att_weights *weights, att_err *err)
{
    att_vit_arrays arrays;
    const att_status status = atti_vit_bind(weights, config, &arrays, err);
    att_free(arrays.blocks);
    return status;
}
