/* asr.c - sessions, and what a run needs before its windows (attend/asr.h). The windows:
 * asr_seek.c. Tests: tests/real/test_whisper_real.c, tests/real/test_asr_options.c */
#define _POSIX_C_SOURCE 200809L
#include "attend/asr.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "asr_run.h"
#include "asr_vad.h"
#include "audio.h"
#include "mem.h"
#include "options.h"
#include "queue.h"
#include "tokenizer.h"
#include "utf8.h"

double atti_asr_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- sessions --- */

att_status att_asr_session_create(att_asr_session **out, const att_asr_model *model, att_err *err)
{
    *out = NULL;
    const att_whisper_config *c = att_whisper_get_config(model->whisper);
    att_asr_session *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    s->model = model;
    s->log = model->log;
    s->mel = att_calloc((size_t)ATT_MEL_WINDOW * (size_t)c->n_mels, sizeof *s->mel);
    if (!s->mel) {
        att_asr_session_destroy(s);
        return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    }
    *out = s;
    return ATT_OK;
}

void att_asr_session_destroy(att_asr_session *s)
{
    if (!s) return;
    att_asr_aligner_destroy(s->aligner);
    att_asr_decoding_finish(&s->decoding);
    att_asr_stepper_finish(&s->stepper);
    att_vad_session_destroy(s->vad);
    att_free(s->mel);
    att_free(s);
}

att_status att_asr_session_use_vad(att_asr_session *s, const att_vad *vad, att_err *err)
{
    att_vad_session_destroy(s->vad);
    s->vad = NULL;
    return vad ? att_vad_session_create(&s->vad, vad, err) : ATT_OK;
}

/* Room for what the options follow beside each other: made by the first run, and again by a run
 * that needs more. */
static att_status make_room(att_asr_session *s, const att_asr_options *o, att_err *err)
{
    const int32_t lines = att_asr_lines(o), finished = att_asr_max_finished(o);
    const att_whisper *whisper = s->model->whisper;
    if (s->stepper.session && lines <= s->lines && finished <= s->max_finished) return ATT_OK;
    att_asr_aligner_destroy(s->aligner);
    att_asr_decoding_finish(&s->decoding);
    att_asr_stepper_finish(&s->stepper);
    s->aligner = NULL;
    s->lines = lines;
    s->max_finished = finished;
    att_status status = att_asr_stepper_init(&s->stepper, whisper, o, 1, err);
    if (!status)
        status = att_asr_decoding_init(&s->decoding, whisper, s->stepper.session,
                                       s->model->tokens->eot, o, err);
    if (status) { /* a stepper is one that is ready */
        att_asr_decoding_finish(&s->decoding);
        att_asr_stepper_finish(&s->stepper);
    }
    return status;
}

size_t att_asr_session_profile(const att_asr_session *s, struct att_profile_row *rows, size_t room)
{
    const att_whisper_session *whisper = s->stepper.session;
    return whisper ? att_queue_profile(att_whisper_session_queue(whisper), rows, room) : 0;
}

/* --- what a run needs --- */

att_status atti_asr_remember(atti_asr_run *r, const int32_t *tokens, int32_t n, att_err *err)
{
    if (n > r->room_history - r->n_history) {
        const int32_t room = 2 * r->room_history + n + 1024;
        int32_t *grown = att_realloc(r->history, (size_t)room, sizeof *grown);
        if (!grown) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for tokens");
        r->history = grown;
        r->room_history = room;
    }
    if (n > 0) memcpy(r->history + r->n_history, tokens, (size_t)n * sizeof *tokens);
    r->n_history += n;
    return ATT_OK;
}

/* The first pass, a minute of audio at a time. */
static att_status scan(atti_asr_run *r, att_err *err)
{
    enum { STEP = 60 * ATT_MEL_FRAMES_A_SECOND };
    const att_asr_options *o = r->options;
    int64_t n_frames = -1;
    for (int64_t minutes = 0; n_frames < 0; minutes++) {
        /* with vad_filter, listening was the first pass */
        if (minutes > 0 && o->on_scan && !o->vad_filter)
            o->on_scan(o->user, 60.0 * (double)minutes);
        if (o->cancelled && o->cancelled(o->user))
            return att_fail(err, ATT_E_CANCELLED, "transcribe: cancelled");
        const att_status status = att_mel_stream_scan(r->mel, STEP, &n_frames, err);
        if (status) return status;
    }
    r->n_frames = n_frames;
    return ATT_OK;
}

