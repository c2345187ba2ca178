/* word_times.c - words' times in their segments (word_times.h). Tests: tests/unit/test_word_times.c
 */
#include "word_times.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Python's round(x, 2). */
static double round_2(double x)
{
    char text[64];
    snprintf(text, sizeof text, "%.2f", x);
    return strtod(text, NULL);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median of the words' durations that are not 0, at most 0.7 s; *any: whether there are some.
 */
static att_status median_duration(const att_whisper_words *w, double *median, int *any,
                                  att_err *err)
{
    double *d = att_calloc((size_t)w->n, sizeof *d);
    int32_t n = 0;
    *median = 0.0;
    if (!d) return att_fail(err, ATT_E_MEMORY, "time words: out of memory");
    for (int32_t i = 0; i < w->n; i++) {
        const double duration = w->list[i].end - w->list[i].start;
        if (duration != 0.0) d[n++] = duration;
    }
    qsort(d, (size_t)n, sizeof *d, ascending);
    if (n > 0) *median = n % 2 ? d[n / 2] : (d[n / 2 - 1] + d[n / 2]) / 2.0;
    *median = fmin(*median, 0.7);
    *any = n > 0;
    att_free(d);
    return ATT_OK;
}

/* A pause at a sentence's end is not a part of the words beside it. */
static void shorten_at_marks(att_whisper_words *w, double most)
{
    static const char MARKS[] = ".。!！?？";
    for (int32_t i = 1; i < w->n; i++) {
        att_whisper_word *word = &w->list[i];
        if (!(word->end - word->start > most)) continue;
        if (strstr(MARKS, word->text))
            word->end = word->start + most;
        else if (strstr(MARKS, w->list[i - 1].text))
            word->start = word->end - most;
    }
}

/* Nor is a pause between segments. */
static void fit_to_segment(att_word_segment *s, double last_speech_s, double median)
{
    att_asr_word *w = s->words, *last = &w[s->n_words - 1];
    const double most = 2.0 * median;
    const int two = s->n_words > 1;
    if (w[0].end - last_speech_s > 4.0 * median &&
        (w[0].end - w[0].start > most || (two && w[1].end - w[0].start > 2.0 * most))) {
        if (two && w[1].end - w[1].start > most) {
            const double boundary = fmax(w[1].end / 2.0, w[1].end - most);
            w[0].end = w[1].start = boundary;
        }
        w[0].start = fmax(0.0, w[0].end - most);
    }
    if (s->start < w[0].end && s->start - 0.5 > w[0].start)
        w[0].start = fmax(0.0, fmin(w[0].end - median, s->start));
    else
        s->start = w[0].start;
    if (s->end > last->start && s->end + 0.5 < last->end)
        last->end = fmax(last->start + median, s->end);
    else
        s->end = last->end;
}

/* The words from *next on that the segment's tokens make. */
static att_status take_words(att_word_segment *s, att_whisper_words *w, int32_t *next,
                             double offset_s, att_err *err)
{
    int32_t saved = 0;
    s->words = att_calloc((size_t)s->n_tokens, sizeof *s->words);
    if (!s->words) return att_fail(err, ATT_E_MEMORY, "time words: out of memory");
    for (; *next < w->n && saved < s->n_tokens; (*next)++) {
        att_whisper_word *word = &w->list[*next];
        saved += word->n_tokens;
        if (!word->text[0]) continue;
        s->words[s->n_words++] = (att_asr_word){.text = word->text,
                                                .start = round_2(offset_s + word->start),
                                                .end = round_2(offset_s + word->end),
                                                .probability = word->probability};
        word->text = NULL;
    }
    return ATT_OK;
}

att_status att_word_times_add(att_word_segment *segments, int32_t n, att_whisper_words *words,
                              const char *prepended, const char *appended, double offset_s,
                              double *last_speech_s, att_err *err)
{
    double median;
    int any = 0;
    int32_t next = 0;
    att_status status = median_duration(words, &median, &any, err);
    if (!status && any) shorten_at_marks(words, 2.0 * median);
    if (!status) status = att_whisper_words_merge(words, prepended, appended, err);
    for (int32_t i = 0; !status && i < n; i++) {
        status = take_words(&segments[i], words, &next, offset_s, err);
        if (status || segments[i].n_words == 0) continue;
        fit_to_segment(&segments[i], *last_speech_s, median);
        *last_speech_s = segments[i].end;
    }
    return status;
}

void att_word_segments_free(att_word_segment *segments, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        for (int32_t k = 0; k < segments[i].n_words; k++)
            att_free((void *)segments[i].words[k].text);
        att_free(segments[i].words);
        segments[i].words = NULL;
        segments[i].n_words = 0;
    }
}
