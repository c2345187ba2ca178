/* bench_gemm.c - how fast att_linear is: `bench_gemm [ROUNDS [PRECISION [PART]]]` prints one CSV
 * line a shape and body; with a precision only its shapes, on the device's own bodies, with a part
 * only those with it in their name or kind of blocks.
 *
 * Not a test: nothing is asserted but that the calls succeed. Bodies: cpu, nv and any are ours; nv
 * takes and makes halves; clblast is CLBlast's SGEMM of f32 weights without bias or activation,
 * where the build found the library.
 * Every round runs each shape and body once more, and before each a loop of multiply-adds that
 * touches no memory, since machines drift; a line has the medians, the fastest and slowest round,
 * and the rate as a share of that loop's. flops: 2 M N K.
 * The device is $ATT_TEST_DEVICE, or the one that the library would choose. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "linear.h"
#ifdef BENCH_CLBLAST
#include <clblast_c.h>
#endif

typedef struct shape {
    const char *what;
    int32_t m, n, k;
    att_dtype weight;
    int32_t calls; /* timed together */
    att_precision precision;
    att_blocks blocks; /* kept, whatever the dtype */
} shape;

static const shape SHAPES[] = {
    {"base encoder, q k v", 1500, 1536, 512, ATT_F16, 1, ATT_PRECISION_EXACT, 0},
    {"base encoder, out", 1500, 512, 512, ATT_F16, 1, ATT_PRECISION_EXACT, 0},
    {"base encoder, up", 1500, 2048, 512, ATT_F16, 1, ATT_PRECISION_EXACT, 0},
    {"base encoder, up", 1500, 2048, 512, ATT_F32, 1, ATT_PRECISION_EXACT, 0},
    {"base encoder, up", 1500, 2048, 512, ATT_F16, 1, ATT_PRECISION_FAST, 0},
    {"base encoder, up", 1500, 2048, 512, ATT_F16, 1, ATT_PRECISION_INT8, 0},
    {"base encoder, down", 1500, 512, 2048, ATT_F16, 1, ATT_PRECISION_EXACT, 0},
    {"base encoder, down", 1500, 512, 2048, ATT_F32, 1, ATT_PRECISION_EXACT, 0},
    {"base encoder, down", 1500, 512, 2048, ATT_F16, 1, ATT_PRECISION_FAST, 0},
    {"base encoder, down", 1500, 512, 2048, ATT_F16, 1, ATT_PRECISION_INT8, 0},
    {"turbo encoder, up", 1500, 5120, 1280, ATT_F32, 1, ATT_PRECISION_EXACT, 0},
    {"turbo encoder, up", 1500, 5120, 1280, ATT_F16, 1, ATT_PRECISION_EXACT, 0},
    {"turbo encoder, up", 1500, 5120, 1280, ATT_F16, 1, ATT_PRECISION_INT8, 0},
    {"turbo encoder, q k v", 1500, 3840, 1280, ATT_F16, 20, ATT_PRECISION_FAST, 0},
    {"turbo encoder, out", 1500, 1280, 1280, ATT_F16, 20, ATT_PRECISION_FAST, 0},
    {"turbo encoder, up", 1500, 5120, 1280, ATT_F16, 20, ATT_PRECISION_FAST, 0},
    {"turbo encoder, down", 1500, 1280, 5120, ATT_F16, 20, ATT_PRECISION_FAST, 0},
    {"turbo encoder, up", 4096, 5120, 1280, ATT_F16, 20, ATT_PRECISION_FAST, 0},
    {"turbo encoder, up", 12000, 5120, 1280, ATT_F16, 10, ATT_PRECISION_FAST, 0},
    {"square", 8192, 8192, 8192, ATT_F16, 5, ATT_PRECISION_FAST, 0},
    {"base prompt, up", 224, 2048, 512, ATT_F16, 4, ATT_PRECISION_EXACT, 0},
    {"base beam, up", 5, 2048, 512, ATT_F16, 100, ATT_PRECISION_EXACT, 0},
    {"base beam, up", 5, 2048, 512, ATT_F16, 100, ATT_PRECISION_INT8, 0},
    {"base batch, up", 8, 2048, 512, ATT_F16, 100, ATT_PRECISION_EXACT, 0},
    {"base batch, logits", 8, 51865, 512, ATT_F16, 10, ATT_PRECISION_EXACT, 0},
    {"base token, up", 1, 2048, 512, ATT_F16, 100, ATT_PRECISION_EXACT, 0},
    {"base token, up", 1, 2048, 512, ATT_F16, 100, ATT_PRECISION_INT8, 0},
    {"base token, logits", 1, 51865, 512, ATT_F16, 10, ATT_PRECISION_EXACT, 0},
    {"base token, logits", 1, 51865, 512, ATT_F16, 10, ATT_PRECISION_FAST, 0},
    {"base token, logits", 1, 51865, 512, ATT_F16, 10, ATT_PRECISION_INT8, 0},
    {"SmolLM2 token, q", 1, 576, 576, ATT_F32, 200, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, down", 1, 576, 1536, ATT_F32, 200, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, logits", 1, 49152, 576, ATT_F32, 10, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, logits", 1, 49152, 576, ATT_F32, 10, ATT_PRECISION_EXACT, ATT_BLOCKS_Q8_0},
    {"SmolLM2 prompt, q", 512, 576, 576, ATT_F32, 4, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_1},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_1},
    {"SmolLM2 prompt, down", 512, 576, 1536, ATT_F32, 4, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_1},
    {"SmolLM2 prompt, logits", 512, 49152, 576, ATT_F32, 1, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_0},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_EXACT, ATT_BLOCKS_Q4_0},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_EXACT, ATT_BLOCKS_Q5_0},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_EXACT, ATT_BLOCKS_Q5_0},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_EXACT, ATT_BLOCKS_Q5_1},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_EXACT, ATT_BLOCKS_Q5_1},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_EXACT, ATT_BLOCKS_Q8_0},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_EXACT, ATT_BLOCKS_Q8_0},
    {"SmolLM2 token, q", 1, 576, 576, ATT_F32, 200, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, down", 1, 576, 1536, ATT_F32, 200, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, logits", 1, 49152, 576, ATT_F32, 10, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, logits", 1, 49152, 576, ATT_F32, 10, ATT_PRECISION_INT8, ATT_BLOCKS_Q8_0},
    {"SmolLM2 prompt, q", 512, 576, 576, ATT_F32, 4, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_1},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_1},
    {"SmolLM2 prompt, down", 512, 576, 1536, ATT_F32, 4, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_1},
    {"SmolLM2 prompt, logits", 512, 49152, 576, ATT_F32, 1, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_1},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_0},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_INT8, ATT_BLOCKS_Q4_0},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_INT8, ATT_BLOCKS_Q5_0},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_INT8, ATT_BLOCKS_Q5_0},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_INT8, ATT_BLOCKS_Q5_1},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_INT8, ATT_BLOCKS_Q5_1},
    {"SmolLM2 token, up", 1, 1536, 576, ATT_F32, 200, ATT_PRECISION_INT8, ATT_BLOCKS_Q8_0},
    {"SmolLM2 prompt, up", 512, 1536, 576, ATT_F32, 4, ATT_PRECISION_INT8, ATT_BLOCKS_Q8_0},
};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES, MOST_ROWS = 1500 /* of a processor */ };

