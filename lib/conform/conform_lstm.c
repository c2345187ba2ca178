/* conform_lstm.c - cases of long short-term memory (conform.h). */
#include <math.h>
#include <string.h>

#include "conform_stems.h"
#include "lstm.h"
#include "ref.h"

enum { BIAS = 1, STRIDED = 2, SPLIT = 4, NANS = 8 };

typedef struct shape {
    int32_t steps, cols, width;
    att_act act;
    int32_t with;
} shape;

static const shape SHAPES[] = {
    {1, 1, 1, ATT_ACT_NONE, 0},
    {7, 5, 6, ATT_ACT_NONE, BIAS},
    {12, 33, 65, ATT_ACT_RELU, BIAS | STRIDED}, /* a lane has two units, another one */
    {9, 128, 128, ATT_ACT_RELU, BIAS | SPLIT},
    {5, 8, 70, ATT_ACT_NONE, SPLIT},
    {6, 4, 9, ATT_ACT_NONE, BIAS | NANS},
    {0, 4, 4, ATT_ACT_NONE, BIAS}, /* no step: the state stays */
};

/* On both sides; of weights only the host's side is used. */
typedef struct arrays {
    atti_array x, gates, y, state, input, recurrent, input_bias, recurrent_bias;
} arrays;

static att_status make(att_queue *queue, const shape *s, int32_t pad, arrays *a, att_err *err)
{
    const struct {
        atti_array *array;
        int64_t n;
        float amplitude;
    } list[] = {
        {&a->x, (int64_t)s->steps * (s->cols + pad), 1.0f},
        {&a->gates, (int64_t)s->steps * (4 * s->width + pad), 1.0f},
        {&a->y, (int64_t)s->steps * (s->width + pad), 1.0f},
        {&a->state, 2 * (int64_t)s->width, 1.0f},
        {&a->input, 4 * (int64_t)s->width * s->cols, 0.5f},
        {&a->recurrent, 4 * (int64_t)s->width * s->width, 0.5f},
        {&a->input_bias, 4 * (int64_t)s->width, 1.0f},
        {&a->recurrent_bias, 4 * (int64_t)s->width, 1.0f},
    };
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < sizeof list / sizeof *list; i++)
        status = atti_array_make(queue, list[i].array, list[i].n, (uint32_t)i + 1,
                                 list[i].amplitude, ATT_F32, err);
    if (!status && s->with & NANS)
        status = atti_array_set(queue, &a->x, 2 * (s->cols + pad) + 1, NAN, err);
    return status;
}

static void destroy(arrays *a)
{
    atti_array_destroy(&a->x);
    atti_array_destroy(&a->gates);
    atti_array_destroy(&a->y);
    atti_array_destroy(&a->state);
    atti_array_destroy(&a->input);
    atti_array_destroy(&a->recurrent);
    atti_array_destroy(&a->input_bias);
    atti_array_destroy(&a->recurrent_bias);
}

/* On the device; SPLIT: the state is carried from one call to the next. */
static att_status run_device(att_queue *queue, const shape *s, int32_t pad, const arrays *a,
                             const att_lstm *lstm, att_err *err)
{
    const att_lstm_call whole = {
        .x = {atti_array_device(&a->x), s->steps, s->cols, s->cols + pad},
        .gates = {atti_array_device(&a->gates), s->steps, 4 * s->width, 4 * s->width + pad},
        .y = {atti_array_device(&a->y), s->steps, s->width, s->width + pad},
        .state = atti_array_device(&a->state),
        .act = s->act,
    };
    const int32_t first = s->with & SPLIT ? 3 : s->steps;
    att_lstm_call part = whole;
    att_status status = ATT_OK;
    for (int32_t at = 0, n = first; !status && at < s->steps; at += n, n = s->steps - at) {
        part.x = att_mat_rows(whole.x, at, n);
        part.gates = att_mat_rows(whole.gates, at, n);
        part.y = att_mat_rows(whole.y, at, n);
        status = att_lstm_apply(queue, lstm, &part, err);
    }
    return status || s->steps ? status : att_lstm_apply(queue, lstm, &whole, err);
}

static void run_reference(const shape *s, int32_t pad, const arrays *a)
{
    const att_mat x = {atti_array_host(&a->x), s->steps, s->cols, s->cols + pad};
    const att_mat y = {atti_array_host(&a->y), s->steps, s->width, s->width + pad};
    att_ref_lstm_arrays ref = {
        .width = s->width,
        .input = atti_array_host(&a->input),
        .recurrent = atti_array_host(&a->recurrent),
        .state = atti_array_host(&a->state),
    };
    if (s->with & BIAS) {
        ref.input_bias = atti_array_host(&a->input_bias);
        ref.recurrent_bias = atti_array_host(&a->recurrent_bias);
    }
    att_ref_lstm(&ref, &x, (int)s->act, &y);
}

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const shape *s = &SHAPES[variant];
    const int32_t pad = s->with & STRIDED ? 3 : 0;
    arrays a;
    att_arena *arena = NULL;
    att_lstm lstm = {0};
    (void)small;
    memset(&a, 0, sizeof a);
    att_status status = make(queue, s, pad, &a, err);
    if (!status) status = att_arena_create(&arena, att_queue_device(queue), "check", err);
    const att_lstm_weights weights = {
        .width = s->width,
        .cols = s->cols,
        .input = a.input.host,
        .recurrent = a.recurrent.host,
        .input_bias = s->with & BIAS ? a.input_bias.host : NULL,
        .recurrent_bias = s->with & BIAS ? a.recurrent_bias.host : NULL,
    };
    if (!status) status = att_lstm_init(&lstm, queue, arena, "check", &weights, err);
    if (!status) status = run_device(queue, s, pad, &a, &lstm, err);
    if (!status) run_reference(s, pad, &a);
    /* Numbers within 1, sums of up to 256 products, an error that each step feeds to the next. */
    if (!status) status = atti_array_compare(queue, &a.y, result, "y", 2e-5, 0.0, err);
    if (!status) status = atti_array_compare(queue, &a.state, result, "state", 2e-5, 2e-5, err);
    att_lstm_finish(&lstm);
    att_arena_destroy(arena);
    destroy(&a);
    return status;
}

#define LSTM(i)                                                                                    \
    {                                                                                              \
        "lstm", "shape " #i, run, i                                                                \
    }
static const att_conform_case CASES[] = {LSTM(0), LSTM(1), LSTM(2), LSTM(3),
                                         LSTM(4), LSTM(5), LSTM(6)};
#undef LSTM
_Static_assert(sizeof CASES / sizeof *CASES == sizeof SHAPES / sizeof *SHAPES, "a case a shape");

const att_conform_case *att_conform_lstm(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
