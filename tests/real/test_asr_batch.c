/* test_asr_batch.c - recordings, and parts of one, decoded together: the same words in the same
 * order as one by one. Needs Whisper tiny.en, the voice detector and pocketsphinx-testdata; skips
 * without them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "asr_rig.h"
#include "mem.h"
#include "realdata.h"
#include "spawn.h"
#include "wavfile.h"

enum { FILES = 7, MAX_EVENTS = 256, RATE_HZ = 16000 };

static const char *const SENTENCES[] = {"0870", "0880", "0890", "0920", "0930"};

static const char *sentence(int i)
{
    char name[128];
    snprintf(name, sizeof name, "librivox/sense_and_sensibility_01_austen_64kb-%s.wav",
             SENTENCES[i]);
    return realdata_speech(name);
}

/* What was told of a run, in order, and what came of it. */
typedef struct heard {
    char events[MAX_EVENTS]; /* b(egin), s(egment), p(rogress), e(nd) */
    int n_events, n_segments, cancel_after;
    size_t begun;
    att_asr_result results[FILES];
    att_status statuses[FILES];
} heard;

static void note(heard *h, char event)
{
    assert_true(h->n_events + 1 < MAX_EVENTS);
    if (event == 'p' && h->n_events && h->events[h->n_events - 1] == 'p') return;
    h->events[h->n_events++] = event;
}

static void begins(void *user, size_t i)
{
    heard *h = user;
    assert_int_equal(i, h->begun);
    h->begun++;
    h->n_segments = 0;
    note(h, 'b');
}

static void ends(void *user, size_t i, const att_err *failure, att_asr_result *result)
{
    heard *h = user;
    assert_int_equal(i, h->begun - 1);
    assert_int_equal(h->n_segments, result->n_segments);
    h->statuses[i] = failure->status;
    h->results[i] = *result;
    memset(result, 0, sizeof *result);
    note(h, 'e');
}

static void hears(void *user, const att_asr_segment *segment)
{
    heard *h = user;
    assert_int_equal(segment->id, h->n_segments++);
    note(h, 's');
}

static void goes_on(void *user, double done_s, double total_s)
{
    assert_true(done_s >= 0.0 && done_s <= total_s);
    note(user, 'p');
}

static int is_cancelled(void *user)
{
    const heard *h = user;
    int n = 0;
    for (int i = 0; i < h->n_events; i++) n += h->events[i] == 's';
    return h->cancel_after > 0 && n >= h->cancel_after;
}

static att_status run(asr_rig *asr, const char *const *paths, size_t n, const att_asr_options *how,
                      int32_t batch, heard *h)
{
    att_asr_options o = *how;
    att_err err = {ATT_OK, ""};
    const int cancel_after = h->cancel_after;
    memset(h, 0, sizeof *h);
    h->cancel_after = cancel_after;
    o.batch = batch;
    o.user = h;
    o.on_segment = hears;
    o.on_progress = goes_on;
    o.cancelled = is_cancelled;
    const att_status status = att_asr_run_many(asr->session, paths, n, &o, h, begins, ends, &err);
    if (status && status != ATT_E_CANCELLED) fail_msg("%s", err.text);
    return status;
}

static void forget(heard *h)
{
    for (int i = 0; i < FILES; i++) att_asr_result_free(&h->results[i]);
}

static void assert_same_result(const asr_rig *asr, const att_asr_result *a, const att_asr_result *b)
{
    assert_int_equal(a->n_segments, b->n_segments);
    for (int32_t i = 0; i < a->n_segments; i++) {
        const att_asr_segment *s = &a->segments[i], *t = &b->segments[i];
        assert_int_equal(s->n_tokens, t->n_tokens);
        assert_memory_equal(s->tokens, t->tokens, (size_t)s->n_tokens * sizeof *s->tokens);
        assert_string_equal(s->text, t->text);
        assert_true(s->start == t->start && s->end == t->end && s->seek == t->seek);
        assert_true(s->temperature == t->temperature);
        assert_int_equal(s->n_words, t->n_words);
        for (int32_t k = 0; k < s->n_words; k++) {
            assert_string_equal(s->words[k].text, t->words[k].text);
            assert_true(s->words[k].start == t->words[k].start);
        }
        if (!att_device_cpu_bodies(asr->r.device)) continue;
        assert_memory_equal(s->token_probs, t->token_probs,
                            (size_t)s->n_tokens * sizeof *s->token_probs);
    }
    assert_true((a->text != NULL) == (b->text != NULL));
    if (a->text) assert_string_equal(a->text, b->text);
    assert_int_equal(a->timings.windows, b->timings.windows);
    assert_int_equal(a->timings.tokens, b->timings.tokens);
}

