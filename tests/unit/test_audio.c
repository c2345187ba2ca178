/* test_audio.c - modalities/speech/audio.c: what comes out of files of every kind, whole, cut,
 * broken and endless, and what is said about them. Files are made here; ffmpeg is played by
 * scripts, and by itself where it is installed. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <sndfile.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "audio.h"
#include "realdata.h"
#include "spawn.h"

enum { RATE_HZ = 16000, PATH_BYTES = 4096 };

static const double PI = 3.14159265358979323846;

/* The folder of the test's files is its working folder; names are relative. */
static char folder[PATH_BYTES];

typedef struct told {
    int warnings;
    char text[ATT_ERR_TEXT_BYTES];
} told;

static void listen(void *user, att_log_level level, const char *text, int done, int total)
{
    told *t = user;
    (void)done, (void)total;
    if (level != ATT_LOG_WARNING) return;
    t->warnings++;
    snprintf(t->text, sizeof t->text, "%s", text);
}

static void write_file(const char *name, int format, int rate_hz, int channels,
                       const float *samples, sf_count_t frames)
{
    SF_INFO info = {.samplerate = rate_hz, .channels = channels, .format = format};
    SNDFILE *file = sf_open(name, SFM_WRITE, &info);
    assert_non_null(file);
    sf_command(file, SFC_SET_CLIPPING, NULL, SF_TRUE);
    assert_int_equal(sf_writef_float(file, samples, frames), frames);
    sf_close(file);
}

static void write_bytes(const char *name, const void *bytes, size_t n)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

static float *tone(int rate_hz, int channels, size_t frames)
{
    float *samples = calloc(frames * (size_t)channels + 1, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < frames * (size_t)channels; i++)
        samples[i] = 0.5f * (float)sin(2.0 * PI * 440.0 * (double)(i / (size_t)channels) / rate_hz);
    return samples;
}

static void write_tone(const char *name, int format, int rate_hz, int channels, size_t frames)
{
    float *samples = tone(rate_hz, channels, frames);
    write_file(name, format, rate_hz, channels, samples, (sf_count_t)frames);
    free(samples);
}

/* All samples that are left, read `step` at a time. */
static float *drain(att_audio *audio, size_t step, size_t *n)
{
    att_err err = {0};
    float *samples = NULL;
    size_t got;
    *n = 0;
    do {
        samples = realloc(samples, (*n + step) * sizeof *samples);
        assert_non_null(samples);
        const att_status status = att_audio_read(audio, samples + *n, step, &got, &err);
        if (status) fail_msg("%s", err.text);
        assert_true(got <= step);
        *n += got;
    } while (got);
    return samples;
}

static att_audio *must_open(const char *name, const att_log *log)
{
    att_err err = {0};
    att_audio *audio = NULL;
    if (att_audio_open(&audio, name, RATE_HZ, log, &err)) fail_msg("%s", err.text);
    return audio;
}

static float *read_all(const char *name, size_t step, size_t *n)
{
    att_audio *audio = must_open(name, NULL);
    float *samples = drain(audio, step, n);
    att_audio_close(audio);
    return samples;
}

/* Opening fails with this status, and the text has each of the words, which end with NULL. */
static void check_refused(const char *name, att_status status, const char *const *words)
{
    att_err err = {0};
    att_audio *audio = NULL;
    assert_int_equal(att_audio_open(&audio, name, RATE_HZ, NULL, &err), status);
    assert_null(audio);
    for (; *words; words++)
        if (!strstr(err.text, *words)) fail_msg("no '%s' in: %s", *words, err.text);
    assert_null(strchr(err.text, '\n'));
}

#define REFUSED(name, status, ...) check_refused(name, status, (const char *const[]){__VA_ARGS__})

static void sixteen_bits_pass_unchanged(void **state)
{
    (void)state;
    short values[65536];
    size_t n;
    SF_INFO info = {.samplerate = RATE_HZ, .channels = 1};
    info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    SNDFILE *file = sf_open("exact.wav", SFM_WRITE, &info);
    for (int i = 0; i < 65536; i++) values[i] = (short)(i - 32768);
    sf_write_short(file, values, 65536);
    sf_close(file);
    float *got = read_all("exact.wav", 1000, &n);
    assert_int_equal(n, 65536);
    for (int i = 0; i < 65536; i++)
        if (got[i] != (float)values[i] / 32768.0f) fail_msg("sample %d is %g", i, (double)got[i]);
    free(got);
}

