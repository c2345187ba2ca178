/* ref_swiglu.c - the gate of a feed-forward part in plain C (ref.h). Tests: tests/unit/test_ref.c
 */
#include <math.h>

#include "ref.h"

void att_ref_swiglu(const att_mat *x, const att_mat *y)
{
    for (int32_t m = 0; m < y->rows; m++)
        for (int32_t c = 0; c < y->cols; c++) {
            const int64_t at = (int64_t)m * x->stride + c;
            const double gate = (double)att_ref_load(&x->view, at);
            const double up = (double)att_ref_load(&x->view, at + y->cols);
            att_ref_store(&y->view, (int64_t)m * y->stride + c,
                          (float)(gate / (1.0 + exp(-gate)) * up));
        }
}
