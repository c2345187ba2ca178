/* prune_flowcut.h - FlowCut's scores and schedule (Tong et al., NeurIPS 2025, arXiv 2505.19536;
 * TungChintao/FlowCut a2ecd24: flowcut/utils_flowcut.py, modeling_clip_flowcut.py,
 * modeling_llama_flowcut.py). Tests: tests/unit/test_prune_flowcut.c */
#ifndef ATT_PRUNE_FLOWCUT_H
#define ATT_PRUNE_FLOWCUT_H

#include "prune.h"

#ifdef __cplusplus
extern "C" {
#endif

/* scores[n] of one encoder layer. With a class token: (a / sum a + s / sum s) * |v|, a the row, s
 * the head mean of softmax(value dots) over class token and patches; scaled divides the dots by
 * sqrt(head_width), as the paper writes it and the code does not. Without: a * |v|. work[n]. */
void att_flowcut_scores(const att_prune_reads *reads, int has_class, int scaled, double *work,
                        double *scores);

/* The language model's: (r / sum r + s / sum s) * |v|, r and s head means of softmax over visual
 * keys alone, of the probabilities and the scaled value dots of the last prompt token. work[n]. */
void att_flowcut_scores_llm(const att_prune_reads *reads, double *work, double *scores);

/* carried = scores the first time, then the mean of both. */
void att_flowcut_carry(double *carried, const double *scores, int32_t n, int first);

/* How many of n tokens stay where `left` layers may still cut behind this one: with H the entropy
 * of attention[n] (scaled to sum 1; a zero counts nothing) n - round((n - target) / sqrt(left) *
 * (1 - (H / ln n)^2)), halves to even, at least target; exactly target for left = 0, all of them
 * while left is odd or negative or n <= target. -1 when the attention is not a number. */
int32_t att_flowcut_count(const double *attention, int32_t n, int32_t target, int32_t left);

#ifdef __cplusplus
}
#endif
#endif /* ATT_PRUNE_FLOWCUT_H */
