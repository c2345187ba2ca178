/* redistribute_find.c - what is found in read-outs: sinks, sets of patches, heads
 * (redistribute.h). Tests: tests/unit/test_redistribute.c */
#include "redistribute.h"

#include <math.h>
#include <string.h>

#include "mem.h"

typedef struct dims_row {
    const char *model;
    int32_t dims[2], n;
} dims_row;

int32_t att_sink_dims(const char *model, int32_t dims[ATT_SINK_MAX_DIMS])
{
    static const dims_row ROWS[] = {
        {"vicuna-7b", {1415, 2533}, 2},  {"llama-2-7b", {1415, 2533}, 2},
        {"vicuna-13b", {2100, 4743}, 2}, {"llama-2-13b", {2100, 4743}, 2},
        {"qwen2-vl-7b", {458, 2570}, 2}, {"internvl2-8b", {3584, 0}, 1},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        if (strcmp(model, ROWS[i].model) != 0) continue;
        for (int32_t d = 0; d < ROWS[i].n; d++) dims[d] = ROWS[i].dims[d];
        return ROWS[i].n;
    }
    return 0;
}

static double inverse_rms(const float *x, int32_t width)
{
    double sum = 0.0;
    for (int32_t d = 0; d < width; d++) sum += (double)x[d] * (double)x[d];
    return 1.0 / sqrt(sum / width + 1e-6);
}

void att_sink_phi(const float *x, int32_t n, int32_t width, const int32_t *dims, int32_t n_dims,
                  float *phi)
{
    for (int32_t i = 0; i < n; i++) {
        const float *row = x + (int64_t)i * width;
        const double scale = inverse_rms(row, width);
        double most = 0.0 * scale; /* NaN of any dimension stays */
        for (int32_t k = 0; k < n_dims; k++) {
            const double part = fabs((double)row[dims[k]]) * scale;
            if (!(part <= most)) most = part;
        }
        phi[i] = (float)most;
    }
}

att_status att_sink_calibration_create(att_sink_calibration *c, int32_t width, att_err *err)
{
    *c = (att_sink_calibration){.width = width};
    if (width < 1) return att_fail(err, ATT_E_ARG, "calibrate sinks: width %d", width);
    c->hits = att_calloc((size_t)width, sizeof *c->hits);
    c->last = att_calloc((size_t)width, sizeof *c->last);
    if (c->hits && c->last) return ATT_OK;
    att_sink_calibration_free(c);
    return att_fail(err, ATT_E_MEMORY, "calibrate sinks: no memory");
}

void att_sink_calibration_free(att_sink_calibration *c)
{
    att_free(c->hits);
    att_free(c->last);
    *c = (att_sink_calibration){0};
}

void att_sink_calibration_add(att_sink_calibration *c, const float *x, int32_t n_layers, double tau)
{
    c->n_prompts++;
    for (int32_t l = 0; l < n_layers; l++) {
        const float *row = x + (int64_t)l * c->width;
        const double scale = inverse_rms(row, c->width);
        for (int32_t d = 0; d < c->width; d++) {
            if (c->last[d] == c->n_prompts || !(fabs((double)row[d]) * scale > tau)) continue;
            c->last[d] = c->n_prompts;
            c->hits[d]++;
        }
    }
}

int32_t att_sink_calibration_dims(const att_sink_calibration *c, double part,
                                  int32_t dims[ATT_SINK_MAX_DIMS])
{
    int32_t n = 0;
    for (int32_t least = c->n_prompts; least > 0 && least >= part * c->n_prompts; least--)
        for (int32_t d = 0; d < c->width && n < ATT_SINK_MAX_DIMS; d++)
            if (c->hits[d] == least) dims[n++] = d;
    for (int32_t i = 1; i < n; i++) /* ascending; at most eight */
        for (int32_t j = i; j > 0 && dims[j] < dims[j - 1]; j--) {
            const int32_t d = dims[j];
            dims[j] = dims[j - 1];
            dims[j - 1] = d;
        }
    return n;
}

/* Marks the k highest of row[n] with a bit; equals by index. */
static void mark_top(const float *row, int32_t n, int32_t k, uint8_t bit, uint8_t *set)
{
    for (; k > 0; k--) {
        int32_t best = -1;
        for (int32_t i = 0; i < n; i++)
            if (!(set[i] & bit) && (best < 0 || row[i] > row[best])) best = i;
        set[best] |= bit;
    }
}

/* sorted[n] ascending by insertion: a few hundred patches, once a picture. */
static void sort(const float *row, int32_t n, double *sorted)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t at = i;
        for (; at > 0 && sorted[at - 1] > (double)row[i]; at--) sorted[at] = sorted[at - 1];
        sorted[at] = (double)row[i];
    }
}

