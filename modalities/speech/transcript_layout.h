/* transcript_layout.h - words onto subtitles: lines of a width, so many of them, broken at pauses.
 *
 * Source: OpenAI's utils.py (SubtitlesWriter.iterate_result). Tests: tests/unit/test_transcript.c
 */
#ifndef ATT_TRANSCRIPT_LAYOUT_H
#define ATT_TRANSCRIPT_LAYOUT_H

#include "attend/asr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 0: no limit. A subtitle is a segment, unless both width and count are limited. */
typedef struct att_transcript_layout {
    int32_t max_line_width; /* characters */
    int32_t max_line_count;
    int32_t max_words_per_line;
    int32_t highlight_words; /* vtt and srt: each word in turn is underlined */
} att_transcript_layout;

/* A word of a subtitle: with the blank before it, or the line break. */
typedef struct att_transcript_word {
    char *text;
    double start, end;
} att_transcript_word;

/* Subtitle i is words[first[i]] .. words[first[i + 1]]. */
typedef struct att_transcript_cues {
    att_transcript_word *words;
    int32_t *first;
    int32_t n_words, n;
} att_transcript_cues;

/* Of a result with words. Returns 0 when memory is out. */
int att_transcript_cues_make(att_transcript_cues *cues, const att_asr_result *result,
                             const att_transcript_layout *layout);
void att_transcript_cues_free(att_transcript_cues *cues);

#ifdef __cplusplus
}
#endif
#endif /* ATT_TRANSCRIPT_LAYOUT_H */
