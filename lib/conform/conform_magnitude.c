/* conform_magnitude.c - cases of the lengths of complex rows (conform.h). */
#include <math.h>

#include "conform_stems.h"
#include "magnitude.h"
#include "ref.h"

typedef struct shape {
    int32_t rows, cols, pad; /* pad: columns between rows, of both */
    int32_t nans;
} shape;

static const shape SHAPES[] = {{1, 1, 0, 0}, {5, 129, 0, 0}, {9, 64, 3, 0}, {3, 200, 1, 1}};

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const shape *s = &SHAPES[variant];
    const int32_t x_stride = 2 * s->cols + s->pad, y_stride = s->cols + s->pad;
    atti_array x = {0}, y = {0};
    (void)small;
    att_status status =
        atti_array_make(queue, &x, (int64_t)s->rows * x_stride, 1, 3.0f, ATT_F32, err);
    if (!status)
        status = atti_array_make(queue, &y, (int64_t)s->rows * y_stride, 2, 1.0f, ATT_F32, err);
    if (!status && s->nans) status = atti_array_set(queue, &x, s->cols, NAN, err);
    if (!status && s->nans) status = atti_array_set(queue, &x, 1, -INFINITY, err);
    att_mat from = {{0}, s->rows, 2 * s->cols, x_stride}, to = {{0}, s->rows, s->cols, y_stride};
    if (!status) {
        from.view = atti_array_device(&x);
        to.view = atti_array_device(&y);
        status = att_magnitude_apply(queue, from, to, err);
    }
    if (!status) {
        from.view = atti_array_host(&x);
        to.view = atti_array_host(&y);
        att_ref_magnitude(&from, &to);
        /* A product, a fused sum and a root of up to 3 ulp. */
        status = atti_array_compare(queue, &y, result, "y", 0.0, 1e-6, err);
    }
    atti_array_destroy(&x);
    atti_array_destroy(&y);
    return status;
}

#define MAGNITUDE(i)                                                                               \
    {                                                                                              \
        "magnitude", "shape " #i, run, i                                                           \
    }
static const att_conform_case CASES[] = {MAGNITUDE(0), MAGNITUDE(1), MAGNITUDE(2), MAGNITUDE(3)};
#undef MAGNITUDE
_Static_assert(sizeof CASES / sizeof *CASES == sizeof SHAPES / sizeof *SHAPES, "a case a shape");

const att_conform_case *att_conform_magnitude(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
