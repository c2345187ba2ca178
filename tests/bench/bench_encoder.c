/* bench_encoder.c - how fast the audio encoder of Whisper large-v3-turbo's shape is:
 * `bench_encoder [ROUNDS [profile]]` prints one CSV line a precision and batch.
 *
 * Not a test: nothing is asserted but that the calls succeed and the result is a number. Weights
 * are random, which takes as long. A window is 30 s, 3000 frames of 128 mels; a batch of them goes
 * through the blocks as parts of one call. Every round runs each line once more; a line has the
 * median, the fastest and the slowest, a window each. With `profile`, the kernels of all rounds
 * are listed on stderr, longest first, and times are higher.
 * The device is $ATT_TEST_DEVICE, or the one that the library would choose. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "block.h"
#include "conform.h"
#include "conv.h"
#include "half.h"

enum { LAYERS = 32, C = 1280, F = 4 * C, HEADS = 20, D = C / HEADS, MELS = 128 };
enum { FRAMES = 3000, T = FRAMES / 2, MAX_BATCH = 8 };

static const int32_t BATCHES[] = {1, 8};
enum { N_BATCHES = sizeof BATCHES / sizeof *BATCHES };

static const att_block_desc DESC = {
    .width = C,
    .heads = HEADS,
    .kv_heads = HEADS,
    .head_width = D,
    .ffn_width = F,
    .norm_eps = 1e-5f,
    .precision = ATT_PRECISION_FAST,
};

typedef struct encoder {
    att_queue *queue;
    att_arena *arena;
    att_conv conv[2];
    att_block block[LAYERS];
    att_norm norm;
    att_block_scratch scratch;
    att_mat mel, stem; /* of one window, padded */
    att_mat x, y;      /* [MAX_BATCH * T][C] */
} encoder;

/* Weights of some hundredths, so that no layer's output leaves the range of halves. */
static att_weight_part random_part(int32_t rows, int32_t cols)
{
    static float bias[3 * C + F];
    static uint16_t *halves;
    const int64_t most = (int64_t)F * C;
    if (!halves) {
        float *x = calloc((size_t)most, sizeof *x);
        halves = calloc((size_t)most, sizeof *halves);
        if (!x || !halves) bench_must(ATT_E_MEMORY, &(att_err){ATT_E_MEMORY, "out of memory"});
        att_conform_fill(x, most, 1, 0.03f);
        for (int64_t i = 0; i < most; i++) halves[i] = att_half_from_float(x[i]);
        free(x);
    }
    if ((int64_t)rows * cols > most) bench_must(ATT_E_ARG, &(att_err){ATT_E_ARG, "too large"});
    return (att_weight_part){.data = halves, .dtype = ATT_F16, .rows = rows, .bias = bias};
}

static att_linear *make_linear(encoder *e, int32_t rows, int32_t cols)
{
    att_err err;
    att_linear *l;
    const att_weight_part part = random_part(rows, cols);
    bench_must(att_linear_create(&l, e->queue, e->arena, "bench", &part, 1, cols,
                                 ATT_PRECISION_FAST, &err),
               &err);
    return l;
}

static att_norm make_norm(encoder *e)
{
    return (att_norm){ATT_NORM_LAYER, 1e-5f, bench_take(e->queue, e->arena, ATT_F32, C),
                      bench_take(e->queue, e->arena, ATT_F32, C)};
}

static void open_encoder(encoder *e, att_device *device)
{
    att_err err;
    bench_must(att_queue_create(&e->queue, device, &err), &err);
    bench_must(att_arena_create(&e->arena, device, "bench", &err), &err);
    for (int i = 0; i < 2; i++) {
        const att_weight_part part = random_part(C, 3 * (i ? C : MELS));
        bench_must(att_conv_init(&e->conv[i], e->queue, e->arena, "bench", &part, i ? C : MELS, 3,
                                 i + 1, ATT_PRECISION_FAST, &err),
                   &err);
    }
    for (int i = 0; i < LAYERS; i++)
        e->block[i] = (att_block){.desc = DESC,
                                  .self_norm = make_norm(e),
                                  .ffn_norm = make_norm(e),
                                  .self_qkv = make_linear(e, 3 * C, C),
                                  .self_out = make_linear(e, C, C),
                                  .ffn_in = make_linear(e, F, C),
                                  .ffn_out = make_linear(e, C, F)};
    e->norm = make_norm(e);
    bench_must(att_block_scratch_init(&e->scratch, e->arena, device, &DESC, MAX_BATCH * T, T, &err),
               &err);
    const att_dtype between = e->scratch.hidden.dtype;
    const int64_t n = (int64_t)(FRAMES + 2);
    e->mel = att_mat_of(bench_take(e->queue, e->arena, ATT_F32, n * MELS), FRAMES + 2, MELS);
    e->stem = att_mat_of(bench_take(e->queue, e->arena, between, n * C), FRAMES + 2, C);
    e->x = att_mat_of(bench_take(e->queue, e->arena, ATT_F32, MAX_BATCH * T * C), MAX_BATCH * T, C);
    e->y = att_mat_of(bench_take(e->queue, e->arena, ATT_F32, MAX_BATCH * T * C), MAX_BATCH * T, C);
}

