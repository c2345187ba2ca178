/* asr_clips.c - clips of a recording (asr_clips.h). Tests: tests/unit/test_asr_clips.c */
#include "asr_clips.h"

#include <math.h>

int32_t att_asr_n_clips(int32_t n_seconds)
{
    return n_seconds > 0 ? (n_seconds + 1) / 2 : 1;
}

/* Halves to even, as Python's round(). */
static int64_t frame_of(double second)
{
    return (int64_t)nearbyint(second * 100.0);
}

void att_asr_clip_at(const double *seconds, int32_t n, int32_t i, int64_t n_frames, int64_t *start,
                     int64_t *end)
{
    *start = 2 * i < n ? frame_of(seconds[2 * i]) : 0;
    *end = 2 * i + 1 < n ? frame_of(seconds[2 * i + 1]) : n_frames;
    if (*end > n_frames) *end = n_frames;
}
