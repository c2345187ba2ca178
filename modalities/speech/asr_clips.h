/* asr_clips.h - the parts of a recording that are transcribed, as frames of 10 ms.
 *
 * Source: OpenAI's transcribe.py (clip_timestamps). Tests: tests/unit/test_asr_clips.c */
#ifndef ATT_ASR_CLIPS_H
#define ATT_ASR_CLIPS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The frames of clip i: seconds are starts and ends in turn, a missing end is the recording's; no
 * seconds at all are one clip, the whole. */
void att_asr_clip_at(const double *seconds, int32_t n, int32_t i, int64_t n_frames, int64_t *start,
                     int64_t *end);
int32_t att_asr_n_clips(int32_t n_seconds);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_CLIPS_H */
