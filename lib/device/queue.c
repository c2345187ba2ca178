/* queue.c - launches, copies and their times (queue.h). Tests: tests/unit/test_device.c */
#define _POSIX_C_SOURCE 200809L
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cl_names.h"
#include "device_internal.h"
#include "mem.h"

enum { RING = 256 }; /* launches whose times have not been read yet */

typedef struct pending {
    cl_event event;
    att_kernel_id kernel;
    double flops, bytes;
} pending;

struct att_queue {
    att_device *device;
    cl_command_queue commands;
    cl_kernel kernels[ATT_N_KERNELS + 1];
    size_t local[ATT_N_KERNELS + 1][3];
    pending *ring; /* with options.profile */
    size_t n_pending;
    int sent;     /* host memory may still be read by the device */
    int launched; /* a kernel */
    att_profile_row rows[ATT_N_KERNELS + 1];
};

static att_status cl_failed(const att_queue *q, const char *what, cl_int status, att_err *err)
{
    return atti_cl_failed(q->device, what, status, err);
}

att_status att_queue_create(att_queue **out, att_device *device, att_err *err)
{
    *out = NULL;
    att_queue *q = att_calloc(1, sizeof *q);
    if (!q) return att_fail(err, ATT_E_MEMORY, "make queue: out of host memory");
    q->device = device;
    atti_device_hold(device);
    if (device->profile) q->ring = att_calloc(RING, sizeof *q->ring);
    if (device->profile && !q->ring) {
        att_queue_destroy(q);
        return att_fail(err, ATT_E_MEMORY, "make queue: out of host memory");
    }
    cl_int status;
    q->commands = clCreateCommandQueue(device->context, device->device,
                                       device->profile ? CL_QUEUE_PROFILING_ENABLE : 0, &status);
    if (status != CL_SUCCESS) {
        const att_status failed = cl_failed(q, "make queue", status, err);
        att_queue_destroy(q);
        return failed;
    }
    *out = q;
    return ATT_OK;
}

