/* queue.h - one thread's line to a device: in-order launches and copies, kernel objects, times.
 *
 * Kernels are named by the ids that cl/kernels.def lists. A program is compiled once per (sources,
 * options, device, driver) and kept in the cache folder; on a CPU device every kernel of it is
 * launched once with sizes of zero before it is saved, because PoCL compiles at the first launch.
 */
#ifndef ATT_QUEUE_H
#define ATT_QUEUE_H

#include "attend/view.h"
#include "buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ATT_K_<id> for each ATT_KERNEL(id, ...) of cl/kernels.def, then ATT_N_KERNELS. */
typedef enum att_kernel_id {
#define ATT_PROGRAM(id, file, preludes, options)
#define ATT_KERNEL(id, program, entry) ATT_K_##id,
#include "kernels.def"
#undef ATT_PROGRAM
#undef ATT_KERNEL
    ATT_N_KERNELS
} att_kernel_id;

/* Compiles, or reads from the cache, the programs of these kernels now, with progress through the
 * device's log, instead of at their first launch. Thread-safe. */
att_status att_device_prepare(att_device *device, const att_kernel_id *kernels, size_t n,
                              att_err *err);

/* What runs when a program is started as the options' `compiler`: argv as it was received, of which
 * argv[1] is "--compile-kernels". Compiles into the cache folder and returns an exit code. */
int att_device_compile_main(int argc, char **argv);

/* What a device's compiler and units can do beyond OpenCL 1.2. Never guessed from a name: a kernel
 * that uses it is compiled and run, in a process of its own where options.compiler is given, and
 * the answer is kept in the cache folder. */
typedef enum att_feature {
    ATT_FEATURE_DOT_BF16, /* cl/dots.clh, for `cpu` bodies */
    ATT_FEATURE_DOT_INT8,
    ATT_FEATURE_DOT_PAIRS,     /* the same in two steps, for small numbers */
    ATT_FEATURE_MMA_F16,       /* cl/mma.clh, for `nv` bodies */
    ATT_FEATURE_WARPGROUP_F16, /* cl/warpgroup.clh */
    ATT_N_FEATURES
} att_feature;

const char *att_feature_name(att_feature feature); /* "bf16 dot products" */
/* Thread-safe. A portable device has no features. */
int att_device_has(att_device *device, att_feature feature);

typedef struct att_queue att_queue;

/* Kernel objects live here, so a queue belongs to one thread at a time. */
att_status att_queue_create(att_queue **queue, att_device *device, att_err *err);
void att_queue_destroy(att_queue *queue); /* waits, longer if its buffers live; NULL is fine */
att_device *att_queue_device(const att_queue *queue);

/* One kernel argument. A view becomes two: the buffer (NULL when absent) and its element offset as
 * int, checked to fit. */
typedef enum att_arg_kind { ATT_ARG_I32, ATT_ARG_F32, ATT_ARG_VIEW } att_arg_kind;

typedef struct att_arg {
    att_arg_kind kind;
    int32_t i32;
    float f32;
    att_view view;
} att_arg;

static inline att_arg att_arg_i32(int32_t x)
{
    att_arg a = {ATT_ARG_I32, x, 0.0f, {NULL, NULL, 0, ATT_F32}};
    return a;
}

static inline att_arg att_arg_f32(float x)
{
    att_arg a = {ATT_ARG_F32, 0, x, {NULL, NULL, 0, ATT_F32}};
    return a;
}

static inline att_arg att_arg_view(att_view v)
{
    att_arg a = {ATT_ARG_VIEW, 0, 0.0f, v};
    return a;
}

/* groups[]: work-groups per dimension; the work-group's own size is the kernel's
 * reqd_work_group_size, so groups are always full. A zero group count launches nothing. flops and
 * bytes: what the work needs in theory, for the profile. */
typedef struct att_launch {
    att_kernel_id kernel;
    int32_t groups[3]; /* unused dimensions are 1 */
    const att_arg *args;
    size_t n_args;
    double flops, bytes;
} att_launch;

/* Enqueues; the work may not be done on return. Allocates nothing once the kernel has been launched
 * before from this queue. An error names the kernel and the OpenCL status by its name. */
att_status att_queue_launch(att_queue *queue, const att_launch *launch, att_err *err);

/* Copies n elements of the view's dtype. Writing returns when `from` may be reused; reading returns
 * when the data is there (all earlier work is done then). */
att_status att_queue_write(att_queue *queue, att_view to, const void *from, int64_t n,
                           att_err *err);
att_status att_queue_read(att_queue *queue, void *to, att_view from, int64_t n, att_err *err);
/* A write that does not wait, which saves a round trip to the device: `from` must stay as it is
 * until the queue has been waited for, or read from. att_queue_settle() does that if need be. */
att_status att_queue_send(att_queue *queue, att_view to, const void *from, int64_t n, att_err *err);
att_status att_queue_settle(att_queue *queue, att_err *err);
att_status att_queue_copy(att_queue *queue, att_view to, att_view from, int64_t n, att_err *err);
att_status att_queue_zero(att_queue *queue, att_view to, int64_t n, att_err *err);
att_status att_queue_wait(att_queue *queue, att_err *err);

/* Sums since the queue was made, one row a kernel that ran; only with options.profile. */
typedef struct att_profile_row {
    const char *kernel;
    int64_t calls;
    double seconds, flops, bytes;
} att_profile_row;

/* Fills at most `room` rows, longest time first, and returns how many kernels ran. */
size_t att_queue_profile(const att_queue *queue, att_profile_row *rows, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_QUEUE_H */
