/* bench_attn.c - how fast attention is: `bench_attn [ROUNDS]` prints one CSV line a shape and body.
 *
 * Not a test: nothing is asserted but that the calls succeed. Every round runs each shape once
 * more, and before each a loop of multiply-adds that touches no memory, since machines drift; a
 * line has the medians, and the shape's rate as a share of that loop's. flops: 4 D a visible pair.
 * The device is $ATT_TEST_DEVICE, or the one that the library would choose; the loop runs on the
 * platform's first device of the same name. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <CL/cl.h>

#include "attn.h"
#include "conform.h"

enum { MAX_ROUNDS = 99, DEFAULT_ROUNDS = 9, MAX_PLATFORMS = 8, MAX_DEVICES = 16 };

typedef struct shape {
    const char *what;
    int32_t heads, kv_heads, n_q, n_k, d;
    int32_t causal, half;
    int32_t calls; /* timed together */
} shape;

static const shape SHAPES[] = {
    {"encoder", 8, 8, 1500, 1500, 64, 0, 0, 1},
    {"prefill", 8, 8, 448, 448, 64, 1, 1, 4},
    {"prompt over a cache", 9, 3, 64, 1024, 64, 1, 1, 4},
    {"cross, 1 token", 8, 8, 1, 1500, 64, 0, 1, 100},
    {"cross, 1 token", 8, 8, 1, 1500, 64, 0, 0, 100},
    {"cross, 5 beams", 8, 8, 5, 1500, 64, 0, 1, 50},
    {"cross, 1 token", 20, 20, 1, 1500, 64, 0, 1, 100},
    {"self, 1 token", 8, 8, 1, 16, 64, 1, 1, 300},
    {"self, 1 token", 8, 8, 1, 224, 64, 1, 1, 300},
    {"self, 1 token", 8, 8, 1, 448, 64, 1, 1, 300},
    {"self, 1 token", 9, 3, 1, 2048, 64, 1, 1, 100},
};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(att_status status, const att_err *err)
{
    if (!status) return;
    fprintf(stderr, "bench_attn: %s\n", err->text);
    exit(1);
}

static void must_cl(cl_int status, const char *what)
{
    if (!status) return;
    fprintf(stderr, "bench_attn: %s: OpenCL error %d\n", what, (int)status);
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

/* Twelve independent sums, enough to hide the latency of a multiply-add. */
static const char PEAK_SOURCE[] =
    "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\n"
    "void peak(const int n, const float by, __global float *y)\n"
    "{\n"
    "    vec a = 0, b = 1, c = 2, d = 3, e = 4, f = 5, g = 6, h = 7, i = 8, j = 9, k = 10, l = "
    "11;\n"
    "    const vec x = by, z = by + 1;\n"
    "    for (int s = 0; s < n; s++) {\n"
    "        a = fma(x, a, z); b = fma(x, b, z); c = fma(x, c, z); d = fma(x, d, z);\n"
    "        e = fma(x, e, z); f = fma(x, f, z); g = fma(x, g, z); h = fma(x, h, z);\n"
    "        i = fma(x, i, z); j = fma(x, j, z); k = fma(x, k, z); l = fma(x, l, z);\n"
    "    }\n"
    "    a += b + c + d + e + f + g + h + i + j + k + l;\n"
    "    y[get_global_id(0)] = a.s0 + a.s3 + a.s5 + a.s7;\n"
    "}\n";

enum { PEAK_STEPS = 200000, PEAK_SUMS = 12, PEAK_ITEMS = 16 };

typedef struct peak {
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel;
    cl_mem y;
    int32_t lanes;
} peak;

static cl_device_id device_of(const att_device_info *info)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_device_id devices[MAX_DEVICES];
    cl_uint n_platforms = 0, n_devices = 0;
    must_cl(clGetPlatformIDs(MAX_PLATFORMS, platforms, &n_platforms), "list platforms");
    for (cl_uint p = 0; p < n_platforms && p < MAX_PLATFORMS; p++) {
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &n_devices))
            continue;
        for (cl_uint d = 0; d < n_devices && d < MAX_DEVICES; d++) {
            char name[sizeof info->name] = "";
            clGetDeviceInfo(devices[d], CL_DEVICE_NAME, sizeof name - 1, name, NULL);
            if (strcmp(name, info->name) == 0) return devices[d];
        }
    }
    fprintf(stderr, "bench_attn: device %s is not to be found again\n", info->name);
    exit(1);
}

