/* prune.c - the state of one picture's tokens on their way through encoder and language model
 * (prune.h). Tests: tests/unit/test_prune.c */
#include "prune.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "mem.h"
#include "prune_flowcut.h"
#include "prune_plan.h"
#include "prune_rank.h"

struct att_prune {
    att_prune_options options;
    att_prune_geometry geometry;
    int32_t n_patches, n_tokens;
    int32_t n, n_units;     /* rows there now; tokens of the language model that they make */
    int in_patches;         /* rows are patches still */
    int carrying;           /* carried[] holds scores */
    int32_t *ids, *kept;    /* [n_patches] */
    int32_t *unit;          /* [n_tokens]: which of the units there now, or -1 */
    int32_t *chosen;        /* [n_patches]: units that stay */
    double *score, *row;    /* [n_patches]: by row */
    double *mass, *carried; /* [n_patches]: by unit */
    att_ranked *scratch;    /* [2 * n_patches] */
    int32_t *at, *source;   /* [n_patches + 1] */
    float *weight;
};

static att_status reserve(att_prune *p, att_err *err)
{
    const size_t n = (size_t)p->n_patches + 1;
    p->ids = att_calloc(n, sizeof *p->ids);
    p->kept = att_calloc(n, sizeof *p->kept);
    p->unit = att_calloc(n, sizeof *p->unit);
    p->chosen = att_calloc(n, sizeof *p->chosen);
    p->score = att_calloc(n, sizeof *p->score);
    p->row = att_calloc(n, sizeof *p->row);
    p->mass = att_calloc(n, sizeof *p->mass);
    p->carried = att_calloc(n, sizeof *p->carried);
    p->scratch = att_calloc(n, 2 * sizeof *p->scratch);
    p->at = att_calloc(n, sizeof *p->at);
    p->source = att_calloc(n, sizeof *p->source);
    p->weight = att_calloc(n, sizeof *p->weight);
    if (p->ids && p->kept && p->unit && p->chosen && p->score && p->row && p->mass && p->carried &&
        p->scratch && p->at && p->source && p->weight)
        return ATT_OK;
    return att_fail(err, ATT_E_MEMORY, "pruning: no memory for %d patches", p->n_patches);
}

att_status att_prune_create(att_prune **prune, const att_prune_options *options,
                            const att_prune_geometry *geometry, att_err *err)
{
    *prune = NULL;
    att_status status = atti_prune_plan_check(options, geometry, err);
    if (status) return status;
    att_prune *p = att_calloc(1, sizeof *p);
    if (!p) return att_fail(err, ATT_E_MEMORY, "pruning: no memory");
    p->options = *options;
    p->geometry = *geometry;
    p->n_patches = geometry->rows * geometry->cols;
    p->n_tokens = p->n_patches / (geometry->group_side * geometry->group_side);
    status = reserve(p, err);
    if (status) {
        att_prune_destroy(p);
        return status;
    }
    att_prune_begin(p);
    *prune = p;
    return ATT_OK;
}

void att_prune_destroy(att_prune *p)
{
    if (!p) return;
    void *const blocks[] = {p->ids,  p->kept,    p->unit,    p->chosen, p->score,  p->row,
                            p->mass, p->carried, p->scratch, p->at,     p->source, p->weight};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) att_free(blocks[i]);
    att_free(p);
}

void att_prune_begin(att_prune *p)
{
    p->n = p->n_patches;
    p->n_units = p->n_tokens;
    p->in_patches = 1;
    p->carrying = 0;
    for (int32_t i = 0; i < p->n; i++) p->ids[i] = i;
    for (int32_t i = 0; i < p->n_tokens; i++) p->unit[i] = i;
}

/* The token of the language model that a patch goes into. */
static int32_t token_of(const att_prune *p, int32_t patch)
{
    const att_prune_geometry *g = &p->geometry;
    const int32_t side = g->group_side, row = patch / g->cols, col = patch % g->cols;
    if (g->group_order) return patch / (side * side);
    return row / side * (g->cols / side) + col / side;
}

/* Which of the units there now row i belongs to. */
static int32_t unit_of(const att_prune *p, int32_t i)
{
    return p->in_patches ? p->unit[token_of(p, p->ids[i])] : i;
}

static void number_units(att_prune *p)
{
    for (int32_t t = 0; t < p->n_tokens; t++) p->unit[t] = -1;
    for (int32_t i = 0; i < p->n; i++)
        p->unit[p->in_patches ? token_of(p, p->ids[i]) : p->ids[i]] = 0;
    p->n_units = 0;
    for (int32_t t = 0; t < p->n_tokens; t++)
        if (p->unit[t] == 0) p->unit[t] = p->n_units++;
}

