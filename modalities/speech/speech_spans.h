/* speech_spans.h - from the probabilities of speech, window by window, to the spans of speech.
 *
 * Source: get_speech_timestamps() of faster-whisper 1.2.1 (vad.py), to the sample. Nothing of the
 * recording is kept but the spans. Tests: tests/unit/test_speech_spans.c */
#ifndef ATT_SPEECH_SPANS_H
#define ATT_SPEECH_SPANS_H

#include "attend/vad.h"
#include "time_map.h"

#ifdef __cplusplus
extern "C" {
#endif

att_vad_options att_vad_defaults(void);

/* [start, end) in samples of ATT_VAD_RATE_HZ. */
typedef struct att_speech_span {
    int64_t start, end;
} att_speech_span;

/* Made by att_speech_spans_init(), freed by _finish(). */
typedef struct att_speech_spans {
    att_speech_span *spans; /* in order and apart */
    int32_t n, room;

    /* The options in the terms of the search. */
    float threshold, neg_threshold;
    double min_speech, max_speech, min_silence, pad; /* samples */
    /* Where the search stands. 0 of an end is none. */
    int64_t at;                          /* the sample where the next window begins */
    int triggered;                       /* in speech, */
    int64_t start;                       /* which began here */
    int64_t silence;                     /* since here it may have ended */
    int64_t last_silence, after_silence; /* where speech that grows too long is split */
} att_speech_spans;

/* ATT_E_ARG names an option that makes no sense. */
att_status att_speech_spans_init(att_speech_spans *s, const att_vad_options *options, att_err *err);
void att_speech_spans_finish(att_speech_spans *s); /* a zeroed one is fine */

/* The next n windows. */
att_status att_speech_spans_add(att_speech_spans *s, const float *probs, size_t n, att_err *err);

/* The recording has ended after n_samples; the spans are padded and final. */
att_status att_speech_spans_end(att_speech_spans *s, int64_t n_samples, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_SPEECH_SPANS_H */
