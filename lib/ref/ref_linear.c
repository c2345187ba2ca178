/* ref_linear.c - y = residual + gate .* act(x w^T + bias) in plain C, sums in double (ref.h).
 * Tests: tests/unit/test_ref.c */
#include <math.h>

#include "ref.h"

float att_ref_act(int act, float x)
{
    const double v = x;
    switch (act) {
    case 1:
        return (float)(0.5 * v * (1.0 + erf(v / sqrt(2.0))));
    case 2:
        return (
            float)(0.5 * v *
                   (1.0 + tanh(sqrt(2.0 / 3.14159265358979323846) * (v + 0.044715 * v * v * v))));
    case 3:
        return x < 0.0f ? 0.0f : x;
    case 4:
        return (float)(v / (1.0 + exp(-v)));
    case 5:
        return (float)(v / (1.0 + exp(-1.702 * v)));
    default:
        return x;
    }
}

static double load(const att_mat *m, int32_t row, int32_t col)
{
    return (double)att_ref_load(&m->view, (int64_t)row * m->stride + col);
}

void att_ref_linear(const att_mat *x, const att_mat *w, const att_view *bias, int act,
                    const att_view *gate, const att_mat *residual, const att_mat *y)
{
    for (int32_t m = 0; m < x->rows; m++)
        for (int32_t n = 0; n < w->rows; n++) {
            double sum = 0.0;
            for (int32_t k = 0; k < w->cols; k++) sum += load(x, m, k) * load(w, n, k);
            if (bias && att_view_given(bias)) sum += (double)att_ref_load(bias, n);
            double v = (double)att_ref_act(act, (float)sum);
            if (gate && att_view_given(gate)) v *= (double)att_ref_load(gate, n);
            if (residual && att_view_given(&residual->view)) v += load(residual, m, n);
            att_ref_store(&y->view, (int64_t)m * y->stride + n, (float)v);
        }
}

void att_ref_conv(const att_mat *x, const att_view *w, const att_view *bias, int32_t width,
                  int32_t stride, int act, const att_mat *residual, const att_mat *y)
{
    const int32_t channels = x->cols;
    for (int32_t t = 0; t < y->rows; t++)
        for (int32_t o = 0; o < y->cols; o++) {
            double sum = bias && att_view_given(bias) ? (double)att_ref_load(bias, o) : 0.0;
            for (int32_t c = 0; c < channels; c++)
                for (int32_t i = 0; i < width; i++)
                    sum += load(x, t * stride + i, c) *
                           (double)att_ref_load(w, ((int64_t)o * channels + c) * width + i);
            double v = (double)att_ref_act(act, (float)sum);
            if (residual && att_view_given(&residual->view)) v += load(residual, t, o);
            att_ref_store(&y->view, (int64_t)t * y->stride + o, (float)v);
        }
}
