/* asr_window.c - decoding of one window (asr_window.h). Tests: tests/real/test_whisper_real.c,
 * tests/real/test_asr_options.c */
#include "asr_window.h"

#include <math.h>
#include <string.h>

#include "logits.h"
#include "mem.h"
#include "transcript.h"
#include "utf8.h"

int32_t att_asr_lines(const att_asr_options *o)
{
    const int32_t beam = o->beam_size > 1 ? o->beam_size : 1, best_of = o->best_of;
    return best_of > beam ? best_of : beam;
}

int32_t att_asr_max_finished(const att_asr_options *o)
{
    return o->beam_size > 0 ? (int32_t)nearbyint(o->beam_size * o->patience) : 1;
}

int32_t att_asr_best(const att_asr_options *o)
{
    return o->beam_size > 1 ? o->beam_size + 1 : 1;
}

/* Memory of the choices: a line's each, and the first row's. */
static int make_rows(att_asr_decoding *d, const att_asr_options *o, size_t n_vocab)
{
    d->n_lines = att_asr_lines(o);
    d->max_best = d->n_lines + 1;
    const size_t n = (size_t)d->n_lines + 1, k = (size_t)d->max_best;
    d->first_logits = att_calloc(n_vocab, sizeof *d->first_logits);
    d->weights = att_calloc(n_vocab, sizeof *d->weights);
    d->choosable = att_calloc(n, sizeof *d->choosable);
    d->best = att_calloc(n * k, sizeof *d->best);
    for (size_t i = 0; d->choosable && d->best && i < n; i++)
        d->choosable[i].best = d->best + i * k;
    return d->first_logits && d->weights && d->choosable && d->best;
}

att_status att_asr_decoding_init(att_asr_decoding *d, const att_whisper *whisper,
                                 att_whisper_session *session, int32_t eot,
                                 const att_asr_options *options, att_err *err)
{
    const att_whisper_config *c = att_whisper_get_config(whisper);
    memset(d, 0, sizeof *d);
    d->prompt = att_calloc((size_t)c->text_ctx, sizeof *d->prompt);
    if (!make_rows(d, options, (size_t)c->vocab) || !d->prompt)
        return att_fail(err, ATT_E_MEMORY, "make decoder: out of memory");
    const att_status status =
        att_asr_search_create(&d->search, att_asr_lines(options), att_asr_max_finished(options),
                              c->text_ctx / 2, eot, err);
    return status ? status : att_whisper_lane_create(&d->lane, session, err);
}

void att_asr_decoding_finish(att_asr_decoding *d)
{
    att_whisper_lane_destroy(d->lane);
    att_asr_search_destroy(d->search);
    att_free(d->first_logits);
    att_free(d->weights);
    att_free(d->choosable);
    att_free(d->best);
    att_free(d->prompt);
    memset(d, 0, sizeof *d);
}

static double temperature_of(const att_asr_options *o, int32_t attempt)
{
    return attempt > 0 ? o->temperature + attempt * o->temperature_increment_on_fallback
                       : o->temperature;
}

static void begin_search(att_asr_decoding *d)
{
    const att_asr_options *o = d->decoder->options;
    const double temperature = temperature_of(o, d->attempt);
    const int32_t samples = temperature > 0.0 && o->best_of > 1 ? o->best_of : 1;
    d->beam = temperature <= 0.0 && o->beam_size > 1;
    d->n_steps = 0;
    att_asr_search_begin(d->search, d->beam ? o->beam_size : samples, att_asr_max_finished(o));
    att_whisper_truncate(d->lane, d->n_prompt);
}

void att_asr_decoding_begin(att_asr_decoding *d, const att_asr_decoder *decoder,
                            const att_asr_prompt_parts *parts, int64_t stream)
{
    d->decoder = decoder;
    d->n_prompt =
        att_asr_prompt_make(decoder->tokens, parts, decoder->text_ctx, d->prompt, &d->sot);
    d->random = att_random_of(decoder->options->seed, (uint64_t)stream);
    d->attempt = 0;
    d->prompted = 0;
    d->done = 0;
    memset(&d->window, 0, sizeof d->window);
    att_whisper_truncate(d->lane, 0);
}

void att_asr_decoding_wants(att_asr_decoding *d, att_asr_wanted *w)
{
    const att_asr_search *s = d->search;
    w->turn.lane = d->lane;
    w->n_tokens = 0;
    if (!d->prompted) {
        w->turn.ids = d->prompt;
        w->turn.from = NULL;
        w->turn.n = d->n_prompt;
        w->tokens[w->n_tokens++] = d->sot;
        w->tokens[w->n_tokens++] = d->n_prompt - 1; /* by the rules, which the other one is not */
        return;
    }
    w->turn.ids = d->ids;
    w->turn.from = s->width > 1 ? d->from : NULL;
    w->turn.n = s->n_live;
    for (int32_t i = 0; i < s->n_live; i++) {
        d->ids[i] = s->nodes[s->live[i].node].token;
        d->from[i] = s->live[i].n == 1 ? ATT_WHISPER_TRUNK : s->live[i].from;
        w->tokens[w->n_tokens++] = i;
    }
}

