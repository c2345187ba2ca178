/* test_prune.c - modalities/vision/prune.c, prune_plan.c and prune_parse.c: what is parsed, where
 * each policy cuts and what it asks for, groups, positions, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prune.h"
#include "random.h"

enum { ROWS = 8, COLS = 12, N = ROWS * COLS, HEADS = 2, WIDTH = 5 };

static const att_prune_geometry PLAIN = {
    .rows = ROWS, .cols = COLS, .group_side = 1, .has_class = 1, .vit_layers = 8, .llm_layers = 12};

static att_prune_options parsed(const char *policy, const char *keep, const char *at)
{
    att_prune_options o;
    att_err err;
    if (att_prune_parse(&o, policy, keep, at, NULL, &err)) fail_msg("%s", err.text);
    return o;
}

static void what_is_said_is_parsed(void **state)
{
    (void)state;
    att_prune_options o = parsed(NULL, NULL, NULL);
    assert_int_equal(o.policy, ATT_PRUNE_NONE);
    assert_int_equal(att_prune_target(&o, 576), 576);
    o = parsed("flowcut:paper", "12.5%", "vit+llm:3");
    assert_int_equal(o.policy, ATT_PRUNE_FLOWCUT);
    assert_true(o.as_paper && o.with_llm && o.llm_layer == 3 && o.place == ATT_PRUNE_AT_VIT);
    assert_int_equal(att_prune_target(&o, 576), 72);
    assert_int_equal(att_prune_target(&o, 3), 1);
    o = parsed("pyramid:2,5,9", "64", "llm");
    assert_true(o.n_stages == 3 && o.stages[0] == 2 && o.stages[2] == 9);
    assert_int_equal(att_prune_target(&o, 576), 64);
    assert_int_equal(att_prune_target(&o, 63), 63);
    o = parsed("random:18446744073709551615", "50%", "vit:-1");
    assert_true(o.seed == UINT64_MAX && o.vit_layer == -1);
    o = parsed("visionzip:25%", "10", "projector");
    assert_true(o.merged_part == 0.25);
    o = parsed("vit-attention:mean", "10", "vit:4");
    assert_true(o.mean_query && o.vit_layer == 4);
    for (int p = 0; p < ATT_N_PRUNE_POLICIES; p++)
        assert_int_equal(parsed(att_prune_name((att_prune_policy)p), NULL, NULL).policy, p);
}

static void tiles_share_a_number(void **state)
{
    int32_t sum = 0;
    (void)state;
    att_prune_options o = parsed("random:5", "64", NULL);
    for (int32_t i = 0; i < 5; i++) {
        const att_prune_options tile = att_prune_of_tile(&o, i, 5);
        assert_int_equal(tile.keep, i < 4 ? 13 : 12);
        assert_true(tile.seed == 5 + (uint64_t)i);
        sum += tile.keep;
    }
    assert_int_equal(sum, 64);
    o = parsed("random", "2", NULL);
    assert_int_equal(att_prune_of_tile(&o, 4, 5).keep, 1);
    o = parsed("random", "25%", NULL);
    o = att_prune_of_tile(&o, 4, 5);
    assert_int_equal(att_prune_target(&o, 64), 16);
}

static void nonsense_is_refused_with_what_is_possible(void **state)
{
    static const struct {
        const char *policy, *keep, *at, *positions, *says;
    } BAD[] = {
        {"flowcat", NULL, NULL, NULL, "expected one of none, flowcut"},
        {"flow", NULL, NULL, NULL, "no policy 'flow'"},
        {"flowcut:fast", "5", NULL, NULL, "code or paper"},
        {"fastv:2", "5", NULL, NULL, "no option"},
        {"pyramid:5,3", "5", NULL, NULL, "ascending"},
        {"pyramid:1,2,3,4,5", "5", NULL, NULL, "ascending"},
        {"random:-1", "5", NULL, NULL, "a seed"},
        {"random:99999999999999999999", "5", NULL, NULL, "a seed"},
        {"visionzip:101%", "5", NULL, NULL, "percentage"},
        {"flowcut", "0", NULL, NULL, "cannot keep '0'"},
        {"flowcut", "-5", NULL, NULL, "cannot keep"},
        {"flowcut", "5x", NULL, NULL, "cannot keep"},
        {"flowcut", "0%", NULL, NULL, "cannot keep"},
        {"flowcut", "100.1%", NULL, NULL, "cannot keep"},
        {"flowcut", "%", NULL, NULL, "cannot keep"},
        {"flowcut", "5%%", NULL, NULL, "cannot keep"},
        {"flowcut", "9999999999", NULL, NULL, "cannot keep"},
        {"flowcut", "", NULL, NULL, "cannot keep"},
        {"flowcut", "5", "vit:3", NULL, "a schedule of its own"},
        {"fastv", "5", "vit", NULL, "fastv cannot be at 'vit' - try llm llm:L"},
        {"divprune", "5", "llm:1", NULL, "try projector"},
        {"fastv", "5", "llm:-1", NULL, "no place"},
        {"fastv", "5", "llm:", NULL, "no place"},
        {"random", "5", "lmm", NULL, "no place"},
        {"tiles", "5", "vit", NULL, "no place to choose"},
        {NULL, "5", NULL, NULL, "no policy - give one"},
        {"flowcut", "5", NULL, "new", "original or renumbered"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        att_prune_options o;
        att_err err;
        assert_int_equal(
            att_prune_parse(&o, BAD[i].policy, BAD[i].keep, BAD[i].at, BAD[i].positions, &err),
            ATT_E_ARG);
        if (!strstr(err.text, BAD[i].says)) fail_msg("'%s' says not '%s'", err.text, BAD[i].says);
    }
}

static void what_a_model_cannot_do_is_refused(void **state)
{
    static const struct {
        const char *policy, *at, *says;
        int32_t side, llm_layers;
    } BAD[] = {
        {"vit-attention", "vit:8", "expected 0 to 7", 1, 12},
        {"vit-attention", "vit:-1", "expected 0 to 7", 1, 12},
        {"fastv", "llm:11", "expected 0 to 10", 1, 12},
        {"pyramid:3,11", NULL, "expected 0 to 10", 1, 12},
        {"fastv", NULL, "4 at least", 1, 3},
        {"visionzip", NULL, "merges single patches", 2, 12},
        {"random", NULL, "groups of 1, 2 or 4", 3, 12},
    };
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        const att_prune_options o = parsed(BAD[i].policy, "5", BAD[i].at);
        att_prune_geometry g = PLAIN;
        att_prune *prune;
        att_err err;
        g.group_side = BAD[i].side;
        g.llm_layers = BAD[i].llm_layers;
        assert_int_equal(att_prune_create(&prune, &o, &g, &err), ATT_E_ARG);
        assert_null(prune);
        if (!strstr(err.text, BAD[i].says)) fail_msg("'%s' says not '%s'", err.text, BAD[i].says);
    }
}

/* Read-outs of n tokens, all given, scores falling or by chance. */
typedef struct sheet {
    float row[N], head_rows[HEADS * N], dots[HEADS * (N + 1)], l1[N], vectors[N * WIDTH];
    att_prune_reads reads;
} sheet;

