/* asr_options.c - options: their defaults, what of them makes sense, and the rules and prompts that
 * a run makes of them (attend/asr.h). Tests: tests/real/test_asr_options.c */
#include <math.h>
#include <string.h>

#include "asr_run.h"
#include "mem.h"
#include "options.h"
#include "tokenizer.h"
#include "utf8.h"
#include "whisper_suppress.h"

static att_asr_options defaults(void)
{
    static const int32_t non_speech[] = {-1};
    att_asr_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.condition_on_previous_text = 1;
    o.no_speech_threshold = 0.6;
    o.logprob_threshold = -1.0;
    o.compression_ratio_threshold = 2.4;
    o.max_initial_timestamp = 1.0;
    o.temperature_increment_on_fallback = 0.2;
    o.best_of = 5;
    o.beam_size = 5;
    o.patience = 1.0;
    o.length_penalty = (double)NAN;
    o.suppress_tokens = non_speech;
    o.n_suppress_tokens = 1;
    o.suppress_blank = 1;
    o.prepend_punctuations = "\"'“¿([{-";
    o.append_punctuations = "\"'.。,，!！?？:：”)]}、";
    o.hallucination_silence_threshold = (double)NAN;
    o.vad = att_vad_defaults();
    o.repetition_penalty = 1.0;
    o.prompt_reset_on_temperature = 0.5;
    o.language_detection_segments = 1;
    o.language_detection_threshold = 0.5;
    o.batch = 4; /* docs/speed.md */
    return o;
}

void att_asr_options_init(att_asr_options *options, size_t bytes)
{
    const att_asr_options o = defaults();
    att_options_give(options, bytes, &o);
}

static att_status check_options(const att_asr_options *o, att_err *err)
{
    if (o->beam_size < 0 || o->beam_size > ATT_WHISPER_MAX_BRANCHES || o->best_of < 0 ||
        o->best_of > ATT_WHISPER_MAX_BRANCHES)
        return att_fail(err, ATT_E_ARG, "transcribe: beam_size %d and best_of %d, expected 0 to %d",
                        o->beam_size, o->best_of, ATT_WHISPER_MAX_BRANCHES);
    if (!(o->patience > 0.0) || o->patience > 16.0 || att_asr_max_finished(o) < 1)
        return att_fail(err, ATT_E_ARG,
                        "transcribe: patience %g with beam_size %d, expected at most 16 and one "
                        "finished text at least",
                        o->patience, o->beam_size);
    if (!(o->temperature >= 0.0) || o->temperature_increment_on_fallback < 0.0)
        return att_fail(err, ATT_E_ARG,
                        "transcribe: temperature %g and increment %g, expected none below 0",
                        o->temperature, o->temperature_increment_on_fallback);
    if (!isnan(o->length_penalty) && !(o->length_penalty >= 0.0 && o->length_penalty <= 1.0))
        return att_fail(err, ATT_E_ARG, "transcribe: length_penalty %g, expected 0 to 1",
                        o->length_penalty);
    if (!(o->repetition_penalty > 0.0) || o->no_repeat_ngram_size < 0 || o->max_new_tokens < 0 ||
        o->language_detection_segments < 1)
        return att_fail(
            err, ATT_E_ARG,
            "transcribe: repetition_penalty %g, no_repeat_ngram_size %d, max_new_tokens "
            "%d, language_detection_segments %d; expected above 0, two of 0 or more, 1 "
            "or more",
            o->repetition_penalty, o->no_repeat_ngram_size, o->max_new_tokens,
            o->language_detection_segments);
    if (o->vad_filter && o->n_clip_timestamps)
        return att_fail(err, ATT_E_ARG,
                        "transcribe: vad_filter and clip_timestamps are given, expected one of the "
                        "two: each says what is heard");
    if (o->batch < 1 || o->batch > ATTI_ASR_MAX_BATCH)
        return att_fail(err, ATT_E_ARG, "transcribe: batch %d, expected 1 to %d", o->batch,
                        ATTI_ASR_MAX_BATCH);
    if (o->vad_chunks && !o->vad_filter)
        return att_fail(err, ATT_E_ARG, "transcribe: vad_chunks is set without vad_filter");
    for (int32_t i = 0; i < o->n_clip_timestamps; i++)
        if (!(o->clip_timestamps[i] >= 0.0 && o->clip_timestamps[i] < 1e9))
            return att_fail(err, ATT_E_ARG, "transcribe: clip timestamp %d is %g s", i,
                            o->clip_timestamps[i]);
    return ATT_OK;
}

att_status atti_asr_take_options(att_asr_options *o, const att_asr_options *theirs, att_err *err)
{
    *o = defaults();
    const att_status status = att_options_take(o, theirs, "transcribe", err);
    return status ? status : check_options(o, err);
}

/* What is never sampled: the specials, what the caller names, and for a -1 in it the marks that are
 * not spoken. */