static peak peak_open(const att_device_info *info)
{
    peak p = {.lanes = info->vector_width >= 16 ? 16 : 8};
    const float by = 0.5f;
    const cl_int n = PEAK_STEPS;
    const char *source = PEAK_SOURCE;
    cl_device_id device = device_of(info);
    cl_int status;
    p.context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    must_cl(status, "make a context");
    p.queue = clCreateCommandQueue(p.context, device, 0, &status);
    must_cl(status, "make a queue");
    p.program = clCreateProgramWithSource(p.context, 1, &source, NULL, &status);
    must_cl(status, "read the loop");
    must_cl(clBuildProgram(p.program, 1, &device,
                           p.lanes == 16 ? "-D vec=float16" : "-D vec=float8", NULL, NULL),
            "compile the loop");
    p.kernel = clCreateKernel(p.program, "peak", &status);
    must_cl(status, "find the loop");
    p.y = clCreateBuffer(p.context, CL_MEM_WRITE_ONLY, PEAK_ITEMS * sizeof(float), NULL, &status);
    must_cl(status, "make a buffer");
    must_cl(clSetKernelArg(p.kernel, 0, sizeof n, &n), "set n");
    must_cl(clSetKernelArg(p.kernel, 1, sizeof by, &by), "set by");
    must_cl(clSetKernelArg(p.kernel, 2, sizeof p.y, &p.y), "set y");
    return p;
}

static void peak_close(peak *p)
{
    clReleaseMemObject(p->y);
    clReleaseKernel(p->kernel);
    clReleaseProgram(p->program);
    clReleaseCommandQueue(p->queue);
    clReleaseContext(p->context);
}

/* GFLOP/s of one launch. */
static double peak_run(const peak *p)
{
    const size_t items = PEAK_ITEMS, one = 1;
    const double begin = now();
    must_cl(clEnqueueNDRangeKernel(p->queue, p->kernel, 1, NULL, &items, &one, 0, NULL, NULL),
            "launch the loop");
    must_cl(clFinish(p->queue), "wait for the loop");
    return 2e-9 * PEAK_STEPS * PEAK_SUMS * PEAK_ITEMS * p->lanes / (now() - begin);
}

/* A call and its memory, made ready and launched once. */
typedef struct stand {
    att_arena *arena;
    att_attn_call call;
    att_view scratch;
    double seconds[MAX_ROUNDS], peak[MAX_ROUNDS];
} stand;

static att_view take(att_queue *queue, att_arena *arena, att_dtype dtype, int64_t n)
{
    att_err err;
    att_view view;
    must(att_arena_take(arena, "bench", dtype, n, &view, &err), &err);
    if (dtype == ATT_F16) { /* zeros take as long as other halves */
        must(att_queue_zero(queue, view, n, &err), &err);
        return view;
    }
    float *x = calloc((size_t)n, sizeof *x);
    if (!x) must(ATT_E_MEMORY, &(att_err){ATT_E_MEMORY, "out of memory"});
    att_conform_fill(x, n, (uint32_t)n, 1.0f);
    must(att_queue_write(queue, view, x, n, &err), &err);
    free(x);
    return view;
}

