/* asr_search.c - greedy, random and beam search over rows of logits (asr_search.h).
 * Tests: tests/unit/test_asr_search.c */
#include "asr_search.h"

#include <math.h>
#include <string.h>

#include "logits.h"
#include "mem.h"

att_status att_asr_search_create(att_asr_search **out, int32_t width, int32_t max_finished,
                                 int32_t max_tokens, int32_t n_vocab, int32_t eot, att_err *err)
{
    att_asr_search *s = att_calloc(1, sizeof *s);
    *out = s;
    if (!s) return att_fail(err, ATT_E_MEMORY, "make search: out of memory");
    s->eot = eot;
    s->n_vocab = n_vocab;
    s->room = width;
    s->room_nodes = width * max_tokens;
    const size_t n = (size_t)width, n_choices = n * (n + 1);
    const size_t n_finished = (size_t)(max_finished > width ? max_finished : width);
    s->nodes = att_calloc((size_t)s->room_nodes, sizeof *s->nodes);
    s->live = att_calloc(n, sizeof *s->live);
    s->next = att_calloc(n, sizeof *s->next);
    s->finished = att_calloc(n_finished, sizeof *s->finished);
    s->choices = att_calloc(n_choices, sizeof *s->choices);
    s->news = att_calloc(n_choices, sizeof *s->news);
    s->weights = att_calloc((size_t)n_vocab, sizeof *s->weights);
    if (s->nodes && s->live && s->next && s->finished && s->choices && s->news && s->weights)
        return ATT_OK;
    att_asr_search_destroy(s);
    *out = NULL;
    return att_fail(err, ATT_E_MEMORY, "make search: out of memory");
}

void att_asr_search_destroy(att_asr_search *s)
{
    if (!s) return;
    att_free(s->nodes);
    att_free(s->live);
    att_free(s->next);
    att_free(s->finished);
    att_free(s->choices);
    att_free(s->news);
    att_free(s->weights);
    att_free(s);
}

void att_asr_search_begin(att_asr_search *s, int32_t width, int32_t max_finished)
{
    s->width = width;
    s->max_finished = max_finished;
    s->n_nodes = 0;
    s->n_finished = 0;
    s->done = 0;
    s->n_live = width;
    for (int32_t i = 0; i < width; i++) s->live[i] = (att_asr_line){.node = -1};
}

static att_status refuse(const att_asr_search *s, att_err *err)
{
    return att_fail(err, ATT_E_DEVICE,
                    "choose token %d: the logits hold NaN or nothing that is allowed; try "
                    "`attend devices --check`",
                    s->live[0].n);
}

/* Every live line begins empty: they share the first row. */
static int32_t row_of(const att_asr_search *s, int32_t line)
{
    return s->live[line].n == 0 ? 0 : line;
}

/* --- one token a line --- */

/* One token with probability softmax(logits / temperature). */
static int32_t draw(att_asr_search *s, const float *logits, double temperature, att_random *random)
{
    const int32_t best = att_logits_argmax(logits, s->n_vocab);
    double total = 0.0;
    if (best < 0) return -1;
    for (int32_t i = 0; i < s->n_vocab; i++) {
        s->weights[i] = (float)exp(((double)logits[i] - (double)logits[best]) / temperature);
        total += (double)s->weights[i];
    }
    double left = att_random_unit(random) * total;
    int32_t last = best;
    for (int32_t i = 0; i < s->n_vocab; i++) {
        if (!(s->weights[i] > 0.0f)) continue;
        last = i;
        left -= (double)s->weights[i];
        if (left < 0.0) break;
    }
    return last;
}

att_status att_asr_search_sample(att_asr_search *s, const float *logits, double temperature,
                                 att_random *random, att_err *err)
{
    int32_t n_next = 0;
    for (int32_t i = 0; i < s->n_live; i++) {
        const int32_t row = row_of(s, i);
        const float *z = logits + (size_t)row * (size_t)s->n_vocab;
        const int32_t token =
            temperature > 0.0 ? draw(s, z, temperature, random) : att_logits_argmax(z, s->n_vocab);
        if (token < 0) return refuse(s, err);
        const float logprob = (float)((double)z[token] - att_logits_log_sum_exp(z, 0, s->n_vocab));
        att_asr_line line = s->live[i];
        line.sum += logprob;
        line.from = row;
        if (token == s->eot) {
            s->finished[s->n_finished++] = line;
            continue;
        }
        s->nodes[s->n_nodes] = (att_asr_node){token, line.node, logprob};
        line.node = s->n_nodes++;
        line.n++;
        s->next[n_next++] = line;
    }
    memcpy(s->live, s->next, (size_t)n_next * sizeof *s->live);
    s->n_live = n_next;
    s->done = n_next == 0;
    return ATT_OK;
}

