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

/* Floats may well be louder than 1; what is beyond this has no power in a float. */
static const float MAX_SAMPLE = 1e9f;

struct att_audio {
    char *name;
    int fd;
    SNDFILE *file;
    SF_INFO info;
    const float *memory; /* instead of a file: mono samples, info.frames of them */
    const att_log *log;
    int32_t rate_hz;
    soxr_t resampler;  /* NULL when the file has the rate that is wanted */
    float *block;      /* interleaved frames as read */
    float *mono;       /* the block's mean over channels, ... */
    size_t n_mono, at; /* ... its frames, and those already given */
    size_t block_frames;
    sf_count_t n_read; /* frames since the start */
    int raw;           /* the fd holds samples of the wanted rate that ffmpeg made */
    int cut;           /* the header promises more than there is */
    int ended, flushed;
    int told;                 /* of the early end, once */
    const att_time_map *kept; /* NULL: all */
    int32_t span;             /* of kept: where the next samples come from, ... */
    int64_t n_given;          /* ... and how many of the recording came before them */
};

/* A file that can be read twice: the path itself, or a copy of what comes through a pipe. */
static att_status open_input(const char *path, const char *name, int *out, att_err *err)
{
    struct stat st;
    const int input = strcmp(path, "-") == 0;
    att_status status = ATT_OK;
    int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        status = att_fail(err, ATT_E_INPUT, "read %s: %s", name, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        status = att_fail(err, ATT_E_INPUT, "read %s: it is a folder, not a recording", name);
    } else if (input || !S_ISREG(st.st_mode)) {
        int copy = -1;
        status = atti_spool_pipe(fd, name, &copy, err);
        if (!input) close(fd);
        fd = copy;
    }
    if (!status && fstat(fd, &st) == 0 && st.st_size == 0)
        status = att_fail(err, ATT_E_INPUT, "read %s: it is empty, not even a header", name);
    if (status && fd > STDIN_FILENO) close(fd);
    if (!status) *out = fd;
    return status;
}

/* Whether the header promises more bytes than there are, which libsndfile tells in its log alone.
 * Programs that write to a pipe promise about 2 or 4 GB, and that is no promise. */
static int is_cut(SNDFILE *file)
{
    char text[8192] = "";
    sf_command(file, SFC_GET_LOG_INFO, text, sizeof text);
    const char *line = strstr(text, "\ndata : ");
    if (!line) line = strstr(text, " SSND : ");
    unsigned long long promised, found;
    return line && sscanf(strchr(line, ':'), ": %llu (should be %llu)", &promised, &found) == 2 &&
           promised > found + 1 && promised < 0x7fff0000ULL;
}

/* The file as libsndfile asks for it. Not sf_open_fd(): on failure some versions close the fd,
 * which is still to be given to ffmpeg, and others do not. */
static sf_count_t file_bytes(void *fd)
{
    struct stat st;
    return fstat(*(int *)fd, &st) == 0 ? (sf_count_t)st.st_size : -1;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *fd)
{
    return lseek(*(int *)fd, offset, whence);
}

static sf_count_t file_tell(void *fd)
{
    return lseek(*(int *)fd, 0, SEEK_CUR);
}

static sf_count_t file_read(void *bytes, sf_count_t n, void *fd)
{
    ssize_t got;
    do got = read(*(int *)fd, bytes, (size_t)n);
    while (got < 0 && errno == EINTR);
    return got > 0 ? got : 0;
}

/* From its first byte. */
static SNDFILE *open_file(att_audio *a)
{
    SF_VIRTUAL_IO io = {
        .get_filelen = file_bytes, .seek = file_seek, .read = file_read, .tell = file_tell};
    memset(&a->info, 0, sizeof a->info);
    if (a->raw) {
        a->info.samplerate = a->rate_hz;
        a->info.channels = 1;
        a->info.format = SF_FORMAT_RAW | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE;
    }
    lseek(a->fd, 0, SEEK_SET);
    return sf_open_virtual(&io, SFM_READ, &a->info, &a->fd);
}

/* libsndfile, or else ffmpeg and libsndfile over what it made. The fd becomes the stream's. */
static att_status open_decoder(att_audio *a, int fd, att_err *err)
{
    a->fd = fd;
    a->file = open_file(a);
    if (a->file) {
        a->cut = is_cut(a->file);
        return ATT_OK;
    }
    int spooled = -1;
    const att_status status =
        atti_spool_ffmpeg(fd, a->rate_hz, a->name, sf_strerror(NULL), a->log, &spooled, err);
    if (status) return status;
    close(fd);
    a->fd = spooled;
    a->raw = 1;
    a->file = open_file(a);
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
    att_status status = open_input(path, a->name, &fd, err);
    if (!status) status = open_decoder(a, fd, err);
    if (!status) status = prepare(a, err);
    if (status)
        att_audio_close(a);
    else
        *out = a;
    return status;
}

