/* generate.c - generate.h. */
#define _POSIX_C_SOURCE 200809L
#include "generate.h"

#include <string.h>
#include <time.h>

#include "mem.h"

struct att_generator {
    const att_language *language;
    att_llama_session *session;
    att_sampler *sampler;
    int32_t *ids; /* of the session's text: room for all of it; n: 0 where rows are among it */
    int32_t n;
    int32_t has_rows;
    int32_t ready; /* the session's logits are those behind the last token */
    float *logits;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

att_status att_generator_create(att_generator **out, const att_language *language,
                                const att_llama_limits *limits, const att_sampler_options *sampling,
                                att_err *err)
{
    const int32_t vocab = att_llama_vocab(language->llama);
    *out = NULL;
    att_generator *g = att_calloc(1, sizeof *g);
    if (!g) return att_fail(err, ATT_E_MEMORY, "make generator: out of memory");
    g->language = language;
    att_status status = att_llama_session_create(&g->session, language->llama, limits, err);
    if (!status) status = att_sampler_create(&g->sampler, vocab, sampling, err);
    if (!status) {
        g->ids = att_calloc((size_t)att_llama_room(g->session), sizeof *g->ids);
        g->logits = att_calloc((size_t)vocab, sizeof *g->logits);
        if (!g->ids || !g->logits)
            status = att_fail(err, ATT_E_MEMORY, "make generator: out of memory");
    }
    if (status)
        att_generator_destroy(g);
    else
        *out = g;
    return status;
}

void att_generator_destroy(att_generator *g)
{
    if (!g) return;
    att_llama_session_destroy(g->session);
    att_sampler_destroy(g->sampler);
    att_free(g->ids);
    att_free(g->logits);
    att_free(g);
}

att_llama_session *att_generator_session(att_generator *g)
{
    return g->session;
}

const int32_t *att_generator_tokens(const att_generator *g, int32_t *n)
{
    *n = g->n;
    return g->ids;
}

att_status att_generator_save(att_generator *g, const char *path, att_err *err)
{
    return att_llama_save(g->session, path, g->ids, g->n, err);
}

att_status att_generator_restore(att_generator *g, const char *path, att_err *err)
{
    int32_t *ids = NULL, n = 0;
    const att_status status = att_llama_restore(g->session, path, &ids, &n, err);
    if (status) return status;
    memcpy(g->ids, ids, (size_t)n * sizeof *ids);
    g->n = n;
    g->ready = g->has_rows = 0;
    att_free(ids);
    return ATT_OK;
}

/* What is appended has the logits of its last row read. */
static att_status append_all(att_generator *g, const att_llama_segment *segments,
                             int32_t n_segments, const att_llama_hooks *hooks, att_err *err)
{
    const att_llama_call call = {
        .segments = segments, .n_segments = n_segments, .n_logits = 1, .hooks = hooks};
    g->ready = 0;
    att_status status = att_llama_append(g->session, &call, err);
    if (!status) status = att_llama_logits(g->session, 0, g->logits, err);
    g->ready = !status;
    return status;
}

static att_status append(att_generator *g, const int32_t *ids, int32_t n, att_err *err)
{
    const att_llama_segment segment = {.ids = ids, .n = n};
    const att_status status = append_all(g, &segment, 1, NULL, err);
    if (status || g->has_rows) return status;
    memmove(g->ids + g->n, ids, (size_t)n * sizeof *ids);
    g->n += n;
    return ATT_OK;
}

att_status att_generator_prompt_segments(att_generator *g, const att_llama_segment *segments,
                                         int32_t n_segments, const att_llama_hooks *hooks,
                                         att_prompted *prompted, att_err *err)
{
    const double began = now();
    int32_t rows = 0;
    att_llama_truncate(g->session, 0);
    g->n = 0;
    g->has_rows = 1;
    const att_status status = append_all(g, segments, n_segments, hooks, err);
    att_sampler_reset(g->sampler);
    for (int32_t i = 0; i < n_segments; i++) {
        rows += segments[i].n;
        for (int32_t k = 0; segments[i].ids && k < segments[i].n; k++)
            att_sampler_accept(g->sampler, segments[i].ids[k]);
    }
    if (prompted) *prompted = (att_prompted){.n_tokens = rows, .seconds = now() - began};
    return status;
}

att_status att_generator_prompt(att_generator *g, const int32_t *ids, int32_t n,
                                att_prompted *prompted, att_err *err)
{
    const double began = now();
    int32_t same = 0;
    if (n < 1) return att_fail(err, ATT_E_ARG, "prompt the model: there are no tokens");
    if (n >= att_llama_room(g->session))
        return att_fail(err, ATT_E_ARG,
                        "prompt the model: %d tokens, there is room for %d and an answer", n,
                        att_llama_room(g->session) - 1);
    if (g->has_rows) g->n = g->has_rows = 0;
    while (same < n && same < g->n && ids[same] == g->ids[same]) same++;
    if (same == n && !(g->ready && g->n == n)) same = n - 1; /* its logits are wanted */
    att_llama_truncate(g->session, same);
    g->n = same;
    att_status status = same < n ? append(g, ids + same, n - same, err) : ATT_OK;
    att_sampler_reset(g->sampler);
    for (int32_t i = 0; i < n; i++) att_sampler_accept(g->sampler, ids[i]);
    if (prompted)
        *prompted = (att_prompted){.n_tokens = n, .n_reused = same, .seconds = now() - began};
    return status;
}

att_status att_generator_prompt_text(att_generator *g, const char *text, int add_bos,
                                     att_prompted *prompted, att_err *err)
{
    const int flags = ATT_TEXT_PARSE_SPECIAL | (add_bos ? ATT_TEXT_ADD_BOS : 0);
    int32_t *ids = NULL, n = 0;
    att_status status =
        att_text_tokenizer_encode(g->language->tokenizer, text, strlen(text), flags, &ids, &n, err);
    if (!status) status = att_generator_prompt(g, ids, n, prompted, err);
    att_free(ids);
    return status;
}

const char *att_generated_end_name(att_generated_end end)
{
    static const char *const NAMES[] = {[ATT_END_STOP] = "stop",
                                        [ATT_END_LENGTH] = "length",
                                        [ATT_END_ROOM] = "room",
                                        [ATT_END_CANCELLED] = "cancelled"};
    return NAMES[end];
}

/* ---- text that comes in pieces ---- */

/* Bytes at the end of text[0..n) that are the start of a character whose rest is to come. */
static size_t unfinished(const char *text, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const unsigned char c = (unsigned char)text[n - back];
        if ((c & 0xC0) == 0x80) continue;
        const size_t wants = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
        return wants > back ? back : 0;
    }
    return 0;
}

