/* test_mel.c - modalities/speech/fft.c and mel.c: transforms against sums, filters against their
 * known sums, spectrograms against OpenAI's (tests/golden/mel.safetensors, made by
 * tools/reference/dump_mel.py), windows against each other. */
#define _DEFAULT_SOURCE
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
#include <unistd.h>
#include <cmocka.h>

#include "fft.h"
#include "mel.h"
#include "realdata.h"
#include "wavfile.h"
#include "weights.h"

enum { RATE_HZ = ATT_MEL_RATE_HZ, WINDOW = ATT_MEL_WINDOW };

static const double PI = 3.14159265358979323846;

static char wav[4096]; /* the file that the tests write */

/* The signal of dump_mel.py. */
static int16_t *signal_of(int64_t n)
{
    int16_t *samples = calloc((size_t)n + 1, sizeof *samples);
    uint32_t phase = 0, state = 1;
    assert_non_null(samples);
    for (uint32_t i = 0; i < n; i++) {
        phase = (phase + 100 + i) & 0xffff;
        state = state * 1103515245u + 12345u;
        const int triangle = (int)(phase < 32768 ? phase : 65535 - phase) / 2 - 8192;
        const int noise = (int)((state >> 16) & 63) - 32;
        samples[i] = (int16_t)(i >= 8000 && i < 9600 ? 0 : triangle + noise);
    }
    return samples;
}

typedef struct spectrogram {
    att_audio *audio;
    att_mel_stream *stream;
    int64_t n_frames;
    float *mel; /* [WINDOW][n_mels] */
    int32_t frames;
} spectrogram;

static spectrogram open_spectrogram(const char *path, int32_t n_mels)
{
    spectrogram s = {0};
    att_err err = {0};
    if (att_audio_open(&s.audio, path, RATE_HZ, NULL, &err) ||
        att_mel_stream_open(&s.stream, s.audio, n_mels, &err) ||
        att_mel_stream_scan(s.stream, INT64_MAX, &s.n_frames, &err))
        fail_msg("%s", err.text);
    s.mel = calloc((size_t)WINDOW * (size_t)n_mels, sizeof *s.mel);
    assert_non_null(s.mel);
    return s;
}

static void close_spectrogram(spectrogram *s)
{
    att_mel_stream_close(s->stream);
    att_audio_close(s->audio);
    free(s->mel);
}

static void read_window(spectrogram *s, int64_t first, int32_t silence)
{
    att_err err = {0};
    if (att_mel_stream_window(s->stream, first, silence, s->mel, &s->frames, &err))
        fail_msg("%s", err.text);
}

static void transforms_are_the_sums_of_their_definition(void **state)
{
    static const int32_t SIZES[] = {2, 8, 30, 400, 512};
    (void)state;
    for (size_t z = 0; z < sizeof SIZES / sizeof *SIZES; z++) {
        const int32_t n = SIZES[z];
        att_fft *fft = att_fft_create(n);
        assert_non_null(fft);
        uint32_t random = 7;
        float x[512];
        for (int32_t i = 0; i < n; i++) {
            random = random * 1664525u + 1013904223u;
            x[i] = (float)(random >> 8) / 8388608.0f - 1.0f;
        }
        for (int again = 0; again < 2; again++) { /* a plan serves many times */
            memcpy(att_fft_input(fft), x, (size_t)n * sizeof *x);
            const float *out = att_fft_run(fft);
            for (int32_t k = 0; k <= n / 2; k++) {
                double re = 0.0, im = 0.0;
                for (int32_t i = 0; i < n; i++) {
                    re += (double)x[i] * cos(2.0 * PI * k * i / n);
                    im -= (double)x[i] * sin(2.0 * PI * k * i / n);
                }
                /* f32 butterflies: some 1e-7 of the sum's size, about sqrt(n) */
                assert_true(fabs((double)out[2 * k] - re) < 2e-5);
                assert_true(fabs((double)out[2 * k + 1] - im) < 2e-5);
            }
        }
        att_fft_destroy(fft);
    }
    att_fft_destroy(NULL);
}

static void filters_have_their_known_sums(void **state)
{
    static const struct {
        int32_t n_mels, n_not_zero;
        double sum, top;
    } KNOWN[] = {{80, 391, 1.9990241, 0.02588068}, {128, 394, 3.1909855, 0.04168175}};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        static float filters[128 * ATT_MEL_BINS];
        double sum = 0.0, top = 0.0;
        int32_t n = 0;
        att_mel_filters(KNOWN[k].n_mels, filters);
        for (int32_t i = 0; i < KNOWN[k].n_mels * ATT_MEL_BINS; i++) {
            assert_true(filters[i] >= 0.0f);
            sum += (double)filters[i];
            n += filters[i] > 0.0f;
            if ((double)filters[i] > top) top = (double)filters[i];
        }
        assert_true(fabs(sum - KNOWN[k].sum) < 1e-7);
        assert_true(fabs(top - KNOWN[k].top) < 1e-8);
        assert_int_equal(n, KNOWN[k].n_not_zero);
    }
}

