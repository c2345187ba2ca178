/* ref_lstm.c - long short-term memory in plain C, sums in double (ref.h).
 * Tests: tests/unit/test_ref.c */
#include <math.h>

#include "ref.h"

enum { INPUT, FORGET, CANDIDATE, OUTPUT };

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Row `row` of both weights against x[t] and h, with both biases. */
static double gate(const att_ref_lstm_arrays *a, const att_mat *x, int32_t t, int32_t row)
{
    double sum = 0.0;
    for (int32_t k = 0; k < x->cols; k++)
        sum += (double)att_ref_load(&x->view, (int64_t)t * x->stride + k) *
               (double)att_ref_load(&a->input, (int64_t)row * x->cols + k);
    for (int32_t k = 0; k < a->width; k++)
        sum += (double)att_ref_load(&a->state, k) *
               (double)att_ref_load(&a->recurrent, (int64_t)row * a->width + k);
    if (att_view_given(&a->input_bias)) sum += (double)att_ref_load(&a->input_bias, row);
    if (att_view_given(&a->recurrent_bias)) sum += (double)att_ref_load(&a->recurrent_bias, row);
    return sum;
}

void att_ref_lstm(const att_ref_lstm_arrays *a, const att_mat *x, int act, const att_mat *y)
{
    float *h = (float *)a->state.host + a->state.at, *c = h + a->width;
    for (int32_t t = 0; t < x->rows; t++) {
        float *out = (float *)y->view.host + y->view.at + (int64_t)t * y->stride;
        for (int32_t j = 0; j < a->width; j++) {
            const double in = sigmoid(gate(a, x, t, INPUT * a->width + j));
            const double keep = sigmoid(gate(a, x, t, FORGET * a->width + j));
            const double candidate = tanh(gate(a, x, t, CANDIDATE * a->width + j));
            c[j] = (float)(keep * (double)c[j] + in * candidate);
            out[j] = (float)(sigmoid(gate(a, x, t, OUTPUT * a->width + j)) * tanh((double)c[j]));
        }
        for (int32_t j = 0; j < a->width; j++) {
            h[j] = out[j]; /* not before all units have read the old one */
            out[j] = att_ref_act(act, out[j]);
        }
    }
}
