/* asr_window.c - greedy decoding of one window (asr_window.h). Tests:
 * tests/real/test_whisper_real.c */
#include "asr_window.h"

#include <math.h>
#include <string.h>

#include "logits.h"

/* [start of previous, newest 223 tokens of text,] start of transcript [, language, task]
 * [, no timestamps]. Returns the number of tokens; *sot: where the start of transcript stands. */
static int32_t build_prompt(const att_asr_decoder *d, const int32_t *previous, int32_t n_previous,
                            int32_t *sot)
{
    const int32_t max_previous = d->text_ctx / 2 - 1;
    int32_t n = 0;
    if (n_previous > max_previous) {
        previous += n_previous - max_previous;
        n_previous = max_previous;
    }
    if (n_previous > 0) {
        d->prompt[n++] = d->tokens->startofprev;
        memcpy(d->prompt + n, previous, (size_t)n_previous * sizeof *previous);
        n += n_previous;
    }
    *sot = n;
    d->prompt[n++] = d->tokens->sot;
    if (d->language >= 0) d->prompt[n++] = d->language;
    if (d->task >= 0) d->prompt[n++] = d->task;
    if (d->options->without_timestamps) d->prompt[n++] = d->tokens->notimestamps;
    return n;
}

/* Log-probability of one token under all of the row's logits. */
static double log_probability(const float *logits, int32_t n, int32_t token)
{
    return (double)logits[token] - att_logits_log_sum_exp(logits, 0, n);
}

static att_status read_no_speech(const att_asr_decoder *d, int32_t sot, att_asr_window *window,
                                 att_err *err)
{
    window->no_speech_prob = (double)NAN;
    if (d->tokens->nospeech < 0) return ATT_OK;
    const att_status status = att_whisper_logits(d->session, sot, 1, d->logits, err);
    if (!status)
        window->no_speech_prob =
            exp(log_probability(d->logits, d->rules->n_vocab, d->tokens->nospeech));
    return status;
}

/* The next token under the rules and its log-probability. */
static att_status choose(const att_asr_decoder *d, const att_asr_window *window, int32_t row,
                         int32_t *token, double *logprob, att_err *err)
{
    const att_status status = att_whisper_logits(d->session, row, 1, d->logits, err);
    if (status) return status;
    att_whisper_rules_apply(d->rules, window->tokens, window->n_tokens, d->logits);
    *token = att_logits_argmax(d->logits, d->rules->n_vocab);
    if (*token < 0)
        return att_fail(err, ATT_E_DEVICE,
                        "choose token %d: the logits hold NaN or nothing that is allowed; try "
                        "`attend devices --check`",
                        window->n_tokens);
    *logprob = log_probability(d->logits, d->rules->n_vocab, *token);
    return ATT_OK;
}

att_status att_asr_decode_window(const att_asr_decoder *d, const int32_t *previous,
                                 int32_t n_previous, att_asr_window *window, att_err *err)
{
    const int32_t most = d->text_ctx / 2;
    int32_t sot, row = build_prompt(d, previous, n_previous, &sot) - 1;
    const int32_t n_prompt = row + 1;
    double sum = 0.0;
    memset(window, 0, sizeof *window);
    att_whisper_truncate(d->session, 0);
    att_status status = att_whisper_decode(d->session, d->prompt, n_prompt, err);
    if (!status) status = read_no_speech(d, sot, window, err);
    while (!status) {
        int32_t token;
        double logprob = 0.0;
        status = choose(d, window, row, &token, &logprob, err);
        if (status) break;
        sum += logprob;
        if (token == d->tokens->eot) break;
        window->tokens[window->n_tokens++] = token;
        if (window->n_tokens == most || n_prompt + window->n_tokens > d->text_ctx) break;
        if (d->options->cancelled && d->options->cancelled(d->options->user))
            status = att_fail(err, ATT_E_CANCELLED, "transcribe: cancelled");
        if (!status) status = att_whisper_decode(d->session, &token, 1, err);
        row = 0;
    }
    window->avg_logprob = sum / (window->n_tokens + 1);
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
