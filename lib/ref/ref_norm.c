/* ref_norm.c - layer, rms and ada norm in plain C, sums in double (ref.h).
 * Tests: tests/unit/test_ref.c */
#include <math.h>

#include "ref.h"

void att_ref_norm(int kind, float eps, const att_mat *x, const att_view *gamma,
                  const att_view *beta, const att_mat *y)
{
    for (int32_t m = 0; m < x->rows; m++) {
        double mean = 0.0, square = 0.0;
        for (int32_t c = 0; c < x->cols; c++)
            mean += (double)att_ref_load(&x->view, (int64_t)m * x->stride + c) / x->cols;
        if (kind == 1) mean = 0.0;
        for (int32_t c = 0; c < x->cols; c++) {
            const double d = (double)att_ref_load(&x->view, (int64_t)m * x->stride + c) - mean;
            square += d * d / x->cols;
        }
        for (int32_t c = 0; c < x->cols; c++) {
            double v = (double)att_ref_load(&x->view, (int64_t)m * x->stride + c) - mean;
            v /= sqrt(square + (double)eps);
            if (gamma && att_view_given(gamma))
                v *= (double)att_ref_load(gamma, c) + (kind == 2 ? 1.0 : 0.0);
            if (beta && att_view_given(beta)) v += (double)att_ref_load(beta, c);
            att_ref_store(&y->view, (int64_t)m * y->stride + c, (float)v);
        }
    }
}
