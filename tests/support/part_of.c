/* part_of.c - part_of.h. */
#include "part_of.h"

#include <assert.h>

#include "ref.h"

void part_of(const float *logits, const uint32_t *forbidden, int32_t first, int32_t end,
             int32_t n_best, part_of_row *row)
{
    int32_t tokens[PART_OF_BEST];
    assert(n_best <= PART_OF_BEST);
    row->part.log_sum_exp = att_ref_logits_top(logits, forbidden, first, end, n_best, tokens);
    row->part.best = row->best;
    for (row->part.n = 0; row->part.n < n_best && tokens[row->part.n] >= 0; row->part.n++)
        row->best[row->part.n] =
            (att_logits_choice){tokens[row->part.n], logits[tokens[row->part.n]]};
}
