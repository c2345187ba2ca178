/* transcript_layout.c - subtitles of words (transcript_layout.h).
 * Tests: tests/unit/test_transcript_words.c */
#include "transcript_layout.h"

#include <limits.h>
#include <string.h>

#include "mem.h"
#include "utf8.h"

static const double LONG_PAUSE_S = 3.0;

/* The state of one walk over all words. */
typedef struct layout_walk {
    att_transcript_cues *cues;
    int32_t width, count, words_a_chunk;
    int limits_count, keeps_segments;
    int32_t line_length, line_count;
    double last; /* where the word before began */
} layout_walk;

static int32_t characters(const char *text, size_t n)
{
    int32_t count = 0;
    for (size_t i = 0; i < n; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static int32_t words_of_cue(const att_transcript_cues *c)
{
    return c->n_words - c->first[c->n];
}

/* Ends the subtitle so far. */
static void end_cue(att_transcript_cues *c)
{
    c->first[++c->n] = c->n_words;
}

/* The next word, the first of a chunk or not. Returns 0 when memory is out. */
static int place(layout_walk *w, const att_asr_word *word, int is_first)
{
    att_transcript_cues *c = w->cues;
    size_t n_stripped;
    const char *stripped = att_utf8_strip(word->text, &n_stripped), *before = "";
    const int32_t length = characters(word->text, strlen(word->text));
    const int pause = !w->keeps_segments && word->start - w->last > LONG_PAUSE_S;
    const int has_room = length <= w->width - w->line_length;
    const int segment_break = is_first && words_of_cue(c) > 0 && w->keeps_segments;
    const int goes_on = w->line_length > 0 && has_room && !pause && !segment_break;
    if (goes_on) {
        w->line_length += length;
    } else {
        const int is_full = w->limits_count && (pause || w->line_count >= w->count);
        if ((words_of_cue(c) > 0 && is_full) || segment_break) {
            end_cue(c);
            w->line_count = 1;
        } else if (w->line_length > 0) {
            w->line_count++;
            before = "\n";
        }
        w->line_length = characters(stripped, n_stripped);
    }
    char *text =
        goes_on ? att_strdup(word->text) : att_sprintf("%s%.*s", before, (int)n_stripped, stripped);
    if (!text) return 0;
    c->words[c->n_words++] = (att_transcript_word){text, word->start, word->end};
    w->last = word->start;
    return 1;
}

static int reserve(att_transcript_cues *c, const att_asr_result *result)
{
    size_t n = 0;
    memset(c, 0, sizeof *c);
    for (int32_t i = 0; i < result->n_segments; i++) n += (size_t)result->segments[i].n_words;
    c->words = att_calloc(n, sizeof *c->words);
    c->first = att_calloc(n + 2, sizeof *c->first);
    return c->words && c->first;
}

static double first_start(const att_asr_result *result)
{
    for (int32_t i = 0; i < result->n_segments; i++)
        if (result->segments[i].n_words > 0) return result->segments[i].words[0].start;
    return 0.0;
}

int att_transcript_cues_make(att_transcript_cues *cues, const att_asr_result *result,
                             const att_transcript_layout *layout)
{
    layout_walk w = {
        .cues = cues,
        .width = layout->max_line_width ? layout->max_line_width : 1000,
        .count = layout->max_line_count,
        .words_a_chunk = layout->max_words_per_line ? layout->max_words_per_line : 1000,
        .limits_count = layout->max_line_count > 0,
        .keeps_segments = !layout->max_line_count || !layout->max_line_width,
        .line_count = 1,
        .last = first_start(result),
    };
    int ok = reserve(cues, result);
    for (int32_t i = 0; ok && i < result->n_segments; i++)
        for (int32_t k = 0; ok && k < result->segments[i].n_words; k++)
            ok = place(&w, &result->segments[i].words[k], k % w.words_a_chunk == 0);
    if (ok && words_of_cue(cues) > 0) end_cue(cues);
    if (!ok) att_transcript_cues_free(cues);
    return ok;
}

void att_transcript_cues_free(att_transcript_cues *c)
{
    for (int32_t i = 0; i < c->n_words; i++) att_free(c->words[i].text);
    att_free(c->words);
    att_free(c->first);
    memset(c, 0, sizeof *c);
}