/* A product, made ready and run once. */
typedef struct stand {
    att_arena *arena;
    att_linear *linear;
    att_mat x, y;
    double seconds[BENCH_MAX_ROUNDS], peak[BENCH_MAX_ROUNDS];
} stand;

/* Numbers of either sign, some below 1, some below 2: zeros may take less time. */
static void fill_bits(unsigned char *bits, size_t n, att_dtype dtype)
{
    const size_t size = att_dtype_bytes(dtype);
    uint32_t s = 1;
    for (size_t i = 0; i < n; i++) {
        s = s * 1664525u + 1013904223u;
        const uint32_t half = 0x3800u | (s >> 16 & 0x87ffu);
        const uint32_t word = 0x3f000000u | (s & 0x80ffffffu);
        memcpy(bits + i * size,
               dtype == ATT_F16 ? (const void *)&(uint16_t){(uint16_t)half} : &word, size);
    }
}

/* What the device likes to multiply at that precision. */
static att_dtype dtype_of(att_device *device, const shape *of)
{
    return att_linear_operand(device, of->precision) == ATT_F16 ? ATT_F16 : ATT_F32;
}

static att_precision had_precision(att_device *device, const shape *of)
{
    return of->blocks ? att_linear_blocks_precision(device, of->precision)
                      : att_linear_precision(device, of->precision);
}

