/* bench_attn.c - how fast attention is: `bench_attn [ROUNDS]` prints one CSV line a shape and body.
 *
 * Not a test: nothing is asserted but that the calls succeed. Every round runs each shape once
 * more, and before each a loop of multiply-adds that touches no memory, since machines drift; a
 * line has the medians, and the shape's rate as a share of that loop's. flops: 4 D a visible pair.
 * The device is $ATT_TEST_DEVICE, or the one that the library would choose. */
#include <math.h>
#include <stdio.h>

#include "attn.h"
#include "bench.h"

typedef struct shape {
    const char *what;
    int32_t heads, kv_heads, n_q, n_k, d;
    int32_t causal, half;
    int32_t calls; /* timed together */
    att_precision precision;
} shape;

static const shape SHAPES[] = {
    {"encoder", 8, 8, 1500, 1500, 64, 0, 0, 1, ATT_PRECISION_EXACT},
    {"encoder", 8, 8, 1500, 1500, 64, 0, 0, 1, ATT_PRECISION_FAST},
    {"prefill", 8, 8, 448, 448, 64, 1, 1, 4, ATT_PRECISION_EXACT},
    {"prompt over a cache", 9, 3, 64, 1024, 64, 1, 1, 4, ATT_PRECISION_EXACT},
    {"cross, 1 token", 8, 8, 1, 1500, 64, 0, 1, 100, ATT_PRECISION_EXACT},
    {"cross, 1 token", 8, 8, 1, 1500, 64, 0, 0, 100, ATT_PRECISION_EXACT},
    {"cross, 5 beams", 8, 8, 5, 1500, 64, 0, 1, 50, ATT_PRECISION_EXACT},
    {"cross, 1 token", 20, 20, 1, 1500, 64, 0, 1, 100, ATT_PRECISION_EXACT},
    {"self, 1 token", 8, 8, 1, 16, 64, 1, 1, 300, ATT_PRECISION_EXACT},
    {"self, 1 token", 8, 8, 1, 224, 64, 1, 1, 300, ATT_PRECISION_EXACT},
    {"self, 1 token", 8, 8, 1, 448, 64, 1, 1, 300, ATT_PRECISION_EXACT},
    {"self, 1 token", 9, 3, 1, 2048, 64, 1, 1, 100, ATT_PRECISION_EXACT},
};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

/* A call and its memory, made ready and launched once. */
typedef struct stand {
    att_arena *arena;
    att_attn_call call;
    att_view scratch;
    double seconds[BENCH_MAX_ROUNDS], peak[BENCH_MAX_ROUNDS];
} stand;

static void stand_open(stand *s, att_queue *queue, const shape *of)
{
    att_err err;
    att_device *device = att_queue_device(queue);
    const int64_t q = (int64_t)of->n_q * of->heads * of->d;
    const int64_t kv = (int64_t)of->n_k * of->kv_heads * of->d;
    const int32_t q_token = of->heads * of->d, kv_token = of->kv_heads * of->d;
    const att_dtype dtype = of->half ? ATT_F16 : ATT_F32;
    bench_must(att_arena_create(&s->arena, device, "bench", &err), &err);
    s->call = (att_attn_call){.batch = 1, .heads = of->heads, .kv_heads = of->kv_heads};
    s->call.precision = of->precision;
    s->call.d_qk = s->call.d_v = of->d;
    s->call.n_q = of->n_q;
    s->call.n_k = of->n_k;
    s->call.scale = 1.0f / sqrtf((float)of->d);
    s->call.mask.flags = of->causal ? ATT_MASK_CAUSAL : 0;
    s->call.mask.q_first = of->n_k - of->n_q;
    s->call.q = (att_attn_view){bench_take(queue, s->arena, ATT_F32, q), 0, of->d, q_token};
    s->call.k = (att_attn_view){bench_take(queue, s->arena, dtype, kv), 0, of->d, kv_token};
    s->call.v = (att_attn_view){bench_take(queue, s->arena, dtype, kv), 0, of->d, kv_token};
    s->call.out = (att_attn_view){bench_take(queue, s->arena, ATT_F32, q), 0, of->d, q_token};
    s->scratch = bench_take(queue, s->arena, ATT_F32, att_attn_scratch(device, &s->call) + 1);
    bench_must(att_attn(queue, &s->call, s->scratch, &err), &err);
    bench_must(att_queue_wait(queue, &err), &err);
}

static void stand_run(stand *s, att_queue *queue, const shape *of, const bench_peak *p, int round)
{
    att_err err;
    s->peak[round] = bench_peak_run(p);
    const double begin = bench_now();
    for (int i = 0; i < of->calls; i++)
        bench_must(att_attn(queue, &s->call, s->scratch, &err), &err);
    bench_must(att_queue_wait(queue, &err), &err);
    s->seconds[round] = (bench_now() - begin) / of->calls;
}

static void stand_print(stand *s, const shape *of, const char *body, int rounds)
{
    double pairs = (double)of->n_q * of->n_k;
    if (of->causal) pairs -= 0.5 * of->n_q * (of->n_q - 1);
    const double seconds = bench_median(s->seconds, rounds);
    const double most = bench_median(s->peak, rounds);
    const double rate = 4e-9 * of->heads * pairs * of->d / seconds;
    printf("%s,%s,\"%s\",%d,%d,%d,%d,%d,%s,%s,%.1f,%.1f,%.1f,%.2f\n", body,
           att_precision_name(of->precision), of->what, of->heads, of->kv_heads, of->n_q, of->n_k,
           of->d, of->half ? "f16" : "f32", of->causal ? "causal" : "full", 1e6 * seconds, rate,
           most, rate / most);
    fflush(stdout);
}

static void bench(int portable, int rounds)
{
    static stand stands[N_SHAPES];
    att_err err;
    att_device *device = bench_device_open(portable);
    att_queue *queue;
    bench_must(att_queue_create(&queue, device, &err), &err);
    const int own = att_device_cpu_bodies(device);
    const int fast = own && att_device_has(device, ATT_FEATURE_DOT_BF16);
    int n = 0;
    const shape *shapes[N_SHAPES];
    for (int i = 0; i < N_SHAPES; i++) /* those that the device does not run otherwise */
        if (!SHAPES[i].precision || fast) shapes[n++] = &SHAPES[i];
    bench_peak p[2];
    for (int i = 0; i < 2; i++) {
        p[i] = bench_peak_open(att_device_get_info(device), fast ? (att_precision)i : 0);
        bench_peak_run(&p[i]); /* compiles */
    }
    for (int i = 0; i < n; i++) stand_open(&stands[i], queue, shapes[i]);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < n; i++)
            stand_run(&stands[i], queue, shapes[i], &p[shapes[i]->precision], round);
    for (int i = 0; i < n; i++) stand_print(&stands[i], shapes[i], own ? "cpu" : "any", rounds);
    for (int i = 0; i < n; i++) att_arena_destroy(stands[i].arena);
    for (int i = 0; i < 2; i++) bench_peak_close(&p[i]);
    att_queue_destroy(queue);
    att_device_close(device);
}

int main(int argc, char **argv)
{
    const int rounds = bench_rounds(argc, argv);
    puts("body,precision,what,heads,kv_heads,n_q,n_k,width,kv,mask,us,gflops,peak_gflops,share");
    bench(0, rounds);
    bench(1, rounds);
    return 0;
}
