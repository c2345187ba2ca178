/* whisper_align.c - score taps on the alignment heads (whisper_align.h).
 * Tests: tests/real/test_asr_options.c */
#include "whisper_align.h"

#include <math.h>
#include <string.h>

#include "alignment.h"
#include "logits_top.h"
#include "mem.h"
#include "whisper_model.h"
#include "whisper_session.h"

enum { LOGIT_ROWS = 24 }; /* rows of logits at a time */

struct att_whisper_aligner {
    att_whisper_session *session;
    att_arena *arena;
    att_view taps; /* f32[heads of one layer][max_rows][audio_ctx] */
    att_mat last, logits;
    att_logits_top top; /* of the logits: all tokens count */
    float *scores;      /* host: one head's map */
    int32_t *heads;     /* of one layer */
    int32_t max_rows;
};

/* The alignment heads of a layer into list (may be NULL); their number. */
static int32_t heads_of(const att_whisper *w, int32_t layer, int32_t *list)
{
    int32_t n_all, n = 0;
    const att_whisper_head *all = att_whisper_alignment_heads(w, &n_all);
    for (int32_t i = 0; i < n_all; i++) {
        if (all[i].layer != layer) continue;
        if (list) list[n] = all[i].head;
        n++;
    }
    return n;
}

static att_status reserve(att_whisper_aligner *a, att_err *err)
{
    const att_whisper *w = a->session->whisper;
    const att_whisper_config *c = &w->config;
    const int64_t map = (int64_t)a->max_rows * c->audio_ctx;
    int32_t most = 0;
    for (int32_t i = 0; i < c->text_layers; i++) {
        const int32_t n = heads_of(w, i, NULL);
        most = n > most ? n : most;
    }
    a->scores = att_calloc((size_t)map, sizeof *a->scores);
    a->heads = att_calloc((size_t)c->text_heads, sizeof *a->heads);
    if (!a->scores || !a->heads) return att_fail(err, ATT_E_MEMORY, "align words: out of memory");
    att_view last, logits;
    att_status status = att_arena_create(&a->arena, w->device, "alignment", err);
    if (!status) status = att_arena_take(a->arena, "taps", ATT_F32, most * map, &a->taps, err);
    if (!status)
        status = att_arena_take(a->arena, "last", ATT_F32, (int64_t)LOGIT_ROWS * c->text_width,
                                &last, err);
    if (!status)
        status = att_arena_take(a->arena, "logits", ATT_F32, (int64_t)LOGIT_ROWS * c->vocab,
                                &logits, err);
    if (!status) status = att_logits_top_init(&a->top, a->arena, LOGIT_ROWS, c->vocab, 1, err);
    if (status) return status;
    att_arena_seal(a->arena);
    a->last = att_mat_of(last, LOGIT_ROWS, c->text_width);
    a->logits = att_mat_of(logits, LOGIT_ROWS, c->vocab);
    return ATT_OK;
}

att_status att_whisper_aligner_create(att_whisper_aligner **out, att_whisper_session *session,
                                      int32_t max_rows, att_err *err)
{
    *out = NULL;
    att_whisper_aligner *a = att_calloc(1, sizeof *a);
    if (!a) return att_fail(err, ATT_E_MEMORY, "align words: out of memory");
    a->session = session;
    a->max_rows = max_rows;
    const att_status status = reserve(a, err);
    if (status)
        att_whisper_aligner_destroy(a);
    else
        *out = a;
    return status;
}

void att_whisper_aligner_destroy(att_whisper_aligner *a)
{
    if (!a) return;
    att_logits_top_finish(&a->top);
    att_arena_destroy(a->arena);
    att_free(a->scores);
    att_free(a->heads);
    att_free(a);
}

/* Adds the maps of a layer's n_heads heads, n rows each, to the sum. */
static att_status add_maps(att_whisper_aligner *a, int32_t n_heads, int32_t n, int32_t cols,
                           float *sum, att_err *err)
{
    const int32_t audio_ctx = a->session->whisper->config.audio_ctx;
    const int64_t map = (int64_t)n * audio_ctx;
    att_status status = ATT_OK;
    for (int32_t h = 0; !status && h < n_heads; h++) {
        status =
            att_queue_read(a->session->queue, a->scores, att_view_at(a->taps, h * map), map, err);
        if (!status) att_alignment_add_head(a->scores, n, audio_ctx, cols, sum);
    }
    return status;
}

