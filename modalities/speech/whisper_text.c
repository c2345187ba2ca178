/* whisper_text.c - the Whisper network's decoder: a trunk of text and branches that share it
 * (whisper.h). Tests: tests/models/test_whisper_tiny.c, tests/real/test_whisper_real.c */
#include <assert.h>
#include <string.h>

#include "whisper_model.h"
#include "whisper_session.h"

static int32_t used_slots(const att_whisper_session *s)
{
    return s->self_kv[0].length;
}

void att_whisper_truncate(att_whisper_session *s, int32_t n)
{
    assert(n >= 0 && n <= s->n_trunk);
    for (int32_t i = 0; i < s->whisper->config.text_layers; i++) s->self_kv[i].length = n;
    s->n_trunk = n;
    s->n_text = n;
    s->n_last = 0;
}

int32_t att_whisper_length(const att_whisper_session *s)
{
    return s->n_text;
}

static att_status check_ids(const att_whisper_session *s, const int32_t *ids, int32_t n,
                            att_err *err)
{
    const int32_t vocab = s->whisper->config.vocab;
    if (!s->encoded) return att_fail(err, ATT_E_ARG, "decode: nothing was encoded");
    for (int32_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= vocab)
            return att_fail(err, ATT_E_ARG, "decode: token %d of %d is %d, the vocabulary has %d",
                            i, n, ids[i], vocab);
    return ATT_OK;
}

/* x: the embedded tokens. positions: [n][C] */
static att_status embed(att_whisper_session *s, const int32_t *ids, int32_t n, att_mat positions,
                        att_mat *x, att_err *err)
{
    *x = att_mat_rows(s->text, 0, n);
    const att_status status = att_queue_write(s->queue, s->ids, ids, n, err);
    if (status) return status;
    return att_linear_rows_of(s->queue, s->whisper->tokens, s->ids, *x, positions, err);
}

static att_mat positions_from(const att_whisper_session *s, int32_t first, int32_t n)
{
    const att_whisper_config *c = &s->whisper->config;
    return att_mat_rows(att_mat_of(s->whisper->text_positions, c->text_ctx, c->text_width), first,
                        n);
}

att_status atti_whisper_embed(att_whisper_session *s, const int32_t *ids, int32_t n, att_mat *x,
                              att_err *err)
{
    const att_status status = check_ids(s, ids, n, err);
    return status ? status : embed(s, ids, n, positions_from(s, 0, n), x, err);
}

/* Runs n embedded tokens through the blocks. */
static att_status run_blocks(att_whisper_session *s, const int32_t *ids, int32_t n,
                             att_mat positions, const att_attn_call *policy, att_err *err)
{
    const att_whisper *w = s->whisper;
    att_mat x;
    att_status status = embed(s, ids, n, positions, &x, err);
    for (int32_t i = 0; !status && i < w->config.text_layers; i++) {
        const att_block_call call = {.x = x,
                                     .self_policy = policy,
                                     .self_cache = &s->self_kv[i],
                                     .memory = &s->memory_kv[i]};
        status = att_block_apply(s->queue, &w->text_blocks[i], &s->scratch, &call, err);
    }
    return status;
}

att_status att_whisper_decode(att_whisper_session *s, const int32_t *ids, int32_t n, att_err *err)
{
    const att_whisper_config *c = &s->whisper->config;
    att_status status = check_ids(s, ids, n, err);
    if (status) return status;
    if (n < 1 || n > c->text_ctx - s->n_text)
        return att_fail(err, ATT_E_SHAPE, "decode %d tokens after %d: the context holds %d", n,
                        s->n_text, c->text_ctx);
    if (used_slots(s) != s->n_trunk)
        return att_fail(err, ATT_E_ARG, "decode: the text has branches; truncate it first");

    const att_mat positions = positions_from(s, s->n_text, n);
    const att_attn_call causal = {
        .mask = {.flags = ATT_MASK_CAUSAL, .q_first = s->n_text},
    };
    status = run_blocks(s, ids, n, positions, &causal, err);
    s->n_text += n;
    s->n_trunk += n;
    s->n_last = n;
    if (status) att_whisper_truncate(s, 0);
    return status;
}

