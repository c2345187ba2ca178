/* alignment.h - which frames of a window belong to which token: attention maps, smoothed and walked
 * through. Pure host arithmetic.
 *
 * Source: OpenAI's timing.py (find_alignment, median_filter, dtw_cpu).
 * Tests: tests/unit/test_alignment.c */
#ifndef ATT_ALIGNMENT_H
#define ATT_ALIGNMENT_H

#include <stdint.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Scores of one head, f32[rows][stride], into sum f32[rows][cols], added: softmax over the first
 * cols of each row, then per column minus its mean over its standard deviation over the rows (of
 * the population), then the median of 7 along each row (reflected at its ends; shorter rows stay).
 * The scores are used up. */
void att_alignment_add_head(float *scores, int32_t rows, int32_t stride, int32_t cols, float *sum);

/* The cheapest monotonous way through -similarity, f32[rows][cols]: to *first, i32[rows], the
 * column in which each row begins. ATT_E_MEMORY. */
att_status att_alignment_walk(const float *similarity, int32_t rows, int32_t cols, int32_t *first,
                              att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ALIGNMENT_H */
