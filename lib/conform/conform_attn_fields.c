/* conform_attn_fields.c - cases of attention beyond masks (conform.h): scores changed, keys and
 * heads in classes, rows changed, read-outs. Masks and lengths: conform_attn.c. */
#include <math.h>
#include <string.h>

#include "attn.h"
#include "conform_stems.h"
#include "mem.h"
#include "ref.h"

/* What a case asks for. */
enum {
    SOFTCAP = 1 << 0,
    BIAS = 1 << 1,
    ABS_GAIN = 1 << 2,
    SINK_LOGIT = 1 << 3,
    TOKEN_GAIN = 1 << 4, /* and head_gain */
    MIX = 1 << 5,        /* of 0, 1 and what lies between */
    GIVEN = 1 << 6,
    TO_ONE = 1 << 7,
    RENORMALISE = 1 << 8,
    PER_HEAD = 1 << 9,
    WHEN = 1 << 10,
    ROWS = 1 << 11, /* bias, gains, classes and mix in some rows only */
    MASS = 1 << 12, /* taps.class_mass */
    STATS = 1 << 13,
    KEYS = 1 << 14,
    WEIGHTED = 1 << 15, /* rows of taps.key_mean */
    MAPS = 1 << 16,
    HEADS = 1 << 17, /* streaming heads beside full ones, and some with keys of their own */
    KV_F16 = 1 << 18,
    Q_F16 = 1 << 19,
    WHOLE = 1 << 20,     /* rows begin at multiples of 8, out is half: `nv` bodies may take it */
    ADDED = 1 << 21,     /* out += */
    LOST = 1 << 22,      /* no key is of the class `target` */
    ALL_GONE = 1 << 23,  /* every gain is 0 */
    NAN_VALUE = 1 << 24, /* of the last key */
    NAN_QUERY = 1 << 25,
    FAST = 1 << 26,
    NO_LSE = 1 << 27
};

typedef struct field_case {
    int32_t batch, heads, kv_heads, n_q, n_k, d, e;
    uint32_t with, mask;
    int32_t q_first;
} field_case;

#define SCORE  (SOFTCAP | BIAS | ABS_GAIN)
#define HALVES (Q_F16 | KV_F16 | WHOLE)
#define CAUSAL ATT_MASK_CAUSAL

