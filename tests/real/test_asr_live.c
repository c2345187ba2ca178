/* test_asr_live.c - speech as it comes: what becomes final, when, and that nothing is lost. Needs
 * Whisper tiny.en and the recordings of pocketsphinx-testdata; skips without them. */
#include <ctype.h>
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
#include "realdata.h"
#include "spawn.h"
#include "wavfile.h"

enum { RATE_HZ = 16000, MAX_TEXT = 8192, MAX_WORDS = 400, PAUSE = 2 * RATE_HZ };

/* Three read sentences, two seconds of silence after each. */
static float *recording(size_t *n)
{
    static const char *const FILES[] = {"0870", "0880", "0890"};
    float *all = NULL;
    *n = 0;
    for (size_t f = 0; f < sizeof FILES / sizeof *FILES; f++) {
        char name[128];
        int64_t n_file;
        snprintf(name, sizeof name, "librivox/sense_and_sensibility_01_austen_64kb-%s.wav",
                 FILES[f]);
        int16_t *samples = wavfile_read(realdata_speech(name), &n_file);
        all = realloc(all, (*n + (size_t)n_file + PAUSE) * sizeof *all);
        assert_non_null(all);
        for (int64_t i = 0; i < n_file; i++) all[*n + (size_t)i] = (float)samples[i] / 32768.0f;
        for (size_t i = 0; i < PAUSE; i++) all[*n + (size_t)n_file + i] = 0.0f;
        *n += (size_t)n_file + PAUSE;
        free(samples);
    }
    return all;
}

/* What the callbacks were told. */
typedef struct heard {
    char text[MAX_TEXT];
    int n_final, n_partial, n_final_early;
    double pushed_s, last_end, most_pending_s;
} heard;

static void hear_final(void *user, const att_asr_segment *s)
{
    heard *h = user;
    assert_int_equal(s->id, h->n_final);
    assert_true(s->start >= h->last_end - 1e-6 && s->end >= s->start);
    assert_true(s->end <= h->pushed_s + 0.02);
    strncat(h->text, s->text, MAX_TEXT - strlen(h->text) - 1);
    h->last_end = s->end;
    h->n_final++;
}

static void hear_partial(void *user, const char *text, double start, double end)
{
    heard *h = user;
    h->n_partial++;
    if (*text) assert_true(start >= h->last_end - 1e-6 && end <= h->pushed_s + 0.02);
    h->most_pending_s = fmax(h->most_pending_s, end - start);
}

static att_asr_live *begin(asr_rig *o, heard *h)
{
    att_asr_options options = att_asr_defaults();
    att_asr_live_options live = att_asr_live_defaults();
    att_asr_live *l;
    att_err err;
    memset(h, 0, sizeof *h);
    options.beam_size = 1;
    options.user = live.user = h;
    options.on_segment = hear_final;
    live.on_partial = hear_partial;
    live.max_pending_s = 15.0;
    if (att_asr_live_create(&l, o->session, &options, &live, &err)) fail_msg("%s", err.text);
    return l;
}

static void push_all(att_asr_live *l, heard *h, const float *samples, size_t n, size_t step)
{
    att_err err;
    for (size_t at = 0; at < n; at += step) {
        const size_t some = n - at < step ? n - at : step;
        h->pushed_s += (double)some / RATE_HZ;
        if (att_asr_push(l, samples + at, some, &err)) fail_msg("%s", err.text);
    }
}

/* Words in lower case without punctuation; text is changed. */
static int split(char *text, char **words)
{
    int n = 0;
    for (char *c = text; *c; c++) *c = isalpha((unsigned char)*c) ? (char)tolower(*c) : ' ';
    for (char *w = strtok(text, " "); w && n < MAX_WORDS; w = strtok(NULL, " ")) words[n++] = w;
    return n;
}

/* Length of the longest common subsequence of words. */
static int common_words(char **a, int n, char **b, int m)
{
    static int length[MAX_WORDS + 1][MAX_WORDS + 1];
    memset(length, 0, sizeof length);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++)
            length[i + 1][j + 1] = !strcmp(a[i], b[j])                   ? length[i][j] + 1
                                   : length[i][j + 1] > length[i + 1][j] ? length[i][j + 1]
                                                                         : length[i + 1][j];
    return length[n][m];
}

static void compare_words(const char *live, const char *whole)
{
    static char a[MAX_TEXT], b[MAX_TEXT];
    static char *words_a[MAX_WORDS], *words_b[MAX_WORDS];
    snprintf(a, sizeof a, "%s", live);
    snprintf(b, sizeof b, "%s", whole);
    const int n = split(a, words_a), m = split(b, words_b);
    const int same = common_words(words_a, n, words_b, m);
    print_message("live %d words, whole %d, in common %d\n", n, m, same);
    assert_true(m > 40);
    assert_true(same >= m - m / 10 && n <= m + m / 10);
}

