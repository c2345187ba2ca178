/* conform_attn.c - cases of attention (conform.h): masks x lengths x dtypes x shared heads. */
#include <math.h>
#include <string.h>

#include "attn.h"
#include "conform_stems.h"
#include "half.h"
#include "mem.h"
#include "ref.h"

/* Side arrays and taps that a case brings. */
enum {
    POSITIONS = 1 << 0,  /* explicit, out of order */
    HEAD_SCALE = 1 << 1, /* scale per head, one of them 0 */
    MAPS = 1 << 2,       /* lse, scores and probabilities of two heads */
    KV_F16 = 1 << 3,
    Q_F16 = 1 << 4,
    HEAD_MAJOR = 1 << 5, /* keys and values [B][G][S][D], as in a cache of heads */
    NAN_QUERY = 1 << 6,
    LOUD = 1 << 7, /* scores of some hundreds: exp must not overflow */
    LSE = 1 << 8,
    NAN_KEY = 1 << 9, /* the middle key and value: rows that do not see it do not know */
    GAINS = 1 << 10,  /* head_gain, and out += */
    OUT_F16 = 1 << 11,
    FAST = 1 << 13, /* products of bf16 */
    WHOLE = 1 << 12 /* rows begin at multiples of 8: `nv` bodies take them */
};

typedef struct attn_case {
    int32_t batch, heads, kv_heads, n_q, n_k, d, e;
    uint32_t with, mask;
    int32_t q_first, left, right, n_sink, n_global;
} attn_case;

#define HALVES (Q_F16 | KV_F16 | OUT_F16 | WHOLE)
#define CAUSAL ATT_MASK_CAUSAL
#define WINDOW ATT_MASK_WINDOW
#define SINK   ATT_MASK_SINK
#define SPAN   ATT_MASK_SPAN
#define LIFTS  ATT_MASK_SPAN_LIFTS_WINDOW
#define SEQ    ATT_MASK_SEQ
#define GLOBAL ATT_MASK_GLOBAL
#define BITS   ATT_MASK_BITS

