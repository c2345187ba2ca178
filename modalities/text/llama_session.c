/* llama_session.c - models and sessions of llama.h made and freed. */
#include "llama_model.h"
#include "mem.h"

att_status att_llama_open(att_llama **out, att_device *device, att_weights *weights,
                          const att_llama_config *config, att_precision precision, att_err *err)
{
    *out = NULL;
    att_llama *m = att_calloc(1, sizeof *m);
    if (!m) return att_fail(err, ATT_E_MEMORY, "open model: out of memory");
    m->device = device;
    m->precision = precision;
    m->config = *config;
    att_status status = att_arena_create(&m->arena, device, "language model", err);
    if (!status) status = atti_llama_load(m, weights, err);
    if (status) {
        att_llama_close(m);
        return status;
    }
    att_arena_seal(m->arena);
    *out = m;
    return ATT_OK;
}

void att_llama_close(att_llama *m)
{
    if (!m) return;
    for (int32_t i = 0; m->blocks && i < m->config.layers; i++) att_block_finish(&m->blocks[i]);
    att_free(m->blocks);
    if (m->head != m->tokens) att_linear_destroy(m->head);
    att_linear_destroy(m->tokens);
    att_arena_destroy(m->arena);
    att_free(m);
}

const att_llama_config *att_llama_get_config(const att_llama *m)
{
    return &m->config;
}

int32_t att_llama_vocab(const att_llama *m)
{
    return att_linear_rows(m->tokens);
}

att_precision att_llama_precision(const att_llama *m)
{
    return att_linear_precision(m->device, m->precision);
}

size_t att_llama_bytes(const att_llama *m)
{
    return att_arena_bytes(m->arena);
}

att_device *att_llama_device(const att_llama *m)
{
    return m->device;
}

enum { DEFAULT_TOKENS = 4096, DEFAULT_ROWS = 512 };

static void set_sizes(att_llama_session *s, const att_llama_limits *limits)
{
    const int32_t context = s->llama->config.context;
    const int32_t usual = context < DEFAULT_TOKENS ? context : DEFAULT_TOKENS;
    s->max_tokens = limits && limits->max_tokens > 0 ? limits->max_tokens : usual;
    s->max_rows = limits && limits->max_rows > 0 ? limits->max_rows : DEFAULT_ROWS;
    if (s->max_rows > s->max_tokens) s->max_rows = s->max_tokens;
    s->max_logits = limits && limits->max_logits > 0 ? limits->max_logits : 1;
    if (s->max_logits > s->max_rows) s->max_logits = s->max_rows;
}

static att_status take_matrix(att_llama_session *s, const char *what, int32_t rows, int32_t cols,
                              att_mat *m, att_err *err)
{
    *m = att_mat_of((att_view){0}, rows, cols);
    return att_arena_take(s->arena, what, ATT_F32, (int64_t)rows * cols, &m->view, err);
}

static att_status reserve_rows(att_llama_session *s, att_err *err)
{
    const att_block_desc desc = atti_llama_block(&s->llama->config, s->llama->precision);
    const int32_t c = desc.width, v = att_llama_vocab(s->llama);
    att_status status = att_block_scratch_init(&s->scratch, s->arena, s->llama->device, &desc,
                                               s->max_rows, s->max_tokens, err);
    if (!status) status = take_matrix(s, "text", s->max_rows, c, &s->x, err);
    if (!status) status = take_matrix(s, "text", s->max_rows, c, &s->spare, err);
    if (!status) status = take_matrix(s, "last rows", s->max_logits, c, &s->last, err);
    if (!status) status = take_matrix(s, "logits", s->max_logits, v, &s->logits, err);
    if (!status) status = att_arena_take(s->arena, "ids", ATT_I32, s->max_rows, &s->ids, err);
    s->places = att_calloc((size_t)s->max_rows, sizeof *s->places);
    s->closed = att_calloc((size_t)s->max_rows, sizeof *s->closed);
    s->positions = att_calloc((size_t)s->max_rows, sizeof *s->positions);
    if (!status && !(s->places && s->closed && s->positions))
        status = att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    return status;
}

static att_status reserve_text(att_llama_session *s, att_dtype keys, att_err *err)
{
    const att_llama_config *c = &s->llama->config;
    att_status status = ATT_OK;
    s->caches = att_calloc((size_t)c->layers, sizeof *s->caches);
    s->track_of = att_calloc((size_t)c->layers, sizeof *s->track_of);
    if (!s->caches || !s->track_of)
        return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    for (int32_t i = 0; !status && i < c->layers; i++)
        status = att_cache_init(&s->caches[i], s->arena, "keys and values", keys, s->max_tokens,
                                c->kv_heads, c->head_width, c->head_width, err);
    s->n_tracks = 1;
    for (int32_t i = 0; !status && i < ATTI_LLAMA_MAX_TRACKS; i++) {
        atti_llama_track *t = &s->tracks[i];
        t->places = att_calloc((size_t)s->max_tokens, sizeof *t->places);
        t->positions = att_calloc((size_t)s->max_tokens, sizeof *t->positions);
        if (!t->places || !t->positions)
            return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
        status = att_arena_take(s->arena, "positions", ATT_I32, s->max_tokens, &t->device, err);
    }
    return status;
}

att_status att_llama_session_create(att_llama_session **out, const att_llama *llama,
                                    const att_llama_limits *limits, att_err *err)
{
    *out = NULL;
    att_llama_session *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    s->llama = llama;
    set_sizes(s, limits);
    const att_dtype keys = limits && limits->f32_keys ? ATT_F32 : ATT_F16;
    att_status status = att_queue_create(&s->queue, llama->device, err);
    if (!status) status = att_arena_create(&s->arena, llama->device, "text", err);
    if (!status) status = reserve_rows(s, err);
    if (!status) status = reserve_text(s, keys, err);
    if (status) {
        att_llama_session_destroy(s);
        return status;
    }
    att_arena_seal(s->arena);
    *out = s;
    return ATT_OK;
}

void att_llama_session_destroy(att_llama_session *s)
{
    if (!s) return;
    att_queue_destroy(s->queue);
    att_arena_destroy(s->arena);
    for (int32_t i = 0; i < ATTI_LLAMA_MAX_TRACKS; i++) {
        att_free(s->tracks[i].places);
        att_free(s->tracks[i].positions);
    }
    att_free(s->caches);
    att_free(s->track_of);
    att_free(s->places);
    att_free(s->closed);
    att_free(s->positions);
    att_free(s);
}

const att_llama *att_llama_of(const att_llama_session *s)
{
    return s->llama;
}

att_queue *att_llama_queue(att_llama_session *s)
{
    return s->queue;
}

size_t att_llama_session_bytes(const att_llama_session *s)
{
    return att_arena_bytes(s->arena);
}

size_t att_llama_cache_bytes(const att_llama_session *s)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < s->llama->config.layers; i++) {
        const att_cache *c = &s->caches[i];
        bytes += (size_t)c->length * (size_t)c->kv_heads * (size_t)(c->d_qk + c->d_v) *
                 att_dtype_bytes(c->k.dtype);
    }
    return bytes;
}

const att_cache *att_llama_cache(const att_llama_session *s, int32_t layer)
{
    return &s->caches[layer];
}

int32_t att_llama_room(const att_llama_session *s)
{
    return s->max_tokens;
}

size_t att_llama_profile(const att_llama_session *s, att_profile_row *rows, size_t room)
{
    return att_queue_profile(s->queue, rows, room);
}
