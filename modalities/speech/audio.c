/* audio.c - files to mono samples (audio.h). Tests: tests/unit/test_audio.c */
#define _DEFAULT_SOURCE
#include "audio.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <soxr.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio_spool.h"
#include "mem.h"

enum { BLOCK_VALUES = 1 << 16, MIN_RATE_HZ = 100, MAX_RATE_HZ = 10000000 };

struct att_audio {
    char *name;
    int fd;
    SNDFILE *file;
    SF_INFO info;
    const att_log *log;
    int32_t rate_hz;
    soxr_t resampler;  /* NULL when the file has the rate that is wanted */
    float *block;      /* interleaved frames as read */
    float *mono;       /* the block's mean over channels, ... */
    size_t n_mono, at; /* ... its frames, and those already given */
    size_t block_frames;
    sf_count_t n_read; /* frames since the start */
    int ended, flushed;
};

static att_status open_input(const char *path, int *fd, att_err *err)
{
    if (strcmp(path, "-") == 0) return atti_spool_input(fd, err);
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return att_fail(err, ATT_E_INPUT, "read %s: %s", path, strerror(errno));
    if (fstat(*fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(*fd);
        return att_fail(err, ATT_E_INPUT, "read %s: it is a folder, not a recording", path);
    }
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0) {
        close(*fd);
        return att_fail(err, ATT_E_INPUT, "read %s: the file is empty", path);
    }
    return ATT_OK;
}

/* libsndfile, or else ffmpeg and libsndfile over what it made. The fd becomes the stream's. */
static att_status open_decoder(att_audio *a, int fd, att_err *err)
{
    a->fd = fd;
    a->file = sf_open_fd(fd, SFM_READ, &a->info, SF_FALSE);
    if (a->file) return ATT_OK;
    int spooled = -1;
    const att_status status = atti_spool_ffmpeg(fd, a->rate_hz, a->name, &spooled, err);
    if (status) return status;
    close(fd);
    a->fd = spooled;
    memset(&a->info, 0, sizeof a->info);
    a->info.samplerate = a->rate_hz;
    a->info.channels = 1;
    a->info.format = SF_FORMAT_RAW | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE;
    a->file = sf_open_fd(spooled, SFM_READ, &a->info, SF_FALSE);
    if (a->file) return ATT_OK;
    return att_fail(err, ATT_E_INPUT, "read %s: %s", a->name, sf_strerror(NULL));
}

static att_status prepare(att_audio *a, att_err *err)
{
    if (a->info.samplerate < MIN_RATE_HZ || a->info.samplerate > MAX_RATE_HZ ||
        a->info.channels < 1)
        return att_fail(err, ATT_E_INPUT, "read %s: %d Hz with %d channels is not a recording",
                        a->name, a->info.samplerate, a->info.channels);
    a->block_frames = (size_t)(BLOCK_VALUES / a->info.channels);
    if (a->block_frames < 1) a->block_frames = 1;
    a->block = att_calloc(a->block_frames * (size_t)a->info.channels, sizeof *a->block);
    a->mono = att_calloc(a->block_frames, sizeof *a->mono);
    if (!a->block || !a->mono)
        return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", a->name);
    if (a->info.samplerate == a->rate_hz) return ATT_OK;
    soxr_error_t failed = NULL;
    a->resampler = soxr_create(a->info.samplerate, a->rate_hz, 1, &failed, NULL, NULL, NULL);
    if (failed || !a->resampler)
        return att_fail(err, ATT_E_INPUT, "read %s: resample %d Hz to %d Hz: %s", a->name,
                        a->info.samplerate, a->rate_hz, soxr_strerror(failed));
    return ATT_OK;
}

