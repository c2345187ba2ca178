/* ref_attn_classes.c - what classes of keys and the identity mix do to a row of attention
 * (attend/attn.h).
 * Tests: tests/unit/test_ref_attn.c */
#include "ref_attn_internal.h"

int atti_ref_attn_in_rows(int32_t i, int32_t begin, int32_t end)
{
    return i >= begin && (!end || i < end);
}

int32_t atti_ref_attn_class(const att_attn_call *c, int32_t h, int32_t j)
{
    const att_view *v = &c->classes.key_class;
    if (!att_view_given(v)) return 0;
    const int64_t row = c->classes.per_head ? (int64_t)h * c->n_k : 0;
    return ((const uint8_t *)v->host)[v->at + row + j];
}

void atti_ref_attn_class_mass(const att_attn_call *c, const atti_ref_row *r,
                              double mass[ATT_ATTN_MAX_CLASSES])
{
    for (int k = 0; k < ATT_ATTN_MAX_CLASSES; k++) mass[k] = 0.0;
    for (int32_t j = 0; j < c->n_k; j++) mass[atti_ref_attn_class(c, r->h, j)] += r->a[j];
}

static int applies(const att_attn_classes *k, int32_t i, const double mass[ATT_ATTN_MAX_CLASSES])
{
    double of = 0.0, part = 0.0;
    if (!atti_ref_attn_in_rows(i, k->row_begin, k->row_end)) return 0;
    for (int n = 0; n < ATT_ATTN_MAX_CLASSES; n++) {
        if (!(k->when_of >> n & 1)) continue;
        of += mass[n];
        if (k->when_part_of >> n & 1) part += mass[n];
    }
    if (k->when_of && !(of >= (double)k->when_mass)) return 0;
    return !k->when_part_of || part >= (double)k->when_part * of;
}

void atti_ref_attn_classes(const att_attn_call *c, atti_ref_row *r)
{
    const att_attn_classes *k = &c->classes;
    double mass[ATT_ATTN_MAX_CLASSES], old = 0.0, kept = 0.0;
    if (k->rule == ATT_CLASS_NONE) return;
    atti_ref_attn_class_mass(c, r, mass);
    if (!applies(k, r->i, mass)) return;
    for (int n = 0; n < ATT_ATTN_MAX_CLASSES; n++) {
        old += mass[n];
        kept += mass[n] * (double)k->gain[n];
    }
    /* Mass without anyone to take it stays where it was. */
    if (k->rule == ATT_CLASS_TO_ONE && mass[k->target] == 0.0) return;
    if (k->rule == ATT_CLASS_RENORMALISE && kept == 0.0) return;
    for (int32_t j = 0; j < c->n_k; j++) {
        const int32_t class = atti_ref_attn_class(c, r->h, j);
        double gain = (double)k->gain[class];
        if (k->rule == ATT_CLASS_RENORMALISE) gain *= old / kept;
        if (k->rule == ATT_CLASS_TO_ONE && class == k->target)
            gain += (old - kept) / mass[k->target];
        r->a[j] *= gain;
    }
}

void atti_ref_attn_mix(const att_attn_call *c, atti_ref_row *r)
{
    if (!att_view_given(&c->diag_mix)) return;
    if (!atti_ref_attn_in_rows(r->i, c->mix_row_begin, c->mix_row_end)) return;
    const double u = (double)att_ref_load(&c->diag_mix, r->h);
    for (int32_t j = 0; j < c->n_k; j++) r->a[j] = (1.0 - u) * r->a[j] + (j == r->i ? u : 0.0);
}
