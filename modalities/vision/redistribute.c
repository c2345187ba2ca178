/* redistribute.c - what was found in one prompt, kept, and put into attention calls
 * (redistribute.h). Tests: tests/unit/test_redistribute.c */
#include "redistribute.h"

#include <math.h>
#include <string.h>

#include "mem.h"

struct att_redistribute {
    att_redistribute_options options;
    att_redistribute_shape shape;
    int64_t layer_classes; /* of key_class, a layer: capacity, or heads * capacity */
    uint8_t *key_class, *act_heads;
    uint8_t *packed;       /* ACT: [heads][n_k] of the call filled last */
    float *abs_gain;       /* [capacity] */
    float *head_gain;      /* [layers][heads] */
    int32_t *count;        /* [layers]: what att_redistribute_count() says */
    int32_t *visual_sinks; /* [layers] */
    int marked;            /* abs_gain holds something */
};

static int uses_classes(const att_redistribute *s)
{
    return s->options.method == ATT_REDISTRIBUTE_VAR || s->options.method == ATT_REDISTRIBUTE_ACT;
}

static att_status check(const att_redistribute_options *o, const att_redistribute_shape *shape,
                        att_err *err)
{
    const char *name = att_redistribute_name(o->method);
    if (shape->layers < 1 || shape->heads < 1 || shape->heads > 256 || shape->capacity < 1 ||
        shape->image_begin < 0 || shape->image_end < shape->image_begin ||
        shape->image_end > shape->capacity)
        return att_fail(err, ATT_E_ARG,
                        "redistribution by %s: %d layers of %d heads, the picture at keys %d to %d "
                        "of %d",
                        name, shape->layers, shape->heads, shape->image_begin, shape->image_end,
                        shape->capacity);
    if (o->last_layer >= shape->layers)
        return att_fail(err, ATT_E_ARG,
                        "redistribution by %s: up to layer %d, the model has %d - expected below "
                        "that",
                        name, o->last_layer, shape->layers);
    if (o->method == ATT_REDISTRIBUTE_VAR &&
        (shape->n_dims < 1 || shape->n_dims > ATT_SINK_MAX_DIMS))
        return att_fail(err, ATT_E_ARG,
                        "redistribution by var: no dimensions that show sinks are "
                        "known of this model - calibrate them first");
    return ATT_OK;
}

static void start(att_redistribute *s, const att_redistribute_shape *shape)
{
    const size_t heads = (size_t)shape->layers * (size_t)shape->heads;
    for (size_t i = 0; i < heads; i++) s->head_gain[i] = 1.0f;
    for (size_t i = 0; i < heads; i++) s->act_heads[i] = shape->act_heads ? shape->act_heads[i] : 1;
    s->shape.act_heads = s->act_heads;
}

att_status att_redistribute_create(att_redistribute **state,
                                   const att_redistribute_options *options,
                                   const att_redistribute_shape *shape, att_err *err)
{
    *state = NULL;
    const att_status status = check(options, shape, err);
    if (status) return status;
    att_redistribute *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "redistribution: no memory");
    const size_t layers = (size_t)shape->layers, heads = (size_t)shape->heads;
    const int per_head = options->method == ATT_REDISTRIBUTE_ACT;
    s->options = *options;
    s->shape = *shape;
    s->layer_classes = (int64_t)shape->capacity * (per_head ? shape->heads : 1);
    s->key_class = att_calloc(uses_classes(s) ? layers : 1, (size_t)s->layer_classes);
    s->act_heads = att_calloc(layers, heads);
    s->packed = att_calloc(1, (size_t)s->layer_classes);
    s->abs_gain = att_calloc((size_t)shape->capacity, sizeof *s->abs_gain);
    s->head_gain = att_calloc(layers * heads, sizeof *s->head_gain);
    s->count = att_calloc(layers, sizeof *s->count);
    s->visual_sinks = att_calloc(layers, sizeof *s->visual_sinks);
    if (!s->key_class || !s->act_heads || !s->packed || !s->abs_gain || !s->head_gain ||
        !s->count || !s->visual_sinks) {
        att_redistribute_destroy(s);
        return att_fail(err, ATT_E_MEMORY, "redistribution: no memory for %d keys in %d layers",
                        shape->capacity, shape->layers);
    }
    start(s, shape);
    if (options->method == ATT_REDISTRIBUTE_PAI)
        for (int32_t j = shape->image_begin; j < shape->image_end; j++) {
            s->abs_gain[j] = (float)options->alpha;
            s->marked = options->alpha != 0.0;
        }
    *state = s;
    return ATT_OK;
}

