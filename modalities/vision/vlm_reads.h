/* vlm_reads.h - what a pruning policy asks to see (prune.h), out of q, k and v of one layer.
 *
 * Plain sums on the host over rows that were read back: O(T C) a layer, and no map of T x T.
 * Tests: tests/unit/test_vlm_reads.c */
#ifndef ATT_VLM_READS_H
#define ATT_VLM_READS_H

#include "prune.h"
#include "queue.h"

/* Rows of one tile's layer as they were seen, and what was made of them. All memory is reserved by
 * atti_vlm_reads_init(). */
typedef struct atti_vlm_reads {
    int32_t max_rows, heads, width; /* width of a head */
    int32_t has_class;              /* row 0 is a class token */
    uint32_t wants;                 /* ATT_READ_* */
    int32_t rows;                   /* of q, k and v, class token included */
    const float *q, *k, *v;         /* [rows][stride] */
    size_t stride;
    float *qkv;                                  /* [max_rows][3 * heads * width] */
    uint16_t *halves;                            /* where they come as f16 */
    float *row, *key_rows, *dots, *l1, *vectors; /* as att_prune_reads has them */
    float *scratch;                              /* [max_rows] */
    double seconds;                              /* that reading and summing took */
} atti_vlm_reads;

att_status atti_vlm_reads_init(atti_vlm_reads *reads, int32_t max_rows, int32_t heads,
                               int32_t width, int32_t has_class, att_err *err);
void atti_vlm_reads_finish(atti_vlm_reads *reads); /* a zeroed one is fine */

/* An att_block_look's see(): user is the atti_vlm_reads, whose wants say what is made. */
att_status atti_vlm_reads_see(void *user, att_queue *queue, att_mat q, att_mat k, att_mat v,
                              att_err *err);

/* What was made for n visual tokens; key_mean[heads][rows] of the attention's tap, or NULL. */
att_prune_reads atti_vlm_reads_of(atti_vlm_reads *reads, const float *key_mean);

double atti_vlm_now(void); /* seconds */

#endif /* ATT_VLM_READS_H */
