/* fuzz_live.c - streams of any bytes as live audio: refused, or an end after finitely many samples.
 * Seeds: WAV streams (16 bit mono, float stereo at 8 kHz, extensible), bare samples. */
#define _POSIX_C_SOURCE 200809L
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "live_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    float samples[1000];
    att_live_input *input = NULL;
    att_err err;
    size_t total = 0, got;
    FILE *file = tmpfile();
    if (!file || fwrite(data, 1, n, file) != n || fflush(file) != 0) abort();
    rewind(file);
    const att_status status = att_live_input_pipe(&input, fileno(file), &err);
    if (status && (status != ATT_E_INPUT || input)) abort();
    while (input) {
        if (att_live_input_read(input, samples, 1000, &got, &err)) break;
        if (got > 1000) abort();
        total += got;
        if (total > 200 * (n + 100) * 160) abort(); /* a rate of 100 Hz makes 160 of one */
        if (got == 0 && att_live_input_ended(input)) break;
    }
    att_live_input_close(input);
    fclose(file);
    return 0;
}
