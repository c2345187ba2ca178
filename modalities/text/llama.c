/* llama.c - a pass of tokens through a Llama-family model (llama.h). */
#include "llama.h"

#include <assert.h>
#include <string.h>

#include "llama_model.h"
#include "mem.h"

/* A segment, or a part of one, and where in the text it stands. */
typedef struct piece {
    att_llama_segment g;
    int32_t first;
} piece;

/* What flows in one pass. */
typedef struct pass {
    att_llama_session *s;
    const att_llama_hooks *hooks;
    att_mat x; /* the rows that are left */
    int32_t n_logits;
} pass;

/* ---- tracks ---- */

static int32_t n_held(const att_llama_session *s, int32_t layer)
{
    return s->tracks[s->track_of[layer]].n;
}

/* Whether token i of the track is at position i, for all of them. */
static int is_dense(const atti_llama_track *t)
{
    return t->n == 0 || (t->positions[0] == 0 && t->positions[t->n - 1] == t->n - 1);
}

/* The layers behind `layer` hold other tokens than it from now on: those it had before the pass. */
static att_status split(att_llama_session *s, int32_t layer, int32_t n_before, att_err *err)
{
    const int32_t at = s->track_of[layer], layers = s->llama->config.layers;
    if (layer + 1 >= layers || s->track_of[layer + 1] != at) return ATT_OK;
    if (s->n_tracks == ATTI_LLAMA_MAX_TRACKS)
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "drop tokens behind layer %d: they are dropped behind %d layers already",
                        layer, ATTI_LLAMA_MAX_TRACKS - 1);
    atti_llama_track last = s->tracks[s->n_tracks];
    for (int32_t i = s->n_tracks; i > at + 1; i--) s->tracks[i] = s->tracks[i - 1];
    last.n = n_before;
    memcpy(last.positions, s->tracks[at].positions, (size_t)n_before * sizeof *last.positions);
    memcpy(last.places, s->tracks[at].places, (size_t)n_before * sizeof *last.places);
    s->tracks[at + 1] = last;
    s->n_tracks++;
    for (int32_t i = layer + 1; i < layers; i++) s->track_of[i]++;
    return ATT_OK;
}

static void join_tracks(att_llama_session *s)
{
    s->n_tracks = 1;
    memset(s->track_of, 0, (size_t)s->llama->config.layers * sizeof *s->track_of);
}

/* The rows of the pass are the track's newest tokens; it says what positions they have. */
static att_status extend(att_llama_session *s, atti_llama_track *t, int32_t rows, att_err *err)
{
    const int32_t shift = t->n ? t->positions[t->n - 1] - t->places[t->n - 1] : 0;
    for (int32_t i = 0; i < rows; i++) s->positions[i] = s->places[i] + shift - s->closed[i];
    memcpy(t->places + t->n, s->places, (size_t)rows * sizeof *t->places);
    memcpy(t->positions + t->n, s->positions, (size_t)rows * sizeof *t->positions);
    t->n += rows;
    if (is_dense(t) || !s->llama->config.window) return ATT_OK;
    return att_queue_write(s->queue, t->device, t->positions, t->n, err);
}

/* ---- a pass ---- */

static att_status embed(pass *p, const att_llama_segment *g, int32_t at, att_err *err)
{
    att_llama_session *s = p->s;
    const att_mat to = att_mat_rows(s->x, at, g->n), none = {.rows = 0};
    if (!g->ids)
        return att_queue_copy(s->queue, to.view, g->rows.view, (int64_t)g->n * to.cols, err);
    att_status status = att_queue_write(s->queue, att_view_at(s->ids, at), g->ids, g->n, err);
    return status ? status
                  : att_linear_rows_of(s->queue, s->llama->tokens, att_view_at(s->ids, at), to,
                                       none, err);
}

/* A query sees what stands before it. Positions ascend, so the order says it as well, but for a
 * window. */
