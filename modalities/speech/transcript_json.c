/* transcript_json.c - what Python's json.dump makes of a result (transcript_json.h).
 * Tests: tests/unit/test_transcript.c */
#include "transcript_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* A decimal number: digits[0] . digits[1] ... times ten to the exponent. */
typedef struct decimal {
    char digits[20];
    int n, exponent;
} decimal;

static int reads_back(const decimal *d, double x)
{
    char text[40]; /* without a point, whatever the locale's may be */
    snprintf(text, sizeof text, "%.*se%d", d->n, d->digits, d->exponent - d->n + 1);
    return strtod(text, NULL) == x;
}

/* The fewest digits that read back as x, which is finite and not negative. */
static decimal shortest(double x)
{
    decimal d = {.n = 0};
    for (int wanted = 1; wanted <= 17; wanted++) {
        char text[40];
        const char *at = text;
        snprintf(text, sizeof text, "%.*e", wanted - 1, x);
        for (d.n = 0; *at != 'e'; at++)
            if (*at >= '0' && *at <= '9') d.digits[d.n++] = *at;
        d.exponent = (int)strtol(at + 1, NULL, 10);
        if (reads_back(&d, x)) break;
        /* Below a power of two numbers lie closer than above it: the nearest decimal may be too far
         * below, the next one not too far above. A last 9 would have had fewer digits. */
        if (d.digits[d.n - 1] == '9') continue;
        d.digits[d.n - 1]++;
        if (reads_back(&d, x)) break;
    }
    return d;
}

char *atti_json_number(double x, char *text, size_t bytes)
{
    if (!isfinite(x)) {
        snprintf(text, bytes, "%s", isnan(x) ? "NaN" : x < 0.0 ? "-Infinity" : "Infinity");
        return text;
    }
    const decimal d = shortest(fabs(x));
    const char *sign = signbit(x) ? "-" : "";
    const int whole = d.exponent + 1; /* digits before the point */
    if (d.exponent < -4 || d.exponent >= 16)
        snprintf(text, bytes, "%s%c%s%.*se%+03d", sign, d.digits[0], d.n > 1 ? "." : "", d.n - 1,
                 d.digits + 1, d.exponent);
    else if (whole <= 0)
        snprintf(text, bytes, "%s0.%.*s%.*s", sign, -whole, "000", d.n, d.digits);
    else if (whole >= d.n)
        snprintf(text, bytes, "%s%.*s%.*s.0", sign, d.n, d.digits, whole - d.n, "000000000000000");
    else
        snprintf(text, bytes, "%s%.*s.%.*s", sign, whole, d.digits, d.n - whole, d.digits + whole);
    return text;
}

void atti_json_string(FILE *file, const char *text)
{
    size_t left = strlen(text);
    fputc('"', file);
    while (left) {
        uint32_t c;
        size_t width = att_utf8_decode(text, left, &c);
        if (!width) {
            width = 1;
            c = 0xfffd;
        }
        const char *escape = c == '"'    ? "\\\""
                             : c == '\\' ? "\\\\"
                             : c == '\n' ? "\\n"
                             : c == '\r' ? "\\r"
                             : c == '\t' ? "\\t"
                             : c == '\b' ? "\\b"
                             : c == '\f' ? "\\f"
                                         : NULL;
        if (escape)
            fputs(escape, file);
        else if (c >= 0x20 && c < 0x7f)
            fputc((int)c, file);
        else if (c < 0x10000)
            fprintf(file, "\\u%04x", (unsigned)c);
        else
            fprintf(file, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
                    (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
        text += width;
        left -= width;
    }
    fputc('"', file);
}

static void write_number(FILE *file, const char *name, double x)
{
    char text[64];
    fprintf(file, ", \"%s\": %s", name, atti_json_number(x, text, sizeof text));
}

static void write_words(FILE *file, const att_asr_segment *s)
{
    fputs(", \"words\": [", file);
    for (int32_t i = 0; i < s->n_words; i++) {
        fputs(i ? ", {\"word\": " : "{\"word\": ", file);
        atti_json_string(file, s->words[i].text);
        write_number(file, "start", s->words[i].start);
        write_number(file, "end", s->words[i].end);
        write_number(file, "probability", s->words[i].probability);
        fputc('}', file);
    }
    fputc(']', file);
}

static void write_segment(FILE *file, const att_asr_segment *s, int has_words)
{
    fprintf(file, "{\"id\": %d, \"seek\": %lld", s->id, (long long)s->seek);
    write_number(file, "start", s->start);
    write_number(file, "end", s->end);
    fputs(", \"text\": ", file);
    atti_json_string(file, s->text);
    fputs(", \"tokens\": [", file);
    for (int32_t i = 0; i < s->n_tokens; i++) fprintf(file, "%s%d", i ? ", " : "", s->tokens[i]);
    fputc(']', file);
    write_number(file, "temperature", s->temperature);
    write_number(file, "avg_logprob", s->avg_logprob);
    write_number(file, "compression_ratio", s->compression_ratio);
    write_number(file, "no_speech_prob", s->no_speech_prob);
    if (has_words) write_words(file, s);
    fputc('}', file);
}

int atti_transcript_json(FILE *file, const att_asr_result *result,
                         const att_transcript_layout *layout)
{
    (void)layout;
    fputs("{\"text\": ", file);
    atti_json_string(file, result->text);
    fputs(", \"segments\": [", file);
    for (int32_t i = 0; i < result->n_segments; i++) {
        if (i) fputs(", ", file);
        write_segment(file, &result->segments[i], result->has_words);
    }
    fputs("], \"language\": ", file);
    atti_json_string(file, result->language);
    fputc('}', file);
    return 1;
}
