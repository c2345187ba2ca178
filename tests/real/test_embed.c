/* test_embed.c - the library as programs that embed it use it: threads over one model, callers of
 * other versions, cancelling. Through public headers alone.
 *
 * .ci/run also builds it with ThreadSanitizer. Needs Whisper tiny.en and the recordings of
 * pocketsphinx-testdata; skips without them. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "attend/asr.h"
#include "realdata.h"

enum { N_FILES = 5, N_THREADS = 4, PATH_BYTES = 256 };

static const char *const NAMES[N_FILES] = {"0870", "0880", "0890", "0920", "0930"};

typedef struct shared {
    att_device *device;
    att_asr_model *model;
    att_vad *vad;             /* in the test of the detector alone */
    char kernels[PATH_BYTES]; /* a cache of its own: threads compile too */
    char files[N_FILES][PATH_BYTES];
    char *texts[N_FILES]; /* what one session alone makes of them */
} shared;

static att_asr_options greedy(void)
{
    att_asr_options o = att_asr_defaults();
    o.beam_size = 1;
    return o;
}

/* The text, or NULL with the message printed: cmocka's asserts belong to the main thread. */
static char *transcribe(const shared *s, att_asr_session *session, const char *file)
{
    att_asr_options options = greedy();
    options.vad_filter = s->vad != NULL;
    att_asr_result result;
    att_err err;
    char *text = NULL;
    if (att_asr_run(session, file, &options, &result, &err))
        fprintf(stderr, "%s\n", err.text);
    else
        text = strdup(result.text);
    att_asr_result_free(&result);
    return text;
}

static int open_shared(void **state)
{
    static shared s;
    att_err err;
    att_device_options o = att_device_defaults();
    o.select = getenv("ATT_TEST_DEVICE");
    snprintf(s.kernels, sizeof s.kernels, "%s", realdata_folder());
    o.cache_dir = s.kernels;
    *state = &s;
    if (att_device_open(&s.device, &o, &err)) fail_msg("%s", err.text);
    return 0;
}

/* Opened by the first test, for skip() works inside of tests alone. */
static shared *with_model(void **state)
{
    shared *s = *state;
    att_err err;
    const char *folder = realdata_model("tiny.en");
    for (int i = 0; i < N_FILES; i++) {
        char name[PATH_BYTES];
        snprintf(name, sizeof name, "librivox/sense_and_sensibility_01_austen_64kb-%s.wav",
                 NAMES[i]);
        snprintf(s->files[i], PATH_BYTES, "%s", realdata_speech(name));
    }
    if (!s->model && att_asr_model_open(&s->model, s->device, folder, ATT_PRECISION_EXACT, &err))
        fail_msg("%s", err.text);
    return s;
}

static int close_shared(void **state)
{
    shared *s = *state;
    for (int i = 0; i < N_FILES; i++) free(s->texts[i]);
    att_asr_model_close(s->model);
    att_device_close(s->device);
    realdata_remove(s->kernels);
    return 0;
}

static att_asr_session *new_session(const shared *s)
{
    att_asr_session *session = NULL;
    att_err err;
    if (att_asr_session_create(&session, s->model, &err) ||
        att_asr_session_use_vad(session, s->vad, &err))
        fprintf(stderr, "%s\n", err.text);
    return session;
}

typedef struct worker {
    const shared *s;
    int first, faults;
} worker;

/* A session that lives through all files, each thread beginning with another one. */
static void *run_all(void *arg)
{
    worker *w = arg;
    att_asr_session *session = new_session(w->s);
    for (int i = 0; session && i < N_FILES; i++) {
        const int file = (w->first + i) % N_FILES;
        char *text = transcribe(w->s, session, w->s->files[file]);
        w->faults += !text || strcmp(text, w->s->texts[file]) != 0;
        free(text);
    }
    w->faults += !session;
    att_asr_session_destroy(session);
    return NULL;
}

/* Sessions that come and go while others run: one file each, every second one unused. */
static void *come_and_go(void *arg)
{
    worker *w = arg;
    for (int i = 0; i < N_FILES; i++) {
        att_asr_session *session = new_session(w->s);
        w->faults += !session;
        if (session && i % 2 == 0) {
            char *text = transcribe(w->s, session, w->s->files[i]);
            w->faults += !text || strcmp(text, w->s->texts[i]) != 0;
            free(text);
        }
        w->faults += !att_asr_model_language(w->s->model, "English");
        att_asr_session_destroy(session);
    }
    return NULL;
}

