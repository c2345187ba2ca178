/* sampler.c - sampler.h. Tests: tests/unit/test_sampler.c
 *
 * The row becomes a heap, and a stage takes as many from its top as it has to see: no stage sorts a
 * vocabulary of which it keeps forty tokens. */
#include "sampler.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "mem.h"
#include "random.h"

struct att_sampler {
    att_sampler_options options;
    int32_t n_vocab;
    att_random random;

    int32_t *recent; /* ring of the last tokens */
    int32_t n_recent, next;
    int32_t *counts; /* [n_vocab] in the ring */

    att_sampler_candidate *heap; /* [n_vocab], n_heap of them not yet taken */
    int32_t n_heap;
    att_sampler_candidate *taken; /* [n_vocab], the largest first */
    int32_t n_taken;
    const att_sampler_candidate *last; /* of the last choice */
    int32_t n_last;
};

att_sampler_options att_sampler_defaults(void)
{
    const att_sampler_options o = {.temperature = 0.8f,
                                   .top_k = 40,
                                   .top_p = 0.95f,
                                   .min_p = 0.05f,
                                   .repeat_last_n = 64,
                                   .repeat_penalty = 1.0f};
    return o;
}

/* NaN is in no range. */
static int in_range(float x, float low, float high)
{
    return x >= low && x <= high;
}

static att_status check_options(const att_sampler_options *o, att_err *err)
{
    const char *what = "sampler: %s is %g, expected %s";
    if (!isfinite(o->temperature))
        return att_fail(err, ATT_E_ARG, what, "temperature", (double)o->temperature, "a number");
    if (!in_range(o->top_p, 0.0f, 1.0f))
        return att_fail(err, ATT_E_ARG, what, "top_p", (double)o->top_p, "0 to 1");
    if (!in_range(o->min_p, 0.0f, 1.0f))
        return att_fail(err, ATT_E_ARG, what, "min_p", (double)o->min_p, "0 to 1");
    if (!isfinite(o->repeat_penalty) || !(o->repeat_penalty > 0.0f))
        return att_fail(err, ATT_E_ARG, what, "repeat_penalty", (double)o->repeat_penalty,
                        "a number above 0 (1: no penalty)");
    if (!isfinite(o->frequency_penalty))
        return att_fail(err, ATT_E_ARG, what, "frequency_penalty", (double)o->frequency_penalty,
                        "a number");
    if (!isfinite(o->presence_penalty))
        return att_fail(err, ATT_E_ARG, what, "presence_penalty", (double)o->presence_penalty,
                        "a number");
    if (o->repeat_last_n < 0)
        return att_fail(err, ATT_E_ARG, "sampler: repeat_last_n is %d, expected 0 or more tokens",
                        o->repeat_last_n);
    return ATT_OK;
}

att_status att_sampler_create(att_sampler **sampler, int32_t n_vocab,
                              const att_sampler_options *options, att_err *err)
{
    *sampler = NULL;
    const att_status status = check_options(options, err);
    if (status) return status;
    if (n_vocab < 1)
        return att_fail(err, ATT_E_ARG, "sampler: a vocabulary of %d tokens, expected 1 or more",
                        n_vocab);
    att_sampler *s = att_calloc(1, sizeof *s);
    const size_t n = (size_t)n_vocab, n_ring = (size_t)options->repeat_last_n;
    if (s) {
        s->options = *options;
        s->n_vocab = n_vocab;
        s->recent = att_calloc(n_ring, sizeof *s->recent);
        s->counts = att_calloc(n, sizeof *s->counts);
        s->heap = att_calloc(n, sizeof *s->heap);
        s->taken = att_calloc(n, sizeof *s->taken);
    }
    if (!s || !s->recent || !s->counts || !s->heap || !s->taken) {
        att_sampler_destroy(s);
        return att_fail(err, ATT_E_MEMORY, "sampler: no memory for %d tokens and %d before them",
                        n_vocab, options->repeat_last_n);
    }
    att_sampler_reset(s);
    *sampler = s;
    return ATT_OK;
}

void att_sampler_destroy(att_sampler *s)
{
    if (!s) return;
    att_free(s->recent);
    att_free(s->counts);
    att_free(s->heap);
    att_free(s->taken);
    att_free(s);
}

void att_sampler_reset(att_sampler *s)
{
    s->random = att_random_of(s->options.seed, 0);
    s->n_recent = s->next = 0;
    memset(s->counts, 0, (size_t)s->n_vocab * sizeof *s->counts);
    s->n_last = 0;
}

void att_sampler_accept(att_sampler *s, int32_t token)
{
    const int32_t room = s->options.repeat_last_n;
    if (room == 0 || token < 0 || token >= s->n_vocab) return;
    if (s->n_recent == room)
        s->counts[s->recent[s->next]]--;
    else
        s->n_recent++;
    s->recent[s->next] = token;
    s->next = (s->next + 1) % room;
    s->counts[token]++;
}

static float penalised(const att_sampler_options *o, float logit, int32_t count)
{
    if (count == 0) return logit;
    logit = logit <= 0.0f ? logit * o->repeat_penalty : logit / o->repeat_penalty;
    return logit - ((float)count * o->frequency_penalty + o->presence_penalty);
}

static int before(const att_sampler_candidate *a, const att_sampler_candidate *b)
{
    return a->logit > b->logit || (a->logit == b->logit && a->token < b->token);
}

