/* attn_check_fields.c - whether what a call says of scores, classes, gains and read-outs makes
 * sense (attn_internal.h). What lies in device memory, such as the class of a key, cannot be looked
 * at. Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"

static att_status check_score(const att_attn_call *c, att_err *err)
{
    const int32_t sizes[] = {c->batch, c->heads, c->n_q, c->n_k};
    att_status status = ATT_OK;
    if (att_view_given(&c->bias.view)) {
        if (c->bias.view.dtype != ATT_F32)
            return att_fail(err, ATT_E_ARG, "attend: bias is %s, expected f32",
                            att_dtype_name(c->bias.view.dtype));
        status = atti_attn_check_operand("bias", &c->bias, sizes, err);
    }
    if (!status) status = atti_attn_check_array("abs_gain", &c->abs_gain, ATT_F32, c->n_k, err);
    if (!status)
        status = atti_attn_check_array("sink_logit", &c->sink_logit, ATT_F32, c->heads, err);
    return status;
}

static att_status check_rows(const att_attn_call *c, att_err *err)
{
    const int64_t gains = (int64_t)c->batch * c->n_q * c->heads;
    if (att_view_given(&c->diag_mix) && c->n_q != c->n_k)
        return att_fail(err, ATT_E_ARG,
                        "attend: diag_mix of %d queries and %d keys, expected equals", c->n_q,
                        c->n_k);
    att_status status = atti_attn_check_array("diag_mix", &c->diag_mix, ATT_F32, c->heads, err);
    if (!status) status = atti_attn_check_array("token_gain", &c->token_gain, ATT_F32, gains, err);
    return status;
}

static att_status check_classes(const att_attn_call *c, att_err *err)
{
    const att_attn_classes *k = &c->classes;
    const int64_t n = (int64_t)c->n_k * (k->per_head ? c->heads : 1);
    if ((int)k->rule < ATT_CLASS_NONE || k->rule > ATT_CLASS_RENORMALISE)
        return att_fail(err, ATT_E_ARG, "attend: class rule %d is unknown", (int)k->rule);
    if (k->rule == ATT_CLASS_NONE && !att_view_given(&c->taps.class_mass)) return ATT_OK;
    if (!att_view_given(&k->key_class))
        return att_fail(err, ATT_E_ARG, "attend: classes without classes.key_class");
    if (k->target < 0 || k->target >= ATT_ATTN_MAX_CLASSES)
        return att_fail(err, ATT_E_ARG, "attend: classes.target is %d, there are %d", k->target,
                        ATT_ATTN_MAX_CLASSES);
    return atti_attn_check_array("classes.key_class", &k->key_class, ATT_U8, n, err);
}

static att_status check_head_class(const att_attn_call *c, int32_t i, att_err *err)
{
    const att_attn_head_class *k = &c->head_classes[i];
    const int own = att_view_given(&k->k.view);
    if (k->tiles.tile_k)
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "attend: no kernel knows head_classes[%d].tiles yet", i);
    if (own != att_view_given(&k->v.view))
        return att_fail(err, ATT_E_ARG, "attend: head_classes[%d] has k or v alone", i);
    if (!own) return atti_attn_check_mask(c, &k->mask, c->n_k, err);
    if (k->n_k < 0 || k->n_k > c->n_k)
        return att_fail(err, ATT_E_ARG, "attend: head_classes[%d] has %d keys, the call %d", i,
                        k->n_k, c->n_k);
    if (k->k.view.dtype != c->k.view.dtype || k->v.view.dtype != c->k.view.dtype)
        return att_fail(err, ATT_E_UNSUPPORTED, "attend: k is %s, head_classes[%d].k %s and v %s",
                        att_dtype_name(c->k.view.dtype), i, att_dtype_name(k->k.view.dtype),
                        att_dtype_name(k->v.view.dtype));
    const int32_t keys[] = {c->batch, c->kv_heads, k->n_k, c->d_qk};
    const int32_t values[] = {c->batch, c->kv_heads, k->n_k, c->d_v};
    att_status status = atti_attn_check_operand("head_classes.k", &k->k, keys, err);
    if (!status) status = atti_attn_check_operand("head_classes.v", &k->v, values, err);
    if (!status) status = atti_attn_check_mask(c, &k->mask, k->n_k, err);
    return status;
}

static att_status check_heads(const att_attn_call *c, att_err *err)
{
    if (!att_view_given(&c->head_class)) return ATT_OK;
    if (c->n_head_classes < 1 || !c->head_classes)
        return att_fail(err, ATT_E_ARG, "attend: head_class and %d head_classes",
                        c->n_head_classes);
    att_status status = atti_attn_check_array("head_class", &c->head_class, ATT_U8, c->heads, err);
    for (int32_t i = 0; !status && i < c->n_head_classes; i++) status = check_head_class(c, i, err);
    return status;
}

static att_status check_taps(const att_attn_call *c, att_err *err)
{
    const att_attn_taps *t = &c->taps;
    const int64_t heads = (int64_t)c->batch * c->heads, rows = heads * c->n_q;
    const struct {
        const char *name;
        const att_view *view;
        att_dtype dtype;
        int64_t n;
    } arrays[] = {
        {"taps.entropy", &t->entropy, ATT_F32, rows},
        {"taps.distance", &t->distance, ATT_F32, rows},
        {"taps.windowed_distance", &t->windowed_distance, ATT_F32, rows},
        {"taps.argmax", &t->argmax, ATT_I32, rows},
        {"taps.class_mass", &t->class_mass, ATT_F32, rows * ATT_ATTN_MAX_CLASSES},
        {"taps.key_mean", &t->key_mean, ATT_F32, heads * c->n_k},
        {"taps.key_band_mean", &t->key_band_mean, ATT_F32, heads * c->n_k},
        {"taps.row_weight", &t->row_weight, ATT_F32, c->n_q},
    };
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < sizeof arrays / sizeof *arrays; i++)
        status = atti_attn_check_array(arrays[i].name, arrays[i].view, arrays[i].dtype, arrays[i].n,
                                       err);
    return status;
}

att_status atti_attn_check_fields(const att_attn_call *c, att_err *err)
{
    att_status status = check_score(c, err);
    if (!status) status = check_rows(c, err);
    if (!status) status = check_heads(c, err);
    if (!status) status = check_classes(c, err);
    if (!status) status = check_taps(c, err);
    return status;
}
