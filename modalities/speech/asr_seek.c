/* asr_seek.c - window after window through a recording, as OpenAI's transcribe.py seeks
 * (attend/asr.h). Tests: tests/real/test_whisper_real.c, tests/real/test_asr_long.c */
#include <math.h>
#include <string.h>

#include "asr_clips.h"
#include "asr_result.h"
#include "asr_run.h"
#include "asr_vad.h"
#include "hallucination.h"
#include "mem.h"
#include "utf8.h"

enum { MAX_DETECTED = 64 }; /* windows that are asked for the language */

static int is_blank(const char *text)
{
    size_t n;
    (void)att_utf8_strip(text, &n);
    return n == 0;
}

char *atti_asr_describe(const atti_asr_run *r, const att_asr_window *window,
                        const att_whisper_piece *piece, att_asr_segment *segment, att_err *err)
{
    const double offset_s = (double)r->seek / ATT_MEL_FRAMES_A_SECOND;
    const int32_t *tokens = window->tokens + piece->first;
    const int32_t n = piece->end - piece->first;
    char *text = att_whisper_tokens_text(r->decoder.tokens, tokens, n, err);
    if (!text) return NULL;
    *segment = (att_asr_segment){
        .id = r->result->n_segments,
        .seek = r->seek,
        .start = offset_s + piece->start_s,
        .end = offset_s + piece->end_s,
        .text = text,
        .tokens = tokens,
        .token_probs = window->probs + piece->first,
        .n_tokens = n,
        .temperature = window->temperature,
        .avg_logprob = window->avg_logprob,
        .compression_ratio = window->compression_ratio,
        .no_speech_prob = window->no_speech_prob,
    };
    if (is_blank(text)) {
        segment->text = "";
        segment->n_tokens = 0;
    }
    return text;
}

/* One piece of a window becomes a segment: told if it has words, kept in any case. */
static att_status add_segment(atti_asr_run *r, const att_asr_window *window,
                              const att_whisper_piece *piece, const att_word_segment *words,
                              att_err *err)
{
    att_asr_segment segment;
    char *text = atti_asr_describe(r, window, piece, &segment, err);
    if (!text) return ATT_E_MEMORY;
    segment.start = words->start;
    segment.end = words->end;
    segment.words = words->words;
    segment.n_words = words->n_words;
    if (segment.start == segment.end || segment.n_tokens == 0) {
        segment.text = "";
        segment.n_tokens = segment.n_words = 0;
    }
    atti_asr_restore_times(&r->map, r->options->vad.speech_pad_ms, &segment);
    att_status status = att_asr_result_add(r->result, &segment, err);
    if (!status) status = atti_asr_remember(r, segment.tokens, segment.n_tokens, err);
    if (!status && segment.n_tokens && r->options->on_segment)
        r->options->on_segment(r->options->user, &segment);
    att_free(text);
    return status;
}

static att_status encode_window(atti_asr_run *r, int64_t first, int64_t end, int32_t *frames,
                                att_err *err)
{
    att_asr_session *s = r->session;
    const int32_t n_mels = att_whisper_get_config(s->model->whisper)->n_mels;
    double t = atti_asr_now_s();
    att_status status =
        att_mel_stream_window(r->mel, first, r->options->single_window, s->mel, frames, err);
    if (!status && end - first < *frames) { /* behind the clip */
        *frames = (int32_t)(end - first);
        memset(s->mel + (size_t)*frames * (size_t)n_mels, 0,
               (size_t)(ATT_MEL_WINDOW - *frames) * (size_t)n_mels * sizeof *s->mel);
    }
    r->result->timings.mel_s += atti_asr_now_s() - t;
    t = atti_asr_now_s();
    if (!status) status = att_whisper_encode(s->decoding.lane, s->mel, err);
    r->result->timings.encoder_s += atti_asr_now_s() - t;
    r->result->timings.windows++;
    return status;
}

static void set_language(atti_asr_run *r, int32_t language)
{
    r->code = att_whisper_tokens_language_code(r->decoder.tokens, language);
    r->language = language;
}

