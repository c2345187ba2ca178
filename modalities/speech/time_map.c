/* time_map.c - packed times and original ones (time_map.h). Tests: tests/unit/test_time_map.c */
#include "time_map.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "attend/vad.h"
#include "mem.h"

att_status att_time_map_add(att_time_map *m, int64_t start, int64_t end, att_err *err)
{
    const int64_t packed = att_time_map_packed(m);
    assert(start <= end && start >= 0);
    assert(m->n == 0 || start >= m->spans[m->n - 1].original + m->spans[m->n - 1].length);
    if (m->n == m->room) {
        const int32_t room = 2 * m->room + 16;
        att_time_span *grown = att_realloc(m->spans, (size_t)room, sizeof *grown);
        if (!grown) return att_fail(err, ATT_E_MEMORY, "find speech: out of memory");
        m->spans = grown;
        m->room = room;
    }
    const att_time_span span = {start, packed, end - start};
    m->spans[m->n++] = span;
    return ATT_OK;
}

void att_time_map_free(att_time_map *m)
{
    att_free(m->spans);
    memset(m, 0, sizeof *m);
}

int64_t att_time_map_packed(const att_time_map *m)
{
    return m->n ? m->spans[m->n - 1].packed + m->spans[m->n - 1].length : 0;
}

int32_t att_time_map_index(const att_time_map *m, double packed_s, int is_end)
{
    const double sample = trunc(packed_s * ATT_VAD_RATE_HZ);
    int32_t low = 0, high = m->n; /* the first span that ends behind the sample, or at it */
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        const att_time_span *s = &m->spans[middle];
        const double end = (double)(s->packed + s->length);
        if (is_end ? end < sample : end <= sample)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->n ? low : m->n - 1;
}

/* To the nearest 0.01, exactly: x * 100 is high + low without an error, a tie goes to the even. */
static double rounded(double x)
{
    const double high = x * 100.0, low = fma(x, 100.0, -high);
    const double whole = floor(high), above = (high - whole) - 0.5;
    const int up = above > 0.0 || (above == 0.0 && low > 0.0) ||
                   (above == 0.0 && low == 0.0 && fmod(whole, 2.0) != 0.0);
    return (whole + (up ? 1.0 : 0.0)) / 100.0;
}

double att_time_map_original_s(const att_time_map *m, double packed_s, int32_t index)
{
    if (index < 0) return packed_s;
    const att_time_span *s = &m->spans[index];
    return rounded((double)(s->original - s->packed) / ATT_VAD_RATE_HZ + packed_s);
}

double att_time_map_packed_s(const att_time_map *m, double original_s)
{
    const double sample = original_s * ATT_VAD_RATE_HZ;
    int32_t low = 0, high = m->n; /* the first span that does not end before the sample */
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        const att_time_span *s = &m->spans[middle];
        if ((double)(s->original + s->length) < sample)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == m->n) return (double)att_time_map_packed(m) / ATT_VAD_RATE_HZ;
    const att_time_span *s = &m->spans[low];
    const double inside = sample - (double)s->original;
    return ((double)s->packed + (inside > 0.0 ? inside : 0.0)) / ATT_VAD_RATE_HZ;
}
