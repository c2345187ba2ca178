/* plot_mel.h - the spectrogram of a recording as columns of a picture, in bounded memory.
 *
 * The numbers are those that the model hears (mel.h). Tests: tests/unit/test_plot.c */
#ifndef ATT_PLOT_MEL_H
#define ATT_PLOT_MEL_H

#include "mel.h"

enum { ATT_PLOT_BINS = 80 };

typedef struct att_plot_mel att_plot_mel;

/* path: a file. *duration_s: of it. */
att_status att_plot_mel_open(att_plot_mel **mel, const char *path, const att_log *log,
                             double *duration_s, att_err *err);
void att_plot_mel_close(att_plot_mel *mel); /* NULL is fine */

/* n columns from start_s on, each of column_s seconds: the means of the frames in them, or the
 * frame nearest to them, as colours 0xRRGGBB of an image [bins * bin_rows][n], lowest bin at the
 * bottom. Later columns are asked for later. */
att_status att_plot_mel_columns(att_plot_mel *mel, double start_s, double column_s, int n,
                                int bin_rows, uint32_t *rgb, att_err *err);

/* The colour of a part of the range, 0 (quiet, 80 dB below) to 1 (the loudest): matplotlib's magma,
 * which is in the public domain, at 17 points. */
uint32_t att_plot_mel_colour(double part);

#endif /* ATT_PLOT_MEL_H */