/* The golden's frames, then what silence gives, or zeros behind the recording's own. */
static void check_golden(const att_weights *golden, const char *name, int64_t n_samples,
                         int32_t n_mels)
{
    const att_array *want = att_weights_find(golden, name);
    assert_non_null(want);
    int16_t *samples = signal_of(n_samples);
    wavfile_write(wav, samples, n_samples);
    free(samples);
    spectrogram s = open_spectrogram(wav, n_mels);
    const int64_t known = want->dims[0], content = n_samples / ATT_MEL_HOP;
    assert_int_equal(s.n_frames, content);
    for (int32_t silence = 1; silence >= 0; silence--) {
        read_window(&s, 0, silence);
        assert_int_equal(s.frames, content);
        for (int64_t i = 0; i < (int64_t)WINDOW * n_mels; i++) {
            const int64_t t = i / n_mels;
            const int64_t from = t < known ? i : (known - 1) * n_mels; /* its last is silence */
            const double expected =
                t < content || silence ? att_array_value(want, (size_t)from) : 0.0;
            /* both are f32; their noise shows in bins far below the frame's loudest */
            if (!(fabs((double)s.mel[i] - expected) < 1e-4))
                fail_msg("%s: frame %lld, bin %lld is %.7g, expected %.7g", name, (long long)t,
                         (long long)(i % n_mels), (double)s.mel[i], expected);
        }
    }
    close_spectrogram(&s);
}

static void spectrograms_are_openais(void **state)
{
    (void)state;
    att_weights *golden = NULL;
    att_err err = {0};
    if (att_weights_open(&golden, ATT_SOURCE_DIR "/tests/golden/mel.safetensors", &err))
        fail_msg("%s", err.text);
    check_golden(golden, "mels80", 16150, 80);
    check_golden(golden, "mels128", 16150, 128);
    check_golden(golden, "short80", 100, 80);
    att_weights_close(golden);
}

static void nothing_is_silence(void **state)
{
    (void)state;
    int16_t none = 0;
    wavfile_write(wav, &none, 0);
    spectrogram s = open_spectrogram(wav, 80);
    assert_int_equal(s.n_frames, 0);
    read_window(&s, 0, 1);
    assert_int_equal(s.frames, 0);
    for (int32_t i = 0; i < WINDOW * 80; i++) assert_true(s.mel[i] == -1.5f); /* (-10 + 4) / 4 */
    read_window(&s, 0, 0);
    for (int32_t i = 0; i < WINDOW * 80; i++) assert_true(s.mel[i] == 0.0f);
    close_spectrogram(&s);
}

/* 150 s, louder at the end than elsewhere. */
static int16_t *write_long(int64_t n)
{
    int16_t *samples = signal_of(n);
    for (int64_t i = 0; i < n; i++)
        samples[i] = (int16_t)(samples[i] / (i > n - 2 * RATE_HZ ? 1 : 100));
    wavfile_write(wav, samples, n);
    return samples;
}

/* Frame t, far from the ends, by the definition: sums in double precision. */
static void check_frame(const int16_t *samples, int64_t t, double top, const float *got)
{
    static float filters[80 * ATT_MEL_BINS];
    double power[ATT_MEL_BINS];
    att_mel_filters(80, filters);
    for (int k = 0; k < ATT_MEL_BINS; k++) {
        double re = 0.0, im = 0.0;
        for (int i = 0; i < ATT_MEL_FFT; i++) {
            const double window = 0.5 - 0.5 * cos(2.0 * PI * i / ATT_MEL_FFT);
            const double x = window * samples[t * ATT_MEL_HOP - ATT_MEL_FFT / 2 + i] / 32768.0;
            re += x * cos(2.0 * PI * k * i / ATT_MEL_FFT);
            im -= x * sin(2.0 * PI * k * i / ATT_MEL_FFT);
        }
        power[k] = re * re + im * im;
    }
    for (int m = 0; m < 80; m++) {
        double sum = 0.0;
        for (int k = 0; k < ATT_MEL_BINS; k++)
            sum += (double)filters[m * ATT_MEL_BINS + k] * power[k];
        const double want = (fmax(log10(fmax(sum, 1e-10)), top - 8.0) + 4.0) / 4.0;
        if (!(fabs((double)got[m] - want) < 1e-3))
            fail_msg("frame %lld, bin %d is %.7g, expected %.7g", (long long)t, m, (double)got[m],
                     want);
    }
}

