/* whisper_spec.c - the spec tables of Whisper (whisper_spec.h): the names of CTranslate2, of
 * Hugging Face and of ggml files. Letters: C width, F feed-forward width, M mels, A audio context,
 * T text context, V vocabulary. Tests: tests/models/test_whisper_tiny.c */
#include "whisper_spec.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define OPT         ATT_SPEC_OPTIONAL
#define FLT         ATT_SPEC_FLOATS
#define WGT         (ATT_SPEC_FLOATS | ATT_SPEC_I8)
#define QNT         (ATT_SPEC_FLOATS | ATT_SPEC_BLOCKS)
#define BLK(member) offsetof(att_whisper_block_arrays, member)
#define TOP(member) offsetof(att_whisper_arrays, member)

static const att_spec_row CT2_TOP[] = {
    {"encoder/conv1/weight", "C,M,3", FLT, 0, TOP(conv1.weight)},
    {"encoder/conv1/bias", "C", FLT, 0, TOP(conv1.bias)},
    {"encoder/conv2/weight", "C,C,3", FLT, 0, TOP(conv2.weight)},
    {"encoder/conv2/bias", "C", FLT, 0, TOP(conv2.bias)},
    {"encoder/position_encodings/encodings", "A,C", FLT, 0, TOP(audio_positions)},
    {"encoder/layer_norm/gamma", "C", FLT, 0, TOP(audio_norm.gamma)},
    {"encoder/layer_norm/beta", "C", FLT, 0, TOP(audio_norm.beta)},
    {"decoder/embeddings/weight", "V,C", WGT, 0, TOP(tokens.weight)},
    {"decoder/embeddings/weight_scale", "V", ATT_SPEC_F32, OPT, TOP(tokens.scale)},
    {"decoder/position_encodings/encodings", "T,C", FLT, 0, TOP(text_positions)},
    {"decoder/layer_norm/gamma", "C", FLT, 0, TOP(text_norm.gamma)},
    {"decoder/layer_norm/beta", "C", FLT, 0, TOP(text_norm.beta)},
};

static const att_spec_row CT2_AUDIO_BLOCK[] = {
    {"encoder/layer_%d/self_attention/layer_norm/gamma", "C", FLT, 0, BLK(self_norm.gamma)},
    {"encoder/layer_%d/self_attention/layer_norm/beta", "C", FLT, 0, BLK(self_norm.beta)},
    {"encoder/layer_%d/self_attention/linear_0/weight", "3C,C", WGT, 0, BLK(self_qkv[0].weight)},
    {"encoder/layer_%d/self_attention/linear_0/weight_scale", "3C", ATT_SPEC_F32, OPT,
     BLK(self_qkv[0].scale)},
    {"encoder/layer_%d/self_attention/linear_0/bias", "3C", FLT, 0, BLK(self_qkv[0].bias)},
    {"encoder/layer_%d/self_attention/linear_1/weight", "C,C", WGT, 0, BLK(self_out.weight)},
    {"encoder/layer_%d/self_attention/linear_1/weight_scale", "C", ATT_SPEC_F32, OPT,
     BLK(self_out.scale)},
    {"encoder/layer_%d/self_attention/linear_1/bias", "C", FLT, 0, BLK(self_out.bias)},
    {"encoder/layer_%d/ffn/layer_norm/gamma", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"encoder/layer_%d/ffn/layer_norm/beta", "C", FLT, 0, BLK(ffn_norm.beta)},
    {"encoder/layer_%d/ffn/linear_0/weight", "F,C", WGT, 0, BLK(ffn_in.weight)},
    {"encoder/layer_%d/ffn/linear_0/weight_scale", "F", ATT_SPEC_F32, OPT, BLK(ffn_in.scale)},
    {"encoder/layer_%d/ffn/linear_0/bias", "F", FLT, 0, BLK(ffn_in.bias)},
    {"encoder/layer_%d/ffn/linear_1/weight", "C,F", WGT, 0, BLK(ffn_out.weight)},
    {"encoder/layer_%d/ffn/linear_1/weight_scale", "C", ATT_SPEC_F32, OPT, BLK(ffn_out.scale)},
    {"encoder/layer_%d/ffn/linear_1/bias", "C", FLT, 0, BLK(ffn_out.bias)},
};

