/* ref_attn.c - all of attend/attn.h in plain C, one row at a time, sums in double (ref.h).
 * Tests: tests/unit/test_ref_attn.c, test_ref_attn_rules.c */
#include <math.h>

#include "ref_attn_internal.h"

static int64_t element(const att_attn_view *v, int32_t b, int32_t h, int32_t t)
{
    return b * v->batch + h * v->head + t * v->token;
}

static int32_t listed(const att_view *rows, int32_t i)
{
    return att_view_given(rows) ? ((const int32_t *)rows->host)[rows->at + i] : i;
}

static int32_t kv_head(const att_attn_call *c, int32_t h)
{
    return h / (c->heads / c->kv_heads);
}

static atti_ref_head head_of(const att_attn_call *c, int32_t h)
{
    atti_ref_head head = {&c->mask, &c->tiles, &c->k, &c->v, c->n_k};
    if (!att_view_given(&c->head_class)) return head;
    const uint8_t *classes = c->head_class.host;
    const att_attn_head_class *of = &c->head_classes[classes[c->head_class.at + h]];
    head.mask = &of->mask;
    head.tiles = &of->tiles;
    if (att_view_given(&of->k.view)) {
        head.k = &of->k;
        head.v = &of->v;
        head.n_k = of->n_k;
    }
    return head;
}

static int in_tiles(const att_attn_tiles *t, int32_t i, int32_t j)
{
    if (!t->tile_k) return 1;
    const int32_t *row = (const int32_t *)t->row.host + t->row.at;
    const int32_t *index = (const int32_t *)t->index.host + t->index.at;
    const int32_t tile = i / t->tile_q;
    for (int32_t n = row[tile]; n < row[tile + 1]; n++)
        if (index[n] == j / t->tile_k) return 1;
    return 0;
}

static double score(const att_attn_call *c, const atti_ref_row *r, int32_t j)
{
    const int64_t q = element(&c->q, r->b, r->h, listed(&c->q_rows, r->i));
    const int64_t k = element(r->head.k, r->b, kv_head(c, r->h), listed(&c->k_rows, j));
    double z = 0.0;
    for (int32_t d = 0; d < c->d_qk; d++)
        z +=
            (double)att_ref_load(&c->q.view, q + d) * (double)att_ref_load(&r->head.k->view, k + d);
    z *= att_view_given(&c->head_scale) ? (double)att_ref_load(&c->head_scale, r->h)
                                        : (double)c->scale;
    if (c->softcap != 0.0f) z = (double)c->softcap * tanh(z / (double)c->softcap);
    const int biased = atti_ref_attn_in_rows(r->i, c->bias_row_begin, c->bias_row_end);
    if (att_view_given(&c->bias.view) && biased)
        z += (double)att_ref_load(&c->bias.view, element(&c->bias, r->b, r->h, r->i) + j);
    const int gained = atti_ref_attn_in_rows(r->i, c->gain_row_begin, c->gain_row_end);
    if (att_view_given(&c->abs_gain) && gained)
        z += (double)att_ref_load(&c->abs_gain, j) * fabs(z);
    return z;
}

void atti_ref_attn_softmax(const att_attn_call *c, atti_ref_row *r)
{
    r->head = head_of(c, r->h);
    r->n_visible = 0;
    double top = -INFINITY, sum = 0.0;
    for (int32_t j = 0; j < c->n_k; j++) {
        r->z[j] = ATT_ATTN_NOTHING;
        r->a[j] = 0.0;
        if (j >= r->head.n_k || !in_tiles(r->head.tiles, r->i, j) ||
            !att_ref_attn_visible(r->head.mask, c->n_q, r->head.n_k, r->b, r->i, j))
            continue;
        r->z[j] = score(c, r, j);
        r->a[j] = 1.0; /* visible */
        r->n_visible++;
        if (r->z[j] > top) top = r->z[j];
    }
    r->lse = ATT_ATTN_NOTHING;
    if (!r->n_visible) return;
    if (att_view_given(&c->sink_logit)) {
        const double z = (double)att_ref_load(&c->sink_logit, r->h);
        if (z > top) top = z;
        sum = exp(z - top);
    }
    for (int32_t j = 0; j < c->n_k; j++)
        if (r->a[j] != 0.0) sum += exp(r->z[j] - top);
    for (int32_t j = 0; j < c->n_k; j++)
        if (r->a[j] != 0.0) r->a[j] = exp(r->z[j] - top) / sum;
    r->lse = top + log(sum);
}

/* Whether query i writes its output row, and the part of it that its output makes. */
static double share_of(const att_attn_call *c, int32_t i)
{
    int32_t hits = 0, later = 0;
    if (!att_view_given(&c->q_rows)) return 1.0;
    for (int32_t n = 0; n < c->n_q; n++)
        if (listed(&c->q_rows, n) == listed(&c->q_rows, i)) {
            hits++;
            later += n > i;
        }
    return c->scatter_mean ? 1.0 / hits : (later ? 0.0 : 1.0);
}

static int first_hit(const att_attn_call *c, int32_t i)
{
    for (int32_t n = 0; n < i; n++)
        if (listed(&c->q_rows, n) == listed(&c->q_rows, i)) return 0;
    return 1;
}

static void write_out(const att_attn_call *c, const atti_ref_row *r)
{
    const double share = share_of(c, r->i);
    if (share == 0.0) return;
    const int fresh = !c->accumulate && (!c->scatter_mean || first_hit(c, r->i));
    double gain = share;
    if (att_view_given(&c->head_gain)) gain *= (double)att_ref_load(&c->head_gain, r->h);
    if (att_view_given(&c->token_gain))
        gain *=
            (double)att_ref_load(&c->token_gain, ((int64_t)r->b * c->n_q + r->i) * c->heads + r->h);
    const int64_t out = element(&c->out, r->b, r->h, listed(&c->q_rows, r->i));
    for (int32_t e = 0; e < c->d_v; e++) {
        double sum = 0.0;
        for (int32_t j = 0; j < r->head.n_k; j++) {
            if (r->a[j] == 0.0) continue; /* a masked value may be anything */
            const int64_t v = element(r->head.v, r->b, kv_head(c, r->h), listed(&c->k_rows, j));
            sum += r->a[j] * (double)att_ref_load(&r->head.v->view, v + e);
        }
        const double before = fresh ? 0.0 : (double)att_ref_load(&c->out.view, out + e);
        att_ref_store(&c->out.view, out + e, (float)(before + gain * sum));
    }
}

const char *att_ref_attn(const att_attn_call *c)
{
    const char *broken = atti_ref_attn_broken(c);
    if (broken) return broken;
    atti_ref_row row;
    for (row.b = 0; row.b < c->batch; row.b++)
        for (row.h = 0; row.h < c->heads; row.h++) {
            atti_ref_columns columns = {{0.0}, {0.0}, 0.0, {0.0}};
            for (row.i = 0; row.i < c->n_q; row.i++) {
                atti_ref_attn_softmax(c, &row);
                atti_ref_attn_tap_row(c, &row, &columns);
                atti_ref_attn_classes(c, &row);
                atti_ref_attn_mix(c, &row);
                write_out(c, &row);
            }
            atti_ref_attn_tap_columns(c, row.b, row.h, &columns);
        }
    return NULL;
}
