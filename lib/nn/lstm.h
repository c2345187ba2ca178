/* lstm.h - one layer of long short-term memory along a sequence, with a state that is carried on.
 *
 *   i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o);  g = tanh(z_g)
 *   z = x[t] W_ih^T + b_ih + h W_hh^T + b_hh             rows i, f, g, o below each other
 *   c = f c + i g;  h = o tanh(c);  y[t] = act(h)
 *
 * What does not recur, x W_ih^T, is one linear over all steps; the recurrence is one launch.
 * Hochreiter and Schmidhuber 1997, with the gates of PyTorch's LSTM. Letters: T steps, C inputs, H
 * width. Truth: lib/ref/ref_lstm.c. Kernel: cl/lstm_any.cl. Tests: tests/kernels/test_lstm.c */
#ifndef ATT_LSTM_H
#define ATT_LSTM_H

#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ATT_LSTM_MAX_WIDTH = 1024 };

/* Host arrays as PyTorch stores them; not needed after the init. */
typedef struct att_lstm_weights {
    int32_t width, cols;                      /* H, C */
    const float *input, *recurrent;           /* [4H][C], [4H][H] */
    const float *input_bias, *recurrent_bias; /* [4H] each, or NULL */
} att_lstm_weights;

typedef struct att_lstm {
    att_linear *input;  /* [4H][C], both biases in its own */
    att_view recurrent; /* f32[H][ceil(H/4)*4][4]: the four gates of a unit side by side */
    int32_t width;
} att_lstm;

/* All device memory is taken from arena. */
att_status att_lstm_init(att_lstm *lstm, att_queue *queue, att_arena *arena, const char *name,
                         const att_lstm_weights *weights, att_err *err);
void att_lstm_finish(att_lstm *lstm);

/* One call's arrays, f32 on the device: x[T][C], gates[T][4H] as scratch, state[2][H] (h, then c)
 * read before and written after the steps, y[T][H]. No two overlap. act is on y alone. */
typedef struct att_lstm_call {
    att_mat x, gates, y;
    att_view state;
    att_act act;
} att_lstm_call;

/* Allocates nothing. NaN in x[t] makes y NaN from t on. */
att_status att_lstm_apply(att_queue *queue, const att_lstm *lstm, const att_lstm_call *call,
                          att_err *err);

/* The recurrence's kernel; those of the linear are att_linear_kernels(). */
size_t att_lstm_kernels(const att_device *device, att_kernel_id *list, size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_LSTM_H */
