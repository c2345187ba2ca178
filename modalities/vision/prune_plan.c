/* prune_plan.c - the steps of each policy by place and layer (prune_plan.h).
 * Tests: tests/unit/test_prune.c */
#include "prune_plan.h"

#include <math.h>

enum { LLM_LAYER = 1 }; /* of FlowCut and of FastV with K = 2 */

static int32_t or_default(int32_t layer, int32_t fallback)
{
    return layer == ATT_PRUNE_LAYER_DEFAULT ? fallback : layer;
}

static int32_t ceiling(double x, int32_t most)
{
    return x < (double)most ? (int32_t)ceil(x) : most;
}

static uint32_t encoder_row(const att_prune_options *o, const att_prune_geometry *g)
{
    return g->has_class && !o->mean_query ? ATT_READ_CLASS_ROW : ATT_READ_KEY_MEAN;
}

static atti_prune_plan flowcut(const att_prune_options *o, const att_prune_geometry *g, int32_t n,
                               att_prune_place place, int32_t layer)
{
    const int32_t target = att_prune_target(o, n), last = g->vit_layers - 1;
    atti_prune_plan plan = {.target = target};
    if (place == ATT_PRUNE_AT_LLM) {
        if ((o->place != ATT_PRUNE_AT_LLM && !o->with_llm) ||
            layer != or_default(o->llm_layer, LLM_LAYER))
            return plan;
        plan.how = ATTI_PRUNE_FLOW_LLM;
        plan.reads = ATT_READ_HEAD_ROWS | ATT_READ_VALUE_DOTS | ATT_READ_VALUE_L1;
        return plan;
    }
    if (place != ATT_PRUNE_AT_VIT || o->place == ATT_PRUNE_AT_LLM || layer < 0) return plan;
    if (o->with_llm) plan.target = ceiling(o->vit_surplus * target, n);
    /* The last layer runs on the target; told to wait for the projector, one cut ends it all. */
    plan.left = last - 1 - layer;
    if (o->place == ATT_PRUNE_AT_PROJECTOR) plan.left = layer == last ? 0 : 1;
    if (plan.left < 0) return plan;
    plan.how = ATTI_PRUNE_FLOW;
    plan.reads = g->has_class ? ATT_READ_CLASS_ROW | ATT_READ_VALUE_DOTS | ATT_READ_VALUE_L1
                              : ATT_READ_MEAN_ROW | ATT_READ_VALUE_L1;
    return plan;
}

/* From n to the target in equal factors: 1/2, 1/4, 1/8 for an eighth. */
static atti_prune_plan pyramid(const att_prune_options *o, const att_prune_geometry *g, int32_t n,
                               int32_t layer)
{
    const int32_t n_stages = o->n_stages ? o->n_stages : 3;
    atti_prune_plan plan = {.target = att_prune_target(o, n)};
    for (int32_t s = 0; s < n_stages; s++) {
        const int32_t at = o->n_stages ? o->stages[s] : g->llm_layers * (s + 1) / 4 - 1;
        if (layer != at) continue;
        plan.how = ATTI_PRUNE_ROW;
        plan.reads = ATT_READ_LAST_ROW;
        if (s + 1 < n_stages)
            plan.target =
                (int32_t)floor(n * pow((double)plan.target / n, (double)(s + 1) / n_stages) + 0.5);
    }
    return plan;
}

static atti_prune_plan deft(const att_prune_options *o, const att_prune_geometry *g, int32_t n,
                            att_prune_place place, int32_t layer)
{
    atti_prune_plan plan = {.target = att_prune_target(o, n)};
    if (place == ATT_PRUNE_AT_VIT && layer == g->vit_layers - 1) {
        plan.how = ATTI_PRUNE_ROW;
        plan.reads = encoder_row(o, g);
        plan.target += ceiling(o->deft_part * (n - plan.target), n);
    } else if (place == ATT_PRUNE_AT_LLM && layer == g->llm_layers / 2 - 1) {
        plan.how = ATTI_PRUNE_ROW;
        plan.reads = ATT_READ_TEXT_ROWS;
    }
    return plan;
}

/* The one place and layer of policies with one step. */
static int its_step(const att_prune_options *o, const att_prune_geometry *g, att_prune_place place,
                    int32_t layer)
{
    const att_prune_policy p = o->policy;
    const int by_encoder =
        p == ATT_PRUNE_VIT_ATTENTION || p == ATT_PRUNE_VALUE_NORM || p == ATT_PRUNE_VISIONZIP;
    if (o->place == ATT_PRUNE_AT_LLM)
        return place == ATT_PRUNE_AT_LLM && layer == or_default(o->llm_layer, LLM_LAYER);
    if (o->place == ATT_PRUNE_AT_PROJECTOR && !by_encoder) return place == ATT_PRUNE_AT_PROJECTOR;
    if (place != ATT_PRUNE_AT_VIT) return 0;
    if (o->place == ATT_PRUNE_AT_PROJECTOR) return layer == g->vit_layers - 1;
    return layer == or_default(o->vit_layer, by_encoder ? g->vit_layers / 2 - 1 : -1);
}

