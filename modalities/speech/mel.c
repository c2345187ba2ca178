/* mel.c - log-mel frames in order, a ring of the newest (mel.h). Tests: tests/unit/test_mel.c */
#include "mel.h"

#include <math.h>
#include <string.h>

#include "fft.h"
#include "mem.h"

enum {
    HALF = ATT_MEL_FFT / 2,
    BUFFER = ATT_MEL_FFT + 64 * ATT_MEL_HOP, /* samples that wait to become frames */
    RING = 2 * ATT_MEL_WINDOW + 16,          /* frames kept: a window and one before it */
    TAIL = 3 /* frames behind the last whole hop that may still touch samples */
};

/* One triangle of the filterbank: bins [first, first + n). */
typedef struct filter {
    int32_t first, n;
    float weight[ATT_MEL_BINS];
} filter;

struct att_mel_stream {
    att_audio *audio;
    int32_t n_mels;
    att_fft *fft;
    filter *filters;
    float window[ATT_MEL_FFT];
    float buffer[BUFFER]; /* samples from `at` on, the reflected start included */
    size_t n_buffer, at;
    int ended;         /* the audio has no more samples */
    int64_t n_samples; /* read so far */
    int64_t next;      /* the frame that comes next */
    int64_t n_frames;  /* of content; known after the scan */
    float top;         /* largest log10 value; known after the scan */
    float *ring;       /* [RING][n_mels], frame t at t % RING */
};

double att_mel_of_hz(double hz)
{
    return hz < 1000.0 ? 3.0 * hz / 200.0 : 15.0 + 27.0 * log(hz / 1000.0) / log(6.4);
}

static double hz_of(double mel)
{
    return mel < 15.0 ? 200.0 * mel / 3.0 : 1000.0 * exp(log(6.4) * (mel - 15.0) / 27.0);
}

void att_mel_filters(int32_t n_mels, float *filters)
{
    const double top = att_mel_of_hz(ATT_MEL_RATE_HZ / 2.0);
    for (int32_t m = 0; m < n_mels; m++) {
        const double low = hz_of(top * m / (n_mels + 1)),
                     middle = hz_of(top * (m + 1) / (n_mels + 1));
        const double high = hz_of(top * (m + 2) / (n_mels + 1));
        for (int32_t b = 0; b < ATT_MEL_BINS; b++) {
            const double hz = (double)b * ATT_MEL_RATE_HZ / ATT_MEL_FFT;
            const double rise = (hz - low) / (middle - low), fall = (high - hz) / (high - middle);
            const double height = rise < fall ? rise : fall;
            filters[m * ATT_MEL_BINS + b] =
                height > 0.0 ? (float)(height * 2.0 / (high - low)) : 0.0f;
        }
    }
}

static att_status make_filters(att_mel_stream *s, att_err *err)
{
    float *dense = att_calloc((size_t)s->n_mels * ATT_MEL_BINS, sizeof *dense);
    s->filters = att_calloc((size_t)s->n_mels, sizeof *s->filters);
    if (!dense || !s->filters) {
        att_free(dense);
        return att_fail(err, ATT_E_MEMORY, "make spectrogram: out of memory");
    }
    att_mel_filters(s->n_mels, dense);
    for (int32_t m = 0; m < s->n_mels; m++) {
        const float *row = dense + m * ATT_MEL_BINS;
        filter *f = &s->filters[m];
        int32_t end = ATT_MEL_BINS;
        while (f->first < ATT_MEL_BINS && row[f->first] == 0.0f) f->first++;
        while (end > f->first && row[end - 1] == 0.0f) end--;
        f->n = end - f->first;
        memcpy(f->weight, row + f->first, (size_t)f->n * sizeof *row);
    }
    att_free(dense);
    return ATT_OK;
}

att_status att_mel_stream_open(att_mel_stream **out, att_audio *audio, int32_t n_mels, att_err *err)
{
    *out = NULL;
    att_mel_stream *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make spectrogram: out of memory");
    s->audio = audio;
    s->n_mels = n_mels;
    s->top = -10.0f;
    const double pi = 3.14159265358979323846;
    for (int i = 0; i < ATT_MEL_FFT; i++)
        s->window[i] = (float)(0.5 - 0.5 * cos(2.0 * pi * i / ATT_MEL_FFT));
    s->fft = att_fft_create(ATT_MEL_FFT);
    s->ring = att_calloc((size_t)RING * (size_t)n_mels, sizeof *s->ring);
    att_status status = make_filters(s, err);
    if (!status && (!s->fft || !s->ring))
        status = att_fail(err, ATT_E_MEMORY, "make spectrogram: out of memory");
    if (status)
        att_mel_stream_close(s);
    else
        *out = s;
    return status;
}

void att_mel_stream_close(att_mel_stream *s)
{
    if (!s) return;
    att_fft_destroy(s->fft);
    att_free(s->filters);
    att_free(s->ring);
    att_free(s);
}

/* Adds up to n samples of the audio to the buffer; zeros once it has ended. */
static att_status pull(att_mel_stream *s, size_t n, att_err *err)
{
    while (n > 0 && !s->ended) {
        size_t got;
        const att_status status = att_audio_read(s->audio, s->buffer + s->n_buffer, n, &got, err);
        if (status) return status;
        s->ended = got == 0;
        s->n_samples += (int64_t)got;
        s->n_buffer += got;
        n -= got;
    }
    memset(s->buffer + s->n_buffer, 0, n * sizeof *s->buffer);
    s->n_buffer += n;
    return ATT_OK;
}

