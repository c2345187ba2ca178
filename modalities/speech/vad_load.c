/* vad_load.c - the arrays of Silero's voice detector, bound and uploaded (vad_model.h).
 *
 * Names are those of silero_vad_16k.safetensors in the Python package silero-vad;
 * docs/models/silero_vad.md. Tests: tests/real/test_vad.c */
#include <stddef.h>

#include "mem.h"
#include "spec.h"
#include "vad_model.h"

typedef struct arrays {
    const att_array *spectrum, *conv[ATTI_VAD_CONVS], *conv_bias[ATTI_VAD_CONVS];
    const att_array *input, *recurrent, *input_bias, *recurrent_bias, *out, *out_bias;
} arrays;

#define TO(member) offsetof(arrays, member)

static const att_spec_row ROWS[] = {
    {"stft_conv.weight", "258,1,256", ATT_SPEC_F32, 0, TO(spectrum)},
    {"conv1.weight", "128,129,3", ATT_SPEC_F32, 0, TO(conv[0])},
    {"conv1.bias", "128", ATT_SPEC_F32, 0, TO(conv_bias[0])},
    {"conv2.weight", "64,128,3", ATT_SPEC_F32, 0, TO(conv[1])},
    {"conv2.bias", "64", ATT_SPEC_F32, 0, TO(conv_bias[1])},
    {"conv3.weight", "64,64,3", ATT_SPEC_F32, 0, TO(conv[2])},
    {"conv3.bias", "64", ATT_SPEC_F32, 0, TO(conv_bias[2])},
    {"conv4.weight", "128,64,3", ATT_SPEC_F32, 0, TO(conv[3])},
    {"conv4.bias", "128", ATT_SPEC_F32, 0, TO(conv_bias[3])},
    {"lstm_cell.weight_ih", "512,128", ATT_SPEC_F32, 0, TO(input)},
    {"lstm_cell.weight_hh", "512,128", ATT_SPEC_F32, 0, TO(recurrent)},
    {"lstm_cell.bias_ih", "512", ATT_SPEC_F32, 0, TO(input_bias)},
    {"lstm_cell.bias_hh", "512", ATT_SPEC_F32, 0, TO(recurrent_bias)},
    {"final_conv.weight", "1,128,1", ATT_SPEC_F32, 0, TO(out)},
    {"final_conv.bias", "1", ATT_SPEC_F32, 0, TO(out_bias)},
};

#undef TO

/* A copy in aligned memory; NULL for NULL, or when memory is out (*failed is set then). */
static float *floats_of(const att_array *array, int *failed)
{
    if (!array) return NULL;
    const size_t n = (size_t)att_array_elements(array);
    float *x = att_calloc(n, sizeof *x);
    *failed |= !x;
    for (size_t i = 0; x && i < n; i++) x[i] = (float)att_array_value(array, i);
    return x;
}

static att_status load_conv(att_vad *vad, att_queue *queue, const att_array *weight,
                            const att_array *bias, int32_t stride, att_conv *conv, att_err *err)
{
    int failed = 0;
    float *b = floats_of(bias, &failed);
    const att_weight_part part = {
        .data = weight->data, .dtype = ATT_F32, .rows = (int32_t)weight->dims[0], .bias = b};
    const att_status status =
        failed
            ? att_fail(err, ATT_E_MEMORY, "load '%s': out of memory", weight->name)
            : att_conv_init(conv, queue, vad->arena, weight->name, &part, (int32_t)weight->dims[1],
                            (int32_t)weight->dims[2], stride, ATT_PRECISION_EXACT, err);
    att_free(b);
    return status;
}

static att_status load_memory(att_vad *vad, att_queue *queue, const arrays *a, att_err *err)
{
    int failed = 0;
    float *input = floats_of(a->input, &failed), *recurrent = floats_of(a->recurrent, &failed);
    float *b = floats_of(a->input_bias, &failed), *d = floats_of(a->recurrent_bias, &failed);
    const att_lstm_weights weights = {
        .width = ATTI_VAD_WIDTH,
        .cols = ATTI_VAD_WIDTH,
        .input = input,
        .recurrent = recurrent,
        .input_bias = b,
        .recurrent_bias = d,
    };
    const att_status status =
        failed ? att_fail(err, ATT_E_MEMORY, "load '%s': out of memory", a->input->name)
               : att_lstm_init(&vad->memory, queue, vad->arena, "memory", &weights, err);
    att_free(input);
    att_free(recurrent);
    att_free(b);
    att_free(d);
    return status;
}

att_status atti_vad_load(att_vad *vad, att_queue *queue, att_weights *weights, att_err *err)
{
    static const int32_t STRIDES[ATTI_VAD_CONVS] = {1, 2, 2, 1};
    arrays a = {0};
    att_complaints complaints = {0};
    att_spec_bind(weights, ROWS, sizeof ROWS / sizeof *ROWS, 0, NULL, 0, &a, &complaints);
    att_status status = att_complaints_status(&complaints, weights, err);
    if (!status) status = load_conv(vad, queue, a.spectrum, NULL, 128, &vad->spectrum, err);
    for (int i = 0; !status && i < ATTI_VAD_CONVS; i++)
        status = load_conv(vad, queue, a.conv[i], a.conv_bias[i], STRIDES[i], &vad->convs[i], err);
    if (!status) status = load_memory(vad, queue, &a, err);
    if (!status) status = load_conv(vad, queue, a.out, a.out_bias, 1, &vad->out, err);
    return status;
}