/* id, B H G T S D E, what it asks for, mask, q_first; the id is the name. */
#define VARIANTS(X)                                                                                \
    X(softcap_few, 1, 2, 2, 3, 65, 16, 16, SOFTCAP, 0, 0)                                          \
    X(scores_few, 2, 4, 2, 5, 77, 16, 20, SCORE | ROWS, CAUSAL, 60)                                \
    X(scores_many, 2, 4, 2, 50, 130, 37, 45, SCORE, CAUSAL, 70)                                    \
    X(scores_chunks_f16, 1, 2, 1, 2, 600, 64, 64, SCORE | KV_F16, 0, 0)                            \
    X(abs_gain_last_row, 1, 4, 4, 33, 65, 16, 16, ABS_GAIN | ROWS, CAUSAL, 32)                     \
    X(bias_in_rows_many_f16, 1, 2, 2, 40, 65, 16, 16, BIAS | ROWS | KV_F16 | Q_F16, 0, 0)          \
    X(sink_logit_few, 2, 3, 3, 4, 63, 16, 16, SINK_LOGIT | MASS, CAUSAL, -2)                       \
    X(sink_logit_many, 2, 3, 3, 49, 63, 16, 16, SINK_LOGIT | MASS, CAUSAL, -2)                     \
    X(sink_logit_chunks, 1, 2, 2, 3, 513, 16, 16, SINK_LOGIT, 0, 0)                                \
    X(token_gain_few, 2, 3, 3, 4, 65, 16, 20, TOKEN_GAIN | ADDED, 0, 0)                            \
    X(token_gain_many, 2, 3, 3, 40, 65, 16, 20, TOKEN_GAIN | ADDED, 0, 0)                          \
    X(token_gain_chunks, 1, 3, 3, 3, 300, 16, 20, TOKEN_GAIN | ADDED, 0, 0)                        \
    X(mix_few, 2, 3, 3, 7, 7, 16, 20, MIX | ROWS, CAUSAL, 0)                                       \
    X(mix_many, 2, 3, 1, 65, 65, 16, 40, MIX, CAUSAL, -3)                                          \
    X(mix_chunks_f16, 1, 3, 1, 130, 130, 16, 16, MIX | KV_F16, 0, 0)                               \
    X(given_few, 1, 4, 2, 5, 130, 16, 16, GIVEN | MASS, 0, 0)                                      \
    X(given_many_per_head, 2, 4, 2, 50, 130, 16, 16, GIVEN | PER_HEAD | MASS, CAUSAL, 80)          \
    X(given_one_key, 1, 1, 1, 1, 1, 4, 4, GIVEN | MASS, 0, 0)                                      \
    X(given_no_keys, 1, 2, 2, 3, 0, 8, 8, GIVEN | MASS | STATS, 0, 0)                              \
    X(to_one_few_f16, 1, 6, 2, 1, 913, 64, 64, TO_ONE | KV_F16 | MASS, 0, 0)                       \
    X(to_one_few_when, 2, 6, 2, 7, 65, 24, 24, TO_ONE | WHEN | PER_HEAD, CAUSAL, 30)               \
    X(to_one_many_when, 1, 6, 2, 70, 130, 24, 40, TO_ONE | WHEN | PER_HEAD | MASS, CAUSAL, 60)     \
    X(to_one_many_rows_f16, 1, 4, 1, 65, 65, 64, 64, TO_ONE | ROWS | KV_F16 | Q_F16, CAUSAL, 0)    \
    X(to_one_chunks, 1, 2, 2, 3, 600, 16, 16, TO_ONE | WHEN | MASS, CAUSAL, 400)                   \
    X(to_one_wide, 1, 2, 1, 20, 65, 128, 128, TO_ONE | MASS, 0, 0)                                 \
    X(to_one_of_no_keys_few, 1, 2, 2, 4, 65, 16, 16, TO_ONE | LOST, 0, 0)                          \
    X(to_one_of_no_keys_many, 1, 2, 2, 40, 65, 16, 16, TO_ONE | LOST, CAUSAL, 0)                   \
    X(renormalise_few, 2, 4, 2, 8, 63, 16, 16, RENORMALISE | WHEN | MASS, CAUSAL, 20)              \
    X(renormalise_many, 2, 4, 2, 49, 129, 37, 45, RENORMALISE | MASS, CAUSAL, 80)                  \
    X(renormalise_chunks, 1, 2, 2, 2, 600, 16, 16, RENORMALISE | ROWS, 0, 0)                       \
    X(renormalise_to_nothing, 1, 2, 2, 30, 65, 16, 16, RENORMALISE | ALL_GONE, 0, 0)               \
    X(rows_that_see_nothing_few, 1, 2, 2, 5, 40, 16, 16, TO_ONE | MASS | STATS | KEYS, CAUSAL, -3) \
    X(rows_that_see_nothing_many, 1, 2, 2, 60, 40, 16, 16,                                         \
      RENORMALISE | MASS | STATS | KEYS | NO_LSE, CAUSAL, -50)                                     \
    X(all_at_once_few, 2, 4, 2, 8, 8, 24, 24,                                                      \
      SCORE | SINK_LOGIT | TOKEN_GAIN | MIX | TO_ONE | PER_HEAD | MASS | STATS | KEYS | WEIGHTED | \
          ROWS | MAPS,                                                                             \
      CAUSAL, 0)                                                                                   \
    X(all_at_once_many, 2, 4, 2, 65, 65, 24, 24,                                                   \
      SCORE | SINK_LOGIT | TOKEN_GAIN | MIX | TO_ONE | PER_HEAD | MASS | STATS | KEYS | WEIGHTED | \
          ROWS | MAPS,                                                                             \
      CAUSAL, 0)                                                                                   \
    X(all_at_once_f16, 1, 4, 1, 64, 64, 24, 24,                                                    \
      SCORE | SINK_LOGIT | TOKEN_GAIN | MIX | RENORMALISE | WHEN | MASS | STATS | KEYS | KV_F16 |  \
          Q_F16,                                                                                   \
      CAUSAL, 0)                                                                                   \
    X(stats_few, 2, 4, 2, 3, 130, 16, 16, STATS | NO_LSE, CAUSAL, 100)                             \
    X(stats_many_f16, 1, 4, 2, 40, 65, 16, 16, STATS | KV_F16, CAUSAL, 20)                         \
    X(keys_few_f16, 2, 4, 2, 3, 130, 16, 16, KEYS | KV_F16 | NO_LSE, CAUSAL, 100)                  \
    X(keys_many, 2, 4, 2, 65, 200, 37, 16, KEYS | WEIGHTED, CAUSAL, 100)                           \
    X(keys_many_f16_wide, 1, 2, 1, 30, 65, 128, 16, KEYS | KV_F16 | Q_F16 | NO_LSE, 0, 0)          \
    X(streaming_heads_few, 2, 6, 2, 4, 100, 16, 16, HEADS | MASS | STATS | KEYS, CAUSAL, 96)       \
    X(streaming_heads_many, 2, 6, 2, 60, 150, 16, 16, HEADS | KEYS | MAPS, CAUSAL, 90)             \
    X(streaming_heads_chunks_f16, 1, 6, 3, 1, 513, 64, 64, HEADS | KV_F16 | TO_ONE, CAUSAL, 512)   \
    X(streaming_heads_gained, 1, 6, 3, 40, 80, 16, 16,                                             \
      HEADS | KV_F16 | TO_ONE | PER_HEAD | ABS_GAIN | SINK_LOGIT | MASS | MAPS, CAUSAL, 40)        \
    X(a_nan_value_few, 1, 2, 2, 3, 65, 16, 16, NAN_VALUE | TO_ONE, CAUSAL, 62)                     \
    X(a_nan_value_many, 1, 2, 2, 40, 65, 16, 16, NAN_VALUE | TO_ONE, CAUSAL, 30)                   \
    X(a_nan_query_few, 1, 2, 2, 4, 65, 16, 16, NAN_QUERY | TO_ONE | MASS | STATS | KEYS, 0, 0)     \
    X(a_nan_query_many, 1, 2, 2, 40, 65, 16, 16, NAN_QUERY | RENORMALISE | MASS | STATS | KEYS,    \
      CAUSAL, 20)                                                                                  \
    X(fast_many, 1, 2, 2, 65, 130, 16, 40, FAST | TO_ONE | ABS_GAIN | MASS | KEYS, CAUSAL, 65)     \
    X(halves_heads, 1, 6, 2, 70, 150, 64, 64, HALVES | HEADS | STATS | KEYS, CAUSAL, 80)           \
    X(halves_to_one, 1, 4, 2, 70, 129, 64, 64, HALVES | TO_ONE | MASS | WHEN, CAUSAL, 59)          \
    X(halves_abs_gain_wide, 1, 2, 2, 40, 65, 128, 128, HALVES | ABS_GAIN | ROWS, CAUSAL, 25)

