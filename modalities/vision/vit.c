/* vit.c - tiles of patches through a vision transformer, layer by layer (vit.h).
 * Tests: tests/models/test_vit_tiny.c */
#include "vit.h"

#include <math.h>
#include <string.h>

#include "gather.h"
#include "mem.h"
#include "vit_model.h"

struct att_vit_session {
    const att_vit *vit;
    att_queue *queue;
    att_arena *arena;
    att_block_scratch scratch;
    att_mat patches;   /* f32[max_tiles * P, K] */
    att_mat hidden[2]; /* f32[max_tiles * T, C]: the rows, and where the next gather puts them */
    att_view list;     /* i32[max_tiles * T], of a gather */
    int32_t *host_list, *kept;
    int32_t *tile_rows;    /* [max_tiles] */
    att_block_part *parts; /* [max_tiles] */
    int32_t max_tiles, n_tiles, n_rows;
    int32_t layer; /* the next; -1: nothing was begun */
};

int32_t att_vit_patches(const att_vit_config *c)
{
    return c->side * c->side;
}

int32_t att_vit_tokens(const att_vit_config *c)
{
    return att_vit_patches(c) + c->class_token;
}

int32_t att_vit_values(const att_vit_config *c)
{
    return 3 * c->patch * c->patch;
}

const att_vit_config *att_vit_get_config(const att_vit *v)
{
    return &v->config;
}

att_precision att_vit_precision(const att_vit *v)
{
    return v->precision;
}

size_t att_vit_bytes(const att_vit *v)
{
    return att_arena_bytes(v->arena);
}

/* Which of the side's buckets [i / side, (i + 1) / side) a fraction is in, in f32. The reference's
 * own bounds depend on how wide its machine's vectors are; the sides of released models, 26 and 32,
 * are alike on all. */
static int32_t bucket_of(int32_t i, int32_t n, int32_t side)
{
    const float fraction = fminf((float)i * (1.0f / (float)n), (float)(1.0 - 1e-6));
    int32_t bucket = 0;
    while (bucket < side - 1) {
        const double step = 1.0 / (double)side;
        if (fraction < (float)(step + (double)bucket * step)) break;
        bucket++;
    }
    return bucket;
}

void att_vit_bucket_positions(int32_t side, int32_t rows, int32_t cols, int32_t *positions)
{
    for (int32_t y = 0; y < side; y++)
        for (int32_t x = 0; x < side; x++)
            positions[y * side + x] =
                y < rows && x < cols ? bucket_of(y, rows, side) * side + bucket_of(x, cols, side)
                                     : 0;
}

static att_status take(att_vit_session *s, const char *what, int32_t rows, int32_t cols,
                       att_mat *mat, att_err *err)
{
    const att_status status =
        att_arena_take(s->arena, what, ATT_F32, (int64_t)rows * cols, &mat->view, err);
    *mat = att_mat_of(mat->view, rows, cols);
    return status;
}

/* The whole memory plan of a session. */
static att_status reserve(att_vit_session *s, att_err *err)
{
    const att_vit_config *c = &s->vit->config;
    const att_block_desc desc = atti_vit_block(s->vit);
    const int32_t tokens = att_vit_tokens(c), rows = s->max_tiles * tokens;
    s->host_list = att_calloc((size_t)rows, sizeof *s->host_list);
    s->kept = att_calloc((size_t)rows, sizeof *s->kept);
    s->tile_rows = att_calloc((size_t)s->max_tiles, sizeof *s->tile_rows);
    s->parts = att_calloc((size_t)s->max_tiles, sizeof *s->parts);
    if (!s->host_list || !s->kept || !s->tile_rows || !s->parts)
        return att_fail(err, ATT_E_MEMORY, "make vision session: out of memory");
    att_status status =
        att_block_scratch_init(&s->scratch, s->arena, s->vit->device, &desc, rows, tokens, err);
    if (!status)
        status = take(s, "patches", s->max_tiles * att_vit_patches(c), att_vit_values(c),
                      &s->patches, err);
    for (int i = 0; !status && i < 2; i++)
        status = take(s, "hidden rows", rows, c->width, &s->hidden[i], err);
    if (!status) status = att_arena_take(s->arena, "rows", ATT_I32, rows, &s->list, err);
    return status;
}

att_status att_vit_session_create(att_vit_session **out, const att_vit *v, att_queue *queue,
                                  int32_t max_tiles, att_err *err)
{
    const int64_t rows = (int64_t)max_tiles * att_vit_tokens(&v->config);
    *out = NULL;
    if (max_tiles < 1 || rows * att_vit_values(&v->config) > INT32_MAX)
        return att_fail(err, ATT_E_ARG,
                        "make vision session: %d tiles of %d tokens; from 1 to what 2^31 numbers "
                        "hold is expected",
                        max_tiles, att_vit_tokens(&v->config));
    att_vit_session *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make vision session: out of memory");
    s->vit = v;
    s->queue = queue;
    s->max_tiles = max_tiles;
    s->layer = -1;
    att_status status = att_arena_create(&s->arena, v->device, "vision session", err);
    if (!status) status = reserve(s, err);
    if (!status) att_arena_seal(s->arena);
    if (status)
        att_vit_session_destroy(s);
    else
        *out = s;
    return status;
}