static att_attn_call plain_call(const att_llama_session *s, const atti_llama_track *t, int32_t rows)
{
    const int32_t window = s->llama->config.window;
    att_attn_call call = {.mask = {.flags = ATT_MASK_CAUSAL, .q_first = t->n - rows}};
    if (!window) return call;
    call.mask.flags |= ATT_MASK_WINDOW;
    call.mask.left = window - 1;
    call.mask.right = -1;
    if (!is_dense(t)) {
        call.mask.k_pos = t->device;
        call.mask.q_pos = att_view_at(t->device, t->n - rows);
    }
    return call;
}

/* Rows that are kept move to the front, run by run, through the other matrix. */
static att_status gather(pass *p, const att_llama_keep *keep, att_err *err)
{
    att_llama_session *s = p->s;
    att_status status = ATT_OK;
    for (int32_t i = 0, n; !status && i < keep->n; i += n) {
        for (n = 1; i + n < keep->n && keep->rows[i + n] == keep->rows[i] + n;) n++;
        status =
            att_queue_copy(s->queue, att_mat_rows(s->spare, i, n).view,
                           att_mat_rows(p->x, keep->rows[i], n).view, (int64_t)n * p->x.cols, err);
    }
    const att_mat old = s->x;
    s->x = s->spare;
    s->spare = old;
    for (int32_t i = 0; i < keep->n; i++) {
        s->places[i] = s->places[keep->rows[i]];
        s->closed[i] = s->closed[keep->rows[i]] + (keep->renumber ? keep->rows[i] - i : 0);
    }
    p->x = att_mat_rows(s->x, 0, keep->n);
    return status;
}

static att_status check_keep(const att_llama_keep *keep, int32_t rows, int32_t n_logits,
                             att_err *err)
{
    int bad = keep->n < 1 || keep->n > rows;
    for (int32_t i = 0; !bad && i < keep->n; i++)
        bad = keep->rows[i] < 0 || keep->rows[i] >= rows ||
              (i > 0 && keep->rows[i] <= keep->rows[i - 1]);
    for (int32_t i = 1; !bad && i <= n_logits; i++)
        bad = i > keep->n || keep->rows[keep->n - i] != rows - i;
    if (!bad) return ATT_OK;
    return att_fail(err, ATT_E_ARG,
                    "drop tokens: %d of %d rows are kept; they must ascend, and the last %d stay",
                    keep->n, rows, n_logits);
}

static att_status drop(pass *p, int32_t layer, const att_llama_keep *keep, att_err *err)
{
    att_llama_session *s = p->s;
    const int32_t rows = p->x.rows, n_before = n_held(s, layer) - rows;
    att_status status = check_keep(keep, rows, p->n_logits, err);
    if (!status) status = split(s, layer, n_before, err);
    return status ? status : gather(p, keep, err);
}

static att_status run_layer(pass *p, int32_t layer, att_err *err)
{
    att_llama_session *s = p->s;
    atti_llama_track *track = &s->tracks[s->track_of[layer]];
    const int is_first = layer == 0 || s->track_of[layer - 1] != s->track_of[layer];
    const int32_t rows = p->x.rows;
    att_status status = is_first ? extend(s, track, rows, err) : ATT_OK;
    att_attn_call call = plain_call(s, track, rows);
    const int in_a_row = s->positions[rows - 1] - s->positions[0] == rows - 1;
    const att_block_part part = {.rows = rows,
                                 .self_policy = &call,
                                 .self_cache = &s->caches[layer],
                                 .first = s->positions[0],
                                 .positions = in_a_row ? NULL : &s->ids};
    if (!status && !in_a_row && is_first)
        status = att_queue_write(s->queue, s->ids, s->positions, rows, err);
    if (!status && p->hooks && p->hooks->before)
        status = p->hooks->before(p->hooks->user, layer, &call, err);
    const att_block_call run = {.x = p->x, .parts = &part, .n_parts = 1};
    if (!status)
        status = att_block_apply(s->queue, &s->llama->blocks[layer], &s->scratch, &run, err);
    if (status || !p->hooks || !p->hooks->after) return status;
    att_llama_keep keep = {.n = rows};
    status = p->hooks->after(p->hooks->user, layer, p->x, &keep, err);
    return status || keep.n == rows ? status : drop(p, layer, &keep, err);
}

