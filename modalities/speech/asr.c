/* asr.c - a file to its words: windows by seeking, as OpenAI's transcribe.py does it
 * (attend/asr.h). Tests: tests/real/test_whisper_real.c, tests/real/test_asr_long.c */
#define _POSIX_C_SOURCE 200809L
#include "attend/asr.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "asr_model.h"
#include "asr_result.h"
#include "asr_window.h"
#include "audio.h"
#include "mel.h"
#include "mem.h"
#include "queue.h"
#include "transcript.h"
#include "utf8.h"

struct att_asr_session {
    const att_asr_model *model;
    att_whisper_session *whisper;
    float *mel;      /* [3000][n_mels] */
    float *logits;   /* [V] */
    int32_t *prompt; /* [text_ctx] */
    const att_log *log;
};

/* The run of one file. */
typedef struct run {
    att_asr_session *session;
    const att_asr_options *options;
    att_asr_result *result;
    att_asr_decoder decoder;
    att_whisper_rules rules;
    att_mel_stream *mel;
    int64_t n_frames; /* of content */
    int64_t seek;     /* the window's first frame */
    int32_t *history; /* tokens of all segments so far */
    int32_t n_history, room_history;
    int32_t history_since; /* what came before is not fed as prompt any more */
} run;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

att_asr_options att_asr_defaults(void)
{
    att_asr_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.condition_on_previous_text = 1;
    o.no_speech_threshold = 0.6;
    o.logprob_threshold = -1.0;
    o.compression_ratio_threshold = 2.4;
    o.max_initial_timestamp = 1.0;
    return o;
}

att_status att_asr_session_create(att_asr_session **out, const att_asr_model *model, att_err *err)
{
    *out = NULL;
    const att_whisper_config *c = att_whisper_get_config(model->whisper);
    att_asr_session *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    s->model = model;
    s->log = model->log;
    s->mel = att_calloc((size_t)ATT_MEL_WINDOW * (size_t)c->n_mels, sizeof *s->mel);
    s->logits = att_calloc((size_t)c->vocab, sizeof *s->logits);
    s->prompt = att_calloc((size_t)c->text_ctx, sizeof *s->prompt);
    att_status status = ATT_OK;
    if (!s->mel || !s->logits || !s->prompt)
        status = att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    if (!status) status = att_whisper_session_create(&s->whisper, model->whisper, 1, err);
    if (status)
        att_asr_session_destroy(s);
    else
        *out = s;
    return status;
}

void att_asr_session_destroy(att_asr_session *s)
{
    if (!s) return;
    att_whisper_session_destroy(s->whisper);
    att_free(s->mel);
    att_free(s->logits);
    att_free(s->prompt);
    att_free(s);
}

size_t att_asr_session_profile(const att_asr_session *s, struct att_profile_row *rows, size_t room)
{
    return att_queue_profile(att_whisper_session_queue(s->whisper), rows, room);
}

/* --- history and segments --- */

static att_status remember_tokens(run *r, const int32_t *tokens, int32_t n, att_err *err)
{
    if (n > r->room_history - r->n_history) {
        const int32_t room = 2 * r->room_history + n + 1024;
        int32_t *grown = att_realloc(r->history, (size_t)room, sizeof *grown);
        if (!grown) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for tokens");
        r->history = grown;
        r->room_history = room;
    }
    memcpy(r->history + r->n_history, tokens, (size_t)n * sizeof *tokens);
    r->n_history += n;
    return ATT_OK;
}

static int is_blank(const char *text)
{
    size_t n;
    (void)att_utf8_strip(text, &n);
    return n == 0;
}

/* One piece of a window becomes a segment: told if it has words, kept in any case. */
static att_status add_segment(run *r, const att_asr_window *window, const att_whisper_piece *piece,
                              double compression_ratio, att_err *err)
{
    const double offset_s = (double)r->seek / ATT_MEL_FRAMES_A_SECOND;
    const int32_t *tokens = window->tokens + piece->first;
    const int32_t n = piece->end - piece->first;
    char *text = att_whisper_tokens_text(r->decoder.tokens, tokens, n, err);
    if (!text) return ATT_E_MEMORY;
    att_asr_segment segment = {
        .id = r->result->n_segments,
        .seek = r->seek,
        .start = offset_s + piece->start_s,
        .end = offset_s + piece->end_s,
        .text = text,
        .tokens = tokens,
        .n_tokens = n,
        .avg_logprob = window->avg_logprob,
        .compression_ratio = compression_ratio,
        .no_speech_prob = window->no_speech_prob,
    };
    if (piece->start_s == piece->end_s || is_blank(text)) {
        segment.text = "";
        segment.n_tokens = 0;
    }
    att_status status = att_asr_result_add(r->result, &segment, err);
    if (!status) status = remember_tokens(r, segment.tokens, segment.n_tokens, err);
    if (!status && segment.n_tokens && r->options->on_segment)
        r->options->on_segment(r->options->user, &segment);
    att_free(text);
    return status;
}