enum {
#define VARIANT_ID(id, ...) V_##id,
    VARIANTS(VARIANT_ID)
#undef VARIANT_ID
};

static const field_case TABLE[] = {
#define VARIANT_ROW(id, ...) {__VA_ARGS__},
    VARIANTS(VARIANT_ROW)
#undef VARIANT_ROW
};

/* Arrays on both sides: inputs, what the call writes, whole numbers. */
enum {
    Q,
    K,
    V,
    OWN_K,
    OWN_V,
    BIASES,
    GAINS,
    SINKS,
    HEAD_GAINS,
    TOKEN_GAINS,
    MIXES,
    ROW_WEIGHTS,
    OUT,
    LSE,
    ENTROPY,
    DISTANCE,
    WINDOWED,
    ARGMAX,
    CLASS_MASS,
    KEY_MEAN,
    KEY_BAND,
    SCORES,
    PROBS,
    N_NUMBERS,
    KEY_CLASS = N_NUMBERS,
    HEAD_CLASS,
    OWN_POS,
    SCRATCH,
    N_ARRAYS
};

enum { MAP_ROWS_FROM = 1, N_CLASSES = ATT_ATTN_MAX_CLASSES };
static const int32_t MAP_HEADS[] = {1, 0};

typedef struct bench {
    field_case c;
    atti_array array[N_ARRAYS];
    att_attn_head_class classes[2][3]; /* of the reference, of the device */
} bench;