static atti_prune_plan one_step(const att_prune_options *o, const att_prune_geometry *g, int32_t n)
{
    atti_prune_plan plan = {.target = att_prune_target(o, n)};
    switch (o->policy) {
    case ATT_PRUNE_VIT_ATTENTION:
        plan.how = ATTI_PRUNE_ROW;
        plan.reads = encoder_row(o, g);
        break;
    case ATT_PRUNE_VALUE_NORM:
        plan.how = ATTI_PRUNE_ROW_VALUE;
        plan.reads = encoder_row(o, g) | ATT_READ_VALUE_L1;
        break;
    case ATT_PRUNE_VISIONZIP:
        plan.how = ATTI_PRUNE_MERGE;
        plan.reads = encoder_row(o, g) | ATT_READ_KEYS;
        break;
    case ATT_PRUNE_DIVPRUNE:
        plan.how = ATTI_PRUNE_DIVERSE;
        plan.reads = ATT_READ_FEATURES;
        break;
    case ATT_PRUNE_FASTV:
        plan.how = ATTI_PRUNE_ROW;
        plan.reads = ATT_READ_LAST_ROW;
        break;
    case ATT_PRUNE_UNIFORM_GRID:
        plan.how = ATTI_PRUNE_GRID;
        break;
    case ATT_PRUNE_RANDOM:
        plan.how = ATTI_PRUNE_CHANCE;
        break;
    default:
        break;
    }
    return plan;
}

atti_prune_plan atti_prune_plan_at(const att_prune_options *o, const att_prune_geometry *g,
                                   int32_t n_tokens, att_prune_place place, int32_t layer)
{
    const atti_prune_plan nothing = {.target = n_tokens};
    if (o->policy == ATT_PRUNE_FLOWCUT) return flowcut(o, g, n_tokens, place, layer);
    if (o->policy == ATT_PRUNE_DEFT_MID) return deft(o, g, n_tokens, place, layer);
    if (o->policy == ATT_PRUNE_PYRAMID)
        return place == ATT_PRUNE_AT_LLM ? pyramid(o, g, n_tokens, layer) : nothing;
    return its_step(o, g, place, layer) ? one_step(o, g, n_tokens) : nothing;
}

static att_status check_layers(const att_prune_options *o, const att_prune_geometry *g,
                               att_err *err)
{
    const char *name = att_prune_name(o->policy);
    const int scores = o->policy == ATT_PRUNE_VIT_ATTENTION || o->policy == ATT_PRUNE_VALUE_NORM;
    int32_t llm = o->llm_layer;
    if (o->n_stages) llm = o->stages[o->n_stages - 1];
    if (o->vit_layer != ATT_PRUNE_LAYER_DEFAULT &&
        (o->vit_layer >= g->vit_layers || (scores && o->vit_layer < 0)))
        return att_fail(err, ATT_E_ARG,
                        "pruning: %s after layer %d of the encoder, which has %d - expected %d to "
                        "%d",
                        name, o->vit_layer, g->vit_layers, scores ? 0 : -1, g->vit_layers - 1);
    if (llm > g->llm_layers - 2)
        return att_fail(err, ATT_E_ARG,
                        "pruning: %s after layer %d of the language model, which has %d - expected "
                        "0 to %d, so that one is left to gain",
                        name, llm, g->llm_layers, g->llm_layers - 2);
    return ATT_OK;
}

att_status atti_prune_plan_check(const att_prune_options *o, const att_prune_geometry *g,
                                 att_err *err)
{
    const char *name = att_prune_name(o->policy);
    const int32_t side = g->group_side;
    const int in_llm = o->place == ATT_PRUNE_AT_LLM || o->with_llm;
    if (g->rows < 1 || g->cols < 1 || g->rows > 4096 || g->cols > 4096 ||
        (side != 1 && side != 2 && side != 4) || g->rows % side || g->cols % side ||
        g->vit_layers < 1 || g->llm_layers < 1)
        return att_fail(
            err, ATT_E_ARG,
            "pruning: %d x %d patches in groups of %d x %d, %d and %d layers - expected "
            "1 to 4096 patches a side, groups of 1, 2 or 4 that fill them, layers",
            g->rows, g->cols, side, side, g->vit_layers, g->llm_layers);
    if (o->policy == ATT_PRUNE_VISIONZIP && side > 1)
        return att_fail(
            err, ATT_E_ARG,
            "pruning: visionzip merges single patches, this projector merges %d x %d of "
            "them - try vit-attention",
            side, side);
    if (o->policy == ATT_PRUNE_FLOWCUT && o->place == ATT_PRUNE_AT_VIT && g->vit_layers < 2)
        return att_fail(err, ATT_E_ARG,
                        "pruning: flowcut in an encoder of one layer - expected "
                        "two at least, try projector");
    if (in_llm && g->llm_layers < 4)
        return att_fail(err, ATT_E_ARG,
                        "pruning: %s in a language model of %d layers - expected 4 at least", name,
                        g->llm_layers);
    return check_layers(o, g, err);
}
