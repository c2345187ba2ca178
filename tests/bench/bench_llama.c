/* bench_llama.c - how fast a language model reads and writes: `bench_llama MODEL [PRECISION
 * [ROUNDS [profile]]]` prints a CSV line for reading 512 tokens at once and one for writing 64.
 *
 * MODEL is a GGUF file or a folder with one. Not a test: tokens are arbitrary, nothing is asserted
 * but that the calls succeed and logits are numbers. A line has the median, the fastest and the
 * slowest of the rounds, in tokens a second. The device is $ATT_TEST_DEVICE, or the one that the
 * library would choose. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "llama.h"

enum { READ = 512, WRITE = 64, MAX_ROUNDS = 64 };

static void append(att_llama_session *s, const int32_t *ids, int32_t n, float *logits)
{
    const att_llama_segment segment = {.ids = ids, .n = n};
    const att_llama_call call = {.segments = &segment, .n_segments = 1, .n_logits = 1};
    att_err err;
    bench_must(att_llama_append(s, &call, &err), &err);
    bench_must(att_llama_logits(s, 0, logits, &err), &err);
    if (isnan(logits[0])) bench_must(ATT_E_MODEL, &(att_err){ATT_E_MODEL, "logits are NaN"});
}

static void print_line(const char *what, const char *precision, int32_t n, double *seconds,
                       int rounds)
{
    const double median = bench_median(seconds, rounds);
    printf("%s,%s,%d,%.1f,%.1f,%.1f\n", what, precision, n, n / median, n / seconds[0],
           n / seconds[rounds - 1]);
    fflush(stdout);
}

static void run(att_llama_session *s, const char *precision, int rounds)
{
    static double reads[MAX_ROUNDS], writes[MAX_ROUNDS];
    float *logits = calloc((size_t)att_llama_vocab(att_llama_of(s)), sizeof *logits);
    int32_t ids[READ];
    for (int32_t i = 0; i < READ; i++) ids[i] = 100 + i * 37 % 10000;
    append(s, ids, READ, logits); /* kernels are compiled, caches are warm */
    append(s, ids, 1, logits);
    for (int i = 0; i < rounds; i++) {
        att_llama_truncate(s, 0);
        double began = bench_now();
        append(s, ids, READ, logits);
        reads[i] = bench_now() - began;
        began = bench_now();
        for (int32_t k = 0; k < WRITE; k++) append(s, &ids[k], 1, logits);
        writes[i] = bench_now() - began;
    }
    print_line("read", precision, READ, reads, rounds);
    print_line("write", precision, WRITE, writes, rounds);
    free(logits);
}

static void print_profile(const att_llama_session *s)
{
    att_profile_row rows[ATT_N_KERNELS + 1];
    const size_t n = att_llama_profile(s, rows, ATT_N_KERNELS);
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%-24s %8lld %10.4f s %9.1f GFLOP/s %8.1f GB/s\n", rows[i].kernel,
                (long long)rows[i].calls, rows[i].seconds, rows[i].flops / rows[i].seconds * 1e-9,
                rows[i].bytes / rows[i].seconds * 1e-9);
}

int main(int argc, char **argv)
{
    att_precision precision = ATT_PRECISION_EXACT;
    const int rounds = argc > 3 ? atoi(argv[3]) : 5, profile = argc > 4;
    if (argc < 2 || (argc > 2 && !att_precision_of_name(argv[2], &precision)) || rounds < 1 ||
        rounds > MAX_ROUNDS) {
        fputs("usage: bench_llama MODEL [exact|fast|int8 [ROUNDS [profile]]]\n", stderr);
        return 2;
    }
    att_device *device = bench_device_open_with(0, profile);
    att_weights *weights;
    att_llama_config config;
    att_llama *llama;
    att_llama_session *session;
    att_err err;
    bench_must(att_weights_open(&weights, argv[1], &err), &err);
    bench_must(att_llama_config_from_gguf(&config, weights, &err), &err);
    bench_must(att_llama_open(&llama, device, weights, &config, precision, &err), &err);
    bench_must(att_llama_session_create(&session, llama, NULL, &err), &err);
    att_weights_close(weights);
    run(session, att_precision_name(att_llama_precision(llama)), rounds);
    if (profile) print_profile(session);
    att_llama_session_destroy(session);
    att_llama_close(llama);
    att_device_close(device);
    return 0;
}