static void sink(att_sampler_candidate *heap, int32_t n, int32_t at)
{
    const att_sampler_candidate moved = heap[at];
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &moved)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* Moves the largest that is left to the end of those taken. */
static const att_sampler_candidate *take(att_sampler *s)
{
    assert(s->n_heap > 0);
    att_sampler_candidate *best = &s->taken[s->n_taken++];
    *best = s->heap[0];
    s->heap[0] = s->heap[--s->n_heap];
    if (s->n_heap > 0) sink(s->heap, s->n_heap, 0);
    return best;
}

/* The row with penalties into s->heap, what may not come left out. */
static att_status fill(att_sampler *s, const float *logits, att_err *err)
{
    s->n_heap = s->n_taken = 0;
    for (int32_t t = 0; t < s->n_vocab; t++) {
        if (isnan(logits[t]) || logits[t] == INFINITY)
            return att_fail(err, ATT_E_MODEL,
                            "choosing a token: the logit of token %d of %d is %g; the weights are "
                            "broken or the device computes wrongly, try attend devices --check",
                            t, s->n_vocab, (double)logits[t]);
        const float logit = penalised(&s->options, logits[t], s->counts[t]);
        if (!(logit > -INFINITY)) continue;
        s->heap[s->n_heap].token = t;
        s->heap[s->n_heap].logit = logit < INFINITY ? logit : FLT_MAX;
        s->n_heap++;
    }
    if (s->n_heap == 0)
        return att_fail(err, ATT_E_MODEL, "choosing a token: none of %d may come", s->n_vocab);
    return ATT_OK;
}

/* Sum of exp(logit - top) of what is left of the row. */
static double mass(const att_sampler_candidate *list, int32_t n, float top)
{
    double sum = 0.0;
    for (int32_t i = 0; i < n; i++) sum += exp((double)list[i].logit - (double)top);
    return sum;
}

/* s->taken: what the stages 2 to 4 leave of the heap, in order. */
static void narrow(att_sampler *s, int32_t most)
{
    const att_sampler_options *o = &s->options;
    const float top = s->heap[0].logit;
    const double limit = (double)top + log((double)o->min_p); /* -infinity when it is off */
    double total = 0.0, reached = 0.0;
    const int32_t all = s->n_heap;
    if (o->top_p < 1.0f && most == all) total = mass(s->heap, all, top);
    if (o->top_p < 1.0f && most < all) { /* of the k best alone: they have to be known first */
        while (s->n_taken < most) (void)take(s);
        total = mass(s->taken, most, top);
    }
    int32_t kept = 0;
    while (kept < most) {
        const att_sampler_candidate *c = kept < s->n_taken ? &s->taken[kept] : take(s);
        if ((double)c->logit < limit && kept > 0) break;
        kept++;
        reached += exp((double)c->logit - (double)top);
        if (o->top_p < 1.0f && reached >= (double)o->top_p * total) break;
    }
    s->n_last = kept;
}

/* Probabilities of list at the temperature; returns the index of the draw. */
static int32_t draw(att_sampler *s, att_sampler_candidate *list, int32_t n, float top)
{
    const double temperature = (double)s->options.temperature;
    double total = 0.0;
    for (int32_t i = 0; i < n; i++)
        total += exp(((double)list[i].logit - (double)top) / temperature);
    double left = att_random_unit(&s->random) * total;
    int32_t choice = -1, last = 0;
    for (int32_t i = 0; i < n; i++) {
        const double weight = exp(((double)list[i].logit - (double)top) / temperature);
        list[i].probability = (float)(weight / total);
        if (weight > 0.0) last = i;
        left -= weight;
        if (choice < 0 && left < 0.0) choice = i;
    }
    return choice < 0 ? last : choice; /* rounding has left a rest */
}

/* The likeliest of the row: its place in the heap, which is none yet. */
static int32_t likeliest(const att_sampler *s)
{
    int32_t best = 0;
    for (int32_t i = 1; i < s->n_heap; i++)
        if (s->heap[i].logit > s->heap[best].logit) best = i;
    return best;
}

att_status att_sampler_choose(att_sampler *s, const float *logits, int32_t *token, att_err *err)
{
    const att_sampler_options *o = &s->options;
    *token = -1;
    s->n_last = 0;
    const att_status status = fill(s, logits, err);
    if (status) return status;
    const int32_t best = likeliest(s);
    const float top = s->heap[best].logit;
    if (o->temperature <= 0.0f) {
        s->taken[0] = s->heap[best];
        s->taken[0].probability = 1.0f;
        s->last = s->taken;
        s->n_last = 1;
        *token = s->taken[0].token;
        return ATT_OK;
    }
    const int32_t most = o->top_k > 0 && o->top_k < s->n_heap ? o->top_k : s->n_heap;
    att_sampler_candidate *list = s->heap;
    if (most < s->n_heap || o->top_p < 1.0f || o->min_p > 0.0f) {
        for (int32_t i = s->n_heap / 2; i-- > 0;) sink(s->heap, s->n_heap, i);
        narrow(s, most);
        list = s->taken;
    } else {
        s->n_last = s->n_heap;
    }
    s->last = list;
    *token = list[draw(s, list, s->n_last, top)].token;
    return ATT_OK;
}

const att_sampler_candidate *att_sampler_candidates(const att_sampler *s, int32_t *n)
{
    *n = s->n_last;
    return s->last;
}