static att_status join_text(atti_asr_run *r, att_err *err)
{
    r->result->text = att_whisper_tokens_text(r->decoder.tokens, r->history + r->n_initial,
                                              r->n_history - r->n_initial, err);
    return r->result->text ? ATT_OK : ATT_E_MEMORY;
}

static void make_decoder(atti_asr_run *r)
{
    att_asr_session *s = r->session;
    r->decoder = (att_asr_decoder){
        .tokens = s->model->tokens,
        .rules = &r->rules,
        .text_ctx = att_whisper_get_config(s->model->whisper)->text_ctx,
        .options = r->options,
    };
}

att_status atti_asr_prepare(atti_asr_run *r, att_err *err)
{
    att_asr_session *s = r->session;
    r->result->has_words = r->options->word_timestamps;
    att_status status = make_room(s, r->options, err);
    if (!status && r->options->word_timestamps && !s->aligner)
        status = att_asr_aligner_create(&s->aligner, s->model->whisper, s->stepper.session, err);
    make_decoder(r);
    if (!status) status = atti_asr_make_rules(r, err);
    if (!status) status = atti_asr_read_told(r, err);
    return status;
}

void atti_asr_release(atti_asr_run *r)
{
    att_time_map_free(&r->map);
    att_free(r->history);
    att_free(r->prefix);
    att_free(r->suppress);
    att_free(r->carried);
}

/* A recording, or why there is none; it is closed here. */
static att_status run_audio(att_asr_session *s, att_audio *audio, att_status opened, double begin,
                            const att_asr_options *options, att_asr_result *result, att_err *err)
{
    atti_asr_run r = {.session = s, .options = options, .result = result};
    att_status status = opened;
    if (!status) status = atti_asr_prepare(&r, err);
    if (!status && options->vad_filter) status = atti_asr_find_speech(&r, audio, err);
    const double listened = atti_asr_now_s();
    if (!status)
        status = att_mel_stream_open(&r.mel, audio,
                                     att_whisper_get_config(s->model->whisper)->n_mels, err);
    if (!status) status = scan(&r, err);
    result->timings.mel_s = atti_asr_now_s() - (options->vad_filter ? listened : begin);
    if (!options->vad_filter) result->duration_s = (double)r.n_frames / ATT_MEL_FRAMES_A_SECOND;
    if (!status) status = atti_asr_begin(&r, err);
    while (!status && atti_asr_has_window(&r)) status = atti_asr_hear_window(&r, err);
    if (r.decoder.tokens) {
        const att_status joined = join_text(&r, status ? NULL : err);
        if (!status) status = joined;
    }
    result->timings.total_s = atti_asr_now_s() - begin;
    att_mel_stream_close(r.mel);
    att_audio_close(audio);
    atti_asr_release(&r);
    return status;
}

att_status att_asr_run(att_asr_session *s, const char *path, const att_asr_options *options,
                       att_asr_result *result, att_err *err)
{
    const double begin = atti_asr_now_s();
    att_audio *audio = NULL;
    att_asr_options o;
    memset(result, 0, sizeof *result);
    att_status status = atti_asr_take_options(&o, options, err);
    if (!status) status = att_audio_open(&audio, path, ATT_MEL_RATE_HZ, s->log, err);
    return run_audio(s, audio, status, begin, &o, result, err);
}

att_status att_asr_run_samples(att_asr_session *s, const float *samples, size_t n, int32_t rate_hz,
                               const att_asr_options *options, att_asr_result *result, att_err *err)
{
    const double begin = atti_asr_now_s();
    att_audio *audio = NULL;
    att_asr_options o;
    memset(result, 0, sizeof *result);
    att_status status = atti_asr_take_options(&o, options, err);
    if (!status) status = att_audio_open_samples(&audio, samples, n, rate_hz, ATT_MEL_RATE_HZ, err);
    return run_audio(s, audio, status, begin, &o, result, err);
}

int att_asr_cancelled_by(void *flag)
{
    return atomic_load_explicit((_Atomic int32_t *)flag, memory_order_relaxed) != 0;
}
