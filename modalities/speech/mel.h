/* mel.h - Whisper's log-mel spectrogram of a recording of any length, in bounded memory.
 *
 * 16 kHz mono, Hann window of 400 (periodic), hop 160, |FFT|^2, Slaney filters of unit area up to
 * 8 kHz, log10 with a floor of 1e-10, then max(x, top - 8) and (x + 4) / 4 with the whole
 * recording's largest value as top. Frame t is centred at sample 160 t; the start is reflected, the
 * end followed by silence. Source: OpenAI's audio.py; docs/models/whisper.md. Tests:
 * tests/unit/test_mel.c */
#ifndef ATT_MEL_H
#define ATT_MEL_H

#include "audio.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ATT_MEL_RATE_HZ = 16000,
    ATT_MEL_FFT = 400,
    ATT_MEL_HOP = 160,
    ATT_MEL_BINS = ATT_MEL_FFT / 2 + 1,
    ATT_MEL_WINDOW = 3000, /* frames: 30 s */
    ATT_MEL_FRAMES_A_SECOND = 100
};

/* The scale that the filters lie on: Slaney's, linear up to 1 kHz. */
double att_mel_of_hz(double hz);

/* The filterbank f32[n_mels][201]. */
void att_mel_filters(int32_t n_mels, float *filters);

/* A recording's frames. The audio is borrowed and must have ATT_MEL_RATE_HZ. */
typedef struct att_mel_stream att_mel_stream;

att_status att_mel_stream_open(att_mel_stream **stream, att_audio *audio, int32_t n_mels,
                               att_err *err);
void att_mel_stream_close(att_mel_stream *stream); /* NULL is fine */

/* Reads up to max_frames further of the recording's first pass, which finds its largest value.
 * *n_frames: whole hops of it, 10 ms each; -1 while it has not come to the end. */
att_status att_mel_stream_scan(att_mel_stream *stream, int64_t max_frames, int64_t *n_frames,
                               att_err *err);

/* Frames [first, first + 3000) as f32[3000][n_mels], after a scan. *frames: how many of them are of
 * the recording; those behind are 0, or with `silence` what silence gives (a recording that was
 * padded before it became a spectrogram). Going back more than 60 s reads the file again. */
att_status att_mel_stream_window(att_mel_stream *stream, int64_t first, int32_t silence, float *mel,
                                 int32_t *frames, att_err *err);

/* After a scan: the largest value that a window can hold; the smallest is 2 less. */
float att_mel_stream_largest(const att_mel_stream *stream);

#ifdef __cplusplus
}
#endif
#endif /* ATT_MEL_H */
