/* grid_sample.h - a grid of numbers between its cells; private to focus and overlay. */
#ifndef ATT_GRID_SAMPLE_H
#define ATT_GRID_SAMPLE_H

#include <stdint.h>

/* map[rows * cols] at (y, x) in cells, the centre of the first being (0.5, 0.5); bilinear, the
 * outermost value beyond the outermost centres. */
double atti_grid_sample(const double *map, int32_t rows, int32_t cols, double y, double x);

#endif /* ATT_GRID_SAMPLE_H */
