/* transcript.h - a result as text, subtitles, table or JSON, byte for byte as OpenAI's writers.
 *
 * Source: OpenAI's utils.py. Tests: tests/unit/test_transcript.c */
#ifndef ATT_TRANSCRIPT_H
#define ATT_TRANSCRIPT_H

#include <stdio.h>

#include "attend/asr.h"
#include "transcript_layout.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_transcript_format {
    const char *name;      /* what it is asked for by */
    const char *extension; /* of its file */
    int is_openai;         /* one of the five of OpenAI's program, which "all" stands for */
    /* 0 when memory is out; errors of the file are the file's (ferror). */
    int (*write)(FILE *file, const att_asr_result *result, const att_transcript_layout *layout);
} att_transcript_format;

/* txt, vtt, srt, tsv, json; karaoke (vtt with a time at each word), ass, lrc. */
const att_transcript_format *att_transcript_formats(size_t *n);

/* Seconds as milliseconds; halves to even, as Python's round(). */
long long att_transcript_ms(double seconds);

/* "[00:00.000 --> 00:04.000]  text", as the program prints while it runs. */
void att_transcript_print_line(FILE *file, const att_asr_segment *segment);

/* n, the text's bytes, over the bytes of its zlib form; 0 for no text, NaN when memory is out. */
double att_transcript_compression_ratio(const char *text, size_t n);

#ifdef __cplusplus
}
#endif
#endif /* ATT_TRANSCRIPT_H */
