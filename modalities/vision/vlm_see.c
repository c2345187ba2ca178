/* vlm_see.c - a picture into rows for the language model, pruned on the way (vlm.h).
 * Tests: tests/models/test_vlm_ask.c */
#include <string.h>

#include "mem.h"
#include "vlm_ask.h"

/* One picture's way through the encoder. */
typedef struct seeing {
    att_vlm_session *s;
    const att_vlm_config *config;
    att_vit_session *encoder;
    att_attn_call policy;   /* of a layer whose attention is read out */
    int32_t *row_of;        /* [max_visual]: of an origin its row among the projected, or -1 */
    const int32_t *patches; /* those that are left, as tile's tokens without a class token */
    int32_t n_patches;
} seeing;

static int32_t square(const seeing *see)
{
    return see->config->shuffle * see->config->shuffle;
}

/* Sums or means of patches' rows become those of the tokens that they are merged to. */
static void merge_patches(const seeing *see, att_prune_reads *r)
{
    const int32_t side = see->config->vit.side, k = see->config->shuffle, cols = side / k;
    atti_vlm_reads *from = &see->s->reads;
    float *row = from->row + from->has_class, *l1 = from->l1 + from->has_class;
    const int32_t n = cols * cols;
    if (k == 1 || r->n != side * side) return;
    for (int32_t t = 0; t < n; t++) { /* a token's first patch is never before an earlier token's */
        double mass = 0.0, norm = 0.0;
        for (int32_t i = 0; i < k * k; i++) {
            const int32_t p = (t / cols * k + i / k) * side + t % cols * k + i % k;
            mass += (double)row[p];
            norm += (double)l1[p];
        }
        from->scratch[t] = (float)mass;
        from->dots[t] = (float)(norm / (k * k)); /* free: no policy wants both here */
    }
    memcpy(row, from->scratch, (size_t)n * sizeof *row);
    memcpy(l1, from->dots, (size_t)n * sizeof *l1);
    r->n = n;
}

/* The read-outs of a layer that just ran. */
static att_status reads_of(seeing *see, uint32_t wants, att_prune_reads *reads, att_err *err)
{
    att_vlm_session *s = see->s;
    const int taps = (wants & ATT_READ_KEY_MEAN) != 0;
    att_status status = ATT_OK;
    const double began = atti_vlm_now();
    if (taps)
        status = att_queue_read(s->queue, s->host_rows, s->key_mean,
                                (int64_t)s->reads.heads * s->reads.rows, err);
    *reads = atti_vlm_reads_of(&s->reads, taps ? s->host_rows : NULL);
    s->choose_s += atti_vlm_now() - began;
    return status;
}

/* Drops patches; rows of the encoder are these and a class token. */
static att_status keep_patches(seeing *see, const att_prune_cut *cut, int32_t before, att_err *err)
{
    att_vlm_session *s = see->s;
    const int32_t c = see->config->vit.class_token;
    if (cut->n == before) return ATT_OK;
    for (int32_t i = 0; i < c; i++) s->keep_rows[i] = i;
    for (int32_t i = 0; i < cut->n; i++) s->keep_rows[c + i] = cut->kept[i] + c;
    return att_vit_keep(see->encoder, s->keep_rows, cut->n + c, err);
}

static att_status step(att_vlm_session *s, att_prune_place place, int32_t layer,
                       const att_prune_reads *reads, att_prune_cut *cut, att_err *err)
{
    const double began = atti_vlm_now();
    const att_status status = att_prune_step(s->prune, place, layer, reads, cut, err);
    s->choose_s += atti_vlm_now() - began;
    return status;
}

/* A layer, whose q, k and v or attention are looked at where a step behind it wants them. */
static att_status run_layer(seeing *see, int32_t layer, att_err *err)
{
    att_vlm_session *s = see->s;
    const int is_last = layer + 1 == see->config->vit.layers;
    int due = 0, due_behind = 0;
    uint32_t wants = att_prune_wants(s->prune, ATT_PRUNE_AT_VIT, layer, &due);
    if (is_last) wants |= att_prune_wants(s->prune, ATT_PRUNE_AT_PROJECTOR, 0, &due_behind);
    const att_block_look look = {atti_vlm_reads_see, &s->reads};
    const uint32_t tap = wants & ATT_READ_KEY_MEAN;
    s->reads.wants = wants;
    see->policy = (att_attn_call){.taps = {.key_mean = s->key_mean}};
    att_status status =
        att_vit_layer(see->encoder, layer, tap ? &see->policy : NULL, wants ? &look : NULL, err);
    if (status || !due) return status;
    att_prune_reads reads;
    att_prune_cut cut;
    const int32_t before = see->n_patches;
    status = reads_of(see, wants, &reads, err);
    if (!status) status = step(s, ATT_PRUNE_AT_VIT, layer, &reads, &cut, err);
    if (!status) status = keep_patches(see, &cut, before, err);
    see->patches = att_prune_ids(s->prune, &see->n_patches);
    return status;
}

