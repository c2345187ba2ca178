/* fuzz_audio.c - files of any bytes as recordings: refused, or finite samples, the same ones again
 * after rewinding. libsndfile reads them here, ffmpeg is out of sight. Seeds: a few samples as WAV
 * (16 bit mono; float stereo at 8 kHz), AIFF, AU and FLAC. */
#define _DEFAULT_SOURCE
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audio.h"
#include "fuzz.h"

enum { MAX_SAMPLES = 1 << 22 };

/* Samples until the end or a fault, and a sum of them. */
static size_t drain(att_audio *audio, double *sum)
{
    float samples[4096];
    size_t n = 0, got = 1;
    att_err err;
    *sum = 0.0;
    while (got && n < MAX_SAMPLES) {
        if (att_audio_read(audio, samples, 4096, &got, &err)) break;
        for (size_t i = 0; i < got; i++) {
            if (!isfinite(samples[i])) abort();
            *sum += (double)samples[i] * (double)((n + i) % 97);
        }
        n += got;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    att_audio *audio = NULL;
    att_err err;
    FILE *file = tmpfile();
    if (!file || fwrite(data, 1, n, file) != n || fflush(file) != 0) abort();
    setenv("PATH", "/nowhere", 1);
    snprintf(path, sizeof path, "/dev/fd/%d", fileno(file));
    const att_status status = att_audio_open(&audio, path, 16000, NULL, &err);
    if (status) {
        if (status != ATT_E_INPUT || audio) abort();
    } else {
        double sum, again;
        const size_t samples = drain(audio, &sum);
        if (!att_audio_rewind(audio, &err) && (drain(audio, &again) != samples || again != sum))
            abort();
    }
    att_audio_close(audio);
    fclose(file);
    return 0;
}
