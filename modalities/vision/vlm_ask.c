/* vlm_ask.c - sessions of vlm.h, and a question behind a picture. */
#include "vlm_ask.h"

#include <string.h>

#include "mem.h"
#include "vlm_prompt.h"
#include "vlm_session.h"

enum { TEXT_ROWS = 512 }; /* beside a picture, in one pass */

/* ---- sessions ---- */

static att_status reserve(att_vlm_session *s, att_err *err)
{
    const att_vlm_config *c = att_vlm_vision_config(s->vlm->vision);
    const att_llama_config *text = att_llama_get_config(s->vlm->language->llama);
    const int32_t rows = att_vit_tokens(&c->vit), max_rows = s->max_visual + TEXT_ROWS;
    const size_t encoder = (size_t)c->vit.heads * (size_t)rows;
    const size_t language = (size_t)text->heads * ATTI_VLM_TEXT_ROWS *
                            (size_t)att_llama_room(att_generator_session(s->generator));
    const size_t a_tile = (size_t)att_vlm_tokens_a_tile(c);
    s->n_host_rows = encoder > language ? encoder : language;
    att_status status = atti_vlm_reads_init(&s->reads, rows, c->vit.heads,
                                            c->vit.width / c->vit.heads, c->vit.class_token, err);
    const size_t n = (size_t)max_rows, d = (size_t)text->head_width;
    s->kept = att_calloc((size_t)s->max_visual, sizeof *s->kept);
    s->row_token = att_calloc(n, sizeof *s->row_token);
    s->keep_rows = att_calloc(n > (size_t)rows ? n : (size_t)rows, sizeof *s->keep_rows);
    s->host_rows = att_calloc(s->n_host_rows, sizeof *s->host_rows);
    s->features = att_calloc(a_tile * (size_t)text->width, sizeof *s->features);
    s->halves = att_calloc(n * d, sizeof *s->halves);
    s->values = att_calloc((size_t)text->kv_heads * n * d, sizeof *s->values);
    s->value_dots = att_calloc((size_t)text->kv_heads * n, sizeof *s->value_dots);
    s->value_l1 = att_calloc(n, sizeof *s->value_l1);
    s->row = att_calloc(n, sizeof *s->row);
    s->head_rows = att_calloc((size_t)text->heads * n, sizeof *s->head_rows);
    if (!status &&
        !(s->kept && s->row_token && s->keep_rows && s->host_rows && s->features && s->halves &&
          s->values && s->value_dots && s->value_l1 && s->row && s->head_rows))
        status = att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    if (!status)
        status = att_arena_take(s->arena, "taps", ATT_F32, (int64_t)encoder, &s->key_mean, err);
    if (!status)
        status = att_arena_take(s->arena, "taps", ATT_F32, (int64_t)language, &s->last_rows, err);
    return status;
}

att_status att_vlm_session_create(att_vlm_session **out, const att_vlm *vlm, int32_t max_tokens,
                                  const att_sampler_options *sampling, att_err *err)
{
    int32_t tiles = 0;
    *out = NULL;
    att_vlm_session *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    s->vlm = vlm;
    att_status status =
        atti_vlm_limits(att_vlm_vision_config(vlm->vision), &tiles, &s->max_visual, err);
    const att_llama_limits limits = {.max_tokens = max_tokens,
                                     .max_rows = s->max_visual + TEXT_ROWS};
    if (!status)
        status = att_generator_create(&s->generator, vlm->language, &limits, sampling, err);
    if (!status) {
        s->queue = att_llama_queue(att_generator_session(s->generator));
        status = att_vlm_vision_session_create(&s->vision, vlm->vision, s->queue, err);
    }
    if (!status)
        status =
            att_arena_create(&s->arena, att_llama_device(vlm->language->llama), "picture", err);
    if (!status) status = reserve(s, err);
    if (status)
        att_vlm_session_destroy(s);
    else
        *out = s;
    return status;
}

