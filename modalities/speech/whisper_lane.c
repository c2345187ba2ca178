/* whisper_lane.c - the memory of one window of a session (whisper.h).
 * Tests: tests/models/test_whisper_tiny.c */
#include <assert.h>

#include "mem.h"
#include "whisper_model.h"
#include "whisper_session.h"

static att_status reserve_caches(att_whisper_lane *l, att_err *err)
{
    const att_whisper_config *c = &l->session->whisper->config;
    const int32_t h = c->text_heads, d = c->text_width / c->text_heads;
    att_status status = ATT_OK;
    l->self_kv = att_calloc((size_t)c->text_layers, sizeof *l->self_kv);
    l->memory_kv = att_calloc((size_t)c->text_layers, sizeof *l->memory_kv);
    if (!l->self_kv || !l->memory_kv)
        return att_fail(err, ATT_E_MEMORY, "make lane: out of memory");
    for (int32_t i = 0; !status && i < c->text_layers; i++) {
        status = att_cache_init(&l->self_kv[i], l->arena, "text cache",
                                l->session->scratch.wide.dtype, l->session->n_slots, h, d, d, err);
        if (!status)
            status = att_cache_init(&l->memory_kv[i], l->arena, "audio cache", ATT_F16,
                                    c->audio_ctx, h, d, d, err);
    }
    return status;
}

/* What branches see. */
static att_status reserve_lines(att_whisper_lane *l, att_err *err)
{
    const size_t n = (size_t)l->session->n_branches * (size_t)l->session->line_bytes;
    l->lines = att_calloc(n, 1);
    l->next_lines = att_calloc(n, 1);
    if (l->lines && l->next_lines) return ATT_OK;
    return att_fail(err, ATT_E_MEMORY, "make lane: out of memory");
}

att_status att_whisper_lane_create(att_whisper_lane **out, att_whisper_session *session,
                                   att_err *err)
{
    *out = NULL;
    att_whisper_lane *l = att_calloc(1, sizeof *l);
    if (!l) return att_fail(err, ATT_E_MEMORY, "make lane: out of memory");
    l->session = session;
    att_status status = att_arena_create(&l->arena, session->whisper->device, "lane", err);
    if (!status) status = reserve_caches(l, err);
    if (!status) status = reserve_lines(l, err);
    if (!status) att_arena_seal(l->arena);
    if (status)
        att_whisper_lane_destroy(l);
    else
        *out = l;
    return status;
}

void att_whisper_lane_destroy(att_whisper_lane *l)
{
    if (!l) return;
    att_arena_destroy(l->arena);
    att_free(l->self_kv);
    att_free(l->memory_kv);
    att_free(l->lines);
    att_free(l->next_lines);
    att_free(l);
}

size_t att_whisper_lane_bytes(const att_whisper_lane *l)
{
    return att_arena_bytes(l->arena);
}

void att_whisper_truncate(att_whisper_lane *l, int32_t n)
{
    assert(n >= 0 && n <= l->n_trunk);
    for (int32_t i = 0; i < l->session->whisper->config.text_layers; i++) l->self_kv[i].length = n;
    l->n_trunk = n;
    l->n_text = n;
    l->n_last = 0;
}

int32_t att_whisper_length(const att_whisper_lane *l)
{
    return l->n_text;
}
