/* whisper.c - the Whisper network's encoder and the memory that a session runs in (whisper.h).
 * Lanes: whisper_lane.c. The decoder: whisper_text.c. Tests: tests/models/test_whisper_tiny.c,
 * tests/real/test_whisper_real.c */
#include "whisper.h"

#include <string.h>

#include "mem.h"
#include "whisper_model.h"
#include "whisper_session.h"

att_block_desc atti_whisper_audio_block(const att_whisper *w)
{
    const att_whisper_config *c = &w->config;
    const att_block_desc desc = {
        .width = c->audio_width,
        .heads = c->audio_heads,
        .kv_heads = c->audio_heads,
        .head_width = c->audio_width / c->audio_heads,
        .ffn_width = 4 * c->audio_width,
        .norm = ATT_NORM_LAYER,
        .norm_eps = 1e-5f,
        .ffn = ATT_FFN_GELU_ERF,
        .precision = w->precision,
    };
    return desc;
}

att_block_desc atti_whisper_text_block(const att_whisper *w)
{
    const att_whisper_config *c = &w->config;
    const att_block_desc desc = {
        .width = c->text_width,
        .heads = c->text_heads,
        .kv_heads = c->text_heads,
        .head_width = c->text_width / c->text_heads,
        .ffn_width = 4 * c->text_width,
        .norm = ATT_NORM_LAYER,
        .norm_eps = 1e-5f,
        .ffn = ATT_FFN_GELU_ERF,
        .cross = 1,
        .precision = w->precision,
    };
    return desc;
}

att_status att_whisper_open(att_whisper **out, att_device *device, att_weights *weights,
                            att_precision precision, att_err *err)
{
    *out = NULL;
    att_whisper *w = att_calloc(1, sizeof *w);
    if (!w) return att_fail(err, ATT_E_MEMORY, "open model: out of memory");
    w->device = device;
    w->precision = att_linear_precision(device, precision);
    att_log_write(att_device_log(device), ATT_LOG_INFO, "precision %s, %s kernels",
                  att_precision_name(w->precision), att_device_bodies(device, w->precision));
    att_status status = att_arena_create(&w->arena, device, "weights", err);
    if (!status) status = atti_whisper_load(w, weights, err);
    if (!status) status = att_whisper_heads_of_shape(&w->heads, &w->config, err);
    if (!status) att_arena_seal(w->arena);
    if (status)
        att_whisper_close(w);
    else
        *out = w;
    return status;
}

void att_whisper_close(att_whisper *w)
{
    if (!w) return;
    for (int32_t i = 0; w->audio_blocks && i < w->config.audio_layers; i++)
        att_block_finish(&w->audio_blocks[i]);
    for (int32_t i = 0; w->text_blocks && i < w->config.text_layers; i++)
        att_block_finish(&w->text_blocks[i]);
    att_free(w->audio_blocks);
    att_free(w->text_blocks);
    att_conv_finish(&w->conv1);
    att_conv_finish(&w->conv2);
    att_linear_destroy(w->tokens);
    att_arena_destroy(w->arena);
    att_free(w->heads.list);
    att_free(w);
}

const att_whisper_config *att_whisper_get_config(const att_whisper *w)
{
    return &w->config;
}

att_precision att_whisper_precision(const att_whisper *w)
{
    return w->precision;
}

size_t att_whisper_bytes(const att_whisper *w)
{
    return att_arena_bytes(w->arena);
}

const att_whisper_head *att_whisper_alignment_heads(const att_whisper *w, int32_t *n)
{
    *n = w->heads.n;
    return w->heads.list;
}

att_status att_whisper_read_heads(att_whisper *w, const char *folder, att_err *err)
{
    att_whisper_heads found;
    const att_status status = att_whisper_heads_read(&found, folder, &w->config, err);
    if (found.n) {
        att_free(w->heads.list);
        w->heads = found;
    }
    return status;
}