/* From here on rows are tokens of the language model. */
static void leave_patches(att_prune *p)
{
    if (!p->in_patches) return;
    p->n = 0;
    for (int32_t t = 0; t < p->n_tokens; t++)
        if (p->unit[t] >= 0) p->ids[p->n++] = t;
    p->in_patches = 0;
}

static atti_prune_plan plan_now(const att_prune *p, att_prune_place place, int32_t layer)
{
    atti_prune_plan plan = atti_prune_plan_at(&p->options, &p->geometry, p->n_tokens, place, layer);
    if (p->n_units <= plan.target) plan = (atti_prune_plan){.target = p->n_units};
    return plan;
}

uint32_t att_prune_wants(const att_prune *prune, att_prune_place place, int32_t layer, int *due)
{
    const atti_prune_plan plan = plan_now(prune, place, layer);
    if (due) *due = plan.how != ATTI_PRUNE_NOTHING;
    return plan.reads;
}

static att_status check_reads(const att_prune *p, uint32_t wanted, const att_prune_reads *r,
                              att_err *err)
{
    const uint32_t rows = ATT_READ_CLASS_ROW | ATT_READ_MEAN_ROW | ATT_READ_KEY_MEAN |
                          ATT_READ_LAST_ROW | ATT_READ_TEXT_ROWS;
    const char *name = att_prune_name(p->options.policy), *missing = NULL;
    if (!wanted) return ATT_OK;
    if (!r || r->n != p->n)
        return att_fail(err, ATT_E_ARG, "pruning by %s: read-outs of %d tokens, there are %d", name,
                        r ? r->n : 0, p->n);
    if (wanted & rows && !r->row) missing = "an attention row";
    if (wanted & ATT_READ_HEAD_ROWS && (!r->head_rows || r->heads < 1)) missing = "rows of heads";
    if (wanted & ATT_READ_VALUE_DOTS &&
        (!r->value_dots || r->head_width < 1 || (r->heads < 1 && r->value_heads < 1)))
        missing = "products of values";
    if (wanted & ATT_READ_VALUE_L1 && !r->value_l1) missing = "norms of values";
    if (wanted & (ATT_READ_KEYS | ATT_READ_FEATURES) && (!r->vectors || r->width < 1))
        missing = "vectors";
    if (!missing) return ATT_OK;
    return att_fail(err, ATT_E_ARG, "pruning by %s: %s not given", name, missing);
}

/* mass[unit] = sum of the rows that it is made of. */
static void sum_units(att_prune *p, const double *rows, double *mass)
{
    for (int32_t u = 0; u < p->n_units; u++) mass[u] = 0.0;
    for (int32_t i = 0; i < p->n; i++) mass[unit_of(p, i)] += rows[i];
}

static void load_row(att_prune *p, const att_prune_reads *r, double *row)
{
    for (int32_t i = 0; i < p->n; i++) row[i] = (double)r->row[i];
}

static att_status not_a_number(const att_prune *p, int32_t unit, att_err *err)
{
    return att_fail(err, ATT_E_MODEL,
                    "pruning by %s: the score of token %d of %d is not a number: the model's "
                    "activations are broken, try --precision exact",
                    att_prune_name(p->options.policy), unit, p->n_units);
}

/* The rows of units chosen[n_chosen] stay. */
static void keep_units(att_prune *p, int32_t n_chosen, att_prune_cut *cut)
{
    int32_t n = 0;
    for (int32_t u = 0; u < n_chosen; u++) p->carried[u] = p->carried[p->chosen[u]];
    for (int32_t u = 0; u < p->n_units; u++) p->mass[u] = 0.0; /* 1: stays */
    for (int32_t u = 0; u < n_chosen; u++) p->mass[p->chosen[u]] = 1.0;
    for (int32_t i = 0; i < p->n; i++)
        if (p->mass[unit_of(p, i)] == 1.0) p->kept[n++] = i;
    for (int32_t i = 0; i < n; i++) p->ids[i] = p->ids[p->kept[i]];
    p->n = n;
    number_units(p);
    cut->n = n;
}

static att_status keep_top(att_prune *p, const double *mass, int32_t target, att_prune_cut *cut,
                           att_err *err)
{
    const int32_t bad = att_rank_top(mass, p->n_units, target, p->scratch, p->chosen);
    if (bad >= 0) return not_a_number(p, bad, err);
    keep_units(p, target, cut);
    return ATT_OK;
}