void att_vit_session_destroy(att_vit_session *s)
{
    if (!s) return;
    att_arena_destroy(s->arena);
    att_free(s->host_list);
    att_free(s->kept);
    att_free(s->tile_rows);
    att_free(s->parts);
    att_free(s);
}

int32_t att_vit_session_max_tiles(const att_vit_session *s)
{
    return s->max_tiles;
}

att_mat att_vit_hidden(const att_vit_session *s)
{
    return att_mat_rows(s->hidden[0], 0, s->n_rows);
}

const int32_t *att_vit_kept(const att_vit_session *s, int32_t *n)
{
    *n = s->n_rows;
    return s->kept;
}

int32_t att_vit_tile_rows(const att_vit_session *s, int32_t tile)
{
    return s->tile_rows[tile];
}

/* x[rows of host_list] to y. */
static att_status gather(att_vit_session *s, att_mat x, att_mat y, att_err *err)
{
    att_status status = att_queue_write(s->queue, s->list, s->host_list, y.rows, err);
    if (!status) status = att_gather_apply(s->queue, x, s->list, y, err);
    return status;
}

/* Rows of the table of positions for each token; the class token is position 0's. */
static att_status list_positions(att_vit_session *s, const int32_t *positions, att_err *err)
{
    const att_vit_config *c = &s->vit->config;
    const int32_t n_patches = att_vit_patches(c), n_tokens = att_vit_tokens(c);
    for (int32_t row = 0; row < s->n_rows; row++) {
        const int32_t tile = row / n_tokens, patch = row % n_tokens - c->class_token;
        int32_t at = patch;
        if (positions && patch >= 0) at = positions[tile * n_patches + patch];
        if (patch >= 0 && (at < 0 || at >= n_patches))
            return att_fail(err, ATT_E_ARG, "encode tiles: position %d of patch %d, there are %d",
                            at, patch, n_patches);
        s->host_list[row] = at + c->class_token;
    }
    return ATT_OK;
}

/* Patches as tokens, added to their positions, which hidden holds. */
static att_status embed(att_vit_session *s, att_err *err)
{
    const att_vit_config *c = &s->vit->config;
    const int32_t n_patches = att_vit_patches(c), n_tokens = att_vit_tokens(c);
    const int32_t calls = c->class_token ? s->n_tiles : 1; /* rows of class tokens lie between */
    const int32_t rows = s->n_tiles * n_patches / calls;
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < calls; i++) {
        const att_mat x = att_mat_rows(s->patches, i * n_patches, rows);
        const att_mat y = att_mat_rows(s->hidden[0], i * n_tokens + c->class_token, rows);
        const att_epilogue add = {ATT_ACT_NONE, y, {0}};
        status = att_linear_apply(s->queue, s->vit->patch, x, y, &add, err);
    }
    return status;
}

att_status att_vit_begin(att_vit_session *s, const float *patches, int32_t n_tiles,
                         const int32_t *positions, att_err *err)
{
    const att_vit *v = s->vit;
    const att_vit_config *c = &v->config;
    const int32_t n_tokens = att_vit_tokens(c);
    s->layer = -1;
    if (n_tiles < 1 || n_tiles > s->max_tiles)
        return att_fail(err, ATT_E_ARG, "encode %d tiles: the session holds 1 to %d", n_tiles,
                        s->max_tiles);
    s->n_tiles = n_tiles;
    s->n_rows = n_tiles * n_tokens;
    for (int32_t i = 0; i < s->n_rows; i++) s->kept[i] = i;
    for (int32_t i = 0; i < n_tiles; i++) s->tile_rows[i] = n_tokens;
    const att_mat table = att_mat_of(v->table, n_tokens, c->width);
    const int64_t n_values = (int64_t)n_tiles * att_vit_patches(c) * att_vit_values(c);
    att_status status = list_positions(s, positions, err);
    if (!status) status = gather(s, table, att_vit_hidden(s), err);
    if (!status) status = att_queue_write(s->queue, s->patches.view, patches, n_values, err);
    if (!status) status = embed(s, err);
    if (!status && c->first_norm)
        status =
            att_norm_apply(s->queue, &v->first_norm, att_vit_hidden(s), att_vit_hidden(s), err);
    if (!status) s->layer = 0;
    return status;
}

