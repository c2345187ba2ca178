/* prune_report.h - what pruning and redistribution kept, cost and saved: counts, formulas for work,
 * and two writers. Tests: tests/unit/test_prune_report.c */
#ifndef ATT_PRUNE_REPORT_H
#define ATT_PRUNE_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- work: 2 FLOP a multiply-add; norms, softmax, activations and rotations are not counted ----
 */

typedef struct att_layer_sizes {
    int32_t width, q_width, kv_width; /* C, heads * D, kv heads * D */
    int32_t ffn_width, gated;         /* gated: three matrices instead of two */
} att_layer_sizes;

/* One layer over n_q new tokens of which each sees n_k - n_q old keys and, causal, those of the new
 * ones up to itself (n_q (n_q + 1) / 2 pairs), or all of them. */
double att_layer_flops(const att_layer_sizes *sizes, int32_t n_q, int32_t n_k, int causal);
/* y = x w': n rows of k inputs and m outputs. */
double att_linear_flops(int32_t n, int32_t k, int32_t m);
/* Keys and values of n tokens in one layer. */
int64_t att_cache_bytes(const att_layer_sizes *sizes, int32_t n, int32_t bytes_each);

/* ---- the report ---- */

/* Numbers without and with pruning; below 0: not known, written as "-" and null. */
typedef struct att_prune_cost {
    double seconds[2], flops[2];
} att_prune_cost;

typedef struct att_prune_layer {
    int32_t tokens; /* visual tokens that it ran on */
    const int32_t
        *positions;       /* [tokens] of them in the language model, borrowed; NULL: not known */
    double sink_mass[2];  /* part of the picture's attention on sinks, before and after */
    int32_t n_heads;      /* chosen in this layer */
    const int32_t *heads; /* [n_heads], borrowed */
} att_prune_layer;

typedef struct att_prune_report {
    const char *policy, *place, *positions, *redistribution; /* as said; NULL: none */
    int32_t tokens, kept;                                    /* of the language model */
    int32_t text_tokens, answer_tokens;
    int32_t n_vit_layers, n_llm_layers;
    const att_prune_layer *vit_layers, *llm_layers; /* borrowed */
    att_prune_cost vision, prefill, decode;
    double choosing_seconds;
    int64_t cache_bytes[2]; /* without and with; below 0: not known */
} att_prune_report;

/* All not known, no layers. */
att_prune_report att_prune_report_empty(void);

/* A table for people. ATT_E_IO when it cannot be written. */
att_status att_prune_report_text(const att_prune_report *report, FILE *file, att_err *err);

/* One line of JSON: {"policy", "place", "positions", "redistribution", "tokens", "kept",
 * "text_tokens", "answer_tokens", "vision": {"seconds": [without, with], "flops": [..]}, "prefill",
 * "decode", "choosing_seconds", "cache_bytes": [..], "vit_layers": [{"tokens", "positions",
 * "sink_mass": [before, after], "heads"}], "llm_layers"}. What is not known is null. ATT_E_IO,
 * ATT_E_MEMORY. */
att_status att_prune_report_json(const att_prune_report *report, FILE *file, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_PRUNE_REPORT_H */
