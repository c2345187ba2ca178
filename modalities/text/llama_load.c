/* llama_load.c - arrays of a Llama-family model packed and uploaded, its kernels made ready
 * (llama_model.h). Tests: tests/models/test_llama.c */
#include <string.h>

#include "llama_model.h"
#include "mem.h"

enum { MAX_PARTS = 3 };

typedef struct loader {
    att_llama *llama;
    att_queue *queue;
    att_weights *weights;
    att_llama_arrays arrays;
} loader;

att_block_desc atti_llama_block(const att_llama_config *c, att_precision precision)
{
    const att_block_desc desc = {
        .width = c->width,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head_width = c->head_width,
        .ffn_width = c->ffn_width,
        .norm = ATT_NORM_RMS,
        .norm_eps = c->norm_eps,
        .ffn = ATT_FFN_SWIGLU,
        .rope = c->rope,
        .precision = precision,
    };
    return desc;
}

/* As f32 in host memory of its own; NULL for no array, and when memory is out. */
static float *floats_of(const att_array *array)
{
    const size_t n = array ? (size_t)att_array_elements(array) : 0;
    float *x = n ? att_calloc(n, sizeof *x) : NULL;
    for (size_t i = 0; x && i < n; i++) x[i] = (float)att_array_value(array, i);
    return x;
}

/* Matrices below each other, with what biases there are. */
static att_status load_linear(loader *l, const att_array *const *weights,
                              const att_array *const *biases, size_t n, att_linear **linear,
                              att_err *err)
{
    att_weight_part parts[MAX_PARTS];
    att_status status = ATT_OK;
    memset(parts, 0, sizeof parts);
    for (size_t i = 0; i < n; i++) {
        const att_array *bias = biases ? biases[i] : NULL;
        parts[i] = (att_weight_part){.data = weights[i]->data,
                                     .dtype = weights[i]->dtype,
                                     .blocks = weights[i]->blocks,
                                     .keep_blocks = 1,
                                     .rows = (int32_t)weights[i]->dims[0],
                                     .bias = floats_of(bias)};
        if (bias && !parts[i].bias)
            status = att_fail(err, ATT_E_MEMORY, "load '%s': out of memory", bias->name);
    }
    if (!status)
        status = att_linear_create(linear, l->queue, l->llama->arena, weights[0]->name, parts, n,
                                   (int32_t)weights[0]->dims[1], l->llama->precision, err);
    for (size_t i = 0; i < n; i++) {
        att_free((void *)parts[i].bias);
        att_weights_forget_array(l->weights, weights[i]);
    }
    return status;
}

static att_status load_norm(loader *l, const att_array *array, att_norm *norm, att_err *err)
{
    const int64_t n = att_array_elements(array);
    float *gamma = floats_of(array);
    if (!gamma) return att_fail(err, ATT_E_MEMORY, "load '%s': out of memory", array->name);
    norm->kind = ATT_NORM_RMS;
    norm->eps = l->llama->config.norm_eps;
    att_status status = att_arena_take(l->llama->arena, "norm", ATT_F32, n, &norm->gamma, err);
    if (!status) status = att_queue_write(l->queue, norm->gamma, gamma, n, err);
    att_free(gamma);
    return status;
}

static att_status load_block(loader *l, const att_llama_block_arrays *a, const att_block_desc *desc,
                             const att_rope *rope, att_block *b, att_err *err)
{
    b->desc = *desc;
    b->rope = *rope;
    att_status status = load_norm(l, a->self_norm, &b->self_norm, err);
    if (!status) status = load_linear(l, a->qkv, a->qkv_bias, 3, &b->self_qkv, err);
    if (!status) status = load_linear(l, &a->out, &a->out_bias, 1, &b->self_out, err);
    if (!status) status = load_norm(l, a->ffn_norm, &b->ffn_norm, err);
    if (!status) status = load_linear(l, a->ffn_in, a->ffn_in_bias, 2, &b->ffn_in, err);
    if (!status) status = load_linear(l, &a->ffn_out, &a->ffn_out_bias, 1, &b->ffn_out, err);
    return status;
}

/* Each kind of kept blocks that the file has, and the dtype of most other weights. */
static att_status prepare_kernels(const loader *l, const att_block_desc *desc, att_err *err)
{
    att_device *device = l->llama->device;
    att_kernel_id list[ATT_N_KERNELS + 1];
    int seen[ATT_N_BLOCKS] = {0};
    int64_t n_f32 = 0, n_other = 0;
    const att_array *a;
    for (size_t i = 0; (a = att_weights_at(l->weights, i)); i++) {
        seen[a->blocks] = 1;
        *(!a->blocks && a->dtype == ATT_F32 ? &n_f32 : &n_other) += att_array_elements(a);
    }
    size_t n = att_block_kernels(device, desc, n_f32 > n_other ? ATT_F32 : ATT_F16, ATT_F16, list,
                                 ATT_N_KERNELS);
    for (int kind = 1; kind < ATT_N_BLOCKS; kind++)
        if (seen[kind])
            n += att_linear_blocks_kernels(device, (att_blocks)kind, desc->precision, list + n,
                                           ATT_N_KERNELS - n);
    return att_device_prepare(device, list, n, err);
}

static att_status load_rope(loader *l, att_block_desc *desc, att_rope *rope, att_err *err)
{
    float *divisors = floats_of(l->arrays.rope_freqs);
    desc->rope.divisors = divisors;
    att_status status = att_block_check(desc, err);
    if (!status)
        status = att_rope_init(rope, l->queue, l->llama->arena, &desc->rope, desc->head_width, err);
    desc->rope.divisors = NULL;
    att_free(divisors);
    return status;
}

static att_status load_all(loader *l, att_err *err)
{
    att_llama *m = l->llama;
    const att_llama_arrays *a = &l->arrays;
    att_block_desc desc = atti_llama_block(&m->config, m->precision);
    att_rope rope = {.width = 0};
    att_status status = prepare_kernels(l, &desc, err);
    if (!status) status = load_rope(l, &desc, &rope, err);
    if (!status) status = load_linear(l, &a->tokens, NULL, 1, &m->tokens, err);
    m->head = m->tokens;
    if (!status && a->head) status = load_linear(l, &a->head, NULL, 1, &m->head, err);
    if (!status) status = load_norm(l, a->norm, &m->norm, err);
    for (int32_t i = 0; !status && i < m->config.layers; i++)
        status = load_block(l, &a->blocks[i], &desc, &rope, &m->blocks[i], err);
    return status;
}

att_status atti_llama_load(att_llama *llama, att_weights *weights, att_err *err)
{
    loader l = {.llama = llama, .weights = weights};
    att_status status = att_llama_bind(weights, &llama->config, &l.arrays, err);
    if (!status) status = att_queue_create(&l.queue, llama->device, err);
    if (!status) {
        llama->blocks = att_calloc((size_t)llama->config.layers, sizeof *llama->blocks);
        if (!llama->blocks) status = att_fail(err, ATT_E_MEMORY, "load model: out of memory");
    }
    if (!status) status = load_all(&l, err);
    if (!status) att_weights_forget(weights);
    att_queue_destroy(l.queue);
    att_free(l.arrays.blocks);
    return status;
}
