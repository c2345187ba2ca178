/* score.h - the device room's own kernel, SCORE_ANY, as a test load: small, and exact. */
#ifndef ATT_TEST_SCORE_H
#define ATT_TEST_SCORE_H

#include "queue.h"

enum { SCORE_GROUP = 64 };

/* Launches y[n] = 16 + 12 / 2^rounds for n elements, in groups enough for them. */
att_status score_launch(att_queue *queue, att_view y, int32_t n, int32_t rounds, att_err *err);

/* What every element must be; exact up to 20 rounds. */
float score_expected(int32_t rounds);

/* Runs it on a buffer of its own and compares; the numbers behind must stay. Ends the test when
 * one differs. */
void score_check(att_queue *queue, int32_t n, int32_t rounds);

#endif /* ATT_TEST_SCORE_H */
