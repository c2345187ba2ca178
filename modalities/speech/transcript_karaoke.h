/* transcript_karaoke.h - formats that tell when each word is sung: WebVTT with times inside,
 * Advanced SubStation Alpha, LRC. Without words they tell of segments.
 *
 * Sources: W3C WebVTT (cue timestamps), the ASS v4+ script format (\k), LRC with enhanced (A2) word
 * times. Tests: tests/unit/test_transcript_words.c */
#ifndef ATT_TRANSCRIPT_KARAOKE_H
#define ATT_TRANSCRIPT_KARAOKE_H

#include <stdio.h>

#include "transcript_layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As att_transcript_format.write. */
int atti_transcript_karaoke(FILE *file, const att_asr_result *result,
                            const att_transcript_layout *layout);
int atti_transcript_ass(FILE *file, const att_asr_result *result,
                        const att_transcript_layout *layout);
int atti_transcript_lrc(FILE *file, const att_asr_result *result,
                        const att_transcript_layout *layout);

#ifdef __cplusplus
}
#endif
#endif /* ATT_TRANSCRIPT_KARAOKE_H */
