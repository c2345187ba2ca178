/* whisper_text.c - the Whisper network's decoder: lanes, each with a trunk of text and branches
 * that share it, in one call (whisper.h). Tests: tests/models/test_whisper_tiny.c,
 * tests/real/test_whisper_real.c */
#include <string.h>

#include "whisper_model.h"
#include "whisper_session.h"

static int32_t used_slots(const att_whisper_lane *l)
{
    return l->self_kv[0].length;
}

int32_t att_whisper_room(const att_whisper_session *s)
{
    return s->max_rows;
}

/* --- what is asked for --- */

static att_status check_ids(const att_whisper_lane *l, const int32_t *ids, int32_t n, att_err *err)
{
    const int32_t vocab = l->session->whisper->config.vocab;
    if (!l->encoded) return att_fail(err, ATT_E_ARG, "decode: nothing was encoded");
    for (int32_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= vocab)
            return att_fail(err, ATT_E_ARG, "decode: token %d of %d is %d, the vocabulary has %d",
                            i, n, ids[i], vocab);
    return ATT_OK;
}

static att_status check_trunk(const att_whisper_turn *t, att_err *err)
{
    const att_whisper_lane *l = t->lane;
    const int32_t text_ctx = l->session->whisper->config.text_ctx;
    if (t->n < 1 || t->n > text_ctx - l->n_text)
        return att_fail(err, ATT_E_SHAPE, "decode %d tokens after %d: the context holds %d", t->n,
                        l->n_text, text_ctx);
    if (used_slots(l) != l->n_trunk)
        return att_fail(err, ATT_E_ARG, "decode: the text has branches; truncate it first");
    return ATT_OK;
}

static att_status check_branches(const att_whisper_turn *t, att_err *err)
{
    const att_whisper_lane *l = t->lane;
    const att_whisper_session *s = l->session;
    const int32_t n = t->n, n_earlier = l->n_text > l->n_trunk ? l->n_last : 0;
    if (n < 1 || n > s->n_branches || n > s->n_slots - used_slots(l) ||
        l->n_text >= s->whisper->config.text_ctx)
        return att_fail(err, ATT_E_SHAPE,
                        "decode %d branches after %d tokens: the session has room for %d branches "
                        "and %d tokens in all, %d of them used",
                        n, l->n_text, s->n_branches, s->n_slots, used_slots(l));
    for (int32_t i = 0; i < n; i++)
        if (t->from[i] < ATT_WHISPER_TRUNK || t->from[i] >= n_earlier ||
            (t->from[i] == ATT_WHISPER_TRUNK && n_earlier > 0))
            return att_fail(err, ATT_E_ARG,
                            "decode branch %d: it continues %d, the last call had "
                            "%d branches",
                            i, t->from[i], n_earlier);
    return ATT_OK;
}

/* Adds the tokens of all turns to *n. */
static att_status check_turns(const att_whisper_session *s, const att_whisper_turn *turns,
                              int32_t n_turns, int32_t *n, att_err *err)
{
    if (n_turns < 1 || n_turns > s->n_lanes)
        return att_fail(err, ATT_E_SHAPE, "decode %d lanes: the session has room for %d", n_turns,
                        s->n_lanes);
    for (int32_t i = 0; i < n_turns; i++) {
        const att_whisper_turn *t = &turns[i];
        for (int32_t k = 0; k < i; k++)
            if (turns[k].lane == t->lane)
                return att_fail(err, ATT_E_ARG, "decode: turns %d and %d are of one lane", k, i);
        att_status status = check_ids(t->lane, t->ids, t->n, err);
        if (!status) status = t->from ? check_branches(t, err) : check_trunk(t, err);
        if (status) return status;
        *n += t->n;
    }
    if (*n <= s->max_rows) return ATT_OK;
    return att_fail(err, ATT_E_SHAPE, "decode %d tokens in one call: the session has room for %d",
                    *n, s->max_rows);
}

/* --- embedding --- */

static att_mat positions_from(const att_whisper_session *s, int32_t first, int32_t n)
{
    const att_whisper_config *c = &s->whisper->config;
    return att_mat_rows(att_mat_of(s->whisper->text_positions, c->text_ctx, c->text_width), first,
                        n);
}

/* The tokens of all turns, embedded behind each other in the text. */
static att_status embed(att_whisper_session *s, const att_whisper_turn *turns, int32_t n_turns,
                        att_err *err)
{
    int32_t n = 0, at = 0;
    for (int32_t i = 0; i < n_turns; n += turns[i++].n)
        memcpy(s->host_ids + n, turns[i].ids, (size_t)turns[i].n * sizeof *s->host_ids);
    att_status status = att_queue_send(s->queue, s->ids, s->host_ids, n, err);
    for (int32_t i = 0; !status && i < n_turns; at += turns[i++].n) {
        const att_whisper_turn *t = &turns[i];
        att_mat positions = positions_from(s, t->lane->n_text, t->from ? 1 : t->n);
        if (t->from) { /* all tokens have the same one */
            positions.rows = t->n;
            positions.stride = 0;
        }
        status = att_linear_rows_of(s->queue, s->whisper->tokens, att_view_at(s->ids, at),
                                    att_mat_rows(s->text, at, t->n), positions, err);
    }
    return status;
}

att_status atti_whisper_embed(att_whisper_lane *l, const int32_t *ids, int32_t n, att_mat *x,
                              att_err *err)
{
    const att_whisper_turn turn = {.lane = l, .ids = ids, .n = n};
    att_status status = check_ids(l, ids, n, err);
    if (!status) status = att_queue_settle(l->session->queue, err);
    *x = att_mat_rows(l->session->text, 0, n);
    return status ? status : embed(l->session, &turn, 1, err);
}

