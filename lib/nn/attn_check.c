/* attn_check.c - whether a call makes sense and whether the kernels know it (attn_internal.h).
 * Tests: tests/kernels/test_attn.c */
#include "attn_internal.h"

#include <stdio.h>
#include <string.h>

static att_status check_sizes(const att_attn_call *c, att_err *err)
{
    if (c->batch < 1 || c->heads < 1 || c->kv_heads < 1 || c->d_qk < 1 || c->d_v < 1 ||
        c->n_q < 0 || c->n_k < 0)
        return att_fail(err, ATT_E_ARG,
                        "attend: batch %d, heads %d, kv heads %d, widths %d and %d, %d queries, %d "
                        "keys; each must be positive",
                        c->batch, c->heads, c->kv_heads, c->d_qk, c->d_v, c->n_q, c->n_k);
    if (c->heads % c->kv_heads)
        return att_fail(err, ATT_E_ARG, "attend: %d heads do not divide into %d kv heads", c->heads,
                        c->kv_heads);
    if (c->d_qk > ATTI_ATTN_MAX_WIDTH || c->d_v > ATTI_ATTN_MAX_WIDTH)
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "attend: head widths %d and %d, at most %d is built", c->d_qk, c->d_v,
                        ATTI_ATTN_MAX_WIDTH);
    return ATT_OK;
}

att_status atti_attn_check_room(const char *name, const att_view *v, int64_t n, att_err *err)
{
    if (!v->buf) return att_fail(err, ATT_E_ARG, "attend: %s is not in device memory", name);
    const int64_t room = (int64_t)(att_buf_bytes(v->buf) / att_dtype_bytes(v->dtype));
    if (v->at < 0 || v->at + n > room)
        return att_fail(err, ATT_E_SHAPE,
                        "attend: %s needs %lld elements from %lld on, it has %lld", name,
                        (long long)n, (long long)v->at, (long long)room);
    return ATT_OK;
}

att_status atti_attn_check_operand(const char *name, const att_attn_view *v, const int32_t sizes[4],
                                   att_err *err)
{
    const att_dtype dtype = v->view.dtype;
    if (dtype != ATT_F32 && dtype != ATT_F16)
        return att_fail(err, ATT_E_ARG, "attend: %s is %s, expected f32 or f16", name,
                        att_dtype_name(dtype));
    const int64_t strides[] = {v->batch, v->head, v->token};
    int64_t n = sizes[3];
    for (int i = 0; i < 3; i++) {
        if (strides[i] < 0 || strides[i] > INT32_MAX)
            return att_fail(err, ATT_E_ARG, "attend: stride %lld of %s does not fit",
                            (long long)strides[i], name);
        if (sizes[i] == 0) n = 0;
        if (n) n += (sizes[i] - 1) * strides[i];
    }
    return atti_attn_check_room(name, &v->view, n, err);
}

static att_status check_operands(const att_attn_call *c, att_err *err)
{
    const int32_t q[] = {c->batch, c->heads, c->n_q, c->d_qk};
    const int32_t k[] = {c->batch, c->kv_heads, c->n_k, c->d_qk};
    const int32_t v[] = {c->batch, c->kv_heads, c->n_k, c->d_v};
    const int32_t out[] = {c->batch, c->heads, c->n_q, c->d_v};
    att_status status = atti_attn_check_operand("q", &c->q, q, err);
    if (!status) status = atti_attn_check_operand("k", &c->k, k, err);
    if (!status) status = atti_attn_check_operand("v", &c->v, v, err);
    if (!status) status = atti_attn_check_operand("out", &c->out, out, err);
    if (!status && c->k.view.dtype != c->v.view.dtype)
        return att_fail(err, ATT_E_UNSUPPORTED, "attend: k is %s but v is %s",
                        att_dtype_name(c->k.view.dtype), att_dtype_name(c->v.view.dtype));
    return status;
}

att_status atti_attn_check_array(const char *name, const att_view *v, att_dtype dtype, int64_t n,
                                 att_err *err)
{
    if (!att_view_given(v)) return ATT_OK;
    if (v->dtype != dtype)
        return att_fail(err, ATT_E_ARG, "attend: %s is %s, expected %s", name,
                        att_dtype_name(v->dtype), att_dtype_name(dtype));
    return atti_attn_check_room(name, v, n, err);
}

