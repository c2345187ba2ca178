/* log.c - attend/log.h. Tests: tests/unit/test_base.c */
#include "attend/log.h"

#include <stdarg.h>
#include <stdio.h>

void att_log_write(const att_log *log, att_log_level level, const char *format, ...)
{
    if (!log || !log->write) return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log->write(log->user, level, text, 0, 0);
}

void att_log_progress(const att_log *log, const char *text, int done, int total)
{
    if (log && log->write) log->write(log->user, ATT_LOG_PROGRESS, text, done, total);
}