static const att_spec_row CT2_TEXT_BLOCK[] = {
    {"decoder/layer_%d/self_attention/layer_norm/gamma", "C", FLT, 0, BLK(self_norm.gamma)},
    {"decoder/layer_%d/self_attention/layer_norm/beta", "C", FLT, 0, BLK(self_norm.beta)},
    {"decoder/layer_%d/self_attention/linear_0/weight", "3C,C", WGT, 0, BLK(self_qkv[0].weight)},
    {"decoder/layer_%d/self_attention/linear_0/weight_scale", "3C", ATT_SPEC_F32, OPT,
     BLK(self_qkv[0].scale)},
    {"decoder/layer_%d/self_attention/linear_0/bias", "3C", FLT, 0, BLK(self_qkv[0].bias)},
    {"decoder/layer_%d/self_attention/linear_1/weight", "C,C", WGT, 0, BLK(self_out.weight)},
    {"decoder/layer_%d/self_attention/linear_1/weight_scale", "C", ATT_SPEC_F32, OPT,
     BLK(self_out.scale)},
    {"decoder/layer_%d/self_attention/linear_1/bias", "C", FLT, 0, BLK(self_out.bias)},
    {"decoder/layer_%d/attention/layer_norm/gamma", "C", FLT, 0, BLK(cross_norm.gamma)},
    {"decoder/layer_%d/attention/layer_norm/beta", "C", FLT, 0, BLK(cross_norm.beta)},
    {"decoder/layer_%d/attention/linear_0/weight", "C,C", WGT, 0, BLK(cross_q.weight)},
    {"decoder/layer_%d/attention/linear_0/weight_scale", "C", ATT_SPEC_F32, OPT,
     BLK(cross_q.scale)},
    {"decoder/layer_%d/attention/linear_0/bias", "C", FLT, 0, BLK(cross_q.bias)},
    {"decoder/layer_%d/attention/linear_1/weight", "2C,C", WGT, 0, BLK(cross_kv[0].weight)},
    {"decoder/layer_%d/attention/linear_1/weight_scale", "2C", ATT_SPEC_F32, OPT,
     BLK(cross_kv[0].scale)},
    {"decoder/layer_%d/attention/linear_1/bias", "2C", FLT, 0, BLK(cross_kv[0].bias)},
    {"decoder/layer_%d/attention/linear_2/weight", "C,C", WGT, 0, BLK(cross_out.weight)},
    {"decoder/layer_%d/attention/linear_2/weight_scale", "C", ATT_SPEC_F32, OPT,
     BLK(cross_out.scale)},
    {"decoder/layer_%d/attention/linear_2/bias", "C", FLT, 0, BLK(cross_out.bias)},
    {"decoder/layer_%d/ffn/layer_norm/gamma", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"decoder/layer_%d/ffn/layer_norm/beta", "C", FLT, 0, BLK(ffn_norm.beta)},
    {"decoder/layer_%d/ffn/linear_0/weight", "F,C", WGT, 0, BLK(ffn_in.weight)},
    {"decoder/layer_%d/ffn/linear_0/weight_scale", "F", ATT_SPEC_F32, OPT, BLK(ffn_in.scale)},
    {"decoder/layer_%d/ffn/linear_0/bias", "F", FLT, 0, BLK(ffn_in.bias)},
    {"decoder/layer_%d/ffn/linear_1/weight", "C,F", WGT, 0, BLK(ffn_out.weight)},
    {"decoder/layer_%d/ffn/linear_1/weight_scale", "C", ATT_SPEC_F32, OPT, BLK(ffn_out.scale)},
    {"decoder/layer_%d/ffn/linear_1/bias", "C", FLT, 0, BLK(ffn_out.bias)},
};