/* Progress aside, which comes once for windows that waited to be told; a file that has segments
 * ends with it. */
static void assert_same_order(const heard *a, const heard *b)
{
    char told[2][MAX_EVENTS] = {"", ""};
    for (int which = 0; which < 2; which++) {
        const heard *h = which ? b : a;
        for (int i = 0, n = 0; i < h->n_events; i++) {
            if (h->events[i] != 'p') told[which][n++] = h->events[i];
            if (h->events[i] == 'e' && i > 0 && h->events[i - 1] != 'b')
                assert_int_equal(h->events[i - 1], 'p');
        }
    }
    assert_string_equal(told[0], told[1]);
}

/* One that is none in the middle, the first one twice. */
static void list_files(const char **paths)
{
    static char kept[FILES][512];
    for (int i = 0; i < FILES; i++) {
        snprintf(kept[i], sizeof kept[i], "%s",
                 i == 3 ? "/nonexistent.wav"
                        : sentence(i < 3    ? i
                                   : i == 6 ? 0
                                            : i - 1));
        paths[i] = kept[i];
    }
}

static void many_files_say_what_they_say_alone(void **state)
{
    (void)state;
    static heard alone, together;
    const char *paths[FILES];
    list_files(paths);
    asr_rig asr = asr_rig_open("tiny.en");
    for (int how = 0; how < 4; how++) {
        att_asr_options o = att_asr_defaults();
        o.beam_size = how == 1 ? 5 : 1;
        o.logprob_threshold = how == 2 ? -0.2 : o.logprob_threshold; /* falls back: samples */
        o.word_timestamps = how == 3;
        assert_int_equal(run(&asr, paths, FILES, &o, 1, &alone), ATT_OK);
        for (int32_t batch = 3; batch <= 8; batch += 5) {
            assert_int_equal(run(&asr, paths, FILES, &o, batch, &together), ATT_OK);
            assert_same_order(&together, &alone);
            for (int i = 0; i < FILES; i++) {
                assert_int_equal(together.statuses[i], i == 3 ? ATT_E_INPUT : ATT_OK);
                assert_same_result(&asr, &alone.results[i], &together.results[i]);
            }
            assert_same_result(&asr, &together.results[0], &together.results[6]);
            forget(&together);
        }
        forget(&alone);
    }
    asr_rig_close(&asr);
}

/* The sentences with seconds between them, which is longer than a window. */
static void make_long(const char *path)
{
    int16_t *all = NULL;
    int64_t n_all = 0;
    for (int i = 0; i < 10; i++) {
        int64_t n;
        int16_t *samples = wavfile_read(sentence(i % 5), &n);
        all = realloc(all, (size_t)(n_all + n + 3 * RATE_HZ) * sizeof *all);
        assert_non_null(all);
        memcpy(all + n_all, samples, (size_t)n * sizeof *all);
        memset(all + n_all + n, 0, (size_t)(3 * RATE_HZ) * sizeof *all);
        n_all += n + 3 * RATE_HZ;
        free(samples);
    }
    wavfile_write(path, all, n_all);
    free(all);
}

static void parts_of_one_file_say_what_they_say_alone(void **state)
{
    (void)state;
    static heard alone, together;
    static const double clips[] = {2.0, 9.0, 30.0, 55.0, 12.0, 20.0, 60.0, 61.0};
    char kept[512], path[512];
    snprintf(kept, sizeof kept, "%s", realdata_model("silero-vad"));
    const char *folder = realdata_folder(), *one = path;
    snprintf(path, sizeof path, "%s/long.wav", folder);
    make_long(path);
    asr_rig asr = asr_rig_open("tiny.en");
    att_vad *vad;
    att_err err;
    if (att_vad_open(&vad, asr.r.device, kept, &err) ||
        att_asr_session_use_vad(asr.session, vad, &err))
        fail_msg("%s", err.text);
    for (int how = 0; how < 5; how++) {
        att_asr_options o = att_asr_defaults();
        o.beam_size = 1;
        o.condition_on_previous_text = how == 3 || how == 4;
        o.without_timestamps = how == 0 || how == 4;
        o.clip_timestamps = clips;
        o.n_clip_timestamps = how == 1 || how == 2 ? 8 : 0;
        o.word_timestamps = how == 2 || how == 3;
        o.vad_filter = o.vad_chunks = how >= 3;
        assert_int_equal(run(&asr, &one, 1, &o, 1, &alone), ATT_OK);
        assert_true(alone.results[0].n_segments > 1);
        for (int32_t batch = 2; batch <= 8; batch += 3) {
            assert_int_equal(run(&asr, &one, 1, &o, batch, &together), ATT_OK);
            assert_same_result(&asr, &alone.results[0], &together.results[0]);
            assert_int_equal(together.events[together.n_events - 1], 'e');
            forget(&together);
        }
        forget(&alone);
    }
    assert_int_equal(att_asr_session_use_vad(asr.session, NULL, &err), ATT_OK);
    att_vad_close(vad);
    asr_rig_close(&asr);
    realdata_remove(folder);
}

