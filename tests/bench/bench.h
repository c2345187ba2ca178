/* bench.h - what the benchmarks share: a clock, medians, failing aloud, filled device memory, and
 * the device's own peak of multiply-adds, measured beside every shape since machines drift. */
#ifndef ATT_BENCH_H
#define ATT_BENCH_H

#include <CL/cl.h>

#include "attend/precision.h"
#include "buffer.h"
#include "queue.h"

enum { BENCH_MAX_ROUNDS = 99, BENCH_DEFAULT_ROUNDS = 9 };

double bench_now(void);                /* seconds */
double bench_median(double *x, int n); /* sorts x */
/* End the program with the error's text. */
void bench_must(att_status status, const att_err *err);
void bench_must_cl(cl_int status, const char *what);
/* The rounds that the command line asks for; ends the program when they make no sense. */
int bench_rounds(int argc, char **argv);

/* $ATT_TEST_DEVICE, or the device that the library would choose. */
att_device *bench_device_open(int portable);
att_device *bench_device_open_with(int portable, int profile);
/* n elements in the arena, f32 or f16: numbers in [-1, 1]. Zeros may take less time. */
att_view bench_take(att_queue *queue, att_arena *arena, att_dtype dtype, int64_t n);

/* A loop of multiply-adds, of dot products of cl/dots.clh or, at the precision fast on a GPU, of
 * matrix products of cl/mma.clh, that touches no memory, in a context
 * of its own on the platform's first device of the same name. */
typedef struct bench_peak {
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel;
    cl_mem y;
    int32_t lanes, flops, steps; /* flops of a lane and step */
    size_t items, group;
} bench_peak;

bench_peak bench_peak_open(const att_device_info *info, att_precision precision);
void bench_peak_close(bench_peak *p);
double bench_peak_run(const bench_peak *p); /* GFLOP/s of one launch */

#endif /* ATT_BENCH_H */
