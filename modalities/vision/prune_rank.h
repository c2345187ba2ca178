/* prune_rank.h - choices among n tokens, as index lists that ascend: the highest scores, even
 * coverage of a grid, chance, the most different, and VisionZip's merging. Equals: the lowest index
 * is taken. Scratch is the caller's. Tests: tests/unit/test_prune_rank.c */
#ifndef ATT_PRUNE_RANK_H
#define ATT_PRUNE_RANK_H

#include <stdint.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_ranked {
    double score;
    int32_t index;
} att_ranked;

/* kept[k]: of the k highest of scores[n], 0 <= k <= n. -1, or the first index whose score is not a
 * number (then kept is not written). scratch[n]. */
int32_t att_rank_top(const double *scores, int32_t n, int32_t k, att_ranked *scratch,
                     int32_t *kept);

/* The score of cell (row, col) for even coverage: its rank in Bayer's dispersed order, negated,
 * that of the middle being 0; the k highest of any grid cover it evenly, and k + 1 hold those k. */
double att_rank_grid(int32_t rows, int32_t cols, int32_t row, int32_t col);

/* kept[k] of n by chance: the first k of a shuffle by att_random_of(seed, 0), sorted. scratch[n].
 */
void att_rank_random(uint64_t seed, int32_t n, int32_t k, att_ranked *scratch, int32_t *kept);

/* kept[k] of vectors[n][width]: first the one that is farthest from its nearest, then always the
 * one farthest from those kept, by 1 - cosine (a vector of zeros is 1 from all). The max-min
 * formulas of DivPrune (Alvar et al., CVPR 2025, arXiv 2503.02175, section 3). n^2 width / 2 and
 * k n width multiply-adds. Returns as att_rank_top(). scratch[2 * n]. */
int32_t att_rank_diverse(const float *vectors, int32_t n, int32_t width, int32_t k,
                         att_ranked *scratch, int32_t *kept);

/* VisionZip (Yang et al., CVPR 2025, arXiv 2412.04467; visionzip/clip_encoder.py): the `dominant`
 * highest scores stay. Of the rest every step-th is a centre, step = max(1, rest / merged), the
 * first `merged` of them; the others join the centre that is nearest by cosine of keys[n][width].
 * A merged token is its centre plus the mean of those that joined. Here tokens come in the order
 * of kept[], dominant ones and centres together; there centres come last, and the class token
 * stays. dominant + merged tokens; at[dominant + merged + 1], source[n], weight[n], scratch[2 * n].
 * Returns as att_rank_top(); *n_made: tokens made, fewer than asked for where n is short. */
int32_t att_rank_merge(const double *scores, const float *keys, int32_t n, int32_t width,
                       int32_t dominant, int32_t merged, att_ranked *scratch, int32_t *kept,
                       int32_t *at, int32_t *source, float *weight, int32_t *n_made);

#ifdef __cplusplus
}
#endif
#endif /* ATT_PRUNE_RANK_H */