/* Those that had begun end as cancelled, with what was finished. */
static void a_cancelled_run_gives_what_was_finished(void **state)
{
    (void)state;
    static heard h;
    const char *paths[FILES];
    list_files(paths);
    asr_rig asr = asr_rig_open("tiny.en");
    att_asr_options o = att_asr_defaults();
    o.beam_size = 1;
    h.cancel_after = 1;
    assert_int_equal(run(&asr, paths, FILES, &o, 2, &h), ATT_E_CANCELLED);
    assert_true(h.begun > 1 && h.begun < FILES);
    assert_int_equal(h.events[h.n_events - 1], 'e');
    assert_int_equal(h.statuses[0], ATT_OK);
    assert_true(h.results[0].n_segments > 0);
    assert_int_equal(h.statuses[h.begun - 1], ATT_E_CANCELLED);
    forget(&h);
    h.cancel_after = 0; /* the session can be used again */
    assert_int_equal(run(&asr, paths, 1, &o, 4, &h), ATT_OK);
    assert_int_equal(h.statuses[0], ATT_OK);
    forget(&h);
    asr_rig_close(&asr);
}

static void senseless_options_are_refused(void **state)
{
    (void)state;
    asr_rig asr = asr_rig_open("tiny.en");
    att_asr_options o = att_asr_defaults();
    att_asr_result result;
    att_err err;
    for (o.batch = 0; o.batch <= 65; o.batch += 65) {
        assert_int_equal(att_asr_run(asr.session, "none.wav", &o, &result, &err), ATT_E_ARG);
        assert_non_null(strstr(err.text, "batch"));
    }
    o.batch = 8;
    o.vad_chunks = 1;
    assert_int_equal(att_asr_run(asr.session, "none.wav", &o, &result, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "vad_filter"));
    assert_int_equal(att_asr_run_many(asr.session, NULL, 0, NULL, NULL, NULL, ends, &err), ATT_OK);
    asr_rig_close(&asr);
}

/* Peak resident memory of the program over so many copies of a recording. */
static long peak_kb(const char *folder, int n_files, const char *batch)
{
    char list[512];
    snprintf(list, sizeof list, "%s/list", folder);
    FILE *file = fopen(list, "w");
    assert_non_null(file);
    for (int i = 0; i < n_files; i++) fprintf(file, "%s/%d.wav\n", folder, i);
    assert_int_equal(fclose(file), 0);
    const char *argv[] = {ATTEND_PROGRAM,
                          "transcribe",
                          "-q",
                          "-m",
                          realdata_model("tiny.en"),
                          "--batch",
                          batch,
                          "--files_from",
                          list,
                          "--beam_size",
                          "1",
                          NULL};
    spawn_result r = spawn_run(argv, NULL, 0, NULL, 0.0);
    if (r.code != 0) fail_msg("exit %d: %s", r.code, r.err);
    const long kb = r.max_rss_kb;
    spawn_free(&r);
    return kb;
}

/* A lane costs what a window's caches do; recordings cost nothing. */
static void memory_is_bound_by_the_lanes(void **state)
{
    (void)state;
    enum { MANY = 40 };
    const char *folder = realdata_folder();
    int64_t n;
    int16_t *samples = wavfile_read(sentence(4), &n);
    for (int i = 0; i < MANY; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%d.wav", folder, i);
        wavfile_write(path, samples, n < 3 * RATE_HZ ? n : 3 * RATE_HZ);
    }
    free(samples);
    (void)peak_kb(folder, 1, "1"); /* compiles what is not compiled yet */
    const long one = peak_kb(folder, MANY, "1"), few = peak_kb(folder, 8, "4");
    const long many = peak_kb(folder, MANY, "4");
    print_message("peak resident memory: %ld MB one by one, %ld and %ld MB four together\n",
                  one / 1024, few / 1024, many / 1024);
    assert_true(many < few + 4 * 1024);
    assert_true(many < one + 3 * 40 * 1024); /* 18 MB of sound, 5 MB of text, logits, mel */
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_bound_by_the_lanes), /* a child begins as large as this */
        cmocka_unit_test(many_files_say_what_they_say_alone),
        cmocka_unit_test(parts_of_one_file_say_what_they_say_alone),
        cmocka_unit_test(a_cancelled_run_gives_what_was_finished),
        cmocka_unit_test(senseless_options_are_refused),
    };
    return cmocka_run_group_tests_name("asr_batch", tests, NULL, NULL);
}