att_status att_vit_layer(att_vit_session *s, int32_t layer, const att_attn_call *policies,
                         const att_block_look *look, att_err *err)
{
    if (s->layer < 0 || layer != s->layer || layer >= s->vit->config.layers)
        return att_fail(err, ATT_E_ARG, "run layer %d of a vision encoder: %d of %d is the next",
                        layer, s->layer, s->vit->config.layers);
    int32_t n = 0;
    for (int32_t i = 0; i < s->n_tiles; i++)
        if (s->tile_rows[i])
            s->parts[n++] = (att_block_part){.rows = s->tile_rows[i],
                                             .self_policy = policies ? &policies[i] : NULL};
    const att_block_call call = {
        .x = att_vit_hidden(s), .parts = s->parts, .n_parts = n, .look = look};
    att_status status = ATT_OK;
    if (n) status = att_block_apply(s->queue, &s->vit->blocks[layer], &s->scratch, &call, err);
    s->layer = status ? -1 : layer + 1;
    return status;
}

/* The list ascends within the rows, and no tile loses its class token alone. */
static att_status check_keep(const att_vit_session *s, const int32_t *rows, int32_t n, att_err *err)
{
    const int32_t n_tokens = att_vit_tokens(&s->vit->config);
    if (s->layer < 0) return att_fail(err, ATT_E_ARG, "keep rows: no tiles were begun");
    for (int32_t i = 0, last = -1; i < n; i++) {
        const int32_t before = i ? rows[i - 1] : -1;
        if (rows[i] <= before || rows[i] >= s->n_rows)
            return att_fail(err, ATT_E_ARG,
                            "keep rows: entry %d is row %d after %d, of %d; an ascending list is "
                            "expected",
                            i, rows[i], before, s->n_rows);
        const int32_t tile = s->kept[rows[i]] / n_tokens;
        if (s->vit->config.class_token && tile != last && s->kept[rows[i]] % n_tokens)
            return att_fail(err, ATT_E_ARG, "keep rows: tile %d would lose its class token", tile);
        last = tile;
    }
    return ATT_OK;
}

att_status att_vit_keep(att_vit_session *s, const int32_t *rows, int32_t n, att_err *err)
{
    const int32_t n_tokens = att_vit_tokens(&s->vit->config);
    att_status status = check_keep(s, rows, n, err);
    if (status || n == s->n_rows) return status; /* all of them: nothing moves */
    memcpy(s->host_list, rows, (size_t)n * sizeof *rows);
    if (n) status = gather(s, att_vit_hidden(s), att_mat_rows(s->hidden[1], 0, n), err);
    if (status) return status;
    const att_mat old = s->hidden[0];
    s->hidden[0] = s->hidden[1];
    s->hidden[1] = old;
    memset(s->tile_rows, 0, (size_t)s->n_tiles * sizeof *s->tile_rows);
    for (int32_t i = 0; i < n; i++) {
        s->kept[i] = s->kept[s->host_list[i]];
        s->tile_rows[s->kept[i] / n_tokens]++;
    }
    s->n_rows = n;
    return ATT_OK;
}

att_status att_vit_finish(att_vit_session *s, att_mat out, att_err *err)
{
    const att_vit_config *c = &s->vit->config;
    const int32_t n_tokens = att_vit_tokens(c);
    int32_t n = 0;
    if (s->layer != c->layers)
        return att_fail(err, ATT_E_ARG, "finish tiles: layer %d of %d is the next", s->layer,
                        c->layers);
    for (int32_t i = 0; i < s->n_rows; i++)
        if (!c->class_token || s->kept[i] % n_tokens) s->host_list[n++] = i;
    if (out.rows != n || out.cols != c->width)
        return att_fail(err, ATT_E_SHAPE, "finish tiles: out is [%d,%d], there are [%d,%d]",
                        out.rows, out.cols, n, c->width);
    s->layer = -1;
    if (!n) return ATT_OK;
    att_mat x = att_vit_hidden(s);
    att_status status = ATT_OK;
    if (n < s->n_rows || !c->last_norm) {
        const att_mat to = c->last_norm ? att_mat_rows(s->hidden[1], 0, n) : out;
        status = gather(s, x, to, err);
        x = to;
    }
    if (!status && c->last_norm) status = att_norm_apply(s->queue, &s->vit->last_norm, x, out, err);
    return status;
}

att_status att_vit_encode(att_vit_session *s, const float *patches, int32_t n_tiles, att_mat out,
                          att_err *err)
{
    att_status status = att_vit_begin(s, patches, n_tiles, NULL, err);
    for (int32_t i = 0; !status && i < s->vit->config.layers; i++)
        status = att_vit_layer(s, i, NULL, NULL, err);
    if (!status) status = att_vit_finish(s, out, err);
    return status;
}
