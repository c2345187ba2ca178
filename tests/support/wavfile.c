/* wavfile.c - wavfile.h over libsndfile. */
#include "wavfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sndfile.h>

int16_t *wavfile_read(const char *path, int64_t *n)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    assert_non_null(file);
    assert_int_equal(info.samplerate, 16000);
    assert_int_equal(info.channels, 1);
    int16_t *samples = calloc((size_t)info.frames, sizeof *samples);
    assert_non_null(samples);
    *n = sf_read_short(file, samples, info.frames);
    sf_close(file);
    return samples;
}

void wavfile_write(const char *path, const int16_t *samples, int64_t n)
{
    SF_INFO info = {.samplerate = 16000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    assert_int_equal(sf_write_short(file, samples, n), n);
    sf_close(file);
}
