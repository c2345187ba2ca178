/* audio.h - any recording as a stream of mono f32 samples at one rate, in bounded memory.
 *
 * libsndfile reads what it knows (WAV, FLAC, OGG, MP3, ...); ffmpeg, when installed, the rest,
 * once, into an unlinked temporary file of 2 bytes a sample. Standard input and pipes are spooled
 * likewise. Such files lie in /var/tmp, which is on a disk, or else in /tmp.
 * Tests: tests/unit/test_audio.c, tests/fuzz/fuzz_audio.c */
#ifndef ATT_AUDIO_H
#define ATT_AUDIO_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"
#include "attend/log.h"
#include "time_map.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_audio att_audio;

/* path "-" is standard input. rate_hz: of the samples that are wanted. log may be NULL (and is
 * borrowed); it is told of a recording that ends early, which is read as far as it goes.
 * ATT_E_INPUT, naming the file, when it cannot be read or understood; ATT_E_IO when there is no
 * room for a temporary file. */
att_status att_audio_open(att_audio **audio, const char *path, int32_t rate_hz, const att_log *log,
                          att_err *err);
/* n mono samples in memory, borrowed, of samples_hz. */
att_status att_audio_open_samples(att_audio **audio, const float *samples, size_t n,
                                  int32_t samples_hz, int32_t rate_hz, att_err *err);
void att_audio_close(att_audio *audio); /* NULL is fine */

/* Up to `room` samples, the mean of all channels, 16-bit ones over 32768 and nothing clipped; *got
 * is 0 only at the end. ATT_E_INPUT names a sample (counted in the file's rate) that is not a
 * finite number, or beyond 1e9. */
att_status att_audio_read(att_audio *audio, float *samples, size_t room, size_t *got, att_err *err);

/* Back to the first sample; the same samples come again. */
att_status att_audio_rewind(att_audio *audio, att_err *err);

/* From the next rewind on, only the spans of the map (borrowed; samples of the rate that is wanted)
 * come, behind each other. NULL: all again. What lies between is read and dropped. */
void att_audio_keep(att_audio *audio, const att_time_map *map);

#ifdef __cplusplus
}
#endif
#endif /* ATT_AUDIO_H */
