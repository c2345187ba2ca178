/* audio_spool.h - recordings that libsndfile cannot open as they are, as unlinked temporary files.
 * Private to audio.c. */
#ifndef ATT_AUDIO_SPOOL_H
#define ATT_AUDIO_SPOOL_H

#include <stdint.h>

#include "attend/error.h"

/* Copies standard input into a temporary file; *fd is at its start and the caller's to close. */
att_status atti_spool_input(int *fd, att_err *err);

/* Runs ffmpeg over the file fd and spools what it makes: s16 mono at rate_hz. ATT_E_INPUT says when
 * there is no ffmpeg, or with which words it failed. */
att_status atti_spool_ffmpeg(int fd, int32_t rate_hz, const char *name, int *spooled, att_err *err);

#endif /* ATT_AUDIO_SPOOL_H */
