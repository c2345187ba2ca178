/* ref_attn_taps.c - what a call of attention reads out of its rows (attend/attn.h).
 * Tests: tests/unit/test_ref_attn.c */
#include <math.h>

#include "ref_attn_internal.h"

static void put(const att_view *v, int64_t i, double x)
{
    if (att_view_given(v)) ((float *)v->host)[v->at + i] = (float)x;
}

/* Entropy, mean distances and the largest entry of the softmax. */
static void tap_statistics(const att_attn_call *c, const atti_ref_row *r, int64_t at)
{
    const att_attn_taps *t = &c->taps;
    double entropy = 0.0, mass = 0.0, distance = 0.0, windowed = 0.0, most = -1.0;
    int32_t argmax = -1;
    for (int32_t j = 0; j < c->n_k; j++) {
        const double a = r->a[j];
        if (a == 0.0) continue;
        const double d = atti_ref_attn_distance(c, r, j);
        entropy -= a * log(a);
        mass += a;
        distance += a * d;
        windowed += a * (d < t->distance_window ? d : t->distance_window);
        if (a > most) {
            most = a;
            argmax = j;
        }
    }
    put(&t->entropy, at, entropy);
    put(&t->distance, at, r->n_visible ? distance / mass : 0.0);
    put(&t->windowed_distance, at, r->n_visible ? windowed / mass : 0.0);
    if (att_view_given(&t->argmax)) ((int32_t *)t->argmax.host)[t->argmax.at + at] = argmax;
}

static void tap_maps(const att_attn_call *c, const atti_ref_row *r)
{
    const att_attn_taps *t = &c->taps;
    const int32_t end = t->row_end ? t->row_end : c->n_q;
    if (r->i < t->row_begin || r->i >= end) return;
    for (int32_t n = 0; n < t->n_heads; n++) {
        if (t->heads[n] != r->h) continue;
        const int64_t row =
            ((int64_t)r->b * t->n_heads + n) * (end - t->row_begin) + r->i - t->row_begin;
        for (int32_t j = 0; j < c->n_k; j++) {
            put(&t->scores, row * c->n_k + j, r->z[j]);
            put(&t->probabilities, row * c->n_k + j, r->a[j]);
        }
    }
}

void atti_ref_attn_tap_row(const att_attn_call *c, const atti_ref_row *r, atti_ref_columns *columns)
{
    const att_attn_taps *t = &c->taps;
    const int64_t at = ((int64_t)r->b * c->heads + r->h) * c->n_q + r->i;
    put(&t->lse, at, r->lse);
    tap_statistics(c, r, at);
    tap_maps(c, r);
    if (att_view_given(&t->class_mass)) {
        double mass[ATT_ATTN_MAX_CLASSES];
        atti_ref_attn_class_mass(c, r, mass);
        for (int k = 0; k < ATT_ATTN_MAX_CLASSES; k++)
            put(&t->class_mass, at * ATT_ATTN_MAX_CLASSES + k, mass[k]);
    }
    const double weight =
        att_view_given(&t->row_weight) ? (double)att_ref_load(&t->row_weight, r->i) : 1.0;
    columns->weight += weight;
    for (int32_t j = 0; j < r->head.n_k; j++) {
        const double d = atti_ref_attn_distance(c, r, j);
        columns->sum[j] += weight * r->a[j];
        if (d < t->band_low || d > t->band_high) continue;
        columns->band[j] += weight * r->a[j];
        columns->band_weight[j] += weight;
    }
}

void atti_ref_attn_tap_columns(const att_attn_call *c, int32_t b, int32_t h,
                               const atti_ref_columns *columns)
{
    const int64_t at = ((int64_t)b * c->heads + h) * c->n_k;
    for (int32_t j = 0; j < c->n_k; j++) {
        const double all = columns->weight, band = columns->band_weight[j];
        put(&c->taps.key_mean, at + j, all != 0.0 ? columns->sum[j] / all : 0.0);
        put(&c->taps.key_band_mean, at + j, band != 0.0 ? columns->band[j] / band : 0.0);
    }
}