void att_vlm_session_destroy(att_vlm_session *s)
{
    if (!s) return;
    att_prune_destroy(s->prune);
    att_vlm_vision_session_destroy(s->vision);
    att_generator_destroy(s->generator);
    att_arena_destroy(s->arena);
    atti_vlm_reads_finish(&s->reads);
    void *const all[] = {s->halves, s->values, s->value_dots, s->value_l1, s->head_rows, s->row};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) att_free(all[i]);
    att_free(s->kept);
    att_free(s->row_token);
    att_free(s->keep_rows);
    att_free(s->host_rows);
    att_free(s->features);
    att_free(s);
}

att_generator *att_vlm_generator(att_vlm_session *s)
{
    return s->generator;
}

/* ---- a question ---- */

/* The prompt as segments: text, and what is left of the picture. */
typedef struct prompt {
    att_vlm_session *s;
    int32_t *ids, n;
    att_llama_segment *segments;
    int32_t n_segments;
    int32_t *places; /* [n_kept] */
    int32_t n_told;  /* kept tokens that stand in segments */
} prompt;

/* ids[at..) begins with a run of the picture's tokens, of which `visual` came before. */
static int32_t add_picture(prompt *p, int32_t at, int32_t visual)
{
    att_vlm_session *s = p->s;
    const int original = s->prune && s->options.positions == ATT_PRUNE_ORIGINAL;
    const int32_t first = p->n_told;
    int32_t run = 0, n = 0;
    while (at + run < p->n && p->ids[at + run] == ATTI_VLM_VISUAL) run++;
    for (; first + n < s->n_kept && s->kept[first + n] < visual + run; n++)
        p->places[first + n] = s->kept[first + n] - visual;
    const att_llama_segment segment = {.rows = att_mat_rows(s->tokens, first, n),
                                       .n = n,
                                       .places = original ? p->places + first : NULL,
                                       .span = original ? run : n};
    p->n_told += n;
    if (n) p->segments[p->n_segments++] = segment;
    return run;
}

static void cut_segments(prompt *p)
{
    int32_t visual = 0, rows = 0;
    for (int32_t at = 0, n; at < p->n; at += n) {
        if (p->ids[at] == ATTI_VLM_VISUAL) {
            const int32_t before = p->n_told;
            n = add_picture(p, at, visual);
            visual += n;
            for (int32_t i = before; i < p->n_told; i++) p->s->row_token[rows++] = i;
            continue;
        }
        for (n = 1; at + n < p->n && p->ids[at + n] != ATTI_VLM_VISUAL;) n++;
        p->segments[p->n_segments++] = (att_llama_segment){.ids = p->ids + at, .n = n};
        for (int32_t i = 0; i < n; i++) p->s->row_token[rows++] = -1;
    }
    p->s->n_rows = rows;
}

/* Room for rows of a pass is for a picture and so much text. */
static att_status check_length(const prompt *p, att_err *err)
{
    const int32_t text = p->n - p->s->layout.n_tokens;
    if (text <= TEXT_ROWS) return ATT_OK;
    return att_fail(err, ATT_E_ARG, "ask about picture: the question has %d tokens, at most %d",
                    text, TEXT_ROWS);
}

att_status att_vlm_ask(att_vlm_session *s, const char *question, att_prompted *prompted,
                       att_err *err)
{
    prompt p = {.s = s};
    if (s->n_kept == 0) return att_fail(err, ATT_E_ARG, "ask about picture: none was seen");
    att_status status = atti_vlm_prompt(s->vlm, question, &s->layout, &p.ids, &p.n, err);
    if (!status) status = check_length(&p, err);
    if (!status) {
        p.segments = att_calloc((size_t)p.n, sizeof *p.segments);
        p.places = att_calloc((size_t)s->n_kept, sizeof *p.places);
        if (!p.segments || !p.places)
            status = att_fail(err, ATT_E_MEMORY, "ask about picture: out of memory");
    }
    if (!status) {
        const att_llama_hooks hooks = atti_vlm_llm_hooks(s);
        cut_segments(&p);
        status =
            att_generator_prompt_segments(s->generator, p.segments, p.n_segments,
                                          atti_vlm_prunes_llm(s) ? &hooks : NULL, prompted, err);
    }
    att_free(p.ids);
    att_free(p.segments);
    att_free(p.places);
    return status;
}

int32_t att_vlm_held(const att_vlm_session *s, int32_t layer)
{
    const att_llama_session *text = att_generator_session(s->generator);
    return att_llama_held(text, layer);
}