static uint32_t *bits_of(const att_asr_rows *rows, int32_t k)
{
    return rows->forbidden + (size_t)k * (size_t)att_logits_words(rows->logits.cols);
}

/* Applies the rules to row k, which sampled[0..n) came before. */
static att_status rule_row(const att_whisper_rules *rules, const int32_t *sampled, int32_t n,
                           int32_t k, const att_asr_rows *rows, att_err *err)
{
    const att_mat row = att_mat_rows(rows->logits, k, 1);
    att_whisper_rules_forbid(rules, sampled, n, bits_of(rows, k));
    if (n == 0 || !att_whisper_rules_penalise(rules)) return ATT_OK;
    att_status status = att_queue_read(rows->queue, rows->row, row.view, row.cols, err);
    if (status) return status;
    att_whisper_rules_apply_penalty(rules, sampled, n, rows->row);
    return att_queue_write(rows->queue, row.view, rows->row, row.cols, err);
}

att_status att_asr_decoding_rule(att_asr_decoding *d, const att_asr_rows *rows, att_err *err)
{
    const att_whisper_rules *rules = d->decoder->rules;
    const att_asr_search *s = d->search;
    int32_t *sampled = d->window.tokens; /* scratch until the search is over */
    att_status status = ATT_OK;
    if (!d->prompted) { /* at the start of transcript all may come */
        memset(bits_of(rows, 0), 0, (size_t)att_logits_words(rules->n_vocab) * sizeof(uint32_t));
        return rule_row(rules, sampled, 0, 1, rows, err);
    }
    for (int32_t i = 0; !status && i < s->n_live; i++) {
        att_asr_search_read(s, &s->live[i], sampled, NULL);
        status = rule_row(rules, sampled, s->live[i].n, i, rows, err);
    }
    return status;
}

/* Reads row k to the host, with -infinity where nothing may come. */
static att_status read_row(const att_asr_decoding *d, const att_asr_rows *rows, int32_t k,
                           float *logits, att_err *err)
{
    const att_whisper_rules *rules = d->decoder->rules;
    const att_mat row = att_mat_rows(rows->logits, k, 1);
    const att_status status = att_queue_read(rows->queue, logits, row.view, row.cols, err);
    if (status) return status;
    att_logits_hide(logits, rules->n_vocab, bits_of(rows, k));
    const int forced = att_whisper_rules_force(rules, &rows->parts[2 * k]);
    for (int32_t t = 0; forced && t < rules->timestamp_begin; t++) logits[t] = -INFINITY;
    return ATT_OK;
}

static int may_try_again(const att_asr_options *o, int32_t attempt)
{
    return o->temperature_increment_on_fallback > 0.0 &&
           o->temperature + (attempt + 1) * o->temperature_increment_on_fallback <= 1.0 + 1e-6;
}

/* The prompt was run: how likely it is that nobody speaks, and the row that all texts begin with.
 */
static att_status hear_prompt(att_asr_decoding *d, const att_asr_rows *rows, att_err *err)
{
    const att_asr_options *o = d->decoder->options;
    const int32_t nospeech = d->decoder->tokens->nospeech;
    const att_logits_part *all = rows->parts;
    float logit;
    att_status status = ATT_OK;
    d->window.no_speech_prob = (double)NAN;
    if (nospeech >= 0) {
        status =
            att_queue_read(rows->queue, &logit, att_view_at(rows->logits.view, nospeech), 1, err);
        d->window.no_speech_prob =
            exp((double)logit - att_logits_log_add(all[0].log_sum_exp, all[1].log_sum_exp));
    }
    att_whisper_rules_join(d->decoder->rules, &rows->parts[2], d->max_best,
                           &d->choosable[d->n_lines]);
    if (!status && (o->temperature > 0.0 || may_try_again(o, 0)))
        status = read_row(d, rows, 1, d->first_logits, err);
    return status;
}

/* Each line goes on with its likeliest token, or one that is drawn. rows NULL: the row behind the
 * prompt. */