/* The start: sample -i is sample i. */
static att_status begin(att_mel_stream *s, att_err *err)
{
    s->at = 0;
    s->n_buffer = HALF;
    const att_status status = pull(s, BUFFER - HALF, err);
    for (int i = 0; i < HALF; i++) s->buffer[i] = s->buffer[2 * HALF - i];
    return status;
}

/* 400 samples of the next frame stand at buffer + at. */
static att_status fill(att_mel_stream *s, att_err *err)
{
    if (s->next == 0 && s->n_buffer == 0) return begin(s, err);
    if (s->n_buffer - s->at >= ATT_MEL_FFT) return ATT_OK;
    memmove(s->buffer, s->buffer + s->at, (s->n_buffer - s->at) * sizeof *s->buffer);
    s->n_buffer -= s->at;
    s->at = 0;
    return pull(s, BUFFER - s->n_buffer, err);
}

static void transform(att_mel_stream *s, float *mel)
{
    float power[ATT_MEL_BINS], *in = att_fft_input(s->fft);
    for (int i = 0; i < ATT_MEL_FFT; i++) in[i] = s->buffer[s->at + (size_t)i] * s->window[i];
    const float *out = att_fft_run(s->fft);
    for (int b = 0; b < ATT_MEL_BINS; b++)
        power[b] = out[2 * b] * out[2 * b] + out[2 * b + 1] * out[2 * b + 1];
    for (int32_t m = 0; m < s->n_mels; m++) {
        const filter *f = &s->filters[m];
        float sum = 0.0f;
        for (int32_t i = 0; i < f->n; i++) sum += f->weight[i] * power[f->first + i];
        mel[m] = log10f(sum > 1e-10f ? sum : 1e-10f);
    }
}

static att_status next_frame(att_mel_stream *s, att_err *err)
{
    const att_status status = fill(s, err);
    if (status) return status;
    float *mel = s->ring + (size_t)(s->next % RING) * (size_t)s->n_mels;
    transform(s, mel);
    s->at += ATT_MEL_HOP;
    s->next++;
    return ATT_OK;
}

/* The last frame that touches a sample is in the ring. */
static int scanned(const att_mel_stream *s)
{
    return s->ended && s->next >= s->n_samples / ATT_MEL_HOP + TAIL;
}

att_status att_mel_stream_scan(att_mel_stream *s, int64_t max_frames, int64_t *n_frames,
                               att_err *err)
{
    att_status status = ATT_OK;
    *n_frames = -1;
    for (int64_t i = 0; !status && i < max_frames && !scanned(s); i++) {
        const float *mel = s->ring + (size_t)(s->next % RING) * (size_t)s->n_mels;
        status = next_frame(s, err);
        for (int32_t m = 0; !status && m < s->n_mels; m++)
            if (mel[m] > s->top) s->top = mel[m];
    }
    if (status || !scanned(s)) return status;
    s->n_frames = s->n_samples / ATT_MEL_HOP;
    *n_frames = s->n_frames;
    return ATT_OK;
}

static att_status restart(att_mel_stream *s, att_err *err)
{
    s->next = 0;
    s->n_buffer = s->at = 0;
    s->n_samples = 0;
    s->ended = 0;
    return att_audio_rewind(s->audio, err);
}

/* Makes sure that the ring holds frames [first, end). */
static att_status reach(att_mel_stream *s, int64_t first, int64_t end, att_err *err)
{
    att_status status = ATT_OK;
    if (first < s->next - RING) status = restart(s, err);
    while (!status && s->next < end) status = next_frame(s, err);
    return status;
}

float att_mel_stream_largest(const att_mel_stream *s)
{
    return (s->top + 4.0f) / 4.0f;
}

static void normalise(const att_mel_stream *s, const float *from, float *to)
{
    const float floor = s->top - 8.0f;
    for (int32_t m = 0; m < s->n_mels; m++) {
        const float x = from ? from[m] : -10.0f;
        to[m] = ((x > floor ? x : floor) + 4.0f) / 4.0f;
    }
}

att_status att_mel_stream_window(att_mel_stream *s, int64_t first, int32_t silence, float *mel,
                                 int32_t *frames, att_err *err)
{
    const size_t width = (size_t)s->n_mels;
    const int64_t left = s->n_frames - first;
    const int32_t n = left < 0 ? 0 : left < ATT_MEL_WINDOW ? (int32_t)left : ATT_MEL_WINDOW;
    const int64_t known = s->n_frames + TAIL; /* frames that touch samples */
    const int64_t end = first + (silence ? ATT_MEL_WINDOW : n) < known
                            ? first + (silence ? ATT_MEL_WINDOW : n)
                            : known;
    const att_status status = reach(s, first, end, err);
    *frames = n;
    if (status) return status;
    for (int32_t i = 0; i < ATT_MEL_WINDOW; i++) {
        float *to = mel + (size_t)i * width;
        if (i < n || (silence && first + i < end))
            normalise(s, s->ring + (size_t)((first + i) % RING) * width, to);
        else if (silence)
            normalise(s, NULL, to);
        else
            memset(to, 0, width * sizeof *to);
    }
    return ATT_OK;
}
