/* score.c - score.h. */
#include "score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mem.h"

enum { GUARD = 64 };

att_status score_launch(att_queue *queue, att_view y, int32_t n, int32_t rounds, att_err *err)
{
    const att_arg args[] = {att_arg_i32(n), att_arg_i32(rounds), att_arg_f32(0.5f),
                            att_arg_f32(1.0f), att_arg_view(y)};
    const att_launch launch = {ATT_K_SCORE_ANY,
                               {(n + SCORE_GROUP - 1) / SCORE_GROUP, 1, 1},
                               args,
                               sizeof args / sizeof *args,
                               16.0 * n * rounds,
                               4.0 * n};
    return att_queue_launch(queue, &launch, err);
}

float score_expected(int32_t rounds)
{
    return 16.0f + ldexpf(12.0f, -rounds);
}

void score_check(att_queue *queue, int32_t n, int32_t rounds)
{
    const int32_t all = n + 2 * GUARD;
    att_buf *buf = NULL;
    att_err err;
    float *host = att_calloc((size_t)all, sizeof *host);
    assert_non_null(host);
    for (int32_t i = 0; i < all; i++) host[i] = -1.0f;
    if (att_buf_create(&buf, att_queue_device(queue), "score", ATT_F32, all, &err))
        fail_msg("%s", err.text);
    const att_view y = att_buf_view(buf, ATT_F32);
    if (att_queue_write(queue, y, host, all, &err) ||
        score_launch(queue, att_view_at(y, GUARD), n, rounds, &err) ||
        att_queue_read(queue, host, y, all, &err))
        fail_msg("%s", err.text);
    for (int32_t i = 0; i < all; i++) {
        const float want = i < GUARD || i >= GUARD + n ? -1.0f : score_expected(rounds);
        if (!(host[i] == want)) fail_msg("element %d is %g, expected %g", i, host[i], want);
    }
    att_buf_destroy(buf);
    att_free(host);
}
