/* device.h - an OpenCL device, chosen and probed; its compiled programs are shared by all who use
 * it. */
#ifndef ATT_DEVICE_H
#define ATT_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"
#include "attend/log.h"
#include "attend/precision.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

typedef enum att_device_kind { ATT_DEVICE_CPU, ATT_DEVICE_GPU, ATT_DEVICE_OTHER } att_device_kind;

/* What was found and probed. Plain data; strings are part of it. */
typedef struct att_device_info {
    char name[128], vendor[128], platform[128], version[128], driver[128];
    att_device_kind kind;
    int32_t compute_units;
    int32_t vector_width; /* native float lanes: 1, 4, 8 or 16 */
    int32_t max_group;    /* work-items in a work-group */
    uint64_t memory_bytes, max_buffer_bytes, local_bytes;
    int32_t can_partition; /* --threads makes a sub-device */
    int32_t usable;        /* 0: `why_not` says what is missing */
    char why_not[128];
} att_device_info;

/* Start from att_device_defaults(). Grows at its end only. */
typedef struct att_device_options {
    size_t size;        /* of this struct, as the caller knows it */
    const char *select; /* NULL: the fastest; "cpu", "gpu", an index "1", or a part of the name */
    int32_t threads;    /* 0: all; N: a sub-device of N compute units */
    const char *cache_dir; /* where compiled programs are kept; NULL: nowhere */
    const char
        *compiler;    /* a program that compiles in a process of its own when run as
                         `compiler --compile-kernels ...` (see queue.h); NULL: in this process */
    int32_t profile;  /* 1: every launch is timed, att_queue_profile() has the sums */
    int32_t portable; /* 1: only the portable bodies, also where better ones exist */
    att_log log;
    uint64_t without; /* bit f: feature f of lib/device/queue.h is not used where it is there */
} att_device_options;

/* For languages without inline functions: the defaults, and bytes as their size. */
void att_device_options_init(att_device_options *options, size_t bytes);

static inline att_device_options att_device_defaults(void)
{
    att_device_options o;
    att_device_options_init(&o, sizeof o);
    return o;
}

/* All devices of all platforms, usable or not, in the order of their index. The caller frees *infos
 * with att_device_list_free(). No device at all is not an error: *n is 0. */
att_status att_device_list(att_device_info **infos, size_t *n, att_err *err);
void att_device_list_free(att_device_info *infos);

/* Opaque: context, sub-device, compiled programs. Safe to share between threads; outlives every
 * queue and buffer made from it (asserted). */
typedef struct att_device att_device;

/* ATT_E_DEVICE when nothing fits; the text lists what is there. */
att_status att_device_open(att_device **device, const att_device_options *options, att_err *err);
void att_device_close(att_device *device); /* NULL is fine */

const att_device_info *att_device_get_info(const att_device *device);
const att_log *att_device_log(const att_device *device);
/* Whether `cpu` bodies are in use: a CPU device and not options.portable. */
int att_device_cpu_bodies(const att_device *device);
/* The bodies that large products have at that precision: "cpu", "nv" or "portable". Thread-safe.
 */
const char *att_device_bodies(att_device *device, att_precision precision);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif /* ATT_DEVICE_H */
