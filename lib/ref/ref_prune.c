/* ref_prune.c - which tokens stay, from whole arrays and by exhaustive search (ref.h).
 * Tests: tests/unit/test_prune_rank.c, test_prune_flowcut.c */
#include "ref.h"

#include <math.h>
#include <string.h>

static double product(const float *a, const float *b, int32_t n)
{
    double sum = 0.0;
    for (int32_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* softmax over all keys of a row of head h, without guard against overflow. */
static double probability(const float *row, const float *keys, int32_t n_k, int32_t width,
                          double scale, int32_t j)
{
    double sum = 0.0;
    for (int32_t s = 0; s < n_k; s++)
        sum += exp(scale * product(row, keys + (int64_t)s * width, width));
    return exp(scale * product(row, keys + (int64_t)j * width, width)) / sum;
}

static double head_mean(const float *rows, int64_t row_stride, const float *keys, int32_t heads,
                        int32_t n_k, int32_t width, double scale, int32_t j)
{
    double sum = 0.0;
    for (int32_t h = 0; h < heads; h++)
        sum += probability(rows + h * row_stride, keys + (int64_t)h * n_k * width, n_k, width,
                           scale, j);
    return sum / heads;
}

static double norm_of_mean(const float *v, int32_t heads, int32_t n_k, int32_t width, int32_t j)
{
    double norm = 0.0;
    for (int32_t d = 0; d < width; d++) {
        double sum = 0.0;
        for (int32_t h = 0; h < heads; h++) sum += (double)v[((int64_t)h * n_k + j) * width + d];
        norm += fabs(sum / heads);
    }
    return norm;
}

void att_ref_prune_flowcut(const float *q, const float *k, const float *v, int32_t heads,
                           int32_t n_k, int32_t width, int sqrt_d, double *a, double *scores)
{
    const double scale = 1.0 / sqrt((double)width);
    double a_sum = 0.0, s_sum = 0.0;
    for (int32_t j = 1; j < n_k; j++) {
        a[j - 1] = head_mean(q, width, k, heads, n_k, width, scale, j);
        scores[j - 1] =
            head_mean(v, (int64_t)n_k * width, v, heads, n_k, width, sqrt_d ? scale : 1.0, j);
        a_sum += a[j - 1];
        s_sum += scores[j - 1];
    }
    for (int32_t j = 1; j < n_k; j++)
        scores[j - 1] =
            (a[j - 1] / a_sum + scores[j - 1] / s_sum) * norm_of_mean(v, heads, n_k, width, j);
}

void att_ref_prune_flowcut_llm(const float *q, const float *value, const float *k, const float *v,
                               int32_t heads, int32_t n_k, int32_t width, double *scores)
{
    const double scale = 1.0 / sqrt((double)width);
    for (int32_t j = 0; j < n_k; j++)
        scores[j] = (head_mean(q, width, k, heads, n_k, width, scale, j) +
                     head_mean(value, width, v, heads, n_k, width, scale, j)) *
                    norm_of_mean(v, heads, n_k, width, j);
}

int32_t att_ref_prune_count(const double *a, int32_t n, int32_t target, int32_t left)
{
    double sum = 0.0, h = 0.0;
    if (n <= target) return n;
    if (left == 0) return target;
    for (int32_t j = 0; j < n; j++) sum += a[j];
    for (int32_t j = 0; j < n; j++)
        if (a[j] > 0.0) h -= a[j] / sum * log(a[j] / sum);
    const double part = h / log((double)n);
    const int32_t count = n - (int32_t)lrint((n - target) / sqrt((double)left) * (1 - part * part));
    return count > target ? count : target;
}

void att_ref_prune_top(const double *scores, int32_t n, int32_t k, uint8_t *stays)
{
    memset(stays, 0, (size_t)n);
    for (; k > 0; k--) {
        int32_t best = -1;
        for (int32_t i = 0; i < n; i++)
            if (!stays[i] && (best < 0 || scores[i] > scores[best])) best = i;
        stays[best] = 1;
    }
}

/* Entry (y, x) of Bayer's matrix of edge 2^bits. */
static int64_t bayer(int bits, int32_t y, int32_t x)
{
    static const int64_t TWO[2][2] = {{0, 2}, {3, 1}};
    if (!bits) return 0;
    const int32_t half = 1 << (bits - 1);
    return 4 * bayer(bits - 1, y % half, x % half) + TWO[y / half][x / half];
}

void att_ref_prune_grid(int32_t rows, int32_t cols, int32_t k, uint8_t *stays)
{
    int bits = 0;
    while (1 << bits < 2 * rows || 1 << bits < 2 * cols) bits++;
    const int32_t edge = 1 << bits;
    memset(stays, 0, (size_t)rows * (size_t)cols);
    for (int64_t rank = 0; k > 0; rank++)
        for (int32_t i = 0; i < rows * cols; i++)
            if (bayer(bits, (i / cols - rows / 2 + edge) % edge,
                      (i % cols - cols / 2 + edge) % edge) == rank) {
                stays[i] = 1;
                k--;
            }
}

static double cosine(const float *x, int32_t width, int32_t i, int32_t j)
{
    const float *a = x + (int64_t)i * width, *b = x + (int64_t)j * width;
    const double norms = sqrt(product(a, a, width)) * sqrt(product(b, b, width));
    return norms > 0.0 ? product(a, b, width) / norms : 0.0;
}

void att_ref_prune_diverse(const float *x, int32_t n, int32_t width, int32_t k, uint8_t *stays)
{
    memset(stays, 0, (size_t)n);
    for (int32_t taken = 0; taken < k && taken < n; taken++) {
        double farthest = -INFINITY;
        int32_t best = -1;
        for (int32_t i = 0; i < n; i++) {
            double nearest = INFINITY;
            if (stays[i]) continue;
            for (int32_t j = 0; j < n; j++)
                if (j != i && (!taken || stays[j]))
                    nearest = fmin(nearest, 1.0 - cosine(x, width, i, j));
            if (best < 0 || nearest > farthest) {
                farthest = nearest;
                best = i;
            }
        }
        stays[best] = 1;
    }
}

void att_ref_prune_merge(const double *scores, const float *keys, int32_t n, int32_t width,
                         int32_t dominant, int32_t merged, double *weight)
{
    const int32_t rest = n - dominant;
    const int32_t step = merged && rest / merged ? rest / merged : 1;
    uint8_t stays[512]; /* 1 dominant, 2 centre */
    int32_t seen = 0;
    att_ref_prune_top(scores, n, dominant, stays);
    for (int32_t i = 0; i < n; i++) {
        if (stays[i]) continue;
        if (seen % step == 0 && seen / step < merged) stays[i] = 2;
        seen++;
    }
    memset(weight, 0, (size_t)n * (size_t)n * sizeof *weight);
    for (int32_t i = 0; i < n; i++) {
        int32_t best = -1;
        for (int32_t c = 0; c < n && !stays[i]; c++)
            if (stays[c] == 2 &&
                (best < 0 || cosine(keys, width, i, c) > cosine(keys, width, i, best)))
                best = c;
        if (best >= 0) weight[(int64_t)best * n + i] = 1.0;
    }
    for (int32_t i = 0; i < n; i++) {
        double joined = 0.0;
        for (int32_t j = 0; j < n; j++) joined += weight[(int64_t)i * n + j];
        for (int32_t j = 0; j < n && joined > 0.0; j++) weight[(int64_t)i * n + j] /= joined;
        if (stays[i]) weight[(int64_t)i * n + i] = 1.0;
    }
}