static void fill(float *x, int32_t n, att_random *random)
{
    for (int32_t i = 0; i < n; i++) x[i] = (float)(att_random_unit(random) + 0.01);
}

static void lay_out(sheet *s, int32_t n, uint64_t seed)
{
    att_random random = att_random_of(seed, 5);
    fill(s->row, N, &random);
    fill(s->head_rows, HEADS * N, &random);
    fill(s->dots, HEADS * (N + 1), &random);
    fill(s->l1, N, &random);
    fill(s->vectors, N * WIDTH, &random);
    s->reads = (att_prune_reads){.n = n,
                                 .heads = HEADS,
                                 .head_width = 4,
                                 .row = s->row,
                                 .head_rows = s->head_rows,
                                 .value_dots = s->dots,
                                 .value_l1 = s->l1,
                                 .vectors = s->vectors,
                                 .width = WIDTH};
}

/* A whole forward pass; counts[place][1 + layer] after each step. Checks that lists ascend. */
static void run(att_prune *prune, const att_prune_geometry *g, int32_t counts[4][16])
{
    static const att_prune_place PLACES[] = {ATT_PRUNE_AT_VIT, ATT_PRUNE_AT_PROJECTOR,
                                             ATT_PRUNE_AT_LLM};
    sheet s;
    att_prune_begin(prune);
    for (int p = 0; p < 3; p++) {
        const int32_t first = PLACES[p] == ATT_PRUNE_AT_VIT ? -1 : 0;
        const int32_t end = p == 0 ? g->vit_layers : p == 1 ? 1 : g->llm_layers;
        for (int32_t layer = first; layer < end; layer++) {
            att_prune_cut cut;
            att_err err;
            int32_t n, left;
            att_prune_ids(prune, &n);
            if (p == 1) n /= g->group_side * g->group_side;
            lay_out(&s, n, (uint64_t)(p * 100 + layer));
            if (att_prune_step(prune, PLACES[p], layer, &s.reads, &cut, &err))
                fail_msg("%s", err.text);
            const int32_t *ids = att_prune_ids(prune, &left);
            assert_int_equal(left, cut.n);
            for (int32_t i = 1; i < left; i++)
                assert_true(ids[i - 1] < ids[i] && cut.kept[i - 1] < cut.kept[i]);
            counts[PLACES[p]][1 + layer] = left;
        }
    }
}