/* Keys of the third class of heads. */
static int32_t own_keys(const field_case *c)
{
    return c->n_k / 2;
}

static att_status make_numbers(att_queue *queue, bench *b, att_err *err)
{
    const field_case *c = &b->c;
    const int64_t rows = (int64_t)c->batch * c->n_q, keys = (int64_t)c->batch * c->n_k;
    const int64_t lines = rows * c->heads, columns = keys * c->heads;
    const int64_t map = c->with & MAPS ? 2 * c->batch * (c->n_q - MAP_ROWS_FROM) * c->n_k : 0;
    const int own = (c->with & HEADS) != 0;
    const struct {
        int64_t n;
        float amplitude;
        uint32_t half; /* the bit of `with` that makes it f16 */
    } of[N_NUMBERS] = {
        [Q] = {rows * c->heads * c->d, 2.0f, Q_F16},
        [K] = {keys * c->kv_heads * c->d, 2.0f, KV_F16},
        [V] = {keys * c->kv_heads * c->e, 1.0f, KV_F16},
        [OWN_K] = {own * keys * c->kv_heads * c->d, 2.0f, KV_F16},
        [OWN_V] = {own * keys * c->kv_heads * c->e, 1.0f, KV_F16},
        [BIASES] = {(int64_t)c->heads * c->n_q * c->n_k, 1.0f, 0},
        [GAINS] = {c->n_k, 1.0f, 0},
        [SINKS] = {c->heads, 2.0f, 0},
        [HEAD_GAINS] = {c->heads, 1.0f, 0},
        [TOKEN_GAINS] = {lines, 1.0f, 0},
        [MIXES] = {c->heads, 0.9f, 0},
        [ROW_WEIGHTS] = {c->n_q, 1.0f, 0},
        [OUT] = {rows * c->heads * c->e, 1.0f, WHOLE},
        [LSE] = {lines, 1.0f, 0},
        [ENTROPY] = {lines, 1.0f, 0},
        [DISTANCE] = {lines, 1.0f, 0},
        [WINDOWED] = {lines, 1.0f, 0},
        [ARGMAX] = {lines, 1.0f, 0},
        [CLASS_MASS] = {lines * N_CLASSES, 1.0f, 0},
        [KEY_MEAN] = {columns, 1.0f, 0},
        [KEY_BAND] = {columns, 1.0f, 0},
        [SCORES] = {map, 1.0f, 0},
        [PROBS] = {map, 1.0f, 0},
    };
    att_status status = ATT_OK;
    for (uint32_t i = 0; !status && i < N_NUMBERS; i++)
        status = atti_array_make(queue, &b->array[i], of[i].n, i + 1, of[i].amplitude,
                                 of[i].half & c->with ? ATT_F16 : ATT_F32, err);
    if (!status) status = atti_array_set(queue, &b->array[MIXES], 0, 0.0f, err);
    if (!status && c->heads > 1) status = atti_array_set(queue, &b->array[MIXES], 1, 1.0f, err);
    for (int32_t i = 0; !status && i < c->n_q && (c->with & WEIGHTED); i++)
        status = atti_array_set(queue, &b->array[ROW_WEIGHTS], i, (float)(i % 3), err);
    if (!status && (c->with & NAN_QUERY))
        status = atti_array_set(queue, &b->array[Q], c->heads * c->d + 1, NAN, err);
    if (!status && (c->with & NAN_VALUE))
        status =
            atti_array_set(queue, &b->array[V], (c->n_k - 1) * c->kv_heads * c->e + 2, NAN, err);
    return status;
}