static att_status make_suppressed(atti_asr_run *r, att_err *err)
{
    const att_whisper_tokens *t = r->decoder.tokens;
    const att_asr_options *o = r->options;
    const int32_t specials[] = {t->transcribe, t->translate,   t->sot,
                                t->startoflm,  t->startofprev, t->nospeech};
    const int32_t n_specials = sizeof specials / sizeof *specials;
    int32_t n = 0;
    r->suppress = att_calloc((size_t)(n_specials + t->n_suppress + o->n_suppress_tokens) +
                                 (o->suppress_regex ? (size_t)t->eot : 0),
                             sizeof *r->suppress);
    if (!r->suppress) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for tokens");
    for (int32_t i = 0; i < n_specials; i++) r->suppress[n++] = specials[i]; /* -1: ignored */
    int all = 0;
    for (int32_t i = 0; i < o->n_suppress_tokens; i++) {
        const int32_t id = o->suppress_tokens[i];
        if (id >= r->rules.n_vocab)
            return att_fail(err, ATT_E_ARG,
                            "transcribe: token %d is to be suppressed, the vocabulary has %d", id,
                            r->rules.n_vocab);
        all |= id == -1;
        if (id >= 0) r->suppress[n++] = id;
    }
    for (int32_t i = 0; all && i < t->n_suppress; i++) r->suppress[n++] = t->suppress[i];
    r->rules.suppress = r->suppress;
    r->rules.n_suppress = n;
    if (!o->suppress_regex) return ATT_OK;
    return att_whisper_suppress_matching(t, o->suppress_regex, r->suppress, &r->rules.n_suppress,
                                         err);
}

att_status atti_asr_make_rules(atti_asr_run *r, att_err *err)
{
    const att_whisper_tokens *t = r->decoder.tokens;
    const att_asr_options *o = r->options;
    r->rules = (att_whisper_rules){
        .n_vocab = att_whisper_get_config(r->session->model->whisper)->vocab,
        .eot = t->eot,
        .no_timestamps = t->notimestamps,
        .timestamp_begin = t->timestamp_begin,
        .suppress_first = t->suppress_first,
        .n_suppress_first = o->suppress_blank ? t->n_suppress_first : 0,
        .repetition_penalty = o->repetition_penalty,
        .no_repeat_ngram_size = o->no_repeat_ngram_size,
        .timestamps = !o->without_timestamps,
        .max_initial_timestamp =
            o->max_initial_timestamp < 0.0 ? -1 : (int32_t)lround(o->max_initial_timestamp * 50.0),
    };
    return make_suppressed(r, err);
}

/* The ids of " " + the stripped text, as the reference encodes what it is told. */
static att_status encode_told(const atti_asr_run *r, const char *text, int32_t **ids, int32_t *n,
                              att_err *err)
{
    const att_whisper_tokens *t = r->decoder.tokens;
    att_tokenizer *tokenizer = NULL;
    size_t bytes;
    const char *stripped = att_utf8_strip(text, &bytes);
    char *told = att_sprintf(" %.*s", (int)bytes, stripped);
    if (!told) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for the prompt");
    att_status status = att_tokenizer_create(&tokenizer, t->bytes, t->starts, t->eot, err);
    if (!status) status = att_tokenizer_encode(tokenizer, told, ids, n, err);
    att_tokenizer_destroy(tokenizer);
    att_free(told);
    return status;
}

/* Hotwords and a carried initial prompt: what stands in front of every window's text. */
static att_status make_carried(atti_asr_run *r, att_err *err)
{
    const att_asr_options *o = r->options;
    const int32_t n_initial = o->carry_initial_prompt ? r->n_initial : 0;
    int32_t *hot = NULL, n_hot = 0;
    att_status status = ATT_OK;
    if (o->hotwords && !o->prefix) status = encode_told(r, o->hotwords, &hot, &n_hot, err);
    r->carried = status ? NULL : att_calloc((size_t)(n_hot + n_initial), sizeof *r->carried);
    if (!status && !r->carried)
        status = att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for the prompt");
    if (!status) {
        if (n_hot) memcpy(r->carried, hot, (size_t)n_hot * sizeof *hot);
        if (n_initial)
            memcpy(r->carried + n_hot, r->initial, (size_t)n_initial * sizeof *r->initial);
        r->n_carried = n_hot + n_initial;
    }
    att_free(hot);
    return status;
}

att_status atti_asr_read_told(atti_asr_run *r, att_err *err)
{
    att_status status = ATT_OK;
    if (r->options->initial_prompt)
        status = encode_told(r, r->options->initial_prompt, &r->initial, &r->n_initial, err);
    if (!status && r->options->prefix)
        status = encode_told(r, r->options->prefix, &r->prefix, &r->n_prefix, err);
    return status ? status : make_carried(r, err);
}