/* id, B H G T S D E, side arrays, mask, q_first left right sinks globals; the id is the name. */
#define VARIANTS(X)                                                                                \
    X(one_key, 1, 1, 1, 1, 1, 4, 4, LSE, 0, 0, 0, 0, 0, 0)                                         \
    X(no_keys, 1, 2, 2, 3, 0, 8, 8, LSE, 0, 0, 0, 0, 0, 0)                                         \
    X(no_keys_many_rows, 1, 2, 2, 50, 0, 8, 8, LSE, 0, 0, 0, 0, 0, 0)                              \
    X(plain_1x63, 1, 2, 2, 1, 63, 64, 64, LSE, 0, 0, 0, 0, 0, 0)                                   \
    X(plain_1x513_two_chunks, 1, 2, 2, 1, 513, 64, 64, LSE, 0, 0, 0, 0, 0, 0)                      \
    X(plain_1x1500_f16, 1, 2, 1, 1, 1500, 64, 64, KV_F16, 0, 0, 0, 0, 0, 0)                        \
    X(plain_3x913_odd_widths, 2, 2, 2, 3, 913, 37, 45, LSE, 0, 0, 0, 0, 0, 0)                      \
    X(plain_8x65_f16_q_f16, 1, 4, 4, 8, 65, 24, 72, KV_F16 | Q_F16, 0, 0, 0, 0, 0, 0)              \
    X(plain_9x65, 1, 4, 4, 9, 65, 64, 64, LSE, 0, 0, 0, 0, 0, 0)                                   \
    X(plain_49x129_odd_widths, 2, 2, 2, 49, 129, 37, 45, LSE, 0, 0, 0, 0, 0, 0)                    \
    X(plain_97x128_f16_q_f16_head_major, 1, 4, 2, 97, 128, 40, 128, KV_F16 | Q_F16 | HEAD_MAJOR,   \
      0, 0, 0, 0, 0, 0)                                                                            \
    X(plain_65x913_shared_by_4, 1, 8, 2, 65, 913, 64, 64, 0, 0, 0, 0, 0, 0, 0)                     \
    X(plain_2x513_shared_by_8, 2, 8, 1, 2, 513, 32, 32, LSE, 0, 0, 0, 0, 0, 0)                     \
    X(loud_few, 1, 2, 2, 4, 600, 64, 64, LOUD | LSE, 0, 0, 0, 0, 0, 0)                             \
    X(loud_many, 1, 2, 2, 60, 300, 64, 64, LOUD | LSE, 0, 0, 0, 0, 0, 0)                           \
    X(causal_1_of_65, 1, 2, 2, 1, 65, 64, 64, 0, CAUSAL, 64, 0, 0, 0, 0)                           \
    X(causal_4_of_700, 1, 2, 1, 4, 700, 64, 64, LSE | KV_F16, CAUSAL, 500, 0, 0, 0, 0)             \
    X(causal_65x65, 1, 2, 2, 65, 65, 64, 64, LSE, CAUSAL, 0, 0, 0, 0, 0)                           \
    X(causal_130x500_chunked_prefill, 2, 2, 2, 130, 500, 32, 32, 0, CAUSAL, 370, 0, 0, 0, 0)       \
    X(causal_rows_that_see_nothing_few, 1, 2, 2, 5, 40, 16, 16, LSE, CAUSAL, -3, 0, 0, 0, 0)       \
    X(causal_rows_that_see_nothing_many, 1, 2, 2, 60, 40, 16, 16, LSE, CAUSAL, -50, 0, 0, 0, 0)    \
    X(causal_rows_that_see_nothing_chunks, 1, 2, 2, 5, 600, 16, 16, LSE, CAUSAL, -3, 0, 0, 0, 0)   \
    X(causal_ring, 2, 2, 2, 70, 90, 16, 16, POSITIONS, CAUSAL, 0, 0, 0, 0, 0)                      \
    X(causal_ring_few, 2, 2, 2, 5, 600, 16, 16, POSITIONS, CAUSAL, 0, 0, 0, 0, 0)                  \
    X(window_7_back_2_ahead, 1, 2, 2, 150, 300, 16, 16, 0, WINDOW, 60, 7, 2, 0, 0)                 \
    X(window_open_to_the_left, 1, 2, 2, 5, 300, 16, 16, 0, WINDOW, 60, -1, 2, 0, 0)                \
    X(window_open_to_the_right, 1, 2, 2, 70, 300, 16, 16, LSE, WINDOW, 100, 5, -1, 0, 0)           \
    X(window_wider_than_a_key_block, 1, 1, 1, 60, 700, 16, 16, 0, CAUSAL | WINDOW, 640, 400, 0, 0, \
      0)                                                                                           \
    X(causal_window_and_sinks, 1, 2, 2, 90, 400, 16, 16, 0, CAUSAL | WINDOW | SINK, 300, 20, 0, 4, \
      0)                                                                                           \
    X(causal_window_and_sinks_few, 1, 2, 2, 6, 700, 16, 16, POSITIONS, CAUSAL | WINDOW | SINK,     \
      300, 20, 0, 4, 0)                                                                            \
    X(sinks_alone, 1, 2, 2, 20, 30, 16, 16, LSE, SINK, 0, 0, 0, 3, 0)                              \
    X(causal_free_in_a_span, 2, 2, 2, 60, 200, 16, 16, 0, CAUSAL | SPAN, 100, 0, 0, 0, 0)          \
    X(causal_free_in_a_span_far_ahead, 1, 2, 2, 60, 400, 16, 16, 0, CAUSAL | SPAN, 0, 0, 0, 0, 0)  \
    X(window_free_in_a_span, 1, 2, 2, 60, 200, 16, 16, 0, CAUSAL | SPAN | WINDOW | LIFTS, 100, 9,  \
      0, 0, 0)                                                                                     \
    X(window_a_span_does_not_lift_it, 1, 2, 2, 7, 200, 16, 16, 0, CAUSAL | SPAN | WINDOW, 100, 9,  \
      0, 0, 0)                                                                                     \
    X(packed_sequences, 2, 2, 2, 70, 70, 16, 16, LSE, CAUSAL | SEQ, 0, 0, 0, 0, 0)                 \
    X(packed_sequences_few, 2, 2, 2, 4, 600, 16, 16, LSE, SEQ, 0, 0, 0, 0, 0)                      \
    X(global_tokens, 1, 2, 2, 60, 200, 16, 16, 0, WINDOW | GLOBAL, 0, 3, 3, 0, 2)                  \
    X(bits, 2, 2, 2, 60, 203, 16, 16, LSE, BITS, 0, 0, 0, 0, 0)                                    \
    X(bits_under_causal_few, 1, 2, 2, 6, 203, 16, 16, LSE, BITS | CAUSAL, 150, 0, 0, 0, 0)         \
    X(scale_per_head_few, 1, 3, 3, 4, 77, 16, 16, HEAD_SCALE, 0, 0, 0, 0, 0, 0)                    \
    X(scale_per_head_many, 1, 3, 3, 40, 77, 16, 16, HEAD_SCALE, 0, 0, 0, 0, 0, 0)                  \
    X(gains_added_few, 2, 3, 3, 4, 77, 16, 20, GAINS | LSE, CAUSAL, 20, 0, 0, 0, 0)                \
    X(gains_added_chunks, 1, 3, 1, 3, 600, 16, 16, GAINS, 0, 0, 0, 0, 0, 0)                        \
    X(gains_added_many, 2, 3, 3, 60, 77, 16, 20, GAINS | LSE, CAUSAL, -4, 0, 0, 0, 0)              \
    X(maps_few, 2, 4, 2, 5, 130, 16, 16, MAPS | HEAD_SCALE, CAUSAL, 100, 0, 0, 0, 0)               \
    X(maps_many_f16, 2, 4, 4, 70, 65, 16, 16, MAPS | KV_F16 | Q_F16, CAUSAL, -5, 0, 0, 0, 0)       \
    X(a_nan_key_is_for_those_who_see_it_few, 1, 2, 2, 5, 80, 16, 48, NAN_KEY | LSE, CAUSAL, 38, 0, \
      0, 0, 0)                                                                                     \
    X(a_nan_key_is_for_those_who_see_it_many, 1, 2, 2, 60, 300, 16, 48, NAN_KEY | LSE, CAUSAL,     \
      130, 0, 0, 0, 0)                                                                             \
    X(a_nan_key_of_another_sequence, 2, 2, 2, 60, 80, 16, 16, NAN_KEY, SEQ, 0, 0, 0, 0, 0)         \
    X(a_nan_query_poisons_its_row_few, 1, 2, 2, 5, 80, 16, 16, NAN_QUERY | LSE, 0, 0, 0, 0, 0, 0)  \
    X(a_nan_query_poisons_its_row_many, 1, 2, 2, 50, 80, 16, 16, NAN_QUERY | LSE | MAPS, CAUSAL,   \
      40, 0, 0, 0, 0)                                                                              \
    X(fast_9x65, 1, 4, 2, 9, 65, 64, 64, FAST | LSE, 0, 0, 0, 0, 0, 0)                             \
    X(fast_97x913_odd_widths, 2, 2, 2, 97, 913, 1, 45, FAST | LSE, 0, 0, 0, 0, 0, 0)               \
    X(fast_130x129_wide_f16, 1, 2, 2, 130, 129, 16, 128, FAST | KV_F16, 0, 0, 0, 0, 0, 0)          \
    X(fast_loud, 1, 2, 2, 60, 300, 64, 64, FAST | LOUD | LSE, 0, 0, 0, 0, 0, 0)                    \
    X(fast_causal_130x500, 1, 2, 2, 130, 500, 64, 64, FAST | LSE, CAUSAL, 370, 0, 0, 0, 0)         \
    X(fast_rows_that_see_nothing, 1, 2, 2, 60, 40, 16, 16, FAST | LSE, CAUSAL, -50, 0, 0, 0, 0)    \
    X(fast_gains_added, 2, 3, 3, 60, 77, 16, 20, FAST | GAINS | LSE, CAUSAL, -4, 0, 0, 0, 0)       \
    X(fast_nan_key, 1, 2, 2, 60, 300, 16, 48, FAST | NAN_KEY | LSE, CAUSAL, 130, 0, 0, 0, 0)       \
    X(fast_nan_query, 1, 2, 2, 50, 80, 16, 16, FAST | NAN_QUERY | LSE, CAUSAL, 40, 0, 0, 0, 0)     \
    X(halves_5x300_few, 1, 2, 2, 5, 300, 64, 64, HALVES | LSE, 0, 0, 0, 0, 0, 0)                   \
    X(halves_130x200, 2, 4, 2, 130, 200, 64, 64, HALVES | LSE, 0, 0, 0, 0, 0, 0)                   \
    X(halves_70x129_wide, 1, 4, 4, 70, 129, 128, 128, HALVES | LSE, 0, 0, 0, 0, 0, 0)              \
    X(halves_129x64_head_major_out_f32, 1, 2, 1, 129, 64, 64, 64,                                  \
      Q_F16 | KV_F16 | WHOLE | HEAD_MAJOR, 0, 0, 0, 0, 0, 0)                                       \
    X(halves_no_keys, 1, 2, 2, 50, 0, 64, 64, HALVES | LSE, 0, 0, 0, 0, 0, 0)                      \
    X(halves_loud, 1, 2, 2, 60, 300, 64, 64, HALVES | LOUD | LSE, 0, 0, 0, 0, 0, 0)                \
    X(halves_causal_130x500_chunked_prefill, 2, 2, 2, 130, 500, 64, 64, HALVES | LSE, CAUSAL, 370, \
      0, 0, 0, 0)                                                                                  \
    X(halves_causal_70x70_wide, 1, 2, 2, 70, 70, 128, 128, HALVES, CAUSAL, 0, 0, 0, 0, 0)          \
    X(halves_causal_rows_that_see_nothing, 1, 2, 2, 60, 40, 64, 64, HALVES | LSE, CAUSAL, -50, 0,  \
      0, 0, 0)                                                                                     \
    X(halves_causal_ring, 2, 2, 2, 70, 90, 64, 64, HALVES | POSITIONS, CAUSAL, 0, 0, 0, 0, 0)      \
    X(halves_causal_window_and_sinks, 1, 2, 2, 90, 400, 64, 64, HALVES, CAUSAL | WINDOW | SINK,    \
      300, 20, 0, 4, 0)                                                                            \
    X(halves_packed_sequences, 2, 2, 2, 70, 70, 64, 64, HALVES | LSE, CAUSAL | SEQ, 0, 0, 0, 0, 0) \
    X(halves_bits, 2, 2, 2, 60, 203, 64, 64, HALVES | LSE, BITS, 0, 0, 0, 0, 0)                    \
    X(halves_scale_per_head, 1, 3, 3, 40, 77, 64, 64, HALVES | HEAD_SCALE, 0, 0, 0, 0, 0, 0)       \
    X(halves_gains_added, 2, 3, 3, 60, 77, 64, 64, HALVES | GAINS | LSE, CAUSAL, -4, 0, 0, 0, 0)   \
    X(halves_nan_key, 1, 2, 2, 60, 300, 64, 64, HALVES | NAN_KEY | LSE, CAUSAL, 130, 0, 0, 0, 0)   \
    X(halves_nan_key_wide, 1, 2, 2, 60, 80, 128, 128, HALVES | NAN_KEY, SEQ, 0, 0, 0, 0, 0)        \
    X(halves_nan_query, 1, 2, 2, 50, 80, 64, 64, HALVES | NAN_QUERY | LSE, CAUSAL, 40, 0, 0, 0, 0)