static att_status take(att_whisper_session *s, const char *what, att_dtype dtype, int32_t rows,
                       int32_t cols, att_mat *mat, att_err *err)
{
    const att_status status =
        att_arena_take(s->arena, what, dtype, (int64_t)rows * cols, &mat->view, err);
    *mat = att_mat_of(mat->view, rows, cols);
    return status;
}

/* What a call of decoding is made of, on the host and on its way to the device. */
static att_status reserve_calls(att_whisper_session *s, att_err *err)
{
    const size_t n = (size_t)s->n_lanes * (size_t)s->n_branches * (size_t)s->line_bytes;
    s->policies = att_calloc((size_t)s->n_lanes, sizeof *s->policies);
    s->parts = att_calloc((size_t)s->n_lanes, sizeof *s->parts);
    s->packed_lines = att_calloc(n, 1);
    s->host_ids = att_calloc((size_t)s->max_rows, sizeof *s->host_ids);
    if (!s->policies || !s->parts || !s->packed_lines || !s->host_ids)
        return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    return att_arena_take(s->arena, "lines", ATT_U8, (int64_t)n, &s->bits, err);
}

/* The whole memory plan of a session. */
static att_status reserve(att_whisper_session *s, att_err *err)
{
    const att_whisper_config *c = &s->whisper->config;
    const att_block_desc audio = atti_whisper_audio_block(s->whisper);
    const int32_t frames = 2 * c->audio_ctx;
    const int32_t max_keys = c->audio_ctx > s->n_slots ? c->audio_ctx : s->n_slots;
    const int32_t max_rows = c->audio_ctx > s->max_rows ? c->audio_ctx : s->max_rows;

    att_status status = att_block_scratch_init(&s->scratch, s->arena, s->whisper->device, &audio,
                                               max_rows, max_keys, err);
    const att_dtype between = s->scratch.hidden.dtype; /* of what products take from products */
    if (!status) status = take(s, "mel", ATT_F32, frames + 2, c->n_mels, &s->mel, err);
    if (!status) status = take(s, "stem", between, frames + 2, c->audio_width, &s->stem, err);
    if (!status) status = take(s, "audio", ATT_F32, c->audio_ctx, c->audio_width, &s->audio, err);
    if (!status) status = take(s, "text", ATT_F32, s->max_rows, c->text_width, &s->text, err);
    if (!status) status = take(s, "last", between, s->max_logits, c->text_width, &s->last, err);
    if (!status) status = take(s, "logits", ATT_F32, s->max_logits, c->vocab, &s->logits, err);
    if (!status) status = att_arena_take(s->arena, "ids", ATT_I32, s->max_rows, &s->ids, err);
    if (!status) status = reserve_calls(s, err);
    if (!status)
        status = att_queue_zero(s->queue, s->mel.view, (int64_t)(frames + 2) * c->n_mels, err);
    if (!status)
        status =
            att_queue_zero(s->queue, s->stem.view, (int64_t)(frames + 2) * c->audio_width, err);
    return status;
}

/* How large a call may be. */
static void plan(att_whisper_session *s, const att_whisper_config *c, int32_t n_branches,
                 int32_t n_lanes)
{
    const int32_t rows = n_lanes * (n_branches > 2 ? n_branches : 2);
    s->n_branches = n_branches;
    s->n_lanes = n_lanes;
    s->max_rows = c->text_ctx + (n_lanes - 1) * n_branches;
    s->max_logits = rows < ATT_WHISPER_MAX_LOGITS ? rows : ATT_WHISPER_MAX_LOGITS;
    s->n_slots = c->text_ctx + (n_branches - 1) * (c->text_ctx / 2);
    s->line_bytes = (s->n_slots + 7) / 8;
}

