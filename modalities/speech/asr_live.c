/* asr_live.c - speech as it comes (attend/asr.h).
 *
 * All that is not final yet is looked at again whenever step_s of audio has come. A segment is
 * final when two looks in a row agree on its tokens and it is over: another one or silence follows
 * it. What is not final is bounded by max_pending_s: then the oldest segments become final as they
 * are. Source: local agreement of Machacek et al., "Turning Whisper into Real-Time Transcription
 * System", 2023, with segments instead of words. Tests: tests/real/test_asr_live.c */
#include <math.h>
#include <string.h>

#include "asr_run.h"
#include "audio.h"
#include "mem.h"
#include "options.h"

enum { MAX_LIVE_PIECES = ATT_WHISPER_MAX_TOKENS + 1, KEPT_HISTORY = 256 };

/* What one look found: the pieces of a window, and how long they were looked at. */
typedef struct look {
    att_asr_window window;
    att_whisper_piece pieces[MAX_LIVE_PIECES];
    int32_t n;
} look;

struct att_asr_live {
    atti_asr_run run;
    atti_asr_lane *lane; /* the session's first */
    att_asr_options options;
    att_asr_live_options live;
    att_asr_result result; /* language and timings; segments are told, not kept */
    float *samples;        /* pending, at 16 kHz */
    size_t n_samples, room_samples;
    size_t n_fresh; /* of them, since the last look */
    look now, before;
    char *told; /* the last partial text */
    int language_known;
    int32_t next_id;
};

void att_asr_live_options_init(att_asr_live_options *options, size_t bytes)
{
    const att_asr_live_options o = {
        .size = sizeof o, .step_s = 1.0, .max_pending_s = 20.0, .silence_s = 0.8};
    att_options_give(options, bytes, &o);
}

/* A timeline is one chain of windows. */
static att_status begin_timeline(att_asr_live *l, att_err *err)
{
    att_asr_session *s = l->run.session;
    att_status status = atti_asr_make_room(s, &l->options, err);
    if (!status) status = atti_asr_get_lane(s, 0, &l->options, &l->lane, err);
    if (!status) status = atti_asr_prepare(&l->run, err);
    if (!status) status = atti_asr_given_language(&l->run, &l->language_known, err);
    if (status) return status;
    atti_asr_enter(l->lane, &l->run);
    l->lane->seek = 0;
    l->lane->language = l->run.language;
    l->lane->code = l->run.code;
    l->lane->n_prefix = l->run.n_prefix;
    l->lane->n_history = l->lane->history_since = 0;
    return atti_asr_remember(l->lane, l->run.initial, l->run.n_initial, err);
}

static att_status take_live(att_asr_live_options *o, const att_asr_live_options *theirs,
                            att_err *err)
{
    *o = att_asr_live_defaults();
    const att_status status = att_options_take(o, theirs, "transcribe live", err);
    if (status) return status;
    if (!(o->step_s >= 0.1) || !(o->max_pending_s >= o->step_s) || !(o->max_pending_s <= 30.0) ||
        !(o->silence_s >= 0.0))
        return att_fail(err, ATT_E_ARG,
                        "transcribe live: step %g s, at most %g s pending, %g s of silence; "
                        "expected 0.1 <= step <= pending <= 30 and no negative silence",
                        o->step_s, o->max_pending_s, o->silence_s);
    return ATT_OK;
}

