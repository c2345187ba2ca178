/* transcript.c - txt, vtt, srt, tsv (transcript.h). JSON: transcript_json.c.
 * Tests: tests/unit/test_transcript.c */
#include "transcript.h"

#include <math.h>
#include <string.h>
#include <zlib.h>

#include "mem.h"
#include "transcript_json.h"
#include "transcript_karaoke.h"
#include "utf8.h"

/* Prints the stripped text with each `from` as `to`. */
static void print_replaced(FILE *file, const char *text, const char *from, const char *to)
{
    size_t n;
    const size_t width = strlen(from);
    text = att_utf8_strip(text, &n);
    for (size_t i = 0; i < n;) {
        if (n - i >= width && memcmp(text + i, from, width) == 0) {
            fputs(to, file);
            i += width;
        } else {
            fputc(text[i++], file);
        }
    }
}

long long att_transcript_ms(double seconds)
{
    return (long long)nearbyint(seconds * 1000.0);
}

static void print_ms(FILE *file, long long ms, int always_hours, char marker)
{
    const long long hours = ms / 3600000;
    if (always_hours || hours > 0) fprintf(file, "%02lld:", hours);
    fprintf(file, "%02lld:%02lld%c%03lld", ms / 60000 % 60, ms / 1000 % 60, marker, ms % 1000);
}

static void print_time(FILE *file, double seconds, int always_hours, char marker)
{
    print_ms(file, att_transcript_ms(seconds), always_hours, marker);
}

static int write_txt(FILE *file, const att_asr_result *result, const att_transcript_layout *layout)
{
    (void)layout;
    for (int32_t i = 0; i < result->n_segments; i++) {
        print_replaced(file, result->segments[i].text, "\n", "\n");
        fputc('\n', file);
    }
    return 1;
}

/* Where subtitles go, and how many there are so far. */
typedef struct subtitles {
    FILE *file;
    int numbered; /* srt; or else vtt */
    int n;
} subtitles;

static void print_span(subtitles *s, long long start, long long end)
{
    const char marker = s->numbered ? ',' : '.';
    s->n++;
    if (s->numbered) fprintf(s->file, "%d\n", s->n);
    print_ms(s->file, start, s->numbered, marker);
    fputs(" --> ", s->file);
    print_ms(s->file, end, s->numbered, marker);
    fputc('\n', s->file);
}

/* The words of a subtitle, one of them underlined (-1: none). */
static void print_words(subtitles *s, const att_transcript_word *words, int32_t n, int32_t marked)
{
    for (int32_t i = 0; i < n; i++) {
        const char *text = words[i].text;
        size_t bytes;
        const char *inner = att_utf8_strip(text, &bytes);
        if (i == marked && *inner == 0) inner = text + strlen(text);
        if (i == marked)
            fprintf(s->file, "%.*s<u>%s</u>", (int)(inner - text), text, inner);
        else
            fputs(text, s->file);
    }
    fputs("\n\n", s->file);
}

/* The subtitle once for each of its words, and between them plain. */
static void print_highlighted(subtitles *s, const att_transcript_word *words, int32_t n)
{
    long long last = att_transcript_ms(words[0].start);
    for (int32_t i = 0; i < n; i++) {
        const long long start = att_transcript_ms(words[i].start);
        const long long end = att_transcript_ms(words[i].end);
        if (last != start) {
            print_span(s, last, start);
            print_words(s, words, n, -1);
        }
        print_span(s, start, end);
        print_words(s, words, n, i);
        last = end;
    }
}

static int print_cues(subtitles *s, const att_asr_result *result,
                      const att_transcript_layout *layout)
{
    att_transcript_cues cues;
    if (!att_transcript_cues_make(&cues, result, layout)) return 0;
    for (int32_t i = 0; i < cues.n; i++) {
        const att_transcript_word *words = cues.words + cues.first[i];
        const int32_t n = cues.first[i + 1] - cues.first[i];
        if (layout->highlight_words) {
            print_highlighted(s, words, n);
            continue;
        }
        print_span(s, att_transcript_ms(words[0].start), att_transcript_ms(words[n - 1].end));
        print_words(s, words, n, -1);
    }
    att_transcript_cues_free(&cues);
    return 1;
}

static int print_subtitles(subtitles *s, const att_asr_result *result,
                           const att_transcript_layout *layout)
{
    if (result->has_words) return print_cues(s, result, layout);
    for (int32_t i = 0; i < result->n_segments; i++) {
        const att_asr_segment *segment = &result->segments[i];
        print_span(s, att_transcript_ms(segment->start), att_transcript_ms(segment->end));
        print_replaced(s->file, segment->text, "-->", "->");
        fputs("\n\n", s->file);
    }
    return 1;
}

static int write_vtt(FILE *file, const att_asr_result *result, const att_transcript_layout *layout)
{
    subtitles s = {.file = file};
    fputs("WEBVTT\n\n", file);
    return print_subtitles(&s, result, layout);
}

static int write_srt(FILE *file, const att_asr_result *result, const att_transcript_layout *layout)
{
    subtitles s = {.file = file, .numbered = 1};
    return print_subtitles(&s, result, layout);
}

static int write_tsv(FILE *file, const att_asr_result *result, const att_transcript_layout *layout)
{
    (void)layout;
    fputs("start\tend\ttext\n", file);
    for (int32_t i = 0; i < result->n_segments; i++) {
        const att_asr_segment *s = &result->segments[i];
        fprintf(file, "%lld\t%lld\t", att_transcript_ms(s->start), att_transcript_ms(s->end));
        print_replaced(file, s->text, "\t", " ");
        fputc('\n', file);
    }
    return 1;
}

static const att_transcript_format FORMATS[] = {
    {"txt", "txt", 1, write_txt},
    {"vtt", "vtt", 1, write_vtt},
    {"srt", "srt", 1, write_srt},
    {"tsv", "tsv", 1, write_tsv},
    {"json", "json", 1, atti_transcript_json},
    {"karaoke", "karaoke.vtt", 0, atti_transcript_karaoke},
    {"ass", "ass", 0, atti_transcript_ass},
    {"lrc", "lrc", 0, atti_transcript_lrc},
};

const att_transcript_format *att_transcript_formats(size_t *n)
{
    *n = sizeof FORMATS / sizeof *FORMATS;
    return FORMATS;
}

void att_transcript_print_line(FILE *file, const att_asr_segment *segment)
{
    fputc('[', file);
    print_time(file, segment->start, 0, '.');
    fputs(" --> ", file);
    print_time(file, segment->end, 0, '.');
    fprintf(file, "] %s\n", segment->text);
}

double att_transcript_compression_ratio(const char *text, size_t n)
{
    uLongf packed = compressBound((uLong)n);
    Bytef *buffer = att_calloc(packed, 1);
    double ratio = (double)NAN;
    if (buffer && compress(buffer, &packed, (const Bytef *)text, (uLong)n) == Z_OK)
        ratio = (double)n / (double)packed;
    att_free(buffer);
    return ratio;
}
