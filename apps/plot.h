/* plot.h - a recording and what was heard in it as one picture, for looking: the spectrogram in
 * strips, above it what was speech, below it the words at their times, coloured by confidence.
 *
 * Up to 30 s a strip and 24 strips; longer recordings have coarser strips. Without word times the
 * segments' texts stand there. Tests: tests/unit/test_plot.c, tests/real/test_many.c */
#ifndef ATT_PLOT_H
#define ATT_PLOT_H

#include "attend/asr.h"
#include "attend/log.h"

typedef struct att_plot {
    const char *audio;    /* path of the recording */
    const char *title;    /* UTF-8, as is all text */
    const char *subtitle; /* model, language */
    const att_asr_result *result;
    const att_log *log; /* told what att_audio_open() tells; or NULL */
} att_plot;

/* Draws the picture into a PNG file, whole or not at all. ATT_E_UNSUPPORTED in a build without
 * Pango. */
att_status att_plot_write(const char *path, const att_plot *plot, att_err *err);

/* How a duration is cut into strips: exposed for tests. */
typedef struct att_plot_cut {
    double strip_s, pixels_a_second;
    int n_strips, width; /* pixels of a whole strip */
} att_plot_cut;

att_plot_cut att_plot_cut_of(double duration_s);

/* Red for 0 by way of brown to dark blue for 1; all readable on white. */
uint32_t att_plot_confidence(double probability);

#endif /* ATT_PLOT_H */
