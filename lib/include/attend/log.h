/* log.h - where a library call says what it is doing: a callback of the caller's, never stderr. */
#ifndef ATT_LOG_H
#define ATT_LOG_H

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

typedef enum att_log_level {
    ATT_LOG_WARNING, /* something fell back; shown by default */
    ATT_LOG_INFO,    /* choices made: device, bodies, sizes; shown with -v */
    ATT_LOG_PROGRESS /* one line about something that takes over a second: done of total */
} att_log_level;

/* Plain data, copied by whoever keeps it. write NULL: silence. total is 0 when it is not known and
 * for the other levels; text has no line end. Called from the thread that makes the call. */
typedef struct att_log {
    void (*write)(void *user, att_log_level level, const char *text, int done, int total);
    void *user;
} att_log;

void att_log_write(const att_log *log, att_log_level level, const char *format, ...)
    ATT_PRINTF(3, 4);
void att_log_progress(const att_log *log, const char *text, int done, int total);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif /* ATT_LOG_H */