att_status att_whisper_session_create(att_whisper_session **out, const att_whisper *w,
                                      int32_t n_branches, int32_t n_lanes, att_err *err)
{
    *out = NULL;
    if (n_branches < 1 || n_branches > ATT_WHISPER_MAX_BRANCHES || n_lanes < 1 ||
        n_lanes > ATT_WHISPER_MAX_LANES)
        return att_fail(err, ATT_E_ARG,
                        "make session: %d branches and %d lanes, expected 1 to %d and 1 to %d",
                        n_branches, n_lanes, ATT_WHISPER_MAX_BRANCHES, ATT_WHISPER_MAX_LANES);
    att_whisper_session *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    s->whisper = w;
    plan(s, &w->config, n_branches, n_lanes);
    att_status status = att_queue_create(&s->queue, w->device, err);
    if (!status) status = att_arena_create(&s->arena, w->device, "session", err);
    if (!status) status = reserve(s, err);
    if (!status) att_arena_seal(s->arena);
    if (status)
        att_whisper_session_destroy(s);
    else
        *out = s;
    return status;
}

void att_whisper_session_destroy(att_whisper_session *s)
{
    if (!s) return;
    att_arena_destroy(s->arena);
    att_queue_destroy(s->queue);
    att_free(s->packed_lines);
    att_free(s->host_ids);
    att_free(s->policies);
    att_free(s->parts);
    att_free(s);
}

att_queue *att_whisper_session_queue(const att_whisper_session *s)
{
    return s->queue;
}

/* Two convolutions with GELU, the second of stride 2, then the sinusoid. */
static att_status run_stem(att_whisper_session *s, const float *mel, att_err *err)
{
    const att_whisper *w = s->whisper;
    const int32_t frames = 2 * w->config.audio_ctx, n_mels = w->config.n_mels;
    const att_epilogue gelu = {.act = ATT_ACT_GELU_ERF};
    const att_epilogue gelu_positions = {
        .act = ATT_ACT_GELU_ERF,
        .residual = att_mat_of(w->audio_positions, w->config.audio_ctx, w->config.audio_width),
    };
    att_status status = att_queue_write(s->queue, att_view_at(s->mel.view, n_mels), mel,
                                        (int64_t)frames * n_mels, err);
    if (!status)
        status = att_conv_apply(s->queue, &w->conv1, s->mel, att_mat_rows(s->stem, 1, frames),
                                &gelu, err);
    if (!status)
        status = att_conv_apply(s->queue, &w->conv2, s->stem, s->audio, &gelu_positions, err);
    return status;
}

att_status att_whisper_encode(att_whisper_lane *lane, const float *mel, att_err *err)
{
    att_whisper_session *s = lane->session;
    const att_whisper *w = s->whisper;
    att_whisper_truncate(lane, 0);
    lane->encoded = 0;
    att_status status = run_stem(s, mel, err);
    const att_block_part whole = {.rows = s->audio.rows};
    for (int32_t i = 0; !status && i < w->config.audio_layers; i++) {
        const att_block_call call = {.x = s->audio, .parts = &whole, .n_parts = 1};
        status = att_block_apply(s->queue, &w->audio_blocks[i], &s->scratch, &call, err);
    }
    const att_mat normed = att_mat_of(s->scratch.hidden, s->audio.rows, s->audio.cols);
    if (!status) status = att_norm_apply(s->queue, &w->audio_norm, s->audio, normed, err);
    for (int32_t i = 0; !status && i < w->config.text_layers; i++)
        status = att_block_remember(s->queue, &w->text_blocks[i], &s->scratch, normed,
                                    &lane->memory_kv[i], err);
    if (!status) status = att_norm_apply(s->queue, &w->audio_norm, s->audio, s->audio, err);
    if (!status) status = att_queue_wait(s->queue, err);
    lane->encoded = !status;
    return status;
}

att_status att_whisper_read_audio(att_whisper_session *s, float *audio, att_err *err)
{
    return att_queue_read(s->queue, audio, s->audio.view, (int64_t)s->audio.rows * s->audio.cols,
                          err);
}
