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

static void rows_of_live(const att_asr_search *s, const made_up *m, float *logits)
{
    int32_t tokens[MAX_TOKENS];
    for (int32_t i = 0; i < s->n_live; i++) {
        att_asr_search_read(s, &s->live[i], tokens, NULL);
        logits_of(m, tokens, s->live[i].n, logits + (size_t)i * (size_t)m->n_vocab);
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
    static float logits[MAX_LINES * MAX_VOCAB];
    const made_up m = {(uint64_t)number(c, "seed"), (int32_t)number(c, "n_vocab"),
                       number(c, "end_bias")};
    const int32_t width = (int32_t)number(c, "width"), most = (int32_t)number(c, "max_tokens");
    const int32_t finished = (int32_t)nearbyint(width * number(c, "patience"));
    att_asr_search *s;
    int32_t tokens[MAX_TOKENS];
    float logprobs[MAX_TOKENS];
    assert_int_equal(att_asr_search_create(&s, width, finished, most, m.n_vocab, EOT, NULL), 0);
    att_asr_search_begin(s, width, finished);
    for (int32_t n = 0; n < most && !s->done; n++) {
        rows_of_live(s, &m, logits);
        assert_int_equal(att_asr_search_beam(s, logits, NULL), ATT_OK);
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

/* A beam of one text and a temperature of zero take the same tokens, each the likeliest. */
static void greedy_takes_the_likeliest(void **state)
{
    (void)state;
    static float logits[MAX_VOCAB];
    const made_up m = {5, 20, 0.0};
    att_asr_search *s;
    att_random random = att_random_of(0, 0);
    int32_t tokens[MAX_TOKENS];
    assert_int_equal(att_asr_search_create(&s, 1, 1, 8, m.n_vocab, EOT, NULL), ATT_OK);
    att_asr_search_begin(s, 1, 1);
    for (int32_t n = 0; n < 8 && !s->done; n++) {
        rows_of_live(s, &m, logits);
        assert_int_equal(att_asr_search_sample(s, logits, 0.0, &random, NULL), ATT_OK);
    }
    const att_asr_line best = att_asr_search_best(s, (double)NAN);
    att_asr_search_read(s, &best, tokens, NULL);
    for (int32_t i = 0; i < best.n; i++) {
        logits_of(&m, tokens, i, logits);
        for (int32_t v = 0; v < m.n_vocab; v++) assert_true(logits[v] <= logits[tokens[i]]);
    }
    att_asr_search_destroy(s);
}

/* Tokens come as often as softmax(logits / temperature) says, and never where nothing is allowed.
 */
static void samples_follow_their_distribution(void **state)
{
    (void)state;
    enum { N = 20000, V = 5 };
    static const float logits[V] = {0.0f, 1.0f, -INFINITY, -2.0f, 2.0f};
    const double temperature = 2.0;
    int counts[V] = {0};
    double total = 0.0;
    att_asr_search *s;
    att_random random = att_random_of(7, 1);
    for (int v = 0; v < V; v++) total += exp((double)logits[v] / temperature);
    assert_int_equal(att_asr_search_create(&s, 1, 1, 1, V, EOT, NULL), ATT_OK);
    for (int i = 0; i < N; i++) {
        att_asr_search_begin(s, 1, 1);
        assert_int_equal(att_asr_search_sample(s, logits, temperature, &random, NULL), ATT_OK);
        counts[s->n_finished ? EOT : s->nodes[s->live[0].node].token]++;
    }
    for (int v = 0; v < V; v++) {
        const double p = exp((double)logits[v] / temperature) / total;
        const double sigma = sqrt(N * p * (1.0 - p));
        assert_true(fabs(counts[v] - N * p) <= 4.0 * sigma + 1e-9);
    }
    att_asr_search_destroy(s);
}

static void nan_and_nothing_are_refused(void **state)
{
    (void)state;
    const float nan_row[4] = {0.0f, NAN, 1.0f, 2.0f};
    const float nothing[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    const float *rows[] = {nan_row, nothing};
    att_asr_search *s;
    att_random random = att_random_of(0, 0);
    assert_int_equal(att_asr_search_create(&s, 2, 2, 4, 4, EOT, NULL), ATT_OK);
    for (int i = 0; i < 2; i++) {
        att_asr_search_begin(s, 2, 2);
        assert_int_equal(att_asr_search_beam(s, rows[i], NULL), ATT_E_DEVICE);
        assert_int_equal(att_asr_search_sample(s, rows[i], 0.0, &random, NULL), ATT_E_DEVICE);
        assert_int_equal(att_asr_search_sample(s, rows[i], 1.0, &random, NULL), ATT_E_DEVICE);
    }
    att_asr_search_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beams_are_the_references),
        cmocka_unit_test(greedy_takes_the_likeliest),
        cmocka_unit_test(samples_follow_their_distribution),
        cmocka_unit_test(nan_and_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
