/* vlm_vision.c - a picture to rows for a language model (vlm_vision.h). Tiles: vlm_cut.c.
 * Tests: tests/models/test_vlm_tiny.c */
#include "vlm_vision.h"

#include "gather.h"
#include "mem.h"
#include "vision_load.h"
#include "vlm_session.h"

enum { TILES_AT_ONCE = 4 }; /* more make products no faster, and cost memory */

/* The row behind each line of a LLaVA-NeXT's picture. */
static att_status load_newline(att_vlm_vision *v, const att_weights *weights, att_err *err)
{
    const att_array *a = att_weights_find(weights, "image_newline");
    if (!a) a = att_weights_find(weights, "model.image_newline");
    if (v->config.fit != ATT_VLM_ANYRES) return ATT_OK;
    if (!a || att_array_elements(a) != att_projector_width(v->projector))
        return att_fail(err, ATT_E_MODEL, "load %s: image_newline has %lld numbers, expected %d",
                        att_weights_path(weights), a ? (long long)att_array_elements(a) : 0LL,
                        att_projector_width(v->projector));
    v->newline = atti_vision_floats(a);
    return v->newline ? ATT_OK : att_fail(err, ATT_E_MEMORY, "load %s: out of memory", a->name);
}

att_status att_vlm_vision_create(att_vlm_vision **out, att_queue *queue, att_weights *weights,
                                 const att_vlm_config *c, att_precision precision, att_err *err)
{
    *out = NULL;
    att_vlm_vision *v = att_calloc(1, sizeof *v);
    if (!v) return att_fail(err, ATT_E_MEMORY, "open vision model: out of memory");
    v->config = *c;
    v->device = att_queue_device(queue);
    const att_projector_config projector = {c->vit.width, c->vit.side, c->shuffle, c->act};
    att_status status = att_vit_create(&v->vit, queue, weights, &c->vit, precision, err);
    if (!status)
        status = att_projector_create(&v->projector, queue, weights, &projector, precision, err);
    if (!status) status = load_newline(v, weights, err);
    if (status)
        att_vlm_vision_destroy(v);
    else
        *out = v;
    return status;
}

att_status att_vlm_vision_open(att_vlm_vision **out, att_queue *queue, att_weights *weights,
                               const char *folder, att_precision precision, att_err *err)
{
    att_vlm_config config;
    *out = NULL;
    att_status status = att_vlm_config_read(&config, weights, folder, err);
    if (!status) status = att_vlm_vision_create(out, queue, weights, &config, precision, err);
    return status;
}

void att_vlm_vision_destroy(att_vlm_vision *v)
{
    if (!v) return;
    att_vit_destroy(v->vit);
    att_projector_destroy(v->projector);
    att_free(v->newline);
    att_free(v);
}

const att_vlm_config *att_vlm_vision_config(const att_vlm_vision *v)
{
    return &v->config;
}

int32_t att_vlm_vision_width(const att_vlm_vision *v)
{
    return att_projector_width(v->projector);
}

size_t att_vlm_vision_bytes(const att_vlm_vision *v)
{
    return att_vit_bytes(v->vit) + att_projector_bytes(v->projector);
}

static att_status take(att_vlm_vision_session *s, const char *what, att_dtype dtype, int32_t rows,
                       int32_t cols, att_mat *mat, att_err *err)
{
    const att_status status =
        att_arena_take(s->arena, what, dtype, (int64_t)rows * cols, &mat->view, err);
    *mat = att_mat_of(mat->view, rows, cols);
    return status;
}

