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

static att_status check_cancelled(const att_asr_options *o, att_err *err)
{
    if (o->cancelled && o->cancelled(o->user))
        return att_fail(err, ATT_E_CANCELLED, "transcribe: cancelled");
    return ATT_OK;
}

/* Runs the prompt: the first row of logits, and how likely it is that nobody speaks. */
static att_status run_prompt(const att_asr_decoder *d, int32_t n_prompt, int32_t sot,
                             att_asr_window *window, att_err *err)
{
    const int32_t nospeech = d->tokens->nospeech, n_vocab = d->rules->n_vocab;
    att_whisper_truncate(d->session, 0);
    att_status status = att_whisper_decode(d->session, d->prompt, n_prompt, err);
    window->no_speech_prob = (double)NAN;
    if (!status && nospeech >= 0) {
        status = att_whisper_logits(d->session, sot, 1, d->logits, err);
        if (!status)
            window->no_speech_prob =
                exp((double)d->logits[nospeech] - att_logits_log_sum_exp(d->logits, 0, n_vocab));
    }
    if (!status) status = att_whisper_logits(d->session, n_prompt - 1, 1, d->first_logits, err);
    return status;
}

/* Runs the newest token of each live line: the rows of logits that follow them. */
static att_status run_lines(const att_asr_decoder *d, att_err *err)
{
    int32_t ids[ATT_WHISPER_MAX_BRANCHES], from[ATT_WHISPER_MAX_BRANCHES];
    const att_asr_search *s = d->search;
    for (int32_t i = 0; i < s->n_live; i++) {
        ids[i] = s->nodes[s->live[i].node].token;
        from[i] = s->live[i].n == 1 ? ATT_WHISPER_TRUNK : s->live[i].from;
    }
    const att_status status = s->width == 1
                                  ? att_whisper_decode(d->session, ids, 1, err)
                                  : att_whisper_branch(d->session, ids, from, s->n_live, err);
    return status ? status : att_whisper_logits(d->session, 0, s->n_live, d->logits, err);
}

/* Sets what may not follow each live line to -infinity; tokens: scratch. */
static void apply_rules(const att_asr_decoder *d, int32_t *tokens)
{
    const att_asr_search *s = d->search;
    const int32_t n_rows = s->live[0].n == 0 ? 1 : s->n_live;
    for (int32_t i = 0; i < n_rows; i++) {
        att_asr_search_read(s, &s->live[i], tokens, NULL);
        att_whisper_rules_apply(d->rules, tokens, s->live[i].n,
                                d->logits + (size_t)i * (size_t)d->rules->n_vocab);
    }
}

/* One search over the encoded window, its prompt decoded, at one temperature. */
static att_status search(const att_asr_decoder *d, int32_t n_prompt, double temperature,
                         att_random *random, att_asr_window *window, att_err *err)
{
    const att_asr_options *o = d->options;
    att_asr_search *s = d->search;
    const int beam = temperature <= 0.0 && o->beam_size > 1;
    const int32_t half = d->text_ctx / 2;
    const int32_t most =
        o->max_new_tokens > 0 && o->max_new_tokens < half ? o->max_new_tokens : half;
    const int32_t samples = temperature > 0.0 && o->best_of > 1 ? o->best_of : 1;
    att_asr_search_begin(s, beam ? o->beam_size : samples, att_asr_max_finished(o));
    att_whisper_truncate(d->session, n_prompt);
    memcpy(d->logits, d->first_logits, (size_t)d->rules->n_vocab * sizeof *d->logits);
    att_status status = ATT_OK;
    for (int32_t n = 1; !status; n++) {
        apply_rules(d, window->tokens);
        status = beam ? att_asr_search_beam(s, d->logits, err)
                      : att_asr_search_sample(s, d->logits, temperature, random, err);
        if (status || s->done || n == most || n_prompt + n > d->text_ctx) break;
        status = check_cancelled(o, err);
        if (!status) status = run_lines(d, err);
    }
    if (status) return status;
    const att_asr_line best = att_asr_search_best(s, o->length_penalty);
    att_asr_search_read(s, &best, window->tokens, window->probs);
    for (int32_t i = 0; i < best.n; i++) window->probs[i] = expf(window->probs[i]);
    window->n_tokens = best.n;
    window->avg_logprob = (double)best.sum / (best.n + 1);
    window->temperature = temperature;
    return ATT_OK;
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

att_status att_asr_decode_window(const att_asr_decoder *d, const att_asr_prompt_parts *parts,
                                 int64_t stream, att_asr_window *window, att_err *err)
{
    const att_asr_options *o = d->options;
    const double step = o->temperature_increment_on_fallback;
    int32_t sot;
    memset(window, 0, sizeof *window);
    const int32_t n_prompt = att_asr_prompt_make(d->tokens, parts, d->text_ctx, d->prompt, &sot);
    att_random random = att_random_of(o->seed, (uint64_t)stream);
    att_status status = run_prompt(d, n_prompt, sot, window, err);
    for (int32_t i = 0; !status; i++) {
        const double temperature = i > 0 ? o->temperature + i * step : o->temperature;
        status = search(d, n_prompt, temperature, &random, window, err);
        if (!status) status = measure_text(d, window, err);
        const double next = o->temperature + (i + 1) * step;
        if (status || !wants_another(o, window) || !(step > 0.0) || next > 1.0 + 1e-6) break;
    }
    return status;
}

att_status att_asr_detect_language(const att_asr_decoder *d, int32_t *language, double *probability,
                                   att_err *err)
{
    att_whisper_truncate(d->session, 0);
    att_status status = att_whisper_decode(d->session, &d->tokens->sot, 1, err);
    if (!status) status = att_whisper_logits(d->session, 0, 1, d->logits, err);
    if (status) return status;
    const int32_t first = d->tokens->language_begin, n = d->tokens->n_languages;
    const int32_t best = att_logits_argmax(d->logits + first, n);
    if (best < 0)
        return att_fail(err, ATT_E_DEVICE,
                        "detect language: the logits hold NaN; try "
                        "`attend devices --check`");
    *language = first + best;
    *probability =
        exp((double)d->logits[first + best] - att_logits_log_sum_exp(d->logits, first, first + n));
    return ATT_OK;
}
