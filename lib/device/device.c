/* device.c - choosing and opening a device (attend/device.h). Tests: tests/unit/test_device.c */
#define _POSIX_C_SOURCE 200809L
#include "attend/device.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cl_names.h"
#include "device_internal.h"
#include "mem.h"
#include "options.h"

const atti_program_row atti_programs[] = {
#define ATT_PROGRAM(id, file, preludes, options) {#id, #file, preludes, options},
#define ATT_KERNEL(id, program, entry)
#include "kernels.def"
#undef ATT_PROGRAM
#undef ATT_KERNEL
    {NULL, NULL, NULL, NULL}};

const atti_kernel_row atti_kernels[] = {
#define ATT_PROGRAM(id, file, preludes, options)
#define ATT_KERNEL(id, program, entry) {#id, #entry, ATT_P_##program},
#include "kernels.def"
#undef ATT_PROGRAM
#undef ATT_KERNEL
    {NULL, NULL, ATT_N_PROGRAMS}};

void att_device_options_init(att_device_options *options, size_t bytes)
{
    att_device_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    att_options_give(options, bytes, &o);
}

static int contains(const char *text, const char *part)
{
    const size_t n = strlen(part);
    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0) return 1;
    return 0;
}

static int fits(const att_device_info *info, size_t index, const char *select)
{
    char *end;
    const unsigned long number = strtoul(select, &end, 10);
    if (end != select && !*end) return number == index;
    if (strcasecmp(select, "cpu") == 0) return info->kind == ATT_DEVICE_CPU;
    if (strcasecmp(select, "gpu") == 0) return info->kind == ATT_DEVICE_GPU;
    return contains(info->name, select) || contains(info->platform, select) ||
           contains(info->version, select);
}

/* Rough speed by capability: GPUs have many lanes a unit, CPUs their vectors. */
static double guess(const att_device_info *info)
{
    const double lanes = info->kind == ATT_DEVICE_GPU ? 128.0 : info->vector_width;
    return info->compute_units * lanes;
}

static int is_candidate(const att_device_info *infos, size_t i, const char *select)
{
    return infos[i].usable && (!select || fits(&infos[i], i, select));
}

/* Index of the best usable device that fits, or n. Speed is measured only where there is a choice
 * and a folder that keeps what was measured; a guess does otherwise. */
static size_t choose(const att_device *device, const att_device_info *infos, size_t n,
                     const char *select)
{
    size_t best = n, candidates = 0;
    double fastest = -1.0;
    for (size_t i = 0; i < n; i++) candidates += (size_t)is_candidate(infos, i, select);
    for (size_t i = 0; i < n; i++) {
        if (!is_candidate(infos, i, select)) continue;
        const double speed = candidates > 1 && device->cache_dir
                                 ? atti_device_score(device->cache_dir, i, &infos[i], &device->log)
                                 : guess(&infos[i]);
        if (speed <= fastest) continue;
        fastest = speed;
        best = i;
    }
    return best;
}

static att_status say_none(const att_device_info *infos, size_t n, const char *select, att_err *err)
{
    char there[1024] = "";
    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(there);
        snprintf(there + used, sizeof there - used, "%s%zu: %s%s%s", i ? "; " : "", i,
                 infos[i].name, infos[i].usable ? "" : " - ", infos[i].why_not);
    }
    if (n == 0)
        return att_fail(err, ATT_E_DEVICE,
                        "choose device: there is no OpenCL device; install one, "
                        "e.g. Debian's pocl-opencl-icd for this processor");
    return att_fail(err, ATT_E_DEVICE, "choose device: none fits '%s'; there is %s",
                    select ? select : "", there);
}

/* device->device becomes a part of root with that many compute units. */
static att_status partition(att_device *device, int32_t threads, att_err *err)
{
    device->device = device->root;
    if (threads < 1 || threads >= device->info.compute_units) return ATT_OK;
    if (!device->info.can_partition) {
        att_log_write(&device->log, ATT_LOG_WARNING,
                      "%s cannot be divided: all of its %d units are used", device->info.name,
                      device->info.compute_units);
        return ATT_OK;
    }
    const cl_device_partition_property by_counts[] = {CL_DEVICE_PARTITION_BY_COUNTS, threads,
                                                      CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0};
    const cl_int status = clCreateSubDevices(device->root, by_counts, 1, &device->device, NULL);
    if (status != CL_SUCCESS) {
        device->device = device->root;
        char what[64];
        snprintf(what, sizeof what, "take %d of %d units", threads, device->info.compute_units);
        return atti_cl_failed(device, what, status, err);
    }
    device->info.compute_units = threads;
    return ATT_OK;
}