/* Weighted sums of rows, on the host. */
static att_status merge_rows(att_vlm_session *s, att_mat rows, const att_prune_merge *merge,
                             att_err *err)
{
    const size_t width = (size_t)rows.cols;
    float *to = att_calloc((size_t)merge->n * width, sizeof *to);
    if (!to) return att_fail(err, ATT_E_MEMORY, "merge tokens: out of memory");
    att_status status =
        att_queue_read(s->queue, s->features, rows.view, (int64_t)rows.rows * rows.cols, err);
    for (int32_t i = 0; !status && i < merge->n; i++)
        for (int32_t j = merge->at[i]; j < merge->at[i + 1]; j++)
            for (size_t c = 0; c < width; c++)
                to[(size_t)i * width + c] +=
                    merge->weight[j] * s->features[(size_t)merge->source[j] * width + c];
    if (!status)
        status = att_queue_write(s->queue, rows.view, to, (int64_t)merge->n * rows.cols, err);
    att_free(to);
    return status;
}

/* The tile's tokens at the projector: which go on, and in which rows of the projected they are. */
static att_status choose_tokens(seeing *see, int32_t tile, att_err *err)
{
    att_vlm_session *s = see->s;
    const int32_t a_tile = s->layout.tokens_a_tile, first = tile * a_tile;
    const att_mat rows =
        att_mat_rows(att_vlm_vision_projected(s->vision), first, see->n_patches / square(see));
    int due = 0;
    const uint32_t wants = att_prune_wants(s->prune, ATT_PRUNE_AT_PROJECTOR, 0, &due);
    att_prune_reads reads = {.n = rows.rows};
    att_prune_cut cut;
    att_status status = wants ? reads_of(see, wants, &reads, err) : ATT_OK;
    merge_patches(see, &reads);
    reads.n = rows.rows;
    if (!status && wants & ATT_READ_FEATURES) {
        status =
            att_queue_read(s->queue, s->features, rows.view, (int64_t)rows.rows * rows.cols, err);
        reads.vectors = s->features;
        reads.width = rows.cols;
    }
    if (!status) status = step(s, ATT_PRUNE_AT_PROJECTOR, 0, &reads, &cut, err);
    if (status) return status;
    if (cut.merge.n) status = merge_rows(s, rows, &cut.merge, err);
    int32_t n;
    const int32_t *ids = att_prune_ids(s->prune, &n);
    for (int32_t i = 0; i < n; i++)
        see->row_of[first + ids[i]] = first + (cut.merge.n ? i : cut.kept[i]);
    return status;
}

static att_status see_tile(seeing *see, int32_t tile, att_err *err)
{
    att_vlm_session *s = see->s;
    const int32_t whole = att_vit_patches(&see->config->vit);
    const float *patches;
    att_prune_begin(s->prune);
    see->n_patches = whole;
    see->patches = NULL;
    att_status status = att_vlm_vision_values(s->vision, tile, 1, &patches, err);
    if (!status)
        status = att_vit_begin(see->encoder, patches, 1, att_vlm_vision_positions(s->vision), err);
    int due = 0;
    (void)att_prune_wants(s->prune, ATT_PRUNE_AT_VIT, -1, &due);
    if (!status && due) { /* before the first layer: nothing is read */
        const att_prune_reads none = {.n = whole};
        att_prune_cut cut;
        status = step(s, ATT_PRUNE_AT_VIT, -1, &none, &cut, err);
        if (!status) status = keep_patches(see, &cut, whole, err);
        see->patches = att_prune_ids(s->prune, &see->n_patches);
    }
    for (int32_t i = 0; !status && i < see->config->vit.layers; i++)
        status = run_layer(see, i, err);
    const int32_t n = see->n_patches;
    if (!status) status = att_vit_finish(see->encoder, att_vlm_vision_features(s->vision, n), err);
    if (!status)
        status = att_vlm_vision_project(s->vision, n, n < whole ? see->patches : NULL,
                                        tile * s->layout.tokens_a_tile, err);
    return status ? status : choose_tokens(see, tile, err);
}