static const att_spec_row HF_TOP[] = {
    {"model.encoder.conv1.weight", "C,M,3", FLT, 0, TOP(conv1.weight)},
    {"model.encoder.conv1.bias", "C", FLT, 0, TOP(conv1.bias)},
    {"model.encoder.conv2.weight", "C,C,3", FLT, 0, TOP(conv2.weight)},
    {"model.encoder.conv2.bias", "C", FLT, 0, TOP(conv2.bias)},
    {"model.encoder.embed_positions.weight", "A,C", FLT, 0, TOP(audio_positions)},
    {"model.encoder.layer_norm.weight", "C", FLT, 0, TOP(audio_norm.gamma)},
    {"model.encoder.layer_norm.bias", "C", FLT, 0, TOP(audio_norm.beta)},
    {"model.decoder.embed_tokens.weight", "V,C", FLT, 0, TOP(tokens.weight)},
    {"model.decoder.embed_positions.weight", "T,C", FLT, 0, TOP(text_positions)},
    {"model.decoder.layer_norm.weight", "C", FLT, 0, TOP(text_norm.gamma)},
    {"model.decoder.layer_norm.bias", "C", FLT, 0, TOP(text_norm.beta)},
};

static const att_spec_row HF_AUDIO_BLOCK[] = {
    {"model.encoder.layers.%d.self_attn_layer_norm.weight", "C", FLT, 0, BLK(self_norm.gamma)},
    {"model.encoder.layers.%d.self_attn_layer_norm.bias", "C", FLT, 0, BLK(self_norm.beta)},
    {"model.encoder.layers.%d.self_attn.q_proj.weight", "C,C", FLT, 0, BLK(self_qkv[0].weight)},
    {"model.encoder.layers.%d.self_attn.q_proj.bias", "C", FLT, 0, BLK(self_qkv[0].bias)},
    {"model.encoder.layers.%d.self_attn.k_proj.weight", "C,C", FLT, 0, BLK(self_qkv[1].weight)},
    {"model.encoder.layers.%d.self_attn.v_proj.weight", "C,C", FLT, 0, BLK(self_qkv[2].weight)},
    {"model.encoder.layers.%d.self_attn.v_proj.bias", "C", FLT, 0, BLK(self_qkv[2].bias)},
    {"model.encoder.layers.%d.self_attn.out_proj.weight", "C,C", FLT, 0, BLK(self_out.weight)},
    {"model.encoder.layers.%d.self_attn.out_proj.bias", "C", FLT, 0, BLK(self_out.bias)},
    {"model.encoder.layers.%d.final_layer_norm.weight", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"model.encoder.layers.%d.final_layer_norm.bias", "C", FLT, 0, BLK(ffn_norm.beta)},
    {"model.encoder.layers.%d.fc1.weight", "F,C", FLT, 0, BLK(ffn_in.weight)},
    {"model.encoder.layers.%d.fc1.bias", "F", FLT, 0, BLK(ffn_in.bias)},
    {"model.encoder.layers.%d.fc2.weight", "C,F", FLT, 0, BLK(ffn_out.weight)},
    {"model.encoder.layers.%d.fc2.bias", "C", FLT, 0, BLK(ffn_out.bias)},
};

