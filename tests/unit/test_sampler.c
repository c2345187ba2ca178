/* test_sampler.c - lib/sample/sampler.c: each stage and all together against a plain reference
 * (tests/golden/samplers.json, made by tools/reference/dump_samplers.py), the draw against its
 * distribution, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "random.h"
#include "sampler.h"

static const att_sampler_options OFF = {.top_p = 1.0f, .temperature = 1.0f, .repeat_penalty = 1.0f};

static cJSON *golden;

static int read_golden(void **state)
{
    (void)state;
    static char text[1 << 17];
    FILE *file = fopen(ATT_SOURCE_DIR "/tests/golden/samplers.json", "rb");
    if (!file) return -1;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    golden = cJSON_Parse(text);
    return golden ? 0 : -1;
}

static int free_golden(void **state)
{
    (void)state;
    cJSON_Delete(golden);
    return 0;
}

static const cJSON *item_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!item) fail_msg("no %s in the golden file", name);
    return item;
}

static att_sampler *make(int32_t n_vocab, const att_sampler_options *options)
{
    att_sampler *s;
    att_err err;
    if (att_sampler_create(&s, n_vocab, options, &err)) fail_msg("%s", err.text);
    return s;
}

static int32_t choose(att_sampler *s, const float *logits)
{
    att_err err;
    int32_t token;
    if (att_sampler_choose(s, logits, &token, &err)) fail_msg("%s", err.text);
    return token;
}

static att_sampler_options options_of(const cJSON *given)
{
    static const char *const KNOWN = " temperature top_k top_p min_p repeat_last_n repeat_penalty "
                                     "frequency_penalty presence_penalty ";
    att_sampler_options o = OFF;
    const struct {
        const char *name;
        float *to;
    } NUMBERS[] = {{"temperature", &o.temperature},
                   {"top_p", &o.top_p},
                   {"min_p", &o.min_p},
                   {"repeat_penalty", &o.repeat_penalty},
                   {"frequency_penalty", &o.frequency_penalty},
                   {"presence_penalty", &o.presence_penalty}};
    const cJSON *item;
    cJSON_ArrayForEach(item, given)
    {
        if (!strstr(KNOWN, item->string)) fail_msg("unknown option %s", item->string);
        for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++)
            if (!strcmp(NUMBERS[i].name, item->string)) *NUMBERS[i].to = (float)item->valuedouble;
        if (!strcmp(item->string, "top_k")) o.top_k = item->valueint;
        if (!strcmp(item->string, "repeat_last_n")) o.repeat_last_n = item->valueint;
    }
    return o;
}

static int by_rank(const void *a, const void *b)
{
    const att_sampler_candidate *x = a, *y = b;
    if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
    return x->token < y->token ? -1 : 1;
}

static void check_case(const cJSON *item)
{
    enum { MAX = 64 };
    const cJSON *row = item_of(item_of(golden, "rows"), item_of(item, "row")->valuestring), *x;
    const cJSON *tokens = item_of(item, "tokens"), *probabilities = item_of(item, "probabilities");
    const att_sampler_options options = options_of(item_of(item, "options"));
    float logits[MAX];
    int32_t n = 0, n_left;
    cJSON_ArrayForEach(x, row) logits[n++] = cJSON_IsNull(x) ? -INFINITY : (float)x->valuedouble;
    att_sampler *s = make(n, &options);
    cJSON_ArrayForEach(x, item_of(golden, "history")) att_sampler_accept(s, x->valueint);
    const int32_t token = choose(s, logits);
    const att_sampler_candidate *left = att_sampler_candidates(s, &n_left);
    att_sampler_candidate sorted[MAX];
    char *what = cJSON_PrintUnformatted(item);
    if (n_left != cJSON_GetArraySize(tokens)) fail_msg("%d are left: %s", n_left, what);
    memcpy(sorted, left, (size_t)n_left * sizeof *left);
    qsort(sorted, (size_t)n_left, sizeof *sorted, by_rank);
    int among = 0;
    for (int32_t i = 0; i < n_left; i++) {
        const double want = cJSON_GetArrayItem(probabilities, i)->valuedouble;
        if (sorted[i].token != cJSON_GetArrayItem(tokens, i)->valueint)
            fail_msg("place %d is token %d: %s", i, sorted[i].token, what);
        /* a float holds 2^-24 of the probability, the golden file nine digits of it */
        if (!(fabs((double)sorted[i].probability - want) <= 1e-7 * want + 1e-12))
            fail_msg("place %d has %.9g: %s", i, (double)sorted[i].probability, what);
        among |= sorted[i].token == token;
    }
    assert_true(among);
    free(what);
    att_sampler_destroy(s);
}

