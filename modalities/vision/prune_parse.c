/* prune_parse.c - what a command line says of pruning (prune.h). Tests: tests/unit/test_prune.c */
#include "prune.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_VIT = 1, AT_VIT_LLM = 2, AT_PROJECTOR = 4, AT_LLM = 8, AT_LLM_LAYER = 16 };

typedef struct policy_row {
    const char *name;
    unsigned places; /* it can be told to be at */
    att_prune_place place;
    const char *options; /* for messages */
} policy_row;

static const policy_row POLICIES[ATT_N_PRUNE_POLICIES] = {
    [ATT_PRUNE_NONE] = {"none", 0, ATT_PRUNE_AT_PROJECTOR, "no option"},
    [ATT_PRUNE_FLOWCUT] = {"flowcut", AT_VIT | AT_VIT_LLM | AT_PROJECTOR | AT_LLM | AT_LLM_LAYER,
                           ATT_PRUNE_AT_VIT, "code or paper"},
    [ATT_PRUNE_VIT_ATTENTION] = {"vit-attention", AT_VIT | AT_PROJECTOR, ATT_PRUNE_AT_PROJECTOR,
                                 "class or mean"},
    [ATT_PRUNE_VALUE_NORM] = {"value-norm", AT_VIT | AT_PROJECTOR, ATT_PRUNE_AT_PROJECTOR,
                              "class or mean"},
    [ATT_PRUNE_VISIONZIP] = {"visionzip", AT_PROJECTOR, ATT_PRUNE_AT_PROJECTOR,
                             "the percentage of merged tokens, 0% to 100%"},
    [ATT_PRUNE_DIVPRUNE] = {"divprune", AT_PROJECTOR, ATT_PRUNE_AT_PROJECTOR, "no option"},
    [ATT_PRUNE_FASTV] = {"fastv", AT_LLM | AT_LLM_LAYER, ATT_PRUNE_AT_LLM, "no option"},
    [ATT_PRUNE_PYRAMID] = {"pyramid", AT_LLM, ATT_PRUNE_AT_LLM, "up to 4 layers, ascending"},
    [ATT_PRUNE_DEFT_MID] = {"deft-mid", AT_LLM, ATT_PRUNE_AT_LLM, "no option"},
    [ATT_PRUNE_TILES] = {"tiles", 0, ATT_PRUNE_AT_TILES, "edge or entropy"},
    [ATT_PRUNE_UNIFORM_GRID] = {"uniform-grid", AT_VIT | AT_PROJECTOR | AT_LLM | AT_LLM_LAYER,
                                ATT_PRUNE_AT_PROJECTOR, "no option"},
    [ATT_PRUNE_RANDOM] = {"random", AT_VIT | AT_PROJECTOR | AT_LLM | AT_LLM_LAYER,
                          ATT_PRUNE_AT_PROJECTOR, "a seed"},
};

const char *att_prune_name(att_prune_policy policy)
{
    return (unsigned)policy < ATT_N_PRUNE_POLICIES ? POLICIES[policy].name : "?";
}

/* A whole number of [low, high] and nothing behind it but `end`. */
static int whole(const char *text, const char *end, int32_t low, int32_t high, int32_t *x)
{
    char *behind;
    if (!(*text == '-' || (*text >= '0' && *text <= '9'))) return 0;
    errno = 0;
    const long value = strtol(text, &behind, 10);
    if (errno || behind == text || strcmp(behind, end) != 0 || value < low || value > high)
        return 0;
    *x = (int32_t)value;
    return 1;
}

/* "12.5%" as 0.125; read by hand, since strtod() obeys the locale. */
static int percent(const char *text, double *part)
{
    double value = 0.0, unit = 1.0;
    int digits = 0, point = 0;
    for (; *text && *text != '%'; text++) {
        if (*text == '.' && !point) {
            point = 1;
        } else if (*text >= '0' && *text <= '9' && ++digits <= 12) {
            value = value * 10.0 + (*text - '0');
            if (point) unit *= 10.0;
        } else {
            return 0;
        }
    }
    if (!digits || strcmp(text, "%") != 0) return 0;
    *part = value / unit / 100.0;
    return *part <= 1.0;
}