static const att_spec_row HF_TEXT_BLOCK[] = {
    {"model.decoder.layers.%d.self_attn_layer_norm.weight", "C", FLT, 0, BLK(self_norm.gamma)},
    {"model.decoder.layers.%d.self_attn_layer_norm.bias", "C", FLT, 0, BLK(self_norm.beta)},
    {"model.decoder.layers.%d.self_attn.q_proj.weight", "C,C", FLT, 0, BLK(self_qkv[0].weight)},
    {"model.decoder.layers.%d.self_attn.q_proj.bias", "C", FLT, 0, BLK(self_qkv[0].bias)},
    {"model.decoder.layers.%d.self_attn.k_proj.weight", "C,C", FLT, 0, BLK(self_qkv[1].weight)},
    {"model.decoder.layers.%d.self_attn.v_proj.weight", "C,C", FLT, 0, BLK(self_qkv[2].weight)},
    {"model.decoder.layers.%d.self_attn.v_proj.bias", "C", FLT, 0, BLK(self_qkv[2].bias)},
    {"model.decoder.layers.%d.self_attn.out_proj.weight", "C,C", FLT, 0, BLK(self_out.weight)},
    {"model.decoder.layers.%d.self_attn.out_proj.bias", "C", FLT, 0, BLK(self_out.bias)},
    {"model.decoder.layers.%d.encoder_attn_layer_norm.weight", "C", FLT, 0, BLK(cross_norm.gamma)},
    {"model.decoder.layers.%d.encoder_attn_layer_norm.bias", "C", FLT, 0, BLK(cross_norm.beta)},
    {"model.decoder.layers.%d.encoder_attn.q_proj.weight", "C,C", FLT, 0, BLK(cross_q.weight)},
    {"model.decoder.layers.%d.encoder_attn.q_proj.bias", "C", FLT, 0, BLK(cross_q.bias)},
    {"model.decoder.layers.%d.encoder_attn.k_proj.weight", "C,C", FLT, 0, BLK(cross_kv[0].weight)},
    {"model.decoder.layers.%d.encoder_attn.v_proj.weight", "C,C", FLT, 0, BLK(cross_kv[1].weight)},
    {"model.decoder.layers.%d.encoder_attn.v_proj.bias", "C", FLT, 0, BLK(cross_kv[1].bias)},
    {"model.decoder.layers.%d.encoder_attn.out_proj.weight", "C,C", FLT, 0, BLK(cross_out.weight)},
    {"model.decoder.layers.%d.encoder_attn.out_proj.bias", "C", FLT, 0, BLK(cross_out.bias)},
    {"model.decoder.layers.%d.final_layer_norm.weight", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"model.decoder.layers.%d.final_layer_norm.bias", "C", FLT, 0, BLK(ffn_norm.beta)},
    {"model.decoder.layers.%d.fc1.weight", "F,C", FLT, 0, BLK(ffn_in.weight)},
    {"model.decoder.layers.%d.fc1.bias", "F", FLT, 0, BLK(ffn_in.bias)},
    {"model.decoder.layers.%d.fc2.weight", "C,F", FLT, 0, BLK(ffn_out.weight)},
    {"model.decoder.layers.%d.fc2.bias", "C", FLT, 0, BLK(ffn_out.bias)},
};

/* OpenAI's names, in ggml files. Position tables, vectors and convolutions are never in blocks. */
static const att_spec_row GGML_TOP[] = {
    {"encoder.conv1.weight", "C,M,3", FLT, 0, TOP(conv1.weight)},
    {"encoder.conv1.bias", "C,1", FLT, 0, TOP(conv1.bias)},
    {"encoder.conv2.weight", "C,C,3", FLT, 0, TOP(conv2.weight)},
    {"encoder.conv2.bias", "C,1", FLT, 0, TOP(conv2.bias)},
    {"encoder.positional_embedding", "A,C", FLT, 0, TOP(audio_positions)},
    {"encoder.ln_post.weight", "C", FLT, 0, TOP(audio_norm.gamma)},
    {"encoder.ln_post.bias", "C", FLT, 0, TOP(audio_norm.beta)},
    {"decoder.token_embedding.weight", "V,C", QNT, 0, TOP(tokens.weight)},
    {"decoder.positional_embedding", "T,C", FLT, 0, TOP(text_positions)},
    {"decoder.ln.weight", "C", FLT, 0, TOP(text_norm.gamma)},
    {"decoder.ln.bias", "C", FLT, 0, TOP(text_norm.beta)},
};