/* Bytes, stored as words. */
static att_status make_bytes(att_queue *queue, bench *b, int which, int64_t n, att_err *err)
{
    const field_case *c = &b->c;
    const int64_t words = n / 4 + 1;
    int32_t *values = att_calloc((size_t)words, sizeof *values);
    if (!values) return att_fail(err, ATT_E_MEMORY, "check: out of memory");
    uint8_t *bytes = (uint8_t *)values;
    for (int64_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(which == HEAD_CLASS ? i % 3 : (i * 7 + i / 5) % N_CLASSES);
        if (which == KEY_CLASS && (c->with & LOST) && bytes[i] == 2) bytes[i] = 1;
    }
    const att_status status = atti_array_ids(queue, &b->array[which], values, words, err);
    att_free(values);
    return status;
}

/* Sides that are whole numbers: classes, and positions of a cache that wraps around. */
static att_status make_sides(att_queue *queue, bench *b, att_err *err)
{
    const field_case *c = &b->c;
    const int32_t own = own_keys(c), n = c->batch * own;
    int32_t *values = att_calloc((size_t)n + 1, sizeof *values);
    if (!values) return att_fail(err, ATT_E_MEMORY, "check: out of memory");
    for (int32_t i = 0; i < n; i++) values[i] = c->n_k - 1 - (i * 3 + 1) % own;
    att_status status = atti_array_ids(queue, &b->array[OWN_POS], values, n, err);
    att_free(values);
    if (!status) status = make_bytes(queue, b, KEY_CLASS, (int64_t)c->heads * c->n_k, err);
    if (!status) status = make_bytes(queue, b, HEAD_CLASS, c->heads, err);
    return status;
}

static att_view side(const bench *b, int which, int device)
{
    return device ? atti_array_device(&b->array[which]) : atti_array_host(&b->array[which]);
}

static att_view bytes_of(const bench *b, int which, int device)
{
    att_view view = side(b, which, device);
    view.dtype = ATT_U8;
    return view;
}

static att_attn_view operand(att_view view, int32_t tokens, int32_t heads, int32_t width)
{
    const att_attn_view v = {view, (int64_t)tokens * heads * width, width, heads * width};
    return v;
}

/* Full heads, heads of a sink and a window, and heads with fewer keys at positions of their own. */
static void set_heads(bench *b, att_attn_call *call, int device)
{
    const field_case *c = &b->c;
    const int32_t own = own_keys(c);
    att_attn_head_class *of = b->classes[device];
    memset(b->classes[device], 0, sizeof b->classes[device]);
    of[0].mask = call->mask;
    of[1].mask = call->mask;
    of[1].mask.flags |= ATT_MASK_WINDOW | ATT_MASK_SINK;
    of[1].mask.left = 9;
    of[1].mask.n_sink = 3;
    of[2].mask = call->mask;
    of[2].mask.k_pos = side(b, OWN_POS, device);
    of[2].k = operand(side(b, OWN_K, device), own, c->kv_heads, c->d);
    of[2].v = operand(side(b, OWN_V, device), own, c->kv_heads, c->e);
    of[2].n_k = own;
    call->head_class = bytes_of(b, HEAD_CLASS, device);
    call->head_classes = of;
    call->n_head_classes = 3;
}

static void set_classes(const bench *b, att_attn_call *call, int device)
{
    const uint32_t with = b->c.with;
    const float gains[] = {1.0f, 0.4f, 1.0f, 0.0f};
    att_attn_classes *k = &call->classes;
    if (!(with & (GIVEN | TO_ONE | RENORMALISE | MASS))) return;
    k->key_class = bytes_of(b, KEY_CLASS, device);
    k->per_head = (with & PER_HEAD) != 0;
    k->rule = with & GIVEN         ? ATT_CLASS_GIVEN
              : with & TO_ONE      ? ATT_CLASS_TO_ONE
              : with & RENORMALISE ? ATT_CLASS_RENORMALISE
                                   : ATT_CLASS_NONE;
    for (int i = 0; i < N_CLASSES; i++) k->gain[i] = with & ALL_GONE ? 0.0f : gains[i];
    k->target = 2;
    if (with & WHEN) {
        k->when_of = 1u << 1 | 1u << 2;
        k->when_part_of = 1u << 2;
        k->when_mass = 0.45f;
        k->when_part = 0.5f;
    }
    if (with & ROWS) {
        k->row_begin = 1;
        k->row_end = b->c.n_q - 1;
    }
}