enum {
#define VARIANT_ID(id, ...) V_##id,
    VARIANTS(VARIANT_ID)
#undef VARIANT_ID
};

static const attn_case TABLE[] = {
#define VARIANT_ROW(id, ...) {__VA_ARGS__},
    VARIANTS(VARIANT_ROW)
#undef VARIANT_ROW
};

enum { MAP_ROWS_FROM = 1 };

static const int32_t MAP_HEADS[] = {1, 0};

/* One array of a call, on both sides; views for the reference and for the device. */
enum {
    Q,
    K,
    V,
    OUT,
    LSE_TAP,
    SCORES,
    PROBS,
    SCALES,
    Q_POS,
    K_POS,
    Q_SPAN,
    K_SPAN,
    Q_SEQ,
    K_SEQ,
    BIT_ROWS,
    SCRATCH,
    N_ARRAYS
};

typedef struct bench {
    attn_case c;
    atti_array array[N_ARRAYS];
} bench;

/* Elements between two rows. */
static int32_t gap(const attn_case *c, int32_t odd)
{
    return c->with & WHOLE ? 8 : odd;
}

static att_status make_numbers(att_queue *queue, bench *b, att_err *err)
{
    const attn_case *c = &b->c;
    const int64_t rows = (int64_t)c->batch * c->n_q, keys = (int64_t)c->batch * c->n_k;
    const int64_t map = 2 * (int64_t)c->batch * (c->n_q - MAP_ROWS_FROM) * c->n_k;
    const att_dtype kv = c->with & KV_F16 ? ATT_F16 : ATT_F32;
    const struct {
        int which;
        int64_t n;
        float amplitude;
        att_dtype dtype;
    } numbers[] = {
        {Q, rows * (c->heads * c->d + gap(c, 3)), c->with & LOUD ? 40.0f : 2.0f,
         c->with & Q_F16 ? ATT_F16 : ATT_F32},
        {K, keys * (c->kv_heads * c->d + gap(c, 5)), 2.0f, kv},
        {V, keys * (c->kv_heads * c->e + gap(c, 1)), 1.0f, kv},
        {OUT, rows * (c->heads * c->e + gap(c, 2)), 1.0f, c->with & OUT_F16 ? ATT_F16 : ATT_F32},
        {LSE_TAP, rows * c->heads, 1.0f, ATT_F32},
        {SCORES, c->with & MAPS ? map : 0, 1.0f, ATT_F32},
        {PROBS, c->with & MAPS ? map : 0, 1.0f, ATT_F32},
        {SCALES, c->heads, 0.5f, ATT_F32},
    };
    att_status status = ATT_OK;
    for (size_t i = 0; !status && i < sizeof numbers / sizeof *numbers; i++)
        status = atti_array_make(queue, &b->array[numbers[i].which], numbers[i].n, (uint32_t)i + 1,
                                 numbers[i].amplitude, numbers[i].dtype, err);
    if (!status) status = atti_array_set(queue, &b->array[SCALES], 0, 0.0f, err);
    if (!status && (c->with & NAN_QUERY))
        status = atti_array_set(queue, &b->array[Q], c->heads * c->d + gap(c, 3) + 1, NAN, err);
    const int64_t key = c->with & NAN_KEY ? c->n_k / 2 : 0;
    if (!status && key)
        status = atti_array_set(queue, &b->array[K], key * (c->kv_heads * c->d + gap(c, 5)) + 1,
                                NAN, err);
    if (!status && key)
        status = atti_array_set(queue, &b->array[V], key * (c->kv_heads * c->e + gap(c, 1)) + 1,
                                NAN, err);
    return status;
}

