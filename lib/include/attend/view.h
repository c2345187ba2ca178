/* view.h - where numbers lie: a dtype, a place in a buffer, a matrix in it.
 *
 * A view is a buffer and an element offset, never a sub-buffer. The same descriptions serve the
 * device (buf set) and the plain C reference (host set), so both are called with one struct. */
#ifndef ATT_VIEW_H
#define ATT_VIEW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

typedef enum att_dtype {
    ATT_F32 = 0,
    ATT_F16,
    ATT_BF16,
    ATT_I8,
    ATT_U8,
    ATT_I16,
    ATT_I32,
    ATT_N_DTYPES
} att_dtype;

/* Bytes of one element; 0 for a number that is no dtype. */
size_t att_dtype_bytes(att_dtype dtype);
/* "f32", "f16", ...; "?" for a number that is no dtype. */
const char *att_dtype_name(att_dtype dtype);

struct att_buf; /* device memory, lib/device/buffer.h */

/* Borrowed memory. Exactly one of buf and host is set; neither means "absent". at: elements. */
typedef struct att_view {
    struct att_buf *buf;
    void *host;
    int64_t at;
    att_dtype dtype;
} att_view;

/* rows x cols elements, row r starting at view.at + r*stride. stride >= cols is not demanded: a
 * one-dimensional convolution is a matrix whose rows overlap. */
typedef struct att_mat {
    att_view view;
    int32_t rows, cols, stride;
} att_mat;

static inline int att_view_given(const att_view *v)
{
    return v->buf || v->host;
}

/* The same memory, n elements further on. */
static inline att_view att_view_at(att_view v, int64_t n)
{
    v.at += n;
    return v;
}

static inline att_mat att_mat_of(att_view view, int32_t rows, int32_t cols)
{
    att_mat m;
    m.view = view;
    m.rows = rows;
    m.cols = cols;
    m.stride = cols;
    return m;
}

/* Columns [first, first + cols) of m. */
static inline att_mat att_mat_cols(att_mat m, int32_t first, int32_t cols)
{
    m.view.at += first;
    m.cols = cols;
    return m;
}

/* Rows [first, first + rows) of m. */
static inline att_mat att_mat_rows(att_mat m, int32_t first, int32_t rows)
{
    m.view.at += (int64_t)first * m.stride;
    m.rows = rows;
    return m;
}

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif /* ATT_VIEW_H */