/* --- windows --- */

static att_status encode_window(run *r, int32_t *frames, att_err *err)
{
    att_asr_session *s = r->session;
    double t = now_s();
    att_status status =
        att_mel_stream_window(r->mel, r->seek, r->options->single_window, s->mel, frames, err);
    r->result->timings.mel_s += now_s() - t;
    t = now_s();
    if (!status) status = att_whisper_encode(s->whisper, s->mel, err);
    r->result->timings.encoder_s += now_s() - t;
    r->result->timings.windows++;
    return status;
}

static att_status choose_language(run *r, att_err *err)
{
    const att_whisper_tokens *tokens = r->decoder.tokens;
    r->decoder.language = -1;
    r->decoder.task = -1;
    if (!tokens->multilingual) {
        strcpy(r->result->language, "en");
        return ATT_OK;
    }
    r->decoder.task = r->options->translate ? tokens->translate : tokens->transcribe;
    double probability = 1.0;
    if (r->options->language) {
        r->decoder.language = att_whisper_tokens_language_id(tokens, r->options->language);
        if (r->decoder.language < 0)
            return att_fail(err, ATT_E_ARG, "transcribe: the model does not know the language '%s'",
                            r->options->language);
    } else {
        const double t = now_s();
        const att_status status =
            att_asr_detect_language(&r->decoder, &r->decoder.language, &probability, err);
        r->result->timings.decoder_s += now_s() - t;
        if (status) return status;
    }
    const char *code = att_whisper_tokens_language_code(tokens, r->decoder.language);
    strncpy(r->result->language, code, sizeof r->result->language - 1);
    if (!r->options->language && r->options->on_language)
        r->options->on_language(r->options->user, code, probability);
    return ATT_OK;
}

/* Silence: no speech is likely and the words found are not. */
static int is_silence(const att_asr_options *o, const att_asr_window *window)
{
    if (isnan(o->no_speech_threshold) || !(window->no_speech_prob > o->no_speech_threshold))
        return 0;
    return isnan(o->logprob_threshold) || !(window->avg_logprob > o->logprob_threshold);
}

/* Whether the reference would decode again at a higher temperature. Such words are not fed on as
 * prompt, so that a repetition does not feed itself. */
static int is_doubtful(const att_asr_options *o, const att_asr_window *window, double ratio)
{
    return (!isnan(o->compression_ratio_threshold) && ratio > o->compression_ratio_threshold) ||
           (!isnan(o->logprob_threshold) && window->avg_logprob < o->logprob_threshold);
}

static att_status window_ratio(run *r, const att_asr_window *window, double *ratio, att_err *err)
{
    char *text = att_whisper_tokens_text(r->decoder.tokens, window->tokens, window->n_tokens, err);
    if (!text) return ATT_E_MEMORY;
    *ratio = att_transcript_compression_ratio(text);
    att_free(text);
    return ATT_OK;
}

/* Decodes the encoded window, cuts it, tells its segments and moves on. */
static att_status finish_window(run *r, int32_t frames, att_err *err)
{
    att_asr_window window;
    const double t = now_s();
    const int32_t since = r->options->condition_on_previous_text ? r->history_since : r->n_history;
    att_status status =
        att_asr_decode_window(&r->decoder, r->history + since, r->n_history - since, &window, err);
    r->result->timings.decoder_s += now_s() - t;
    r->result->timings.tokens += window.n_tokens;
    double ratio = 0.0;
    if (!status) status = window_ratio(r, &window, &ratio, err);
    if (status) return status;
    if (is_silence(r->options, &window)) {
        r->seek += frames;
        return ATT_OK;
    }
    att_whisper_piece pieces[ATT_WHISPER_MAX_TOKENS + 1];
    int32_t advance;
    const int32_t n = att_whisper_cut(window.tokens, window.n_tokens, r->rules.timestamp_begin,
                                      frames, pieces, &advance);
    for (int32_t i = 0; !status && i < n; i++)
        status = add_segment(r, &window, &pieces[i], ratio, err);
    if (is_doubtful(r->options, &window, ratio)) r->history_since = r->n_history;
    r->seek += advance;
    return status;
}