/* Entry i of batch row b in a side array: positions out of order, spans and sequences of a few. */
static int32_t side_value(const attn_case *c, int which, int32_t b, int32_t i)
{
    switch (which) {
    case Q_POS:
        return c->q_first + (i * 7 + b) % (c->n_q + 1);
    case K_POS:
        return (i * 11 + 3 * b) % c->n_k;
    case Q_SPAN:
        return (i + c->q_first) / 5 % 3;
    case K_SPAN:
        return i / 5 % 3;
    case Q_SEQ:
        return (i + b) * 3 / c->n_q;
    default:
        return (i + b) * 3 / c->n_k;
    }
}

static att_status make_side(att_queue *queue, bench *b, int which, att_err *err)
{
    const attn_case *c = &b->c;
    const int of_queries = which == Q_POS || which == Q_SPAN || which == Q_SEQ;
    const int32_t n = of_queries ? c->n_q : c->n_k;
    int32_t *values = att_calloc((size_t)c->batch * (size_t)n, sizeof *values);
    if (!values) return att_fail(err, ATT_E_MEMORY, "check: out of memory");
    for (int32_t r = 0; r < c->batch; r++)
        for (int32_t i = 0; i < n; i++) values[r * n + i] = side_value(c, which, r, i);
    const att_status status =
        atti_array_ids(queue, &b->array[which], values, (int64_t)c->batch * n, err);
    att_free(values);
    return status;
}

