/* transcript.c - txt, vtt, srt, tsv (transcript.h). JSON: transcript_json.c.
 * Tests: tests/unit/test_transcript.c */
#include "transcript.h"

#include <math.h>
#include <string.h>
#include <zlib.h>

#include "mem.h"
#include "transcript_json.h"
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

/* Python's round(): halves to even. */
static long long milliseconds_of(double seconds)
{
    return (long long)nearbyint(seconds * 1000.0);
}

static void print_time(FILE *file, double seconds, int always_hours, char marker)
{
    const long long ms = milliseconds_of(seconds);
    const long long hours = ms / 3600000;
    if (always_hours || hours > 0) fprintf(file, "%02lld:", hours);
    fprintf(file, "%02lld:%02lld%c%03lld", ms / 60000 % 60, ms / 1000 % 60, marker, ms % 1000);
}

static void write_txt(FILE *file, const att_asr_result *result)
{
    for (int32_t i = 0; i < result->n_segments; i++) {
        print_replaced(file, result->segments[i].text, "\n", "\n");
        fputc('\n', file);
    }
}

static void write_subtitles(FILE *file, const att_asr_result *result, int numbered, char marker)
{
    for (int32_t i = 0; i < result->n_segments; i++) {
        const att_asr_segment *s = &result->segments[i];
        if (numbered) fprintf(file, "%d\n", i + 1);
        print_time(file, s->start, numbered, marker);
        fputs(" --> ", file);
        print_time(file, s->end, numbered, marker);
        fputc('\n', file);
        print_replaced(file, s->text, "-->", "->");
        fputs("\n\n", file);
    }
}

static void write_vtt(FILE *file, const att_asr_result *result)
{
    fputs("WEBVTT\n\n", file);
    write_subtitles(file, result, 0, '.');
}

static void write_srt(FILE *file, const att_asr_result *result)
{
    write_subtitles(file, result, 1, ',');
}

static void write_tsv(FILE *file, const att_asr_result *result)
{
    fputs("start\tend\ttext\n", file);
    for (int32_t i = 0; i < result->n_segments; i++) {
        const att_asr_segment *s = &result->segments[i];
        fprintf(file, "%lld\t%lld\t", milliseconds_of(s->start), milliseconds_of(s->end));
        print_replaced(file, s->text, "\t", " ");
        fputc('\n', file);
    }
}

static const att_transcript_format FORMATS[] = {
    {"txt", write_txt},
    {"vtt", write_vtt},
    {"srt", write_srt},
    {"tsv", write_tsv},
    {"json", atti_transcript_json},
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
