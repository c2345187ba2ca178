/* audio_spool.h - recordings that libsndfile cannot open as they are, as unlinked temporary files.
 * Private to audio.c. */
#ifndef ATT_AUDIO_SPOOL_H
#define ATT_AUDIO_SPOOL_H

#include <stdint.h>

#include "attend/error.h"
#include "attend/log.h"

/* Copies what comes from the fd `in`, which stays open, into a temporary file; *fd is at its start
 * and the caller's to close. */
att_status atti_spool_pipe(int in, const char *name, int *fd, att_err *err);

/* Runs ffmpeg over the file fd and spools what it makes: s16 mono at rate_hz. `why` says why it is
 * asked. ATT_E_INPUT when there is no ffmpeg, or with its last words when it failed. */
att_status atti_spool_ffmpeg(int fd, int32_t rate_hz, const char *name, const char *why,
                             const att_log *log, int *spooled, att_err *err);

#endif /* ATT_AUDIO_SPOOL_H */