/* Bits at random, one row of them empty; stored as words, read as bytes. */
static att_status make_bits(att_queue *queue, bench *b, att_err *err)
{
    enum { MAX_WORDS = 1024 };
    int32_t words[MAX_WORDS];
    const int32_t row = (b->c.n_k + 7) / 8, n = (row * b->c.n_q + 3) / 4;
    if (n > MAX_WORDS) return att_fail(err, ATT_E_ARG, "check: too many bits");
    for (int32_t i = 0; i < n; i++) words[i] = (int32_t)((uint32_t)i * 2654435761u >> 3);
    memset((char *)words + row, 0, (size_t)row);
    return atti_array_ids(queue, &b->array[BIT_ROWS], words, n, err);
}

static att_status make_sides(att_queue *queue, bench *b, att_err *err)
{
    const attn_case *c = &b->c;
    att_status status = ATT_OK;
    for (int which = Q_POS; !status && which <= K_SEQ; which++) {
        const int wanted = which <= K_POS    ? (c->with & POSITIONS) != 0
                           : which <= K_SPAN ? (c->mask & SPAN) != 0
                                             : (c->mask & SEQ) != 0;
        if (wanted) status = make_side(queue, b, which, err);
    }
    if (!status && (c->mask & BITS)) status = make_bits(queue, b, err);
    return status;
}

