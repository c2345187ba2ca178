/* plot_labels.c - rows of labels (plot_labels.h). Tests: tests/unit/test_plot.c */
#include "plot_labels.h"

enum { GAP = 7, FEW_LETTERS = 40, MOST_ROWS = 16 };

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

int att_labels_place(att_label *labels, size_t n, double left, double right, int max_rows,
                     int shorten)
{
    double ends[MOST_ROWS]; /* where the last label of each row ends */
    int used = 0;
    if (max_rows > MOST_ROWS) max_rows = MOST_ROWS;
    for (int r = 0; r < max_rows; r++) ends[r] = left - GAP;
    for (size_t i = 0; i < n; i++) {
        att_label *l = &labels[i];
        const size_t next = i + (size_t)max_rows; /* would begin in the same row */
        l->width = smaller(l->width, right - left);
        if (shorten && next < n) {
            const double room = labels[next].at - l->at - GAP;
            if (room < l->width)
                l->width = smaller(l->width, room > FEW_LETTERS ? room : FEW_LETTERS);
        }
        l->x = smaller(l->at, right - l->width);
        if (l->x < left) l->x = left;
        l->row = -1;
        for (int r = 0; l->row < 0 && r < max_rows; r++)
            if (ends[r] + GAP <= l->x) l->row = r;
        if (l->row < 0) continue;
        ends[l->row] = l->x + l->width;
        if (l->row >= used) used = l->row + 1;
    }
    return used;
}
