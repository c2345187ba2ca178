/* plot_mel.c - spectrogram to colours (plot_mel.h). Tests: tests/unit/test_plot.c */
#include "plot_mel.h"

#include <math.h>

#include "mem.h"

enum { RANGE = 2, MINUTE = 60 * ATT_MEL_FRAMES_A_SECOND };

struct att_plot_mel {
    att_audio *audio;
    att_mel_stream *stream;
    int64_t n_frames;
    float *window; /* [ATT_MEL_WINDOW][ATT_PLOT_BINS], frames from `first` on */
    int64_t first; /* -1: none yet */
};

static const unsigned char MAGMA[][3] = {
    {0, 0, 4},       {10, 8, 34},     {29, 17, 71},   {54, 16, 107},   {81, 18, 124},
    {106, 28, 129},  {131, 38, 129},  {156, 46, 127}, {183, 55, 121},  {208, 65, 111},
    {231, 82, 99},   {245, 107, 92},  {252, 137, 97}, {254, 167, 114}, {254, 196, 136},
    {253, 226, 163}, {252, 253, 191},
};

uint32_t att_plot_mel_colour(double part)
{
    enum { LAST = sizeof MAGMA / sizeof *MAGMA - 1 };
    const double at = part > 0.0 ? (part < 1.0 ? part : 1.0) * LAST : 0.0; /* NaN is 0 */
    const int low = at < LAST ? (int)at : LAST - 1;
    uint32_t rgb = 0;
    for (int c = 0; c < 3; c++) {
        const double a = MAGMA[low][c], b = MAGMA[low + 1][c];
        rgb = rgb << 8 | (uint32_t)(a + (b - a) * (at - low) + 0.5);
    }
    return rgb;
}

att_status att_plot_mel_open(att_plot_mel **out, const char *path, const att_log *log,
                             double *duration_s, att_err *err)
{
    *out = NULL;
    att_plot_mel *m = att_calloc(1, sizeof *m);
    if (!m) return att_fail(err, ATT_E_MEMORY, "draw spectrogram: out of memory");
    m->window = att_calloc((size_t)ATT_MEL_WINDOW * ATT_PLOT_BINS, sizeof *m->window);
    m->first = -1;
    att_status status =
        m->window ? ATT_OK : att_fail(err, ATT_E_MEMORY, "draw spectrogram: out of memory");
    if (!status) status = att_audio_open(&m->audio, path, ATT_MEL_RATE_HZ, log, err);
    if (!status) status = att_mel_stream_open(&m->stream, m->audio, ATT_PLOT_BINS, err);
    for (m->n_frames = -1; !status && m->n_frames < 0;)
        status = att_mel_stream_scan(m->stream, MINUTE, &m->n_frames, err);
    if (status) {
        att_plot_mel_close(m);
        return status;
    }
    *duration_s = (double)m->n_frames / ATT_MEL_FRAMES_A_SECOND;
    *out = m;
    return ATT_OK;
}

void att_plot_mel_close(att_plot_mel *m)
{
    if (!m) return;
    att_mel_stream_close(m->stream);
    att_audio_close(m->audio);
    att_free(m->window);
    att_free(m);
}

/* *bins: the frame's values, until the next call. */
static att_status frame(att_plot_mel *m, int64_t t, const float **bins, att_err *err)
{
    if (m->first < 0 || t < m->first || t >= m->first + ATT_MEL_WINDOW) {
        int32_t of_recording;
        const att_status status =
            att_mel_stream_window(m->stream, t, 1, m->window, &of_recording, err);
        if (status) return status;
        m->first = t;
    }
    *bins = m->window + (size_t)(t - m->first) * ATT_PLOT_BINS;
    return ATT_OK;
}

/* Means of frames [from, to) into bins. */
static att_status mean(att_plot_mel *m, int64_t from, int64_t to, float *bins, att_err *err)
{
    const float *values;
    for (int b = 0; b < ATT_PLOT_BINS; b++) bins[b] = 0.0f;
    for (int64_t t = from; t < to; t++) {
        const att_status status = frame(m, t, &values, err);
        if (status) return status;
        for (int b = 0; b < ATT_PLOT_BINS; b++) bins[b] += values[b] / (float)(to - from);
    }
    return ATT_OK;
}

att_status att_plot_mel_columns(att_plot_mel *m, double start_s, double column_s, int n,
                                int bin_rows, uint32_t *rgb, att_err *err)
{
    const double low = (double)att_mel_stream_largest(m->stream) - RANGE;
    float bins[ATT_PLOT_BINS];
    for (int c = 0; c < n; c++) {
        const double begin = (start_s + c * column_s) * ATT_MEL_FRAMES_A_SECOND;
        const int64_t from = (int64_t)floor(begin + 1e-6);
        int64_t to = (int64_t)floor(begin + column_s * ATT_MEL_FRAMES_A_SECOND + 1e-6);
        if (to <= from) to = from + 1;
        const att_status status = mean(m, from, to, bins, err);
        if (status) return status;
        for (int row = 0; row < ATT_PLOT_BINS * bin_rows; row++) {
            const float value = bins[ATT_PLOT_BINS - 1 - row / bin_rows];
            rgb[(size_t)row * (size_t)n + (size_t)c] =
                att_plot_mel_colour(((double)value - low) / RANGE);
        }
    }
    return ATT_OK;
}
