/* score.c - how fast a device is, measured once and kept (device_internal.h).
 *
 * Arithmetic alone is timed: that ranks a processor, its second driver and a GPU beside it.
 * Tests: tests/unit/test_device.c */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "device_internal.h"
#include "mem.h"

enum { ITEMS = 1 << 16, ROUNDS = 256, GROUP = 64, FLOPS_A_ROUND = 16, RUNS = 4 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The best of a few runs; the first only warms. */
static att_status measure(att_queue *queue, att_view y, double *gflops, att_err *err)
{
    const att_arg args[] = {att_arg_i32(ITEMS), att_arg_i32(ROUNDS), att_arg_f32(0.5f),
                            att_arg_f32(1.0f), att_arg_view(y)};
    const att_launch launch = {
        ATT_K_SCORE_ANY, {ITEMS / GROUP, 1, 1}, args, sizeof args / sizeof *args, 0.0, 0.0};
    const double flops = (double)ITEMS * ROUNDS * FLOPS_A_ROUND;
    att_status status = ATT_OK;
    *gflops = 0.0;
    for (int run = 0; !status && run < RUNS; run++) {
        const double began = now_s();
        status = att_queue_launch(queue, &launch, err);
        if (!status) status = att_queue_wait(queue, err);
        const double speed = flops * 1e-9 / (now_s() - began);
        if (!status && run > 0 && speed > *gflops) *gflops = speed;
    }
    return status;
}

static att_status open_and_measure(const char *cache_dir, size_t index, double *gflops,
                                   att_err *err)
{
    char select[24];
    att_device *device = NULL;
    att_queue *queue = NULL;
    att_buf *y = NULL;
    att_device_options o = att_device_defaults();
    snprintf(select, sizeof select, "%zu", index); /* one device fits: nothing is ranked again */
    o.select = select;
    o.cache_dir = cache_dir;
    att_status status = att_device_open(&device, &o, err);
    if (!status) status = att_queue_create(&queue, device, err);
    if (!status) status = att_buf_create(&y, device, "score", ATT_F32, ITEMS, err);
    if (!status) status = measure(queue, att_buf_view(y, ATT_F32), gflops, err);
    att_buf_destroy(y);
    att_queue_destroy(queue);
    att_device_close(device);
    return status;
}

double atti_device_score(const char *cache_dir, size_t index, const att_device_info *info,
                         const att_log *log)
{
    double gflops = 0.0;
    att_err err;
    atti_blob blob;
    char *key = att_sprintf("score|%s|%s|%s|%s|%d|" ATT_VERSION, info->platform, info->name,
                            info->version, info->driver, info->compute_units);
    if (key && atti_cache_read(cache_dir, key, &blob)) {
        if (blob.n_bytes == sizeof gflops) memcpy(&gflops, blob.bytes, sizeof gflops);
        att_free(blob.bytes);
    } else if (open_and_measure(cache_dir, index, &gflops, &err)) {
        att_log_write(log, ATT_LOG_WARNING, "%s is passed over: %s", info->name, err.text);
        gflops = 0.0;
    } else if (key) {
        blob.bytes = (unsigned char *)&gflops;
        blob.n_bytes = sizeof gflops;
        (void)atti_cache_write(cache_dir, key, &blob);
    }
    att_log_write(log, ATT_LOG_INFO, "device %zu: %s: %.0f GFLOP/s", index, info->name, gflops);
    att_free(key);
    return gflops;
}
