/* prune_diverse.c - choices by likeness of vectors (prune_rank.h). Written from the papers'
 * formulas. */
#include "prune_rank.h"

#include <math.h>

enum { LANES = 16 }; /* partial sums, for vector units */

static double dot(const float *a, const float *b, int32_t n)
{
    float part[LANES] = {0};
    double sum = 0.0;
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int lane = 0; lane < LANES; lane++) part[lane] += a[i + lane] * b[i + lane];
    for (int lane = 0; lane < LANES; lane++) sum += (double)part[lane];
    for (; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

typedef struct vectors {
    const float *x;
    int32_t width;
    const att_ranked *length; /* its score is the norm of vector index */
} vectors;

static double cosine(const vectors *v, int32_t i, int32_t j)
{
    const double norms = v->length[i].score * v->length[j].score;
    if (norms == 0.0) return 0.0;
    return dot(v->x + (int64_t)i * v->width, v->x + (int64_t)j * v->width, v->width) / norms;
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

/* nearest[i]: the distance of i to its nearest other. */
static void nearest_of_all(const vectors *v, int32_t n, att_ranked *nearest)
{
    for (int32_t i = 0; i < n; i++) nearest[i].score = INFINITY;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = i + 1; j < n; j++) {
            const double d = 1.0 - cosine(v, i, j);
            if (d < nearest[i].score) nearest[i].score = d;
            if (d < nearest[j].score) nearest[j].score = d;
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
        for (int32_t i = 0; i < n; i++) {
            if (nearest[i].index) continue;
            const double d = 1.0 - cosine(&v, i, next);
            /* Those of the first pick are distances to all; now only to those taken. */
            if (!taken || d < nearest[i].score) nearest[i].score = d;
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