att_status att_audio_open_samples(att_audio **out, const float *samples, size_t n,
                                  int32_t samples_hz, int32_t rate_hz, att_err *err)
{
    *out = NULL;
    att_audio *a = att_calloc(1, sizeof *a);
    if (a) a->name = att_strdup("samples");
    if (!a || !a->name) {
        att_free(a);
        return att_fail(err, ATT_E_MEMORY, "read samples: out of memory");
    }
    a->fd = -1;
    a->rate_hz = rate_hz;
    a->memory = samples;
    a->info.frames = (sf_count_t)n;
    a->info.samplerate = samples_hz;
    a->info.channels = 1;
    const att_status status = prepare(a, err);
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

static void say_end(att_audio *a)
{
    const int broken = sf_error(a->file) != SF_ERR_NO_ERROR;
    const int known = a->info.frames > 0 && a->info.frames < SF_COUNT_MAX;
    if (a->told || (!broken && !a->cut && !(known && a->n_read < a->info.frames))) return;
    a->told = 1;
    att_log_write(a->log, ATT_LOG_WARNING, "%s ends early, after %.2f s%s%s", a->name,
                  (double)a->n_read / a->info.samplerate, broken ? ": " : "",
                  broken ? sf_strerror(a->file) : "");
}

/* The next frames of the file or of memory, interleaved, into the block. */
static sf_count_t read_frames(att_audio *a)
{
    if (!a->memory) return sf_readf_float(a->file, a->block, (sf_count_t)a->block_frames);
    const sf_count_t left = a->info.frames - a->n_read, room = (sf_count_t)a->block_frames;
    const sf_count_t n = left < room ? left : room;
    if (n > 0) memcpy(a->block, a->memory + a->n_read, (size_t)n * sizeof *a->block);
    return n;
}

/* The next block as mono. */
static att_status read_block(att_audio *a, att_err *err)
{
    const sf_count_t n = read_frames(a);
    const size_t channels = (size_t)a->info.channels;
    a->n_mono = n > 0 ? (size_t)n : 0;
    a->at = 0;
    if (n <= 0) {
        if (!a->ended && !a->memory) say_end(a);
        a->ended = 1;
        return ATT_OK;
    }
    for (size_t i = 0; i < a->n_mono; i++) {
        float sum = 0.0f;
        for (size_t c = 0; c < channels; c++) sum += a->block[i * channels + c];
        a->mono[i] = channels == 1 ? sum : sum / (float)channels;
        if (!(fabsf(a->mono[i]) <= MAX_SAMPLE)) /* a NaN too */
            return att_fail(
                err, ATT_E_INPUT,
                "read %s: sample %lld is %g, samples lie between -1 and 1; the recording is "
                "damaged or not what its header says",
                a->name, (long long)a->n_read + (long long)i, (double)a->mono[i]);
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

static att_status read_all(att_audio *a, float *samples, size_t room, size_t *got, att_err *err)
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

att_status att_audio_read(att_audio *a, float *samples, size_t room, size_t *got, att_err *err)
{
    if (!a->kept) return read_all(a, samples, room, got, err);
    *got = 0;
    while (room > 0 && a->span < a->kept->n) {
        const att_time_span *span = &a->kept->spans[a->span];
        const int64_t end = span->original + span->length;
        const int skip = a->n_given < span->original;
        const int64_t left = (skip ? span->original : end) - a->n_given;
        if (left <= 0) {
            a->span++;
            continue;
        }
        const att_status status =
            read_all(a, samples, left < (int64_t)room ? (size_t)left : room, got, err);
        if (status) return status;
        a->n_given += (int64_t)*got;
        if (!skip || *got == 0) return ATT_OK;
        *got = 0; /* dropped */
    }
    return ATT_OK;
}

void att_audio_keep(att_audio *a, const att_time_map *map)
{
    a->kept = map;
}

att_status att_audio_rewind(att_audio *a, att_err *err)
{
    const int rate_hz = a->info.samplerate, channels = a->info.channels;
    if (a->resampler) soxr_clear(a->resampler);
    a->n_mono = a->at = 0;
    a->n_read = 0;
    a->span = 0;
    a->n_given = 0;
    a->ended = a->flushed = 0;
    if (a->memory) return ATT_OK;
    sf_close(a->file); /* seeking in a damaged file need not give the same samples */
    a->file = open_file(a);
    if (a->file && a->info.samplerate == rate_hz && a->info.channels == channels) return ATT_OK;
    a->ended = 1;
    return att_fail(err, ATT_E_INPUT, "read %s again: %s", a->name,
                    a->file ? "it has changed meanwhile" : sf_strerror(NULL));
}
