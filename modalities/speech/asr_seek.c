/* asr_seek.c - window after window through a chain of a recording, as OpenAI's transcribe.py seeks
 * (asr_run.h). Tests: tests/real/test_whisper_real.c, tests/real/test_asr_long.c */
#include <math.h>
#include <string.h>

#include "asr_result.h"
#include "asr_run.h"
#include "asr_vad.h"
#include "hallucination.h"
#include "mem.h"
#include "utf8.h"

att_status atti_asr_remember(atti_asr_lane *l, const int32_t *tokens, int32_t n, att_err *err)
{
    if (n > l->room_history - l->n_history) {
        const int32_t room = 2 * l->room_history + n + 1024;
        int32_t *grown = att_realloc(l->history, (size_t)room, sizeof *grown);
        if (!grown) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for tokens");
        l->history = grown;
        l->room_history = room;
    }
    if (n > 0) memcpy(l->history + l->n_history, tokens, (size_t)n * sizeof *tokens);
    l->n_history += n;
    return ATT_OK;
}

static int is_blank(const char *text)
{
    size_t n;
    (void)att_utf8_strip(text, &n);
    return n == 0;
}

char *atti_asr_describe(const atti_asr_lane *l, const att_asr_window *window,
                        const att_whisper_piece *piece, att_asr_segment *segment, att_err *err)
{
    const double offset_s = (double)l->seek / ATT_MEL_FRAMES_A_SECOND;
    const int32_t *tokens = window->tokens + piece->first;
    const int32_t n = piece->end - piece->first;
    char *text = att_whisper_tokens_text(l->run->decoder.tokens, tokens, n, err);
    if (!text) return NULL;
    *segment = (att_asr_segment){
        .seek = l->seek,
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

/* One piece of a window becomes a segment of the chain. */
static att_status add_segment(atti_asr_lane *l, const att_whisper_piece *piece,
                              const att_word_segment *words, att_err *err)
{
    atti_asr_run *r = l->run;
    att_asr_segment segment;
    char *text = atti_asr_describe(l, &l->decoding.window, piece, &segment, err);
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
    att_status status = att_asr_result_add(&r->chains[l->chain].found, &segment, err);
    if (!status) status = atti_asr_remember(l, segment.tokens, segment.n_tokens, err);
    att_free(text);
    return status;
}

/* Frames [first, first + 3000), those from `end` on 0, into the lane's mel. What it holds already
 * of a range that is no longer than a window is not read again: other lanes are further on. */
static att_status read_mel(atti_asr_lane *l, int64_t first, int64_t end, int32_t *frames,
                           att_err *err)
{
    const size_t width = (size_t)att_whisper_get_config(l->run->session->model->whisper)->n_mels;
    const int64_t skipped = first - l->mel_first;
    if (skipped >= 0 && skipped < l->mel_frames && end <= l->mel_first + l->mel_frames) {
        *frames = (int32_t)(end - first);
        memmove(l->mel, l->mel + (size_t)skipped * width, (size_t)*frames * width * sizeof *l->mel);
    } else {
        const int32_t silence = l->run->options->single_window;
        const att_status status =
            att_mel_stream_window(l->run->mel, first, silence, l->mel, frames, err);
        if (status) return status;
        l->mel_frames = *frames;
        if (end - first >= *frames) { /* all of it */
            l->mel_first = first;
            return ATT_OK;
        }
        *frames = (int32_t)(end - first);
    }
    l->mel_first = first;
    l->mel_frames = *frames;
    memset(l->mel + (size_t)*frames * width, 0,
           (size_t)(ATT_MEL_WINDOW - *frames) * width * sizeof *l->mel);
    return ATT_OK;
}

att_status atti_asr_encode(atti_asr_lane *l, int64_t first, int64_t end, int32_t *frames,
                           att_err *err)
{
    att_asr_timings *timings = &l->run->result->timings;
    double t = atti_asr_now_s();
    att_status status = read_mel(l, first, end, frames, err);
    timings->mel_s += atti_asr_now_s() - t;
    t = atti_asr_now_s();
    if (!status) status = att_whisper_encode(l->decoding.lane, l->mel, err);
    timings->encoder_s += atti_asr_now_s() - t;
    timings->windows++;
    return status;
}

/* Encodes the window at l->seek, unless finding the language has done so. */
static att_status encode_next(atti_asr_lane *l, att_err *err)
{
    const int32_t ready = l->ready_frames;
    l->ready_frames = 0;
    l->frames = ready;
    if (ready > 0 && l->seek == 0 && l->end >= ready) return ATT_OK;
    return atti_asr_encode(l, l->seek, l->end, &l->frames, err);
}

att_asr_prompt_parts atti_asr_prompt_parts(const atti_asr_lane *l)
{
    const atti_asr_run *r = l->run;
    const att_asr_options *o = r->options;
    int32_t since = l->history_since;
    att_asr_prompt_parts p = {
        .language = l->language, .task = r->task, .without_timestamps = o->without_timestamps};
    p.carried = r->carried;
    p.n_carried = r->n_carried;
    if (o->carry_initial_prompt && since < r->n_initial) since = r->n_initial;
    p.previous = l->history + since;
    p.n_previous = l->n_history - since;
    p.prefix = r->prefix;
    p.n_prefix = l->n_prefix;
    return p;
}

/* Words of all pieces, aligned in one go. */
static att_status add_words(atti_asr_lane *l, atti_asr_found *f, att_err *err)
{
    int32_t ids[ATT_WHISPER_MAX_TOKENS], n = 0;
    const atti_asr_run *r = l->run;
    const att_asr_window *w = &l->decoding.window;
    const att_asr_options *o = r->options;
    for (int32_t i = 0; i < f->n; i++)
        for (int32_t k = f->pieces[i].first; k < f->pieces[i].end; k++)
            if (w->tokens[k] < r->rules.eot) {
                ids[n++] = w->tokens[k];
                f->words[i].n_tokens++;
            }
    const att_asr_alignable text = {.lane = l->decoding.lane,
                                    .tokens = r->decoder.tokens,
                                    .language = l->language,
                                    .task = r->task,
                                    .code = l->code,
                                    .ids = ids,
                                    .n = n,
                                    .frames = l->frames};
    att_whisper_words words;
    att_status status = att_asr_align(r->session->aligner, &text, &words, err);
    if (!status)
        status = att_word_times_add(
            f->words, f->n, &words, o->prepend_punctuations, o->append_punctuations,
            (double)l->seek / ATT_MEL_FRAMES_A_SECOND, &f->last_speech_s, err);
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
static void follow_words(const atti_asr_lane *l, atti_asr_found *f)
{
    const atti_asr_run *r = l->run;
    const att_asr_window *w = &l->decoding.window;
    const int32_t begin = r->rules.timestamp_begin, n = w->n_tokens;
    const int lone = n > 0 && w->tokens[n - 1] >= begin && !(n > 1 && w->tokens[n - 2] >= begin);
    const double offset_s = (double)l->seek / ATT_MEL_FRAMES_A_SECOND;
    if (!lone && last_end(f) > offset_s)
        f->next_seek = (int64_t)nearbyint(last_end(f) * ATT_MEL_FRAMES_A_SECOND);
    if (!isnan(r->options->hallucination_silence_threshold)) {
        const att_hallucination_window window = {
            .threshold_s = r->options->hallucination_silence_threshold,
            .seek = l->seek,
            .frames = l->frames,
            .content_frames = r->n_frames,
            .ends_in_timestamp = lone,
            .last_speech_s = l->last_speech_s,
        };
        f->next_seek = att_hallucination_skip(&window, f->words, &f->n, f->next_seek, &f->again);
        if (f->again) f->n = 0;
    }
    if (f->next_seek <= l->seek) f->next_seek = l->seek + l->frames; /* always on */
}

/* The window's pieces with their times and words, and where the next window begins. */
static att_status find_segments(atti_asr_lane *l, atti_asr_found *f, att_err *err)
{
    const att_asr_window *w = &l->decoding.window;
    const double offset_s = (double)l->seek / ATT_MEL_FRAMES_A_SECOND;
    int32_t advance;
    memset(f, 0, sizeof *f);
    f->n = f->n_pieces = att_whisper_cut(w->tokens, w->n_tokens, l->run->rules.timestamp_begin,
                                         l->frames, f->pieces, &advance);
    for (int32_t i = 0; i < f->n; i++) {
        f->words[i].start = offset_s + f->pieces[i].start_s;
        f->words[i].end = offset_s + f->pieces[i].end_s;
    }
    f->next_seek = l->seek + advance;
    f->last_speech_s = l->last_speech_s;
    if (!l->run->options->word_timestamps) return ATT_OK;
    const double t = atti_asr_now_s();
    const att_status status = add_words(l, f, err);
    if (!status) follow_words(l, f);
    if (f->n > 0) l->last_speech_s = last_end(f);
    l->run->result->timings.decoder_s += atti_asr_now_s() - t;
    return status;
}

att_status atti_asr_finish_window(atti_asr_lane *l, att_err *err)
{
    const att_asr_window *window = &l->decoding.window;
    const att_asr_options *o = l->run->options;
    atti_asr_found *f = &l->run->session->found;
    l->run->result->timings.tokens += window->n_tokens;
    l->n_windows++;
    l->n_prefix = 0; /* only of the first window */
    if (att_asr_is_silence(o, window)) {
        l->seek += l->frames;
        return ATT_OK;
    }
    att_status status = find_segments(l, f, err);
    for (int32_t i = 0; !status && i < f->n; i++)
        status = add_segment(l, &f->pieces[i], &f->words[i], err);
    att_word_segments_free(f->words, f->n_pieces);
    /* text that was drawn at random is no prompt: a mistake would feed itself */
    if (!f->again &&
        (!o->condition_on_previous_text || window->temperature > o->prompt_reset_on_temperature))
        l->history_since = l->n_history;
    l->seek = f->next_seek;
    return status;
}

static void begin_range(atti_asr_lane *l, int32_t range)
{
    l->range = range;
    l->seek = l->run->ranges[range].begin;
    l->end = l->run->ranges[range].end;
}

void atti_asr_enter(atti_asr_lane *l, atti_asr_run *run)
{
    l->run = run;
    l->chain = -1;
    l->ready_frames = l->mel_frames = 0;
}

att_status atti_asr_begin_chain(atti_asr_lane *l, int32_t chain, att_err *err)
{
    const atti_asr_run *r = l->run;
    l->chain = chain;
    l->n_windows = 0;
    l->language = r->language;
    l->code = r->code;
    l->n_prefix = chain == 0 ? r->n_prefix : 0;
    l->last_speech_s =
        chain == 0 ? 0.0
                   : (double)r->ranges[r->chains[chain].first].begin / ATT_MEL_FRAMES_A_SECOND;
    l->n_history = 0;
    const att_status status = atti_asr_remember(l, r->initial, r->n_initial, err);
    l->history_since = chain == 0 || r->options->vad_chunks ? 0 : l->n_history;
    begin_range(l, r->chains[chain].first);
    return status;
}

static int has_window(atti_asr_lane *l)
{
    const atti_asr_run *r = l->run;
    if (r->options->single_window) return l->seek == 0 && r->n_frames > 0 && !l->n_windows;
    while (l->seek >= l->end && l->range + 1 < r->chains[l->chain].end)
        begin_range(l, l->range + 1);
    return l->seek < l->end;
}

att_status atti_asr_begin_window(atti_asr_lane *l, int *has, att_err *err)
{
    const atti_asr_run *r = l->run;
    double probability;
    *has = has_window(l);
    if (!*has) return ATT_OK;
    att_status status = encode_next(l, err);
    if (!status && r->options->multilingual && r->decoder.tokens->multilingual)
        status = atti_asr_hear_language(l, &probability, err);
    const att_asr_prompt_parts parts = atti_asr_prompt_parts(l);
    if (!status) att_asr_decoding_begin(&l->decoding, &r->decoder, &parts, l->seek);
    return status;
}