att_status att_asr_live_create(att_asr_live **out, att_asr_session *session,
                               const att_asr_options *options, const att_asr_live_options *live,
                               att_err *err)
{
    *out = NULL;
    att_asr_live *l = att_calloc(1, sizeof *l);
    if (!l) return att_fail(err, ATT_E_MEMORY, "transcribe live: out of memory");
    att_status status = take_live(&l->live, live, err);
    if (!status) status = atti_asr_take_options(&l->options, options, err);
    if (status) {
        att_asr_live_destroy(l);
        return status;
    }
    l->options.without_timestamps = 0; /* they say where what is final ends */
    l->options.word_timestamps = 0;
    l->options.batch = 1;
    l->options.temperature_increment_on_fallback = (double)NAN; /* a look has no time for more */
    l->run = (atti_asr_run){.session = session, .options = &l->options, .result = &l->result};
    l->room_samples = (size_t)(l->live.max_pending_s * ATT_MEL_RATE_HZ);
    l->samples = att_calloc(l->room_samples, sizeof *l->samples);
    l->told = att_strdup("");
    if (!l->samples || !l->told)
        status = att_fail(err, ATT_E_MEMORY, "transcribe live: out of memory");
    if (!status) status = begin_timeline(l, err);
    if (status)
        att_asr_live_destroy(l);
    else
        *out = l;
    return status;
}

void att_asr_live_destroy(att_asr_live *l)
{
    if (!l) return;
    atti_asr_release(&l->run);
    att_asr_result_free(&l->result);
    att_free(l->samples);
    att_free(l->told);
    att_free(l);
}

/* --- looking --- */

/* The pending samples' spectrogram and what the encoder makes of it. */
static att_status encode_pending(att_asr_live *l, int32_t *frames, att_err *err)
{
    att_asr_session *s = l->run.session;
    att_audio *audio = NULL;
    att_mel_stream *mel = NULL;
    int64_t n_frames = -1;
    const double t = atti_asr_now_s();
    att_status status = att_audio_open_samples(&audio, l->samples, l->n_samples, ATT_MEL_RATE_HZ,
                                               ATT_MEL_RATE_HZ, err);
    if (!status)
        status = att_mel_stream_open(&mel, audio, att_whisper_get_config(s->model->whisper)->n_mels,
                                     err);
    while (!status && n_frames < 0)
        status = att_mel_stream_scan(mel, ATT_MEL_WINDOW, &n_frames, err);
    if (!status) status = att_mel_stream_window(mel, 0, 0, l->lane->mel, frames, err);
    att_mel_stream_close(mel);
    att_audio_close(audio);
    const double encode = atti_asr_now_s();
    if (!status) status = att_whisper_encode(l->lane->decoding.lane, l->lane->mel, err);
    l->result.timings.mel_s += encode - t;
    l->result.timings.encoder_s += atti_asr_now_s() - encode;
    l->result.timings.windows++;
    return status;
}

static int has_text(const atti_asr_run *r, const att_asr_window *w)
{
    for (int32_t i = 0; i < w->n_tokens; i++)
        if (w->tokens[i] < r->rules.timestamp_begin) return 1;
    return 0;
}

static void tell_language(att_asr_live *l, double probability)
{
    atti_asr_settle_language(l->lane, probability);
    if (l->options.on_language)
        l->options.on_language(l->options.user, l->result.language, probability);
}

static att_status find_pieces(att_asr_live *l, att_err *err)
{
    int32_t frames = 0, advance;
    atti_asr_run *r = &l->run;
    l->before = l->now;
    l->now.n = 0;
    att_status status = encode_pending(l, &frames, err);
    if (!status && (!l->language_known || l->options.multilingual) &&
        r->decoder.tokens->multilingual) {
        double probability;
        status = atti_asr_hear_language(l->lane, &probability, err);
        if (!status && !l->language_known) tell_language(l, probability);
    }
    const double t = atti_asr_now_s();
    const att_asr_prompt_parts parts = atti_asr_prompt_parts(l->lane);
    att_asr_decoding *decoding = &l->lane->decoding;
    att_asr_window *w = &l->now.window;
    att_asr_decoding_begin(decoding, &r->decoder, &parts, l->lane->seek);
    if (!status) status = att_asr_decode(&r->session->stepper, decoding, err);
    if (!status) *w = decoding->window;
    l->result.timings.decoder_s += atti_asr_now_s() - t;
    if (!status) l->result.timings.tokens += w->n_tokens;
    if (status || att_asr_is_silence(&l->options, w) || !has_text(r, w)) return status;
    l->now.n = att_whisper_cut(w->tokens, w->n_tokens, r->rules.timestamp_begin, frames,
                               l->now.pieces, &advance);
    for (int32_t i = 0; i < l->now.n; i++) { /* timestamps may lie behind what was heard */
        att_whisper_piece *p = &l->now.pieces[i];
        p->start_s = fmin(p->start_s, frames / 100.0);
        p->end_s = fmin(p->end_s, frames / 100.0);
    }
    return ATT_OK;
}