/* Lists and values in host memory. */
static att_status reserve_host(att_vlm_vision_session *s, int32_t at_once, att_err *err)
{
    const att_vit_config *c = &s->vision->config.vit;
    const size_t patches = (size_t)at_once * (size_t)att_vit_patches(c);
    const int buckets = s->vision->config.family == ATT_VLM_IDEFICS3;
    s->tiles = att_calloc((size_t)s->max_tiles, sizeof *s->tiles);
    s->host_list = att_calloc((size_t)s->max_tokens, sizeof *s->host_list);
    s->origin = att_calloc((size_t)s->max_tokens, sizeof *s->origin);
    s->patches = att_calloc(patches * (size_t)att_vit_values(c), sizeof *s->patches);
    if (buckets) s->positions = att_calloc(patches, sizeof *s->positions);
    if (!s->tiles || !s->host_list || !s->origin || !s->patches || (buckets && !s->positions))
        return att_fail(err, ATT_E_MEMORY, "make vision session: out of memory");
    for (int32_t i = 0; buckets && i < at_once; i++)
        att_vit_bucket_positions(c->side, c->side, c->side, s->positions + i * att_vit_patches(c));
    return ATT_OK;
}

/* The whole memory plan of a session but for the encoder's. */
static att_status reserve(att_vlm_vision_session *s, int32_t at_once, att_err *err)
{
    const att_vlm_vision *v = s->vision;
    const att_vit_config *c = &v->config.vit;
    const int32_t rows = at_once * att_vit_patches(c), width = att_vlm_vision_width(v);
    const att_dtype operand = att_linear_operand(v->device, att_vit_precision(v->vit));
    const int32_t n_projected = s->max_tiles * att_vlm_tokens_a_tile(&v->config);
    att_status status = reserve_host(s, at_once, err);
    if (!status)
        status = att_projector_scratch_init(&s->scratch, s->arena, v->projector, rows, err);
    if (!status)
        status = take(s, "features", operand == ATT_F16 ? ATT_F16 : ATT_F32, rows, c->width,
                      &s->features, err);
    if (!status)
        status = take(s, "projected", ATT_F32, n_projected + (v->newline != NULL), width,
                      &s->projected, err);
    if (!status) status = take(s, "tokens", ATT_F32, s->max_tokens, width, &s->tokens, err);
    if (!status) status = att_arena_take(s->arena, "rows", ATT_I32, s->max_tokens, &s->list, err);
    if (!status && v->newline)
        status = att_queue_write(s->queue, att_mat_rows(s->projected, n_projected, 1).view,
                                 v->newline, width, err);
    return status;
}

att_status att_vlm_vision_session_create(att_vlm_vision_session **out, const att_vlm_vision *v,
                                         att_queue *queue, att_err *err)
{
    *out = NULL;
    att_vlm_vision_session *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make vision session: out of memory");
    s->vision = v;
    s->queue = queue;
    att_status status = atti_vlm_limits(&v->config, &s->max_tiles, &s->max_tokens, err);
    const int32_t at_once = s->max_tiles < TILES_AT_ONCE ? s->max_tiles : TILES_AT_ONCE;
    if (!status) status = att_arena_create(&s->arena, v->device, "vision session", err);
    if (!status) status = att_vit_session_create(&s->encoder, v->vit, queue, at_once, err);
    if (!status) status = reserve(s, at_once, err);
    if (!status) att_arena_seal(s->arena);
    if (status)
        att_vlm_vision_session_destroy(s);
    else
        *out = s;
    return status;
}

void att_vlm_vision_session_destroy(att_vlm_vision_session *s)
{
    if (!s) return;
    for (int32_t i = 0; s->tiles && i < s->max_tiles; i++) att_image_free(&s->tiles[i]);
    att_vit_session_destroy(s->encoder);
    att_projector_scratch_finish(&s->scratch);
    att_arena_destroy(s->arena);
    att_free(s->tiles);
    att_free(s->host_list);
    att_free(s->origin);
    att_free(s->patches);
    att_free(s->positions);
    att_free(s);
}

const int32_t *att_vlm_vision_positions(const att_vlm_vision_session *s)
{
    return s->positions;
}

att_vit_session *att_vlm_vision_encoder(const att_vlm_vision_session *s)
{
    return s->encoder;
}

