/* run_device.c - run_device.h. */
#define _POSIX_C_SOURCE 200809L
#include "run_device.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "mem.h"
#include "paths.h"

/* The path of this program, which compiles kernels when run with --compile-kernels. */
static const char *own_path(char *path, size_t bytes)
{
    const ssize_t n = readlink("/proc/self/exe", path, bytes - 1);
    if (n <= 0 || (size_t)n >= bytes - 1) return NULL;
    path[n] = 0;
    return path;
}

att_status att_run_device_open(att_device **device, const att_run_device *options,
                               att_progress *progress, att_err *err)
{
    char self[PATH_MAX];
    char *cache = att_path_kernels();
    att_device_options o = att_device_defaults();
    o.select = options->select;
    o.threads = options->threads;
    o.cache_dir = cache;
    o.compiler = own_path(self, sizeof self);
    o.profile = options->profile;
    o.portable = options->portable;
    o.log = att_progress_log(progress);
    const att_status status = att_device_open(device, &o, err);
    att_free(cache);
    return status;
}

void att_run_device_print_profile(const att_profile_row *rows, size_t n)
{
    double total = 0.0;
    for (size_t i = 0; i < n; i++) total += rows[i].seconds;
    fprintf(stderr, "%-24s %8s %10s %9s %8s %6s\n", "kernel", "calls", "seconds", "GFLOP/s", "GB/s",
            "share");
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%-24s %8lld %10.4f %9.1f %8.1f %5.1f%%\n", rows[i].kernel,
                (long long)rows[i].calls, rows[i].seconds, rows[i].flops / rows[i].seconds * 1e-9,
                rows[i].bytes / rows[i].seconds * 1e-9, rows[i].seconds / total * 100.0);
}
