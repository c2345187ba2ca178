/* speech_spans.c - probabilities to spans of speech (speech_spans.h).
 * Tests: tests/unit/test_speech_spans.c */
#include "speech_spans.h"

#include <math.h>
#include <string.h>

#include "mem.h"

/* A silence this long may part speech that has grown too long: 98 ms. */
static const double SPLIT_SILENCE = ATT_VAD_RATE_HZ * 98 / 1000.0;

att_vad_options att_vad_defaults(void)
{
    const att_vad_options o = {
        .threshold = 0.5,
        .neg_threshold = (double)NAN,
        .min_speech_duration_ms = 0,
        .max_speech_duration_s = (double)INFINITY,
        .min_silence_duration_ms = 2000,
        .speech_pad_ms = 400,
    };
    return o;
}

static att_status check(const att_vad_options *o, att_err *err)
{
    if (!(o->threshold >= 0.0 && o->threshold <= 1.0))
        return att_fail(err, ATT_E_ARG, "find speech: the threshold is %g, expected 0 to 1",
                        o->threshold);
    if (!isnan(o->neg_threshold) && !(o->neg_threshold >= 0.0 && o->neg_threshold <= 1.0))
        return att_fail(err, ATT_E_ARG, "find speech: the lower threshold is %g, expected 0 to 1",
                        o->neg_threshold);
    if (o->min_speech_duration_ms < 0 || o->min_silence_duration_ms < 0 || o->speech_pad_ms < 0 ||
        o->max_speech_duration_s < 0.0)
        return att_fail(err, ATT_E_ARG,
                        "find speech: a duration is negative (speech %d ms to %g s, silence %d ms, "
                        "padding %d ms)",
                        o->min_speech_duration_ms, o->max_speech_duration_s,
                        o->min_silence_duration_ms, o->speech_pad_ms);
    return ATT_OK;
}

att_status att_speech_spans_init(att_speech_spans *s, const att_vad_options *o, att_err *err)
{
    const double a_ms = ATT_VAD_RATE_HZ / 1000.0;
    memset(s, 0, sizeof *s);
    const att_status status = check(o, err);
    if (status) return status;
    const double lower = o->threshold - 0.15 > 0.01 ? o->threshold - 0.15 : 0.01;
    const double longest =
        isnan(o->max_speech_duration_s) ? (double)INFINITY : o->max_speech_duration_s;
    s->threshold = (float)o->threshold;
    s->neg_threshold = (float)(isnan(o->neg_threshold) ? lower : o->neg_threshold);
    s->pad = a_ms * o->speech_pad_ms;
    s->min_speech = a_ms * o->min_speech_duration_ms;
    s->min_silence = a_ms * o->min_silence_duration_ms;
    s->max_speech = ATT_VAD_RATE_HZ * longest - ATT_VAD_WINDOW - 2.0 * s->pad;
    return ATT_OK;
}

void att_speech_spans_finish(att_speech_spans *s)
{
    att_free(s->spans);
    memset(s, 0, sizeof *s);
}

static att_status keep(att_speech_spans *s, int64_t end, att_err *err)
{
    if (s->n == s->room) {
        const int32_t room = 2 * s->room + 16;
        att_speech_span *grown = att_realloc(s->spans, (size_t)room, sizeof *grown);
        if (!grown) return att_fail(err, ATT_E_MEMORY, "find speech: out of memory");
        s->spans = grown;
        s->room = room;
    }
    const att_speech_span span = {s->start, end};
    s->spans[s->n++] = span;
    return ATT_OK;
}

static void forget_silences(att_speech_spans *s)
{
    s->silence = s->last_silence = s->after_silence = 0;
}

/* Speech has grown too long: it ends in its last silence, or here. *done: with this window. */
static att_status split(att_speech_spans *s, int *done, att_err *err)
{
    const att_status status = keep(s, s->last_silence ? s->last_silence : s->at, err);
    *done = !s->last_silence;
    if (s->last_silence && s->after_silence >= s->last_silence)
        s->start = s->after_silence; /* and goes on behind it */
    else
        s->triggered = 0;
    forget_silences(s);
    return status;
}

/* A silent window in speech. */
static att_status hear_silence(att_speech_spans *s, att_err *err)
{
    att_status status = ATT_OK;
    if (!s->silence) s->silence = s->at;
    if ((double)(s->at - s->silence) > SPLIT_SILENCE) s->last_silence = s->silence;
    if ((double)(s->at - s->silence) < s->min_silence) return ATT_OK;
    if ((double)(s->silence - s->start) > s->min_speech) status = keep(s, s->silence, err);
    forget_silences(s);
    s->triggered = 0;
    return status;
}

static att_status hear(att_speech_spans *s, float prob, att_err *err)
{
    int done = 0;
    att_status status = ATT_OK;
    if (prob >= s->threshold && s->silence) {
        s->silence = 0;
        if (s->after_silence < s->last_silence) s->after_silence = s->at;
    }
    if (prob >= s->threshold && !s->triggered) {
        s->triggered = 1;
        s->start = s->at;
        return ATT_OK;
    }
    if (s->triggered && (double)(s->at - s->start) > s->max_speech) status = split(s, &done, err);
    if (!status && !done && s->triggered && prob < s->neg_threshold) status = hear_silence(s, err);
    return status;
}

att_status att_speech_spans_add(att_speech_spans *s, const float *probs, size_t n, att_err *err)
{
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < n; i++) {
        status = hear(s, probs[i], err);
        s->at += ATT_VAD_WINDOW;
    }
    return status;
}

static int64_t smaller(double a, int64_t b)
{
    return a < (double)b ? (int64_t)a : b;
}

/* Padding at either end, or half of a silence that is too short for two. */
static void pad_spans(att_speech_spans *s, int64_t n_samples)
{
    if (s->n) s->spans[0].start = (int64_t)fmax(0.0, (double)s->spans[0].start - s->pad);
    for (int32_t i = 0; i < s->n; i++) {
        att_speech_span *span = &s->spans[i], *next = i + 1 < s->n ? span + 1 : NULL;
        const int64_t silence = next ? next->start - span->end : 0;
        if (next && (double)silence < 2.0 * s->pad) {
            span->end += silence / 2;
            next->start -= silence / 2;
        } else {
            span->end = smaller((double)span->end + s->pad, n_samples);
            if (next) next->start = (int64_t)((double)next->start - s->pad);
        }
    }
}

att_status att_speech_spans_end(att_speech_spans *s, int64_t n_samples, att_err *err)
{
    att_status status = ATT_OK;
    if (s->triggered && (double)(n_samples - s->start) > s->min_speech)
        status = keep(s, n_samples, err);
    s->triggered = 0;
    if (!status) pad_spans(s, n_samples);
    return status;
}