static void stand_open(stand *s, att_queue *queue, const shape *of)
{
    att_err err;
    att_device *device = att_queue_device(queue);
    const int64_t q = (int64_t)of->n_q * of->heads * of->d;
    const int64_t kv = (int64_t)of->n_k * of->kv_heads * of->d;
    const int32_t q_token = of->heads * of->d, kv_token = of->kv_heads * of->d;
    const att_dtype dtype = of->half ? ATT_F16 : ATT_F32;
    must(att_arena_create(&s->arena, device, "bench", &err), &err);
    s->call = (att_attn_call){.batch = 1, .heads = of->heads, .kv_heads = of->kv_heads};
    s->call.d_qk = s->call.d_v = of->d;
    s->call.n_q = of->n_q;
    s->call.n_k = of->n_k;
    s->call.scale = 1.0f / sqrtf((float)of->d);
    s->call.mask.flags = of->causal ? ATT_MASK_CAUSAL : 0;
    s->call.mask.q_first = of->n_k - of->n_q;
    s->call.q = (att_attn_view){take(queue, s->arena, ATT_F32, q), 0, of->d, q_token};
    s->call.k = (att_attn_view){take(queue, s->arena, dtype, kv), 0, of->d, kv_token};
    s->call.v = (att_attn_view){take(queue, s->arena, dtype, kv), 0, of->d, kv_token};
    s->call.out = (att_attn_view){take(queue, s->arena, ATT_F32, q), 0, of->d, q_token};
    s->scratch = take(queue, s->arena, ATT_F32, att_attn_scratch(device, &s->call) + 1);
    must(att_attn(queue, &s->call, s->scratch, &err), &err);
    must(att_queue_wait(queue, &err), &err);
}

static void stand_run(stand *s, att_queue *queue, const shape *of, const peak *p, int round)
{
    att_err err;
    s->peak[round] = peak_run(p);
    const double begin = now();
    for (int i = 0; i < of->calls; i++) must(att_attn(queue, &s->call, s->scratch, &err), &err);
    must(att_queue_wait(queue, &err), &err);
    s->seconds[round] = (now() - begin) / of->calls;
}

static void stand_print(stand *s, const shape *of, const char *body, int rounds)
{
    double pairs = (double)of->n_q * of->n_k;
    if (of->causal) pairs -= 0.5 * of->n_q * (of->n_q - 1);
    const double seconds = median(s->seconds, rounds);
    const double most = median(s->peak, rounds);
    const double rate = 4e-9 * of->heads * pairs * of->d / seconds;
    printf("%s,\"%s\",%d,%d,%d,%d,%d,%s,%s,%.1f,%.1f,%.1f,%.2f\n", body, of->what, of->heads,
           of->kv_heads, of->n_q, of->n_k, of->d, of->half ? "f16" : "f32",
           of->causal ? "causal" : "full", 1e6 * seconds, rate, most, rate / most);
    fflush(stdout);
}

static void bench(int portable, int rounds)
{
    static stand stands[N_SHAPES];
    att_err err;
    att_device *device;
    att_queue *queue;
    att_device_options o = att_device_defaults();
    o.select = getenv("ATT_TEST_DEVICE");
    o.portable = portable;
    must(att_device_open(&device, &o, &err), &err);
    must(att_queue_create(&queue, device, &err), &err);
    const int own = att_device_cpu_bodies(device);
    peak p = peak_open(att_device_get_info(device));
    peak_run(&p); /* compiles */
    for (int i = 0; i < N_SHAPES; i++) stand_open(&stands[i], queue, &SHAPES[i]);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < N_SHAPES; i++) stand_run(&stands[i], queue, &SHAPES[i], &p, round);
    for (int i = 0; i < N_SHAPES; i++)
        stand_print(&stands[i], &SHAPES[i], own ? "cpu" : "any", rounds);
    for (int i = 0; i < N_SHAPES; i++) att_arena_destroy(stands[i].arena);
    peak_close(&p);
    att_queue_destroy(queue);
    att_device_close(device);
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? atoi(argv[1]) : DEFAULT_ROUNDS;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "bench_attn: '%s' rounds; expected 1 to %d\n", argv[1], MAX_ROUNDS);
        return 2;
    }
    puts("body,what,heads,kv_heads,n_q,n_k,width,kv,mask,us,gflops,peak_gflops,share");
    bench(0, rounds);
    bench(1, rounds);
    return 0;
}
