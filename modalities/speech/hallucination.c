/* hallucination.c - doubted words (hallucination.h). Tests: tests/unit/test_hallucination.c */
#include "hallucination.h"

#include <math.h>
#include <string.h>

enum { LOOKED_AT = 8 }; /* words of a segment */

static const double FRAMES_A_SECOND = 100.0;

static double anomaly_score(const att_asr_word *w)
{
    const double duration = w->end - w->start;
    double score = 0.0;
    if (w->probability < 0.15) score += 1.0;
    if (duration < 0.133) score += (0.133 - duration) * 15.0;
    if (duration > 2.0) score += duration - 2.0;
    return score;
}

int att_hallucination_is_anomaly(const att_word_segment *s)
{
    static const char MARKS[] = "\"'“¿([{-\"'.。,，!！?？:：”)]}、";
    double score = 0.0;
    int n = 0;
    if (!s || s->n_words == 0) return 0;
    for (int32_t i = 0; i < s->n_words && n < LOOKED_AT; i++) {
        if (strstr(MARKS, s->words[i].text)) continue;
        score += anomaly_score(&s->words[i]);
        n++;
    }
    return score >= 3.0 || score + 0.01 >= n;
}

static const att_word_segment *next_with_words(const att_word_segment *s, int32_t first, int32_t n)
{
    for (int32_t i = first; i < n; i++)
        if (s[i].n_words > 0) return &s[i];
    return NULL;
}

/* The end of the last word, or of the last segment where there are no words; NaN without segments.
 */
static double last_end(const att_word_segment *s, int32_t n)
{
    for (int32_t i = n - 1; i >= 0; i--)
        if (s[i].n_words > 0) return s[i].words[s[i].n_words - 1].end;
    return n > 0 ? s[n - 1].end : (double)NAN;
}

/* Whether segment i is doubted and has silence, or more to doubt, on both sides. */
static int is_surrounded(const att_hallucination_window *w, const att_word_segment *s, int32_t i,
                         int32_t n, double before_s)
{
    const double offset = (double)w->seek / FRAMES_A_SECOND;
    const double window_end = (double)(w->seek + 3000) / FRAMES_A_SECOND;
    const att_word_segment *next = next_with_words(s, i + 1, n);
    const double next_start =
        next ? next->words[0].start : offset + (double)w->frames / FRAMES_A_SECOND;
    const int silence_before = s[i].start - before_s > w->threshold_s ||
                               s[i].start < w->threshold_s || s[i].start - offset < 2.0;
    const int silence_after = next_start - s[i].end > w->threshold_s ||
                              att_hallucination_is_anomaly(next) || window_end - s[i].end < 2.0;
    return silence_before && silence_after;
}

int64_t att_hallucination_skip(const att_hallucination_window *w, const att_word_segment *s,
                               int32_t *n, int64_t next_seek, int *again)
{
    const double offset = (double)w->seek / FRAMES_A_SECOND;
    const double window_end = (double)(w->seek + 3000) / FRAMES_A_SECOND;
    *again = 0;
    const double end = last_end(s, *n);
    if (!w->ends_in_timestamp && end > offset) {
        const int silent = window_end - end > w->threshold_s;
        next_seek = silent ? (int64_t)nearbyint(end * FRAMES_A_SECOND) : w->seek + w->frames;
    }
    const att_word_segment *first = next_with_words(s, 0, *n);
    if (first && att_hallucination_is_anomaly(first)) {
        const double gap = first->start - offset;
        if (gap > w->threshold_s) {
            *again = 1;
            return w->seek + (int64_t)nearbyint(gap * FRAMES_A_SECOND);
        }
    }
    double before_s = w->last_speech_s;
    for (int32_t i = 0; i < *n; i++) {
        if (s[i].n_words == 0) continue;
        if (att_hallucination_is_anomaly(&s[i]) && is_surrounded(w, s, i, *n, before_s)) {
            const double content_s = (double)w->content_frames / FRAMES_A_SECOND;
            next_seek = (int64_t)nearbyint(fmax(offset + 1.0, s[i].start) * FRAMES_A_SECOND);
            if (content_s - s[i].end < w->threshold_s) next_seek = w->content_frames;
            *n = i;
            break;
        }
        before_s = s[i].end;
    }
    return next_seek;
}
