/* test_vlm_join.c - whole vision-language models on small random weights against the models' own
 * code: a picture's rows among a prompt's tokens, logits behind them and the greedy answer.
 * Goldens: tools/reference/dump_vision_random.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "filemap.h"
#include "llama.h"
#include "vlm_rig.h"

enum { V = 200, LAST = 8, ANSWER = 16, IMAGE = 199, MAX_IDS = 320 };

/* The bar is 2e-3; sums of f32 in other orders were seen to differ by 2e-5. */
static const double CLOSE = 1e-4;

typedef struct join_rig {
    vlm_rig v;
    att_llama *llama;
    att_llama_session *session;
    int32_t ids[MAX_IDS], n;
} join_rig;

static join_rig open_both(const char *name, int portable)
{
    join_rig j = {.v = vlm_rig_open(name, NULL, portable)};
    const att_llama_limits limits = {.max_tokens = 512, .max_logits = LAST, .f32_keys = 1};
    att_llama_config config;
    att_filemap map;
    char path[512];
    att_err err;
    snprintf(path, sizeof path, ATT_SOURCE_DIR "/tests/golden/vision_tiny_random/%s/config.json",
             name);
    vlm_rig_need(att_filemap_open(&map, path, &err), &err);
    vlm_rig_need(
        att_llama_config_from_json(&config, path, (const char *)map.bytes, map.n_bytes, &err),
        &err);
    att_filemap_close(&map);
    vlm_rig_need(
        att_llama_open(&j.llama, j.v.r.device, j.v.weights, &config, ATT_PRECISION_EXACT, &err),
        &err);
    vlm_rig_need(att_llama_session_create(&j.session, j.llama, &limits, &err), &err);
    const att_array *ids = att_weights_find(j.v.golden, "ids");
    j.n = (int32_t)att_array_elements(ids);
    assert_true(j.n <= MAX_IDS);
    for (int32_t i = 0; i < j.n; i++) j.ids[i] = (int32_t)att_array_value(ids, (size_t)i);
    return j;
}

static void close_both(join_rig *j)
{
    att_llama_session_destroy(j->session);
    att_llama_close(j->llama);
    vlm_rig_close(&j->v);
}

/* The picture's rows stand where the ids say so, in runs; of nanoVLM before all of them. */
static int32_t make_segments(const join_rig *j, att_mat rows, att_llama_segment *segments)
{
    int32_t n = 0, told = 0;
    if (strcmp(j->v.name, "nanovlm") == 0) {
        segments[n++] = (att_llama_segment){.rows = rows, .n = rows.rows};
        segments[n++] = (att_llama_segment){.ids = j->ids, .n = j->n};
        return n;
    }
    for (int32_t at = 0, run; at < j->n; at += run) {
        const int is_image = j->ids[at] == IMAGE;
        for (run = 1; at + run < j->n && (j->ids[at + run] == IMAGE) == is_image;) run++;
        if (is_image) {
            segments[n++] = (att_llama_segment){.rows = att_mat_rows(rows, told, run), .n = run};
            told += run;
        } else {
            segments[n++] = (att_llama_segment){.ids = j->ids + at, .n = run};
        }
    }
    assert_int_equal(told, rows.rows);
    return n;
}

static void append(join_rig *j, const att_llama_segment *segments, int32_t n, int32_t n_logits)
{
    att_err err;
    const att_llama_call call = {.segments = segments, .n_segments = n, .n_logits = n_logits};
    vlm_rig_need(att_llama_append(j->session, &call, &err), &err);
}

static int32_t best_of(const float *logits)
{
    int32_t best = 0;
    for (int32_t i = 1; i < V; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

static void check_answer(const char *name, int portable)
{
    static float logits[LAST * V];
    att_llama_segment segments[MAX_IDS];
    att_vlm_layout layout;
    att_mat rows;
    att_err err;
    join_rig j = open_both(name, portable);
    const att_queue *own = att_llama_queue(j.session);
    assert_non_null(own);
    vlm_rig_need(att_vlm_vision_encode(j.v.session, &j.v.image, &rows, &layout, &err), &err);
    vlm_rig_need(att_queue_wait(j.v.r.queue, &err), &err); /* another queue than the text's */
    append(&j, segments, make_segments(&j, rows, segments), LAST);
    for (int32_t i = 0; i < LAST; i++)
        vlm_rig_need(att_llama_logits(j.session, i, logits + i * V, &err), &err);
    vlm_rig_expect(&j.v, "logits", 0, logits, LAST * V, CLOSE);
    const att_array *greedy = att_weights_find(j.v.golden, "greedy");
    const float *last = logits + (LAST - 1) * V;
    for (int32_t i = 0; i < ANSWER; i++) {
        const int32_t id = best_of(last);
        assert_int_equal(id, (int32_t)att_array_value(greedy, (size_t)i));
        const att_llama_segment next = {.ids = &id, .n = 1};
        append(&j, &next, 1, 1);
        vlm_rig_need(att_llama_logits(j.session, 0, logits, &err), &err);
        last = logits;
    }
    close_both(&j);
}

static void answers_are_the_references(void **state)
{
    (void)state;
    vlm_rig_each(check_answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_are_the_references)};
    return cmocka_run_group_tests_name("vlm_join", tests, NULL, NULL);
}