static att_status run_windows(run *r, att_err *err)
{
    att_status status = ATT_OK;
    const double total_s = (double)r->n_frames / ATT_MEL_FRAMES_A_SECOND;
    while (!status && r->seek < r->n_frames) {
        int32_t frames = 0;
        status = encode_window(r, &frames, err);
        if (!status && r->result->timings.windows == 1) status = choose_language(r, err);
        if (!status) status = finish_window(r, frames, err);
        const int64_t done = r->seek < r->n_frames ? r->seek : r->n_frames;
        if (!status && r->options->on_progress)
            r->options->on_progress(r->options->user, (double)done / ATT_MEL_FRAMES_A_SECOND,
                                    total_s);
        if (r->options->single_window) break;
    }
    return status;
}

/* --- one file --- */

/* The first pass, a minute of audio at a time. */
static att_status scan(run *r, att_err *err)
{
    enum { STEP = 60 * ATT_MEL_FRAMES_A_SECOND };
    const att_asr_options *o = r->options;
    int64_t n_frames = -1;
    for (int64_t minutes = 0; n_frames < 0; minutes++) {
        if (minutes > 0 && o->on_scan) o->on_scan(o->user, 60.0 * (double)minutes);
        if (o->cancelled && o->cancelled(o->user))
            return att_fail(err, ATT_E_CANCELLED, "transcribe: cancelled");
        const att_status status = att_mel_stream_scan(r->mel, STEP, &n_frames, err);
        if (status) return status;
    }
    r->n_frames = n_frames;
    return ATT_OK;
}

static void make_rules(run *r)
{
    const att_whisper_tokens *t = r->decoder.tokens;
    r->rules = (att_whisper_rules){
        .n_vocab = att_whisper_get_config(r->session->model->whisper)->vocab,
        .eot = t->eot,
        .no_timestamps = t->notimestamps,
        .timestamp_begin = t->timestamp_begin,
        .suppress = t->suppress,
        .n_suppress = t->n_suppress,
        .suppress_first = t->suppress_first,
        .n_suppress_first = t->n_suppress_first,
        .timestamps = !r->options->without_timestamps,
        .max_initial_timestamp = r->options->max_initial_timestamp < 0.0
                                     ? -1
                                     : (int32_t)lround(r->options->max_initial_timestamp * 50.0),
    };
}

static att_status join_text(run *r, att_err *err)
{
    r->result->text = att_whisper_tokens_text(r->decoder.tokens, r->history, r->n_history, err);
    return r->result->text ? ATT_OK : ATT_E_MEMORY;
}

att_status att_asr_run(att_asr_session *s, const char *path, const att_asr_options *options,
                       att_asr_result *result, att_err *err)
{
    memset(result, 0, sizeof *result);
    if (options->size != sizeof *options)
        return att_fail(err, ATT_E_ARG,
                        "transcribe: the options have %zu bytes, expected %zu; "
                        "start from att_asr_defaults()",
                        options->size, sizeof *options);
    run r = {.session = s, .options = options, .result = result};
    r.decoder = (att_asr_decoder){
        .session = s->whisper,
        .tokens = s->model->tokens,
        .rules = &r.rules,
        .logits = s->logits,
        .prompt = s->prompt,
        .text_ctx = att_whisper_get_config(s->model->whisper)->text_ctx,
        .options = options,
    };
    const double begin = now_s();
    att_audio *audio = NULL;
    make_rules(&r);
    att_status status = att_audio_open(&audio, path, ATT_MEL_RATE_HZ, s->log, err);
    if (!status)
        status = att_mel_stream_open(&r.mel, audio,
                                     att_whisper_get_config(s->model->whisper)->n_mels, err);
    if (!status) status = scan(&r, err);
    result->timings.mel_s = now_s() - begin;
    result->duration_s = (double)r.n_frames / ATT_MEL_FRAMES_A_SECOND;
    if (!status) status = run_windows(&r, err);
    const att_status joined = join_text(&r, status ? NULL : err);
    if (!status) status = joined;
    result->timings.total_s = now_s() - begin;
    att_mel_stream_close(r.mel);
    att_audio_close(audio);
    att_free(r.history);
    return status;
}