static const att_spec_row GGML_AUDIO_BLOCK[] = {
    {"encoder.blocks.%d.attn_ln.weight", "C", FLT, 0, BLK(self_norm.gamma)},
    {"encoder.blocks.%d.attn_ln.bias", "C", FLT, 0, BLK(self_norm.beta)},
    {"encoder.blocks.%d.attn.query.weight", "C,C", QNT, 0, BLK(self_qkv[0].weight)},
    {"encoder.blocks.%d.attn.query.bias", "C", FLT, 0, BLK(self_qkv[0].bias)},
    {"encoder.blocks.%d.attn.key.weight", "C,C", QNT, 0, BLK(self_qkv[1].weight)},
    {"encoder.blocks.%d.attn.value.weight", "C,C", QNT, 0, BLK(self_qkv[2].weight)},
    {"encoder.blocks.%d.attn.value.bias", "C", FLT, 0, BLK(self_qkv[2].bias)},
    {"encoder.blocks.%d.attn.out.weight", "C,C", QNT, 0, BLK(self_out.weight)},
    {"encoder.blocks.%d.attn.out.bias", "C", FLT, 0, BLK(self_out.bias)},
    {"encoder.blocks.%d.mlp_ln.weight", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"encoder.blocks.%d.mlp_ln.bias", "C", FLT, 0, BLK(ffn_norm.beta)},
    {"encoder.blocks.%d.mlp.0.weight", "F,C", QNT, 0, BLK(ffn_in.weight)},
    {"encoder.blocks.%d.mlp.0.bias", "F", FLT, 0, BLK(ffn_in.bias)},
    {"encoder.blocks.%d.mlp.2.weight", "C,F", QNT, 0, BLK(ffn_out.weight)},
    {"encoder.blocks.%d.mlp.2.bias", "C", FLT, 0, BLK(ffn_out.bias)},
};

static const att_spec_row GGML_TEXT_BLOCK[] = {
    {"decoder.blocks.%d.attn_ln.weight", "C", FLT, 0, BLK(self_norm.gamma)},
    {"decoder.blocks.%d.attn_ln.bias", "C", FLT, 0, BLK(self_norm.beta)},
    {"decoder.blocks.%d.attn.query.weight", "C,C", QNT, 0, BLK(self_qkv[0].weight)},
    {"decoder.blocks.%d.attn.query.bias", "C", FLT, 0, BLK(self_qkv[0].bias)},
    {"decoder.blocks.%d.attn.key.weight", "C,C", QNT, 0, BLK(self_qkv[1].weight)},
    {"decoder.blocks.%d.attn.value.weight", "C,C", QNT, 0, BLK(self_qkv[2].weight)},
    {"decoder.blocks.%d.attn.value.bias", "C", FLT, 0, BLK(self_qkv[2].bias)},
    {"decoder.blocks.%d.attn.out.weight", "C,C", QNT, 0, BLK(self_out.weight)},
    {"decoder.blocks.%d.attn.out.bias", "C", FLT, 0, BLK(self_out.bias)},
    {"decoder.blocks.%d.cross_attn_ln.weight", "C", FLT, 0, BLK(cross_norm.gamma)},
    {"decoder.blocks.%d.cross_attn_ln.bias", "C", FLT, 0, BLK(cross_norm.beta)},
    {"decoder.blocks.%d.cross_attn.query.weight", "C,C", QNT, 0, BLK(cross_q.weight)},
    {"decoder.blocks.%d.cross_attn.query.bias", "C", FLT, 0, BLK(cross_q.bias)},
    {"decoder.blocks.%d.cross_attn.key.weight", "C,C", QNT, 0, BLK(cross_kv[0].weight)},
    {"decoder.blocks.%d.cross_attn.value.weight", "C,C", QNT, 0, BLK(cross_kv[1].weight)},
    {"decoder.blocks.%d.cross_attn.value.bias", "C", FLT, 0, BLK(cross_kv[1].bias)},
    {"decoder.blocks.%d.cross_attn.out.weight", "C,C", QNT, 0, BLK(cross_out.weight)},
    {"decoder.blocks.%d.cross_attn.out.bias", "C", FLT, 0, BLK(cross_out.bias)},
    {"decoder.blocks.%d.mlp_ln.weight", "C", FLT, 0, BLK(ffn_norm.gamma)},
    {"decoder.blocks.%d.mlp_ln.bias", "C", FLT, 0, BLK(ffn_norm.beta)},
    {"decoder.blocks.%d.mlp.0.weight", "F,C", QNT, 0, BLK(ffn_in.weight)},
    {"decoder.blocks.%d.mlp.0.bias", "F", FLT, 0, BLK(ffn_in.bias)},
    {"decoder.blocks.%d.mlp.2.weight", "C,F", QNT, 0, BLK(ffn_out.weight)},
    {"decoder.blocks.%d.mlp.2.bias", "C", FLT, 0, BLK(ffn_out.bias)},
};