att_status att_audio_open(att_audio **out, const char *path, int32_t rate_hz, const att_log *log,
                          att_err *err)
{
    *out = NULL;
    int fd = -1;
    att_audio *a = att_calloc(1, sizeof *a);
    if (a) a->name = att_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (!a || !a->name) {
        att_free(a);
        return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", path);
    }
    a->fd = -1;
    a->rate_hz = rate_hz;
    a->log = log;
    att_status status = open_input(path, &fd, err);
    if (!status) status = open_decoder(a, fd, err);
    if (!status) status = prepare(a, err);
    if (status)
        att_audio_close(a);
    else
        *out = a;
    return status;
}

void att_audio_close(att_audio *a)
{
    if (!a) return;
    if (a->file) sf_close(a->file);
    if (a->fd >= 0) close(a->fd);
    if (a->resampler) soxr_delete(a->resampler);
    att_free(a->block);
    att_free(a->mono);
    att_free(a->name);
    att_free(a);
}

static void say_end(const att_audio *a)
{
    const int broken = sf_error(a->file) != SF_ERR_NO_ERROR;
    if (!broken &&
        (a->info.frames <= 0 || a->info.frames == SF_COUNT_MAX || a->n_read >= a->info.frames))
        return;
    att_log_write(a->log, ATT_LOG_WARNING, "%s ends early, after %.2f s%s%s", a->name,
                  (double)a->n_read / a->info.samplerate, broken ? ": " : "",
                  broken ? sf_strerror(a->file) : "");
}

/* The next block of the file as mono. */
static att_status read_block(att_audio *a, att_err *err)
{
    const sf_count_t n = sf_readf_float(a->file, a->block, (sf_count_t)a->block_frames);
    const size_t channels = (size_t)a->info.channels;
    a->n_mono = n > 0 ? (size_t)n : 0;
    a->at = 0;
    if (n <= 0) {
        if (!a->ended) say_end(a);
        a->ended = 1;
        return ATT_OK;
    }
    for (size_t i = 0; i < a->n_mono; i++) {
        float sum = 0.0f;
        for (size_t c = 0; c < channels; c++) sum += a->block[i * channels + c];
        a->mono[i] = channels == 1 ? sum : sum / (float)channels;
        if (!isfinite(a->mono[i]))
            return att_fail(err, ATT_E_INPUT, "read %s: sample %lld is not a finite number",
                            a->name, (long long)a->n_read + (long long)i);
    }
    a->n_read += n;
    return ATT_OK;
}

static att_status resample(att_audio *a, float *samples, size_t room, size_t *got, att_err *err)
{
    size_t used = 0;
    const size_t left = a->n_mono - a->at;
    if (a->flushed) return ATT_OK;
    const soxr_error_t failed = soxr_process(
        a->resampler, a->ended && !left ? NULL : a->mono + a->at, left, &used, samples, room, got);
    if (failed)
        return att_fail(err, ATT_E_INPUT, "read %s: resample: %s", a->name, soxr_strerror(failed));
    a->at += used;
    if (a->ended && !left && *got < room) a->flushed = 1;
    return ATT_OK;
}

att_status att_audio_read(att_audio *a, float *samples, size_t room, size_t *got, att_err *err)
{
    *got = 0;
    while (*got == 0 && room > 0) {
        if (a->at == a->n_mono && !a->ended) {
            const att_status status = read_block(a, err);
            if (status) return status;
        }
        if (a->resampler) {
            const att_status status = resample(a, samples, room, got, err);
            if (status || a->flushed) return status;
            continue;
        }
        if (a->ended) return ATT_OK;
        *got = a->n_mono - a->at < room ? a->n_mono - a->at : room;
        memcpy(samples, a->mono + a->at, *got * sizeof *samples);
        a->at += *got;
    }
    return ATT_OK;
}

att_status att_audio_rewind(att_audio *a, att_err *err)
{
    if (sf_seek(a->file, 0, SEEK_SET) != 0)
        return att_fail(err, ATT_E_INPUT, "read %s again: %s", a->name, sf_strerror(a->file));
    if (a->resampler) soxr_clear(a->resampler);
    a->n_mono = a->at = 0;
    a->n_read = 0;
    a->ended = a->flushed = 0;
    return ATT_OK;
}
