/* block.h - one transformer block: a descriptor and its weights, not a class per model.
 *
 * Rows of the table in docs/shapes.md are values of att_block_desc. Letters: T tokens, C width,
 * H heads, G key/value heads, D head width, F feed-forward width.
 * Tests: tests/kernels/test_block.c, tests/models/ */
#ifndef ATT_BLOCK_H
#define ATT_BLOCK_H

#include "attn.h"
#include "cache.h"
#include "linear.h"
#include "norm.h"
#include "queue.h"
#include "rope.h"
#include "swiglu.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_ffn_kind {
    ATT_FFN_GELU_ERF,
    ATT_FFN_GELU_TANH,
    ATT_FFN_GELU_QUICK,
    ATT_FFN_RELU,
    ATT_FFN_SWIGLU
} att_ffn_kind;

/* What a block is. att_block_check() says what this version builds. */
typedef struct att_block_desc {
    int32_t width, heads, kv_heads, head_width, ffn_width; /* C, H, G, D, F */
    att_norm_kind norm;
    float norm_eps;
    int32_t post_norm; /* 0: x + f(norm(x)); 1: norm(x + f(x)) */
    att_ffn_kind ffn;
    att_rope_desc rope;      /* of q and k of the self-attention */
    int32_t cross;           /* a cross-attention between self-attention and feed-forward */
    att_precision precision; /* what lies between products is f16 where it makes them f16 */
} att_block_desc;

/* ATT_E_ARG for numbers that make no block, ATT_E_UNSUPPORTED, naming the field, for a block that
 * this version cannot run. */
att_status att_block_check(const att_block_desc *desc, att_err *err);

/* The weights, owned by whoever made them (a model and its arena). */
typedef struct att_block {
    att_block_desc desc;
    att_norm self_norm, cross_norm, ffn_norm;
    att_rope rope;         /* att_rope_init() of desc.rope */
    att_linear *self_qkv;  /* [(H + 2G)*D, C]: q, k, v below each other */
    att_linear *self_out;  /* [C, H*D] */
    att_linear *cross_q;   /* [H*D, C] */
    att_linear *cross_kv;  /* [2*G*D, C of the memory] */
    att_linear *cross_out; /* [C, H*D] */
    att_linear *ffn_in;    /* [F, C]; swiglu: [2F, C], rows of the gate above those it multiplies */
    att_linear *ffn_out;   /* [C, F] */
} att_block;

void att_block_finish(att_block *block); /* frees the linears; a zeroed block is fine */

/* Scratch that blocks run in, one after the other: reserved once for at most max_tokens rows.
 * hidden and wide are f32 or f16. */
typedef struct att_block_scratch {
    att_view hidden; /* [T, C]: normed input, then attention output */
    att_view wide;   /* [T, max((H+2G)*D, rows of ffn_in)] */
    att_view attn;   /* what att_attn() asks for */
    int64_t attn_room;
    int32_t max_tokens;
} att_block_scratch;

/* max_keys: the longest key sequence that a call will see. */
att_status att_block_scratch_init(att_block_scratch *scratch, att_arena *arena, att_device *device,
                                  const att_block_desc *desc, int32_t max_tokens, int32_t max_keys,
                                  att_err *err);

/* Rows of a call that are one text: they attend to themselves, to what is cached before them, and
 * to their own memory. Policies carry what the caller decides for this call: mask, gains, classes,
 * taps; their shapes and views of q, k, v and out are filled in here, a scale of 0 is 1/sqrt(D). */
typedef struct att_block_part {
    int32_t rows;
    const att_attn_call *self_policy; /* NULL: every query sees every key */
    att_cache *self_cache; /* appended to and attended over; NULL: keys and values are x's own */
    /* With desc.rope: positions of the rows, as att_rope_apply() takes them: first + i, or an
     * i32[rows] that is given; of a table the angles. Keys are kept turned. The mask's positions
     * are the policy's own. */
    int32_t first;
    const att_view *positions;
    const att_attn_call *cross_policy;
    const att_cache *memory; /* keys and values to cross-attend to; only with desc.cross */
} att_block_part;

/* For a caller that looks between the product of q, k and v and the attention: called once a call,
 * with the columns of all rows, turned to their positions, f32 or f16, which hold until it returns
 * or, for what it enqueues, as long as the queue is in order. Not ATT_OK ends the call. */
typedef struct att_block_look {
    att_status (*see)(void *user, att_queue *queue, att_mat q, att_mat k, att_mat v, att_err *err);
    void *user;
} att_block_look;

/* One call. What is no attention is done for all rows at once; each row's result is the same in
 * any company, as far as att_linear_apply() keeps that. */
typedef struct att_block_call {
    att_mat x;                   /* f32[T, C], in place */
    const att_block_part *parts; /* behind each other; their rows are T in all */
    int32_t n_parts;
    const att_block_look *look; /* into the self-attention; NULL: nobody looks */
} att_block_call;

att_status att_block_apply(att_queue *queue, const att_block *block,
                           const att_block_scratch *scratch, const att_block_call *call,
                           att_err *err);

/* Fills memory with cross_kv applied to rows[S, C of the memory], f32 or of the scratch's dtype;
 * memory is emptied first. */
att_status att_block_remember(att_queue *queue, const att_block *block,
                              const att_block_scratch *scratch, att_mat rows, att_cache *memory,
                              att_err *err);

/* What blocks of this description need whose weights are stored as `weights` and whose caches hold
 * `keys`, f32 or f16. */
size_t att_block_kernels(att_device *device, const att_block_desc *desc, att_dtype weights,
                         att_dtype keys, att_kernel_id *list, size_t room);

/* What self-attention under this policy needs beyond them. */
size_t att_block_policy_kernels(att_device *device, const att_block_desc *desc,
                                const att_attn_call *policy, att_dtype keys, att_kernel_id *list,
                                size_t room);

#ifdef __cplusplus
}
#endif
#endif /* ATT_BLOCK_H */
