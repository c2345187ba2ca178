/* logits_top.h - what a choice of tokens needs of rows of logits on a device: the best tokens, and
 * the log of the sum of all, so that no row has to be read.
 *
 * A vocabulary has two parts, [0, split) and [split, V), each with best tokens and a sum of its
 * own: rules may compare them. Truth: lib/ref/ref_logits_top.c. Kernels: cl/logits_top_*.cl.
 * Tests: tests/kernels/test_logits_top.c */
#ifndef ATT_LOGITS_TOP_H
#define ATT_LOGITS_TOP_H

#include "buffer.h"
#include "logits.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_logits_choice {
    int32_t token;
    float logit;
} att_logits_choice;

/* Of the tokens of one part that may come, and are above -infinity. */
typedef struct att_logits_part {
    double log_sum_exp;      /* -infinity: there is none; NaN: one is NaN or +infinity */
    int32_t n;               /* of best */
    att_logits_choice *best; /* highest first, the lowest token first of equals */
} att_logits_part;

/* Room for rows and what is found in them, on both sides. */
typedef struct att_logits_top {
    int32_t max_rows, n_vocab, max_best;
    int32_t row_words;
    uint32_t *forbidden;    /* [max_rows][row_words]: see att_logits_top_forbidden() */
    float *found;           /* as the kernels leave it */
    att_logits_part *parts; /* [max_rows][2], of the last call */
    att_logits_choice *best;
    att_view device_forbidden, device_found;
} att_logits_top;

/* Takes device memory from the arena; max_best: the most tokens that a call may ask for. */
att_status att_logits_top_init(att_logits_top *top, att_arena *arena, int32_t max_rows,
                               int32_t n_vocab, int32_t max_best, att_err *err);
void att_logits_top_finish(att_logits_top *top); /* a zeroed one is fine */

/* What may not come in a row (logits.h): the caller fills it before each call, after which it
 * stays.
 */
uint32_t *att_logits_top_forbidden(const att_logits_top *top, int32_t row);

/* logits: f32[rows][V] on the device. Fills top->parts of these rows with the n_best best tokens of
 * each part; waits for them. Allocates nothing. */
att_status att_logits_top_apply(att_queue *queue, att_logits_top *top, att_mat logits,
                                int32_t split, int32_t n_best, att_err *err);

size_t att_logits_top_kernels(const att_device *device, att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LOGITS_TOP_H */