static int one_of(const char *text, const char *first, const char *second, int *is_second)
{
    *is_second = strcmp(text, second) == 0;
    return *is_second || strcmp(text, first) == 0;
}

static int parse_stages(att_prune_options *o, const char *text)
{
    char copy[64];
    if (strlen(text) >= sizeof copy) return 0;
    strcpy(copy, text);
    for (char *at = copy; at; o->n_stages++) {
        char *comma = strchr(at, ',');
        if (comma) *comma = 0;
        if (o->n_stages == ATT_PRUNE_MAX_STAGES) return 0;
        const int32_t low = o->n_stages ? o->stages[o->n_stages - 1] + 1 : 0;
        if (!whole(at, "", low, 9999, &o->stages[o->n_stages])) return 0;
        at = comma ? comma + 1 : NULL;
    }
    return 1;
}

static int parse_seed(const char *text, uint64_t *seed)
{
    char *behind;
    if (*text < '0' || *text > '9') return 0;
    errno = 0;
    *seed = strtoull(text, &behind, 10);
    return !errno && !*behind;
}

static int parse_option(att_prune_options *o, const char *text)
{
    switch (o->policy) {
    case ATT_PRUNE_FLOWCUT:
        return one_of(text, "code", "paper", &o->as_paper);
    case ATT_PRUNE_VIT_ATTENTION:
    case ATT_PRUNE_VALUE_NORM:
        return one_of(text, "class", "mean", &o->mean_query);
    case ATT_PRUNE_VISIONZIP:
        return percent(text, &o->merged_part);
    case ATT_PRUNE_PYRAMID:
        return parse_stages(o, text);
    case ATT_PRUNE_TILES:
        return one_of(text, "edge", "entropy", &o->by_entropy);
    case ATT_PRUNE_RANDOM:
        return parse_seed(text, &o->seed);
    default:
        return 0;
    }
}

static att_status parse_policy(att_prune_options *o, const char *text, att_err *err)
{
    const char *colon = strchr(text, ':');
    const size_t n = colon ? (size_t)(colon - text) : strlen(text);
    int p = 0;
    while (p < ATT_N_PRUNE_POLICIES &&
           (strlen(POLICIES[p].name) != n || strncmp(POLICIES[p].name, text, n) != 0))
        p++;
    if (p == ATT_N_PRUNE_POLICIES) {
        char names[256] = "";
        for (int i = 0; i < ATT_N_PRUNE_POLICIES; i++) {
            const size_t at = strlen(names);
            snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", POLICIES[i].name);
        }
        return att_fail(err, ATT_E_ARG, "pruning: no policy '%.60s' - expected one of %s", text,
                        names);
    }
    o->policy = (att_prune_policy)p;
    o->place = POLICIES[p].place;
    if (colon && !parse_option(o, colon + 1))
        return att_fail(err, ATT_E_ARG,
                        "pruning: '%.60s' behind %s: is not one of its options - "
                        "expected %s",
                        colon + 1, POLICIES[p].name, POLICIES[p].options);
    return ATT_OK;
}

static att_status parse_keep(att_prune_options *o, const char *text, att_err *err)
{
    if (strchr(text, '%') ? percent(text, &o->keep_part) && o->keep_part > 0.0
                          : whole(text, "", 1, 1 << 24, &o->keep))
        return ATT_OK;
    return att_fail(err, ATT_E_ARG,
                    "pruning: cannot keep '%.40s' - expected a number of tokens from 1, or a "
                    "percentage above 0%% to 100%%",
                    text);
}

/* The bit of AT_*, 0 when it is none. */
static unsigned parse_place(att_prune_options *o, const char *text)
{
    if (strcmp(text, "projector") == 0) {
        o->place = ATT_PRUNE_AT_PROJECTOR;
        return AT_PROJECTOR;
    }
    if (strncmp(text, "vit+llm", 7) == 0) {
        o->place = ATT_PRUNE_AT_VIT;
        o->with_llm = 1;
        text += 7;
        return !*text || (*text == ':' && whole(text + 1, "", 0, 9999, &o->llm_layer)) ? AT_VIT_LLM
                                                                                       : 0;
    }
    const int vit = strncmp(text, "vit", 3) == 0, llm = strncmp(text, "llm", 3) == 0;
    if (!vit && !llm) return 0;
    o->place = vit ? ATT_PRUNE_AT_VIT : ATT_PRUNE_AT_LLM;
    text += 3;
    if (!*text) return vit ? AT_VIT : AT_LLM;
    if (*text != ':' ||
        !whole(text + 1, "", vit ? -1 : 0, 9999, vit ? &o->vit_layer : &o->llm_layer))
        return 0;
    return vit ? AT_VIT : AT_LLM_LAYER;
}

