/* vlm_llm.c - tokens of a picture that are dropped inside the language model (vlm_ask.h). */
#include <math.h>

#include "half.h"
#include "vlm_ask.h"

/* Visual rows there now, and the first row of text behind them. */
static int32_t count_visual(const att_vlm_session *s, int32_t *behind)
{
    int32_t n = 0;
    *behind = 0;
    for (int32_t i = 0; i < s->n_rows; i++)
        if (s->row_token[i] >= 0) {
            n++;
            *behind = i + 1;
        }
    return n;
}

/* The first row of the attention that a step behind the layer wants; the last is the text's: of a
 * long question the end counts. */
static int32_t first_row(const att_vlm_session *s, uint32_t wants)
{
    int32_t first;
    (void)count_visual(s, &first);
    if (!(wants & ATT_READ_TEXT_ROWS)) return s->n_rows - 1;
    return first < s->n_rows - ATTI_VLM_TEXT_ROWS ? s->n_rows - ATTI_VLM_TEXT_ROWS : first;
}

static const uint32_t ROWS = ATT_READ_LAST_ROW | ATT_READ_TEXT_ROWS | ATT_READ_HEAD_ROWS;
static const uint32_t VALUES = ATT_READ_VALUE_DOTS | ATT_READ_VALUE_L1;