/* The array on the side of `device` or of the reference; absent when the case has none. */
static att_view side(const bench *b, int which, int device)
{
    const att_view none = {NULL, NULL, 0, ATT_F32};
    const atti_array *a = &b->array[which];
    if (!a->buf) return none;
    return device ? atti_array_device(a) : atti_array_host(a);
}

static att_attn_view operand(att_view view, int32_t tokens, int32_t heads, int32_t width,
                             int32_t gap)
{
    const att_attn_view v = {view, (int64_t)tokens * (heads * width + gap), width,
                             heads * width + gap};
    return v;
}

static att_attn_view head_major(att_view view, int32_t tokens, int32_t heads, int32_t width)
{
    const att_attn_view v = {view, (int64_t)heads * tokens * width, (int64_t)tokens * width, width};
    return v;
}

static att_attn_call call_of(const bench *b, int device)
{
    const attn_case *c = &b->c;
    att_attn_call call = {.batch = c->batch,
                          .heads = c->heads,
                          .kv_heads = c->kv_heads,
                          .d_qk = c->d,
                          .d_v = c->e,
                          .n_q = c->n_q,
                          .n_k = c->n_k,
                          .scale = 1.0f / sqrtf((float)c->d)};
    call.precision = c->with & FAST ? ATT_PRECISION_FAST : ATT_PRECISION_EXACT;
    call.q = operand(side(b, Q, device), c->n_q, c->heads, c->d, gap(c, 3));
    call.k = operand(side(b, K, device), c->n_k, c->kv_heads, c->d, gap(c, 5));
    call.v = operand(side(b, V, device), c->n_k, c->kv_heads, c->e, gap(c, 1));
    if (c->with & HEAD_MAJOR) {
        call.k = head_major(call.k.view, c->n_k, c->kv_heads, c->d);
        call.v = head_major(call.v.view, c->n_k, c->kv_heads, c->e);
    }
    call.out = operand(side(b, OUT, device), c->n_q, c->heads, c->e, gap(c, 2));
    call.mask = (att_attn_mask){.flags = c->mask,
                                .left = c->left,
                                .right = c->right,
                                .n_sink = c->n_sink,
                                .n_global = c->n_global,
                                .q_first = c->q_first};
    call.mask.q_pos = side(b, Q_POS, device);
    call.mask.k_pos = side(b, K_POS, device);
    call.mask.q_span = side(b, Q_SPAN, device);
    call.mask.k_span = side(b, K_SPAN, device);
    call.mask.q_seq = side(b, Q_SEQ, device);
    call.mask.k_seq = side(b, K_SEQ, device);
    call.mask.bits = side(b, BIT_ROWS, device);
    call.mask.bits.dtype = ATT_U8;
    if (c->with & HEAD_SCALE) call.head_scale = side(b, SCALES, device);
    if (c->with & GAINS) call.head_gain = side(b, SCALES, device);
    call.accumulate = (c->with & GAINS) != 0;
    if (c->with & (LSE | MAPS)) call.taps.lse = side(b, LSE_TAP, device);
    if (c->with & MAPS) {
        call.taps.scores = side(b, SCORES, device);
        call.taps.probabilities = side(b, PROBS, device);
        call.taps.heads = MAP_HEADS;
        call.taps.n_heads = 2;
        call.taps.row_begin = MAP_ROWS_FROM;
    }
    return call;
}