/* As att_whisper_decode() of one lane, with the maps of each layer added to sum. */
static att_status decode_tapped(att_whisper_aligner *a, att_whisper_lane *lane, const int32_t *ids,
                                int32_t n, int32_t cols, float *sum, att_err *err)
{
    att_whisper_session *s = a->session;
    const att_attn_call causal = {.mask = {.flags = ATT_MASK_CAUSAL}};
    att_mat x;
    att_status status = atti_whisper_embed(lane, ids, n, &x, err);
    for (int32_t i = 0; !status && i < s->whisper->config.text_layers; i++) {
        const int32_t n_heads = heads_of(s->whisper, i, a->heads);
        const att_attn_call tapped = {
            .taps = {.scores = a->taps, .heads = a->heads, .n_heads = n_heads}};
        const att_block_part part = {.rows = n,
                                     .self_policy = &causal,
                                     .self_cache = &lane->self_kv[i],
                                     .cross_policy = n_heads ? &tapped : NULL,
                                     .memory = &lane->memory_kv[i]};
        const att_block_call call = {.x = x, .parts = &part, .n_parts = 1};
        status = att_block_apply(s->queue, &s->whisper->text_blocks[i], &s->scratch, &call, err);
        if (!status) status = add_maps(a, n_heads, n, cols, sum, err);
    }
    return status;
}

/* Probabilities of the tokens that follow rows first .. first + n - 1. */
static att_status read_probs(att_whisper_aligner *a, const int32_t *next, int32_t first, int32_t n,
                             int32_t limit, float *probs, att_err *err)
{
    att_whisper_session *s = a->session;
    const att_whisper *w = s->whisper;
    att_status status = ATT_OK;
    for (int32_t at = 0; !status && at < n; at += LOGIT_ROWS) {
        const int32_t rows = n - at < LOGIT_ROWS ? n - at : LOGIT_ROWS;
        const att_mat last = att_mat_rows(a->last, 0, rows), out = att_mat_rows(a->logits, 0, rows);
        status = att_norm_apply(s->queue, &w->text_norm, att_mat_rows(s->text, first + at, rows),
                                last, err);
        if (!status) status = att_linear_apply(s->queue, w->tokens, last, out, NULL, err);
        if (!status) status = att_logits_top_apply(s->queue, &a->top, out, limit, 1, err);
        for (int32_t i = 0; !status && i < rows; i++) {
            const att_view logits = att_mat_rows(out, i, 1).view;
            float logit;
            status = att_queue_read(s->queue, &logit, att_view_at(logits, next[at + i]), 1, err);
            if (status) break;
            probs[at + i] = (float)exp((double)logit - a->top.parts[2 * i].log_sum_exp);
        }
    }
    return status;
}

att_status att_whisper_align(att_whisper_aligner *a, att_whisper_lane *lane, const int32_t *ids,
                             int32_t n, int32_t cols, int32_t first, int32_t n_probs, int32_t limit,
                             float *similarity, float *probs, att_err *err)
{
    int32_t n_heads;
    (void)att_whisper_alignment_heads(a->session->whisper, &n_heads);
    if (n > a->max_rows || n < 1 || cols < 1 || cols > a->session->whisper->config.audio_ctx ||
        first < 0 || n_probs > n - 1 - first)
        return att_fail(err, ATT_E_SHAPE, "align %d tokens with %d frames: room for %d and %d", n,
                        cols, a->max_rows, a->session->whisper->config.audio_ctx);
    memset(similarity, 0, (size_t)n * (size_t)cols * sizeof *similarity);
    att_whisper_truncate(lane, 0);
    att_status status = decode_tapped(a, lane, ids, n, cols, similarity, err);
    for (size_t i = 0; i < (size_t)n * (size_t)cols; i++) similarity[i] /= (float)n_heads;
    if (!status) status = read_probs(a, ids + first + 1, first, n_probs, limit, probs, err);
    att_whisper_truncate(lane, 0);
    return status;
}