static void set_scores(const bench *b, att_attn_call *call, int device)
{
    const field_case *c = &b->c;
    if (c->with & SOFTCAP) call->softcap = 1.5f;
    if (c->with & BIAS) {
        call->bias.view = side(b, BIASES, device);
        call->bias.head = (int64_t)c->n_q * c->n_k;
        call->bias.token = c->n_k;
    }
    if (c->with & ABS_GAIN) call->abs_gain = side(b, GAINS, device);
    if (c->with & SINK_LOGIT) call->sink_logit = side(b, SINKS, device);
    if (!(c->with & ROWS)) return;
    call->bias_row_begin = 2;
    call->gain_row_begin = c->n_q - 1;
    call->gain_row_end = c->n_q;
}

static void set_rows(const bench *b, att_attn_call *call, int device)
{
    const field_case *c = &b->c;
    if (c->with & TOKEN_GAIN) {
        call->head_gain = side(b, HEAD_GAINS, device);
        call->token_gain = side(b, TOKEN_GAINS, device);
    }
    if (c->with & MIX) call->diag_mix = side(b, MIXES, device);
    if (c->with & ROWS) {
        call->mix_row_begin = 1;
        call->mix_row_end = c->n_q - 1;
    }
}

static void set_taps(const bench *b, att_attn_call *call, int device)
{
    const uint32_t with = b->c.with;
    att_attn_taps *t = &call->taps;
    if (!(with & NO_LSE)) t->lse = side(b, LSE, device);
    if (with & MASS) t->class_mass = side(b, CLASS_MASS, device);
    if (with & STATS) {
        t->entropy = side(b, ENTROPY, device);
        t->distance = side(b, DISTANCE, device);
        t->windowed_distance = side(b, WINDOWED, device);
        t->distance_window = 7;
        t->argmax = side(b, ARGMAX, device);
        t->argmax.dtype = ATT_I32;
    }
    if (with & KEYS) {
        t->key_mean = side(b, KEY_MEAN, device);
        t->key_band_mean = side(b, KEY_BAND, device);
        t->band_low = 2;
        t->band_high = 20;
    }
    if (with & WEIGHTED) t->row_weight = side(b, ROW_WEIGHTS, device);
    if (with & MAPS) {
        t->scores = side(b, SCORES, device);
        t->probabilities = side(b, PROBS, device);
        t->heads = MAP_HEADS;
        t->n_heads = 2;
        t->row_begin = MAP_ROWS_FROM;
    }
}

static att_attn_call call_of(bench *b, int device)
{
    const field_case *c = &b->c;
    att_attn_call call = {.batch = c->batch,
                          .heads = c->heads,
                          .kv_heads = c->kv_heads,
                          .d_qk = c->d,
                          .d_v = c->e,
                          .n_q = c->n_q,
                          .n_k = c->n_k,
                          .scale = 1.0f / sqrtf((float)c->d)};
    call.precision = c->with & FAST ? ATT_PRECISION_FAST : ATT_PRECISION_EXACT;
    call.q = operand(side(b, Q, device), c->n_q, c->heads, c->d);
    call.k = operand(side(b, K, device), c->n_k, c->kv_heads, c->d);
    call.v = operand(side(b, V, device), c->n_k, c->kv_heads, c->e);
    call.out = operand(side(b, OUT, device), c->n_q, c->heads, c->e);
    call.mask.flags = c->mask;
    call.mask.q_first = c->q_first;
    call.accumulate = (c->with & ADDED) != 0;
    set_scores(b, &call, device);
    set_rows(b, &call, device);
    set_classes(b, &call, device);
    set_taps(b, &call, device);
    if (c->with & HEADS) set_heads(b, &call, device);
    return call;
}