static void windows_agree_in_any_order(void **state)
{
    /* on, over a gap, back to the ring's oldest frame, one beyond it, far back, past the end */
    static const int64_t FIRST[] = {0,   2500,  9000,  8800,  5984, 5983,
                                    100, 13000, 14990, 15000, 16000};
    /* in each window, on both sides of where one ends and of where the ring comes round */
    static const int64_t KNOWN[] = {2, 2999, 3000, 6015, 6016, 7777, 11999, 12000, 14990};
    (void)state;
    int16_t *samples = write_long(150 * RATE_HZ + 77);
    spectrogram s = open_spectrogram(wav, 80);
    assert_int_equal(s.n_frames, 15000);
    float *all = calloc(18000 * 80, sizeof *all);
    assert_non_null(all);
    for (int64_t t = 0; t < 15000; t += WINDOW) {
        read_window(&s, t, 0);
        assert_int_equal(s.frames, WINDOW);
        memcpy(all + t * 80, s.mel, (size_t)WINDOW * 80 * sizeof *all);
    }
    for (size_t f = 0; f < sizeof FIRST / sizeof *FIRST; f++) {
        const int64_t left = 15000 - FIRST[f];
        const size_t frames = left < 0 ? 0 : left < WINDOW ? (size_t)left : WINDOW;
        read_window(&s, FIRST[f], 0);
        assert_int_equal(s.frames, frames);
        assert_memory_equal(s.mel, all + FIRST[f] * 80, frames * 80 * sizeof *all);
        for (size_t i = frames * 80; i < (size_t)WINDOW * 80; i++) assert_true(s.mel[i] == 0.0f);
    }
    /* the loud end sets the floor of the quiet beginning: no value below top - 8 anywhere */
    float low = all[0], high = all[0];
    for (size_t i = 0; i < 15000 * 80; i++) {
        if (!(all[i] >= low)) low = all[i];
        if (!(all[i] <= high)) high = all[i];
    }
    assert_true(fabsf(high - low - 2.0f) < 1e-6f);
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++)
        check_frame(samples, KNOWN[k], 4.0 * (double)high - 4.0, all + KNOWN[k] * 80);
    free(samples);
    free(all);
    close_spectrogram(&s);
}

static void a_scan_may_be_taken_in_steps(void **state)
{
    (void)state;
    att_err err = {0};
    free(write_long(40 * RATE_HZ + 77));
    spectrogram whole = open_spectrogram(wav, 80), steps = {0};
    if (att_audio_open(&steps.audio, wav, RATE_HZ, NULL, &err) ||
        att_mel_stream_open(&steps.stream, steps.audio, 80, &err))
        fail_msg("%s", err.text);
    steps.mel = calloc((size_t)WINDOW * 80, sizeof *steps.mel);
    assert_non_null(steps.mel);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(att_mel_stream_scan(steps.stream, 800, &steps.n_frames, &err), ATT_OK);
        assert_int_equal(steps.n_frames, -1);
    }
    assert_int_equal(att_mel_stream_scan(steps.stream, 800, &steps.n_frames, &err), ATT_OK);
    assert_int_equal(steps.n_frames, 4000);
    read_window(&whole, 500, 0);
    read_window(&steps, 500, 0);
    assert_memory_equal(steps.mel, whole.mel, (size_t)WINDOW * 80 * sizeof *whole.mel);
    close_spectrogram(&whole);
    close_spectrogram(&steps);
}

/* A header and `seconds` of a hole: zeros that take no disk. */
static void write_hole(uint32_t seconds)
{
    const int16_t none = 0;
    const uint32_t n_bytes = seconds * RATE_HZ * 2, riff = n_bytes + 36;
    wavfile_write(wav, &none, 0);
    FILE *file = fopen(wav, "r+b");
    assert_non_null(file);
    fseek(file, 4, SEEK_SET);
    assert_int_equal(fwrite(&riff, 4, 1, file), 1);
    fseek(file, 40, SEEK_SET);
    assert_int_equal(fwrite(&n_bytes, 4, 1, file), 1);
    fclose(file);
    assert_int_equal(truncate(wav, 44 + (off_t)n_bytes), 0);
}