static att_status find_device(att_device *device, const char *select, att_err *err)
{
    att_device_info *infos = NULL;
    cl_device_id *handles = NULL;
    size_t n = 0;
    att_status status = atti_devices_find(&infos, &handles, &n, err);
    const size_t best = status ? 0 : choose(device, infos, n, select);
    if (!status && best == n) status = say_none(infos, n, select, err);
    if (!status) {
        device->info = infos[best];
        device->root = handles[best];
        device->index = (int32_t)best;
    }
    att_free(infos);
    att_free(handles);
    return status;
}

static att_status copy_options(att_device *device, const att_device_options *o, att_err *err)
{
    device->portable = o->portable;
    device->profile = o->profile;
    device->log = o->log;
    device->without = o->without;
    if (o->cache_dir) device->cache_dir = att_strdup(o->cache_dir);
    if (o->compiler) device->compiler = att_strdup(o->compiler);
    if ((o->cache_dir && !device->cache_dir) || (o->compiler && !device->compiler))
        return att_fail(err, ATT_E_MEMORY, "open device: out of host memory");
    return ATT_OK;
}

att_status att_device_open(att_device **out, const att_device_options *options, att_err *err)
{
    *out = NULL;
    att_device_options o = att_device_defaults();
    att_status status = att_options_take(&o, options, "open device", err);
    if (status) return status;
    att_device *device = att_calloc(1, sizeof *device);
    if (!device) return att_fail(err, ATT_E_MEMORY, "open device: out of host memory");
    pthread_mutex_init(&device->lock, NULL);
    pthread_mutex_init(&device->features_lock, NULL);
    pthread_mutex_init(&device->users_lock, NULL);
    status = copy_options(device, &o, err);
    if (!status) status = find_device(device, o.select, err);
    if (!status) status = partition(device, o.threads, err);
    if (!status) {
        cl_int failed;
        device->context = clCreateContext(NULL, 1, &device->device, NULL, NULL, &failed);
        if (failed != CL_SUCCESS) status = atti_cl_failed(device, "make a context", failed, err);
    }
    if (status) {
        att_device_close(device);
        return status;
    }
    att_log_write(&device->log, ATT_LOG_INFO, "device %d: %s, %d units, %d lanes", device->index,
                  device->info.name, device->info.compute_units, device->info.vector_width);
    *out = device;
    return ATT_OK;
}

void att_device_close(att_device *device)
{
    if (!device) return;
    assert(device->n_users == 0);
    for (size_t i = 0; i < ATT_N_PROGRAMS; i++)
        if (device->programs[i]) clReleaseProgram(device->programs[i]);
    if (device->context) clReleaseContext(device->context);
    if (device->device && device->device != device->root) clReleaseDevice(device->device);
    pthread_mutex_destroy(&device->users_lock);
    pthread_mutex_destroy(&device->features_lock);
    pthread_mutex_destroy(&device->lock);
    att_free(device->cache_dir);
    att_free(device->compiler);
    att_free(device);
}

void atti_device_hold(att_device *device)
{
    pthread_mutex_lock(&device->users_lock);
    device->n_users++;
    pthread_mutex_unlock(&device->users_lock);
}

void atti_device_drop(att_device *device)
{
    pthread_mutex_lock(&device->users_lock);
    device->n_users--;
    pthread_mutex_unlock(&device->users_lock);
}

void atti_device_launches(att_device *device, const char *kernel)
{
    pthread_mutex_lock(&device->users_lock);
    const int before = device->launched;
    device->launched = 1;
    pthread_mutex_unlock(&device->users_lock);
    if (before) return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    att_log_write(&device->log, ATT_LOG_INFO, "first kernel: %s at %.4f s of the monotonic clock",
                  kernel, (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
}

att_status atti_cl_failed(const att_device *device, const char *what, cl_int status, att_err *err)
{
    const int memory =
        status == CL_MEM_OBJECT_ALLOCATION_FAILURE || status == CL_OUT_OF_HOST_MEMORY;
    return att_fail(err, memory ? ATT_E_MEMORY : ATT_E_DEVICE, "%s on %s: %s (%d)", what,
                    device->info.name, atti_cl_name(status), status);
}

const att_device_info *att_device_get_info(const att_device *device)
{
    return &device->info;
}

const att_log *att_device_log(const att_device *device)
{
    return &device->log;
}

int att_device_cpu_bodies(const att_device *device)
{
    return device->info.kind == ATT_DEVICE_CPU && !device->portable;
}

const char *att_device_bodies(att_device *device, att_precision precision)
{
    if (att_device_cpu_bodies(device)) return "cpu";
    const int halves = precision != ATT_PRECISION_EXACT;
    return halves && att_device_has(device, ATT_FEATURE_MMA_F16) ? "nv" : "portable";
}
