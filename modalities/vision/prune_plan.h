/* prune_plan.h - which step of a policy falls where; private to prune*.c. */
#ifndef ATT_PRUNE_PLAN_H
#define ATT_PRUNE_PLAN_H

#include "prune.h"

typedef enum atti_prune_how {
    ATTI_PRUNE_NOTHING,
    ATTI_PRUNE_ROW,       /* score: the row */
    ATTI_PRUNE_ROW_VALUE, /* the row times |value| */
    ATTI_PRUNE_FLOW,      /* FlowCut's in the encoder, carried on */
    ATTI_PRUNE_FLOW_LLM,
    ATTI_PRUNE_MERGE,
    ATTI_PRUNE_DIVERSE,
    ATTI_PRUNE_GRID,
    ATTI_PRUNE_CHANCE
} atti_prune_how;

typedef struct atti_prune_plan {
    atti_prune_how how;
    uint32_t reads;
    int32_t target; /* tokens of the language model after it */
    int32_t left;   /* FLOW: layers behind it that may cut still; odd: only carried on */
} atti_prune_plan;

/* n_tokens: of the language model, unpruned. */
atti_prune_plan atti_prune_plan_at(const att_prune_options *o, const att_prune_geometry *g,
                                   int32_t n_tokens, att_prune_place place, int32_t layer);

/* ATT_E_ARG for options that cannot be with this geometry. */
att_status atti_prune_plan_check(const att_prune_options *o, const att_prune_geometry *g,
                                 att_err *err);

#endif /* ATT_PRUNE_PLAN_H */