att_mat att_vlm_vision_features(const att_vlm_vision_session *s, int32_t n)
{
    return att_mat_rows(s->features, 0, n);
}

att_mat att_vlm_vision_projected(const att_vlm_vision_session *s)
{
    return s->projected;
}

att_status att_vlm_vision_project(att_vlm_vision_session *s, int32_t n, const int32_t *kept,
                                  int32_t first, att_err *err)
{
    const int32_t square = s->vision->config.shuffle * s->vision->config.shuffle;
    const int32_t rows = s->projected.rows - (s->vision->newline != NULL), tokens = n / square;
    if (n < 0 || n > s->features.rows || first < 0 || first > rows - tokens)
        return att_fail(err, ATT_E_ARG, "project %d patches to row %d: there are %d and %d rows", n,
                        first, s->features.rows, rows);
    return att_projector_apply(s->queue, s->vision->projector, &s->scratch,
                               att_mat_rows(s->features, 0, n), kept,
                               att_mat_rows(s->projected, first, tokens), err);
}

att_status att_vlm_vision_arrange(att_vlm_vision_session *s, const int32_t *origin, int32_t n,
                                  att_mat *tokens, att_err *err)
{
    const int32_t rows = s->projected.rows - (s->vision->newline != NULL);
    if (n < 1 || n > s->max_tokens)
        return att_fail(err, ATT_E_ARG, "arrange %d tokens: from 1 to %d are expected", n,
                        s->max_tokens);
    for (int32_t i = 0; i < n; i++) {
        if (origin[i] >= rows || (origin[i] < 0 && !s->vision->newline))
            return att_fail(err, ATT_E_ARG, "arrange tokens: token %d is of row %d, there are %d%s",
                            i, origin[i], rows, s->vision->newline ? "" : " and no newline");
        s->host_list[i] = origin[i] < 0 ? rows : origin[i];
    }
    *tokens = att_mat_rows(s->tokens, 0, n);
    att_status status = att_queue_write(s->queue, s->list, s->host_list, n, err);
    if (!status) status = att_gather_apply(s->queue, s->projected, s->list, *tokens, err);
    return status;
}

/* A few tiles, from pixels to the projected rows. */
static att_status encode_tiles(att_vlm_vision_session *s, int32_t first, int32_t n, att_err *err)
{
    const att_vlm_config *c = &s->vision->config;
    const int32_t patches = n * att_vit_patches(&c->vit);
    const float *values = NULL;
    att_status status = att_vlm_vision_values(s, first, n, &values, err);
    if (!status) status = att_vit_begin(s->encoder, values, n, s->positions, err);
    for (int32_t i = 0; !status && i < c->vit.layers; i++)
        status = att_vit_layer(s->encoder, i, NULL, NULL, err);
    if (!status) status = att_vit_finish(s->encoder, att_vlm_vision_features(s, patches), err);
    if (!status)
        status = att_vlm_vision_project(s, patches, NULL, first * att_vlm_tokens_a_tile(c), err);
    return status;
}

att_status att_vlm_vision_encode(att_vlm_vision_session *s, const att_image *image, att_mat *tokens,
                                 att_vlm_layout *layout, att_err *err)
{
    const int32_t at_once = att_vit_session_max_tiles(s->encoder);
    att_vlm_layout own;
    if (!layout) layout = &own;
    att_status status = att_vlm_vision_cut(s, image, layout, err);
    for (int32_t i = 0; !status && i < layout->n_tiles; i += at_once) {
        const int32_t left = layout->n_tiles - i;
        status = encode_tiles(s, i, left < at_once ? left : at_once, err);
    }
    if (!status && s->vision->config.fit == ATT_VLM_ANYRES)
        return att_vlm_vision_arrange(s, layout->origin, layout->n_tokens, tokens, err);
    *tokens = att_mat_rows(s->projected, 0, layout->n_tokens);
    return status;
}