/* Whether the device rounds what products take to bf16: then the reference is given the same. */
static int round_operands(att_queue *queue, bench *b)
{
    const float factor = 1.0f / sqrtf((float)b->c.d) * 1.44269504f;
    if (!(b->c.with & FAST) || b->c.n_q <= 8 ||
        !att_device_has(att_queue_device(queue), ATT_FEATURE_DOT_BF16))
        return 0;
    for (int which = Q; which <= V; which++)
        atti_array_round(&b->array[which], which == Q ? factor : 1.0f);
    return 1;
}

static att_status compare(att_queue *queue, const bench *b, int rounded, att_conform_result *result,
                          att_err *err)
{
    const field_case *c = &b->c;
    /* A score of D products is off by D roundings, half as much again where a gain makes it larger;
     * its row's weights by as much. Redistribution divides by masses of some tenths. */
    const double score = 8.0 * (c->d + 8) * 0x1p-24;
    const double weight = rounded ? 0x1p-8 : c->with & WHOLE ? 0x1p-10 : 2.0 * score;
    const double half = c->with & WHOLE ? 0x1p-10 : 1e-6;
    const struct {
        int which;
        const char *name;
        double abs, rel;
    } arrays[] = {
        {OUT, "out", score + weight, half},
        {LSE, "lse", score, 1e-6},
        {ENTROPY, "entropy", 8.0 * score, 1e-6}, /* up to ln S of them */
        {DISTANCE, "distance", c->n_k * score, 1e-6},
        {WINDOWED, "windowed", c->n_k * score, 1e-6},
        {ARGMAX, "argmax", 0.0, 0.0}, /* bits */
        {CLASS_MASS, "class_mass", score, 1e-6},
        {KEY_MEAN, "key_mean", score, 1e-6},
        {KEY_BAND, "key_band_mean", score, 1e-6},
        {SCORES, "scores", score, 1e-6},
        {PROBS, "probs", score, 1e-6},
    };
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < sizeof arrays / sizeof *arrays; i++)
        status = atti_array_compare(queue, &b->array[arrays[i].which], result, arrays[i].name,
                                    arrays[i].abs, arrays[i].rel, err);
    return status;
}

/* Both sides, then every array that the call may have written. */
static att_status run_both(att_queue *queue, bench *b, att_conform_result *result, att_err *err)
{
    const att_attn_call host = call_of(b, 0), device = call_of(b, 1);
    const int64_t need = att_attn_scratch(att_queue_device(queue), &device);
    float after[ATT_CONFORM_GUARD];
    atti_array *scratch = &b->array[SCRATCH];
    att_status status = atti_array_make(queue, scratch, need, 99, 1.0f, ATT_F32, err);
    if (!status) status = att_attn(queue, &device, atti_array_device(scratch), err);
    if (status) return status;
    const int rounded = round_operands(queue, b);
    const char *broken = att_ref_attn(&host);
    if (broken) return att_fail(err, ATT_E_ARG, "check: the reference refuses: %s", broken);
    status = compare(queue, b, rounded, result, err);
    if (!status)
        status = att_queue_read(queue, after, att_view_at(atti_array_device(scratch), need),
                                ATT_CONFORM_GUARD, err);
    if (!status)
        att_conform_compare(result, "scratch", after, (float *)scratch->host + need, 0, 0.0, 0.0);
    return status;
}

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    bench b;
    memset(&b, 0, sizeof b);
    b.c = TABLE[variant];
    if (small && b.c.n_q > 6) b.c.n_q = 6;
    if (small && b.c.n_k > 20) b.c.n_k = 20;
    if (b.c.with & MIX) b.c.n_k = b.c.n_q;
    att_status status = make_numbers(queue, &b, err);
    if (!status) status = make_sides(queue, &b, err);
    if (!status) status = run_both(queue, &b, result, err);
    for (int i = 0; i < N_ARRAYS; i++) atti_array_destroy(&b.array[i]);
    return status;
}

static const att_conform_case CASES[] = {
#define VARIANT_CASE(id, ...) {"attn_fields", #id, run, V_##id},
    VARIANTS(VARIANT_CASE)
#undef VARIANT_CASE
};

const att_conform_case *att_conform_attn_fields(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
