/* ref_attn_check.c - the promises that a caller of attention makes (attend/attn.h).
 * Tests: tests/unit/test_ref_attn.c */
#include "ref_attn_internal.h"

static const char *broken_sizes(const att_attn_call *c)
{
    if (c->batch < 1 || c->heads < 1 || c->kv_heads < 1 || c->d_qk < 1 || c->d_v < 1)
        return "a size is not positive";
    if (c->n_q < 0 || c->n_k < 0) return "a length is negative";
    if (c->n_k > ATTI_REF_MAX_KEYS) return "more keys than the reference has room for";
    if (c->heads % c->kv_heads) return "heads do not divide into kv heads";
    return NULL;
}

static const char *broken_mask(const att_attn_mask *m)
{
    if (m->flags >= 2 * (uint32_t)ATT_MASK_BITS) return "a mask flag is unknown";
    if (m->left < -1 || m->right < -1) return "a window is below -1";
    if (m->n_sink < 0 || m->n_global < 0) return "a number of sinks or globals is negative";
    if ((m->flags & ATT_MASK_BITS) && !m->bits.host) return "the mask asks for bits and has none";
    return NULL;
}

static const char *broken_tiles(const att_attn_tiles *t)
{
    if (!t->tile_k) return NULL;
    if (t->tile_k < 0 || t->tile_q < 1) return "a tile size is not positive";
    return t->row.host && t->index.host ? NULL : "tiles are asked for and not listed";
}

static const char *broken_operands(const att_attn_call *c)
{
    if (!c->q.view.host || !c->k.view.host || !c->v.view.host || !c->out.view.host)
        return "q, k, v or out is not in host memory";
    const att_dtype out = c->out.view.dtype;
    return out == ATT_F32 || out == ATT_F16 ? NULL : "out is neither f32 nor f16";
}

static const char *broken_rows(const att_attn_call *c)
{
    if (c->scatter_mean && !c->q_rows.host) return "scatter_mean without q_rows";
    if (c->diag_mix.host && c->n_q != c->n_k) return "diag_mix needs as many queries as keys";
    return NULL;
}

static const char *broken_head_classes(const att_attn_call *c)
{
    const uint8_t *of = (const uint8_t *)c->head_class.host;
    if (!of) return NULL;
    for (int32_t h = 0; h < c->heads; h++)
        if (of[c->head_class.at + h] >= c->n_head_classes) return "a head has an unknown class";
    for (int32_t i = 0; i < c->n_head_classes; i++) {
        const att_attn_head_class *k = &c->head_classes[i];
        if (!k->k.view.host != !k->v.view.host) return "a head class has k or v alone";
        if (k->k.view.host && (k->n_k < 0 || k->n_k > c->n_k))
            return "a head class has more keys than the call";
        const char *broken = broken_mask(&k->mask);
        if (!broken) broken = broken_tiles(&k->tiles);
        if (broken) return broken;
    }
    return NULL;
}

static const char *broken_classes(const att_attn_call *c)
{
    const att_attn_classes *k = &c->classes;
    const uint8_t *of = (const uint8_t *)k->key_class.host;
    if ((int)k->rule < ATT_CLASS_NONE || k->rule > ATT_CLASS_RENORMALISE)
        return "the class rule is unknown";
    if (k->rule == ATT_CLASS_NONE && !c->taps.class_mass.host) return NULL;
    if (!of) return "classes without key_class";
    const int64_t n = (int64_t)c->n_k * (k->per_head ? c->heads : 1);
    for (int64_t i = 0; i < n; i++)
        if (of[k->key_class.at + i] >= ATT_ATTN_MAX_CLASSES) return "a key has an unknown class";
    if (k->target < 0 || k->target >= ATT_ATTN_MAX_CLASSES) return "the target class is unknown";
    return NULL;
}

static const char *broken_maps(const att_attn_call *c)
{
    const att_attn_taps *t = &c->taps;
    const int32_t end = t->row_end ? t->row_end : c->n_q;
    if (!t->scores.host && !t->probabilities.host) return NULL;
    if (t->n_heads < 1 || !t->heads) return "maps are asked for of no heads";
    if (t->row_begin < 0 || t->row_begin > end || end > c->n_q)
        return "maps are asked for of rows that are not there";
    for (int32_t n = 0; n < t->n_heads; n++)
        if (t->heads[n] < 0 || t->heads[n] >= c->heads) return "a map is asked for of no head";
    return NULL;
}

const char *atti_ref_attn_broken(const att_attn_call *c)
{
    const char *broken = broken_sizes(c);
    if (!broken) broken = broken_operands(c);
    if (!broken) broken = broken_mask(&c->mask);
    if (!broken) broken = broken_tiles(&c->tiles);
    if (!broken) broken = broken_rows(c);
    if (!broken) broken = broken_head_classes(c);
    if (!broken) broken = broken_classes(c);
    if (!broken) broken = broken_maps(c);
    return broken;
}
