/* prune_diverse.c - choices by likeness of vectors (prune_rank.h). Written from the papers'
 * formulas. */
#include "prune_rank.h"

#include <math.h>

enum { LANES = 4, FOUR = 4 }; /* partial sums of a product, and products made together */

/* Row y with rows x[4], each `width` apart: y is read once, and four sums hide each other's
 * latency (a third of the time of one by one). Each has the rounding of dot(). */
static void dot_four(const float *x, const float *y, int32_t width, double sum[FOUR])
{
    float part[FOUR][LANES] = {{0}};
    const float *const x1 = x + width, *const x2 = x1 + width, *const x3 = x2 + width;
    int32_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) part[0][lane] += x[i + lane] * y[i + lane];
        for (int lane = 0; lane < LANES; lane++) part[1][lane] += x1[i + lane] * y[i + lane];
        for (int lane = 0; lane < LANES; lane++) part[2][lane] += x2[i + lane] * y[i + lane];
        for (int lane = 0; lane < LANES; lane++) part[3][lane] += x3[i + lane] * y[i + lane];
    }
    for (int r = 0; r < FOUR; r++) {
        sum[r] = 0.0;
        for (int lane = 0; lane < LANES; lane++) sum[r] += (double)part[r][lane];
        for (int32_t k = i; k < width; k++)
            sum[r] += (double)x[(int64_t)r * width + k] * (double)y[k];
    }
}

static double dot(const float *x, const float *y, int32_t width)
{
    float part[LANES] = {0};
    double sum = 0.0;
    int32_t i = 0;
    for (; i + LANES <= width; i += LANES)
        for (int lane = 0; lane < LANES; lane++) part[lane] += x[i + lane] * y[i + lane];
    for (int lane = 0; lane < LANES; lane++) sum += (double)part[lane];
    for (; i < width; i++) sum += (double)x[i] * (double)y[i];
    return sum;
}

typedef struct vectors {
    const float *x;
    int32_t width;
    const att_ranked *length; /* its score is the norm of vector index */
} vectors;

static double by_norms(const vectors *v, int32_t i, int32_t j, double product)
{
    const double norms = v->length[i].score * v->length[j].score;
    return norms == 0.0 ? 0.0 : product / norms;
}

static double cosine(const vectors *v, int32_t i, int32_t j)
{
    const float *x = v->x + (int64_t)i * v->width, *y = v->x + (int64_t)j * v->width;
    return by_norms(v, i, j, dot(x, y, v->width));
}

/* cosines[n] of vectors [first, first + n) with vector j; n is at most FOUR. */
static void cosines(const vectors *v, int32_t first, int32_t n, int32_t j, double *out)
{
    const float *x = v->x + (int64_t)first * v->width, *y = v->x + (int64_t)j * v->width;
    if (n == FOUR) dot_four(x, y, v->width, out);
    for (int32_t r = 0; r < n; r++)
        out[r] = n == FOUR ? by_norms(v, first + r, j, out[r]) : cosine(v, first + r, j);
}

/* -1, or the first vector whose norm is not finite. */
static int32_t measure(const float *x, int32_t n, int32_t width, att_ranked *length)
{
    for (int32_t i = 0; i < n; i++) {
        const float *row = x + (int64_t)i * width;
        length[i] = (att_ranked){sqrt(dot(row, row, width)), 0};
        if (!isfinite(length[i].score)) return i;
    }
    return -1;
}

static int32_t at_most_four(int32_t left)
{
    return left < FOUR ? left : FOUR;
}

static void lower(att_ranked *entry, double distance)
{
    if (distance < entry->score) entry->score = distance;
}

/* nearest[i]: the distance of i to its nearest other. */
static void nearest_of_all(const vectors *v, int32_t n, att_ranked *nearest)
{
    double near[FOUR];
    for (int32_t i = 0; i < n; i++) nearest[i].score = INFINITY;
    for (int32_t first = 0; first < n; first += FOUR) {
        const int32_t rows = at_most_four(n - first);
        for (int32_t j = first + 1; j < n; j++) {
            cosines(v, first, rows, j, near);
            for (int32_t r = 0; r < rows && first + r < j; r++) {
                lower(&nearest[first + r], 1.0 - near[r]);
                lower(&nearest[j], 1.0 - near[r]);
            }
        }
    }
}