static void stages_leave_what_the_reference_leaves(void **state)
{
    (void)state;
    const cJSON *item, *cases = item_of(golden, "cases");
    assert_int_equal(cJSON_GetArraySize(cases), 120);
    cJSON_ArrayForEach(item, cases) check_case(item);
}

static void the_token_that_reaches_p_is_in(void **state)
{
    (void)state;
    const float logits[4] = {0.0f}; /* a quarter each, exactly */
    for (int quarters = 1; quarters <= 3; quarters++) {
        att_sampler_options o = OFF;
        o.top_p = (float)quarters / 4.0f;
        att_sampler *s = make(4, &o);
        int32_t n;
        (void)choose(s, logits);
        (void)att_sampler_candidates(s, &n);
        assert_int_equal(n, quarters);
        att_sampler_destroy(s);
    }
}

/* A vocabulary in which the heap has depth; the truth is a sort of the whole row. */
static void large_rows_are_narrowed_as_by_sorting(void **state)
{
    (void)state;
    enum { V = 5000 };
    static float logits[V];
    static att_sampler_candidate all[V];
    att_random random = att_random_of(3, 0);
    for (int32_t t = 0; t < V; t++) { /* in steps, so that there are equals */
        logits[t] = (float)floor(att_random_unit(&random) * 400.0) / 50.0f;
        all[t] = (att_sampler_candidate){.token = t, .logit = logits[t]};
    }
    qsort(all, V, sizeof *all, by_rank);
    for (int32_t k = 1; k < 2 * V; k = 3 * k + 1) {
        att_sampler_options o = OFF;
        o.top_k = k;
        o.min_p = 1e-6f; /* all: e^-8 is above it, and the row is ordered */
        att_sampler *s = make(V, &o);
        (void)choose(s, logits);
        int32_t n;
        const att_sampler_candidate *left = att_sampler_candidates(s, &n);
        assert_int_equal(n, k < V ? k : V);
        for (int32_t i = 0; i < n; i++) assert_int_equal(left[i].token, all[i].token);
        att_sampler_destroy(s);
    }
}

/* Each token comes as often as its probability says: chi-square over the tokens that are expected
 * at least 5 times; 4.5 of its standard deviations above its mean has a chance of about 1e-4, and
 * the seed is fixed. */
static void draws_follow_their_distribution(void **state)
{
    (void)state;
    enum { V = 12, N = 40000 };
    att_sampler_options o = OFF;
    o.temperature = 1.7f;
    o.top_k = 9;
    o.top_p = 0.97f;
    o.seed = 11;
    float logits[V];
    for (int t = 0; t < V; t++) logits[t] = (float)((t * 7) % V) / 3.0f;
    att_sampler *s = make(V, &o);
    int counts[V] = {0};
    for (int i = 0; i < N; i++) counts[choose(s, logits)]++;
    int32_t n;
    const att_sampler_candidate *left = att_sampler_candidates(s, &n);
    double chi = 0.0, sum = 0.0;
    int drawn = 0;
    for (int32_t i = 0; i < n; i++) {
        const double expected = N * (double)left[i].probability;
        assert_true(expected >= 5.0);
        chi += pow(counts[left[i].token] - expected, 2.0) / expected;
        sum += (double)left[i].probability;
        drawn += counts[left[i].token];
    }
    assert_true(n > 4 && n < 9);
    assert_int_equal(drawn, N); /* nothing else ever came */
    assert_true(fabs(sum - 1.0) < 1e-6);
    if (!(chi < n - 1 + 4.5 * sqrt(2.0 * (n - 1)))) fail_msg("chi-square %g of %d", chi, n);
    att_sampler_destroy(s);
}