static void channels_become_their_mean(void **state)
{
    (void)state;
    float samples[6 * 100];
    for (int i = 0; i < 100; i++)
        for (int c = 0; c < 6; c++) samples[6 * i + c] = (float)(c * 100 + i) / 1024.0f;
    size_t n;
    write_file("six.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE_HZ, 6, samples, 100);
    float *got = read_all("six.wav", 64, &n);
    assert_int_equal(n, 100);
    for (int i = 0; i < 100; i++) assert_float_equal(got[i], (float)(250 + i) / 1024.0f, 1e-7);
    free(got);
}

static void any_rate_becomes_the_one_wanted(void **state)
{
    static const int RATES[] = {4000, 8000, 11025, 12347, 22050, 32000, 44100, 48000, 192000};
    (void)state;
    for (size_t r = 0; r < sizeof RATES / sizeof *RATES; r++) {
        const size_t frames = (size_t)RATES[r] * 2;
        size_t n, n_again;
        write_tone("rate.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATES[r], 2, frames);
        float *got = read_all("rate.wav", 4096, &n), *again = read_all("rate.wav", 37, &n_again);
        assert_in_range(n, 31999, 32001);
        assert_int_equal(n, n_again); /* however it is read */
        assert_memory_equal(got, again, n * sizeof *got);
        double worst = 0.0; /* the ends ring: the tone begins and stops abruptly */
        for (size_t i = 2000; i < 30000; i++) {
            const double d = fabs((double)got[i] - 0.5 * sin(2.0 * PI * 440.0 * (double)i / 16e3));
            if (!(d <= worst)) worst = d;
        }
        if (!(worst < 1e-4)) fail_msg("%d Hz: off by %g", RATES[r], worst);
        free(got);
        free(again);
    }
}

static void rewinding_gives_the_same_samples(void **state)
{
    static const struct {
        const char *name;
        int format;
    } FILES[] = {{"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                 {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                 {"a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
                 {"a.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS},
                 {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_24}};
    (void)state;
    for (size_t f = 0; f < sizeof FILES / sizeof *FILES; f++) {
        size_t n, n_again;
        float some[1000];
        att_err err;
        write_tone(FILES[f].name, FILES[f].format, 48000, 2, 3 * 48000);
        att_audio *audio = must_open(FILES[f].name, NULL);
        float *first = drain(audio, 5000, &n);
        assert_in_range(n, 47999, 48001);
        assert_int_equal(att_audio_rewind(audio, &err), ATT_OK);
        assert_int_equal(att_audio_read(audio, some, 1000, &n_again, &err), ATT_OK);
        assert_int_equal(att_audio_rewind(audio, &err), ATT_OK);
        float *again = drain(audio, 700, &n_again);
        assert_int_equal(n, n_again);
        assert_memory_equal(first, again, n * sizeof *first);
        free(first);
        free(again);
        att_audio_close(audio);
    }
}

static void memory_is_read_like_a_file(void **state)
{
    (void)state;
    static const int RATES[] = {RATE_HZ, 44100};
    for (int r = 0; r < 2; r++) {
        const size_t frames = (size_t)RATES[r] * 5;
        float *samples = tone(RATES[r], 1, frames);
        size_t n, n_file;
        att_err err;
        att_audio *audio;
        write_tone("memory.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATES[r], 1, frames);
        float *file = read_all("memory.wav", 3000, &n_file);
        assert_int_equal(att_audio_open_samples(&audio, samples, frames, RATES[r], RATE_HZ, &err),
                         ATT_OK);
        for (int round = 0; round < 2; round++) {
            float *got = drain(audio, 700, &n);
            assert_int_equal(n, n_file);
            assert_memory_equal(got, file, n * sizeof *got);
            free(got);
            assert_int_equal(att_audio_rewind(audio, &err), ATT_OK);
        }
        samples[7] = NAN;
        assert_int_equal(att_audio_read(audio, file, 100, &n, &err), ATT_E_INPUT);
        assert_non_null(strstr(err.text, "sample 7"));
        att_audio_close(audio);
        free(samples);
        free(file);
    }
    att_audio *audio = NULL;
    att_err err;
    assert_int_equal(att_audio_open_samples(&audio, NULL, 0, 0, RATE_HZ, &err), ATT_E_INPUT);
    assert_null(audio);
}

static void a_file_that_changes_meanwhile_is_refused(void **state)
{
    (void)state;
    float some[100];
    size_t got;
    att_err err = {0};
    write_tone("changed.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE_HZ, 1, RATE_HZ);
    att_audio *audio = must_open("changed.wav", NULL);
    write_tone("changed.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE_HZ, 2, RATE_HZ);
    assert_int_equal(att_audio_rewind(audio, &err), ATT_E_INPUT);
    assert_non_null(strstr(err.text, "changed.wav again: it has changed"));
    assert_int_equal(att_audio_read(audio, some, 100, &got, &err), ATT_OK);
    assert_int_equal(got, 0);
    write_bytes("changed.wav", "nothing any more", 16);
    assert_int_equal(att_audio_rewind(audio, &err), ATT_E_INPUT);
    assert_int_equal(att_audio_read(audio, some, 100, &got, &err), ATT_OK);
    assert_int_equal(got, 0);
    att_audio_close(audio);
}

static void nothing_and_next_to_nothing_are_recordings(void **state)
{
    static const int RATES[] = {RATE_HZ, 44100};
    (void)state;
    for (int r = 0; r < 2; r++)
        for (size_t frames = 0; frames <= 160; frames = frames ? frames * 160 : 1) {
            size_t n;
            write_tone("short.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATES[r], 1, frames);
            free(read_all("short.wav", 1000, &n));
            const double want = (double)frames * RATE_HZ / RATES[r];
            assert_true(fabs((double)n - want) <= 1.0);
        }
}

static void a_cut_recording_is_read_with_a_warning(void **state)
{
    static const struct {
        const char *name;
        int format;
    } FILES[] = {{"cut.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                 {"cut.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                 {"cut.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16}};
    (void)state;
    for (size_t f = 0; f < sizeof FILES / sizeof *FILES; f++) {
        told t = {0};
        const att_log log = {.write = listen, .user = &t};
        struct stat st;
        size_t n;
        att_err err;
        write_tone(FILES[f].name, FILES[f].format, RATE_HZ, 1, 8 * RATE_HZ);
        att_audio *audio = must_open(FILES[f].name, &log);
        free(drain(audio, 4096, &n));
        att_audio_close(audio);
        assert_int_equal(n, 8 * RATE_HZ);
        assert_int_equal(t.warnings, 0); /* a whole one is no matter */
        assert_int_equal(stat(FILES[f].name, &st), 0);
        assert_int_equal(truncate(FILES[f].name, st.st_size / 2), 0);
        audio = must_open(FILES[f].name, &log);
        free(drain(audio, 4096, &n));
        assert_in_range(n, 3 * RATE_HZ, 5 * RATE_HZ);
        assert_int_equal(att_audio_rewind(audio, &err), ATT_OK);
        free(drain(audio, 4096, &n));
        att_audio_close(audio);
        assert_int_equal(t.warnings, 1); /* once, though it was read twice */
        assert_non_null(strstr(t.text, FILES[f].name));
        assert_non_null(strstr(t.text, "ends early, after "));
    }
}

static void a_header_made_for_a_pipe_is_no_cut(void **state)
{
    static const uint32_t PROMISES[] = {0xffffffffu, 0x7ffff000u, 0x7fffffffu};
    (void)state;
    for (size_t p = 0; p < sizeof PROMISES / sizeof *PROMISES; p++) {
        told t = {0};
        const att_log log = {.write = listen, .user = &t};
        size_t n;
        write_tone("piped.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE_HZ, 1, RATE_HZ);
        FILE *file = fopen("piped.wav", "r+b");
        fseek(file, 40, SEEK_SET); /* the data chunk's size */
        fwrite(&PROMISES[p], 4, 1, file);
        fclose(file);
        att_audio *audio = must_open("piped.wav", &log);
        free(drain(audio, 4096, &n));
        att_audio_close(audio);
        assert_int_equal(n, RATE_HZ);
        if (t.warnings) fail_msg("%s", t.text);
    }
}

static void samples_that_are_no_numbers_are_refused(void **state)
{
    static const float BAD[] = {NAN, INFINITY, -INFINITY, 1e30f};
    (void)state;
    for (size_t b = 0; b < sizeof BAD / sizeof *BAD; b++) {
        float *samples = tone(RATE_HZ, 2, 100000), some[4096];
        size_t got = 1;
        att_err err = {0};
        att_status status = ATT_OK;
        samples[2 * 70000 + 1] = BAD[b];
        write_file("bad.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE_HZ, 2, samples, 100000);
        free(samples);
        att_audio *audio = must_open("bad.wav", NULL);
        while (!status && got) status = att_audio_read(audio, some, 4096, &got, &err);
        att_audio_close(audio);
        assert_int_equal(status, ATT_E_INPUT);
        assert_non_null(strstr(err.text, "bad.wav: sample 70000 is "));
    }
}

static int open_files(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* fd 0 is `in` while the file "-" is read. */
static size_t samples_of_input(int in)
{
    size_t n;
    const int kept = dup(STDIN_FILENO);
    dup2(in, STDIN_FILENO);
    close(in);
    att_audio *audio = must_open("-", NULL);
    dup2(kept, STDIN_FILENO);
    close(kept);
    free(drain(audio, 4096, &n)); /* nothing is read from standard input any more */
    att_audio_close(audio);
    return n;
}

/* The reading end of a pipe that holds the whole file, which must be below 64 KB. */
static int pipe_of(const char *name)
{
    static char bytes[60000];
    int ends[2];
    FILE *file = fopen(name, "rb");
    const size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, n), n);
    close(ends[1]);
    return ends[0];
}

static void pipes_and_input_are_read_like_files(void **state)
{
    (void)state;
    size_t n;
    const int before = open_files();
    write_tone("in.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE_HZ, 1, RATE_HZ);
    assert_int_equal(samples_of_input(open("in.wav", O_RDONLY)), RATE_HZ);
    assert_int_equal(samples_of_input(pipe_of("in.wav")), RATE_HZ);
    const int fd = pipe_of("in.wav");
    char name[64];
    snprintf(name, sizeof name, "/dev/fd/%d", fd);
    free(read_all(name, 1000, &n));
    close(fd);
    assert_int_equal(n, RATE_HZ);
    assert_int_equal(open_files(), before);
}

static void what_is_no_recording_is_named(void **state)
{
    (void)state;
    write_bytes("empty.wav", "", 0);
    write_bytes("text: of no sound.wav", "hello", 5);
    mkdir("folder.wav", 0700);
    REFUSED("missing.wav", ATT_E_INPUT, "missing.wav", "No such file", NULL);
    REFUSED("folder.wav", ATT_E_INPUT, "folder.wav", "folder", NULL);
    REFUSED("empty.wav", ATT_E_INPUT, "empty.wav", "empty", NULL);
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    setenv("PATH", folder, 1); /* no ffmpeg there */
    REFUSED("text: of no sound.wav", ATT_E_INPUT, "text: of no sound.wav",
            "ffmpeg is not installed", "WAV, FLAC, OGG or MP3", NULL);
    setenv("PATH", path, 1);
}

static void play_ffmpeg(const char *script)
{
    write_bytes("ffmpeg", script, strlen(script));
    assert_int_equal(chmod("ffmpeg", 0700), 0);
}

static void ffmpeg_is_asked_and_believed(void **state)
{
    (void)state;
    char path[PATH_BYTES], with[PATH_BYTES + 8192];
    told t = {0};
    const att_log log = {.write = listen, .user = &t};
    const int before = open_files();
    size_t n;
    write_bytes("-x:y.m4a", "no format that libsndfile knows", 31);
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    snprintf(with, sizeof with, "%s:%s", folder, path);
    setenv("PATH", with, 1);

    /* it sees the file's bytes and the rate; more is said than any pipe would hold */
    play_ffmpeg("#!/bin/sh\necho \"$*\" >told\n"
                "head -c 300000 /dev/zero | tr '\\0' 'x' >&2; printf '\\nlast words\\n' >&2\n"
                "head -c 64000 /dev/zero; cat <&0\n");
    att_audio *audio = must_open("-x:y.m4a", &log);
    float *got = drain(audio, 1000, &n);
    att_audio_close(audio);
    assert_int_equal(n, 32000 + 31 / 2);
    assert_float_equal(got[32000], (float)('n' + 256 * 'o') / 32768.0f, 0.0);
    free(got);
    assert_int_equal(t.warnings, 1);
    assert_non_null(strstr(t.text, "last words"));
    FILE *file = fopen("told", "r");
    assert_non_null(fgets(with, sizeof with, file));
    fclose(file);
    assert_non_null(strstr(with, "-nostdin"));
    assert_non_null(strstr(with, "-i file:/dev/stdin"));
    assert_non_null(strstr(with, "-ar 16000"));
    assert_null(strstr(with, "x:y")); /* no name of ours among its arguments */

    play_ffmpeg("#!/bin/sh\necho one >&2\necho two is last >&2\nexit 3\n");
    REFUSED("-x:y.m4a", ATT_E_INPUT, "-x:y.m4a", "two is last", NULL);
    play_ffmpeg("#!/bin/sh\nkill -9 $$\n");
    REFUSED("-x:y.m4a", ATT_E_INPUT, "-x:y.m4a", "it was ended", NULL);
    setenv("PATH", path, 1);
    unlink("ffmpeg");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    assert_int_equal(errno, ECHILD);
    assert_int_equal(open_files(), before);
}

static void the_real_ffmpeg_reads_what_libsndfile_cannot(void **state)
{
    (void)state;
    const char *const argv[] = {"ffmpeg", "-nostdin", "-v",  "error",         "-y", "-i",
                                "t.wav",  "-c:a",     "aac", "file:-a:b.m4a", NULL};
    size_t n;
    write_tone("t.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 3 * 44100);
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    const int code = r.code;
    spawn_free(&r);
    if (code != 0) {
        print_message("skipped: no ffmpeg, or one without AAC\n");
        skip();
    }
    float *got = read_all("-a:b.m4a", 4096, &n);
    assert_in_range(n, 47900, 49200); /* AAC pads */
    double sum = 0.0;
    for (size_t i = 8000; i < 40000; i++) sum += (double)got[i] * (double)got[i];
    free(got);
    assert_true(fabs(sqrt(sum / 32000) - 0.5 / sqrt(2.0)) < 0.02);
    write_bytes("noise.m4a", "neither here nor there, nor anywhere else", 41);
    REFUSED("noise.m4a", ATT_E_INPUT, "noise.m4a", "neither libsndfile", "ffmpeg", NULL);
}

static void three_hours_need_no_more_memory(void **state)
{
    (void)state;
    const uint32_t n_bytes = 3u * 3600u * RATE_HZ * 2u, riff = n_bytes + 36;
    float some[8192];
    size_t n = 0, got = 1;
    att_err err;
    struct rusage before, after;
    write_tone("long.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE_HZ, 1, 0);
    FILE *file = fopen("long.wav", "r+b"); /* mostly a hole, so that it takes no disk */
    fseek(file, 4, SEEK_SET);
    fwrite(&riff, 4, 1, file);
    fseek(file, 40, SEEK_SET);
    fwrite(&n_bytes, 4, 1, file);
    fclose(file);
    assert_int_equal(truncate("long.wav", 44 + (off_t)n_bytes), 0);
    att_audio *audio = must_open("long.wav", NULL);
    getrusage(RUSAGE_SELF, &before);
    while (got) {
        assert_int_equal(att_audio_read(audio, some, 8192, &got, &err), ATT_OK);
        n += got;
    }
    getrusage(RUSAGE_SELF, &after);
    att_audio_close(audio);
    assert_int_equal(n, 3 * 3600 * RATE_HZ);
    assert_true(after.ru_maxrss - before.ru_maxrss < 4096); /* KB; the file has 345 MB */
}

static int before_all; /* files open before the first test */

static int make_folder(void **state)
{
    (void)state;
    const char *made = realdata_folder();
    if (!made) return -1;
    snprintf(folder, sizeof folder, "%s", made);
    before_all = open_files();
    return chdir(folder);
}

/* The last test: those before it have opened, refused and broken off reading files of all kinds. */
static void all_files_are_closed_again(void **state)
{
    (void)state;
    assert_int_equal(open_files(), before_all);
}

static int remove_folder(void **state)
{
    (void)state;
    if (chdir("/") != 0) return -1;
    realdata_remove(folder);
    return 0;
}

/* All that comes, in pieces of `piece` samples. */
static size_t read_pieces(att_audio *audio, float *to, size_t room, size_t piece)
{
    size_t n = 0, got = 1;
    while (got > 0 && n + piece <= room) {
        assert_int_equal(att_audio_read(audio, to + n, piece, &got, NULL), ATT_OK);
        assert_true(got <= piece);
        n += got;
    }
    return n;
}

static void only_what_is_kept_comes(void **state)
{
    (void)state;
    enum { N = 200000, ROOM = 250000 };
    static float samples[N], all[ROOM], got[ROOM];
    static const int64_t ENDS[][2] = {{0, 10}, {10, 11}, {70000, 140001}, {199000, N}, {N, N + 99}};
    static const int RATES[] = {RATE_HZ, 44100};
    for (int i = 0; i < N; i++) samples[i] = (float)(i % 9973) / 9973.0f;
    for (int r = 0; r < 2; r++) {
        att_audio *audio;
        att_time_map map = {0};
        assert_int_equal(att_audio_open_samples(&audio, samples, N, RATES[r], RATE_HZ, NULL),
                         ATT_OK);
        const size_t n_all = read_pieces(audio, all, ROOM, 4096);
        for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++)
            assert_int_equal(att_time_map_add(&map, ENDS[i][0], ENDS[i][1], NULL), ATT_OK);
        att_audio_keep(audio, &map);
        for (size_t piece = 1000; piece < 100000; piece = piece * 7 + 1) {
            size_t at = 0;
            assert_int_equal(att_audio_rewind(audio, NULL), ATT_OK);
            const size_t n = read_pieces(audio, got, ROOM, piece);
            for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++)
                for (size_t k = (size_t)ENDS[i][0]; k < (size_t)ENDS[i][1] && k < n_all; k++)
                    if (got[at++] != all[k]) fail_msg("sample %zu of %d Hz", k, RATES[r]);
            assert_int_equal(n, at);
        }
        att_time_map_free(&map); /* of nothing: nothing comes */
        assert_int_equal(att_audio_rewind(audio, NULL), ATT_OK);
        assert_int_equal(read_pieces(audio, got, ROOM, 1000), 0);
        att_audio_keep(audio, NULL);
        assert_int_equal(att_audio_rewind(audio, NULL), ATT_OK);
        assert_int_equal(read_pieces(audio, got, ROOM, 4096), n_all);
        att_audio_close(audio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_bits_pass_unchanged),
        cmocka_unit_test(channels_become_their_mean),
        cmocka_unit_test(any_rate_becomes_the_one_wanted),
        cmocka_unit_test(rewinding_gives_the_same_samples),
        cmocka_unit_test(memory_is_read_like_a_file),
        cmocka_unit_test(only_what_is_kept_comes),
        cmocka_unit_test(a_file_that_changes_meanwhile_is_refused),
        cmocka_unit_test(nothing_and_next_to_nothing_are_recordings),
        cmocka_unit_test(a_cut_recording_is_read_with_a_warning),
        cmocka_unit_test(a_header_made_for_a_pipe_is_no_cut),
        cmocka_unit_test(samples_that_are_no_numbers_are_refused),
        cmocka_unit_test(pipes_and_input_are_read_like_files),
        cmocka_unit_test(what_is_no_recording_is_named),
        cmocka_unit_test(ffmpeg_is_asked_and_believed),
        cmocka_unit_test(the_real_ffmpeg_reads_what_libsndfile_cannot),
        cmocka_unit_test(three_hours_need_no_more_memory),
        cmocka_unit_test(all_files_are_closed_again),
    };
    return cmocka_run_group_tests_name("audio", tests, make_folder, remove_folder);
}
