/* test_live_input.c - apps/live_input.c: what comes through a pipe, as 16 kHz mono. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "live_input.h"

enum { MAX_BYTES = 60000, MAX_SAMPLES = 60000 };

typedef struct stream {
    unsigned char bytes[MAX_BYTES];
    size_t n;
} stream;

static void put(stream *s, const void *bytes, size_t n)
{
    assert_true(s->n + n <= MAX_BYTES);
    memcpy(s->bytes + s->n, bytes, n);
    s->n += n;
}

static void put_number(stream *s, uint32_t x, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) put(s, &(unsigned char){(unsigned char)(x >> 8 * i)}, 1);
}

/* A header as programs write it that do not know the length yet, with a chunk that says nothing. */
static void put_header(stream *s, uint32_t tag, uint32_t channels, uint32_t rate, uint32_t bits)
{
    put(s, "RIFF\xff\xff\xff\xffWAVE", 12);
    put(s, "LIST\5\0\0\0hello", 14); /* padded to an even length by the literal's end */
    put(s, "fmt \20\0\0\0", 8);
    put_number(s, tag, 2);
    put_number(s, channels, 2);
    put_number(s, rate, 4);
    put_number(s, rate * channels * bits / 8, 4);
    put_number(s, channels * bits / 8, 2);
    put_number(s, bits, 2);
    put(s, "data\xff\xff\xff\xff", 8);
}

/* Sends the stream through a pipe, in small pieces where `piece` says so, and reads all of it. */
static att_status hear(const stream *s, float *samples, size_t *n, att_err *err)
{
    int ends[2];
    att_live_input *input;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], s->bytes, s->n), (ssize_t)s->n); /* fits into a pipe */
    close(ends[1]);
    *n = 0;
    att_status status = att_live_input_pipe(&input, ends[0], err);
    while (!status) {
        size_t got;
        status = att_live_input_read(input, samples + *n, 777, &got, err);
        *n += got;
        assert_true(*n + 777 <= MAX_SAMPLES);
        if (got == 0 && att_live_input_ended(input)) break;
    }
    att_live_input_close(input);
    close(ends[0]);
    return status;
}

static void bare_samples_are_16_bits(void **state)
{
    (void)state;
    static stream s;
    static float got[MAX_SAMPLES];
    size_t n;
    att_err err;
    s.n = 0;
    for (int i = 0; i < 20000; i++) put_number(&s, (uint32_t)(i - 10000), 2);
    put(&s, "x", 1); /* half a sample is none */
    assert_int_equal(hear(&s, got, &n, &err), ATT_OK);
    assert_int_equal(n, 20000);
    for (int i = 0; i < 20000; i++) assert_true(got[i] == (float)(i - 10000) / 32768.0f);
}

static void a_header_is_believed(void **state)
{
    (void)state;
    static stream s;
    static float got[MAX_SAMPLES];
    size_t n;
    att_err err;
    s.n = 0;
    put_header(&s, 3, 2, 16000, 32);
    for (int i = 0; i < 5000; i++) {
        const float pair[2] = {(float)i / 5000.0f, -0.5f};
        put(&s, pair, sizeof pair);
    }
    assert_int_equal(hear(&s, got, &n, &err), ATT_OK);
    assert_int_equal(n, 5000);
    for (int i = 0; i < 5000; i++)
        assert_true(fabsf(got[i] - ((float)i / 5e3f - 0.5f) / 2) < 1e-6f);
}

static void rates_become_the_one_wanted(void **state)
{
    (void)state;
    static stream s;
    static float got[MAX_SAMPLES];
    size_t n;
    att_err err;
    s.n = 0;
    put_header(&s, 1, 1, 8000, 16);
    for (int i = 0; i < 16000; i++)
        put_number(&s, (uint32_t)(int32_t)(8192.0 * sin(2.0 * 3.14159265358979 * 220.0 * i / 8e3)),
                   2);
    assert_int_equal(hear(&s, got, &n, &err), ATT_OK);
    assert_in_range(n, 31990, 32010);
    double worst = 0.0;
    for (int i = 2000; i < 30000; i++)
        worst = fmax(worst,
                     fabs((double)got[i] - 0.25 * sin(2.0 * 3.14159265358979 * 220.0 * i / 16e3)));
    assert_true(worst < 1e-3);
}

static void what_is_no_stream_is_refused(void **state)
{
    (void)state;
    static stream s;
    static float got[MAX_SAMPLES];
    size_t n;
    att_err err;
    static const struct {
        uint32_t tag, channels, rate, bits;
        const char *says;
    } BAD[] = {{1, 1, 16000, 24, "24 bits"},
               {1, 0, 16000, 16, "0 channels"},
               {1, 1, 7, 16, "7 Hz"},
               {85, 2, 44100, 16, "encoding 85"}};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        s.n = 0;
        put_header(&s, BAD[i].tag, BAD[i].channels, BAD[i].rate, BAD[i].bits);
        assert_int_equal(hear(&s, got, &n, &err), ATT_E_INPUT);
        assert_non_null(strstr(err.text, BAD[i].says));
    }
    s.n = 0;
    put_header(&s, 1, 1, 16000, 16);
    s.n = 40; /* cut inside of the format */
    assert_int_equal(hear(&s, got, &n, &err), ATT_E_INPUT);
    s.n = 0;
    put(&s, "fLaC and so on, for a while", 27);
    assert_int_equal(hear(&s, got, &n, &err), ATT_E_INPUT);
    assert_non_null(strstr(err.text, "ffmpeg"));
    s.n = 0; /* nothing at all is an end at once */
    assert_int_equal(hear(&s, got, &n, &err), ATT_OK);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_samples_are_16_bits),
        cmocka_unit_test(a_header_is_believed),
        cmocka_unit_test(rates_become_the_one_wanted),
        cmocka_unit_test(what_is_no_stream_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
