/* conform_swiglu.c - cases of the gate of a feed-forward part (conform.h). */
#include <math.h>

#include "conform_stems.h"
#include "ref.h"
#include "swiglu.h"

enum { STRIDED = 1, IN_PLACE = 2, NANS = 4, F16 = 8, LARGE = 16 };

typedef struct shape {
    int32_t m, f;
    int32_t with;
} shape;

static const shape SHAPES[] = {
    {1, 1, 0},
    {3, 7, STRIDED},
    {9, 64, IN_PLACE},
    {2, 1100, STRIDED | IN_PLACE}, /* a second work-item of cl/swiglu_cpu.cl */
    {5, 33, NANS},
    {4, 48, NANS | IN_PLACE},
    {6, 65, LARGE}, /* exp overflows */
    {5, 70, F16 | IN_PLACE},
    {4, 33, F16 | STRIDED | NANS},
    {0, 8, IN_PLACE},
};

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const shape *s = &SHAPES[variant];
    const int32_t pad = s->with & STRIDED ? 3 : 0, stride = 2 * s->f + pad;
    const int half = s->with & F16, in_place = s->with & IN_PLACE;
    const att_dtype dtype = half ? ATT_F16 : ATT_F32;
    const float amplitude = s->with & LARGE ? 300.0f : 5.0f;
    atti_array x = {0}, y = {0};
    (void)small;
    att_status status =
        atti_array_make(queue, &x, (int64_t)s->m * stride, 1, amplitude, dtype, err);
    if (!status)
        status = atti_array_make(queue, &y, (int64_t)s->m * (s->f + pad), 2, 1.0f, dtype, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, 1, NAN, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, s->f + 2, NAN, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, stride + 3, INFINITY, err);
    const atti_array *out = in_place ? &x : &y;
    att_mat from = {{0}, s->m, 2 * s->f, stride};
    att_mat to = {{0}, s->m, s->f, in_place ? stride : s->f + pad};
    if (!status) {
        from.view = atti_array_device(&x);
        to.view = atti_array_device(out);
        status = att_swiglu_apply(queue, from, to, err);
    }
    if (!status) {
        from.view = atti_array_host(&x);
        to.view = atti_array_host(out);
        att_ref_swiglu(&from, &to);
        /* exp within 3 units of 2^-24 of its value, and as much again in the quotient and the
         * product; e^-88 and less is no longer told from 0. A half may be the neighbour. */
        status = atti_array_compare(queue, out, result, "y", half ? 1e-7 : 1e-30,
                                    half ? 0x1p-10 : 1e-6, err);
    }
    atti_array_destroy(&x);
    atti_array_destroy(&y);
    return status;
}

#define SWIGLU(i)                                                                                  \
    {                                                                                              \
        "swiglu", "shape " #i, run, i                                                              \
    }
static const att_conform_case CASES[] = {SWIGLU(0), SWIGLU(1), SWIGLU(2), SWIGLU(3), SWIGLU(4),
                                         SWIGLU(5), SWIGLU(6), SWIGLU(7), SWIGLU(8), SWIGLU(9)};
#undef SWIGLU
_Static_assert(sizeof CASES / sizeof *CASES == sizeof SHAPES / sizeof *SHAPES, "a case a shape");

const att_conform_case *att_conform_swiglu(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