static void stand_open(stand *s, att_queue *queue, const shape *of)
{
    att_err err;
    const size_t bytes = att_dtype_bytes(of->weight), block = att_blocks_bytes(of->blocks);
    unsigned char *bits = calloc((size_t)of->n * (size_t)of->k, bytes);
    const att_weight_part part = {bits, of->weight, NULL, of->n, NULL, of->blocks, 1};
    if (!bits) bench_must(ATT_E_MEMORY, &(att_err){ATT_E_MEMORY, "out of memory"});
    fill_bits(bits, (size_t)of->n * (size_t)of->k, of->weight);
    for (size_t i = 0; block && i < (size_t)of->n * (size_t)of->k / ATT_BLOCK_ELEMENTS; i++)
        memcpy(bits + i * block, (const uint16_t[]){0x2000, 0x2001}, 4); /* scale, minimum */
    bench_must(att_arena_create(&s->arena, att_queue_device(queue), "bench", &err), &err);
    bench_must(att_linear_create(&s->linear, queue, s->arena, "bench", &part, 1, of->k,
                                 of->precision, &err),
               &err);
    free(bits);
    const att_dtype dtype = dtype_of(att_queue_device(queue), of);
    s->x =
        (att_mat){bench_take(queue, s->arena, dtype, (int64_t)of->m * of->k), of->m, of->k, of->k};
    s->y =
        (att_mat){bench_take(queue, s->arena, dtype, (int64_t)of->m * of->n), of->m, of->n, of->n};
    bench_must(att_linear_apply(queue, s->linear, s->x, s->y, NULL, &err), &err);
    bench_must(att_queue_wait(queue, &err), &err);
}

static void stand_close(stand *s)
{
    att_linear_destroy(s->linear);
    att_arena_destroy(s->arena);
}

static void stand_run(stand *s, att_queue *queue, const shape *of, const bench_peak *p, int round)
{
    att_err err;
    s->peak[round] = bench_peak_run(p);
    const double begin = bench_now();
    for (int i = 0; i < of->calls; i++)
        bench_must(att_linear_apply(queue, s->linear, s->x, s->y, NULL, &err), &err);
    bench_must(att_queue_wait(queue, &err), &err);
    s->seconds[round] = (bench_now() - begin) / of->calls;
}

static void print_row(const shape *of, const char *body, att_precision precision, att_dtype weight,
                      double *seconds, double *peaks, int rounds)
{
    const double middle = bench_median(seconds, rounds), most = bench_median(peaks, rounds);
    const double gflop = 2e-9 * of->m * of->n * of->k, rate = gflop / middle;
    printf("%s,%s,\"%s\",%d,%d,%d,%s,%.1f,%.1f,%.1f,%.1f,%.1f,%.2f\n", body,
           att_precision_name(precision), of->what, of->m, of->n, of->k,
           of->blocks ? att_blocks_name(of->blocks) : att_dtype_name(weight), 1e6 * middle, rate,
           gflop / seconds[rounds - 1], gflop / seconds[0], most, rate / most);
    fflush(stdout);
}

