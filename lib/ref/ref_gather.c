/* ref_gather.c - rows of a matrix by a list, in plain C (ref.h). Tests: tests/unit/test_ref.c */
#include <math.h>

#include "ref.h"

void att_ref_gather(const att_mat *x, const att_view *rows, const att_mat *y)
{
    for (int32_t m = 0; m < y->rows; m++) {
        const int32_t n = ((const int32_t *)rows->host)[rows->at + m];
        for (int32_t c = 0; c < y->cols; c++) {
            const int there = n >= 0 && n < x->rows;
            const float v = there ? att_ref_load(&x->view, (int64_t)n * x->stride + c) : NAN;
            att_ref_store(&y->view, (int64_t)m * y->stride + c, v);
        }
    }
}
