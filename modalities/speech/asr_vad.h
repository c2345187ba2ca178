/* asr_vad.h - a run that hears speech alone: finding it, and times back in the recording; private
 * to asr*.c.
 *
 * Source: faster-whisper's transcribe.py (vad_filter, restore_speech_timestamps). Tests:
 * tests/real/test_asr_vad.c */
#ifndef ATT_ASR_VAD_H
#define ATT_ASR_VAD_H

#include "asr_run.h"
#include "audio.h"

/* Listens to the whole recording; afterwards the audio, rewound, gives its speech alone, and the
 * run's map and the result's speech and duration say where that was. Nothing else is kept. */
att_status atti_asr_find_speech(atti_asr_run *run, att_audio *audio, att_err *err);

/* Times of a segment that was found in packed audio, and of its words, which are changed in place.
 * A word begins and ends in the same stretch of speech; a segment with words is as long as they
 * are. One without words may begin in one stretch and end in another, unless it reaches no further
 * into it than the padding, where there is no speech: then it is not of that stretch. That rule is
 * attend's own: faster-whisper lets such an end jump over the silence. Without a map nothing
 * changes. */
void atti_asr_restore_times(const att_time_map *map, int32_t speech_pad_ms,
                            att_asr_segment *segment);

#endif /* ATT_ASR_VAD_H */