static void run_threads(shared *s)
{
    att_asr_session *session = new_session(s);
    for (int i = 0; i < N_FILES; i++) {
        free(s->texts[i]);
        s->texts[i] = transcribe(s, session, s->files[i]);
        assert_non_null(s->texts[i]);
        assert_true(strlen(s->texts[i]) > 20);
    }
    att_asr_session_destroy(session);
    pthread_t threads[N_THREADS];
    worker workers[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        workers[i] = (worker){.s = s, .first = i};
        assert_int_equal(pthread_create(&threads[i], NULL,
                                        i + 1 < N_THREADS ? run_all : come_and_go, &workers[i]),
                         0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].faults, 0);
    }
}

static void threads_share_a_model(void **state)
{
    run_threads(with_model(state));
}

static void threads_share_a_detector(void **state)
{
    shared *s = with_model(state);
    att_err err;
    if (att_vad_open(&s->vad, s->device, realdata_model("silero-vad"), &err))
        fail_msg("%s", err.text);
    run_threads(s);
    att_vad_close(s->vad);
    s->vad = NULL;
}

typedef struct told {
    int n_progress, n_segments;
    double done_s, total_s;
} told;

static void take_progress(void *user, double done_s, double total_s)
{
    told *t = user;
    if (t->n_progress++ > 0) return;
    assert_int_equal(t->n_segments, 0);
    t->done_s = done_s;
    t->total_s = total_s;
}

static void take_segment(void *user, const att_asr_segment *segment)
{
    (void)segment;
    ((told *)user)->n_segments++;
}

static void the_length_is_told_before_any_text(void **state)
{
    shared *s = with_model(state);
    att_asr_session *session = new_session(s);
    att_asr_options options = greedy();
    att_asr_result result;
    att_err err;
    told t = {.done_s = -1.0};
    options.user = &t;
    options.on_progress = take_progress;
    options.on_segment = take_segment;
    if (att_asr_run(session, s->files[0], &options, &result, &err)) fail_msg("%s", err.text);
    assert_true(t.done_s == 0.0 && t.total_s == result.duration_s && t.total_s > 7.0);
    assert_true(t.n_progress == 2 && t.n_segments == result.n_segments);
    att_asr_result_free(&result);
    att_asr_session_destroy(session);
}

static void never_called(void *user, const att_asr_segment *segment)
{
    (void)user;
    (void)segment;
    fail_msg("a field was read that the caller's version does not have");
}

/* A program whose header ended before the callbacks: what lies there is not read. */
static void an_older_caller_is_served(void **state)
{
    shared *s = with_model(state);
    att_asr_session *session = new_session(s);
    att_asr_options options = greedy();
    att_asr_result result;
    att_err err;
    options.on_segment = never_called;
    options.size = offsetof(att_asr_options, user);
    if (att_asr_run(session, s->files[0], &options, &result, &err)) fail_msg("%s", err.text);
    assert_true(result.n_segments > 0);
    att_asr_result_free(&result);
    att_asr_session_destroy(session);
}

static void a_newer_caller_is_refused(void **state)
{
    shared *s = with_model(state);
    att_asr_session *session = new_session(s);
    att_asr_options options = greedy();
    att_asr_result result;
    att_err err;
    options.size += 8;
    assert_int_equal(att_asr_run(session, s->files[0], &options, &result, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "newer"));
    att_asr_result_free(&result);
    options.size = 0;
    assert_int_equal(att_asr_run(session, s->files[0], &options, &result, &err), ATT_E_ARG);
    att_asr_result_free(&result);
    att_asr_session_destroy(session);
}

typedef struct run {
    att_asr_session *session;
    const char *file;
    int32_t cancelled;
    att_status status;
} run;

static void *run_one(void *arg)
{
    run *r = arg;
    att_asr_result result;
    att_asr_options options = greedy();
    options.user = &r->cancelled;
    options.cancelled = att_asr_cancelled_by;
    r->status = att_asr_run(r->session, r->file, &options, &result, NULL);
    att_asr_result_free(&result);
    return NULL;
}

/* Before the run begins, whose end is certain then, and while it may be running. */
static void another_thread_cancels(void **state)
{
    shared *s = with_model(state);
    for (int during = 0; during < 2; during++) {
        pthread_t thread;
        run r = {.session = new_session(s), .file = s->files[0], .cancelled = !during};
        assert_int_equal(pthread_create(&thread, NULL, run_one, &r), 0);
        __atomic_store_n(&r.cancelled, 1, __ATOMIC_RELAXED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(r.status == ATT_E_CANCELLED || (during && r.status == ATT_OK));
        att_asr_session_destroy(r.session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_model),
        cmocka_unit_test(threads_share_a_detector),
        cmocka_unit_test(the_length_is_told_before_any_text),
        cmocka_unit_test(an_older_caller_is_served),
        cmocka_unit_test(a_newer_caller_is_refused),
        cmocka_unit_test(another_thread_cancels),
    };
    return cmocka_run_group_tests_name("embed", tests, open_shared, close_shared);
}
