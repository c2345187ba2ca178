/* run_device.h - the device that a verb runs on, and what its kernels took. */
#ifndef ATT_RUN_DEVICE_H
#define ATT_RUN_DEVICE_H

#include "progress.h"
#include "queue.h"

typedef struct att_run_device {
    const char *select; /* --device */
    int threads, profile, portable;
} att_run_device;

/* Opens it with the user's cache of kernels, which this program compiles in a process of its own;
 * what takes long is told through progress. */
att_status att_run_device_open(att_device **device, const att_run_device *options,
                               att_progress *progress, att_err *err);

/* --profile: a table on stderr, longest time first. */
void att_run_device_print_profile(const att_profile_row *rows, size_t n);

#endif /* ATT_RUN_DEVICE_H */
