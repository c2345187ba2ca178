/* lstm.c - long short-term memory (lstm.h). Tests: tests/kernels/test_lstm.c */
#include "lstm.h"

#include "mem.h"

enum { GATES = 4 };

/* Columns of a unit's recurrent weights: whole groups of 4, as the kernel reads them. */
static int32_t padded(int32_t width)
{
    return (width + 3) / 4 * 4;
}

/* [4H][H] to [H][padded][4]. */
static void pack(const att_lstm_weights *w, float *to)
{
    const size_t width = (size_t)w->width, cols = (size_t)padded(w->width);
    for (size_t gate = 0; gate < GATES; gate++)
        for (size_t j = 0; j < width; j++)
            for (size_t k = 0; k < width; k++)
                to[(j * cols + k) * GATES + gate] = w->recurrent[(gate * width + j) * width + k];
}

static att_status upload_recurrent(att_lstm *lstm, att_queue *queue, att_arena *arena,
                                   const char *name, const att_lstm_weights *w, att_err *err)
{
    const int64_t n = (int64_t)w->width * padded(w->width) * GATES;
    float *packed = att_calloc((size_t)n, sizeof *packed);
    if (!packed) return att_fail(err, ATT_E_MEMORY, "make lstm %s: out of memory", name);
    pack(w, packed);
    att_status status = att_arena_take(arena, name, ATT_F32, n, &lstm->recurrent, err);
    if (!status) status = att_queue_write(queue, lstm->recurrent, packed, n, err);
    att_free(packed);
    return status;
}

att_status att_lstm_init(att_lstm *lstm, att_queue *queue, att_arena *arena, const char *name,
                         const att_lstm_weights *w, att_err *err)
{
    if (w->width < 1 || w->width > ATT_LSTM_MAX_WIDTH || w->cols < 1)
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "make lstm %s: it is %d wide with %d inputs, expected a width of 1 to %d",
                        name, w->width, w->cols, ATT_LSTM_MAX_WIDTH);
    const int32_t rows = GATES * w->width;
    float *bias = att_calloc((size_t)rows, sizeof *bias);
    if (!bias) return att_fail(err, ATT_E_MEMORY, "make lstm %s: out of memory", name);
    for (int32_t i = 0; i < rows; i++)
        bias[i] = (w->input_bias ? w->input_bias[i] : 0.0f) +
                  (w->recurrent_bias ? w->recurrent_bias[i] : 0.0f);
    const att_weight_part part = {w->input, ATT_F32, NULL, rows, bias, ATT_BLOCKS_NONE, 0};
    lstm->width = w->width;
    att_status status = att_linear_create(&lstm->input, queue, arena, name, &part, 1, w->cols,
                                          ATT_PRECISION_EXACT, err);
    if (!status) status = upload_recurrent(lstm, queue, arena, name, w, err);
    att_free(bias);
    return status;
}

void att_lstm_finish(att_lstm *lstm)
{
    att_linear_destroy(lstm->input);
    lstm->input = NULL;
}

static att_status check(const att_lstm *lstm, const att_lstm_call *c, att_err *err)
{
    const int32_t width = lstm->width;
    if (c->gates.rows != c->x.rows || c->y.rows != c->x.rows || c->gates.cols != GATES * width ||
        c->y.cols != width)
        return att_fail(err, ATT_E_SHAPE,
                        "apply lstm: x is [%d,%d], gates [%d,%d], y [%d,%d]; expected as many rows "
                        "and %d and %d columns",
                        c->x.rows, c->x.cols, c->gates.rows, c->gates.cols, c->y.rows, c->y.cols,
                        GATES * width, width);
    return ATT_OK;
}

att_status att_lstm_apply(att_queue *queue, const att_lstm *lstm, const att_lstm_call *c,
                          att_err *err)
{
    att_status status = check(lstm, c, err);
    if (!status) status = att_linear_apply(queue, lstm->input, c->x, c->gates, NULL, err);
    if (status || c->x.rows == 0) return status;
    const att_arg args[] = {
        att_arg_i32(c->x.rows),      att_arg_i32(lstm->width),     att_arg_i32((int32_t)c->act),
        att_arg_view(c->gates.view), att_arg_i32(c->gates.stride), att_arg_view(lstm->recurrent),
        att_arg_view(c->state),      att_arg_view(c->y.view),      att_arg_i32(c->y.stride),
    };
    const double weights = (double)GATES * lstm->width * padded(lstm->width);
    const att_launch launch = {
        .kernel = ATT_K_LSTM_ANY,
        .groups = {1, 1, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args,
        .flops = 2.0 * weights * c->x.rows,
        .bytes = 4.0 * (weights + 5.0 * lstm->width * c->x.rows),
    };
    return att_queue_launch(queue, &launch, err);
}

size_t att_lstm_kernels(const att_device *device, att_kernel_id *list, size_t room)
{
    (void)device;
    if (room < 1) return 0;
    list[0] = ATT_K_LSTM_ANY;
    return 1;
}
