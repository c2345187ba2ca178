/* vad.c - Silero's voice detector (attend/vad.h): many windows at once through the convolutions,
 * then one after the other through the memory.
 *
 * Source: Python package silero-vad, tinygrad_model.py; docs/models/silero_vad.md.
 * Tests: tests/real/test_vad.c */
#include "attend/vad.h"

#include <math.h>
#include <string.h>

#include "magnitude.h"
#include "mem.h"
#include "vad_model.h"

enum { CHUNK = 512 }; /* windows that go through the network together: 16.4 s, 9 MB */

/* Rows of channels, so many a window; `pad` rows of zeros stand in front of those that are filled,
 * and the rest behind them: a convolution finds its padding in place. */
typedef struct rows_of {
    att_view view;
    int32_t rows, cols, pad;
} rows_of;

struct att_vad_session {
    const att_vad *vad;
    att_queue *queue;
    att_arena *arena;
    rows_of samples, spectrum, lengths, convs[ATTI_VAD_CONVS], gates, memory, out;
    att_view state;
    float *spans; /* [CHUNK][ATTI_VAD_SPAN]: windows that wait */
    float logits[CHUNK];
    int32_t n_windows;            /* in spans */
    float window[ATT_VAD_WINDOW]; /* not full yet */
    int32_t n_window;
    float context[ATTI_VAD_CONTEXT]; /* the end of the window before */
};

/* --- the model --- */

static att_status prepare_kernels(att_device *device, att_err *err)
{
    att_kernel_id list[ATT_N_KERNELS + 1];
    size_t n = att_linear_kernels(device, ATT_F32, ATT_PRECISION_EXACT, list, ATT_N_KERNELS);
    n += att_magnitude_kernels(device, list + n, ATT_N_KERNELS - n);
    n += att_lstm_kernels(device, list + n, ATT_N_KERNELS - n);
    return att_device_prepare(device, list, n, err);
}

att_status att_vad_open(att_vad **out, att_device *device, const char *path, att_err *err)
{
    *out = NULL;
    att_weights *weights = NULL;
    att_queue *queue = NULL;
    att_vad *v = att_calloc(1, sizeof *v);
    if (!v) return att_fail(err, ATT_E_MEMORY, "open %s: out of memory", path);
    v->device = device;
    att_status status = att_weights_open(&weights, path, err);
    if (!status) status = prepare_kernels(device, err);
    if (!status) status = att_queue_create(&queue, device, err);
    if (!status) status = att_arena_create(&v->arena, device, "voice detector", err);
    if (!status) status = atti_vad_load(v, queue, weights, err);
    if (!status) status = att_queue_wait(queue, err);
    if (!status) att_arena_seal(v->arena);
    att_queue_destroy(queue);
    att_weights_close(weights);
    if (status)
        att_vad_close(v);
    else
        *out = v;
    return status;
}

void att_vad_close(att_vad *v)
{
    if (!v) return;
    att_conv_finish(&v->spectrum);
    for (int i = 0; i < ATTI_VAD_CONVS; i++) att_conv_finish(&v->convs[i]);
    att_lstm_finish(&v->memory);
    att_conv_finish(&v->out);
    att_arena_destroy(v->arena);
    att_free(v);
}

/* --- the session --- */

/* Zeroed, so that padding is there and stays. */
static att_status reserve_rows(att_vad_session *s, const char *what, int32_t rows, int32_t cols,
                               int32_t pad, rows_of *to, att_err *err)
{
    const int64_t n = (int64_t)CHUNK * rows * cols;
    to->rows = rows;
    to->cols = cols;
    to->pad = pad;
    const att_status status = att_arena_take(s->arena, what, ATT_F32, n, &to->view, err);
    return status ? status : att_queue_zero(s->queue, to->view, n, err);
}

static att_status reserve(att_vad_session *s, att_err *err)
{
    const struct {
        const char *what;
        int32_t rows, cols, pad;
        rows_of *to;
    } list[] = {
        {"samples", ATTI_VAD_SPAN, 1, 0, &s->samples},
        {"spectrum", 4, 2 * ATTI_VAD_BINS, 0, &s->spectrum},
        {"lengths", 6, ATTI_VAD_BINS, 1, &s->lengths},
        {"convolution 1", 5, 128, 1, &s->convs[0]},
        {"convolution 2", 3, 64, 1, &s->convs[1]},
        {"convolution 3", 3, 64, 1, &s->convs[2]},
        {"convolution 4", 1, ATTI_VAD_WIDTH, 0, &s->convs[3]},
        {"gates", 1, 4 * ATTI_VAD_WIDTH, 0, &s->gates},
        {"memory", 1, ATTI_VAD_WIDTH, 0, &s->memory},
        {"out", 1, 1, 0, &s->out},
    };
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < sizeof list / sizeof *list; i++)
        status =
            reserve_rows(s, list[i].what, list[i].rows, list[i].cols, list[i].pad, list[i].to, err);
    if (!status)
        status = att_arena_take(s->arena, "state", ATT_F32, 2 * ATTI_VAD_WIDTH, &s->state, err);
    return status;
}

att_status att_vad_session_create(att_vad_session **out, const att_vad *vad, att_err *err)
{
    *out = NULL;
    att_vad_session *s = att_calloc(1, sizeof *s);
    if (s) s->spans = att_calloc((size_t)CHUNK * ATTI_VAD_SPAN, sizeof *s->spans);
    if (!s || !s->spans) {
        att_free(s);
        return att_fail(err, ATT_E_MEMORY, "make voice detector: out of memory");
    }
    s->vad = vad;
    att_status status = att_queue_create(&s->queue, vad->device, err);
    if (!status) status = att_arena_create(&s->arena, vad->device, "voice detection", err);
    if (!status) status = reserve(s, err);
    if (!status) att_arena_seal(s->arena);
    if (!status) status = att_vad_reset(s, err);
    if (status)
        att_vad_session_destroy(s);
    else
        *out = s;
    return status;
}