/* Whether piece i says what it said the last time; where it ends may move a little. */
static int is_agreed(const att_asr_live *l, int32_t i)
{
    const look *now = &l->now, *before = &l->before;
    if (i >= before->n) return 0;
    const att_whisper_piece *p = &now->pieces[i], *q = &before->pieces[i];
    const int32_t begin = l->run.rules.timestamp_begin;
    int32_t a = p->first, b = q->first;
    for (;; a++, b++) {
        while (a < p->end && now->window.tokens[a] >= begin) a++;
        while (b < q->end && before->window.tokens[b] >= begin) b++;
        if (a == p->end || b == q->end) return a == p->end && b == q->end;
        if (now->window.tokens[a] != before->window.tokens[b]) return 0;
    }
}

/* How many of the pieces are final. */
static int32_t count_final(const att_asr_live *l, int full)
{
    const double pending_s = (double)l->n_samples / ATT_MEL_RATE_HZ;
    const int32_t n = l->now.n;
    int32_t final = 0;
    while (final < n && is_agreed(l, final) &&
           (final + 1 < n || l->now.pieces[final].end_s <= pending_s - l->live.silence_s))
        final++;
    if (full && final == 0) final = n > 1 ? n - 1 : n;
    return final;
}

/* --- telling --- */

/* Forgets all but the newest tokens: a timeline that never ends takes no more memory. */
static void trim_history(atti_asr_lane *lane)
{
    atti_asr_run *r = lane->run;
    const int32_t extra = lane->n_history - KEPT_HISTORY;
    if (extra <= KEPT_HISTORY) return;
    memmove(lane->history, lane->history + extra, KEPT_HISTORY * sizeof *lane->history);
    lane->n_history -= extra;
    lane->history_since = lane->history_since > extra ? lane->history_since - extra : 0;
    r->n_initial = r->n_initial > extra ? r->n_initial - extra : 0;
}

static att_status tell_final(att_asr_live *l, int32_t n, att_err *err)
{
    atti_asr_lane *lane = l->lane;
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < n; i++) {
        att_asr_segment segment;
        char *text = atti_asr_describe(lane, &l->now.window, &l->now.pieces[i], &segment, err);
        if (!text) return ATT_E_MEMORY;
        segment.id = l->next_id;
        if (segment.n_tokens && segment.end > segment.start) {
            l->next_id++;
            status = atti_asr_remember(lane, segment.tokens, segment.n_tokens, err);
            if (l->options.on_segment) l->options.on_segment(l->options.user, &segment);
        }
        att_free(text);
    }
    if (n > 0 && (!l->options.condition_on_previous_text ||
                  l->now.window.temperature > l->options.prompt_reset_on_temperature))
        lane->history_since = lane->n_history;
    if (n > 0) {
        lane->n_prefix = 0; /* only of the first words */
        l->language_known = 1;
    }
    trim_history(lane);
    return status;
}

