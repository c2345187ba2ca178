/* ref_attn_mask.c - which keys a query sees, as attend/attn.h says it (ref.h).
 * Tests: tests/unit/test_ref_attn.c */
#include "ref_attn_internal.h"

/* Entry i of batch row b of an i32 array with n a row; `otherwise` when it is absent. */
static int32_t entry(const att_view *v, int32_t b, int32_t n, int32_t i, int32_t otherwise)
{
    return att_view_given(v) ? ((const int32_t *)v->host)[v->at + (int64_t)b * n + i] : otherwise;
}

int att_ref_attn_visible(const att_attn_mask *m, int32_t n_q, int32_t n_k, int32_t b, int32_t i,
                         int32_t j)
{
    const uint32_t f = m->flags;
    const int64_t q_pos = entry(&m->q_pos, b, n_q, i, m->q_first + i);
    const int64_t k_pos = entry(&m->k_pos, b, n_k, j, m->k_first + j);
    const int32_t q_span = entry(&m->q_span, b, n_q, i, 0);
    const int32_t k_span = entry(&m->k_span, b, n_k, j, 0);
    const int same_span = q_span == k_span && q_span != 0;

    if ((f & ATT_MASK_SEQ) && entry(&m->q_seq, b, n_q, i, 0) != entry(&m->k_seq, b, n_k, j, 0))
        return 0;
    if ((f & ATT_MASK_CAUSAL) && k_pos > q_pos && !((f & ATT_MASK_SPAN) && same_span)) return 0;
    if (f & (ATT_MASK_WINDOW | ATT_MASK_SINK | ATT_MASK_GLOBAL)) {
        const int window = (f & ATT_MASK_WINDOW) && (m->left < 0 || q_pos - k_pos <= m->left) &&
                           (m->right < 0 || k_pos - q_pos <= m->right);
        const int sink = (f & ATT_MASK_SINK) && k_pos < m->n_sink;
        const int global = (f & ATT_MASK_GLOBAL) && (i < m->n_global || j < m->n_global);
        const int lifted = (f & ATT_MASK_SPAN_LIFTS_WINDOW) && same_span;
        if (!window && !sink && !global && !lifted) return 0;
    }
    if (f & ATT_MASK_BITS) {
        const uint8_t *bits = (const uint8_t *)m->bits.host + m->bits.at;
        if (!(bits[(int64_t)i * ((n_k + 7) / 8) + j / 8] >> (j % 8) & 1)) return 0;
    }
    return 1;
}

double atti_ref_attn_distance(const att_attn_call *c, const atti_ref_row *r, int32_t j)
{
    const att_attn_mask *m = r->head.mask;
    return (double)entry(&m->q_pos, r->b, c->n_q, r->i, m->q_first + r->i) -
           (double)entry(&m->k_pos, r->b, r->head.n_k, j, m->k_first + j);
}
