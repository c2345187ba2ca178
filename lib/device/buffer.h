/* buffer.h - device memory: buffers, and arenas that are reserved once and never grow. */
#ifndef ATT_BUFFER_H
#define ATT_BUFFER_H

#include "attend/device.h"
#include "attend/view.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_buf att_buf; /* one cl_mem and its size */

/* n elements; contents undefined. An error names `what`, the bytes needed and the bytes there are.
 */
att_status att_buf_create(att_buf **buf, att_device *device, const char *what, att_dtype dtype,
                          int64_t n, att_err *err);
void att_buf_destroy(att_buf *buf); /* NULL is fine */
size_t att_buf_bytes(const att_buf *buf);
att_view att_buf_view(att_buf *buf, att_dtype dtype);

/* All memory of one owner (a model, a session). Every tensor is a buffer of its own, taken while
 * the owner is made; after att_arena_seal() taking is a broken promise (assert), so a running
 * session allocates nothing. Destroying the arena frees all of it. Taking is thread-safe. */
typedef struct att_arena att_arena;

att_status att_arena_create(att_arena **arena, att_device *device, const char *owner, att_err *err);
att_status att_arena_take(att_arena *arena, const char *what, att_dtype dtype, int64_t n,
                          att_view *view, att_err *err);
void att_arena_seal(att_arena *arena);
size_t att_arena_bytes(const att_arena *arena);
void att_arena_destroy(att_arena *arena);

#ifdef __cplusplus
}
#endif
#endif /* ATT_BUFFER_H */