/* The text that is heard but may still change. */
static att_status tell_partial(att_asr_live *l, int32_t first, att_err *err)
{
    const look *now = &l->now;
    const double offset_s = (double)l->lane->seek / ATT_MEL_FRAMES_A_SECOND;
    const int some = first < now->n;
    const int32_t begin = some ? now->pieces[first].first : 0;
    const int32_t end = some ? now->pieces[now->n - 1].end : 0;
    char *text = att_whisper_tokens_text(l->run.decoder.tokens, now->window.tokens + begin,
                                         end - begin, err);
    if (!text) return ATT_E_MEMORY;
    if (l->live.on_partial && strcmp(text, l->told) != 0)
        l->live.on_partial(l->live.user, text, some ? offset_s + now->pieces[first].start_s : 0.0,
                           some ? offset_s + now->pieces[now->n - 1].end_s : 0.0);
    att_free(l->told);
    l->told = text;
    return ATT_OK;
}

/* Forgets the first frames of what is pending; pieces that stay move with it. */
static void drop(att_asr_live *l, int32_t n_pieces, int64_t frames)
{
    size_t n = (size_t)frames * ATT_MEL_HOP;
    if (n > l->n_samples) n = l->n_samples;
    memmove(l->samples, l->samples + n, (l->n_samples - n) * sizeof *l->samples);
    l->n_samples -= n;
    l->lane->seek += frames;
    l->now.n -= n_pieces;
    memmove(l->now.pieces, l->now.pieces + n_pieces, (size_t)l->now.n * sizeof *l->now.pieces);
}

static att_status take_look(att_asr_live *l, int full, att_err *err)
{
    l->n_fresh = 0;
    if (l->options.cancelled && l->options.cancelled(l->options.user))
        return att_fail(err, ATT_E_CANCELLED, "transcribe live: cancelled");
    att_status status = find_pieces(l, err);
    if (status) return status;
    const int64_t pending = (int64_t)(l->n_samples / ATT_MEL_HOP);
    const int32_t final = count_final(l, full);
    status = tell_final(l, final, err);
    if (!status) status = tell_partial(l, final, err);
    if (status) return status;
    if (final > 0) {
        const int last = final == l->now.n;
        int64_t frames = (int64_t)nearbyint(l->now.pieces[final - 1].end_s * 100.0);
        if (frames < 1 || (full && last)) frames = pending;
        drop(l, final, frames < pending ? frames : pending);
    } else if (l->now.n == 0) { /* nobody speaks: keep a second, in which somebody may have begun */
        drop(l, 0, pending > 100 ? pending - 100 : 0);
    }
    return ATT_OK;
}

att_status att_asr_push(att_asr_live *l, const float *samples, size_t n, att_err *err)
{
    const size_t step = (size_t)(l->live.step_s * ATT_MEL_RATE_HZ);
    att_status status = ATT_OK;
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(samples[i]) <= 1e9f))
            return att_fail(err, ATT_E_INPUT, "transcribe live: sample %zu of %zu is %g", i, n,
                            (double)samples[i]);
    while (!status && n > 0) {
        const size_t room = l->room_samples - l->n_samples, taken = n < room ? n : room;
        memcpy(l->samples + l->n_samples, samples, taken * sizeof *samples);
        l->n_samples += taken;
        l->n_fresh += taken;
        samples += taken;
        n -= taken;
        const int full = l->n_samples == l->room_samples;
        if (full || (n == 0 && l->n_fresh >= step)) status = take_look(l, full, err);
    }
    return status;
}

att_status att_asr_finish(att_asr_live *l, att_err *err)
{
    att_status status = ATT_OK;
    if (l->n_samples >= ATT_MEL_HOP) {
        status = find_pieces(l, err);
        if (!status) status = tell_final(l, l->now.n, err);
    }
    if (!status) {
        drop(l, l->now.n, (int64_t)(l->n_samples / ATT_MEL_HOP));
        l->n_samples = l->n_fresh = 0;
        l->now.n = 0;
        status = tell_partial(l, 0, err);
    }
    return status;
}

const att_asr_timings *att_asr_live_timings(const att_asr_live *l)
{
    return &l->result.timings;
}
