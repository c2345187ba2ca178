/* part_of.h - what lib/sample/logits_top.h finds in a row, without a device: by the reference. */
#ifndef ATT_PART_OF_H
#define ATT_PART_OF_H

#include "logits_top.h"

enum { PART_OF_BEST = 64 };

typedef struct part_of_row {
    att_logits_part part;
    att_logits_choice best[PART_OF_BEST];
} part_of_row;

/* The n_best best of tokens [first, end). The row owns part.best. */
void part_of(const float *logits, const uint32_t *forbidden, int32_t first, int32_t end,
             int32_t n_best, part_of_row *row);

#endif /* ATT_PART_OF_H */