/* --- what tokens see --- */

static void set_bit(uint8_t *bits, int32_t i)
{
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << i % 8);
}

/* The line of each new token: its predecessor's and its own slot. */
static void extend_lines(att_whisper_lane *l, const int32_t *from, int32_t n)
{
    const size_t bytes = (size_t)l->session->line_bytes;
    const int32_t first_slot = used_slots(l);
    for (int32_t i = 0; i < n; i++) {
        uint8_t *line = l->next_lines + (size_t)i * bytes;
        if (from[i] == ATT_WHISPER_TRUNK) {
            memset(line, 0, bytes);
            for (int32_t j = 0; j < l->n_trunk; j++) set_bit(line, j);
        } else {
            memcpy(line, l->lines + (size_t)from[i] * bytes, bytes);
        }
        set_bit(line, first_slot + i);
    }
    uint8_t *swapped = l->lines;
    l->lines = l->next_lines;
    l->next_lines = swapped;
}

/* The lines of the turn's tokens, packed behind the *used bytes of those before. */
static void pack_lines(att_whisper_session *s, const att_whisper_turn *t, size_t *used)
{
    const att_whisper_lane *l = t->lane;
    const size_t bytes = (size_t)(used_slots(l) + t->n + 7) / 8;
    for (int32_t i = 0; i < t->n; i++, *used += bytes)
        memcpy(s->packed_lines + *used, l->lines + (size_t)i * (size_t)s->line_bytes, bytes);
}

/* The part of the call that each turn is; *used: bytes of packed lines. */
static void make_parts(att_whisper_session *s, const att_whisper_turn *turns, int32_t n_turns,
                       size_t *used)
{
    *used = 0;
    for (int32_t i = 0; i < n_turns; i++) {
        const att_whisper_turn *t = &turns[i];
        att_attn_call *policy = &s->policies[i];
        memset(policy, 0, sizeof *policy);
        if (t->from) {
            policy->mask.flags = ATT_MASK_BITS;
            policy->mask.bits = att_view_at(s->bits, (int64_t)*used);
            extend_lines(t->lane, t->from, t->n);
            pack_lines(s, t, used);
        } else {
            policy->mask.flags = ATT_MASK_CAUSAL;
            policy->mask.q_first = t->lane->n_text;
        }
        s->parts[i] = (att_block_part){.rows = t->n, .self_policy = policy};
    }
}

/* --- running --- */

/* Runs the embedded tokens of all turns through the blocks. */
static att_status run_blocks(att_whisper_session *s, const att_whisper_turn *turns, int32_t n_turns,
                             int32_t n, att_err *err)
{
    const att_whisper *w = s->whisper;
    const att_block_call call = {
        .x = att_mat_rows(s->text, 0, n), .parts = s->parts, .n_parts = n_turns};
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < w->config.text_layers; i++) {
        for (int32_t k = 0; k < n_turns; k++) {
            s->parts[k].self_cache = &turns[k].lane->self_kv[i];
            s->parts[k].memory = &turns[k].lane->memory_kv[i];
        }
        status = att_block_apply(s->queue, &w->text_blocks[i], &s->scratch, &call, err);
    }
    return status;
}

att_status att_whisper_decode(att_whisper_session *s, const att_whisper_turn *turns,
                              int32_t n_turns, att_err *err)
{
    int32_t n = 0;
    size_t used;
    att_status status = check_turns(s, turns, n_turns, &n, err);
    if (!status) status = att_queue_settle(s->queue, err); /* ids and lines are overwritten */
    if (status) return status;
    make_parts(s, turns, n_turns, &used);
    if (used) status = att_queue_send(s->queue, s->bits, s->packed_lines, (int64_t)used, err);
    if (!status) status = embed(s, turns, n_turns, err);
    if (!status) status = run_blocks(s, turns, n_turns, n, err);
    for (int32_t i = 0; i < n_turns; i++) {
        att_whisper_lane *l = turns[i].lane;
        l->n_last = turns[i].n;
        l->n_text += turns[i].from ? 1 : turns[i].n;
        l->n_trunk += turns[i].from ? 0 : turns[i].n;
        if (status) att_whisper_truncate(l, 0);
    }
    s->n_last = status ? 0 : n;
    return status;
}

/* Norms the rows for the logits, runs of them at a time. */
static att_status norm_rows(att_whisper_session *s, const int32_t *tokens, int32_t n, att_err *err)
{
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < n;) {
        int32_t run = 1;
        while (i + run < n && tokens[i + run] == tokens[i] + run) run++;
        status =
            att_norm_apply(s->queue, &s->whisper->text_norm, att_mat_rows(s->text, tokens[i], run),
                           att_mat_rows(s->last, i, run), err);
        i += run;
    }
    return status;
}

att_status att_whisper_logits(att_whisper_session *s, const int32_t *tokens, int32_t n,
                              att_mat *logits, att_err *err)
{
    if (n < 1 || n > s->max_logits)
        return att_fail(err, ATT_E_ARG, "logits of %d tokens: the session has room for %d", n,
                        s->max_logits);
    for (int32_t i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= s->n_last)
            return att_fail(err, ATT_E_ARG, "logits of token %d: the last call decoded %d",
                            tokens[i], s->n_last);
    const att_mat last = att_mat_rows(s->last, 0, n);
    *logits = att_mat_rows(s->logits, 0, n);
    const att_status status = norm_rows(s, tokens, n, err);
    return status ? status
                  : att_linear_apply(s->queue, s->whisper->tokens, last, *logits, NULL, err);
}
