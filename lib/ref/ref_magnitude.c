/* ref_magnitude.c - the lengths of complex rows in plain C (ref.h). Tests: tests/unit/test_ref.c */
#include <math.h>

#include "ref.h"

void att_ref_magnitude(const att_mat *x, const att_mat *y)
{
    for (int32_t m = 0; m < y->rows; m++)
        for (int32_t k = 0; k < y->cols; k++) {
            const int64_t at = (int64_t)m * x->stride + k;
            const double re = (double)att_ref_load(&x->view, at);
            const double im = (double)att_ref_load(&x->view, at + y->cols);
            ((float *)y->view.host)[y->view.at + (int64_t)m * y->stride + k] =
                (float)sqrt(re * re + im * im);
        }
}
