/* asr_batch.c - recordings, windows of which are decoded together (asr_run.h).
 *
 * Lanes take chains of windows, those of the earliest recording first; the next recording is opened
 * when a lane has nothing else to do. All lanes step together; one that has finished its window
 * takes the next at once. Results wait for those of the recordings before them.
 * Tests: tests/real/test_asr_batch.c */
#include <math.h>
#include <string.h>

#include "asr_run.h"
#include "mem.h"

/* Recordings that may be open or done while an earlier one is not: a bound of what waits. */
enum { MAX_AHEAD = 256 };

typedef struct entry {
    atti_asr_run run;
    att_asr_result result;
} entry;

typedef struct batch {
    att_asr_session *session;
    const atti_asr_job *job;
    entry *open[MAX_AHEAD]; /* recordings first .. next - 1, each at its number modulo MAX_AHEAD */
    size_t first, next;
    int32_t cancelled;
    atti_asr_lane *lanes[ATTI_ASR_MAX_BATCH];
    int32_t n_lanes, max_lanes;
    att_err *failures; /* max_lanes: of a step */
} batch;

static entry *entry_at(const batch *b, size_t i)
{
    return b->open[i % MAX_AHEAD];
}

static int is_busy(const atti_asr_lane *lane)
{
    return lane->run && lane->chain >= 0;
}

/* --- recordings --- */

/* The turn of the earliest recording to be told. */
static void let_tell(const batch *b)
{
    if (b->first == b->next || entry_at(b, b->first)->run.may_tell) return;
    entry_at(b, b->first)->run.may_tell = 1;
    if (b->job->on_begin) b->job->on_begin(b->job->user, b->first);
}

/* A recording ends: all was heard, or run->failure says why not. All but its result goes. */
static void end_run(batch *b, atti_asr_run *r)
{
    att_err err;
    if (r->ended) return;
    r->ended = 1;
    for (int32_t i = 0; i < b->n_lanes; i++)
        if (b->lanes[i]->run == r) b->lanes[i]->run = NULL;
    if (r->failure.status == ATT_E_CANCELLED) b->cancelled = 1;
    att_status status = atti_asr_tell(r, &err);
    if (!status) status = atti_asr_join_text(r, &err);
    if (status && !r->failure.status) r->failure = err;
    atti_asr_release(r);
}

/* The status is a failure's whose text is in run->failure. */
static void fail_run(batch *b, atti_asr_run *r, att_status status)
{
    r->failure.status = status;
    end_run(b, r);
}

/* Results of the recordings that have ended, as far as none before them has not. */
static void give_results(batch *b)
{
    while (b->first < b->next) {
        entry *e = entry_at(b, b->first);
        let_tell(b);
        const att_status status = atti_asr_tell(&e->run, &e->run.failure);
        if (status && !e->run.ended) fail_run(b, &e->run, status);
        if (!e->run.ended) return;
        b->job->on_end(b->job->user, b->first, &e->run.failure, &e->result);
        att_asr_result_free(&e->result);
        att_free(e);
        b->first++;
    }
}

static att_status open_audio(const batch *b, size_t i, att_audio **audio, att_err *err)
{
    const atti_asr_job *j = b->job;
    if (j->paths) return att_audio_open(audio, j->paths[i], ATT_MEL_RATE_HZ, b->session->log, err);
    return att_audio_open_samples(audio, j->samples, j->n_samples, j->rate_hz, ATT_MEL_RATE_HZ,
                                  err);
}

/* Opens the next recording and lets the lane hear its language. What goes wrong with it is its
 * own failure. */
static att_status open_next(batch *b, atti_asr_lane *lane, att_err *err)
{
    const double begin = atti_asr_now_s();
    entry *e = att_calloc(1, sizeof *e);
    if (!e) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for a recording");
    atti_asr_run *r = &e->run;
    att_audio *audio = NULL;
    r->session = b->session;
    r->options = b->job->options;
    r->result = &e->result;
    b->open[b->next % MAX_AHEAD] = e;
    b->next++;
    let_tell(b);
    att_status status = open_audio(b, b->next - 1, &audio, &r->failure);
    if (!status) status = atti_asr_open(r, audio, &r->failure);
    if (!status) status = atti_asr_tell(r, &r->failure);
    atti_asr_enter(lane, r);
    if (!status && r->n_frames > 0) status = atti_asr_choose_language(lane, &r->failure);
    if (!status) status = atti_asr_tell(r, &r->failure);
    r->result->timings.total_s += atti_asr_now_s() - begin;
    if (status) fail_run(b, r, status);
    return ATT_OK;
}

/* --- lanes --- */

/* The earliest recording with a chain that no lane has taken; NULL: there is none. */
static atti_asr_run *waiting_run(const batch *b)
{
    for (size_t i = b->first; i < b->next; i++) {
        atti_asr_run *r = &entry_at(b, i)->run;
        if (!r->ended && r->next_chain < r->n_chains) return r;
    }
    return NULL;
}

static int may_open(const batch *b)
{
    return !b->cancelled && b->next < b->job->n && b->next - b->first < MAX_AHEAD;
}

/* Begins the next window of the lane's chain, or ends the chain. */
static void go_on(batch *b, atti_asr_lane *lane)
{
    atti_asr_run *r = lane->run;
    int has;
    const att_status status = atti_asr_begin_window(lane, &has, &r->failure);
    if (status) fail_run(b, r, status);
    if (status || has) return;
    r->chains[lane->chain].finished = 1;
    lane->chain = -1;
    r->n_active--;
    if (r->n_active == 0 && r->next_chain == r->n_chains) end_run(b, r);
}