static att_prune *make(const char *policy, const char *keep, const char *at,
                       const att_prune_geometry *g)
{
    const att_prune_options o = parsed(policy, keep, at);
    att_prune *prune;
    att_err err;
    if (att_prune_create(&prune, &o, g, &err)) fail_msg("%s", err.text);
    return prune;
}

static void each_policy_cuts_where_it_says(void **state)
{
    static const struct {
        const char *policy, *at;
        att_prune_place place; /* of its last cut, and what was there before */
        int32_t layer, before;
    } ROWS_OF[] = {
        {"flowcut", NULL, ATT_PRUNE_AT_VIT, 6, -1},
        {"flowcut", "projector", ATT_PRUNE_AT_VIT, 7, N},
        {"flowcut", "vit+llm", ATT_PRUNE_AT_LLM, 1, 24},
        {"flowcut", "llm:4", ATT_PRUNE_AT_LLM, 4, N},
        {"vit-attention", NULL, ATT_PRUNE_AT_VIT, 7, N},
        {"vit-attention", "vit", ATT_PRUNE_AT_VIT, 3, N},
        {"value-norm", "vit:5", ATT_PRUNE_AT_VIT, 5, N},
        {"visionzip", NULL, ATT_PRUNE_AT_VIT, 7, N},
        {"divprune", NULL, ATT_PRUNE_AT_PROJECTOR, 0, N},
        {"fastv", NULL, ATT_PRUNE_AT_LLM, 1, N},
        {"fastv", "llm:6", ATT_PRUNE_AT_LLM, 6, N},
        {"pyramid", NULL, ATT_PRUNE_AT_LLM, 8, 24},
        {"pyramid:1,4", NULL, ATT_PRUNE_AT_LLM, 4, 34}, /* 96 / sqrt(8) */
        {"deft-mid", NULL, ATT_PRUNE_AT_LLM, 5, 29},    /* 12 + 84 / 5 */
        {"uniform-grid", NULL, ATT_PRUNE_AT_PROJECTOR, 0, N},
        {"uniform-grid", "vit", ATT_PRUNE_AT_VIT, -1, N},
        {"random", "llm:2", ATT_PRUNE_AT_LLM, 2, N},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS_OF / sizeof *ROWS_OF; i++) {
        int32_t counts[4][16], due_layer = ROWS_OF[i].layer;
        att_prune *prune = make(ROWS_OF[i].policy, "12.5%", ROWS_OF[i].at, &PLAIN);
        run(prune, &PLAIN, counts);
        const int32_t *at = counts[ROWS_OF[i].place];
        if (at[1 + due_layer] != 12 || counts[ATT_PRUNE_AT_LLM][12] != 12)
            fail_msg("%s: %d tokens after its cut, %d at the end", ROWS_OF[i].policy,
                     at[1 + due_layer], counts[ATT_PRUNE_AT_LLM][12]);
        const int32_t before = due_layer > 0 ? at[due_layer] : N;
        if (ROWS_OF[i].before >= 0 && before != ROWS_OF[i].before)
            fail_msg("%s: %d tokens before its cut, expected %d", ROWS_OF[i].policy, before,
                     ROWS_OF[i].before);
        if (before <= 12) fail_msg("%s: cut before layer %d", ROWS_OF[i].policy, due_layer);
        att_prune_destroy(prune);
    }
}

