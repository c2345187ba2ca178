/* buffer.c - device memory (buffer.h). Tests: tests/unit/test_device.c */
#include "buffer.h"

#include <assert.h>

#include "cl_names.h"
#include "device_internal.h"
#include "mem.h"

att_status att_buf_create(att_buf **out, att_device *device, const char *what, att_dtype dtype,
                          int64_t n, att_err *err)
{
    *out = NULL;
    const size_t size = att_dtype_bytes(dtype);
    if (n < 1 || !size || (uint64_t)n > SIZE_MAX / size)
        return att_fail(err, ATT_E_ARG, "reserve %s: %lld elements of %s", what, (long long)n,
                        att_dtype_name(dtype));
    const size_t bytes = (size_t)n * size;
    if (bytes > device->info.max_buffer_bytes)
        return att_fail(err, ATT_E_MEMORY,
                        "reserve %s: %.1f MB are needed, one buffer on %s holds %.1f MB; try a "
                        "smaller model or another --device",
                        what, (double)bytes / 1e6, device->info.name,
                        (double)device->info.max_buffer_bytes / 1e6);
    att_buf *buf = att_calloc(1, sizeof *buf);
    if (!buf) return att_fail(err, ATT_E_MEMORY, "reserve %s: out of host memory", what);
    cl_int status;
    buf->mem = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &status);
    if (status != CL_SUCCESS) {
        att_free(buf);
        return att_fail(err, ATT_E_MEMORY, "reserve %s: %.1f MB of the %.1f MB of %s: %s (%d)",
                        what, (double)bytes / 1e6, (double)device->info.memory_bytes / 1e6,
                        device->info.name, atti_cl_name(status), status);
    }
    atti_device_hold(device);
    buf->device = device;
    buf->bytes = bytes;
    buf->dtype = dtype;
    *out = buf;
    return ATT_OK;
}

void att_buf_destroy(att_buf *buf)
{
    if (!buf) return;
    clReleaseMemObject(buf->mem);
    atti_device_drop(buf->device);
    att_free(buf);
}

size_t att_buf_bytes(const att_buf *buf)
{
    return buf->bytes;
}

att_view att_buf_view(att_buf *buf, att_dtype dtype)
{
    const att_view view = {buf, NULL, 0, dtype};
    return view;
}

struct att_arena {
    att_device *device;
    char *owner;
    att_buf **bufs;
    size_t n_bufs, room, bytes;
    int sealed;
    pthread_mutex_t lock; /* guards bufs and bytes */
};

att_status att_arena_create(att_arena **out, att_device *device, const char *owner, att_err *err)
{
    att_arena *arena = att_calloc(1, sizeof *arena);
    *out = NULL;
    if (arena) pthread_mutex_init(&arena->lock, NULL);
    if (arena) arena->owner = att_strdup(owner);
    if (!arena || !arena->owner) {
        att_arena_destroy(arena);
        return att_fail(err, ATT_E_MEMORY, "reserve memory for %s: out of host memory", owner);
    }
    arena->device = device;
    *out = arena;
    return ATT_OK;
}

static att_status take(att_arena *arena, const char *what, att_dtype dtype, int64_t n,
                       att_view *view, att_err *err)
{
    assert(!arena->sealed);
    if (arena->n_bufs == arena->room) {
        const size_t room = 2 * arena->room + 16;
        att_buf **grown = att_realloc(arena->bufs, room, sizeof *grown);
        if (!grown) return att_fail(err, ATT_E_MEMORY, "reserve %s: out of host memory", what);
        arena->bufs = grown;
        arena->room = room;
    }
    att_buf *buf;
    const att_status status = att_buf_create(&buf, arena->device, what, dtype, n, err);
    if (status)
        return att_fail_in(err, status, "%s, which holds %.1f MB", arena->owner,
                           (double)arena->bytes / 1e6);
    arena->bufs[arena->n_bufs++] = buf;
    arena->bytes += buf->bytes;
    *view = att_buf_view(buf, dtype);
    return ATT_OK;
}

att_status att_arena_take(att_arena *arena, const char *what, att_dtype dtype, int64_t n,
                          att_view *view, att_err *err)
{
    pthread_mutex_lock(&arena->lock);
    const att_status status = take(arena, what, dtype, n, view, err);
    pthread_mutex_unlock(&arena->lock);
    return status;
}

void att_arena_seal(att_arena *arena)
{
    arena->sealed = 1;
}

size_t att_arena_bytes(const att_arena *arena)
{
    return arena->bytes;
}

void att_arena_destroy(att_arena *arena)
{
    if (!arena) return;
    for (size_t i = 0; i < arena->n_bufs; i++) att_buf_destroy(arena->bufs[i]);
    pthread_mutex_destroy(&arena->lock);
    att_free(arena->bufs);
    att_free(arena->owner);
    att_free(arena);
}
