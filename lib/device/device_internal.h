/* device_internal.h - what an att_device is made of; private to lib/device. */
#ifndef ATT_DEVICE_INTERNAL_H
#define ATT_DEVICE_INTERNAL_H

#include <CL/cl.h>
#include <pthread.h>

#include "queue.h"

/* ATT_P_<id> for each ATT_PROGRAM of cl/kernels.def, then ATT_N_PROGRAMS. */
typedef enum atti_program_id {
#define ATT_PROGRAM(id, file, preludes, options) ATT_P_##id,
#define ATT_KERNEL(id, program, entry)
#include "kernels.def"
#undef ATT_PROGRAM
#undef ATT_KERNEL
    ATT_N_PROGRAMS
} atti_program_id;

typedef struct atti_program_row {
    const char *id, *file, *preludes, *options;
} atti_program_row;

typedef struct atti_kernel_row {
    const char *id, *entry;
    atti_program_id program;
} atti_kernel_row;

/* The tables of cl/kernels.def, ended by a row of NULL. */
extern const atti_program_row atti_programs[];
extern const atti_kernel_row atti_kernels[];

struct att_buf {
    att_device *device;
    cl_mem mem;
    size_t bytes;
    att_dtype dtype;
};

struct att_device {
    cl_device_id root, device; /* device is a sub-device of root, or root itself */
    cl_context context;
    att_device_info info;
    int32_t index; /* in att_device_list() */
    int32_t portable, profile;
    uint64_t without;           /* bits of features that are not used */
    char *cache_dir, *compiler; /* NULL: none */
    att_log log;
    pthread_mutex_t lock; /* guards programs */
    cl_program programs[ATT_N_PROGRAMS + 1];
    pthread_mutex_t features_lock;        /* guards features; taken before `lock` */
    signed char features[ATT_N_FEATURES]; /* 0: not probed yet, 1: there, -1: not there */
    pthread_mutex_t users_lock; /* guards what follows; never held for long, as `lock` may be */
    int32_t n_users;
    int launched; /* a kernel, through any queue */
};

/* One queue or buffer more, or less, that must be gone before the device is closed. */
void atti_device_hold(att_device *device);
void atti_device_drop(att_device *device);

/* Tells the log, once, when the device's first kernel is launched. */
void atti_device_launches(att_device *device, const char *kernel);

/* Fails with the name and number of an OpenCL status: ATT_E_MEMORY when memory is what lacked. */
att_status atti_cl_failed(const att_device *device, const char *what, cl_int status, att_err *err);

/* Releases a queue once nothing in the driver holds it any more; waits for its commands. */
void atti_commands_release(cl_command_queue commands);

/* The program, compiled or read from the cache when it is not there yet. */
att_status atti_program_get(att_device *device, atti_program_id id, cl_program *program,
                            att_err *err);

/* PTX in which lines behind //@, comments to the compiler that wrote it, are instructions, for the
 * same chip with what only that chip has (sm_90 becomes sm_90a). NULL when there is no such line;
 * the caller frees it. */
char *atti_ptx_reveal(const char *ptx, size_t n, size_t *n_revealed);

/* Cache of compiled programs (program_cache.c). The key is a text; its file holds the key itself.
 */
typedef struct atti_blob {
    unsigned char *bytes;
    size_t n_bytes;
} atti_blob;

/* Reads the entry of the key: 1 when it is there and whole; the caller frees blob->bytes. */
int atti_cache_read(const char *folder, const char *key, atti_blob *blob);
/* Writes it whole or not at all. A failure is not an error of the caller's: returns 0. */
int atti_cache_write(const char *folder, const char *key, const atti_blob *blob);
/* Makes the folder, for its owner alone, and says whether files can be made in it. */
int atti_cache_usable(const char *folder);
uint64_t atti_hash(const void *bytes, size_t n, uint64_t seed);

/* Compiles the listed programs in processes of their own (compile_child.c). The programs then lie
 * in the cache. Returns 0 when that was not possible, after a warning. */
int atti_compile_in_children(att_device *device, const atti_program_id *ids, size_t n);

/* Has a child probe the feature, by its name; the answer then lies in the cache. */
int atti_probe_in_child(att_device *device, const char *name);
/* Probes the feature of that name in this process and keeps the answer; 0: there is none. */
int atti_feature_probe(att_device *device, const char *name);

/* How fast the index-th device of the list is, in GFLOP/s of SCORE_ANY: measured once, then read
 * from the cache folder. 0 when the device fails at it, after a warning. */
double atti_device_score(const char *cache_dir, size_t index, const att_device_info *info,
                         const att_log *log);

/* All devices with their OpenCL handles, for choosing; handles[i] belongs to infos[i]. */
att_status atti_devices_find(att_device_info **infos, cl_device_id **handles, size_t *n,
                             att_err *err);

#endif /* ATT_DEVICE_INTERNAL_H */
