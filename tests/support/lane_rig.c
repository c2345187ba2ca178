/* lane_rig.c - lane_rig.h. */
#include "lane_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

lane_rig lane_rig_open(const att_whisper *whisper, int32_t n_branches, int32_t n_lanes)
{
    lane_rig rig;
    att_err err;
    memset(&rig, 0, sizeof rig);
    assert_true(n_lanes <= LANE_RIG_LANES);
    if (att_whisper_session_create(&rig.session, whisper, n_branches, n_lanes, &err))
        fail_msg("%s", err.text);
    for (int32_t i = 0; i < n_lanes; i++)
        if (att_whisper_lane_create(&rig.lanes[i], rig.session, &err)) fail_msg("%s", err.text);
    return rig;
}

void lane_rig_close(lane_rig *rig)
{
    for (int32_t i = 0; i < LANE_RIG_LANES; i++) att_whisper_lane_destroy(rig->lanes[i]);
    att_whisper_session_destroy(rig->session);
    memset(rig, 0, sizeof *rig);
}

void lane_rig_encode(const lane_rig *rig, const float *mel)
{
    att_err err;
    if (att_whisper_encode(rig->lanes[0], mel, &err)) fail_msg("%s", err.text);
}

att_status lane_rig_try(const lane_rig *rig, const int32_t *ids, const int32_t *from, int32_t n,
                        att_err *err)
{
    const att_whisper_turn turn = {rig->lanes[0], ids, from, n};
    return att_whisper_decode(rig->session, &turn, 1, err);
}

void lane_rig_decode(const lane_rig *rig, const int32_t *ids, int32_t n)
{
    att_err err;
    if (lane_rig_try(rig, ids, NULL, n, &err)) fail_msg("%s", err.text);
}

void lane_rig_logits(const lane_rig *rig, int32_t first, int32_t n, float *logits)
{
    int32_t tokens[ATT_WHISPER_MAX_LOGITS];
    att_mat rows;
    att_err err;
    assert_true(n <= ATT_WHISPER_MAX_LOGITS);
    for (int32_t i = 0; i < n; i++) tokens[i] = first + i;
    if (att_whisper_logits(rig->session, tokens, n, &rows, &err) ||
        att_queue_read(att_whisper_session_queue(rig->session), logits, rows.view,
                       (int64_t)n * rows.cols, &err))
        fail_msg("%s", err.text);
}