att_status atti_asr_given_language(atti_asr_run *r, int *given, att_err *err)
{
    const att_whisper_tokens *tokens = r->decoder.tokens;
    *given = 1;
    r->language = -1;
    r->task = -1;
    r->code = "en";
    if (!tokens->multilingual) {
        strcpy(r->result->language, r->code);
        return ATT_OK;
    }
    r->task = r->options->translate ? tokens->translate : tokens->transcribe;
    *given = r->options->language != NULL;
    if (!*given) return ATT_OK;
    const int32_t language = att_whisper_tokens_language_id(tokens, r->options->language);
    if (language < 0)
        return att_fail(err, ATT_E_ARG, "transcribe: the model does not know the language '%s'",
                        r->options->language);
    set_language(r, language);
    strncpy(r->result->language, r->code, sizeof r->result->language - 1);
    return ATT_OK;
}

att_status atti_asr_hear_language(atti_asr_run *r, double *probability, att_err *err)
{
    int32_t language;
    const double t = atti_asr_now_s();
    const att_status status =
        att_asr_detect_language(&r->session->stepper, r->session->decoding.lane, r->decoder.tokens,
                                &language, probability, err);
    r->result->timings.decoder_s += atti_asr_now_s() - t;
    if (!status) set_language(r, language);
    return status;
}

void atti_asr_tell_language(const atti_asr_run *r, double probability)
{
    strncpy(r->result->language, r->code, sizeof r->result->language - 1);
    if (r->options->on_language)
        r->options->on_language(r->options->user, r->result->language, probability);
}

/* The language of the windows looked at so far that was heard most often, the likeliest of equals.
 */
static void take_most_heard(atti_asr_run *r, const int32_t *heard, const double *probability,
                            int32_t n, double *best_probability)
{
    int32_t best = 0, best_count = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t count = 0;
        for (int32_t k = 0; k < n; k++) count += heard[k] == heard[i];
        const int more = count > best_count;
        if (more || (count == best_count && probability[i] > probability[best])) best = i;
        if (more) best_count = count;
    }
    set_language(r, heard[best]);
    *best_probability = probability[best];
}

/* The language spoken: given, or heard in the recording's first 30 s, wherever the first clip is.
 */
static att_status choose_language(atti_asr_run *r, att_err *err)
{
    int given;
    att_status status = atti_asr_given_language(r, &given, err);
    if (status || given) return status;
    int32_t heard[MAX_DETECTED], n = 0;
    double probability[MAX_DETECTED], best = 0.0;
    const int32_t most = r->options->language_detection_segments;
    for (int64_t at = 0; !status && n < most && n < MAX_DETECTED && at < r->n_frames;
         at += ATT_MEL_WINDOW) {
        int32_t frames;
        status = encode_window(r, at, r->n_frames, &frames, err);
        r->ready_frames = at == 0 ? frames : 0; /* what the session holds now */
        if (!status) status = atti_asr_hear_language(r, &probability[n], err);
        heard[n] = r->language;
        best = probability[n++];
        if (best > r->options->language_detection_threshold) break;
        if (n == most || n == MAX_DETECTED || at + ATT_MEL_WINDOW >= r->n_frames)
            take_most_heard(r, heard, probability, n, &best);
    }
    if (!status) atti_asr_tell_language(r, best);
    return status;
}

/* Encodes the window at r->seek, unless finding the language has done so. */
static att_status encode_next(atti_asr_run *r, int32_t *frames, att_err *err)
{
    const int32_t ready = r->ready_frames;
    r->ready_frames = 0;
    *frames = ready;
    if (ready > 0 && r->seek == 0 && r->clip_end >= ready) return ATT_OK;
    return encode_window(r, r->seek, r->clip_end, frames, err);
}

