/* conform_norm.c - cases of the norms (conform.h). */
#include <math.h>

#include "conform_stems.h"
#include "norm.h"
#include "ref.h"

enum { AFFINE = 1, STRIDED = 2, IN_PLACE = 4, NANS = 8, OFFSET = 16, Y_F16 = 32 };

typedef struct shape {
    int32_t m, c;
    att_norm_kind kind;
    int32_t with;
} shape;

static const shape SHAPES[] = {
    {1, 1, ATT_NORM_LAYER, AFFINE},
    {3, 7, ATT_NORM_LAYER, AFFINE | STRIDED},
    {9, 64, ATT_NORM_LAYER, AFFINE | IN_PLACE},
    {17, 100, ATT_NORM_LAYER, 0},
    {2, 1280, ATT_NORM_LAYER, AFFINE | OFFSET},
    {8, 65, ATT_NORM_RMS, AFFINE},
    {5, 512, ATT_NORM_RMS, STRIDED},
    {6, 96, ATT_NORM_ADA, AFFINE},
    {4, 33, ATT_NORM_LAYER, AFFINE | NANS},
    {4, 33, ATT_NORM_RMS, NANS},
    {5, 100, ATT_NORM_LAYER, AFFINE | STRIDED | Y_F16},
    {4, 33, ATT_NORM_RMS, NANS | Y_F16},
};

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const shape *s = &SHAPES[variant];
    const int32_t pad = s->with & STRIDED ? 3 : 0;
    const int64_t n = (int64_t)s->m * (s->c + pad);
    atti_array x = {0}, y = {0}, gamma = {0}, beta = {0};
    (void)small;
    att_status status = atti_array_make(queue, &x, n, 1, 3.0f, ATT_F32, err);
    const int half = s->with & Y_F16;
    if (!status) status = atti_array_make(queue, &y, n, 2, 1.0f, half ? ATT_F16 : ATT_F32, err);
    if (!status) status = atti_array_make(queue, &gamma, s->c, 3, 2.0f, ATT_F32, err);
    if (!status) status = atti_array_make(queue, &beta, s->c, 4, 1.0f, ATT_F32, err);
    /* A mean far above the spread loses digits unless the mean is taken off first. */
    for (int64_t i = 0; !status && s->with & OFFSET && i < n; i++)
        status = atti_array_set(queue, &x, i, ((float *)x.host)[i] + 100.0f, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, s->c - 1, NAN, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, s->c, INFINITY, err);

    const atti_array *out = s->with & IN_PLACE ? &x : &y;
    att_norm norm = {.kind = s->kind, .eps = 1e-5f};
    if (s->with & AFFINE && !status) {
        norm.gamma = atti_array_device(&gamma);
        norm.beta = atti_array_device(&beta);
    }
    att_mat from = {{0}, s->m, s->c, s->c + pad}, to = from;
    if (!status) {
        from.view = atti_array_device(&x);
        to.view = atti_array_device(out);
        status = att_norm_apply(queue, &norm, from, to, err);
    }
    if (!status) {
        const att_view g = atti_array_host(&gamma), b = atti_array_host(&beta);
        from.view = atti_array_host(&x);
        to.view = atti_array_host(out);
        if (s->with & AFFINE)
            att_ref_norm((int)s->kind, 1e-5f, &from, &g, &b, &to);
        else
            att_ref_norm((int)s->kind, 1e-5f, &from, NULL, NULL, &to);
        /* Values are below 10; the mean of numbers near 100 carries 100 * 2^-24 * sqrt(C). A half
         * may be the neighbour. */
        status = atti_array_compare(queue, out, result, "y", s->with & OFFSET ? 2e-4 : 1e-5,
                                    half ? 0x1p-10 : 1e-5, err);
    }
    atti_array_destroy(&x);
    atti_array_destroy(&y);
    atti_array_destroy(&gamma);
    atti_array_destroy(&beta);
    return status;
}

#define NORM(i)                                                                                    \
    {                                                                                              \
        "norm", "shape " #i, run, i                                                                \
    }
static const att_conform_case CASES[] = {NORM(0), NORM(1), NORM(2), NORM(3), NORM(4),  NORM(5),
                                         NORM(6), NORM(7), NORM(8), NORM(9), NORM(10), NORM(11)};
#undef NORM
_Static_assert(sizeof CASES / sizeof *CASES == sizeof SHAPES / sizeof *SHAPES, "a case a shape");

const att_conform_case *att_conform_norm(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
