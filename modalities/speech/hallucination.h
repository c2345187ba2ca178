/* hallucination.h - words that are likely made up in silence: found by their lengths and
 * probabilities, and skipped.
 *
 * Source: OpenAI's transcribe.py (hallucination_silence_threshold).
 * Tests: tests/unit/test_hallucination.c */
#ifndef ATT_HALLUCINATION_H
#define ATT_HALLUCINATION_H

#include "word_times.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The window that the segments were found in. Times are of the recording, frames are 10 ms. */
typedef struct att_hallucination_window {
    double threshold_s;        /* silence from which on words beside it are doubted */
    int64_t seek, frames;      /* the window's first frame, its frames of content */
    int64_t content_frames;    /* of the recording */
    int32_t ends_in_timestamp; /* one lone timestamp: nothing is said behind it */
    double last_speech_s;      /* where speech ended before the window */
} att_hallucination_window;

/* Where to go on, given where that would be otherwise. *n becomes fewer when segments from there on
 * are doubted; *again: 1 when the whole window is, and is to be read from there anew. */
int64_t att_hallucination_skip(const att_hallucination_window *window,
                               const att_word_segment *segments, int32_t *n, int64_t next_seek,
                               int *again);

/* Whether the first words of a segment are too long, too short or too unlikely. */
int att_hallucination_is_anomaly(const att_word_segment *segment);

#ifdef __cplusplus
}
#endif
#endif /* ATT_HALLUCINATION_H */