/* Where the first stop text begins in text[from..), or n; *held: bytes at the end that may be the
 * start of one. */
static size_t find_stop(const att_generate_options *o, const char *text, size_t n, size_t from,
                        size_t *held)
{
    size_t found = n;
    *held = 0;
    for (size_t i = 0; i < o->n_stops; i++) {
        const size_t length = strlen(o->stops[i]);
        for (size_t at = from; length && at < found; at++) {
            const size_t left = n - at, m = left < length ? left : length;
            if (memcmp(text + at, o->stops[i], m) != 0) continue;
            if (m == length)
                found = at;
            else if (left > *held)
                *held = left;
        }
    }
    return found;
}

typedef struct told {
    const att_generate_options *options;
    char *text;
    size_t n, room, shown;
} told;

static att_status add_bytes(told *t, const char *bytes, size_t n, att_err *err)
{
    if (t->n + n + 1 > t->room) {
        const size_t room = 2 * (t->n + n + 1) + 64;
        char *more = att_realloc(t->text, room, 1);
        if (!more) return att_fail(err, ATT_E_MEMORY, "go on with text: out of memory");
        t->text = more;
        t->room = room;
    }
    memcpy(t->text + t->n, bytes, n);
    t->n += n;
    t->text[t->n] = 0;
    return ATT_OK;
}

/* Shows what is sure; 1 when a stop text has come, which is cut off. */
static int tell(told *t, int is_last)
{
    size_t held;
    const size_t stop = find_stop(t->options, t->text, t->n, t->shown, &held);
    const int stopped = stop < t->n;
    size_t end = t->n;
    if (stopped) {
        end = t->n = stop;
        t->text[end] = 0;
    } else if (!is_last) {
        const size_t open = unfinished(t->text, t->n);
        end -= held > open ? held : open;
    }
    if (end > t->shown && t->options->on_text)
        t->options->on_text(t->options->user, t->text + t->shown, end - t->shown);
    if (end > t->shown) t->shown = end;
    return stopped;
}

/* One token more; 1 in *done when the text has ended with it. */
static att_status step(att_generator *g, const att_generate_options *o, told *t,
                       att_generated *generated, int *done, att_err *err)
{
    int32_t token;
    const char *bytes;
    size_t n;
    *done = 1;
    if (o->cancelled && o->cancelled(o->user)) {
        generated->end = ATT_END_CANCELLED;
        return ATT_OK;
    }
    att_status status = att_sampler_choose(g->sampler, g->logits, &token, err);
    if (status) return status;
    if (!o->ignore_end && att_text_tokenizer_is_end(g->language->tokenizer, token)) {
        generated->end = ATT_END_STOP;
        return ATT_OK;
    }
    att_sampler_accept(g->sampler, token);
    generated->ids[generated->n_tokens++] = token;
    att_text_tokenizer_decode(g->language->tokenizer, token, &bytes, &n);
    status = add_bytes(t, bytes, n, err);
    if (!status && tell(t, 0)) {
        generated->end = ATT_END_STOP;
        return ATT_OK;
    }
    if (o->max_tokens > 0 && generated->n_tokens >= o->max_tokens) {
        generated->end = ATT_END_LENGTH;
        return status;
    }
    if (att_llama_length(g->session) + 1 >= att_llama_room(g->session)) {
        generated->end = ATT_END_ROOM;
        return status;
    }
    *done = 0;
    return status ? status : append(g, &token, 1, err);
}

att_status att_generate(att_generator *g, const att_generate_options *options,
                        att_generated *generated, att_err *err)
{
    const double began = now();
    told t = {.options = options};
    int done = 0;
    *generated = (att_generated){.text = NULL};
    if (!g->ready) return att_fail(err, ATT_E_ARG, "go on with text: there is no prompt");
    generated->ids = att_calloc((size_t)att_llama_room(g->session), sizeof *generated->ids);
    if (!generated->ids) return att_fail(err, ATT_E_MEMORY, "go on with text: out of memory");
    att_status status = add_bytes(&t, "", 0, err);
    while (!status && !done) status = step(g, options, &t, generated, &done, err);
    generated->seconds = now() - began;
    if (status) {
        att_free(t.text);
        att_free(generated->ids);
        generated->ids = NULL;
        return status;
    }
    tell(&t, 1);
    generated->text = t.text;
    return ATT_OK;
}