static att_status before(void *user, int32_t layer, att_attn_call *call, att_err *err)
{
    static const int32_t HEADS[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                    48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    att_vlm_session *s = user;
    const int32_t heads = att_llama_get_config(s->vlm->language->llama)->heads;
    int due = 0;
    const uint32_t wants = att_prune_wants(s->prune, ATT_PRUNE_AT_LLM, layer, &due);
    if (!due || !(wants & ROWS)) return ATT_OK;
    if (heads > (int32_t)(sizeof HEADS / sizeof *HEADS))
        return att_fail(err, ATT_E_UNSUPPORTED, "look into language model: %d heads, at most 64",
                        heads);
    call->taps.probabilities = s->last_rows;
    call->taps.heads = HEADS;
    call->taps.n_heads = heads;
    call->taps.row_begin = first_row(s, wants);
    call->taps.row_end = s->n_rows;
    return ATT_OK;
}

/* host_rows[heads][rows][n_rows], of visual keys alone, to the mean of heads and rows, and to that
 * of each head's rows. */
static void pick_visual(att_vlm_session *s, int32_t heads, int32_t rows, int32_t n_visual)
{
    const size_t all = (size_t)s->n_rows;
    for (int32_t j = 0, n = 0; j < s->n_rows; j++) {
        if (s->row_token[j] < 0) continue;
        double mean = 0.0;
        for (int32_t h = 0; h < heads; h++) {
            double sum = 0.0;
            for (int32_t i = 0; i < rows; i++)
                sum += (double)s->host_rows[(size_t)(h * rows + i) * all + (size_t)j];
            s->head_rows[(size_t)h * (size_t)n_visual + (size_t)n] = (float)(sum / rows);
            mean += sum / rows;
        }
        s->row[n++] = (float)(mean / heads);
    }
}

static att_status read_attention(att_vlm_session *s, uint32_t wants, int32_t n_visual,
                                 att_prune_reads *reads, att_err *err)
{
    const int32_t rows = s->n_rows - first_row(s, wants);
    const att_status status = att_queue_read(s->queue, s->host_rows, s->last_rows,
                                             (int64_t)reads->heads * rows * s->n_rows, err);
    if (status) return status;
    pick_visual(s, reads->heads, rows, n_visual);
    reads->row = s->row;
    reads->head_rows = s->head_rows;
    return ATT_OK;
}

/* Rows of the pass are the newest of the layer's cache. */
static att_status read_head(att_vlm_session *s, const att_cache *cache, int32_t g, float *to,
                            att_err *err)
{
    const int64_t n = (int64_t)s->n_rows * cache->d_v;
    const att_view from = att_view_at(
        cache->v, ((int64_t)g * cache->capacity + cache->length - s->n_rows) * cache->d_v);
    if (cache->v.dtype == ATT_F32) return att_queue_read(s->queue, to, from, n, err);
    const att_status status = att_queue_read(s->queue, s->halves, from, n, err);
    for (int64_t i = 0; !status && i < n; i++) to[i] = att_half_to_float(s->halves[i]);
    return status;
}

/* Products with the value of the last row, and the sums of |mean of heads|. */
static void sum_values(att_vlm_session *s, int32_t heads, int32_t d, int32_t n_visual)
{
    const size_t width = (size_t)d, all = (size_t)s->n_rows;
    for (size_t j = 0, n = 0; j < all; j++) {
        if (s->row_token[j] < 0) continue;
        double norm = 0.0;
        for (size_t c = 0; c < width; c++) {
            double mean = 0.0;
            for (size_t g = 0; g < (size_t)heads; g++)
                mean += (double)s->values[(g * all + j) * width + c];
            norm += fabs(mean / heads);
        }
        for (size_t g = 0; g < (size_t)heads; g++) {
            const float *v = s->values + (g * all + j) * width;
            const float *last = s->values + (g * all + all - 1) * width;
            double dot = 0.0;
            for (size_t c = 0; c < width; c++) dot += (double)v[c] * (double)last[c];
            s->value_dots[g * (size_t)n_visual + n] = (float)dot;
        }
        s->value_l1[n++] = (float)norm;
    }
}

static att_status read_values(att_vlm_session *s, int32_t layer, int32_t n_visual,
                              att_prune_reads *reads, att_err *err)
{
    const att_cache *cache = att_llama_cache(att_generator_session(s->generator), layer);
    att_status status = ATT_OK;
    for (int32_t g = 0; !status && g < cache->kv_heads; g++)
        status = read_head(s, cache, g,
                           s->values + (size_t)g * (size_t)s->n_rows * (size_t)cache->d_v, err);
    if (status) return status;
    sum_values(s, cache->kv_heads, cache->d_v, n_visual);
    reads->value_heads = cache->kv_heads;
    reads->head_width = cache->d_v;
    reads->value_dots = s->value_dots;
    reads->value_l1 = s->value_l1;
    return ATT_OK;
}

/* Which rows go on: all text, and of the picture what the cut says. */
static int32_t list_kept(att_vlm_session *s, const att_prune_cut *cut)
{
    int32_t n = 0;
    for (int32_t i = 0, visual = 0, at = 0; i < s->n_rows; i++) {
        const int is_visual = s->row_token[i] >= 0;
        const int stays = !is_visual || (at < cut->n && cut->kept[at] == visual);
        at += is_visual && stays;
        visual += is_visual;
        if (!stays) continue;
        s->row_token[n] = s->row_token[i];
        s->keep_rows[n++] = i;
    }
    return n;
}

static att_status after(void *user, int32_t layer, att_mat x, att_llama_keep *keep, att_err *err)
{
    att_vlm_session *s = user;
    const int32_t heads = att_llama_get_config(s->vlm->language->llama)->heads;
    int due = 0;
    int32_t behind;
    att_status status = ATT_OK;
    (void)x;
    const uint32_t wants = att_prune_wants(s->prune, ATT_PRUNE_AT_LLM, layer, &due);
    if (!due) return ATT_OK;
    if (wants) status = att_queue_wait(s->queue, err); /* what the layers take is not our time */
    const double began = atti_vlm_now();
    const int32_t n_visual = count_visual(s, &behind);
    att_prune_reads reads = {.n = n_visual, .heads = heads};
    att_prune_cut cut;
    if (!status && wants & ROWS) status = read_attention(s, wants, n_visual, &reads, err);
    if (!status && wants & VALUES) status = read_values(s, layer, n_visual, &reads, err);
    if (!status) status = att_prune_step(s->prune, ATT_PRUNE_AT_LLM, layer, &reads, &cut, err);
    if (status) return status;
    s->n_rows = list_kept(s, &cut);
    s->choose_s += atti_vlm_now() - began;
    *keep = (att_llama_keep){.n = s->n_rows,
                             .rows = s->keep_rows,
                             .renumber = s->options.positions == ATT_PRUNE_RENUMBERED};
    return ATT_OK;
}

int atti_vlm_prunes_llm(const att_vlm_session *s)
{
    const int32_t layers = att_llama_get_config(s->vlm->language->llama)->layers;
    int due = 0;
    for (int32_t i = 0; s->prune && i < layers && !due; i++)
        (void)att_prune_wants(s->prune, ATT_PRUNE_AT_LLM, i, &due);
    return due;
}

att_llama_hooks atti_vlm_llm_hooks(att_vlm_session *s)
{
    const att_llama_hooks hooks = {.user = s, .before = before, .after = after};
    return hooks;
}
