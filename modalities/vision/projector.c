/* projector.c - features of patches to the width of a language model (projector.h).
 * Tests: tests/models/test_vit_tiny.c, tests/unit/test_projector.c */
#include "projector.h"

#include <stdio.h>
#include <string.h>

#include "gather.h"
#include "mem.h"
#include "vision_load.h"

struct att_projector {
    att_projector_config config;
    att_precision precision;
    att_device *device;
    att_arena *arena;
    att_linear *first, *second; /* second: NULL of one linear */
};

typedef struct arrays {
    att_vision_linear first, second;
} arrays;

/* Letters: K inputs, W width. */
static const att_spec_row ONE[] = {
    {"weight", "W,K", ATT_SPEC_FLOATS | ATT_SPEC_BLOCKS, 0, offsetof(arrays, first.weight)},
};

static const att_spec_row FIRST[] = {
    {"weight", "W,K", ATT_SPEC_FLOATS | ATT_SPEC_BLOCKS, 0, offsetof(arrays, first.weight)},
    {"bias", "W", ATT_SPEC_FLOATS, ATT_SPEC_OPTIONAL, offsetof(arrays, first.bias)},
};

static const att_spec_row SECOND[] = {
    {"weight", "W,W", ATT_SPEC_FLOATS | ATT_SPEC_BLOCKS, 0, offsetof(arrays, second.weight)},
    {"bias", "W", ATT_SPEC_FLOATS, ATT_SPEC_OPTIONAL, offsetof(arrays, second.bias)},
};

/* What the one linear is called, or the two. */
typedef struct naming {
    const char *first, *second;
} naming;

static const naming NAMINGS[] = {
    {"MP.proj.", NULL},
    {"model.connector.modality_projection.proj.", NULL},
    {"connector.modality_projection.proj.", NULL},
    {"mm.model.fc.", NULL},
    {"multi_modal_projector.linear_1.", "multi_modal_projector.linear_2."},
    {"model.multi_modal_projector.linear_1.", "model.multi_modal_projector.linear_2."},
    {"model.mm_projector.0.", "model.mm_projector.2."},
    {"mm.0.", "mm.2."},
};

static att_status bind(att_weights *weights, int32_t inputs, arrays *a, att_err *err)
{
    att_letter letters[] = {{'K', inputs}, {'W', 0}};
    att_complaints complaints = {0};
    memset(a, 0, sizeof *a);
    for (size_t i = 0; i < sizeof NAMINGS / sizeof *NAMINGS; i++) {
        const naming *n = &NAMINGS[i];
        char name[128];
        snprintf(name, sizeof name, "%sweight", n->first);
        if (!att_weights_find(weights, name)) continue;
        atti_vision_bind(weights, n->first, n->second ? FIRST : ONE, n->second ? 2 : 1, -1, letters,
                         2, a, &complaints);
        if (n->second)
            atti_vision_bind(weights, n->second, SECOND, 2, -1, letters, 2, a, &complaints);
        if (complaints.n == 0 && letters[1].size > 1 << 16)
            att_complain(&complaints, "a token is %lld wide, which is absurd",
                         (long long)letters[1].size);
        return att_complaints_status(&complaints, weights, err);
    }
    return att_fail(err, ATT_E_MODEL,
                    "load %s: no projector in it, by nanoVLM's names, Idefics3's, LLaVA's or those "
                    "of GGUF",
                    att_weights_path(weights));
}

static att_status load(att_projector *p, att_queue *queue, att_weights *weights, att_err *err)
{
    const att_projector_config *c = &p->config;
    const int64_t inputs = (int64_t)c->width_in * c->shuffle * c->shuffle;
    const atti_vision_loader l = {queue, p->arena, weights, p->precision};
    arrays a;
    if (c->shuffle < 1 || c->side < 1 || c->side % c->shuffle || inputs < 1 || inputs > INT32_MAX)
        return att_fail(err, ATT_E_MODEL,
                        "load projector: %d patches a side and a width of %d, squares of %d",
                        c->side, c->width_in, c->shuffle);
    att_status status = bind(weights, (int32_t)inputs, &a, err);
    if (!status) status = atti_vision_make_linear(&l, &a.first, 1, &p->first, err);
    if (!status && a.second.weight)
        status = atti_vision_make_linear(&l, &a.second, 1, &p->second, err);
    return status;
}

att_status att_projector_create(att_projector **out, att_queue *queue, att_weights *weights,
                                const att_projector_config *config, att_precision precision,
                                att_err *err)
{
    *out = NULL;
    att_projector *p = att_calloc(1, sizeof *p);
    if (!p) return att_fail(err, ATT_E_MEMORY, "load projector: out of memory");
    p->config = *config;
    p->device = att_queue_device(queue);
    p->precision = att_linear_precision(p->device, precision);
    att_status status = att_arena_create(&p->arena, p->device, "projector", err);
    if (!status) status = load(p, queue, weights, err);
    if (!status) status = att_queue_wait(queue, err); /* other queues may use it now */
    if (!status) att_arena_seal(p->arena);
    if (status)
        att_projector_destroy(p);
    else
        *out = p;
    return status;
}

void att_projector_destroy(att_projector *p)
{
    if (!p) return;
    att_linear_destroy(p->first);
    att_linear_destroy(p->second);
    att_arena_destroy(p->arena);
    att_free(p);
}

