/* alignment.c - maps of attention into times (alignment.h). Tests: tests/unit/test_alignment.c */
#include "alignment.h"

#include <math.h>
#include <string.h>

#include "mem.h"

enum { MEDIAN = 7, REACH = MEDIAN / 2 };

static void soften(float *row, int32_t n)
{
    float top = row[0];
    double sum = 0.0;
    for (int32_t j = 1; j < n; j++) top = row[j] > top ? row[j] : top;
    for (int32_t j = 0; j < n; j++) {
        row[j] = expf(row[j] - top);
        sum += (double)row[j];
    }
    for (int32_t j = 0; j < n; j++) row[j] = (float)((double)row[j] / sum);
}

/* Column j of all rows: minus its mean, over its deviation. */
static void standardise(float *w, int32_t rows, int32_t stride, int32_t j)
{
    double mean = 0.0, square = 0.0;
    for (int32_t i = 0; i < rows; i++) mean += (double)w[(size_t)i * (size_t)stride + (size_t)j];
    mean /= rows;
    for (int32_t i = 0; i < rows; i++) {
        const double d = (double)w[(size_t)i * (size_t)stride + (size_t)j] - mean;
        square += d * d;
    }
    const double deviation = sqrt(square / rows);
    for (int32_t i = 0; i < rows; i++) {
        float *x = &w[(size_t)i * (size_t)stride + (size_t)j];
        *x = (float)(((double)*x - mean) / deviation);
    }
}

/* The middle one of seven. */
static float median_at(const float *row, int32_t n, int32_t j)
{
    float sorted[MEDIAN];
    for (int32_t k = 0; k < MEDIAN; k++) {
        int32_t from = j + k - REACH;
        if (from < 0) from = -from;
        if (from >= n) from = 2 * (n - 1) - from;
        int32_t at = k;
        for (; at > 0 && row[from] < sorted[at - 1]; at--) sorted[at] = sorted[at - 1];
        sorted[at] = row[from];
    }
    return sorted[REACH];
}

void att_alignment_add_head(float *scores, int32_t rows, int32_t stride, int32_t cols, float *sum)
{
    for (int32_t i = 0; i < rows; i++) soften(scores + (size_t)i * (size_t)stride, cols);
    for (int32_t j = 0; j < cols; j++) standardise(scores, rows, stride, j);
    for (int32_t i = 0; i < rows; i++) {
        const float *row = scores + (size_t)i * (size_t)stride;
        for (int32_t j = 0; j < cols; j++)
            sum[(size_t)i * (size_t)cols + (size_t)j] +=
                cols <= REACH ? row[j] : median_at(row, cols, j);
    }
}

enum { DIAGONAL, DOWN, RIGHT };

/* Costs of all cells, f32 as the reference keeps them, and how each was reached. */
static void fill_costs(const float *similarity, int32_t rows, int32_t cols, float *cost,
                       uint8_t *trace)
{
    const size_t width = (size_t)cols + 1;
    for (size_t i = 0; i <= (size_t)rows; i++)
        for (size_t j = 0; j < width; j++) cost[i * width + j] = INFINITY;
    cost[0] = 0.0f;
    for (size_t i = 1; i <= (size_t)rows; i++)
        for (size_t j = 1; j < width; j++) {
            const float diagonal = cost[(i - 1) * width + j - 1], down = cost[(i - 1) * width + j];
            const float right = cost[i * width + j - 1];
            float c = right;
            uint8_t way = RIGHT;
            if (diagonal < down && diagonal < right) {
                c = diagonal;
                way = DIAGONAL;
            } else if (down < diagonal && down < right) {
                c = down;
                way = DOWN;
            }
            cost[i * width + j] =
                (float)((double)c - (double)similarity[(i - 1) * (size_t)cols + j - 1]);
            trace[i * width + j] = way;
        }
}

att_status att_alignment_walk(const float *similarity, int32_t rows, int32_t cols, int32_t *first,
                              att_err *err)
{
    const size_t width = (size_t)cols + 1, n = ((size_t)rows + 1) * width;
    float *cost = att_calloc(n, sizeof *cost);
    uint8_t *trace = att_calloc(n, sizeof *trace);
    for (int32_t i = 0; i < rows; i++) first[i] = 0;
    if (!cost || !trace) {
        att_free(cost);
        att_free(trace);
        return att_fail(err, ATT_E_MEMORY, "align words: out of memory");
    }
    fill_costs(similarity, rows, cols, cost, trace);
    for (int32_t i = rows, j = cols; i > 0 && j > 0;) {
        const int way = trace[(size_t)i * width + (size_t)j];
        first[i - 1] = j - 1; /* the last write is the leftmost */
        if (way != RIGHT) i--;
        if (way != DOWN) j--;
    }
    att_free(cost);
    att_free(trace);
    return ATT_OK;
}