void att_vad_session_destroy(att_vad_session *s)
{
    if (!s) return;
    att_arena_destroy(s->arena);
    att_queue_destroy(s->queue);
    att_free(s->spans);
    att_free(s);
}

att_status att_vad_reset(att_vad_session *s, att_err *err)
{
    s->n_windows = s->n_window = 0;
    memset(s->context, 0, sizeof s->context);
    return att_queue_zero(s->queue, s->state, 2 * ATTI_VAD_WIDTH, err);
}

/* --- the network --- */

/* Row t of what is filled, of all windows, as a matrix. */
static att_mat row_of(const att_vad_session *s, const rows_of *r, int32_t t)
{
    const att_mat m = {att_view_at(r->view, (int64_t)(r->pad + t) * r->cols), s->n_windows, r->cols,
                       r->rows * r->cols};
    return m;
}

/* n output rows of every window: each of them a product over all windows, whose rows of x are as
 * wide as the convolution. */
static att_status convolve(att_vad_session *s, const att_conv *conv, const rows_of *from,
                           const rows_of *to, int32_t n, att_act act, att_err *err)
{
    const att_epilogue e = {.act = act};
    att_status status = ATT_OK;
    for (int32_t t = 0; !status && t < n; t++) {
        att_mat x = row_of(s, from, t * conv->stride - from->pad);
        x.cols = conv->width * conv->channels_in;
        status = att_linear_apply(s->queue, conv->linear, x, row_of(s, to, t), &e, err);
    }
    return status;
}

static att_status forward(att_vad_session *s, att_err *err)
{
    static const int32_t ROWS[ATTI_VAD_CONVS] = {4, 2, 1, 1};
    const att_vad *v = s->vad;
    att_status status = convolve(s, &v->spectrum, &s->samples, &s->spectrum, 4, ATT_ACT_NONE, err);
    for (int32_t t = 0; !status && t < 4; t++)
        status = att_magnitude_apply(s->queue, row_of(s, &s->spectrum, t),
                                     row_of(s, &s->lengths, t), err);
    const rows_of *x = &s->lengths;
    for (int i = 0; !status && i < ATTI_VAD_CONVS; x = &s->convs[i++])
        status = convolve(s, &v->convs[i], x, &s->convs[i], ROWS[i], ATT_ACT_RELU, err);
    const att_lstm_call memory = {
        .x = row_of(s, x, 0),
        .gates = row_of(s, &s->gates, 0),
        .y = row_of(s, &s->memory, 0),
        .state = s->state,
        .act = ATT_ACT_RELU,
    };
    if (!status) status = att_lstm_apply(s->queue, &v->memory, &memory, err);
    if (!status) status = convolve(s, &v->out, &s->memory, &s->out, 1, ATT_ACT_NONE, err);
    return status;
}

/* The windows that wait become probabilities. */
static att_status run(att_vad_session *s, float *probs, size_t *n_probs, att_err *err)
{
    const int32_t n = s->n_windows;
    if (n == 0) return ATT_OK;
    att_status status =
        att_queue_write(s->queue, s->samples.view, s->spans, (int64_t)n * ATTI_VAD_SPAN, err);
    if (!status) status = forward(s, err);
    if (!status) status = att_queue_read(s->queue, s->logits, s->out.view, n, err);
    s->n_windows = 0;
    for (int32_t i = 0; !status && i < n; i++)
        probs[(*n_probs)++] = (float)(1.0 / (1.0 + exp(-(double)s->logits[i])));
    return status;
}

/* The full window goes to the others: context, itself, its end mirrored without the last sample. */
static void place(att_vad_session *s)
{
    float *span = s->spans + (size_t)s->n_windows++ * ATTI_VAD_SPAN;
    float *end = span + ATTI_VAD_CONTEXT + ATT_VAD_WINDOW;
    memcpy(span, s->context, sizeof s->context);
    memcpy(span + ATTI_VAD_CONTEXT, s->window, sizeof s->window);
    for (int32_t i = 0; i < ATTI_VAD_MIRROR; i++) end[i] = end[-2 - i];
    memcpy(s->context, end - ATTI_VAD_CONTEXT, sizeof s->context);
    s->n_window = 0;
}

att_status att_vad_push(att_vad_session *s, const float *samples, size_t n, float *probs,
                        size_t *n_probs, att_err *err)
{
    att_status status = ATT_OK;
    *n_probs = 0;
    while (!status && n > 0) {
        const size_t room = (size_t)(ATT_VAD_WINDOW - s->n_window), take = n < room ? n : room;
        memcpy(s->window + s->n_window, samples, take * sizeof *samples);
        s->n_window += (int32_t)take;
        samples += take;
        n -= take;
        if (s->n_window == ATT_VAD_WINDOW) place(s);
        if (s->n_windows == CHUNK) status = run(s, probs, n_probs, err);
    }
    return status ? status : run(s, probs, n_probs, err);
}

att_status att_vad_finish(att_vad_session *s, float *prob, att_err *err)
{
    size_t n = 0;
    memset(s->window + s->n_window, 0, (size_t)(ATT_VAD_WINDOW - s->n_window) * sizeof *s->window);
    place(s);
    const att_status status = run(s, prob, &n, err);
    const att_status reset = att_vad_reset(s, status ? NULL : err);
    return status ? status : reset;
}