static int32_t farthest(const att_ranked *nearest, int32_t n)
{
    int32_t best = -1;
    for (int32_t i = 0; i < n; i++)
        if (nearest[i].index == 0 && (best < 0 || nearest[i].score > nearest[best].score)) best = i;
    return best;
}

int32_t att_rank_diverse(const float *x, int32_t n, int32_t width, int32_t k, att_ranked *scratch,
                         int32_t *kept)
{
    att_ranked *length = scratch, *nearest = scratch + n; /* whose index 1 says taken */
    const vectors v = {x, width, length};
    const int32_t bad = measure(x, n, width, length);
    if (bad >= 0) return bad;
    for (int32_t i = 0; i < n; i++) nearest[i].index = 0;
    if (k > 0 && k < n) nearest_of_all(&v, n, nearest);
    for (int32_t taken = 0; k < n && taken < k; taken++) {
        const int32_t next = farthest(nearest, n);
        nearest[next].index = 1;
        for (int32_t first = 0; first < n; first += FOUR) {
            double near[FOUR];
            const int32_t rows = at_most_four(n - first);
            cosines(&v, first, rows, next, near);
            for (int32_t r = 0; r < rows; r++) {
                /* Those of the first pick are distances to all; now only to those taken. */
                if (!taken) nearest[first + r].score = INFINITY;
                lower(&nearest[first + r], 1.0 - near[r]);
            }
        }
    }
    for (int32_t i = 0, at = 0; i < n; i++)
        if (k >= n || nearest[i].index) kept[at++] = i;
    return -1;
}

enum { DOMINANT = -1, CENTRE = -2, REST = -3 };

/* kept[]: dominant tokens and every step-th of the others, at most `merged`. role[i].index says
 * which a token is. Returns how many. */
static int32_t choose_centres(int32_t n, int32_t dominant, int32_t merged, int32_t *kept,
                              att_ranked *role)
{
    const int32_t rest = n - dominant, step = merged && rest / merged > 1 ? rest / merged : 1;
    int32_t seen = 0, centres = 0, made = 0;
    for (int32_t i = 0; i < n; i++) role[i].index = REST;
    for (int32_t i = 0; i < dominant; i++) role[kept[i]].index = DOMINANT;
    for (int32_t i = 0; i < n; i++) {
        if (role[i].index == REST && seen++ % step == 0 && centres < merged) {
            role[i].index = CENTRE;
            centres++;
        }
        if (role[i].index != REST) kept[made++] = i;
    }
    return made;
}

/* The entry of kept[n_made] that is the nearest centre to i; -1 where there is none. */
static int32_t nearest_centre(const vectors *v, int32_t i, const int32_t *kept, int32_t n_made,
                              const att_ranked *role)
{
    double best = -INFINITY;
    int32_t centre = -1;
    for (int32_t m = 0; m < n_made; m++) {
        if (role[kept[m]].index != CENTRE) continue;
        const double likeness = cosine(v, i, kept[m]);
        if (likeness > best) {
            best = likeness;
            centre = m;
        }
    }
    return centre;
}

int32_t att_rank_merge(const double *scores, const float *keys, int32_t n, int32_t width,
                       int32_t dominant, int32_t merged, att_ranked *scratch, int32_t *kept,
                       int32_t *at, int32_t *source, float *weight, int32_t *n_made)
{
    att_ranked *length = scratch, *role = scratch + n; /* length's index: the centre joined */
    const vectors v = {keys, width, length};
    int32_t bad = att_rank_top(scores, n, dominant, scratch, kept);
    if (bad < 0) bad = measure(keys, n, width, length);
    if (bad >= 0) return bad;
    const int32_t made = choose_centres(n, dominant, merged, kept, role);
    for (int32_t i = 0; i < n; i++)
        length[i].index = role[i].index == REST ? nearest_centre(&v, i, kept, made, role) : -1;
    int32_t filled = 0;
    for (int32_t m = 0; m < made; m++) {
        at[m] = filled;
        source[filled] = kept[m];
        weight[filled++] = 1.0f;
        for (int32_t i = 0; i < n; i++)
            if (length[i].index == m) source[filled++] = i;
        const int32_t joined = filled - at[m] - 1;
        for (int32_t s = at[m] + 1; s < filled; s++) weight[s] = 1.0f / (float)joined;
    }
    at[made] = filled;
    *n_made = made;
    return -1;
}