#define ROWS(table) table, sizeof table / sizeof *table

/* One way of naming the same network. */
typedef struct layout {
    const char *audio_layer, *text_layer; /* an array that every layer has */
    const att_spec_row *top;
    size_t n_top;
    const att_spec_row *audio_block;
    size_t n_audio_block;
    const att_spec_row *text_block;
    size_t n_text_block;
    int32_t inverse_scale;
} layout;

static const layout LAYOUTS[] = {
    {"encoder/layer_%d/ffn/layer_norm/gamma", "decoder/layer_%d/ffn/layer_norm/gamma",
     ROWS(CT2_TOP), ROWS(CT2_AUDIO_BLOCK), ROWS(CT2_TEXT_BLOCK), 1},
    {"model.encoder.layers.%d.fc1.weight", "model.decoder.layers.%d.fc1.weight", ROWS(HF_TOP),
     ROWS(HF_AUDIO_BLOCK), ROWS(HF_TEXT_BLOCK), 0},
    {"encoder.blocks.%d.mlp.0.weight", "decoder.blocks.%d.mlp.0.weight", ROWS(GGML_TOP),
     ROWS(GGML_AUDIO_BLOCK), ROWS(GGML_TEXT_BLOCK), 0},
};

#undef OPT
#undef FLT
#undef WGT
#undef QNT
#undef BLK
#undef TOP
#undef ROWS

static const layout *find_layout(const att_weights *weights)
{
    for (size_t i = 0; i < sizeof LAYOUTS / sizeof *LAYOUTS; i++)
        if (att_spec_layers(weights, LAYOUTS[i].audio_layer) > 0) return &LAYOUTS[i];
    return NULL;
}

/* A scalar that the file may hold must be what the network is built as. */
static void expect(const att_weights *weights, const char *name, double value, const char *why,
                   att_complaints *complaints)
{
    const att_array *a = att_weights_find(weights, name);
    if (a && att_array_value(a, 0) != value)
        att_complain(complaints, "'%s' is %g, expected %g (%s)", name, att_array_value(a, 0), value,
                     why);
}

enum { HEAD_WIDTH = 64 }; /* in every size of Whisper */

static void check_fields(const att_weights *weights, int64_t width, att_complaints *complaints)
{
    const double heads = (double)(width / HEAD_WIDTH);
    expect(weights, "encoder/num_heads", heads, "heads are 64 wide", complaints);
    expect(weights, "decoder/num_heads", heads, "heads are 64 wide", complaints);
    expect(weights, "decoder/pre_norm", 1.0, "norms come first", complaints);
    expect(weights, "decoder/alibi", 0.0, "positions are learned", complaints);
    expect(weights, "decoder/scale_embeddings", 0.0, "embeddings are as stored", complaints);
    if (width % HEAD_WIDTH)
        att_complain(complaints, "the width is %lld, expected a multiple of 64", (long long)width);
}

enum { C, M, A, T, V, F, N_LETTERS };

static void check_sizes(const att_letter *l, int32_t n_text, att_complaints *complaints)
{
    if (l[F].size != 4 * l[C].size)
        att_complain(complaints, "the feed-forward width is %lld, expected 4 x %lld",
                     (long long)l[F].size, (long long)l[C].size);
    if (l[M].size > 1024 || l[A].size > 16384 || l[T].size > 16384)
        att_complain(complaints, "mels, audio or text context are absurdly large");
    if (l[T].size > 448) /* ATT_WHISPER_MAX_TOKENS is half of it */
        att_complain(complaints, "the text context is %lld, at most 448 is built",
                     (long long)l[T].size);
    if (n_text < 1) att_complain(complaints, "there is no decoder layer");
}

