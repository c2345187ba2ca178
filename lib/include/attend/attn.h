/* attn.h - one attention call as a value: which keys a query sees, how loud each head speaks, what
 * is redistributed and what is read out. Data for one call over one set of weights.
 *
 * Letters (docs/shapes.md): B batch, H query heads, G key/value heads (head h reads h / (H/G)),
 * T queries, S keys, D width of q and k, E width of v. Zero-initialise an att_attn_call: each
 * field's zero is neutral, and nothing is ever inferred from shapes. The same struct drives the
 * kernels (views with buf) and the plain C reference (views with host); small host arrays are
 * pointers. */
#ifndef ATT_ATTN_CALL_H
#define ATT_ATTN_CALL_H

#include "attend/precision.h"
#include "attend/view.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One of q, k, v, out: element (b, h, t, d) lies at view.at + b*batch + h*head + t*token + d. */
typedef struct att_attn_view {
    att_view view;
    int64_t batch, head, token; /* strides, elements */
} att_attn_view;

/* visible(i,j) = same sequence
 *   AND [not CAUSAL or k_pos[j] <= q_pos[i] or (SPAN and q_span[i] == k_span[j] != 0)]
 *   AND [none of WINDOW, SINK, GLOBAL
 *        or WINDOW and q_pos-k_pos <= left and k_pos-q_pos <= right (inclusive, -1 is unlimited)
 *        or SINK and k_pos[j] < n_sink
 *        or GLOBAL and (i < n_global or j < n_global)
 *        or SPAN_LIFTS_WINDOW and q_span[i] == k_span[j] != 0]
 *   AND [not BITS or the bit of (i,j) is set]. */
enum {
    ATT_MASK_CAUSAL = 1 << 0,
    ATT_MASK_WINDOW = 1 << 1,
    ATT_MASK_SINK = 1 << 2,
    ATT_MASK_SPAN = 1 << 3,
    ATT_MASK_SPAN_LIFTS_WINDOW = 1 << 4,
    ATT_MASK_SEQ = 1 << 5,    /* q_seq[i] == k_seq[j] is demanded */
    ATT_MASK_GLOBAL = 1 << 6, /* by index, not position */
    ATT_MASK_BITS = 1 << 7
};

typedef struct att_attn_mask {
    uint32_t flags;
    int32_t left, right; /* WINDOW */
    int32_t n_sink, n_global;
    /* i32[T] or i32[S] per batch row b at b*T, b*S; absent positions are q_first + i, k_first + j;
     * absent spans are 0, absent sequences all equal. */
    att_view q_pos, k_pos, q_span, k_span, q_seq, k_seq;
    int32_t q_first, k_first;
    att_view bits; /* u8[T][(S+7)/8], bit j%8 of byte j/8 */
} att_attn_mask;

/* Key tiles of tile_q queries x tile_k keys, as compressed rows: query tile t reads key tiles
 * index[row[t]] .. index[row[t+1]-1] (i32). A tile not listed is not visible. The page table of a
 * cache is the same list. tile_k 0: all tiles. */
typedef struct att_attn_tiles {
    int32_t tile_q, tile_k;
    att_view row, index;
} att_attn_tiles;

enum { ATT_ATTN_MAX_CLASSES = 4 };

/* What happens to mass by class of key. */
typedef enum att_class_rule {
    ATT_CLASS_NONE = 0,
    ATT_CLASS_GIVEN,       /* A * gain[class], as given: rows need not sum to 1 */
    ATT_CLASS_TO_ONE,      /* freed mass sum (1-gain) m goes to class `target` in proportion to A */
    ATT_CLASS_RENORMALISE, /* A * gain[class], then each row scaled back to its old sum */
} att_class_rule;

/* A row whose mass would have nowhere to go (no mass in `target`, or none left) stays as it is. A
 * head that is not meant has a class of gain 1 for all of its keys (per_head). */

typedef struct att_attn_classes {
    att_class_rule rule;
    att_view key_class; /* u8[S], or u8[H][S] when per_head */
    int32_t per_head;
    float gain[ATT_ATTN_MAX_CLASSES];
    int32_t target;
    int32_t row_begin, row_end; /* queries it applies to; end 0: all */
    /* Applies to a row only if the mass of the classes in the bit set `when_of` is at least
     * when_mass and the part of the classes in `when_part_of` in it at least when_part. 0: always.
     */
    uint32_t when_of, when_part_of;
    float when_mass, when_part;
} att_attn_classes;

