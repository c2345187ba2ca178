/* conform_gather.c - cases of rows by a list (conform.h). */
#include <math.h>

#include "conform_stems.h"
#include "gather.h"
#include "ref.h"

enum { STRIDED = 1, NANS = 2, X_F16 = 4, Y_F16 = 8, MAX_ROWS = 70 };

typedef struct shape {
    int32_t n, m, c; /* rows of x and y, columns */
    int32_t with;
} shape;

static const shape SHAPES[] = {
    {1, 1, 1, 0},
    {9, 5, 64, 0},
    {5, 70, 65, STRIDED},
    {40, 40, 130, NANS},
    {12, 30, 33, X_F16},
    {12, 30, 70, Y_F16 | STRIDED},
    {7, 11, 48, X_F16 | Y_F16 | NANS},
};

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const shape *s = &SHAPES[variant];
    const int32_t pad = s->with & STRIDED ? 3 : 0;
    atti_array x = {0}, y = {0}, rows = {0};
    int32_t list[MAX_ROWS];
    (void)small;
    for (int32_t m = 0; m < s->m; m++) list[m] = (m * 7 + 3) % s->n;
    if (s->m > 4) list[2] = -1; /* no such row */
    if (s->m > 4) list[4] = s->n;
    att_status status = atti_array_make(queue, &x, (int64_t)s->n * (s->c + pad), 1, 3.0f,
                                        s->with & X_F16 ? ATT_F16 : ATT_F32, err);
    if (!status)
        status = atti_array_make(queue, &y, (int64_t)s->m * (s->c + 2 * pad), 2, 1.0f,
                                 s->with & Y_F16 ? ATT_F16 : ATT_F32, err);
    if (!status) status = atti_array_ids(queue, &rows, list, s->m, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, 3 * s->c + 1, NAN, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, 3 * s->c, -INFINITY, err);
    att_mat from = {{0}, s->n, s->c, s->c + pad}, to = {{0}, s->m, s->c, s->c + 2 * pad};
    if (!status) {
        from.view = atti_array_device(&x);
        to.view = atti_array_device(&y);
        status = att_gather_apply(queue, from, atti_array_device(&rows), to, err);
    }
    if (!status) {
        const att_view host_rows = atti_array_host(&rows);
        from.view = atti_array_host(&x);
        to.view = atti_array_host(&y);
        att_ref_gather(&from, &host_rows, &to);
        status = atti_array_compare(queue, &y, result, "y", 0.0, 0.0, err); /* rounded alike */
    }
    atti_array_destroy(&x);
    atti_array_destroy(&y);
    atti_array_destroy(&rows);
    return status;
}

#define GATHER(i)                                                                                  \
    {                                                                                              \
        "gather", "shape " #i, run, i                                                              \
    }
static const att_conform_case CASES[] = {GATHER(0), GATHER(1), GATHER(2), GATHER(3),
                                         GATHER(4), GATHER(5), GATHER(6)};
#undef GATHER
_Static_assert(sizeof CASES / sizeof *CASES == sizeof SHAPES / sizeof *SHAPES, "a case a shape");

const att_conform_case *att_conform_gather(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
