/* prune_flowcut.c - after the public code (prune_flowcut.h); sums are double. */
#include "prune_flowcut.h"

#include <math.h>

static int32_t value_heads(const att_prune_reads *r)
{
    return r->value_heads ? r->value_heads : r->heads;
}

/* Adds softmax(dots * scale) to mean[n], weighed; the first `skip` dots have no place in it. One
 * exponential of f32 each: half of all time goes there. work[n]. */
static void add_softmax(const float *dots, int32_t n, int32_t skip, double scale, double weight,
                        double *work, double *mean)
{
    float top = -INFINITY;
    double sum = 0.0;
    for (int32_t j = 0; j < n + skip; j++)
        if (!(dots[j] <= top)) top = dots[j]; /* NaN stays */
    for (int32_t j = 0; j < skip; j++) sum += (double)expf((float)(scale * (dots[j] - top)));
    for (int32_t j = 0; j < n; j++) {
        work[j] = (double)expf((float)(scale * (dots[skip + j] - top)));
        sum += work[j];
    }
    for (int32_t j = 0; j < n; j++) mean[j] += weight / sum * work[j];
}

void att_flowcut_scores(const att_prune_reads *r, int has_class, int scaled, double *work,
                        double *scores)
{
    double sums[2] = {0.0, 0.0};
    if (!has_class) {
        for (int32_t j = 0; j < r->n; j++) scores[j] = (double)r->row[j] * (double)r->value_l1[j];
        return;
    }
    const int32_t heads = value_heads(r);
    for (int32_t j = 0; j < r->n; j++) scores[j] = 0.0;
    for (int32_t h = 0; h < heads; h++)
        add_softmax(r->value_dots + (int64_t)h * (r->n + 1), r->n, 1,
                    scaled ? 1.0 / sqrt((double)r->head_width) : 1.0, 1.0 / heads, work, scores);
    for (int32_t j = 0; j < r->n; j++) {
        sums[0] += (double)r->row[j];
        sums[1] += scores[j];
    }
    for (int32_t j = 0; j < r->n; j++)
        scores[j] = ((double)r->row[j] / sums[0] + scores[j] / sums[1]) * (double)r->value_l1[j];
}

void att_flowcut_scores_llm(const att_prune_reads *r, double *work, double *scores)
{
    const int32_t heads = value_heads(r);
    const double scale = 1.0 / sqrt((double)r->head_width);
    for (int32_t j = 0; j < r->n; j++) scores[j] = 0.0;
    for (int32_t h = 0; h < heads; h++)
        add_softmax(r->value_dots + (int64_t)h * r->n, r->n, 0, scale, 1.0 / heads, work, scores);
    for (int32_t h = 0; h < r->heads; h++) { /* each sums to 1 over the visual keys */
        const float *row = r->head_rows + (int64_t)h * r->n;
        double sum = 0.0;
        for (int32_t j = 0; j < r->n; j++) sum += (double)row[j];
        for (int32_t j = 0; j < r->n; j++) scores[j] += (double)row[j] / sum / r->heads;
    }
    for (int32_t j = 0; j < r->n; j++) scores[j] *= (double)r->value_l1[j];
}

void att_flowcut_carry(double *carried, const double *scores, int32_t n, int first)
{
    for (int32_t j = 0; j < n; j++)
        carried[j] = first ? scores[j] : 0.5 * carried[j] + 0.5 * scores[j];
}

int32_t att_flowcut_count(const double *attention, int32_t n, int32_t target, int32_t left)
{
    double sum = 0.0, entropy = 0.0;
    if (n <= target || left < 0 || left % 2) return n;
    if (!left) return target;
    for (int32_t j = 0; j < n; j++) sum += attention[j];
    for (int32_t j = 0; j < n; j++) {
        const double p = attention[j] / sum;
        if (p != 0.0) entropy -= p * log(p);
    }
    const double part = entropy / log((double)n);
    const double dropped = nearbyint((n - target) / sqrt((double)left) * (1.0 - part * part));
    if (isnan(dropped)) return -1;
    if (dropped >= n - target) return target;
    return dropped <= 0.0 ? n : n - (int32_t)dropped;
}