att_status atti_attn_check_mask(const att_attn_call *c, const att_attn_mask *m, int32_t n_k,
                                att_err *err)
{
    const int64_t nq = (int64_t)c->batch * c->n_q, nk = (int64_t)c->batch * n_k;
    const int64_t bytes = (int64_t)c->n_q * (((int64_t)n_k + 7) / 8);
    if (m->flags >= 2 * (uint32_t)ATT_MASK_BITS)
        return att_fail(err, ATT_E_ARG, "attend: mask flags 0x%x are unknown", m->flags);
    if (m->left < -1 || m->right < -1 || m->n_sink < 0 || m->n_global < 0)
        return att_fail(err, ATT_E_ARG,
                        "attend: window %d and %d, sink %d, global %d; no negatives "
                        "but -1 for an open window",
                        m->left, m->right, m->n_sink, m->n_global);
    if ((m->flags & ATT_MASK_BITS) && !att_view_given(&m->bits))
        return att_fail(err, ATT_E_ARG, "attend: the mask asks for bits and has none");
    att_status status = atti_attn_check_array("mask.q_pos", &m->q_pos, ATT_I32, nq, err);
    if (!status) status = atti_attn_check_array("mask.k_pos", &m->k_pos, ATT_I32, nk, err);
    if (!status) status = atti_attn_check_array("mask.q_span", &m->q_span, ATT_I32, nq, err);
    if (!status) status = atti_attn_check_array("mask.k_span", &m->k_span, ATT_I32, nk, err);
    if (!status) status = atti_attn_check_array("mask.q_seq", &m->q_seq, ATT_I32, nq, err);
    if (!status) status = atti_attn_check_array("mask.k_seq", &m->k_seq, ATT_I32, nk, err);
    if (!status) status = atti_attn_check_array("mask.bits", &m->bits, ATT_U8, bytes, err);
    return status;
}

static att_status check_maps(const att_attn_call *c, att_err *err)
{
    const att_attn_taps *t = &c->taps;
    const int32_t end = t->row_end ? t->row_end : c->n_q;
    if (!att_view_given(&t->scores) && !att_view_given(&t->probabilities)) return ATT_OK;
    if (t->n_heads < 1 || !t->heads || t->row_begin < 0 || t->row_begin > end || end > c->n_q)
        return att_fail(err, ATT_E_ARG, "attend: maps of %d heads, rows %d to %d of %d", t->n_heads,
                        t->row_begin, end, c->n_q);
    for (int32_t i = 0; i < t->n_heads; i++)
        if (t->heads[i] < 0 || t->heads[i] >= c->heads)
            return att_fail(err, ATT_E_ARG, "attend: a map of head %d, there are %d", t->heads[i],
                            c->heads);
    const int64_t one = (int64_t)t->n_heads * (end - t->row_begin) * c->n_k;
    if (one > INT32_MAX)
        return att_fail(err, ATT_E_UNSUPPORTED, "attend: maps of %lld numbers a batch row",
                        (long long)one);
    att_status status =
        atti_attn_check_array("taps.scores", &t->scores, ATT_F32, c->batch * one, err);
    if (!status)
        status = atti_attn_check_array("taps.probabilities", &t->probabilities, ATT_F32,
                                       c->batch * one, err);
    return status;
}

/* Every field in use that no kernel knows, by name. */
static att_status check_known(const att_attn_call *c, att_err *err)
{
    const struct {
        const char *name;
        int used;
    } fields[] = {
        {"tiles", c->tiles.tile_k},
        {"q_rows", att_view_given(&c->q_rows)},
        {"k_rows", att_view_given(&c->k_rows)},
    };
    char names[128] = "";
    size_t n = 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].used)
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "",
                                  fields[i].name);
    if (!n) return ATT_OK;
    return att_fail(err, ATT_E_UNSUPPORTED, "attend: no kernel knows %s yet", names);
}

att_status atti_attn_check(const att_attn_call *c, att_err *err)
{
    const int64_t rows = (int64_t)c->batch * c->heads * c->n_q;
    att_status status = check_sizes(c, err);
    if (!status) status = check_operands(c, err);
    if (!status) status = atti_attn_check_mask(c, &c->mask, c->n_k, err);
    if (!status)
        status = atti_attn_check_array("head_scale", &c->head_scale, ATT_F32, c->heads, err);
    if (!status) status = atti_attn_check_array("head_gain", &c->head_gain, ATT_F32, c->heads, err);
    if (!status) status = atti_attn_check_array("taps.lse", &c->taps.lse, ATT_F32, rows, err);
    if (!status) status = check_maps(c, err);
    if (!status) status = atti_attn_check_fields(c, err);
    if (!status) status = check_known(c, err);
    return status;
}