static void close_encoder(encoder *e)
{
    for (int i = 0; i < LAYERS; i++) att_block_finish(&e->block[i]);
    for (int i = 0; i < 2; i++) att_conv_finish(&e->conv[i]);
    att_arena_destroy(e->arena);
    att_queue_destroy(e->queue);
}

static void encode(encoder *e, int32_t batch)
{
    att_err err;
    att_block_part parts[MAX_BATCH];
    const att_mat x = att_mat_rows(e->x, 0, batch * T), y = att_mat_rows(e->y, 0, batch * T);
    const att_epilogue gelu = {.act = ATT_ACT_GELU_ERF};
    for (int32_t b = 0; b < batch; b++) {
        parts[b] = (att_block_part){.rows = T};
        bench_must(att_conv_apply(e->queue, &e->conv[0], e->mel, att_mat_rows(e->stem, 1, FRAMES),
                                  &gelu, &err),
                   &err);
        bench_must(
            att_conv_apply(e->queue, &e->conv[1], e->stem, att_mat_rows(x, b * T, T), &gelu, &err),
            &err);
    }
    const att_block_call call = {.x = x, .parts = parts, .n_parts = batch};
    for (int i = 0; i < LAYERS; i++)
        bench_must(att_block_apply(e->queue, &e->block[i], &e->scratch, &call, &err), &err);
    bench_must(att_norm_apply(e->queue, &e->norm, x, y, &err), &err);
    bench_must(att_queue_wait(e->queue, &err), &err);
}

static double flops_of_window(void)
{
    const double products = 2.0 * T * C * (4.0 * C + 2.0 * F), attention = 4.0 * T * T * C;
    return LAYERS * (products + attention) + 2.0 * 3 * C * ((double)FRAMES * MELS + (double)T * C);
}

static void check(encoder *e)
{
    att_err err;
    float y[C];
    bench_must(att_queue_read(e->queue, y, e->y.view, C, &err), &err);
    for (int i = 0; i < C; i++)
        if (!isfinite(y[i])) bench_must(ATT_E_DEVICE, &(att_err){ATT_E_DEVICE, "no number"});
}

static void print_profile(const encoder *e)
{
    static att_profile_row rows[ATT_N_KERNELS];
    const size_t n = att_queue_profile(e->queue, rows, ATT_N_KERNELS);
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%-24s %6lld calls %9.3f ms %8.1f TFLOP/s\n", rows[i].kernel,
                (long long)rows[i].calls, 1e3 * rows[i].seconds,
                1e-12 * rows[i].flops / rows[i].seconds);
}

int main(int argc, char **argv)
{
    static encoder e;
    static double seconds[N_BATCHES][BENCH_MAX_ROUNDS];
    const int rounds = bench_rounds(argc, argv);
    const int profile = argc > 2 && strcmp(argv[2], "profile") == 0;
    att_device *device = bench_device_open_with(0, profile);
    open_encoder(&e, device);
    const char *precision = att_precision_name(att_linear_precision(device, ATT_PRECISION_FAST));
    for (int i = 0; i < N_BATCHES; i++) encode(&e, BATCHES[i]); /* compiles */
    check(&e);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < N_BATCHES; i++) {
            const double begin = bench_now();
            encode(&e, BATCHES[i]);
            seconds[i][round] = (bench_now() - begin) / BATCHES[i];
        }
    puts("precision,batch,ms_a_window,lowest,highest,tflops");
    for (int i = 0; i < N_BATCHES; i++) {
        const double middle = bench_median(seconds[i], rounds);
        printf("%s,%d,%.2f,%.2f,%.2f,%.1f\n", precision, BATCHES[i], 1e3 * middle,
               1e3 * seconds[i][0], 1e3 * seconds[i][rounds - 1],
               1e-12 * flops_of_window() / middle);
    }
    if (profile) print_profile(&e);
    close_encoder(&e);
    att_device_close(device);
    return 0;
}
