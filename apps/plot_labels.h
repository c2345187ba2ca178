/* plot_labels.h - texts along a time axis in rows, so that none lies over another.
 *
 * Tests: tests/unit/test_plot.c */
#ifndef ATT_PLOT_LABELS_H
#define ATT_PLOT_LABELS_H

#include <stddef.h>
#include <stdint.h>

typedef struct att_label {
    const char *text; /* borrowed */
    double at;        /* pixel of its time */
    double width;     /* of the whole text; after placing, of what there is room for */
    double x;         /* after placing: the left edge */
    int row;          /* after placing: 0 is the first; -1: no room */
    uint32_t rgb;
} att_label;

/* Places labels, which are in the order of their times, between left and right: each begins at its
 * time, or before it when the right edge is near, in the first row where it fits. With `shorten` a
 * text gives way to the one that needs its row next, down to a few letters. Returns how many rows
 * are used; at most max_rows. */
int att_labels_place(att_label *labels, size_t n, double left, double right, int max_rows,
                     int shorten);

#endif /* ATT_PLOT_LABELS_H */
