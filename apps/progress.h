/* progress.h - one line on stderr that is drawn over: what, how far, how fast, how long still.
 *
 * Silent unless stderr is a terminal and the work takes over a second. Tests:
 * tests/unit/test_progress.c */
#ifndef ATT_PROGRESS_H
#define ATT_PROGRESS_H

#include <stddef.h>

#include "attend/log.h"

typedef struct att_progress {
    int quiet;    /* draws and says nothing but warnings */
    int verbose;  /* shows what the library logs as information */
    int terminal; /* stderr is one */
    int drawn;    /* a line stands there now */
    double began, last;
    const char *what;     /* borrowed */
    size_t item, n_items; /* of a work of many */
    double many_began, before, share;
} att_progress;

void att_progress_init(att_progress *p, int quiet, int verbose);

/* A new piece of work begins. */
void att_progress_begin(att_progress *p, const char *what);

/* The next of many pieces begins, the work of which is done up to `before` (0 to 1); this one is
 * `share` of it. item counts from 1. */
void att_progress_item(att_progress *p, const char *what, size_t item, size_t n_items,
                       double before, double share);

/* done of total seconds of audio; draws at most ten times a second. */
void att_progress_audio(att_progress *p, double done_s, double total_s);

/* Seconds of audio that were read so far, of nobody knows how many. */
void att_progress_read(att_progress *p, double read_s);

/* The end of a text that may still change, as much as a line of 79 columns shows. */
void att_progress_say(att_progress *p, const char *text);

/* Takes the line away, so that something else can be printed. */
void att_progress_clear(att_progress *p);

/* An att_log that shows warnings, information with `verbose`, and the library's own progress. */
att_log att_progress_log(att_progress *p);

/* "1:02:03" or "2:03" of whole seconds. Returns text. */
char *att_progress_clock(double seconds, char *text, size_t bytes);

#endif /* ATT_PROGRESS_H */