att_asr_prompt_parts atti_asr_prompt_parts(const atti_asr_run *r)
{
    const att_asr_options *o = r->options;
    int32_t since = r->history_since;
    att_asr_prompt_parts p = {
        .language = r->language, .task = r->task, .without_timestamps = o->without_timestamps};
    p.carried = r->carried;
    p.n_carried = r->n_carried;
    if (o->carry_initial_prompt && since < r->n_initial) since = r->n_initial;
    p.previous = r->history + since;
    p.n_previous = r->n_history - since;
    p.prefix = r->prefix;
    p.n_prefix = r->n_prefix;
    return p;
}

/* Words of all pieces, aligned in one go. */
static att_status add_words(atti_asr_run *r, const att_asr_window *w, int32_t frames,
                            atti_asr_found *f, att_err *err)
{
    int32_t ids[ATT_WHISPER_MAX_TOKENS], n = 0;
    const att_asr_options *o = r->options;
    for (int32_t i = 0; i < f->n; i++)
        for (int32_t k = f->pieces[i].first; k < f->pieces[i].end; k++)
            if (w->tokens[k] < r->rules.eot) {
                ids[n++] = w->tokens[k];
                f->words[i].n_tokens++;
            }
    const att_asr_alignable text = {.lane = r->session->decoding.lane,
                                    .tokens = r->decoder.tokens,
                                    .language = r->language,
                                    .task = r->task,
                                    .code = r->code,
                                    .ids = ids,
                                    .n = n,
                                    .frames = frames};
    att_whisper_words words;
    att_status status = att_asr_align(r->session->aligner, &text, &words, err);
    if (!status)
        status = att_word_times_add(
            f->words, f->n, &words, o->prepend_punctuations, o->append_punctuations,
            (double)r->seek / ATT_MEL_FRAMES_A_SECOND, &f->last_speech_s, err);
    att_whisper_words_free(&words);
    return status;
}

/* The end of the last word, or of the last segment where there are no words. */
static double last_end(const atti_asr_found *f)
{
    for (int32_t i = f->n - 1; i >= 0; i--)
        if (f->words[i].n_words > 0) return f->words[i].words[f->words[i].n_words - 1].end;
    return f->n > 0 ? f->words[f->n - 1].end : (double)NAN;
}

/* Where the words say that the window ends; doubted segments go. */
static void follow_words(const atti_asr_run *r, const att_asr_window *w, int32_t frames,
                         atti_asr_found *f)
{
    const int32_t begin = r->rules.timestamp_begin, n = w->n_tokens;
    const int lone = n > 0 && w->tokens[n - 1] >= begin && !(n > 1 && w->tokens[n - 2] >= begin);
    const double offset_s = (double)r->seek / ATT_MEL_FRAMES_A_SECOND;
    if (!lone && last_end(f) > offset_s)
        f->next_seek = (int64_t)nearbyint(last_end(f) * ATT_MEL_FRAMES_A_SECOND);
    if (!isnan(r->options->hallucination_silence_threshold)) {
        const att_hallucination_window window = {
            .threshold_s = r->options->hallucination_silence_threshold,
            .seek = r->seek,
            .frames = frames,
            .content_frames = r->n_frames,
            .ends_in_timestamp = lone,
            .last_speech_s = r->last_speech_s,
        };
        f->next_seek = att_hallucination_skip(&window, f->words, &f->n, f->next_seek, &f->again);
        if (f->again) f->n = 0;
    }
    if (f->next_seek <= r->seek) f->next_seek = r->seek + frames; /* always on */
}

/* The window's pieces with their times and words, and where the next window begins. */
static att_status find_segments(atti_asr_run *r, const att_asr_window *w, int32_t frames,
                                atti_asr_found *f, att_err *err)
{
    int32_t advance;
    att_status status = ATT_OK;
    memset(f, 0, sizeof *f);
    f->n = f->n_pieces = att_whisper_cut(w->tokens, w->n_tokens, r->rules.timestamp_begin, frames,
                                         f->pieces, &advance);
    for (int32_t i = 0; i < f->n; i++) {
        const double offset_s = (double)r->seek / ATT_MEL_FRAMES_A_SECOND;
        f->words[i].start = offset_s + f->pieces[i].start_s;
        f->words[i].end = offset_s + f->pieces[i].end_s;
    }
    f->next_seek = r->seek + advance;
    f->last_speech_s = r->last_speech_s;
    if (!r->options->word_timestamps) return ATT_OK;
    const double t = atti_asr_now_s();
    status = add_words(r, w, frames, f, err);
    if (!status) follow_words(r, w, frames, f);
    if (f->n > 0) r->last_speech_s = last_end(f);
    r->result->timings.decoder_s += atti_asr_now_s() - t;
    return status;
}

