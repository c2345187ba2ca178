/* bench.c - what the benchmarks share (bench.h). */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conform.h"
#include "half.h"

enum { MAX_PLATFORMS = 8, MAX_DEVICES = 16, PEAK_STEPS = 200000, MMA_STEPS = 200, PEAK_SUMS = 12 };

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void bench_must(att_status status, const att_err *err)
{
    if (!status) return;
    fprintf(stderr, "bench: %s\n", err->text);
    exit(1);
}

void bench_must_cl(cl_int status, const char *what)
{
    if (!status) return;
    fprintf(stderr, "bench: %s: OpenCL error %d\n", what, (int)status);
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

int bench_rounds(int argc, char **argv)
{
    const int rounds = argc > 1 ? atoi(argv[1]) : BENCH_DEFAULT_ROUNDS;
    if (rounds >= 1 && rounds <= BENCH_MAX_ROUNDS) return rounds;
    fprintf(stderr, "%s: '%s' rounds; expected 1 to %d\n", argv[0], argv[1], BENCH_MAX_ROUNDS);
    exit(2);
}

att_device *bench_device_open(int portable)
{
    return bench_device_open_with(portable, 0);
}

att_device *bench_device_open_with(int portable, int profile)
{
    att_err err;
    att_device *device;
    att_device_options o = att_device_defaults();
    o.select = getenv("ATT_TEST_DEVICE");
    o.portable = portable;
    o.profile = profile;
    bench_must(att_device_open(&device, &o, &err), &err);
    return device;
}

att_view bench_take(att_queue *queue, att_arena *arena, att_dtype dtype, int64_t n)
{
    att_err err;
    att_view view;
    bench_must(att_arena_take(arena, "bench", dtype, n, &view, &err), &err);
    float *x = calloc((size_t)n, sizeof *x);
    uint16_t *halves = calloc((size_t)n, sizeof *halves);
    if (!x || !halves) bench_must(ATT_E_MEMORY, &(att_err){ATT_E_MEMORY, "out of memory"});
    att_conform_fill(x, n, (uint32_t)n, 1.0f);
    for (int64_t i = 0; dtype == ATT_F16 && i < n; i++) halves[i] = att_half_from_float(x[i]);
    const void *from = dtype == ATT_F16 ? (const void *)halves : x;
    bench_must(att_queue_write(queue, view, from, n, &err), &err);
    free(x);
    free(halves);
    return view;
}

/* Twelve independent sums, enough to hide the latency of a multiply-add. PRECISION is a number of
 * att_precision: multiply-adds, or instructions of cl/dots.clh. */
static const char PEAK_SOURCE[] =
    "#if PRECISION == 0\n"
    "#define STEP(s) s = fma(x, s, z);\n"
    "#elif PRECISION == 1 && defined(GPU)\n" /* 16 x 8 x 16 of a warp of 32 */
    "#define STEP(s) asm(\"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, \" "
    "\\\n"
    "    \"{%4, %4, %4, %4}, {%5, %5}, {%0, %1, %2, %3};\" : \"+f\"(s.x), \"+f\"(s.y), \\\n"
    "    \"+f\"(s.z), \"+f\"(s.w) : \"r\"(as_uint(x.x)), \"r\"(as_uint(z.x)));\n"
    "#elif PRECISION == 1\n"
    "#define STEP(s) __asm__(\"vdpbf16ps %2, %1, %0\" : \"+v\"(s) : \"v\"(x), \"v\"(z));\n"
    "#else\n"
    "#define STEP(s) __asm__(\"vpdpbusd %2, %1, %0\" : \"+v\"(s) : \"v\"(x), \"v\"(z));\n"
    "#endif\n"
    "__kernel void peak(const int n, const float by, __global vec *y)\n"
    "{\n"
    "    vec a = 0, b = 1, c = 2, d = 3, e = 4, f = 5, g = 6, h = 7, i = 8, j = 9, k = 10, l = "
    "11;\n"
    "    const vec x = by, z = by + 1;\n"
    "    for (int s = 0; s < n; s++) {\n"
    "        STEP(a) STEP(b) STEP(c) STEP(d) STEP(e) STEP(f)\n"
    "        STEP(g) STEP(h) STEP(i) STEP(j) STEP(k) STEP(l)\n"
    "    }\n"
    "    y[get_global_id(0)] = a + b + c + d + e + f + g + h + i + j + k + l;\n"
    "}\n";

static cl_device_id device_of(const att_device_info *info)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_device_id devices[MAX_DEVICES];
    cl_uint n_platforms = 0, n_devices = 0;
    bench_must_cl(clGetPlatformIDs(MAX_PLATFORMS, platforms, &n_platforms), "list platforms");
    for (cl_uint p = 0; p < n_platforms && p < MAX_PLATFORMS; p++) {
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &n_devices))
            continue;
        for (cl_uint d = 0; d < n_devices && d < MAX_DEVICES; d++) {
            char name[sizeof info->name] = "";
            clGetDeviceInfo(devices[d], CL_DEVICE_NAME, sizeof name - 1, name, NULL);
            if (strcmp(name, info->name) == 0) return devices[d];
        }
    }
    fprintf(stderr, "bench: device %s is not to be found again\n", info->name);
    exit(1);
}