static att_status extend(att_asr_decoding *d, const att_logits_part *choosable,
                         const att_asr_rows *rows, att_err *err)
{
    att_logits_choice chosen[ATT_WHISPER_MAX_BRANCHES];
    const double temperature = temperature_of(d->decoder->options, d->attempt);
    const int32_t n_vocab = d->decoder->rules->n_vocab;
    att_asr_search *s = d->search;
    for (int32_t i = 0; i < s->n_live; i++) {
        const att_logits_part *row = &choosable[att_asr_search_row(s, i)];
        att_status status = att_asr_search_check(s, row, err);
        const float *logits = rows ? rows->row : d->first_logits;
        if (!status && rows && temperature > 0.0) status = read_row(d, rows, i, rows->row, err);
        if (status) return status;
        chosen[i] = row->best[0];
        if (!(temperature > 0.0)) continue;
        chosen[i].token = att_logits_draw(logits, n_vocab, row->best[0].logit, temperature,
                                          &d->random, d->weights);
        chosen[i].logit = logits[chosen[i].token];
    }
    att_asr_search_extend(s, choosable, chosen);
    return ATT_OK;
}

/* The next token of each line; *over: none is to follow. rows NULL: the row behind the prompt. */
static att_status choose(att_asr_decoding *d, const att_asr_rows *rows, int *over, att_err *err)
{
    const att_asr_options *o = d->decoder->options;
    const int32_t half = d->decoder->text_ctx / 2;
    const int32_t most =
        o->max_new_tokens > 0 && o->max_new_tokens < half ? o->max_new_tokens : half;
    const att_logits_part *choosable = rows ? d->choosable : &d->choosable[d->n_lines];
    for (int32_t i = 0; rows && i < d->search->n_live; i++)
        att_whisper_rules_join(d->decoder->rules, &rows->parts[2 * i], d->max_best,
                               &d->choosable[i]);
    const att_status status =
        d->beam ? att_asr_search_beam(d->search, choosable, err) : extend(d, choosable, rows, err);
    d->n_steps++;
    *over =
        d->search->done || d->n_steps == most || d->n_prompt + d->n_steps > d->decoder->text_ctx;
    return status;
}

static att_status measure_text(const att_asr_decoder *d, att_asr_window *window, att_err *err)
{
    char *text = att_whisper_tokens_text(d->tokens, window->tokens, window->n_tokens, err);
    size_t n;
    if (!text) return ATT_E_MEMORY;
    const char *stripped = att_utf8_strip(text, &n);
    window->compression_ratio = att_transcript_compression_ratio(stripped, n);
    att_free(text);
    return ATT_OK;
}

static int is_unlikely(const att_asr_options *o, const att_asr_window *w)
{
    return !isnan(o->logprob_threshold) && w->avg_logprob < o->logprob_threshold;
}

int att_asr_is_silence(const att_asr_options *o, const att_asr_window *w)
{
    if (isnan(o->no_speech_threshold) || !(w->no_speech_prob > o->no_speech_threshold)) return 0;
    return isnan(o->logprob_threshold) || !(w->avg_logprob > o->logprob_threshold);
}

/* Too repetitive or too unlikely, and not because nobody speaks. */
static int wants_another(const att_asr_options *o, const att_asr_window *w)
{
    const int repeats = !isnan(o->compression_ratio_threshold) &&
                        w->compression_ratio > o->compression_ratio_threshold;
    const int silent = !isnan(o->no_speech_threshold) && w->no_speech_prob > o->no_speech_threshold;
    if (is_unlikely(o, w)) return !silent;
    return repeats;
}

/* The best text of a search that is over. */
static att_status take_best(att_asr_decoding *d, att_err *err)
{
    att_asr_window *w = &d->window;
    const att_asr_options *o = d->decoder->options;
    const att_asr_line best = att_asr_search_best(d->search, o->length_penalty);
    att_asr_search_read(d->search, &best, w->tokens, w->probs);
    for (int32_t i = 0; i < best.n; i++) w->probs[i] = expf(w->probs[i]);
    w->n_tokens = best.n;
    w->avg_logprob = (double)best.sum / (best.n + 1);
    w->temperature = temperature_of(o, d->attempt);
    return measure_text(d->decoder, w, err);
}

att_status att_asr_decoding_step(att_asr_decoding *d, const att_asr_rows *rows, att_err *err)
{
    const att_asr_options *o = d->decoder->options;
    int over;
    const int prompted = d->prompted;
    att_status status = ATT_OK;
    if (!prompted) {
        status = hear_prompt(d, rows, err);
        d->prompted = 1;
        begin_search(d);
    }
    if (!status) status = choose(d, prompted ? rows : NULL, &over, err);
    while (!status && over) {
        status = take_best(d, err);
        if (status || !wants_another(o, &d->window) || !may_try_again(o, d->attempt)) {
            d->done = !status;
            return status;
        }
        d->attempt++;
        begin_search(d);
        status = choose(d, NULL, &over, err);
    }
    if (!status && o->cancelled && o->cancelled(o->user))
        status = att_fail(err, ATT_E_CANCELLED, "transcribe: cancelled");
    return status;
}
