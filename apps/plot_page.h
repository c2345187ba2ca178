/* plot_page.h - inside the picture of a transcript: plot.c lays out the page, plot_strip.c draws a
 * strip of it. Tests: tests/unit/test_plot.c */
#ifndef ATT_PLOT_PAGE_H
#define ATT_PLOT_PAGE_H

#include "canvas.h"
#include "plot.h"
#include "plot_labels.h"
#include "plot_mel.h"

/* Pixels. A strip, from above: times, what was speech, spectrogram, bars, rows of text. */
enum {
    PLOT_LEFT = 84,
    PLOT_RIGHT = 28,
    PLOT_HEADER = 74,
    PLOT_FOOTER = 26,
    PLOT_TIMES = 22,
    PLOT_SPEECH = 7,
    PLOT_BIN_ROWS = 2,
    PLOT_MEL = ATT_PLOT_BINS * PLOT_BIN_ROWS,
    PLOT_BARS = 7,
    PLOT_ROW = 17,
    PLOT_MAX_ROWS = 8,
    PLOT_BETWEEN = 20,
    PLOT_FULL_WIDTH = 1800, /* of a strip of 30 s */
    PLOT_LEAST_WIDTH = 640,
    PLOT_MOST_A_SECOND = 120,
    PLOT_MAX_STRIPS = 24,
    PLOT_WORDS_FROM = 28 /* pixels a second; with fewer, words have no room */
};

enum {
    ATTI_PLOT_INK = 0x222222,
    ATTI_PLOT_FAINT = 0x777777,
    ATTI_PLOT_LINE = 0xd0d0d0,
    ATTI_PLOT_SPEECH = 0x2a9d8f
};

typedef struct atti_plot_page {
    const att_plot *plot;
    att_canvas *canvas;
    att_plot_mel *mel;
    att_plot_cut cut;
    double duration_s;
    int words;         /* words, not segments, are the texts */
    att_label *labels; /* of all strips, in order */
    size_t n_labels, n_left_out;
    size_t first[PLOT_MAX_STRIPS + 1]; /* label of each strip */
    int rows[PLOT_MAX_STRIPS];
    int reached; /* the strip that labels have come to */
    int has_speech;
} atti_plot_page;

/* One text: a word, or a segment where there are no words. */
typedef struct atti_said {
    const char *text;
    double start, end, confidence;
} atti_said;

/* Calls see() for each word, or segment, in order. */
void atti_plot_each_said(const atti_plot_page *page, void (*see)(void *user, atti_said said),
                         void *user);

/* Where a time lies in a strip, and where the strip ends, in seconds. */
double atti_plot_pixel(const atti_plot_page *page, int strip, double seconds);
double atti_plot_strip_end(const atti_plot_page *page, int strip);

/* Texts of words and segments. */
att_text_style atti_plot_text(uint32_t rgb);

/* Draws a strip whose upper edge is y. */
att_status atti_plot_strip_draw(atti_plot_page *page, int strip, double y, att_err *err);
double atti_plot_strip_height(const atti_plot_page *page, int strip);

#endif /* ATT_PLOT_PAGE_H */
