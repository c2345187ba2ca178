/* test_asr_search.c - modalities/speech/asr_search.c against OpenAI's beam search on made-up logits
 * (tests/golden/search.json, by tools/reference/dump_search.py), and what sampling must keep to. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "asr_rig.h"
#include "asr_search.h"
#include "part_of.h"

enum { EOT = 3, MAX_VOCAB = 64, MAX_LINES = 8, MAX_TOKENS = 32 };

typedef struct made_up {
    uint64_t seed;
    int32_t n_vocab;
    double end_bias;
} made_up;

/* splitmix64's finaliser. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* As logits_of() of the script. */
static void logits_of(const made_up *m, const int32_t *tokens, int32_t n, float *row)
{
    uint64_t h = m->seed;
    for (int32_t i = 0; i < n; i++) h = mix(h ^ (uint64_t)tokens[i]);
    for (int32_t v = 0; v < m->n_vocab; v++) {
        const int64_t x = (int64_t)(mix(h ^ (uint64_t)(v + 1) << 32) >> 44) - (1 << 19);
        row[v] = (float)((double)x / (1 << 17));
    }
    row[EOT] += (float)(m->end_bias * n);
}

/* The best tokens of the row that each line reads. */
static void rows_of_live(const att_asr_search *s, const made_up *m, att_logits_part *rows)
{
    static part_of_row found[MAX_LINES];
    static const uint32_t forbidden[MAX_VOCAB / 32];
    int32_t tokens[MAX_TOKENS];
    float logits[MAX_VOCAB];
    for (int32_t i = 0; i < s->n_live; i++) {
        att_asr_search_read(s, &s->live[i], tokens, NULL);
        logits_of(m, tokens, s->live[i].n, logits);
        part_of(logits, forbidden, 0, m->n_vocab, s->width + 1, &found[i]);
        rows[i] = found[i].part;
    }
}

static double number(const cJSON *c, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(c, name);
    assert_non_null(item);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static void check_case(const cJSON *c)
{
    att_logits_part rows[MAX_LINES];
    const made_up m = {(uint64_t)number(c, "seed"), (int32_t)number(c, "n_vocab"),
                       number(c, "end_bias")};
    const int32_t width = (int32_t)number(c, "width"), most = (int32_t)number(c, "max_tokens");
    const int32_t finished = (int32_t)nearbyint(width * number(c, "patience"));
    att_asr_search *s;
    int32_t tokens[MAX_TOKENS];
    float logprobs[MAX_TOKENS];
    assert_int_equal(att_asr_search_create(&s, width, finished, most, EOT, NULL), 0);
    att_asr_search_begin(s, width, finished);
    for (int32_t n = 0; n < most && !s->done; n++) {
        rows_of_live(s, &m, rows);
        assert_int_equal(att_asr_search_beam(s, rows, NULL), ATT_OK);
    }
    const att_asr_line best = att_asr_search_best(s, number(c, "length_penalty"));
    const cJSON *want = cJSON_GetObjectItem(c, "tokens");
    assert_int_equal(best.n, cJSON_GetArraySize(want));
    att_asr_search_read(s, &best, tokens, logprobs);
    double sum = 0.0;
    for (int32_t i = 0; i < best.n; i++) {
        assert_int_equal(tokens[i], cJSON_GetArrayItem(want, i)->valueint);
        sum += (double)logprobs[i];
    }
    assert_true(fabs((double)best.sum - number(c, "sum")) < 2e-5);
    assert_true((double)best.sum <= sum + 1e-4); /* the end of text costs something as well */
    att_asr_search_destroy(s);
}

static void beams_are_the_references(void **state)
{
    (void)state;
    cJSON *json = golden_json("search.json");
    const cJSON *cases = cJSON_GetObjectItem(json, "cases"), *c;
    assert_true(cJSON_GetArraySize(cases) >= 50);
    cJSON_ArrayForEach(c, cases) check_case(c);
    cJSON_Delete(json);
}

/* Lines go on with what was chosen for them, at its cost, and end with the end of text. */
static void lines_take_what_was_chosen(void **state)
{
    (void)state;
    enum { LINES = 2 };
    const att_logits_part first[] = {{.log_sum_exp = 3.0}};
    const att_logits_part rows[LINES] = {{.log_sum_exp = 2.0}, {.log_sum_exp = 4.0}};
    const att_logits_choice step[][LINES] = {
        {{7, 1.0f}, {8, 2.5f}}, {{EOT, 1.5f}, {5, 3.0f}}, {{EOT, 2.0f}, {0, 0.0f}}};
    att_asr_search *s;
    int32_t tokens[MAX_TOKENS];
    float logprobs[MAX_TOKENS];
    assert_int_equal(att_asr_search_create(&s, LINES, LINES, 8, EOT, NULL), ATT_OK);
    att_asr_search_begin(s, LINES, LINES);
    assert_int_equal(att_asr_search_rows(s), 1);
    att_asr_search_extend(s, first, step[0]);
    assert_int_equal(att_asr_search_rows(s), LINES);
    att_asr_search_extend(s, rows, step[1]);
    assert_true(s->n_live == 1 && s->n_finished == 1 && !s->done && s->live[0].from == 1);
    assert_true(s->finished[0].n == 1 && s->finished[0].sum == -2.0f - 0.5f);
    att_asr_search_extend(s, rows, step[2]);
    assert_true(s->done && s->n_finished == LINES);
    att_asr_search_read(s, &s->finished[1], tokens, logprobs);
    assert_true(s->finished[1].n == 2 && tokens[0] == 8 && tokens[1] == 5);
    assert_true(logprobs[0] == -0.5f && logprobs[1] == -1.0f && s->finished[1].sum == -1.5f);
    att_asr_search_destroy(s);
}

static void nan_and_nothing_are_refused(void **state)
{
    (void)state;
    att_logits_choice some = {1, 0.0f};
    const att_logits_part rows[] = {{(double)NAN, 1, &some}, {-(double)INFINITY, 0, NULL}};
    att_asr_search *s;
    assert_int_equal(att_asr_search_create(&s, 2, 2, 4, EOT, NULL), ATT_OK);
    for (int i = 0; i < 2; i++) {
        att_asr_search_begin(s, 2, 2);
        assert_int_equal(att_asr_search_beam(s, &rows[i], NULL), ATT_E_DEVICE);
        assert_int_equal(att_asr_search_check(s, &rows[i], NULL), ATT_E_DEVICE);
    }
    att_asr_search_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beams_are_the_references),
        cmocka_unit_test(lines_take_what_was_chosen),
        cmocka_unit_test(nan_and_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