/* The header of a ggml file must say what its tensors are. */
static void check_header(const att_weights *weights, const att_whisper_config *c,
                         att_complaints *complaints)
{
    const struct {
        const char *key;
        int32_t value;
    } fields[] = {
        {"n_vocab", c->vocab},
        {"n_audio_ctx", c->audio_ctx},
        {"n_audio_state", c->audio_width},
        {"n_audio_head", c->audio_heads},
        {"n_audio_layer", c->audio_layers},
        {"n_text_ctx", c->text_ctx},
        {"n_text_state", c->text_width},
        {"n_text_head", c->text_heads},
        {"n_text_layer", c->text_layers},
        {"n_mels", c->n_mels},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *said = att_weights_text(weights, fields[i].key);
        if (said && strtol(said, NULL, 10) != fields[i].value)
            att_complain(complaints, "the header says %s = %s, the tensors make it %d",
                         fields[i].key, said, fields[i].value);
    }
}

static att_status bind_all(att_weights *weights, const layout *l, att_whisper_config *config,
                           att_whisper_arrays *arrays, att_err *err)
{
    const int32_t n_audio = config->audio_layers, n_text = config->text_layers;
    att_letter letters[N_LETTERS] = {{'C', 0}, {'M', 0}, {'A', 0}, {'T', 0}, {'V', 0}, {'F', 0}};
    att_complaints complaints = {0};
    att_spec_bind(weights, l->top, l->n_top, -1, letters, N_LETTERS, arrays, &complaints);
    for (int32_t i = 0; i < n_audio; i++)
        att_spec_bind(weights, l->audio_block, l->n_audio_block, i, letters, N_LETTERS,
                      &arrays->audio_blocks[i], &complaints);
    for (int32_t i = 0; i < n_text; i++)
        att_spec_bind(weights, l->text_block, l->n_text_block, i, letters, N_LETTERS,
                      &arrays->text_blocks[i], &complaints);
    check_fields(weights, letters[C].size, &complaints);
    check_sizes(letters, n_text, &complaints);

    const int32_t width = (int32_t)letters[C].size, heads = width / HEAD_WIDTH;
    *config = (att_whisper_config){
        .n_mels = (int32_t)letters[M].size,
        .audio_ctx = (int32_t)letters[A].size,
        .audio_width = width,
        .audio_heads = heads,
        .audio_layers = n_audio,
        .vocab = (int32_t)letters[V].size,
        .text_ctx = (int32_t)letters[T].size,
        .text_width = width,
        .text_heads = heads,
        .text_layers = n_text,
    };
    if (complaints.n == 0) check_header(weights, config, &complaints);
    return att_complaints_status(&complaints, weights, err);
}

att_status att_whisper_bind(att_weights *weights, att_whisper_config *config,
                            att_whisper_arrays *arrays, att_err *err)
{
    memset(arrays, 0, sizeof *arrays);
    const layout *l = find_layout(weights);
    if (!l)
        return att_fail(err, ATT_E_MODEL,
                        "load %s: no Whisper encoder in it, neither CTranslate2's names nor "
                        "Hugging Face's nor those of ggml files",
                        att_weights_path(weights));
    memset(config, 0, sizeof *config);
    config->audio_layers = att_spec_layers(weights, l->audio_layer);
    config->text_layers = att_spec_layers(weights, l->text_layer);
    arrays->audio_blocks = att_calloc((size_t)config->audio_layers, sizeof *arrays->audio_blocks);
    arrays->text_blocks = att_calloc((size_t)config->text_layers, sizeof *arrays->text_blocks);
    if (!arrays->audio_blocks || !arrays->text_blocks)
        return att_fail(err, ATT_E_MEMORY, "load %s: out of memory", att_weights_path(weights));
    arrays->inverse_scale = l->inverse_scale;
    return bind_all(weights, l, config, arrays, err);
}
