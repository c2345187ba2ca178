/* audio.h - any recording as a stream of mono f32 samples at one rate, in bounded memory.
 *
 * libsndfile reads what it knows (WAV, FLAC, OGG, MP3, ...); ffmpeg, when installed, the rest,
 * once, into an unlinked temporary file of 2 bytes a sample. Standard input is spooled likewise.
 * Tests: tests/unit/test_audio.c */
#ifndef ATT_AUDIO_H
#define ATT_AUDIO_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"
#include "attend/log.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_audio att_audio;

/* path "-" is standard input. rate_hz: of the samples that are wanted. log may be NULL; it is told
 * of a recording that ends early. ATT_E_INPUT, naming the file, when it cannot be read or
 * understood. */
att_status att_audio_open(att_audio **audio, const char *path, int32_t rate_hz, const att_log *log,
                          att_err *err);
void att_audio_close(att_audio *audio); /* NULL is fine */

/* Up to `room` samples, the mean of all channels; *got is 0 only at the end. ATT_E_INPUT names a
 * sample that is not a finite number. */
att_status att_audio_read(att_audio *audio, float *samples, size_t room, size_t *got, att_err *err);

/* Back to the first sample; the same samples come again. */
att_status att_audio_rewind(att_audio *audio, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_AUDIO_H */