/* The places of a piece's rows. */
static void place(const piece *one, int32_t *places)
{
    for (int32_t i = 0; i < one->g.n; i++)
        places[i] = one->first + (one->g.places ? one->g.places[i] : i);
}

/* At most max_rows rows through all layers. */
static att_status run_pass(att_llama_session *s, const piece *pieces, int32_t n_pieces,
                           int32_t rows, const att_llama_call *call, int32_t n_logits, att_err *err)
{
    pass p = {.s = s, .hooks = call->hooks, .n_logits = n_logits};
    att_status status = ATT_OK;
    for (int32_t i = 0, at = 0; !status && i < n_pieces; at += pieces[i++].g.n) {
        place(&pieces[i], s->places + at);
        status = embed(&p, &pieces[i].g, at, err);
    }
    memset(s->closed, 0, (size_t)rows * sizeof *s->closed);
    p.x = att_mat_rows(s->x, 0, rows);
    for (int32_t layer = 0; !status && layer < s->llama->config.layers; layer++)
        status = run_layer(&p, layer, err);
    if (status || n_logits == 0) return status;
    const att_mat from = att_mat_rows(p.x, p.x.rows - n_logits, n_logits);
    const att_mat last = att_mat_rows(s->last, 0, n_logits);
    status = att_norm_apply(s->queue, &s->llama->norm, from, last, err);
    if (!status)
        status = att_linear_apply(s->queue, s->llama->head, last,
                                  att_mat_rows(s->logits, 0, n_logits), NULL, err);
    return status;
}

/* ---- the call ---- */

static att_status check_segment(const att_llama_session *s, const att_llama_segment *g,
                                att_err *err)
{
    const int32_t vocab = att_llama_vocab(s->llama), span = g->span ? g->span : g->n;
    for (int32_t k = 0; g->ids && k < g->n; k++)
        if (g->ids[k] < 0 || g->ids[k] >= vocab)
            return att_fail(err, ATT_E_ARG, "append tokens: id %d, the vocabulary has %d",
                            g->ids[k], vocab);
    for (int32_t k = 0; g->places && k < g->n; k++)
        if (g->places[k] < (k > 0 ? g->places[k - 1] + 1 : 0) || g->places[k] >= span)
            return att_fail(err, ATT_E_ARG,
                            "append tokens: place %d of token %d, expected to "
                            "ascend below %d",
                            g->places[k], k, span);
    if (g->n < 0 || span < g->n)
        return att_fail(err, ATT_E_ARG, "append tokens: %d of them in %d places", g->n, span);
    if (!g->ids && (g->rows.cols != s->x.cols || g->rows.stride != g->rows.cols))
        return att_fail(err, ATT_E_SHAPE, "append rows: they are %d wide, expected %d",
                        g->rows.cols, s->x.cols);
    return ATT_OK;
}

/* *n: rows in all; *span: places. */
static att_status check_call(const att_llama_session *s, const att_llama_call *call, int32_t *n,
                             int32_t *span, att_err *err)
{
    int64_t rows = 0, places = 0;
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < call->n_segments; i++) {
        const att_llama_segment *g = &call->segments[i];
        status = check_segment(s, g, err);
        rows += g->n;
        places += g->span ? g->span : g->n;
    }
    if (status) return status;
    if (rows < 1 || s->length + places > s->max_tokens)
        return att_fail(err, ATT_E_SHAPE, "append %lld tokens to %d: there is room for %d",
                        (long long)places, s->length, s->max_tokens);
    if (call->n_logits < 0 || call->n_logits > s->max_logits || call->n_logits > rows ||
        call->n_logits > s->max_rows)
        return att_fail(err, ATT_E_SHAPE, "append %lld tokens: %d rows of logits, at most %d",
                        (long long)rows, call->n_logits, s->max_logits);
    if (call->hooks && call->hooks->after && rows > s->max_rows)
        return att_fail(err, ATT_E_SHAPE,
                        "append %lld tokens with some dropped: at most %d go through at once",
                        (long long)rows, s->max_rows);
    *n = (int32_t)rows;
    *span = (int32_t)places;
    return ATT_OK;
}