static void all_tokens_kept_is_no_pruning(void **state)
{
    (void)state;
    for (int p = 1; p < ATT_N_PRUNE_POLICIES; p++)
        for (int keep = 0; keep < 3; keep++) {
            static const char *const KEEP[] = {"100%", "96", "5000"};
            int32_t counts[4][16];
            int due = 1;
            att_prune *prune = make(att_prune_name((att_prune_policy)p), KEEP[keep], NULL, &PLAIN);
            for (int32_t layer = -1; layer < 12; layer++)
                for (int place = 1; place < 4; place++) {
                    assert_int_equal(att_prune_wants(prune, (att_prune_place)place, layer, &due),
                                     0);
                    assert_false(due);
                }
            run(prune, &PLAIN, counts);
            assert_int_equal(counts[ATT_PRUNE_AT_LLM][12], N);
            att_prune_destroy(prune);
        }
}

static void groups_stay_whole(void **state)
{
    static const char *const POLICIES[] = {"flowcut", "vit-attention", "uniform-grid", "random"};
    (void)state;
    for (int side = 2; side <= 4; side *= 2)
        for (int order = 0; order < 2; order++)
            for (size_t p = 0; p < 4; p++) {
                const att_prune_geometry g = {ROWS, COLS, side, order, p % 2, 8, 12};
                const int32_t each = side * side, groups = N / each;
                att_prune *prune = make(POLICIES[p], "2", "vit", &g);
                int32_t members[N] = {0}, n;
                sheet s;
                att_err err;
                att_prune_cut cut;
                for (int32_t layer = -1; layer < 8; layer++) {
                    att_prune_ids(prune, &n);
                    lay_out(&s, n, (uint64_t)(layer + 50));
                    if (att_prune_step(prune, ATT_PRUNE_AT_VIT, layer, &s.reads, &cut, &err))
                        fail_msg("%s", err.text);
                    assert_int_equal(cut.n % each, 0);
                }
                const int32_t *ids = att_prune_ids(prune, &n);
                assert_int_equal(n, 2 * each);
                for (int32_t i = 0; i < n; i++)
                    members[order ? ids[i] / each
                                  : ids[i] / COLS / side * (COLS / side) + ids[i] % COLS / side]++;
                if (att_prune_step(prune, ATT_PRUNE_AT_PROJECTOR, 0, NULL, &cut, &err))
                    fail_msg("%s", err.text);
                ids = att_prune_ids(prune, &n);
                assert_int_equal(n, 2);
                for (int32_t t = 0, at = 0; t < groups; t++) {
                    assert_true(members[t] == 0 || members[t] == each);
                    if (members[t]) assert_int_equal(ids[at++], t);
                }
                att_prune_destroy(prune);
            }
}

