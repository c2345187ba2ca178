/* conform.c - filling and comparing, and arrays on both sides (conform.h, conform_stems.h).
 * Tests: tests/unit/test_conform.c */
#include "conform.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conform_stems.h"
#include "half.h"
#include "mem.h"

void att_conform_fill(float *x, int64_t n, uint32_t seed, float amplitude)
{
    uint32_t s = seed * 2654435761u + 1u;
    for (int64_t i = 0; i < n; i++) {
        s ^= s << 13;
        s ^= s >> 17;
        s ^= s << 5;
        x[i] = amplitude * ((float)(s >> 8) / 8388608.0f - 1.0f);
    }
}

/* Error in units of the tolerance; infinite where only one of the two is a number. */
static double error_of(float got, float want, double abs, double rel)
{
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0.0 : (double)INFINITY;
    if (isinf(want) || isinf(got)) return got == want ? 0.0 : (double)INFINITY;
    const double limit = abs + rel * fabs((double)want);
    const double off = fabs((double)got - (double)want);
    return off == 0.0 ? 0.0 : off / limit; /* a limit of 0 demands equality */
}

void att_conform_compare(att_conform_result *result, const char *what, const float *got,
                         const float *want, int64_t n, double abs, double rel)
{
    for (int64_t i = 0; i < n + ATT_CONFORM_GUARD; i++) {
        const int guard = i >= n;
        const double error = error_of(got[i], want[i], guard ? 0.0 : abs, guard ? 0.0 : rel);
        if (!(error <= result->worst)) {
            result->worst = error;
            snprintf(result->text, sizeof result->text, "%s[%lld]%s is %g, expected %g", what,
                     (long long)i, guard ? " behind the end" : "", (double)got[i], (double)want[i]);
        }
    }
}

static void to_storage(const float *x, int64_t n, att_dtype dtype, void *storage)
{
    if (dtype == ATT_F32) memcpy(storage, x, (size_t)n * sizeof *x);
    for (int64_t i = 0; dtype == ATT_F16 && i < n; i++)
        ((uint16_t *)storage)[i] = att_half_from_float(x[i]);
}

static att_status allocate(att_queue *queue, atti_array *a, int64_t n, att_dtype dtype,
                           att_err *err)
{
    const int64_t all = n + ATT_CONFORM_GUARD;
    memset(a, 0, sizeof *a);
    a->n = n;
    a->dtype = dtype;
    a->host = att_calloc((size_t)all, att_dtype_bytes(dtype));
    if (!a->host) return att_fail(err, ATT_E_MEMORY, "check: out of memory");
    return att_buf_create(&a->buf, att_queue_device(queue), "check", dtype, all, err);
}

att_status atti_array_make(att_queue *queue, atti_array *a, int64_t n, uint32_t seed,
                           float amplitude, att_dtype dtype, att_err *err)
{
    const int64_t all = n + ATT_CONFORM_GUARD;
    att_status status = allocate(queue, a, n, dtype, err);
    float *x = att_calloc((size_t)all, sizeof *x);
    if (!status && !x) status = att_fail(err, ATT_E_MEMORY, "check: out of memory");
    if (!status) {
        att_conform_fill(x, all, seed, amplitude);
        to_storage(x, all, dtype, a->host);
        status = att_queue_write(queue, atti_array_device(a), a->host, all, err);
    }
    att_free(x);
    return status;
}

att_status atti_array_ids(att_queue *queue, atti_array *a, const int32_t *values, int64_t n,
                          att_err *err)
{
    const att_status status = allocate(queue, a, n, ATT_I32, err);
    if (status) return status;
    memcpy(a->host, values, (size_t)n * sizeof *values);
    return att_queue_write(queue, atti_array_device(a), a->host, n + ATT_CONFORM_GUARD, err);
}

void atti_array_destroy(atti_array *a)
{
    att_buf_destroy(a->buf);
    att_free(a->host);
    memset(a, 0, sizeof *a);
}

att_view atti_array_device(const atti_array *a)
{
    return att_buf_view(a->buf, a->dtype);
}

att_view atti_array_host(const atti_array *a)
{
    const att_view view = {NULL, a->host, 0, a->dtype};
    return view;
}

att_status atti_array_set(att_queue *queue, atti_array *a, int64_t i, float x, att_err *err)
{
    unsigned char bytes[4];
    const size_t size = att_dtype_bytes(a->dtype);
    to_storage(&x, 1, a->dtype, bytes);
    memcpy((unsigned char *)a->host + (size_t)i * size, bytes, size);
    return att_queue_write(queue, att_view_at(atti_array_device(a), i), bytes, 1, err);
}

void atti_array_round(atti_array *a, float by)
{
    float *x = a->host;
    uint16_t *h = a->host;
    for (int64_t i = 0; i < a->n; i++)
        if (a->dtype == ATT_F16) /* holds what is left */
            h[i] = att_half_from_float(
                att_bfloat_to_float(att_bfloat_from_float(att_half_to_float(h[i]))));
        else
            x[i] = att_bfloat_to_float(att_bfloat_from_float(x[i] * by)) / by;
}

static float *widened(const void *from, int64_t n, att_dtype dtype)
{
    float *x = att_calloc((size_t)n, sizeof *x);
    for (int64_t i = 0; x && i < n; i++)
        x[i] = dtype == ATT_F16 ? att_half_to_float(((const uint16_t *)from)[i])
                                : ((const float *)from)[i];
    return x;
}

att_status atti_array_compare(att_queue *queue, const atti_array *a, att_conform_result *result,
                              const char *what, double abs, double rel, att_err *err)
{
    const int64_t all = a->n + ATT_CONFORM_GUARD;
    void *read = att_calloc((size_t)all, att_dtype_bytes(a->dtype));
    att_status status = read ? att_queue_read(queue, read, atti_array_device(a), all, err)
                             : att_fail(err, ATT_E_MEMORY, "check: out of memory");
    float *got = status ? NULL : widened(read, all, a->dtype);
    float *want = status ? NULL : widened(a->host, all, a->dtype);
    if (got && want)
        att_conform_compare(result, what, got, want, a->n, abs, rel);
    else if (!status)
        status = att_fail(err, ATT_E_MEMORY, "check: out of memory");
    att_free(read);
    att_free(got);
    att_free(want);
    return status;
}
