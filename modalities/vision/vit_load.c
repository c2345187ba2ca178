/* vit_load.c - a vision transformer's arrays packed and uploaded (vit.h).
 * Tests: tests/models/test_vit_tiny.c */
#include <string.h>

#include "gather.h"
#include "mem.h"
#include "vit_model.h"
#include "vit_spec.h"

att_block_desc atti_vit_block(const att_vit *vit)
{
    const att_vit_config *c = &vit->config;
    const att_block_desc desc = {
        .width = c->width,
        .heads = c->heads,
        .kv_heads = c->heads,
        .head_width = c->width / c->heads,
        .ffn_width = c->ffn_width,
        .norm = ATT_NORM_LAYER,
        .norm_eps = c->eps,
        .ffn = c->ffn,
        .precision = vit->precision,
    };
    return desc;
}

/* The positions, the class token being added to the first where there is one. */
static att_status load_table(att_vit *v, const atti_vision_loader *l, const att_vit_arrays *a,
                             att_err *err)
{
    const int32_t n = v->config.width;
    float *table = atti_vision_floats(a->positions);
    if (!table) return att_fail(err, ATT_E_MEMORY, "load positions: out of memory");
    for (int32_t c = 0; a->class_token && c < n; c++)
        table[c] += (float)att_array_value(a->class_token, (size_t)c);
    const att_status status = atti_vision_vector(
        l, "positions", table, (int64_t)att_vit_tokens(&v->config) * n, &v->table, err);
    att_free(table);
    return status;
}

static att_status load_block(att_vit *v, const atti_vision_loader *l, const att_vit_block_arrays *a,
                             att_block *b, att_err *err)
{
    const size_t n_qkv = a->self_qkv[1].weight ? 3 : 1;
    b->desc = atti_vit_block(v);
    att_status status = atti_vision_norm(l, &a->self_norm, v->config.eps, &b->self_norm, err);
    if (!status) status = atti_vision_make_linear(l, a->self_qkv, n_qkv, &b->self_qkv, err);
    if (!status) status = atti_vision_make_linear(l, &a->self_out, 1, &b->self_out, err);
    if (!status) status = atti_vision_norm(l, &a->ffn_norm, v->config.eps, &b->ffn_norm, err);
    if (!status) status = atti_vision_make_linear(l, &a->ffn_in, 1, &b->ffn_in, err);
    if (!status) status = atti_vision_make_linear(l, &a->ffn_out, 1, &b->ffn_out, err);
    return status;
}

static att_status load_all(att_vit *v, const atti_vision_loader *l, const att_vit_arrays *a,
                           att_err *err)
{
    const att_vit_config *c = &v->config;
    att_status status = atti_vision_make_linear(l, &a->patch, 1, &v->patch, err);
    if (!status) status = load_table(v, l, a, err);
    if (!status && c->first_norm)
        status = atti_vision_norm(l, &a->first_norm, c->eps, &v->first_norm, err);
    if (!status && c->last_norm)
        status = atti_vision_norm(l, &a->last_norm, c->eps, &v->last_norm, err);
    for (int32_t i = 0; !status && i < c->layers; i++)
        status = load_block(v, l, &a->blocks[i], &v->blocks[i], err);
    return status;
}

static att_status prepare_kernels(const att_vit *v, const att_array *most, att_err *err)
{
    att_kernel_id list[ATT_N_KERNELS + 1];
    const att_block_desc desc = atti_vit_block(v);
    const att_dtype weights = most->dtype == ATT_F16 || most->blocks ? ATT_F16 : ATT_F32;
    const att_dtype keys =
        att_linear_operand(v->device, v->precision) == ATT_F16 ? ATT_F16 : ATT_F32;
    size_t n = att_block_kernels(v->device, &desc, weights, keys, list, ATT_N_KERNELS);
    n += att_gather_kernels(v->device, list + n, ATT_N_KERNELS - n);
    return att_device_prepare(v->device, list, n, err);
}

/* What the caller wants against what the file has. */
static att_status check(const att_vit_config *c, const att_vit_config *file, att_err *err)
{
    if (c->width != file->width || c->ffn_width != file->ffn_width || c->patch != file->patch ||
        c->side != file->side || c->class_token != file->class_token)
        return att_fail(err, ATT_E_MODEL,
                        "load vision encoder: width %d, ffn %d, patches of %d, %d a side, class "
                        "token %d; its arrays make it %d, %d, %d, %d, %d",
                        c->width, c->ffn_width, c->patch, c->side, c->class_token, file->width,
                        file->ffn_width, file->patch, file->side, file->class_token);
    if (c->layers < 0 || c->layers > file->layers || c->first_norm > file->first_norm ||
        c->last_norm > file->last_norm)
        return att_fail(err, ATT_E_MODEL,
                        "load vision encoder: %d layers, norms before %d and behind %d; the file "
                        "has %d, %d, %d",
                        c->layers, c->first_norm, c->last_norm, file->layers, file->first_norm,
                        file->last_norm);
    if (c->heads < 1 || c->width % c->heads)
        return att_fail(err, ATT_E_MODEL,
                        "load vision encoder: %d heads do not divide a width of "
                        "%d",
                        c->heads, c->width);
    return ATT_OK;
}

static att_status load(att_vit *v, att_queue *queue, att_weights *weights, att_err *err)
{
    att_vit_arrays arrays;
    att_vit_config file;
    const atti_vision_loader l = {queue, v->arena, weights, v->precision};
    att_status status = atti_vit_bind(weights, &file, &arrays, err);
    if (!status) status = check(&v->config, &file, err);
    if (!status) {
        const att_block_desc desc = atti_vit_block(v);
        v->blocks = att_calloc((size_t)v->config.layers + 1, sizeof *v->blocks);
        status = v->blocks ? att_block_check(&desc, err)
                           : att_fail(err, ATT_E_MEMORY, "load vision encoder: out of memory");
    }
    if (!status) status = prepare_kernels(v, arrays.blocks->ffn_in.weight, err);
    if (!status) status = load_all(v, &l, &arrays, err);
    att_free(arrays.blocks);
    return status;
}

att_status att_vit_create(att_vit **out, att_queue *queue, att_weights *weights,
                          const att_vit_config *config, att_precision precision, att_err *err)
{
    *out = NULL;
    att_vit *v = att_calloc(1, sizeof *v);
    if (!v) return att_fail(err, ATT_E_MEMORY, "load vision encoder: out of memory");
    v->config = *config;
    v->device = att_queue_device(queue);
    v->precision = att_linear_precision(v->device, precision);
    att_status status = att_arena_create(&v->arena, v->device, "vision weights", err);
    if (!status) status = load(v, queue, weights, err);
    if (!status) status = att_queue_wait(queue, err); /* other queues may use them now */
    if (!status) att_arena_seal(v->arena);
    if (status)
        att_vit_destroy(v);
    else
        *out = v;
    return status;
}

void att_vit_destroy(att_vit *v)
{
    if (!v) return;
    for (int32_t i = 0; v->blocks && i < v->config.layers; i++) att_block_finish(&v->blocks[i]);
    att_free(v->blocks);
    att_linear_destroy(v->patch);
    att_arena_destroy(v->arena);
    att_free(v);
}