static void take_chain(batch *b, atti_asr_lane *lane, atti_asr_run *r)
{
    const double begin = atti_asr_now_s();
    if (lane->run != r) atti_asr_enter(lane, r);
    r->n_active++;
    const att_status status = atti_asr_begin_chain(lane, r->next_chain++, &r->failure);
    if (status)
        fail_run(b, r, status);
    else
        go_on(b, lane);
    r->result->timings.total_s += atti_asr_now_s() - begin;
}

/* Finds work for an idle lane, as long as there is some. */
static att_status find_work(batch *b, atti_asr_lane *lane, att_err *err)
{
    att_status status = ATT_OK;
    while (!status && !is_busy(lane)) {
        atti_asr_run *r = waiting_run(b);
        if (r)
            take_chain(b, lane, r);
        else if (may_open(b))
            status = open_next(b, lane, err);
        else
            break;
        give_results(b);
    }
    return status;
}

/* One lane more; a device that has no room for it is used with those that are there. */
static att_status add_lane(batch *b, att_err *err)
{
    att_asr_session *s = b->session;
    atti_asr_lane **lane = &b->lanes[b->n_lanes];
    const att_status status = atti_asr_get_lane(s, b->n_lanes, b->job->options, lane, err);
    if (!status) {
        (*lane)->run = NULL;
        b->n_lanes++;
    } else if (b->n_lanes > 0) {
        att_log_write(s->log, ATT_LOG_WARNING, "only %d windows are decoded together: %s",
                      b->n_lanes, err->text);
        b->max_lanes = b->n_lanes;
        return ATT_OK;
    }
    return status;
}

static att_status fill_lanes(batch *b, att_err *err)
{
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < b->max_lanes; i++) {
        if (i < b->n_lanes && is_busy(b->lanes[i])) continue;
        if (!waiting_run(b) && !may_open(b)) break;
        if (i == b->n_lanes) status = add_lane(b, err);
        if (!status && i < b->n_lanes) status = find_work(b, b->lanes[i], err);
    }
    return status;
}

/* --- steps --- */

static void finish_window(batch *b, atti_asr_lane *lane)
{
    const double begin = atti_asr_now_s();
    atti_asr_run *r = lane->run;
    att_status status = atti_asr_finish_window(lane, &r->failure);
    if (lane->chain == r->telling) r->reached = lane->seek;
    if (!status && r->may_tell) status = atti_asr_tell(r, &r->failure);
    if (status)
        fail_run(b, r, status);
    else
        go_on(b, lane);
    r->result->timings.total_s += atti_asr_now_s() - begin;
}

static void end_all(batch *b, const att_err *failure)
{
    for (size_t i = b->first; i < b->next; i++) {
        atti_asr_run *r = &entry_at(b, i)->run;
        if (r->ended) continue;
        r->failure = *failure;
        end_run(b, r);
    }
}

/* One step of all windows; *any: 0 when there is none. */
static void step(batch *b, int *any)
{
    att_asr_decoding *decodings[ATTI_ASR_MAX_BATCH];
    atti_asr_lane *lanes[ATTI_ASR_MAX_BATCH];
    att_err err = {ATT_OK, ""};
    int32_t n = 0;
    for (int32_t i = 0; i < b->n_lanes; i++) {
        if (!is_busy(b->lanes[i])) continue;
        b->failures[n].status = ATT_OK;
        lanes[n] = b->lanes[i];
        decodings[n++] = &b->lanes[i]->decoding;
    }
    *any = n > 0;
    if (n == 0) return;
    const double begin = atti_asr_now_s();
    err.status = att_asr_step(&b->session->stepper, decodings, n, b->failures, &err);
    const double share = (atti_asr_now_s() - begin) / n;
    for (int32_t i = 0; i < n; i++) {
        lanes[i]->run->result->timings.decoder_s += share;
        lanes[i]->run->result->timings.total_s += share;
    }
    if (err.status) end_all(b, &err);
    for (int32_t i = 0; i < n; i++) {
        if (!lanes[i]->run) continue; /* it has ended */
        if (b->failures[i].status) {
            lanes[i]->run->failure = b->failures[i];
            end_run(b, lanes[i]->run);
        } else if (decodings[i]->done) {
            finish_window(b, lanes[i]);
        }
    }
}

att_status atti_asr_run_job(att_asr_session *session, const atti_asr_job *job, att_err *err)
{
    batch b = {.session = session, .job = job};
    att_err failure = {ATT_OK, ""};
    int any = 1;
    b.max_lanes = job->options->batch;
    b.failures = att_calloc((size_t)b.max_lanes, sizeof *b.failures);
    att_status status = b.failures
                            ? atti_asr_make_room(session, job->options, err)
                            : att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for windows");
    while (!status && any) {
        failure.status = fill_lanes(&b, &failure);
        if (failure.status) end_all(&b, &failure);
        step(&b, &any);
        if (b.cancelled && !failure.status) {
            (void)att_fail(&failure, ATT_E_CANCELLED, "transcribe: cancelled");
            end_all(&b, &failure);
        }
        give_results(&b);
        status = failure.status;
    }
    if (failure.status && err) *err = failure;
    att_free(b.failures);
    return status;
}
