/* attn_jobs.c - a call as jobs, one a class of heads, and what it needs of a body
 * (attn_internal.h). Tests: tests/kernels/test_attn.c, test_attn_fields.c */
#include "attn_internal.h"

/* Classes of keys that change nothing: with them off the call is the plain one, to the bit. */
static int neutral(const att_attn_classes *k)
{
    for (int i = 0; i < ATT_ATTN_MAX_CLASSES; i++)
        if (k->gain[i] != 1.0f) return 0;
    return 1;
}

int32_t atti_attn_n_jobs(const att_attn_call *c)
{
    return att_view_given(&c->head_class) ? c->n_head_classes : 1;
}

void atti_attn_job_of(const att_attn_call *c, int32_t index, atti_attn_job *job)
{
    job->call = *c;
    job->of_class = index;
    job->all_keys = c->n_k;
    if (neutral(&c->classes)) job->call.classes.rule = ATT_CLASS_NONE;
    if (!att_view_given(&c->head_class)) return;
    const att_attn_head_class *of = &c->head_classes[index];
    job->call.mask = of->mask;
    job->call.tiles = of->tiles;
    if (!att_view_given(&of->k.view)) return;
    job->call.k = of->k;
    job->call.v = of->v;
    job->call.n_k = of->n_k;
}

int atti_attn_has_fields(const att_attn_call *c)
{
    return c->softcap != 0.0f || att_view_given(&c->bias.view) || att_view_given(&c->abs_gain) ||
           att_view_given(&c->sink_logit) || att_view_given(&c->token_gain) ||
           c->classes.rule != ATT_CLASS_NONE || att_view_given(&c->diag_mix) ||
           att_view_given(&c->taps.class_mass);
}

int32_t atti_attn_sets(const att_attn_call *c)
{
    switch (c->classes.rule) {
    case ATT_CLASS_GIVEN:
    case ATT_CLASS_RENORMALISE:
        return 2;
    case ATT_CLASS_TO_ONE:
        return 3;
    case ATT_CLASS_NONE:
        break;
    }
    return 1;
}

int atti_attn_wants_stats(const att_attn_call *c)
{
    const att_attn_taps *t = &c->taps;
    return att_view_given(&t->entropy) || att_view_given(&t->distance) ||
           att_view_given(&t->windowed_distance) || att_view_given(&t->argmax);
}

int atti_attn_wants_keys(const att_attn_call *c)
{
    return att_view_given(&c->taps.key_mean) || att_view_given(&c->taps.key_band_mean);
}

size_t atti_attn_add(att_kernel_id *list, size_t n, size_t room, att_kernel_id kernel)
{
    if (n < room) list[n++] = kernel;
    return n;
}