/* A processor's units run an item each; a GPU wants thousands of them. */
static bench_peak peak_of(const att_device_info *info)
{
    bench_peak p = {.lanes = 4, .items = 2048 * (size_t)info->compute_units, .group = 128};
    if (info->kind == ATT_DEVICE_CPU) {
        p.lanes = info->vector_width >= 16 ? 16 : 8;
        p.items = 16;
        p.group = 1;
    }
    return p;
}

bench_peak bench_peak_open(const att_device_info *info, att_precision precision)
{
    bench_peak p = peak_of(info);
    char options[64];
    const float by = 0.5f;
    const int gpu = info->kind != ATT_DEVICE_CPU, mma = gpu && precision == ATT_PRECISION_FAST;
    p.steps = mma ? MMA_STEPS : PEAK_STEPS;
    const cl_int n = p.steps;
    const char *source = PEAK_SOURCE;
    snprintf(options, sizeof options, "-D vec=float%d -D PRECISION=%d%s", p.lanes, (int)precision,
             gpu ? " -D GPU" : "");
    p.flops = precision == ATT_PRECISION_INT8   ? 8
              : mma                             ? 2 * 16 * 8 * 16 / 32 / 4
              : precision == ATT_PRECISION_FAST ? 4
                                                : 2;
    cl_device_id device = device_of(info);
    cl_int status;
    p.context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    bench_must_cl(status, "make a context");
    p.queue = clCreateCommandQueue(p.context, device, 0, &status);
    bench_must_cl(status, "make a queue");
    p.program = clCreateProgramWithSource(p.context, 1, &source, NULL, &status);
    bench_must_cl(status, "read the loop");
    bench_must_cl(clBuildProgram(p.program, 1, &device, options, NULL, NULL), "compile the loop");
    p.kernel = clCreateKernel(p.program, "peak", &status);
    bench_must_cl(status, "find the loop");
    p.y = clCreateBuffer(p.context, CL_MEM_WRITE_ONLY, p.items * (size_t)p.lanes * sizeof(float),
                         NULL, &status);
    bench_must_cl(status, "make a buffer");
    bench_must_cl(clSetKernelArg(p.kernel, 0, sizeof n, &n), "set n");
    bench_must_cl(clSetKernelArg(p.kernel, 1, sizeof by, &by), "set by");
    bench_must_cl(clSetKernelArg(p.kernel, 2, sizeof p.y, &p.y), "set y");
    return p;
}

void bench_peak_close(bench_peak *p)
{
    clReleaseMemObject(p->y);
    clReleaseKernel(p->kernel);
    clReleaseProgram(p->program);
    clReleaseCommandQueue(p->queue);
    clReleaseContext(p->context);
}

double bench_peak_run(const bench_peak *p)
{
    const double begin = bench_now();
    bench_must_cl(
        clEnqueueNDRangeKernel(p->queue, p->kernel, 1, NULL, &p->items, &p->group, 0, NULL, NULL),
        "launch the loop");
    bench_must_cl(clFinish(p->queue), "wait for the loop");
    return 1e-9 * p->flops * p->steps * PEAK_SUMS * (double)p->items * p->lanes /
           (bench_now() - begin);
}
