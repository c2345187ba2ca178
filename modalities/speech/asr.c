/* asr.c - sessions and the calls that run them (attend/asr.h). The runs: asr_batch.c.
 * Tests: tests/real/test_whisper_real.c, tests/real/test_asr_options.c */
#define _POSIX_C_SOURCE 200809L
#include "attend/asr.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "asr_run.h"
#include "mem.h"
#include "queue.h"

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
    att_asr_session *s = att_calloc(1, sizeof *s);
    if (!s) return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    s->model = model;
    s->log = model->log;
    *out = s;
    return ATT_OK;
}

static void destroy_lane(atti_asr_lane *l)
{
    if (!l) return;
    att_asr_decoding_finish(&l->decoding);
    att_free(l->mel);
    att_free(l->history);
    att_free(l);
}

/* All that make_room() and get_lane() made. */
static void empty(att_asr_session *s)
{
    att_asr_aligner_destroy(s->aligner);
    s->aligner = NULL;
    for (int32_t i = 0; i < ATTI_ASR_MAX_BATCH; i++) {
        destroy_lane(s->lanes[i]);
        s->lanes[i] = NULL;
    }
    att_asr_stepper_finish(&s->stepper);
}

void att_asr_session_destroy(att_asr_session *s)
{
    if (!s) return;
    empty(s);
    att_vad_session_destroy(s->vad);
    att_free(s);
}

att_status att_asr_session_use_vad(att_asr_session *s, const att_vad *vad, att_err *err)
{
    att_vad_session_destroy(s->vad);
    s->vad = NULL;
    return vad ? att_vad_session_create(&s->vad, vad, err) : ATT_OK;
}

att_status atti_asr_make_room(att_asr_session *s, const att_asr_options *o, att_err *err)
{
    const att_whisper *whisper = s->model->whisper;
    const int32_t lines = att_asr_lines(o), finished = att_asr_max_finished(o);
    att_status status = ATT_OK;
    if (!s->stepper.session || lines > s->lines || finished > s->max_finished ||
        o->batch > s->n_lanes) {
        empty(s);
        s->lines = lines;
        s->max_finished = finished;
        s->n_lanes = o->batch;
        status = att_asr_stepper_init(&s->stepper, whisper, o, o->batch, err);
    }
    if (!status && o->word_timestamps && !s->aligner)
        status = att_asr_aligner_create(&s->aligner, whisper, s->stepper.session, err);
    if (status) empty(s); /* a stepper is one that is ready */
    return status;
}

att_status atti_asr_get_lane(att_asr_session *s, int32_t i, const att_asr_options *o,
                             atti_asr_lane **lane, att_err *err)
{
    const att_whisper_config *c = att_whisper_get_config(s->model->whisper);
    *lane = s->lanes[i];
    if (*lane) return ATT_OK;
    atti_asr_lane *l = att_calloc(1, sizeof *l);
    if (!l) return att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    l->mel = att_calloc((size_t)ATT_MEL_WINDOW * (size_t)c->n_mels, sizeof *l->mel);
    const att_status status =
        l->mel ? att_asr_decoding_init(&l->decoding, s->model->whisper, s->stepper.session,
                                       s->model->tokens->eot, o, err)
               : att_fail(err, ATT_E_MEMORY, "make session: out of memory");
    if (status)
        destroy_lane(l);
    else
        *lane = s->lanes[i] = l;
    return status;
}

size_t att_asr_session_profile(const att_asr_session *s, struct att_profile_row *rows, size_t room)
{
    const att_whisper_session *whisper = s->stepper.session;
    return whisper ? att_queue_profile(att_whisper_session_queue(whisper), rows, room) : 0;
}

/* --- runs --- */

/* Of a run over one recording. */
typedef struct single {
    att_asr_result *result;
    att_err failure;
} single;

static void take_result(void *user, size_t i, const att_err *failure, att_asr_result *result)
{
    single *s = user;
    (void)i;
    *s->result = *result;
    memset(result, 0, sizeof *result);
    s->failure = *failure;
}

static att_status run_single(att_asr_session *session, atti_asr_job *job,
                             const att_asr_options *options, att_asr_result *result, att_err *err)
{
    single s = {.result = result};
    att_asr_options o;
    memset(result, 0, sizeof *result);
    att_status status = atti_asr_take_options(&o, options, err);
    if (status) return status;
    job->options = &o;
    job->n = 1;
    job->user = &s;
    job->on_end = take_result;
    status = atti_asr_run_job(session, job, err);
    if (s.failure.status && err) *err = s.failure;
    return s.failure.status ? s.failure.status : status;
}

att_status att_asr_run(att_asr_session *s, const char *path, const att_asr_options *options,
                       att_asr_result *result, att_err *err)
{
    atti_asr_job job = {.paths = &path};
    return run_single(s, &job, options, result, err);
}

att_status att_asr_run_samples(att_asr_session *s, const float *samples, size_t n, int32_t rate_hz,
                               const att_asr_options *options, att_asr_result *result, att_err *err)
{
    atti_asr_job job = {.samples = samples, .n_samples = n, .rate_hz = rate_hz};
    return run_single(s, &job, options, result, err);
}

att_status att_asr_run_many(att_asr_session *s, const char *const *paths, size_t n,
                            const att_asr_options *options, void *user,
                            att_asr_begin_callback on_begin, att_asr_end_callback on_end,
                            att_err *err)
{
    att_asr_options o;
    const att_status status = atti_asr_take_options(&o, options, err);
    const atti_asr_job job = {.options = &o,
                              .n = n,
                              .paths = paths,
                              .user = user,
                              .on_begin = on_begin,
                              .on_end = on_end};
    return status ? status : atti_asr_run_job(s, &job, err);
}

int att_asr_cancelled_by(void *flag)
{
    return atomic_load_explicit((_Atomic int32_t *)flag, memory_order_relaxed) != 0;
}
