/* transcript_json.c - what Python's json.dump makes of a result (transcript_json.h).
 * Tests: tests/unit/test_transcript.c */
#include "transcript_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

char *atti_json_number(double x, char *text, size_t bytes)
{
    char digits[40];
    if (!isfinite(x)) {
        snprintf(text, bytes, "%s", isnan(x) ? "NaN" : x < 0.0 ? "-Infinity" : "Infinity");
        return text;
    }
    int precision = 0;
    do snprintf(digits, sizeof digits, "%.*e", precision, x);
    while (strtod(digits, NULL) != x && ++precision < 17);
    const int exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
    if (exponent < -4 || exponent >= 16) {
        snprintf(text, bytes, "%.*s%s%s%02d", (int)(strchr(digits, 'e') - digits), digits, "e",
                 exponent < 0 ? "-" : "+", abs(exponent));
        return text;
    }
    const int decimals = precision - exponent;
    snprintf(text, bytes, "%.*f", decimals > 0 ? decimals : 1, x);
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

static void write_segment(FILE *file, const att_asr_segment *s)
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
    fputc('}', file);
}

void atti_transcript_json(FILE *file, const att_asr_result *result)
{
    fputs("{\"text\": ", file);
    atti_json_string(file, result->text);
    fputs(", \"segments\": [", file);
    for (int32_t i = 0; i < result->n_segments; i++) {
        if (i) fputs(", ", file);
        write_segment(file, &result->segments[i]);
    }
    fputs("], \"language\": ", file);
    atti_json_string(file, result->language);
    fputc('}', file);
}