/* --- a beam --- */

/* Adds the width + 1 likeliest tokens behind a line to the choices, best first. */
static int add_choices(att_asr_search *s, int32_t i, const float *z, int32_t *n_choices)
{
    const int32_t first = *n_choices, room = s->width + 1, row = row_of(s, i);
    const double total = att_logits_log_sum_exp(z, 0, s->n_vocab);
    int32_t n = 0;
    if (!isfinite(total)) return 0;
    for (int32_t token = 0; token < s->n_vocab; token++) {
        if (z[token] == -INFINITY) continue;
        if (n == room && !(z[token] > s->news[first + n - 1].logprob)) continue;
        int32_t at = n < room ? n++ : n - 1;
        for (; at > 0 && z[token] > s->news[first + at - 1].logprob; at--)
            s->news[first + at] = s->news[first + at - 1];
        s->news[first + at] = (att_asr_node){token, s->live[i].node, z[token]};
    }
    for (int32_t c = first; c < first + n; c++) {
        s->news[c].logprob = (float)((double)s->news[c].logprob - total);
        s->choices[c] = (att_asr_line){
            .node = c, .n = s->live[i].n, .sum = s->live[i].sum + s->news[c].logprob, .from = row};
    }
    *n_choices = first + n;
    return 1;
}

/* Best first; equals keep their order. There are few. */
static void sort_lines(att_asr_line *lines, int32_t n)
{
    for (int32_t i = 1; i < n; i++) {
        const att_asr_line line = lines[i];
        int32_t at = i;
        for (; at > 0 && line.sum > lines[at - 1].sum; at--) lines[at] = lines[at - 1];
        lines[at] = line;
    }
}

att_status att_asr_search_beam(att_asr_search *s, const float *logits, att_err *err)
{
    int32_t n_choices = 0, n_next = 0;
    const int32_t n_rows = s->live[0].n == 0 ? 1 : s->n_live; /* empty lines are all the same */
    for (int32_t i = 0; i < n_rows; i++)
        if (!add_choices(s, i, logits + (size_t)i * (size_t)s->n_vocab, &n_choices))
            return refuse(s, err);
    sort_lines(s->choices, n_choices);
    for (int32_t c = 0; c < n_choices && n_next < s->width; c++) {
        att_asr_line line = s->choices[c];
        const att_asr_node node = s->news[line.node];
        if (node.token == s->eot) {
            line.node = node.parent;
            if (s->n_finished < s->max_finished) s->finished[s->n_finished++] = line;
            continue;
        }
        s->nodes[s->n_nodes] = node;
        line.node = s->n_nodes++;
        line.n++;
        s->next[n_next++] = line;
    }
    memcpy(s->live, s->next, (size_t)n_next * sizeof *s->live);
    s->n_live = n_next;
    s->done = n_next == 0 || s->n_finished == s->max_finished;
    return ATT_OK;
}

/* --- results --- */

void att_asr_search_read(const att_asr_search *s, const att_asr_line *line, int32_t *tokens,
                         float *logprobs)
{
    int32_t node = line->node;
    for (int32_t i = line->n - 1; i >= 0; i--) {
        if (tokens) tokens[i] = s->nodes[node].token;
        if (logprobs) logprobs[i] = s->nodes[node].logprob;
        node = s->nodes[node].parent;
    }
}

static double score(const att_asr_line *line, double length_penalty)
{
    if (!isnan(length_penalty))
        return (double)line->sum / pow((5.0 + line->n) / 6.0, length_penalty);
    return line->n > 0 ? (double)line->sum / line->n : (double)line->sum;
}

att_asr_line att_asr_search_best(const att_asr_search *s, double length_penalty)
{
    att_asr_line best = {.node = -1};
    int found = 0;
    double best_score = 0.0;
    const int32_t missing = s->width - s->n_finished;
    for (int32_t i = 0; i < s->n_finished + s->n_live; i++) {
        if (i >= s->n_finished && i - s->n_finished >= missing) break; /* live ones: best first */
        const att_asr_line *line =
            i < s->n_finished ? &s->finished[i] : &s->live[i - s->n_finished];
        const double x = score(line, length_penalty);
        if (found && !(x > best_score)) continue;
        best = *line;
        best_score = x;
        found = 1;
    }
    return best;
}
