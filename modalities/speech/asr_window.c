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

att_status att_asr_decoding_init(att_asr_decoding *d, const att_whisper *whisper,
                                 att_whisper_session *session, int32_t eot,
                                 const att_asr_options *options, att_err *err)
{
    const att_whisper_config *c = att_whisper_get_config(whisper);
    memset(d, 0, sizeof *d);
    d->first_logits = att_calloc((size_t)c->vocab, sizeof *d->first_logits);
    d->prompt = att_calloc((size_t)c->text_ctx, sizeof *d->prompt);
    if (!d->first_logits || !d->prompt)
        return att_fail(err, ATT_E_MEMORY, "make decoder: out of memory");
    const att_status status =
        att_asr_search_create(&d->search, att_asr_lines(options), att_asr_max_finished(options),
                              c->text_ctx / 2, c->vocab, eot, err);
    return status ? status : att_whisper_lane_create(&d->lane, session, err);
}

void att_asr_decoding_finish(att_asr_decoding *d)
{
    att_whisper_lane_destroy(d->lane);
    att_asr_search_destroy(d->search);
    att_free(d->first_logits);
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
        if (d->sot < d->n_prompt - 1) w->tokens[w->n_tokens++] = d->sot;
        w->tokens[w->n_tokens++] = d->n_prompt - 1;
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

/* The prompt was run: how likely it is that nobody speaks, and the row that all texts begin with,
 * which becomes the first. */
static void hear_prompt(att_asr_decoding *d, float *logits)
{
    const int32_t nospeech = d->decoder->tokens->nospeech, n_vocab = d->decoder->rules->n_vocab;
    const float *last = d->sot < d->n_prompt - 1 ? logits + n_vocab : logits;
    d->window.no_speech_prob = (double)NAN;
    if (nospeech >= 0)
        d->window.no_speech_prob =
            exp((double)logits[nospeech] - att_logits_log_sum_exp(logits, 0, n_vocab));
    memcpy(d->first_logits, last, (size_t)n_vocab * sizeof *logits);
    d->prompted = 1;
    begin_search(d);
}

/* Sets what may not follow each live line to -infinity; tokens: scratch. */
static void apply_rules(const att_asr_decoding *d, float *logits, int32_t *tokens)
{
    const att_asr_search *s = d->search;
    const att_whisper_rules *rules = d->decoder->rules;
    const int32_t n_rows = s->live[0].n == 0 ? 1 : s->n_live;
    for (int32_t i = 0; i < n_rows; i++) {
        att_asr_search_read(s, &s->live[i], tokens, NULL);
        att_whisper_rules_apply(rules, tokens, s->live[i].n,
                                logits + (size_t)i * (size_t)rules->n_vocab);
    }
}

/* The next token of each line; *over: none is to follow. */
static att_status choose(att_asr_decoding *d, float *logits, int *over, att_err *err)
{
    const att_asr_options *o = d->decoder->options;
    const int32_t half = d->decoder->text_ctx / 2;
    const int32_t most =
        o->max_new_tokens > 0 && o->max_new_tokens < half ? o->max_new_tokens : half;
    apply_rules(d, logits, d->window.tokens);
    const att_status status =
        d->beam ? att_asr_search_beam(d->search, logits, err)
                : att_asr_search_sample(d->search, logits, temperature_of(o, d->attempt),
                                        &d->random, err);
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

static int may_try_again(const att_asr_options *o, int32_t attempt)
{
    return o->temperature_increment_on_fallback > 0.0 &&
           o->temperature + (attempt + 1) * o->temperature_increment_on_fallback <= 1.0 + 1e-6;
}

att_status att_asr_decoding_step(att_asr_decoding *d, float *logits, att_err *err)
{
    const att_asr_options *o = d->decoder->options;
    int over;
    if (!d->prompted) {
        hear_prompt(d, logits);
        memcpy(logits, d->first_logits, (size_t)d->decoder->rules->n_vocab * sizeof *logits);
    }
    att_status status = choose(d, logits, &over, err);
    while (!status && over) {
        status = take_best(d, err);
        if (status || !wants_another(o, &d->window) || !may_try_again(o, d->attempt)) {
            d->done = !status;
            return status;
        }
        d->attempt++;
        begin_search(d);
        memcpy(logits, d->first_logits, (size_t)d->decoder->rules->n_vocab * sizeof *logits);
        status = choose(d, logits, &over, err);
    }
    if (!status && o->cancelled && o->cancelled(o->user))
        status = att_fail(err, ATT_E_CANCELLED, "transcribe: cancelled");
    return status;
}