/* Waits for the launches of the ring and adds their times to the rows. */
static void fold_times(att_queue *q)
{
    clFinish(q->commands);
    for (size_t i = 0; i < q->n_pending; i++) {
        const pending *p = &q->ring[i];
        cl_ulong begin = 0, end = 0;
        clGetEventProfilingInfo(p->event, CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL);
        clGetEventProfilingInfo(p->event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
        clReleaseEvent(p->event);
        att_profile_row *row = &q->rows[p->kernel];
        row->kernel = atti_kernels[p->kernel].id;
        row->calls++;
        row->seconds += (double)(end - begin) * 1e-9;
        row->flops += p->flops;
        row->bytes += p->bytes;
    }
    q->n_pending = 0;
}

/* PoCL's worker still holds the last command, and through it the queue, the context and the device,
 * for a moment after clFinish: were ours gone first, it would free the device that it then reads
 * (PoCL 3.1: clReleaseCommandQueue), and a process that ends meanwhile crashes. A buffer holds the
 * last command that used it, too, for as long as it lives; then the queue outlives all this, and
 * its count comes to rest above 1. The count is for debugging in other runtimes: the wait has an
 * end. */
void atti_commands_release(cl_command_queue commands)
{
    enum { TURNS = 2000, RESTING = 20 };
    const struct timespec turn = {0, 50000};
    cl_uint holders = 1, before = 0;
    clFinish(commands);
    for (int i = 0, same = 0; i < TURNS && same < RESTING; i++) {
        if (clGetCommandQueueInfo(commands, CL_QUEUE_REFERENCE_COUNT, sizeof holders, &holders,
                                  NULL) != CL_SUCCESS ||
            holders <= 1)
            break;
        same = holders == before ? same + 1 : 0;
        before = holders;
        nanosleep(&turn, NULL);
    }
    clReleaseCommandQueue(commands);
}

void att_queue_destroy(att_queue *q)
{
    if (!q) return;
    if (q->commands) fold_times(q);
    for (size_t i = 0; i < ATT_N_KERNELS; i++)
        if (q->kernels[i]) clReleaseKernel(q->kernels[i]);
    if (q->commands) atti_commands_release(q->commands);
    atti_device_drop(q->device);
    att_free(q->ring);
    att_free(q);
}

att_device *att_queue_device(const att_queue *q)
{
    return q->device;
}

/* The kernel object and its work-group size, made at the first launch. */
static att_status get_kernel(att_queue *q, att_kernel_id id, att_err *err)
{
    if (q->kernels[id]) return ATT_OK;
    const atti_kernel_row *row = &atti_kernels[id];
    cl_program program;
    const att_status got = atti_program_get(q->device, row->program, &program, err);
    if (got) return got;
    cl_int status;
    cl_kernel kernel = clCreateKernel(program, row->entry, &status);
    if (status != CL_SUCCESS) return cl_failed(q, row->id, status, err);
    status = clGetKernelWorkGroupInfo(kernel, q->device->device, CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
                                      sizeof q->local[id], q->local[id], NULL);
    if (status != CL_SUCCESS || !q->local[id][0]) {
        clReleaseKernel(kernel);
        return status != CL_SUCCESS
                   ? cl_failed(q, row->id, status, err)
                   : att_fail(err, ATT_E_DEVICE, "%s has no reqd_work_group_size", row->id);
    }
    q->kernels[id] = kernel;
    return ATT_OK;
}

static int inside(const att_view *v, int64_t n)
{
    const uint64_t room = v->buf->bytes / att_dtype_bytes(v->dtype);
    return v->at >= 0 && n >= 0 && (uint64_t)v->at + (uint64_t)n <= room;
}

static cl_int set_view(cl_kernel kernel, cl_uint at, const att_view *v)
{
    const cl_mem mem = v->buf ? v->buf->mem : NULL;
    const cl_int offset = (cl_int)v->at;
    const cl_int status = clSetKernelArg(kernel, at, sizeof mem, &mem);
    return status ? status : clSetKernelArg(kernel, at + 1, sizeof offset, &offset);
}

static att_status set_args(att_queue *q, const att_launch *l, att_err *err)
{
    cl_uint at = 0;
    for (size_t i = 0; i < l->n_args; i++) {
        const att_arg *a = &l->args[i];
        cl_kernel kernel = q->kernels[l->kernel];
        cl_int status = CL_SUCCESS;
        switch (a->kind) {
        case ATT_ARG_I32:
            status = clSetKernelArg(kernel, at++, sizeof a->i32, &a->i32);
            break;
        case ATT_ARG_F32:
            status = clSetKernelArg(kernel, at++, sizeof a->f32, &a->f32);
            break;
        case ATT_ARG_VIEW:
            if (a->view.buf && (!inside(&a->view, 0) || a->view.at > INT32_MAX))
                return att_fail(err, ATT_E_SHAPE,
                                "launch %s: argument %zu begins at element %lld of a buffer of %zu "
                                "bytes",
                                atti_kernels[l->kernel].id, i, (long long)a->view.at,
                                a->view.buf->bytes);
            status = set_view(kernel, at, &a->view);
            at += 2;
            break;
        }
        if (status != CL_SUCCESS)
            return att_fail(err, ATT_E_DEVICE, "launch %s: argument %zu: %s (%d)",
                            atti_kernels[l->kernel].id, i, atti_cl_name(status), status);
    }
    return ATT_OK;
}

static att_status say_launch(const att_queue *q, const att_launch *l, const size_t *global,
                             cl_int failed, att_err *err)
{
    char what[128];
    snprintf(what, sizeof what, "launch %s as [%zu,%zu,%zu]", atti_kernels[l->kernel].id, global[0],
             global[1], global[2]);
    return cl_failed(q, what, failed, err);
}

att_status att_queue_launch(att_queue *q, const att_launch *l, att_err *err)
{
    if (l->groups[0] < 0 || l->groups[1] < 0 || l->groups[2] < 0)
        return att_fail(err, ATT_E_SHAPE, "launch %s: [%d,%d,%d] work-groups",
                        atti_kernels[l->kernel].id, l->groups[0], l->groups[1], l->groups[2]);
    if (!l->groups[0] || !l->groups[1] || !l->groups[2]) return ATT_OK;
    att_status status = get_kernel(q, l->kernel, err);
    if (!status) status = set_args(q, l, err);
    if (status) return status;
    size_t global[3];
    for (int i = 0; i < 3; i++) global[i] = (size_t)l->groups[i] * q->local[l->kernel][i];
    if (q->ring && q->n_pending == RING) fold_times(q);
    if (!q->launched) atti_device_launches(q->device, atti_kernels[l->kernel].id);
    q->launched = 1;
    cl_event event = NULL;
    const cl_int failed =
        clEnqueueNDRangeKernel(q->commands, q->kernels[l->kernel], 3, NULL, global,
                               q->local[l->kernel], 0, NULL, q->ring ? &event : NULL);
    if (failed != CL_SUCCESS) return say_launch(q, l, global, failed, err);
    if (q->ring) q->ring[q->n_pending++] = (pending){event, l->kernel, l->flops, l->bytes};
    return ATT_OK;
}

static att_status check_copy(const char *what, const att_view *v, int64_t n, att_err *err)
{
    if (v->buf && inside(v, n)) return ATT_OK;
    return att_fail(err, ATT_E_SHAPE, "%s %lld elements of %s at %lld: the buffer has %zu bytes",
                    what, (long long)n, att_dtype_name(v->dtype), (long long)v->at,
                    v->buf ? v->buf->bytes : 0);
}

static att_status write_buffer(att_queue *q, att_view to, const void *from, int64_t n,
                               cl_bool blocking, att_err *err)
{
    const att_status bad = check_copy("write", &to, n, err);
    const size_t size = att_dtype_bytes(to.dtype);
    if (bad || n == 0) return bad;
    const cl_int status =
        clEnqueueWriteBuffer(q->commands, to.buf->mem, blocking, (size_t)to.at * size,
                             (size_t)n * size, from, 0, NULL, NULL);
    if (status != CL_SUCCESS) return cl_failed(q, "write buffer", status, err);
    q->sent = !blocking; /* all earlier writes are done when one has been waited for */
    return ATT_OK;
}

att_status att_queue_write(att_queue *q, att_view to, const void *from, int64_t n, att_err *err)
{
    return write_buffer(q, to, from, n, CL_TRUE, err);
}

att_status att_queue_send(att_queue *q, att_view to, const void *from, int64_t n, att_err *err)
{
    return write_buffer(q, to, from, n, CL_FALSE, err);
}

att_status att_queue_settle(att_queue *q, att_err *err)
{
    return q->sent ? att_queue_wait(q, err) : ATT_OK;
}

att_status att_queue_read(att_queue *q, void *to, att_view from, int64_t n, att_err *err)
{
    const att_status bad = check_copy("read", &from, n, err);
    const size_t size = att_dtype_bytes(from.dtype);
    if (bad || n == 0) return bad;
    const cl_int status =
        clEnqueueReadBuffer(q->commands, from.buf->mem, CL_TRUE, (size_t)from.at * size,
                            (size_t)n * size, to, 0, NULL, NULL);
    if (status != CL_SUCCESS) return cl_failed(q, "read buffer", status, err);
    q->sent = 0;
    return ATT_OK;
}

att_status att_queue_copy(att_queue *q, att_view to, att_view from, int64_t n, att_err *err)
{
    att_status bad = check_copy("copy to", &to, n, err);
    if (!bad) bad = check_copy("copy from", &from, n, err);
    if (!bad && to.dtype != from.dtype)
        bad = att_fail(err, ATT_E_SHAPE, "copy %s to %s: the dtypes differ",
                       att_dtype_name(from.dtype), att_dtype_name(to.dtype));
    const size_t size = att_dtype_bytes(to.dtype);
    if (bad || n == 0) return bad;
    const cl_int status =
        clEnqueueCopyBuffer(q->commands, from.buf->mem, to.buf->mem, (size_t)from.at * size,
                            (size_t)to.at * size, (size_t)n * size, 0, NULL, NULL);
    return status == CL_SUCCESS ? ATT_OK : cl_failed(q, "copy buffer", status, err);
}

att_status att_queue_zero(att_queue *q, att_view to, int64_t n, att_err *err)
{
    const att_status bad = check_copy("zero", &to, n, err);
    const size_t size = att_dtype_bytes(to.dtype);
    const cl_uchar nothing = 0;
    if (bad || n == 0) return bad;
    const cl_int status =
        clEnqueueFillBuffer(q->commands, to.buf->mem, &nothing, 1, (size_t)to.at * size,
                            (size_t)n * size, 0, NULL, NULL);
    return status == CL_SUCCESS ? ATT_OK : cl_failed(q, "zero buffer", status, err);
}

att_status att_queue_wait(att_queue *q, att_err *err)
{
    const cl_int status = clFinish(q->commands);
    if (status != CL_SUCCESS) return cl_failed(q, "wait", status, err);
    q->sent = 0;
    return ATT_OK;
}

static int longest_first(const void *a, const void *b)
{
    const double x = ((const att_profile_row *)a)->seconds,
                 y = ((const att_profile_row *)b)->seconds;
    return (x < y) - (x > y);
}

size_t att_queue_profile(const att_queue *queue, att_profile_row *rows, size_t room)
{
    att_queue *q = (att_queue *)queue; /* folding changes no answer */
    att_profile_row all[ATT_N_KERNELS + 1];
    size_t n = 0;
    if (!q->ring) return 0;
    fold_times(q);
    for (size_t i = 0; i < ATT_N_KERNELS; i++)
        if (q->rows[i].calls) all[n++] = q->rows[i];
    qsort(all, n, sizeof *all, longest_first);
    for (size_t i = 0; i < n && i < room; i++) rows[i] = all[i];
    return n;
}