static att_status flow(att_prune *p, const atti_prune_plan *plan, const att_prune_reads *r,
                       att_prune_cut *cut, att_err *err)
{
    att_flowcut_scores(r, p->geometry.has_class, p->options.as_paper, p->row, p->score);
    load_row(p, r, p->row);
    sum_units(p, p->score, p->mass);
    att_flowcut_carry(p->carried, p->mass, p->n_units, !p->carrying);
    p->carrying = 1;
    sum_units(p, p->row, p->mass);
    const int32_t count = att_flowcut_count(p->mass, p->n_units, plan->target, plan->left);
    if (count == p->n_units) return ATT_OK;
    if (count < 0) return not_a_number(p, 0, err);
    return keep_top(p, p->carried, count, cut, err);
}

static att_status merge(att_prune *p, const atti_prune_plan *plan, const att_prune_reads *r,
                        att_prune_cut *cut, att_err *err)
{
    int32_t made, merged = (int32_t)floor(p->options.merged_part * plan->target + 0.5);
    if (merged > plan->target) merged = plan->target;
    const int32_t bad =
        att_rank_merge(p->row, r->vectors, p->n, r->width, plan->target - merged, merged,
                       p->scratch, p->chosen, p->at, p->source, p->weight, &made);
    if (bad >= 0) return not_a_number(p, bad, err);
    keep_units(p, made, cut);
    cut->merge = (att_prune_merge){made, p->at, p->source, p->weight};
    return ATT_OK;
}

static void score_grid(att_prune *p)
{
    const int32_t side = p->geometry.group_side;
    const int32_t rows = p->geometry.rows / side, cols = p->geometry.cols / side;
    for (int32_t t = 0; t < p->n_tokens; t++)
        if (p->unit[t] >= 0) p->mass[p->unit[t]] = att_rank_grid(rows, cols, t / cols, t % cols);
}

static att_status make(att_prune *p, const atti_prune_plan *plan, const att_prune_reads *r,
                       att_prune_cut *cut, att_err *err)
{
    int32_t bad = -1;
    switch (plan->how) {
    case ATTI_PRUNE_FLOW:
        return flow(p, plan, r, cut, err);
    case ATTI_PRUNE_MERGE:
        load_row(p, r, p->row);
        return merge(p, plan, r, cut, err);
    case ATTI_PRUNE_DIVERSE:
        bad = att_rank_diverse(r->vectors, p->n, r->width, plan->target, p->scratch, p->chosen);
        if (bad >= 0) return not_a_number(p, bad, err);
        keep_units(p, plan->target, cut);
        return ATT_OK;
    case ATTI_PRUNE_CHANCE:
        att_rank_random(p->options.seed, p->n_units, plan->target, p->scratch, p->chosen);
        keep_units(p, plan->target, cut);
        return ATT_OK;
    case ATTI_PRUNE_GRID:
        score_grid(p);
        return keep_top(p, p->mass, plan->target, cut, err);
    case ATTI_PRUNE_FLOW_LLM:
        att_flowcut_scores_llm(r, p->row, p->score);
        break;
    default:
        load_row(p, r, p->score);
        for (int32_t i = 0; plan->how == ATTI_PRUNE_ROW_VALUE && i < p->n; i++)
            p->score[i] *= (double)r->value_l1[i];
        break;
    }
    sum_units(p, p->score, p->mass);
    return keep_top(p, p->mass, plan->target, cut, err);
}

att_status att_prune_step(att_prune *p, att_prune_place place, int32_t layer,
                          const att_prune_reads *reads, att_prune_cut *cut, att_err *err)
{
    if (place > ATT_PRUNE_AT_VIT) leave_patches(p);
    const atti_prune_plan plan = plan_now(p, place, layer);
    *cut = (att_prune_cut){.n = p->n, .kept = p->kept};
    for (int32_t i = 0; i < p->n; i++) p->kept[i] = i;
    if (plan.how == ATTI_PRUNE_NOTHING) return ATT_OK;
    const att_status status = check_reads(p, plan.reads, reads, err);
    return status ? status : make(p, &plan, reads, cut, err);
}

const int32_t *att_prune_ids(const att_prune *prune, int32_t *n)
{
    *n = prune->n;
    return prune->ids;
}

int32_t att_prune_place_tokens(const att_prune *p, int32_t first, int32_t *positions)
{
    const int original = p->options.positions == ATT_PRUNE_ORIGINAL;
    int32_t n = 0;
    for (int32_t t = 0; t < p->n_tokens; t++)
        if (p->unit[t] >= 0) {
            positions[n] = first + (original ? t : n);
            n++;
        }
    return first + (original ? p->n_tokens : n);
}
