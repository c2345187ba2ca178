/* asr_search.c - lines of text that go on side by side, and beams (asr_search.h).
 * Tests: tests/unit/test_asr_search.c */
#include "asr_search.h"

#include <math.h>
#include <string.h>

#include "mem.h"

att_status att_asr_search_create(att_asr_search **out, int32_t width, int32_t max_finished,
                                 int32_t max_tokens, int32_t eot, att_err *err)
{
    att_asr_search *s = att_calloc(1, sizeof *s);
    *out = s;
    if (!s) return att_fail(err, ATT_E_MEMORY, "make search: out of memory");
    s->eot = eot;
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
    if (s->nodes && s->live && s->next && s->finished && s->choices && s->news) return ATT_OK;
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

/* Every live line begins empty: they share the first row. */
int32_t att_asr_search_row(const att_asr_search *s, int32_t line)
{
    return s->live[line].n == 0 ? 0 : line;
}

int32_t att_asr_search_rows(const att_asr_search *s)
{
    return s->live[0].n == 0 ? 1 : s->n_live;
}

att_status att_asr_search_check(const att_asr_search *s, const att_logits_part *row, att_err *err)
{
    if (row->n > 0 && isfinite(row->log_sum_exp)) return ATT_OK;
    return att_fail(err, ATT_E_DEVICE,
                    "choose token %d: the logits hold NaN or nothing that is allowed; try "
                    "`attend devices --check`",
                    s->live[0].n);
}

static float logprob_of(const att_logits_part *row, const att_logits_choice *choice)
{
    return (float)((double)choice->logit - row->log_sum_exp);
}

/* --- one token a line --- */

void att_asr_search_extend(att_asr_search *s, const att_logits_part *rows,
                           const att_logits_choice *chosen)
{
    int32_t n_next = 0;
    for (int32_t i = 0; i < s->n_live; i++) {
        const int32_t row = att_asr_search_row(s, i);
        const float logprob = logprob_of(&rows[row], &chosen[i]);
        att_asr_line line = s->live[i];
        line.sum += logprob;
        line.from = row;
        if (chosen[i].token == s->eot) {
            s->finished[s->n_finished++] = line;
            continue;
        }
        s->nodes[s->n_nodes] = (att_asr_node){chosen[i].token, line.node, logprob};
        line.node = s->n_nodes++;
        line.n++;
        s->next[n_next++] = line;
    }
    memcpy(s->live, s->next, (size_t)n_next * sizeof *s->live);
    s->n_live = n_next;
    s->done = n_next == 0;
}

/* --- a beam --- */

/* Adds the width + 1 likeliest tokens behind a line to the choices, best first. */
static void add_choices(att_asr_search *s, int32_t i, const att_logits_part *row,
                        int32_t *n_choices)
{
    const att_asr_line *line = &s->live[i];
    for (int32_t k = 0; k < row->n && k <= s->width; k++) {
        const int32_t c = (*n_choices)++;
        const float logprob = logprob_of(row, &row->best[k]);
        s->news[c] = (att_asr_node){row->best[k].token, line->node, logprob};
        s->choices[c] = (att_asr_line){
            .node = c, .n = line->n, .sum = line->sum + logprob, .from = att_asr_search_row(s, i)};
    }
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

att_status att_asr_search_beam(att_asr_search *s, const att_logits_part *rows, att_err *err)
{
    int32_t n_choices = 0, n_next = 0;
    const int32_t n_rows = att_asr_search_rows(s); /* empty lines are all the same */
    for (int32_t i = 0; i < n_rows; i++) {
        const att_status bad = att_asr_search_check(s, &rows[i], err);
        if (bad) return bad;
        add_choices(s, i, &rows[i], &n_choices);
    }
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
