/* prune_rank.c - choices by score, by place and by chance (prune_rank.h). */
#include "prune_rank.h"

#include <math.h>

#include "random.h"

/* Whether a stays rather than b. */
static int before(const att_ranked *a, const att_ranked *b)
{
    return a->score > b->score || (a->score == b->score && a->index < b->index);
}

/* The one that stays least at the top of heap[n], of which only the entry at i may be out of
 * place. */
static void sift(att_ranked *heap, int32_t n, int32_t i)
{
    const att_ranked moved = heap[i];
    for (int32_t child = 2 * i + 1; child < n; i = child, child = 2 * i + 1) {
        if (child + 1 < n && before(&heap[child], &heap[child + 1])) child++;
        if (before(&heap[child], &moved)) break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

/* qsort() may allocate. */
static void sort_by_index(att_ranked *list, int32_t n, int32_t *kept)
{
    for (int32_t i = 0; i < n; i++) list[i].score = -(double)list[i].index;
    for (int32_t i = n / 2 - 1; i >= 0; i--) sift(list, n, i);
    for (int32_t left = n; left > 0; left--) { /* the highest index first */
        kept[left - 1] = list[0].index;
        list[0] = list[left - 1];
        sift(list, left - 1, 0);
    }
}

int32_t att_rank_top(const double *scores, int32_t n, int32_t k, att_ranked *scratch, int32_t *kept)
{
    for (int32_t i = 0; i < n; i++)
        if (isnan(scores[i])) return i;
    for (int32_t i = 0; i < k; i++) scratch[i] = (att_ranked){scores[i], i};
    for (int32_t i = k / 2 - 1; i >= 0; i--) sift(scratch, k, i);
    for (int32_t i = k; i < n && k > 0; i++) {
        const att_ranked next = {scores[i], i};
        if (!before(&next, &scratch[0])) continue;
        scratch[0] = next;
        sift(scratch, k, 0);
    }
    sort_by_index(scratch, k, kept);
    return -1;
}

/* B. E. Bayer, "An optimum method for two-level rendition of continuous-tone pictures", 1973:
 * M(2n) = 4 M(n) + M(2), whose low bits of a place weigh most. Any 32 x 32 window of it is even, so
 * it may be shifted to begin in the middle. */
double att_rank_grid(int32_t rows, int32_t cols, int32_t row, int32_t col)
{
    const uint32_t y = (uint32_t)(row - rows / 2), x = (uint32_t)(col - cols / 2);
    double rank = 0.0;
    for (int bit = 0; 1 << bit < (rows > cols ? rows : cols) * 2 && bit < 20; bit++) {
        const uint32_t yb = y >> bit & 1, xb = x >> bit & 1;
        rank = rank * 4.0 + (double)((xb ^ yb) << 1 | yb);
    }
    return -rank;
}

void att_rank_random(uint64_t seed, int32_t n, int32_t k, att_ranked *scratch, int32_t *kept)
{
    att_random random = att_random_of(seed, 0);
    for (int32_t i = 0; i < n; i++) scratch[i].index = i;
    for (int32_t i = 0; i < k; i++) {
        const int32_t j = i + (int32_t)(att_random_unit(&random) * (double)(n - i));
        const int32_t index = scratch[i].index;
        scratch[i].index = scratch[j].index;
        scratch[j].index = index;
    }
    sort_by_index(scratch, k, kept);
}