static void set_bit(uint8_t *bits, int32_t i)
{
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << i % 8);
}

/* The line of each new token: its predecessor's and its own slot. */
static void extend_lines(att_whisper_session *s, const int32_t *from, int32_t n)
{
    const size_t bytes = (size_t)s->line_bytes;
    const int32_t first_slot = used_slots(s);
    for (int32_t i = 0; i < n; i++) {
        uint8_t *line = s->next_lines + (size_t)i * bytes;
        if (from[i] == ATT_WHISPER_TRUNK) {
            memset(line, 0, bytes);
            for (int32_t j = 0; j < s->n_trunk; j++) set_bit(line, j);
        } else {
            memcpy(line, s->lines + (size_t)from[i] * bytes, bytes);
        }
        set_bit(line, first_slot + i);
    }
    uint8_t *swapped = s->lines;
    s->lines = s->next_lines;
    s->next_lines = swapped;
}

static att_status check_branches(const att_whisper_session *s, const int32_t *from, int32_t n,
                                 att_err *err)
{
    const int32_t n_earlier = s->n_text > s->n_trunk ? s->n_last : 0;
    if (n < 1 || n > s->n_branches || n > s->n_slots - used_slots(s) ||
        s->n_text >= s->whisper->config.text_ctx)
        return att_fail(err, ATT_E_SHAPE,
                        "decode %d branches after %d tokens: the session has room for %d branches "
                        "and %d tokens in all, %d of them used",
                        n, s->n_text, s->n_branches, s->n_slots, used_slots(s));
    for (int32_t i = 0; i < n; i++)
        if (from[i] < ATT_WHISPER_TRUNK || from[i] >= n_earlier ||
            (from[i] == ATT_WHISPER_TRUNK && n_earlier > 0))
            return att_fail(err, ATT_E_ARG,
                            "decode branch %d: it continues %d, the last call had "
                            "%d branches",
                            i, from[i], n_earlier);
    return ATT_OK;
}

att_status att_whisper_branch(att_whisper_session *s, const int32_t *ids, const int32_t *from,
                              int32_t n, att_err *err)
{
    att_status status = check_ids(s, ids, n, err);
    if (!status) status = check_branches(s, from, n, err);
    if (status) return status;
    extend_lines(s, from, n);
    const int32_t bytes = (used_slots(s) + n + 7) / 8;
    for (int32_t i = 0; i < n; i++)
        memcpy(s->packed_lines + (size_t)i * (size_t)bytes,
               s->lines + (size_t)i * (size_t)s->line_bytes, (size_t)bytes);

    att_mat positions = positions_from(s, s->n_text, n);
    positions.stride = 0; /* all tokens have the same one */
    const att_attn_call own_line = {.mask = {.flags = ATT_MASK_BITS, .bits = s->bits}};
    status = att_queue_write(s->queue, s->bits, s->packed_lines, (int64_t)n * bytes, err);
    if (!status) status = run_blocks(s, ids, n, positions, &own_line, err);
    s->n_text++;
    s->n_last = n;
    if (status) att_whisper_truncate(s, 0);
    return status;
}

att_status att_whisper_logits(att_whisper_session *s, int32_t first, int32_t n, float *logits,
                              att_err *err)
{
    const att_whisper *w = s->whisper;
    if (first < 0 || n < 1 || n > s->n_branches || first > s->n_last - n)
        return att_fail(err, ATT_E_ARG,
                        "logits of %d tokens from %d on: the last call decoded %d, the session has "
                        "room for %d",
                        n, first, s->n_last, s->n_branches);
    const att_mat last = att_mat_rows(s->last, 0, n), out = att_mat_rows(s->logits, 0, n);
    att_status status =
        att_norm_apply(s->queue, &w->text_norm, att_mat_rows(s->text, first, n), last, err);
    if (!status) status = att_linear_apply(s->queue, w->tokens, last, out, NULL, err);
    if (!status)
        status = att_queue_read(s->queue, logits, out.view, (int64_t)n * w->config.vocab, err);
    return status;
}