static void words_come_while_they_are_spoken(void **state)
{
    (void)state;
    static heard h, again;
    asr_rig o = asr_rig_open("tiny.en");
    size_t n;
    float *samples = recording(&n);
    att_err err;
    att_asr_result whole;
    att_asr_options options = att_asr_defaults();
    options.beam_size = 1;
    if (att_asr_run_samples(o.session, samples, n, RATE_HZ, &options, &whole, &err))
        fail_msg("%s", err.text);

    att_asr_live *l = begin(&o, &h);
    push_all(l, &h, samples, n, RATE_HZ / 2);
    h.n_final_early = h.n_final;
    assert_int_equal(att_asr_finish(l, &err), ATT_OK);
    att_asr_live_destroy(l);
    compare_words(h.text, whole.text);
    assert_true(h.n_final_early >= 3); /* each sentence, before the end */
    assert_true(h.n_partial > 10);
    assert_true(h.most_pending_s <= 15.0);

    l = begin(&o, &again); /* the same pushes, the same words */
    push_all(l, &again, samples, n, RATE_HZ / 2);
    assert_int_equal(att_asr_finish(l, &err), ATT_OK);
    assert_string_equal(again.text, h.text);
    att_asr_live_destroy(l);

    l = begin(&o, &again); /* all at once: looked at only when nothing more fits */
    push_all(l, &again, samples, n, n);
    assert_int_equal(att_asr_finish(l, &err), ATT_OK);
    compare_words(again.text, whole.text);
    assert_true(att_asr_live_timings(l)->windows < 12);
    att_asr_live_destroy(l);
    att_asr_result_free(&whole);
    free(samples);
    asr_rig_close(&o);
}

static void silence_says_nothing_and_costs_no_memory(void **state)
{
    (void)state;
    static heard h;
    static float silence[10 * RATE_HZ];
    asr_rig o = asr_rig_open("tiny.en");
    att_err err;
    att_asr_live *l = begin(&o, &h);
    for (int i = 0; i < 3; i++) push_all(l, &h, silence, 10 * RATE_HZ, 10 * RATE_HZ);
    assert_int_equal(att_asr_finish(l, &err), ATT_OK);
    assert_int_equal(h.n_final, 0);
    assert_string_equal(h.text, "");
    silence[5] = NAN;
    assert_int_equal(att_asr_push(l, silence, 100, &err), ATT_E_INPUT);
    assert_non_null(strstr(err.text, "sample 5"));
    att_asr_live_destroy(l);
    asr_rig_close(&o);
}

static int is_time(void *user)
{
    int *left = user;
    return (*left)-- <= 0;
}

/* A look that is cancelled says so, and the timeline goes on when nobody cancels any more. */
static void looks_are_cancelled(void **state)
{
    (void)state;
    asr_rig o = asr_rig_open("tiny.en");
    size_t n;
    float *samples = recording(&n);
    int left = 3;
    att_asr_options options = att_asr_defaults();
    const att_asr_live_options live = att_asr_live_defaults();
    att_asr_live *l;
    att_err err;
    options.beam_size = 1;
    options.user = &left;
    options.cancelled = is_time;
    if (att_asr_live_create(&l, o.session, &options, &live, &err)) fail_msg("%s", err.text);
    assert_int_equal(att_asr_push(l, samples, 4 * RATE_HZ, &err), ATT_E_CANCELLED);
    assert_non_null(strstr(err.text, "cancelled"));
    assert_true(att_asr_live_timings(l)->tokens < 8); /* at once, not after the sentence */
    left = 1 << 20;
    assert_int_equal(att_asr_push(l, samples + 4 * RATE_HZ, 2 * RATE_HZ, &err), ATT_OK);
    assert_true(att_asr_live_timings(l)->tokens > 8);
    att_asr_live_destroy(l);
    free(samples);
    asr_rig_close(&o);
}

static void senseless_options_are_refused(void **state)
{
    (void)state;
    asr_rig o = asr_rig_open("tiny.en");
    const att_asr_options options = att_asr_defaults();
    att_asr_live_options bad[4];
    att_asr_live *l;
    att_err err;
    for (int i = 0; i < 4; i++) bad[i] = att_asr_live_defaults();
    bad[0].step_s = 0.0;
    bad[1].max_pending_s = 31.0;
    bad[2].silence_s = (double)NAN;
    bad[3].size = 3;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(att_asr_live_create(&l, o.session, &options, &bad[i], &err), ATT_E_ARG);
        assert_null(l);
    }
    asr_rig_close(&o);
}

/* The program, from a pipe: lines of JSON, the last ones final. */
static void the_program_hears_a_pipe(void **state)
{
    (void)state;
    char model[512];
    size_t n;
    float *samples = recording(&n);
    int16_t *raw = calloc(n, sizeof *raw);
    assert_non_null(raw);
    for (size_t i = 0; i < n; i++) raw[i] = (int16_t)(samples[i] * 32768.0f);
    snprintf(model, sizeof model, "%s", realdata_model("tiny.en"));
    const char *const argv[] = {ATTEND_PROGRAM, "transcribe",  "-m", model, "--live", "--json",
                                "-q",           "--beam_size", "1",  "-",   NULL};
    spawn_result r = spawn_run(argv, raw, n * sizeof *raw, NULL, 0.0);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "\"type\":\"partial\""));
    assert_non_null(strstr(r.out, "\"type\":\"final\""));
    assert_non_null(strstr(r.out, "leisure to consider"));
    spawn_free(&r);
    const char *const file[] = {ATTEND_PROGRAM, "transcribe", "-m", model, "--live", "a.wav", NULL};
    r = spawn_run(file, NULL, 0, NULL, 0.0);
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "a.wav"));
    spawn_free(&r);
    free(raw);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_while_they_are_spoken),
        cmocka_unit_test(silence_says_nothing_and_costs_no_memory),
        cmocka_unit_test(looks_are_cancelled),
        cmocka_unit_test(senseless_options_are_refused),
        cmocka_unit_test(the_program_hears_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