/* The highest group by sum need not hold the highest patch. */
static void a_group_is_worth_the_sum_of_its_patches(void **state)
{
    const att_prune_geometry g = {2, 4, 2, 0, 1, 2, 4};
    const float row[] = {0.4f, 0.0f, 0.2f, 0.2f, 0.0f, 0.0f, 0.2f, 0.0f};
    const att_prune_reads reads = {.n = 8, .row = row};
    att_prune *prune = make("vit-attention", "1", NULL, &g);
    att_prune_cut cut;
    att_err err;
    (void)state;
    assert_int_equal(att_prune_step(prune, ATT_PRUNE_AT_VIT, 1, &reads, &cut, &err), ATT_OK);
    assert_int_equal(cut.n, 4);
    assert_memory_equal(cut.kept, ((int32_t[]){2, 3, 6, 7}), 4 * sizeof(int32_t));
    att_prune_destroy(prune);
}

static void positions_are_the_original_ones_unless_asked(void **state)
{
    int32_t positions[N], n;
    (void)state;
    for (int renumbered = 0; renumbered < 2; renumbered++) {
        att_prune_options o;
        att_prune *prune;
        att_prune_cut cut;
        att_err err;
        assert_int_equal(
            att_prune_parse(&o, "random:4", "25%", NULL, renumbered ? "renumbered" : NULL, &err),
            ATT_OK);
        assert_int_equal(att_prune_create(&prune, &o, &PLAIN, &err), ATT_OK);
        assert_int_equal(att_prune_place_tokens(prune, 35, positions), 35 + N);
        assert_int_equal(positions[N - 1], 35 + N - 1);
        assert_int_equal(att_prune_step(prune, ATT_PRUNE_AT_PROJECTOR, 0, NULL, &cut, &err),
                         ATT_OK);
        const int32_t *ids = att_prune_ids(prune, &n);
        assert_int_equal(n, 24);
        assert_int_equal(att_prune_place_tokens(prune, 35, positions),
                         renumbered ? 35 + n : 35 + N);
        for (int32_t i = 0; i < n; i++)
            assert_int_equal(positions[i], 35 + (renumbered ? i : ids[i]));
        att_prune_destroy(prune);
    }
}

static void broken_read_outs_are_refused(void **state)
{
    att_prune *prune = make("flowcut", "12", NULL, &PLAIN);
    att_prune_cut cut;
    att_err err;
    sheet s;
    (void)state;
    lay_out(&s, N, 1);
    assert_int_equal(att_prune_step(prune, ATT_PRUNE_AT_VIT, 0, NULL, &cut, &err), ATT_E_ARG);
    s.reads.n = N - 1;
    assert_int_equal(att_prune_step(prune, ATT_PRUNE_AT_VIT, 0, &s.reads, &cut, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "95 tokens, there are 96"));
    s.reads.n = N;
    s.reads.value_dots = NULL;
    assert_int_equal(att_prune_step(prune, ATT_PRUNE_AT_VIT, 0, &s.reads, &cut, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "products of values"));
    s.reads.value_dots = s.dots;
    s.l1[17] = NAN;
    assert_int_equal(att_prune_step(prune, ATT_PRUNE_AT_VIT, 0, &s.reads, &cut, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "token 17 of 96 is not a number"));
    att_prune_destroy(prune);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_parsed),
        cmocka_unit_test(tiles_share_a_number),
        cmocka_unit_test(nonsense_is_refused_with_what_is_possible),
        cmocka_unit_test(what_a_model_cannot_do_is_refused),
        cmocka_unit_test(each_policy_cuts_where_it_says),
        cmocka_unit_test(all_tokens_kept_is_no_pruning),
        cmocka_unit_test(groups_stay_whole),
        cmocka_unit_test(a_group_is_worth_the_sum_of_its_patches),
        cmocka_unit_test(positions_are_the_original_ones_unless_asked),
        cmocka_unit_test(broken_read_outs_are_refused),
    };
    return cmocka_run_group_tests_name("prune", tests, NULL, NULL);
}