/* Where the cutting of a call stands. */
typedef struct cutter {
    const att_llama_call *call;
    int32_t segment, at; /* the next row */
    int32_t first;       /* place of the segment's first */
} cutter;

/* Cuts `rows` rows off the front of the segments; returns how many pieces they are. */
static int32_t cut(cutter *c, int32_t rows, piece *pieces)
{
    int32_t n = 0;
    while (rows > 0) {
        const att_llama_segment *g = &c->call->segments[c->segment];
        const int32_t take = g->n - c->at < rows ? g->n - c->at : rows;
        piece one = {.g = *g, .first = c->first + (g->places ? 0 : c->at)};
        one.g.n = take;
        if (g->ids) one.g.ids += c->at;
        if (!g->ids) one.g.rows = att_mat_rows(g->rows, c->at, take);
        if (g->places) one.g.places += c->at;
        pieces[n] = one;
        n += take > 0;
        rows -= take;
        c->at += take;
        if (c->at < g->n) continue;
        c->first += g->span ? g->span : g->n;
        c->segment++;
        c->at = 0;
    }
    return n;
}

att_status att_llama_append(att_llama_session *s, const att_llama_call *call, att_err *err)
{
    const int32_t before = s->length;
    int32_t rows = 0, span = 0;
    cutter c = {.call = call, .first = before};
    att_status status = check_call(s, call, &rows, &span, err);
    if (status) return status;
    piece *pieces = att_calloc((size_t)call->n_segments + 1, sizeof *pieces);
    if (!pieces) return att_fail(err, ATT_E_MEMORY, "append tokens: out of memory");
    for (int32_t left = rows; !status && left > 0;) {
        /* Rows whose logits are wanted go in one pass. */
        int32_t n = left <= s->max_rows ? left : s->max_rows;
        if (n < left && left - n < call->n_logits) n = left - call->n_logits;
        left -= n;
        const int32_t n_pieces = cut(&c, n, pieces);
        status = run_pass(s, pieces, n_pieces, n, call, left ? 0 : call->n_logits, err);
    }
    att_free(pieces);
    s->length = before + span;
    s->n_logits = status ? 0 : call->n_logits;
    if (status) att_llama_truncate(s, before);
    return status;
}

att_status att_llama_logits(att_llama_session *s, int32_t i, float *logits, att_err *err)
{
    if (i < 0 || i >= s->n_logits)
        return att_fail(err, ATT_E_ARG, "read logits: row %d of %d", i, s->n_logits);
    return att_queue_read(s->queue, logits, att_mat_rows(s->logits, i, 1).view, s->logits.cols,
                          err);
}

int32_t att_llama_length(const att_llama_session *s)
{
    return s->length;
}

int32_t att_llama_held(const att_llama_session *s, int32_t layer)
{
    return n_held(s, layer);
}

void att_llama_truncate(att_llama_session *s, int32_t n)
{
    assert(n >= 0 && n <= s->length);
    for (int32_t i = 0; i < s->n_tracks; i++) {
        atti_llama_track *t = &s->tracks[i];
        while (t->n > 0 && t->places[t->n - 1] >= n) t->n--;
    }
    for (int32_t i = 0; i < s->llama->config.layers; i++) s->caches[i].length = n_held(s, i);
    s->length = n;
    s->n_logits = 0;
    if (n == 0) join_tracks(s);
}
