/* llama_rig.c - llama_rig.h. */
#include "llama_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mem.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/llama_tiny_random/"

enum { MAX_PARTS = 3 };

static void need(att_status status, const att_err *err)
{
    if (status) fail_msg("%s", err->text);
}

static const att_array *find(const llama_rig *l, int32_t layer, const char *name)
{
    char full[128];
    if (layer < 0)
        snprintf(full, sizeof full, "%s", name);
    else
        snprintf(full, sizeof full, "model.layers.%d.%s", layer, name);
    const att_array *a = att_weights_find(l->weights, full);
    if (!a) fail_msg("there is no %s", full);
    return a;
}

static float *floats_of(const att_array *a)
{
    const size_t n = (size_t)att_array_elements(a);
    float *x = att_calloc(n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = (float)att_array_value(a, i);
    return x;
}

/* names: of matrices below each other, up to a NULL; each may have a bias. */
static att_linear *make_linear(llama_rig *l, int32_t layer, const char *const *names)
{
    att_linear *linear = NULL;
    att_weight_part parts[MAX_PARTS];
    float *biases[MAX_PARTS] = {NULL};
    int32_t cols = 0;
    size_t n = 0;
    att_err err;
    memset(parts, 0, sizeof parts);
    for (; n < MAX_PARTS && names[n]; n++) {
        char name[96];
        snprintf(name, sizeof name, "%s.weight", names[n]);
        const att_array *a = find(l, layer, name);
        snprintf(name, sizeof name, "model.layers.%d.%s.bias", layer, names[n]);
        const att_array *bias = att_weights_find(l->weights, name);
        if (bias) biases[n] = floats_of(bias);
        cols = (int32_t)a->dims[1];
        parts[n] = (att_weight_part){
            .data = a->data, .dtype = a->dtype, .rows = (int32_t)a->dims[0], .bias = biases[n]};
    }
    need(att_linear_create(&linear, l->r.queue, l->arena, names[0], parts, n, cols,
                           ATT_PRECISION_EXACT, &err),
         &err);
    for (size_t i = 0; i < n; i++) att_free(biases[i]);
    return linear;
}

static att_norm make_norm(llama_rig *l, int32_t layer, const char *name)
{
    att_norm norm = {.kind = l->config.desc.norm, .eps = l->config.desc.norm_eps};
    float *gamma = floats_of(find(l, layer, name));
    att_err err;
    need(att_arena_take(l->arena, name, ATT_F32, l->config.desc.width, &norm.gamma, &err), &err);
    need(att_queue_write(l->r.queue, norm.gamma, gamma, l->config.desc.width, &err), &err);
    att_free(gamma);
    return norm;
}

static void make_block(llama_rig *l, int32_t layer)
{
    static const char *const QKV[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
    static const char *const OUT[] = {"self_attn.o_proj", NULL};
    static const char *const GATE_UP[] = {"mlp.gate_proj", "mlp.up_proj", NULL};
    static const char *const DOWN[] = {"mlp.down_proj", NULL};
    att_block *b = &l->blocks[layer];
    att_err err;
    b->desc = l->config.desc;
    need(att_block_check(&b->desc, &err), &err);
    need(att_rope_init(&b->rope, l->r.queue, l->arena, &b->desc.rope, b->desc.head_width, &err),
         &err);
    b->self_norm = make_norm(l, layer, "input_layernorm.weight");
    b->self_qkv = make_linear(l, layer, QKV);
    b->self_out = make_linear(l, layer, OUT);
    b->ffn_norm = make_norm(l, layer, "post_attention_layernorm.weight");
    b->ffn_in = make_linear(l, layer, GATE_UP);
    b->ffn_out = make_linear(l, layer, DOWN);
}

static att_view take(llama_rig *l, att_dtype dtype, int64_t n)
{
    att_view view;
    att_err err;
    need(att_arena_take(l->arena, "test", dtype, n, &view, &err), &err);
    return view;
}

static void make_memory(llama_rig *l, att_dtype keys)
{
    const att_block_desc *d = &l->config.desc;
    att_err err;
    need(att_block_scratch_init(&l->scratch, l->arena, l->r.device, d, LLAMA_TOKENS, LLAMA_TOKENS,
                                &err),
         &err);
    for (int32_t t = 0; t < LLAMA_TEXTS; t++) {
        for (int32_t i = 0; i < LLAMA_LAYERS; i++)
            need(att_cache_init(&l->caches[t][i], l->arena, "test", keys, LLAMA_TOKENS, d->kv_heads,
                                d->head_width, d->head_width, &err),
                 &err);
        l->positions[t] = take(l, ATT_I32, LLAMA_TOKENS);
    }
    l->ids = take(l, ATT_I32, LLAMA_TOKENS);
    l->x = att_mat_of(take(l, ATT_F32, (int64_t)LLAMA_TOKENS * d->width), LLAMA_TOKENS, d->width);
    l->logits = att_mat_of(take(l, ATT_F32, (int64_t)LLAMA_TOKENS * LLAMA_VOCAB), LLAMA_TOKENS,
                           LLAMA_VOCAB);
}

/* What att_block_scratch_init() does where products are of halves. */
static void halve_scratch(llama_rig *l)
{
    const att_block_desc *d = &l->config.desc;
    const int32_t wide = d->heads * d->head_width + 2 * d->kv_heads * d->head_width;
    const int32_t more = 2 * d->ffn_width > wide ? 2 * d->ffn_width : wide;
    l->scratch.hidden = take(l, ATT_F16, (int64_t)LLAMA_TOKENS * d->heads * d->head_width * 2);
    l->scratch.wide = take(l, ATT_F16, (int64_t)LLAMA_TOKENS * more);
}

llama_rig llama_rig_open(const llama_config *config, int portable, int halves)
{
    static const char *const TOKENS[] = {"model.embed_tokens", NULL}, *const HEAD[] = {"lm_head",
                                                                                       NULL};
    llama_rig l = {.r = rig_open(portable), .config = *config};
    char path[512];
    att_err err;
    snprintf(path, sizeof path, GOLDEN "%s/model.safetensors", config->name);
    need(att_weights_open(&l.weights, path, &err), &err);
    snprintf(path, sizeof path, GOLDEN "%s/golden.safetensors", config->name);
    need(att_weights_open(&l.golden, path, &err), &err);
    need(att_arena_create(&l.arena, l.r.device, "test", &err), &err);
    l.tokens = make_linear(&l, -1, TOKENS);
    l.head = config->tied ? l.tokens : make_linear(&l, -1, HEAD);
    for (int32_t i = 0; i < LLAMA_LAYERS; i++) make_block(&l, i);
    l.norm = make_norm(&l, -1, "model.norm.weight");
    make_memory(&l, halves ? ATT_F16 : ATT_F32);
    if (halves) halve_scratch(&l);
    return l;
}

void llama_rig_close(llama_rig *l)
{
    for (int32_t i = 0; i < LLAMA_LAYERS; i++) att_block_finish(&l->blocks[i]);
    if (!l->config.tied) att_linear_destroy(l->head);
    att_linear_destroy(l->tokens);
    att_arena_destroy(l->arena);
    att_weights_close(l->weights);
    att_weights_close(l->golden);
    rig_close(&l->r);
}

void llama_rig_clear(llama_rig *l)
{
    for (int32_t t = 0; t < LLAMA_TEXTS; t++)
        for (int32_t i = 0; i < LLAMA_LAYERS; i++) l->caches[t][i].length = 0;
}

/* Who sees whom: by position, where tokens have one of their own. */
static att_attn_call policy_of(const llama_rig *l, const llama_part *part)
{
    const int32_t first = l->caches[part->text][0].length;
    att_attn_call policy = {.mask = {.flags = ATT_MASK_CAUSAL, .q_first = first}};
    if (l->config.window) {
        policy.mask.flags |= ATT_MASK_WINDOW;
        policy.mask.left = l->config.window - 1;
        policy.mask.right = -1;
    }
    if (part->positions) {
        policy.mask.q_pos = att_view_at(l->positions[part->text], first);
        policy.mask.k_pos = l->positions[part->text];
    }
    return policy;
}

/* Sends ids and positions and describes the parts; their caches are the layer's. */
static int32_t describe(llama_rig *l, const llama_part *parts, int32_t n_parts,
                        att_attn_call *policies, att_view *positions, att_block_part *out)
{
    int32_t rows = 0;
    att_err err;
    for (int32_t i = 0; i < n_parts; i++) {
        const llama_part *p = &parts[i];
        const int32_t first = l->caches[p->text][0].length;
        need(att_queue_write(l->r.queue, att_view_at(l->ids, rows), p->ids, p->rows, &err), &err);
        if (p->positions)
            need(att_queue_write(l->r.queue, l->positions[p->text], p->positions, LLAMA_TOKENS,
                                 &err),
                 &err);
        policies[i] = policy_of(l, p);
        positions[i] = att_view_at(l->positions[p->text], first);
        out[i] = (att_block_part){.rows = p->rows,
                                  .self_policy = &policies[i],
                                  .first = first,
                                  .positions = p->positions ? &positions[i] : NULL};
        rows += p->rows;
    }
    return rows;
}

void llama_rig_run(llama_rig *l, const llama_part *parts, int32_t n_parts, float *logits)
{
    att_attn_call policies[LLAMA_TEXTS];
    att_view positions[LLAMA_TEXTS];
    att_block_part described[LLAMA_TEXTS];
    att_err err;
    assert_true(n_parts <= LLAMA_TEXTS);
    const int32_t rows = describe(l, parts, n_parts, policies, positions, described);
    const att_mat x = att_mat_rows(l->x, 0, rows), none = {.rows = 0};
    const att_mat out = att_mat_rows(l->logits, 0, rows);
    const att_block_call call = {.x = x, .parts = described, .n_parts = n_parts};
    need(att_linear_rows_of(l->r.queue, l->tokens, l->ids, x, none, &err), &err);
    for (int32_t layer = 0; layer < LLAMA_LAYERS; layer++) {
        for (int32_t i = 0; i < n_parts; i++)
            described[i].self_cache = &l->caches[parts[i].text][layer];
        need(att_block_apply(l->r.queue, &l->blocks[layer], &l->scratch, &call, &err), &err);
    }
    need(att_norm_apply(l->r.queue, &l->norm, x, x, &err), &err);
    need(att_linear_apply(l->r.queue, l->head, x, out, NULL, &err), &err);
    need(att_queue_read(l->r.queue, logits, out.view, (int64_t)rows * LLAMA_VOCAB, &err), &err);
}