static att_status parse_prune_at(att_prune_options *o, const char *text, att_err *err)
{
    const policy_row *row = &POLICIES[o->policy];
    const unsigned place = parse_place(o, text);
    if (!place)
        return att_fail(err, ATT_E_ARG,
                        "pruning: no place '%.40s' - expected vit, vit:L, vit+llm:L, projector, "
                        "llm or llm:L, layers counted from 0",
                        text);
    if (o->policy == ATT_PRUNE_NONE || o->policy == ATT_PRUNE_TILES)
        return att_fail(err, ATT_E_ARG, "pruning: %s has no place to choose, found '%.40s'",
                        row->name, text);
    if (o->policy == ATT_PRUNE_FLOWCUT && o->vit_layer != ATT_PRUNE_LAYER_DEFAULT)
        return att_fail(err, ATT_E_ARG,
                        "pruning: flowcut has a schedule of its own in the "
                        "encoder, found '%.40s' - try vit, or vit+llm:L",
                        text);
    if (row->places & place) return ATT_OK;
    return att_fail(err, ATT_E_ARG, "pruning: %s cannot be at '%.40s' - try%s%s%s%s%s", row->name,
                    text, row->places & AT_VIT ? " vit" : "",
                    row->places & AT_VIT_LLM ? " vit+llm:L" : "",
                    row->places & AT_PROJECTOR ? " projector" : "",
                    row->places & AT_LLM ? " llm" : "", row->places & AT_LLM_LAYER ? " llm:L" : "");
}

att_status att_prune_parse(att_prune_options *options, const char *policy, const char *keep,
                           const char *prune_at, const char *positions, att_err *err)
{
    att_prune_options o = {.keep_part = 1.0,
                           .place = ATT_PRUNE_AT_PROJECTOR,
                           .vit_layer = ATT_PRUNE_LAYER_DEFAULT,
                           .llm_layer = ATT_PRUNE_LAYER_DEFAULT,
                           .vit_surplus = 2.0,
                           .merged_part = 0.16, /* 10 of 64, as published */
                           .deft_part = 0.2};
    int renumbered = 0;
    att_status status = policy ? parse_policy(&o, policy, err) : ATT_OK;
    if (!status && keep) status = parse_keep(&o, keep, err);
    if (!status && prune_at) status = parse_prune_at(&o, prune_at, err);
    if (!status && positions && !one_of(positions, "original", "renumbered", &renumbered))
        status =
            att_fail(err, ATT_E_ARG, "pruning: positions '%.40s' - expected original or renumbered",
                     positions);
    if (!status && o.policy == ATT_PRUNE_NONE && (o.keep || o.keep_part < 1.0))
        status = att_fail(err, ATT_E_ARG,
                          "pruning: tokens to keep but no policy - give one, "
                          "e.g. flowcut or uniform-grid");
    o.positions = renumbered ? ATT_PRUNE_RENUMBERED : ATT_PRUNE_ORIGINAL;
    if (!status) *options = o;
    return status;
}

int32_t att_prune_target(const att_prune_options *options, int32_t n)
{
    const double part = floor(options->keep_part * n + 0.5);
    int32_t target = options->keep ? options->keep : (int32_t)part;
    if (target < 1) target = 1;
    return target < n ? target : n;
}

att_prune_options att_prune_of_tile(const att_prune_options *options, int32_t i, int32_t n)
{
    att_prune_options o = *options;
    if (o.keep) {
        o.keep = options->keep / n + (i < options->keep % n);
        if (o.keep < 1) o.keep = 1;
    }
    o.seed += (uint64_t)i;
    return o;
}