/* Between the two nearest in proportion, as numpy.percentile() does. */
static double quantile(const double *sorted, int32_t n, double q)
{
    const double at = q * (n - 1);
    const int32_t low = (int32_t)at, high = low + 1 < n ? low + 1 : low;
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

void att_paint_sets(const att_redistribute_options *o, const float *row0, const float *row2,
                    const float *received, int32_t n, double *scratch, uint8_t *set)
{
    enum { LOCAL = 1, SUMMARY = 2, SPATIAL = 4 };
    memset(set, 0, (size_t)n);
    if (n < 1) return;
    mark_top(row0, n, (int32_t)(n * o->local_part), LOCAL, set);
    if (received) mark_top(received, n, (int32_t)(n * o->spatial_part), SPATIAL, set);
    sort(row2, n, scratch);
    const double q1 = quantile(scratch, n, 0.25), q3 = quantile(scratch, n, 0.75);
    for (int32_t i = 0; i < n; i++) {
        if ((double)row2[i] > q3 + 1.5 * (q3 - q1)) set[i] |= SUMMARY;
        set[i] = set[i] & SUMMARY ? 2 : set[i] ? 1 : 0;
    }
}

void att_var_sink_part(const att_redistribute_options *o, const float *class_mass, int32_t heads,
                       double part[2])
{
    int32_t n = 0;
    part[0] = part[1] = 0.0;
    for (int32_t h = 0; h < heads; h++) {
        const float *m = class_mass + (int64_t)h * ATT_ATTN_MAX_CLASSES;
        const double others = (double)m[ATT_KEY_VISUAL], sinks = (double)m[ATT_KEY_VISUAL_SINK];
        const double visual = others + sinks, text = (double)m[ATT_KEY_TEXT_SINK];
        if (visual == 0.0) continue; /* not NaN */
        const int moved = others > 0.0 && visual >= o->summ && others >= o->rho * visual;
        const double freed = moved ? (1.0 - o->keep) * (sinks + text) : 0.0;
        part[0] += sinks / visual;
        part[1] += moved ? o->keep * sinks / (others + freed + o->keep * sinks) : sinks / visual;
        n++;
    }
    part[0] = n ? part[0] / n : -1.0;
    part[1] = n ? part[1] / n : -1.0;
}

/* ln of the sum of exp of row[n]. */
static double log_sum(const float *row, int32_t n, double *top)
{
    double sum = 0.0;
    *top = -INFINITY;
    for (int32_t i = 0; i < n; i++)
        if (!((double)row[i] <= *top)) *top = (double)row[i];
    for (int32_t i = 0; i < n; i++) sum += exp((double)row[i] - *top);
    return *top + log(sum);
}

void att_pai_contrast(const float *logits, const float *text_logits, int32_t n, double gamma,
                      float *out)
{
    double top, text_top;
    const double sum = log_sum(logits, n, &top), text_sum = log_sum(text_logits, n, &text_top);
    for (int32_t i = 0; i < n; i++) {
        const double p = (double)logits[i] - sum, t = (double)text_logits[i] - text_sum;
        out[i] = (float)(gamma * (p - t) + t);
        if (p < top - sum + log(0.1)) out[i] = -INFINITY;
    }
}

/* mean + standard deviation (n - 1). */
static double high_of(const double *x, int32_t n)
{
    double mean = 0.0, square = 0.0;
    for (int32_t i = 0; i < n; i++) mean += x[i] / n;
    for (int32_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
    return mean + sqrt(n > 1 ? square / (n - 1) : 0.0);
}

int32_t att_vhr_choose(const float *with, const float *without, int32_t heads, int32_t width,
                       double alpha, float *gain, double *distance)
{
    enum { MOST = 256 };
    double far[MOST], loud[MOST], median = 0.0;
    int32_t chosen = 0;
    if (heads < 1 || heads > MOST) return -1;
    for (int32_t h = 0; h < heads; h++) {
        double d = 0.0, t = 0.0;
        for (int64_t i = (int64_t)h * width; i < (int64_t)(h + 1) * width; i++) {
            d += ((double)with[i] - (double)without[i]) * ((double)with[i] - (double)without[i]);
            t += (double)without[i] * (double)without[i];
        }
        if (isnan(d) || isnan(t)) return -1;
        far[h] = sqrt(d);
        loud[h] = t;
    }
    const double high_far = high_of(far, heads), high_loud = high_of(loud, heads);
    for (int32_t h = 0; h < heads; h++)
        if (far[h] > high_far && loud[h] > high_loud) far[h] = 0.0;
    for (int32_t h = 0; h < heads; h++) {
        int32_t below = 0, equal = 0;
        for (int32_t i = 0; i < heads; i++) {
            below += far[i] < far[h];
            equal += far[i] == far[h];
        }
        if (below <= (heads - 1) / 2 && below + equal > (heads - 1) / 2) median = far[h];
    }
    for (int32_t h = 0; h < heads; h++) {
        gain[h] = far[h] > median ? (float)alpha : 1.0f;
        chosen += far[h] > median;
        if (distance) distance[h] = far[h];
    }
    return chosen;
}