static void equal_seeds_give_equal_texts(void **state)
{
    (void)state;
    enum { V = 50, N = 200 };
    att_sampler_options o = att_sampler_defaults();
    float logits[V];
    int32_t first[N];
    for (int t = 0; t < V; t++) logits[t] = (float)((t * 31) % V) / 20.0f;
    o.repeat_penalty = 1.2f;
    o.repeat_last_n = 7;
    for (int run = 0; run < 3; run++) {
        o.seed = run < 2 ? 5 : 6;
        att_sampler *s = make(V, &o);
        int same = 0;
        for (int again = 0; again < 2; again++) {
            for (int i = 0; i < N; i++) {
                const int32_t token = choose(s, logits);
                att_sampler_accept(s, token);
                if (run == 0 && again == 0) first[i] = token;
                same += first[i] == token;
            }
            att_sampler_reset(s);
        }
        assert_true(run < 2 ? same == 2 * N : same < N);
        att_sampler_destroy(s);
    }
}

/* The ring forgets: the penalty of a token ends when n others have come. */
static void penalties_look_back_on_the_last_n(void **state)
{
    (void)state;
    const float logits[4] = {3.0f, 2.0f, 1.0f, 0.0f};
    att_sampler_options o = OFF;
    o.temperature = 0.0f;
    o.repeat_last_n = 2;
    o.presence_penalty = 10.0f;
    att_sampler *s = make(4, &o);
    const int32_t want[] = {0, 1, 2, 0, 1, 2};
    for (int i = 0; i < 6; i++) {
        const int32_t token = choose(s, logits);
        assert_int_equal(token, want[i]);
        att_sampler_accept(s, token);
        att_sampler_accept(s, -1);
        att_sampler_accept(s, 4);
    }
    att_sampler_destroy(s);
}

static void what_is_no_number_is_never_a_token(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++)
        for (int at = 0; at < 4; at++)
            for (int greedy = 0; greedy < 2; greedy++) {
                float logits[4] = {3.0f, 2.0f, 1.0f, 0.0f};
                att_sampler_options o = att_sampler_defaults();
                if (greedy) o.temperature = 0.0f;
                att_sampler *s = make(4, &o);
                att_err err;
                int32_t token, n;
                logits[at] = kind == 0 ? NAN : INFINITY;
                for (int t = 0; kind == 2 && t < 4; t++) logits[t] = -INFINITY;
                assert_int_equal(att_sampler_choose(s, logits, &token, &err), ATT_E_MODEL);
                assert_int_equal(token, -1);
                assert_non_null(strstr(err.text, "choosing a token"));
                (void)att_sampler_candidates(s, &n);
                assert_int_equal(n, 0);
                att_sampler_destroy(s);
            }
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    const att_sampler_options d = att_sampler_defaults();
    att_sampler_options bad[12];
    static const char *const NAMES[12] = {"temperature",
                                          "temperature",
                                          "top_p",
                                          "top_p",
                                          "min_p",
                                          "min_p",
                                          "repeat_penalty",
                                          "repeat_penalty",
                                          "repeat_penalty",
                                          "frequency_penalty",
                                          "presence_penalty",
                                          "repeat_last_n"};
    for (int i = 0; i < 12; i++) bad[i] = d;
    bad[0].temperature = NAN;
    bad[1].temperature = INFINITY;
    bad[2].top_p = 1.5f;
    bad[3].top_p = NAN;
    bad[4].min_p = -0.1f;
    bad[5].min_p = NAN;
    bad[6].repeat_penalty = 0.0f;
    bad[7].repeat_penalty = NAN;
    bad[8].repeat_penalty = INFINITY;
    bad[9].frequency_penalty = NAN;
    bad[10].presence_penalty = INFINITY;
    bad[11].repeat_last_n = -1;
    att_sampler *s;
    att_err err;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(att_sampler_create(&s, 4, &bad[i], &err), ATT_E_ARG);
        assert_null(s);
        if (!strstr(err.text, NAMES[i])) fail_msg("no %s in: %s", NAMES[i], err.text);
    }
    assert_int_equal(att_sampler_create(&s, 0, &d, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "vocabulary"));
    att_sampler_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_leave_what_the_reference_leaves),
        cmocka_unit_test(the_token_that_reaches_p_is_in),
        cmocka_unit_test(large_rows_are_narrowed_as_by_sorting),
        cmocka_unit_test(draws_follow_their_distribution),
        cmocka_unit_test(equal_seeds_give_equal_texts),
        cmocka_unit_test(penalties_look_back_on_the_last_n),
        cmocka_unit_test(what_is_no_number_is_never_a_token),
        cmocka_unit_test(options_out_of_range_are_refused),
    };
    return cmocka_run_group_tests_name("sampler", tests, read_golden, free_golden);
}