int32_t att_projector_width(const att_projector *p)
{
    return att_linear_rows(p->first);
}

size_t att_projector_bytes(const att_projector *p)
{
    return att_arena_bytes(p->arena);
}

/* The row that holds a patch, or -1. */
static int32_t row_of(const int32_t *kept, int32_t n, int32_t patch)
{
    if (!kept) return patch < n ? patch : -1;
    int32_t low = 0, high = n;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (kept[middle] < patch)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && kept[low] == patch ? low : -1;
}

att_status att_shuffle_order(int32_t side, int32_t shuffle, const int32_t *kept, int32_t n,
                             int32_t *order, att_err *err)
{
    int32_t done = 0;
    if (side < 1 || shuffle < 1 || side % shuffle)
        return att_fail(err, ATT_E_ARG, "group patches: squares of %d do not fill a side of %d",
                        shuffle, side);
    for (int32_t row = 0; row < n; row++) {
        const int32_t patch = kept ? kept[row] : row;
        if (patch / side % side % shuffle || patch % side % shuffle) continue;
        for (int32_t i = 0; i < shuffle * shuffle; i++) {
            const int32_t at = row_of(kept, n, patch + i / shuffle * side + i % shuffle);
            if (at < 0)
                return att_fail(err, ATT_E_ARG,
                                "group patches: %d was kept, of its square of %d x %d not all",
                                patch, shuffle, shuffle);
            order[done++] = at;
        }
    }
    if (done == n) return ATT_OK;
    return att_fail(err, ATT_E_ARG, "group patches: %d of %d belong to no whole square of %d x %d",
                    n - done, n, shuffle, shuffle);
}

static att_status take(att_arena *arena, att_dtype dtype, int32_t rows, int32_t cols, att_mat *mat,
                       att_err *err)
{
    const att_status status =
        att_arena_take(arena, "projector scratch", dtype, (int64_t)rows * cols, &mat->view, err);
    *mat = att_mat_of(mat->view, rows, cols);
    return status;
}

att_status att_projector_scratch_init(att_projector_scratch *s, att_arena *arena,
                                      const att_projector *p, int32_t max_rows, att_err *err)
{
    const int32_t square = p->config.shuffle * p->config.shuffle, tokens = max_rows / square;
    const att_dtype operand = att_linear_operand(p->device, p->precision);
    const att_dtype between = operand == ATT_F16 ? ATT_F16 : ATT_F32;
    att_status status = ATT_OK;
    memset(s, 0, sizeof *s);
    s->max_rows = max_rows;
    if (square > 1) {
        s->host_list = att_calloc((size_t)max_rows, sizeof *s->host_list);
        status = s->host_list ? att_arena_take(arena, "rows", ATT_I32, max_rows, &s->list, err)
                              : att_fail(err, ATT_E_MEMORY, "make projector: out of memory");
        if (!status)
            status = take(arena, between, tokens, square * p->config.width_in, &s->grouped, err);
    }
    if (!status && p->second)
        status = take(arena, between, tokens, att_projector_width(p), &s->inner, err);
    return status;
}

void att_projector_scratch_finish(att_projector_scratch *s)
{
    att_free(s->host_list);
    s->host_list = NULL;
}

/* Rows of a square side by side: a row of the result is as many of a matrix of patches. */
static att_status group(att_queue *queue, const att_projector *p, const att_projector_scratch *s,
                        att_mat features, const int32_t *kept, att_mat *x, att_err *err)
{
    const att_mat patches = att_mat_of(s->grouped.view, features.rows, features.cols);
    att_status status = att_shuffle_order(p->config.side, p->config.shuffle, kept, features.rows,
                                          s->host_list, err);
    if (!status) status = att_queue_write(queue, s->list, s->host_list, features.rows, err);
    if (!status) status = att_gather_apply(queue, features, s->list, patches, err);
    *x = att_mat_rows(s->grouped, 0, features.rows / (p->config.shuffle * p->config.shuffle));
    return status;
}

att_status att_projector_apply(att_queue *queue, const att_projector *p,
                               const att_projector_scratch *s, att_mat features,
                               const int32_t *kept, att_mat out, att_err *err)
{
    const att_projector_config *c = &p->config;
    const int32_t square = c->shuffle * c->shuffle;
    if (features.rows > s->max_rows || features.cols != c->width_in ||
        out.rows * square != features.rows || out.cols != att_projector_width(p))
        return att_fail(err, ATT_E_SHAPE,
                        "project features: [%d,%d] to [%d,%d], expected [n <= %d,%d] to [n/%d,%d]",
                        features.rows, features.cols, out.rows, out.cols, s->max_rows, c->width_in,
                        square, att_projector_width(p));
    if (!features.rows) return ATT_OK;
    att_mat x = features;
    att_status status = ATT_OK;
    if (square > 1) status = group(queue, p, s, features, kept, &x, err);
    if (!status && !p->second) status = att_linear_apply(queue, p->first, x, out, NULL, err);
    if (!status && p->second) {
        const att_mat inner = att_mat_rows(s->inner, 0, out.rows);
        const att_epilogue act = {c->act, {{0}, 0, 0, 0}, {0}};
        status = att_linear_apply(queue, p->first, x, inner, &act, err);
        if (!status) status = att_linear_apply(queue, p->second, inner, out, NULL, err);
    }
    return status;
}