/* Decodes the encoded window, cuts it, tells its segments and moves on. */
static att_status finish_window(atti_asr_run *r, int32_t frames, att_err *err)
{
    att_asr_session *session = r->session;
    const att_asr_window *window = &session->decoding.window;
    const double t = atti_asr_now_s();
    const att_asr_prompt_parts parts = atti_asr_prompt_parts(r);
    att_asr_decoding_begin(&session->decoding, &r->decoder, &parts, r->seek);
    att_status status = att_asr_decode(&session->stepper, &session->decoding, err);
    r->result->timings.decoder_s += atti_asr_now_s() - t;
    r->result->timings.tokens += window->n_tokens;
    r->n_prefix = 0; /* only of the first window */
    if (status) return status;
    if (att_asr_is_silence(r->options, window)) {
        r->seek += frames;
        return ATT_OK;
    }
    atti_asr_found *f = &session->found;
    status = find_segments(r, window, frames, f, err);
    for (int32_t i = 0; !status && i < f->n; i++)
        status = add_segment(r, window, &f->pieces[i], &f->words[i], err);
    att_word_segments_free(f->words, f->n_pieces);
    /* text that was drawn at random is no prompt: a mistake would feed itself */
    if (!f->again && (!r->options->condition_on_previous_text ||
                      window->temperature > r->options->prompt_reset_on_temperature))
        r->history_since = r->n_history;
    r->seek = f->next_seek;
    return status;
}

static void tell_progress(const atti_asr_run *r)
{
    const int64_t frames = r->seek < r->n_frames ? r->seek : r->n_frames;
    const double packed_s = (double)frames / ATT_MEL_FRAMES_A_SECOND;
    const double done_s =
        att_time_map_original_s(&r->map, packed_s, att_time_map_index(&r->map, packed_s, 1));
    const double total_s = r->result->duration_s;
    if (r->options->on_progress)
        r->options->on_progress(r->options->user, frames < r->n_frames ? done_s : total_s, total_s);
}

/* Makes r->clip the next clip. */
static void begin_clip(atti_asr_run *r, int32_t clip)
{
    const att_asr_options *o = r->options;
    int64_t start;
    att_asr_clip_at(o->clip_timestamps, o->n_clip_timestamps, clip, r->n_frames, &start,
                    &r->clip_end);
    if (clip > 0 || r->seek < start) r->seek = start;
    r->clip = clip;
}

att_status atti_asr_begin(atti_asr_run *r, att_err *err)
{
    tell_progress(r);
    begin_clip(r, 0);
    return r->n_frames > 0 ? choose_language(r, err) : ATT_OK;
}

int atti_asr_has_window(atti_asr_run *r)
{
    const att_asr_options *o = r->options;
    if (o->single_window) return r->seek == 0 && r->n_frames > 0 && !r->n_windows;
    while (r->seek >= r->clip_end && r->clip + 1 < att_asr_n_clips(o->n_clip_timestamps))
        begin_clip(r, r->clip + 1);
    return r->seek < r->clip_end;
}

att_status atti_asr_hear_window(atti_asr_run *r, att_err *err)
{
    int32_t frames = 0;
    double probability;
    att_status status = encode_next(r, &frames, err);
    if (!status && r->options->multilingual && r->decoder.tokens->multilingual)
        status = atti_asr_hear_language(r, &probability, err);
    if (!status) status = finish_window(r, frames, err);
    if (!status) tell_progress(r);
    r->n_windows++;
    return status;
}