static void three_hours_take_no_more_memory(void **state)
{
    (void)state;
    struct rusage before, after;
    write_hole(3 * 3600);
    spectrogram s = {0};
    att_err err = {0};
    getrusage(RUSAGE_SELF, &before);
    if (att_audio_open(&s.audio, wav, RATE_HZ, NULL, &err) ||
        att_mel_stream_open(&s.stream, s.audio, 128, &err) ||
        att_mel_stream_scan(s.stream, INT64_MAX, &s.n_frames, &err))
        fail_msg("%s", err.text);
    getrusage(RUSAGE_SELF, &after);
    print_message("3 hours scanned in %ld KB more\n", after.ru_maxrss - before.ru_maxrss);
    assert_int_equal(s.n_frames, 3 * 360000);
    assert_true(after.ru_maxrss - before.ru_maxrss < 8192); /* KB; all frames would be 553 MB */
    close_spectrogram(&s);
}

static void a_broken_recording_is_refused(void **state)
{
    (void)state;
    static const sf_count_t BAD[] = {0, 70000};
    for (size_t b = 0; b < sizeof BAD / sizeof *BAD; b++) {
        float *samples = calloc(100000, sizeof *samples);
        SF_INFO info = {.samplerate = RATE_HZ, .channels = 1};
        info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
        SNDFILE *file = sf_open(wav, SFM_WRITE, &info);
        assert_non_null(samples);
        assert_non_null(file);
        samples[BAD[b]] = NAN;
        assert_int_equal(sf_writef_float(file, samples, 100000), 100000);
        sf_close(file);
        free(samples);
        spectrogram s = {0};
        att_err err = {0};
        assert_int_equal(att_audio_open(&s.audio, wav, RATE_HZ, NULL, &err), ATT_OK);
        assert_int_equal(att_mel_stream_open(&s.stream, s.audio, 80, &err), ATT_OK);
        assert_int_equal(att_mel_stream_scan(s.stream, INT64_MAX, &s.n_frames, &err), ATT_E_INPUT);
        char words[32];
        snprintf(words, sizeof words, "sample %lld is nan", (long long)BAD[b]);
        if (!strstr(err.text, words)) fail_msg("no '%s' in: %s", words, err.text);
        close_spectrogram(&s);
    }
}

/* Numbers computed in double precision from the recording, docs/models/whisper.md. */
static void a_known_recording_gives_its_known_numbers(void **state)
{
    static const struct {
        int32_t n_mels, frame, bin, n;
        double value[6], mean, low, high;
    } KNOWN[] = {
        {80,
         100,
         0,
         6,
         {.035237, .276446, .442109, .307840, .530756, .900869},
         -.2950290,
         -.5387420,
         1.4612580},
        {80,
         500,
         10,
         6,
         {.237511, .319211, .389428, .285611, .269995, .190000},
         -.2950290,
         -.5387420,
         1.4612580},
        {128,
         100,
         0,
         6,
         {-.040523, .057042, .284059, .249604, .500427, .298143},
         -.2811702,
         -.5063077,
         1.4936923},
    };
    (void)state;
    const char *path = realdata_shared("speech/jfk/jfk.wav");
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        const int32_t n_mels = KNOWN[k].n_mels;
        spectrogram s = open_spectrogram(path, n_mels);
        double sum = 0.0, low = 0.0, high = 0.0;
        assert_int_equal(s.n_frames, 1100);
        read_window(&s, 0, 1);
        for (int32_t i = 0; i < WINDOW * n_mels; i++) {
            const double x = (double)s.mel[i];
            sum += x;
            if (!(x >= low)) low = x;
            if (!(x <= high)) high = x;
        }
        assert_true(fabs(sum / (WINDOW * n_mels) - KNOWN[k].mean) < 1e-6);
        assert_true(fabs(low - KNOWN[k].low) < 2e-6);
        assert_true(fabs(high - KNOWN[k].high) < 2e-6);
        for (int32_t i = 0; i < KNOWN[k].n; i++)
            assert_true(fabs((double)s.mel[KNOWN[k].frame * n_mels + KNOWN[k].bin + i] -
                             KNOWN[k].value[i]) < 1e-5);
        close_spectrogram(&s);
    }
}

static char folder[4096];

static int make_folder(void **state)
{
    (void)state;
    const char *made = realdata_folder();
    if (!made) return -1;
    snprintf(folder, sizeof folder, "%s", made);
    snprintf(wav, sizeof wav, "%.4000s/signal.wav", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    realdata_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transforms_are_the_sums_of_their_definition),
        cmocka_unit_test(filters_have_their_known_sums),
        cmocka_unit_test(spectrograms_are_openais),
        cmocka_unit_test(nothing_is_silence),
        cmocka_unit_test(windows_agree_in_any_order),
        cmocka_unit_test(a_broken_recording_is_refused),
        cmocka_unit_test(a_scan_may_be_taken_in_steps),
        cmocka_unit_test(three_hours_take_no_more_memory),
        cmocka_unit_test(a_known_recording_gives_its_known_numbers),
    };
    return cmocka_run_group_tests_name("mel", tests, make_folder, remove_folder);
}