void att_redistribute_destroy(att_redistribute *s)
{
    if (!s) return;
    att_free(s->key_class);
    att_free(s->act_heads);
    att_free(s->packed);
    att_free(s->abs_gain);
    att_free(s->head_gain);
    att_free(s->count);
    att_free(s->visual_sinks);
    att_free(s);
}

int att_redistribute_in(const att_redistribute *s, int32_t layer)
{
    const att_redistribute_options *o = &s->options;
    const int32_t end = s->shape.layers - 1;
    if (o->method == ATT_REDISTRIBUTE_NONE || layer < 0 || layer > end) return 0;
    if (o->method == ATT_REDISTRIBUTE_VHR && o->first_layer < 0)
        return layer == 1 || layer > end - 14;
    const int32_t last = o->last_layer >= 0 ? o->last_layer : uses_classes(s) ? end - 1 : end;
    return layer >= o->first_layer && layer <= last;
}

static att_status check_told(const att_redistribute *s, att_redistribute_method method,
                             int32_t layer, int32_t n, att_err *err)
{
    if (s->options.method == method && layer >= 0 && layer < s->shape.layers && n >= 0 &&
        n <= s->shape.capacity)
        return ATT_OK;
    return att_fail(
        err, ATT_E_ARG,
        "redistribution by %s: told of %d keys of layer %d for %s - expected at most %d "
        "of %d layers",
        att_redistribute_name(s->options.method), n, layer, att_redistribute_name(method),
        s->shape.capacity, s->shape.layers);
}

att_status att_redistribute_hidden(att_redistribute *s, int32_t layer, const float *x, int32_t n,
                                   int32_t width, att_err *err)
{
    const att_status status = check_told(s, ATT_REDISTRIBUTE_VAR, layer, n, err);
    if (status) return status;
    uint8_t *class = s->key_class + layer * s->layer_classes;
    for (int32_t d = 0; d < s->shape.n_dims; d++)
        if (s->shape.dims[d] < 0 || s->shape.dims[d] >= width)
            return att_fail(err, ATT_E_ARG,
                            "redistribution by var: sinks show in dimension %d, the model has %d",
                            s->shape.dims[d], width);
    s->count[layer] = s->visual_sinks[layer] = 0;
    for (int32_t j = 0; j < n; j++) {
        const int visual = j >= s->shape.image_begin && j < s->shape.image_end;
        float phi;
        att_sink_phi(x + (int64_t)j * width, 1, width, s->shape.dims, s->shape.n_dims, &phi);
        if (isnan(phi))
            return att_fail(err, ATT_E_MODEL,
                            "redistribution by var: row %d of layer %d is not a number", j, layer);
        const int sink = (double)phi > s->options.tau;
        class[j] = visual ? (sink ? ATT_KEY_VISUAL_SINK : ATT_KEY_VISUAL)
                          : (sink ? ATT_KEY_TEXT_SINK : ATT_KEY_TEXT);
        s->count[layer] += sink;
        s->visual_sinks[layer] += sink && visual;
    }
    return ATT_OK;
}

att_status att_redistribute_columns(att_redistribute *s, int32_t layer, const float *key_mean,
                                    int32_t n, att_err *err)
{
    const att_status status = check_told(s, ATT_REDISTRIBUTE_ACT, layer, n, err);
    if (status) return status;
    s->count[layer] = 0;
    for (int32_t h = 0; h < s->shape.heads; h++) {
        uint8_t *class = s->key_class + layer * s->layer_classes + (int64_t)h * s->shape.capacity;
        int found = 0;
        for (int32_t j = 0; j < n; j++) {
            /* The tap is a mean of all n rows; n - j of them see the key. */
            const double mean = (double)key_mean[(int64_t)h * n + j] * n / (n - j);
            if (isnan(mean))
                return att_fail(err, ATT_E_MODEL,
                                "redistribution by act: column %d of head %d in layer %d is not a "
                                "number",
                                j, h, layer);
            const int sink = mean > s->options.sink && s->act_heads[layer * s->shape.heads + h];
            class[j] = sink && found; /* the first is meant to be one */
            found |= sink;
            s->count[layer] += class[j];
        }
    }
    return ATT_OK;
}