/* only: a precision, or -1 for all; part: of a name, or of its kind */
static void bench(int portable, int rounds, int only, const char *part)
{
    static stand stands[N_SHAPES];
    att_err err;
    att_device *device = bench_device_open(portable);
    att_queue *queue;
    bench_must(att_queue_create(&queue, device, &err), &err);
    const int own = att_device_cpu_bodies(device);
    bench_peak p[3];
    for (int i = 0; i < 3; i++) {
        const att_precision had = att_linear_precision(device, (att_precision)i);
        p[i] = bench_peak_open(att_device_get_info(device), had);
        bench_peak_run(&p[i]); /* compiles */
    }
    int n = 0;
    const shape *shapes[N_SHAPES];
    for (int i = 0; i < N_SHAPES; i++) /* those that the device does not run otherwise */
        if (had_precision(device, &SHAPES[i]) == SHAPES[i].precision &&
            !(own && SHAPES[i].m > MOST_ROWS) &&
            (only < 0 || SHAPES[i].precision == (att_precision)only) &&
            (strstr(SHAPES[i].what, part) || strstr(att_blocks_name(SHAPES[i].blocks), part)))
            shapes[n++] = &SHAPES[i];
    for (int i = 0; i < n; i++) stand_open(&stands[i], queue, shapes[i]);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < n; i++)
            stand_run(&stands[i], queue, shapes[i], &p[shapes[i]->precision], round);
    for (int i = 0; i < n; i++)
        print_row(shapes[i],
                  own                                      ? "cpu"
                  : dtype_of(device, shapes[i]) == ATT_F16 ? "nv"
                                                           : "any",
                  shapes[i]->precision, shapes[i]->weight, stands[i].seconds, stands[i].peak,
                  rounds);
    for (int i = 0; i < n; i++) stand_close(&stands[i]);
    for (int i = 0; i < 3; i++) bench_peak_close(&p[i]);
    att_queue_destroy(queue);
    att_device_close(device);
}

#ifdef BENCH_CLBLAST
static cl_mem buffer_of(const bench_peak *p, size_t n)
{
    cl_int status;
    const cl_float zero = 0.0f;
    cl_mem mem = clCreateBuffer(p->context, CL_MEM_READ_WRITE, n * sizeof zero, NULL, &status);
    bench_must_cl(status, "make a buffer");
    bench_must_cl(
        clEnqueueFillBuffer(p->queue, mem, &zero, sizeof zero, 0, n * sizeof zero, 0, NULL, NULL),
        "fill a buffer");
    return mem;
}

/* Row-major y[M,N] = x[M,K] w[N,K]^T. */
static void clblast_run(bench_peak *p, const shape *of, cl_mem x, cl_mem w, cl_mem y)
{
    for (int i = 0; i < of->calls; i++)
        bench_must_cl((cl_int)CLBlastSgemm(
                          CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes,
                          (size_t)of->m, (size_t)of->n, (size_t)of->k, 1.0f, x, 0, (size_t)of->k, w,
                          0, (size_t)of->k, 0.0f, y, 0, (size_t)of->n, &p->queue, NULL),
                      "CLBlastSgemm");
    bench_must_cl(clFinish(p->queue), "wait for CLBlast");
}

static void bench_clblast(int rounds)
{
    att_device *device = bench_device_open(1);
    bench_peak p = bench_peak_open(att_device_get_info(device), ATT_PRECISION_EXACT);
    double seconds[BENCH_MAX_ROUNDS], peaks[BENCH_MAX_ROUNDS];
    for (int i = 0; i < N_SHAPES; i++) {
        const shape *of = &SHAPES[i];
        if (of->precision || of->blocks || (of->weight != ATT_F32 && of->k > 512))
            continue; /* in f32 already */
        cl_mem x = buffer_of(&p, (size_t)of->m * (size_t)of->k);
        cl_mem w = buffer_of(&p, (size_t)of->n * (size_t)of->k);
        cl_mem y = buffer_of(&p, (size_t)of->m * (size_t)of->n);
        clblast_run(&p, of, x, w, y); /* compiles */
        for (int round = 0; round < rounds; round++) {
            peaks[round] = bench_peak_run(&p);
            const double begin = bench_now();
            clblast_run(&p, of, x, w, y);
            seconds[round] = (bench_now() - begin) / of->calls;
        }
        print_row(of, "clblast", ATT_PRECISION_EXACT, ATT_F32, seconds, peaks, rounds);
        clReleaseMemObject(x);
        clReleaseMemObject(w);
        clReleaseMemObject(y);
    }
    bench_peak_close(&p);
    att_device_close(device);
}
#endif

int main(int argc, char **argv)
{
    const int rounds = bench_rounds(argc, argv);
    puts("body,precision,what,m,n,k,weight,us,gflops,lowest,highest,peak_gflops,share");
    att_precision only;
    if (argc > 2 && att_precision_of_name(argv[2], &only)) {
        bench(0, rounds, (int)only, argc > 3 ? argv[3] : "");
        return 0;
    }
    bench(0, rounds, -1, "");
    bench(1, rounds, -1, "");
#ifdef BENCH_CLBLAST
    bench_clblast(rounds);
#endif
    return 0;
}