/* Read-outs of the softmax, before classes and diag_mix; an absent view is not computed. Rows are
 * [B][H][T], keys [B][H][S], all f32 but argmax. */
typedef struct att_attn_taps {
    att_view lse;     /* log-sum-exp of the visible scores and the sink logit; -3e38 where no key is
                         visible */
    att_view entropy; /* of the row, nats */
    att_view distance;          /* mean of q_pos - k_pos under the row */
    att_view windowed_distance; /* mean of min(q_pos - k_pos, distance_window) */
    int32_t distance_window;
    att_view argmax;     /* i32: key index of the largest probability, -1 where none is visible */
    att_view class_mass; /* [B][H][T][ATT_ATTN_MAX_CLASSES] before any gain */
    /* Mean of A[.,j] over all T rows, and over those with band_low <= q_pos - k_pos <= band_high; 0
     * over no rows. row_weight, f32[T]: what a row counts in either; absent: 1. */
    att_view key_mean, key_band_mean, row_weight;
    int32_t band_low, band_high;
    /* Scores (after scale, softcap, bias, gain; a masked entry is -3e38) or probabilities of listed
     * heads and a range of rows: f32 [B][n_heads][row_end-row_begin][S]. */
    att_view scores, probabilities;
    const int32_t *heads;                /* host, n_heads entries */
    int32_t n_heads, row_begin, row_end; /* row_end 0: T */
} att_attn_taps;

typedef struct att_attn_call {
    int32_t batch, heads, kv_heads, d_qk, d_v, n_q, n_k;
    att_attn_view q, k, v, out; /* f32 or f16; out f32 for `cpu` bodies */
    int32_t accumulate;         /* out += instead of out = */

    /* z = softcap(scale * q.k) + bias on bias rows, then z += abs_gain[j]*|z| on gain rows, then
     * the mask. scale is as given: zero means uniform. Callers set 1/sqrt(D) themselves. What a
     * masked key and its value hold does not matter. A row that sees no key is zeros. */
    float scale;
    att_view head_scale;                  /* f32[H], in place of scale */
    float softcap;                        /* c*tanh(z/c); 0: none */
    att_attn_view bias;                   /* f32, element (b,h,i,j); strides may be 0 */
    int32_t bias_row_begin, bias_row_end; /* end 0: all */
    att_view abs_gain;                    /* f32[S] */
    int32_t gain_row_begin, gain_row_end; /* end 0: all */
    att_view sink_logit;                  /* f32[H]: an extra key without a value */

    att_attn_mask mask;
    att_attn_tiles tiles;
    /* i32 lists: query i is row q_rows[i] of q and out, key j row k_rows[j] of k and v. Positions,
     * bits, biases, gains and classes go by i and j. Output rows hit twice hold the last query or,
     * with scatter_mean, the mean. */
    att_view q_rows, k_rows;
    int32_t scatter_mean;

    /* u8[H]: which of head_classes a head obeys; absent: mask and tiles above. */
    att_view head_class;
    const struct att_attn_head_class *head_classes; /* host array */
    int32_t n_head_classes;

    att_view head_gain;  /* f32[H] on the output before W_o */
    att_view token_gain; /* f32[B][T][H] likewise */
    att_attn_classes classes;
    att_view diag_mix;                  /* f32[H] u: A becomes (1-u)A + u I; needs T == S */
    int32_t mix_row_begin, mix_row_end; /* end 0: all */
    att_attn_taps taps;
    att_precision precision; /* not exact: products of bf16 where the device has them fast, f32
                                sums and softmax; f16 views say it themselves */
} att_attn_call;

/* What a class of heads has of its own (streaming heads beside full heads). */
typedef struct att_attn_head_class {
    att_attn_mask mask;
    att_attn_tiles tiles;
    att_attn_view k, v; /* absent: the call's */
    int32_t n_k;        /* with k, v of its own; at most the call's */
} att_attn_head_class;

/* The value of taps.lse and of a masked score: finite on purpose. */
#define ATT_ATTN_NOTHING (-3.0e38f)

#ifdef __cplusplus
}
#endif
#endif /* ATT_ATTN_CALL_H */