att_status att_redistribute_sets(att_redistribute *s, const uint8_t *set, int32_t n, att_err *err)
{
    const att_redistribute_options *o = &s->options;
    if (o->method != ATT_REDISTRIBUTE_PAINT || n != s->shape.image_end - s->shape.image_begin)
        return att_fail(err, ATT_E_ARG,
                        "redistribution by %s: told sets of %d patches, the picture has %d keys",
                        att_redistribute_name(o->method), n,
                        s->shape.image_end - s->shape.image_begin);
    s->marked = 0;
    for (int32_t j = 0; j < n; j++) {
        const double gain = set[j] == 1 ? o->alpha : set[j] == 2 ? o->beta_summary : 0.0;
        s->abs_gain[s->shape.image_begin + j] = (float)gain;
        s->marked |= gain != 0.0;
    }
    return ATT_OK;
}

att_status att_redistribute_heads(att_redistribute *s, int32_t layer, const float *with,
                                  const float *without, int32_t width, att_err *err)
{
    const att_status status = check_told(s, ATT_REDISTRIBUTE_VHR, layer, 0, err);
    if (status) return status;
    float *gain = s->head_gain + (int64_t)layer * s->shape.heads;
    s->count[layer] =
        att_vhr_choose(with, without, s->shape.heads, width, s->options.alpha, gain, NULL);
    if (s->count[layer] >= 0) return ATT_OK;
    s->count[layer] = 0;
    return att_fail(err, ATT_E_MODEL,
                    "redistribution by vhr: an output of a head of layer %d is not a number",
                    layer);
}

static void fill_classes(att_redistribute *s, int32_t layer, att_attn_call *call)
{
    const att_redistribute_options *o = &s->options;
    att_attn_classes *c = &call->classes;
    uint8_t *class = s->key_class + layer * s->layer_classes;
    const int32_t first = call->n_k - call->n_q; /* key of the first query */
    if (o->method == ATT_REDISTRIBUTE_VAR) {
        const uint32_t visual = 1u << ATT_KEY_VISUAL;
        const int32_t begin = s->shape.image_end - first;
        if (!s->visual_sinks[layer] || o->keep == 1.0 || begin >= call->n_q) return;
        *c = (att_attn_classes){.rule = ATT_CLASS_TO_ONE,
                                .gain = {1.0f, 1.0f, (float)o->keep, (float)o->keep},
                                .target = ATT_KEY_VISUAL,
                                .row_begin = begin > 0 ? begin : 0,
                                .when_of = visual | 1u << ATT_KEY_VISUAL_SINK,
                                .when_part_of = visual,
                                .when_mass = (float)o->summ,
                                .when_part = (float)o->rho};
        c->key_class = (att_view){NULL, class, 0, ATT_U8};
        return;
    }
    if (!s->count[layer] || o->beta == 1.0) return;
    *c = (att_attn_classes){
        .rule = ATT_CLASS_TO_ONE, .per_head = 1, .gain = {1.0f, (float)o->beta, 1.0f, 1.0f}};
    for (int32_t h = 0; h < s->shape.heads; h++) /* rows of as many keys as the call has */
        memcpy(s->packed + (int64_t)h * call->n_k, class + (int64_t)h * s->shape.capacity,
               (size_t)call->n_k);
    c->key_class = (att_view){NULL, s->packed, 0, ATT_U8};
}

att_status att_redistribute_fill(att_redistribute *s, int32_t layer, att_attn_call *call,
                                 att_err *err)
{
    const att_redistribute_method m = s->options.method;
    if (call->heads != s->shape.heads || call->n_k > s->shape.capacity || call->n_q > call->n_k)
        return att_fail(err, ATT_E_ARG,
                        "redistribution by %s: a call of %d heads, %d queries and %d keys - "
                        "expected %d heads and at most %d keys",
                        att_redistribute_name(m), call->heads, call->n_q, call->n_k, s->shape.heads,
                        s->shape.capacity);
    if (!att_redistribute_in(s, layer)) return ATT_OK;
    if (uses_classes(s)) {
        fill_classes(s, layer, call);
    } else if (m == ATT_REDISTRIBUTE_VHR) {
        float *gain = s->head_gain + (int64_t)layer * s->shape.heads;
        if (s->count[layer] && s->options.alpha != 1.0)
            call->head_gain = (att_view){NULL, gain, 0, ATT_F32};
    } else if (s->marked) {
        call->abs_gain = (att_view){NULL, s->abs_gain, 0, ATT_F32};
        call->gain_row_begin = call->n_q - 1;
        call->gain_row_end = call->n_q;
    }
    return ATT_OK;
}

int32_t att_redistribute_count(const att_redistribute *s, int32_t layer)
{
    return layer >= 0 && layer < s->shape.layers ? s->count[layer] : 0;
}