/* Whether the device rounds queries, keys and values. */
static int rounds(att_device *device, const attn_case *c)
{
    return (c->with & FAST) && att_device_has(device, ATT_FEATURE_DOT_BF16) && c->n_q > 8;
}

/* The kernel rounds q times its factor, in units of ln 2. */
static void round_operands(bench *b)
{
    const float factor = 1.0f / sqrtf((float)b->c.d) * 1.44269504f;
    for (int which = Q; which <= V; which++)
        atti_array_round(&b->array[which], which == Q ? factor : 1.0f);
}

/* Both sides, then every array that the call may have written, the gaps between rows included. */
static att_status run_both(att_queue *queue, bench *b, att_conform_result *result, att_err *err)
{
    const att_attn_call host = call_of(b, 0), device = call_of(b, 1);
    const int64_t need = att_attn_scratch(att_queue_device(queue), &device);
    float after[ATT_CONFORM_GUARD];
    atti_array *scratch = &b->array[SCRATCH];
    att_status status = atti_array_make(queue, scratch, need, 99, 1.0f, ATT_F32, err);
    if (!status) status = att_attn(queue, &device, atti_array_device(scratch), err);
    if (status) return status;
    const int rounded = rounds(att_queue_device(queue), &b->c);
    if (rounded) round_operands(b);
    const char *broken = att_ref_attn(&host);
    if (broken) return att_fail(err, ATT_E_ARG, "check: the reference refuses: %s", broken);
    /* A score of D products is off by D roundings of |q||k|, and its row's weights by as much. */
    const double loud = b->c.with & LOUD ? 20.0 : 1.0;
    const double score = loud * 4.0 * (b->c.d + 8) * 0x1p-24;
    /* Values are below 1; `nv` bodies round their weights to halves, fast ones to bf16, and a half
     * of out may be the neighbour. */
    const double weight = rounded ? 0x1p-9 : b->c.with & WHOLE ? 0x1p-11 : 0.0;
    const double half = b->c.with & OUT_F16 ? 0x1p-10 : 1e-6;
    status = atti_array_compare(queue, &b->array[OUT], result, "out", score + weight, half, err);
    if (!status)
        status = atti_array_compare(queue, &b->array[LSE_TAP], result, "lse", score, 1e-6, err);
    if (!status)
        status = atti_array_compare(queue, &b->array[SCORES], result, "scores", score, 1e-6, err);
    if (!status)
        status = atti_array_compare(queue, &b->array[PROBS], result, "probs", score, 1e-6, err);
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
    if (small && b.c.n_q > 20) b.c.n_q = 20;
    if (small && b.c.n_k > 40) b.c.n_k = 40;
    att_status status = make_numbers(queue, &b, err);
    if (!status) status = make_sides(queue, &b, err);
    if (!status) status = run_both(queue, &b, result, err);
    for (int i = 0; i < N_ARRAYS; i++) atti_array_destroy(&b.array[i]);
    return status;
}

static const att_conform_case CASES[] = {
#define VARIANT_CASE(id, ...) {"attn", #id, run, V_##id},
    VARIANTS(VARIANT_CASE)
#undef VARIANT_CASE
};

const att_conform_case *att_conform_attn(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