/* The kept tokens in the picture's order; newlines stay. */
static att_status arrange(seeing *see, att_err *err)
{
    att_vlm_session *s = see->s;
    int32_t *origin = s->keep_rows;
    s->n_kept = 0;
    for (int32_t i = 0; i < s->layout.n_tokens; i++) {
        const int32_t from = s->layout.origin[i];
        if (from >= 0 && see->row_of[from] < 0) continue;
        origin[s->n_kept] = from < 0 ? from : see->row_of[from];
        s->kept[s->n_kept++] = i;
    }
    return att_vlm_vision_arrange(s->vision, origin, s->n_kept, &s->tokens, err);
}

static att_status see_pruned(att_vlm_session *s, const att_image *image, att_err *err)
{
    seeing see = {.s = s,
                  .config = att_vlm_vision_config(s->vlm->vision),
                  .encoder = att_vlm_vision_encoder(s->vision)};
    att_status status = att_vlm_vision_cut(s->vision, image, &s->layout, err);
    const size_t n = (size_t)s->layout.n_tiles * (size_t)s->layout.tokens_a_tile;
    see.row_of = status ? NULL : att_calloc(n, sizeof *see.row_of);
    if (!status && !see.row_of) status = att_fail(err, ATT_E_MEMORY, "see picture: out of memory");
    for (size_t i = 0; !status && i < n; i++) see.row_of[i] = -1;
    for (int32_t i = 0; !status && i < s->layout.n_tiles; i++) status = see_tile(&see, i, err);
    if (!status) status = arrange(&see, err);
    att_free(see.row_of);
    return status;
}

static att_status see_whole(att_vlm_session *s, const att_image *image, att_err *err)
{
    const att_status status = att_vlm_vision_encode(s->vision, image, &s->tokens, &s->layout, err);
    s->n_kept = status ? 0 : s->layout.n_tokens;
    for (int32_t i = 0; i < s->n_kept; i++) s->kept[i] = i;
    return status;
}

static att_prune_geometry geometry_of(const att_vlm_session *s)
{
    const att_vlm_config *c = att_vlm_vision_config(s->vlm->vision);
    const att_prune_geometry g = {.rows = c->vit.side,
                                  .cols = c->vit.side,
                                  .group_side = c->shuffle,
                                  .has_class = c->vit.class_token,
                                  .vit_layers = c->vit.layers,
                                  .llm_layers =
                                      att_llama_get_config(s->vlm->language->llama)->layers};
    return g;
}

att_status att_vlm_see(att_vlm_session *s, const att_image *image, const att_prune_options *prune,
                       att_vlm_seen *seen, att_err *err)
{
    const int32_t side = att_vlm_vision_config(s->vlm->vision)->vit.side /
                         att_vlm_vision_config(s->vlm->vision)->shuffle;
    const att_prune_geometry geometry = geometry_of(s);
    att_status status = ATT_OK;
    att_prune_destroy(s->prune);
    s->prune = NULL;
    s->n_kept = 0;
    s->choose_s = s->reads.seconds = 0.0;
    if (prune && prune->policy != ATT_PRUNE_NONE) {
        s->options = *prune;
        status = att_prune_create(&s->prune, prune, &geometry, err);
    }
    if (!status) status = att_queue_wait(s->queue, err);
    const double began = atti_vlm_now();
    if (!status) status = s->prune ? see_pruned(s, image, err) : see_whole(s, image, err);
    if (!status) status = att_queue_wait(s->queue, err);
    const double choose = s->choose_s + s->reads.seconds;
    *seen = (att_vlm_seen){.layout = s->layout,
                           .n_kept = s->n_kept,
                           .kept = s->kept,
                           .rows = side,
                           .cols = side,
                           .encode_s = atti_vlm_now() - began - choose,
                           .choose_s = choose};
    if (status) s->n_kept = 0;
    return status;
}
