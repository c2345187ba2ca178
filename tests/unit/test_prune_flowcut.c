/* test_prune_flowcut.c - modalities/vision/prune_flowcut.c: an example worked out by hand, the
 * formulas on whole arrays (lib/ref/ref_prune.c), the schedule, and what FlowCut's and VisionZip's
 * own code keeps (tests/golden/prune.safetensors). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "prune_flowcut.h"
#include "prune_rank.h"
#include "prunegolden.h"
#include "random.h"
#include "ref.h"

enum { H = 3, S = 17, D = 5 };

static void assert_near(const double *got, const double *want, int32_t n, double most)
{
    for (int32_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= most * fabs(want[i])))
            fail_msg("%d: got %.9g, expected %.9g", i, got[i], want[i]);
}

/* a = row / 1; softmax over (4, 1 1 2 1 1 2) leaves s = 1 1 2 1 1 2 eighths of the patches' part;
 * S = (a + s) |v|. The third and the sixth are equal. */
static void six_tokens_by_hand(void **state)
{
    const float row[] = {0.05f, 0.1f, 0.05f, 0.15f, 0.1f, 0.05f}; /* the class token has half */
    const float norms[] = {1.0f, 2.0f, 1.0f, 1.0f, 3.0f, 1.0f};
    const double want[] = {0.225, 0.65, 0.35, 0.425, 0.975, 0.35};
    const double second[] = {0.4, 0.2, 0.4, 0.1, 0.1, 0.3};
    float dots[7] = {(float)log(4.0)};
    double scores[6], carried[6], a[6];
    att_ranked scratch[6];
    int32_t kept[6];
    (void)state;
    for (int i = 1; i < 7; i++) dots[i] = i % 3 ? 0.0f : (float)log(2.0);
    const att_prune_reads reads = {
        .n = 6, .heads = 1, .head_width = 4, .row = row, .value_dots = dots, .value_l1 = norms};
    att_flowcut_scores(&reads, 1, 0, carried, scores);
    assert_near(scores, want, 6, 1e-6); /* of f32 inputs */
    scores[2] = scores[5] = 0.35;
    att_flowcut_carry(carried, scores, 6, 1);
    att_rank_top(carried, 6, 4, scratch, kept);
    assert_memory_equal(kept, ((int32_t[]){1, 2, 3, 4}), 4 * sizeof *kept);
    att_flowcut_carry(carried, second, 6, 0);
    assert_near(carried, (double[]){0.3125, 0.425, 0.375, 0.2625, 0.5375, 0.325}, 6, 1e-6);
    for (int i = 0; i < 6; i++) a[i] = (double)row[i];
    /* H = 1.695743 of ln 6 = 1.791759: 1 - 0.946413^2 = 0.104303. */
    assert_int_equal(att_flowcut_count(a, 6, 1, 4), 6); /* 5 / 2 * 0.1043 rounds to 0 */
    assert_int_equal(att_flowcut_count(a, 6, 1, 2), 6); /* 0.369 */
    assert_int_equal(att_flowcut_count(a, 6, 3, 1), 6); /* an odd layer */
    assert_int_equal(att_flowcut_count(a, 6, 3, 0), 3); /* the last one */
    assert_int_equal(att_flowcut_count(a, 6, 6, 0), 6); /* nothing to drop */
    assert_int_equal(att_flowcut_count(a, 6, 9, 0), 6);
    assert_int_equal(att_flowcut_count(a, 6, 3, -2), 6);
    a[2] = NAN;
    assert_int_equal(att_flowcut_count(a, 6, 3, 2), -1);
}

/* A distribution over n whose entropy is `part` of ln n. */
static void with_entropy(double *a, int32_t n, double part)
{
    double low = 0.0, high = 200.0;
    for (int step = 0; step < 80; step++) {
        const double b = (low + high) / 2.0;
        double sum = 0.0, entropy = 0.0;
        for (int32_t j = 0; j < n; j++) sum += a[j] = exp(-b * j / n);
        for (int32_t j = 0; j < n; j++) entropy -= a[j] / sum * log(a[j] / sum);
        *(entropy / log((double)n) > part ? &low : &high) = b;
    }
}

/* 24 layers and 576 patches to 64, entropies falling from 0.95 by 0.01 a layer. */
static void the_schedule_of_fixed_entropies(void **state)
{
    static const int32_t WANT[] = {563, 545, 522, 494, 462, 425, 383, 336, 283, 218, 64};
    static double a[576];
    int32_t n = 576, at = 0;
    (void)state;
    for (int32_t layer = 0; layer < 23; layer++) {
        const int32_t left = 21 - layer;
        with_entropy(a, n, 0.95 - 0.01 * layer);
        const int32_t count = att_flowcut_count(a, n, 64, left);
        if (left >= 0 && left % 2 == 0) {
            assert_int_equal(count, att_ref_prune_count(a, n, 64, left));
            assert_int_equal(count, WANT[at++]);
        } else {
            assert_int_equal(count, n);
        }
        n = count;
    }
    assert_int_equal(at, 11);
}

static void fill(float *x, int32_t n, uint64_t seed, double size)
{
    att_random random = att_random_of(seed, 2);
    for (int32_t i = 0; i < n; i++) x[i] = (float)(size * (att_random_unit(&random) - 0.5));
}

/* Products of row `of` of x[H][rows][D] with y[H][n][D]. */
static void products(const float *x, int32_t rows, int32_t of, const float *y, int32_t n,
                     float *out)
{
    for (int32_t h = 0; h < H; h++)
        for (int32_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (int32_t d = 0; d < D; d++)
                sum += (double)x[(h * rows + of) * D + d] * (double)y[(h * n + j) * D + d];
            out[h * n + j] = (float)sum;
        }
}

static void norms_of(const float *v, int32_t n, float *norms)
{
    for (int32_t j = 0; j < n; j++) {
        norms[j] = 0.0f;
        for (int32_t d = 0; d < D; d++) {
            float mean = 0.0f;
            for (int32_t h = 0; h < H; h++) mean += v[(h * n + j) * D + d] / H;
            norms[j] += fabsf(mean);
        }
    }
}

/* Probabilities of q[H][D] over k[H][n][D], by lib/ref's attention. */
static void probabilities(float *q, float *k, int32_t n, float *p)
{
    static const int32_t ALL[] = {0, 1, 2};
    float v[S], out[H];
    const att_view none = {NULL, v, 0, ATT_F32}, qv = {NULL, q, 0, ATT_F32},
                   kv = {NULL, k, 0, ATT_F32}, ov = {NULL, out, 0, ATT_F32},
                   pv = {NULL, p, 0, ATT_F32};
    memset(v, 0, sizeof v);
    const att_attn_call call = {.batch = 1,
                                .heads = H,
                                .kv_heads = H,
                                .d_qk = D,
                                .d_v = 1,
                                .n_q = 1,
                                .n_k = n,
                                .q = {qv, 0, D, D},
                                .k = {kv, 0, (int64_t)n * D, D},
                                .v = {none, 0, 0, 1},
                                .out = {ov, 0, 1, 1},
                                .scale = 1.0f / sqrtf((float)D),
                                .taps = {.probabilities = pv, .heads = ALL, .n_heads = H}};
    const char *broken = att_ref_attn(&call);
    if (broken) fail_msg("%s", broken);
}

static void scores_are_the_formulas(void **state)
{
    float q[H * D], k[H * S * D], v[H * S * D], p[H * S], dots[H * S], norms[S], row[S - 1] = {0};
    double a[S], want[S], got[S], work[S];
    (void)state;
    for (int paper = 0; paper < 2; paper++) {
        fill(q, H * D, 1, 6.0);
        fill(k, H * S * D, 2, 6.0);
        fill(v, H * S * D, 3, 6.0);
        probabilities(q, k, S, p);
        products(v, S, 0, v, S, dots);
        norms_of(v, S, norms);
        for (int32_t h = 0; h < H; h++)
            for (int32_t j = 1; j < S; j++)
                row[j - 1] += (h ? 0.0f : -row[j - 1]) + p[h * S + j] / H;
        const att_prune_reads reads = {.n = S - 1,
                                       .heads = H,
                                       .head_width = D,
                                       .row = row,
                                       .value_dots = dots,
                                       .value_l1 = norms + 1};
        att_flowcut_scores(&reads, 1, paper, work, got);
        att_ref_prune_flowcut(q, k, v, H, S, D, paper, a, want);
        assert_near(got, want, S - 1, 5e-6); /* read-outs are f32 */
        att_flowcut_scores(&reads, 0, paper, work, got);
        for (int32_t j = 0; j < S - 1; j++) want[j] = (double)row[j] * (double)norms[j + 1];
        assert_near(got, want, S - 1, 1e-12);
    }
}

/* The asking token has text before it: its probabilities of the picture sum to less than 1. */
static void scores_of_the_language_model(void **state)
{
    float q[H * D], value[H * D], k[H * S * D], v[H * S * D], p[H * S], dots[H * S], norms[S];
    double want[S], got[S], work[S];
    (void)state;
    fill(q, H * D, 4, 6.0);
    fill(value, H * D, 5, 6.0);
    fill(k, H * S * D, 6, 6.0);
    fill(v, H * S * D, 7, 6.0);
    probabilities(q, k, S, p);
    for (int32_t i = 0; i < H * S; i++) p[i] *= 0.25f + 0.125f * (float)(i / S);
    products(value, 1, 0, v, S, dots);
    norms_of(v, S, norms);
    const att_prune_reads reads = {
        .n = S, .heads = H, .head_width = D, .head_rows = p, .value_dots = dots, .value_l1 = norms};
    att_flowcut_scores_llm(&reads, work, got);
    att_ref_prune_flowcut_llm(q, value, k, v, H, S, D, want);
    assert_near(got, want, S, 5e-6);
    p[4] = NAN;
    att_flowcut_scores_llm(&reads, work, got);
    for (int32_t j = 0; j < S; j++) assert_true(isnan(got[j])); /* a head's sum is gone */
}

/* FlowCut's own layers, through the state: read-outs in, the same patches out. */
static void flowcut_keeps_what_its_code_keeps(void **state)
{
    att_weights *golden = prune_golden();
    const att_prune_geometry geometry = {
        .rows = 4, .cols = 6, .group_side = 1, .has_class = 1, .vit_layers = 7, .llm_layers = 4};
    att_prune_options options;
    att_prune *prune;
    att_err err;
    (void)state;
    assert_int_equal(att_prune_parse(&options, "flowcut", "6", NULL, NULL, &err), ATT_OK);
    if (att_prune_create(&prune, &options, &geometry, &err)) fail_msg("%s", err.text);
    for (int32_t layer = 0; layer < 7; layer++) {
        int32_t n, n_want;
        att_prune_cut cut;
        att_prune_ids(prune, &n);
        const size_t size = (size_t)n;
        const att_prune_reads reads = {
            .n = n,
            .heads = 2,
            .head_width = 6,
            .row = prune_floats(golden, size, "flow.row.%d", layer),
            .value_dots = prune_floats(golden, 2 * (size + 1), "flow.dots.%d", layer),
            .value_l1 = prune_floats(golden, size, "flow.norms.%d", layer)};
        if (att_prune_step(prune, ATT_PRUNE_AT_VIT, layer, &reads, &cut, &err))
            fail_msg("%s", err.text);
        const int32_t *want = prune_ints(golden, &n_want, "flow.kept.%d", layer);
        const int32_t *ids = att_prune_ids(prune, &n);
        assert_int_equal(n, n_want);
        assert_int_equal(cut.n, n);
        assert_memory_equal(ids, want, (size_t)n * sizeof *want);
    }
    att_prune_destroy(prune);
    att_weights_close(golden);
}

/* Tokens that stay alone come before merged ones there. */
static void visionzip_makes_what_its_code_makes(void **state)
{
    enum { N = 40, WIDTH = 12, DOMINANT = 11, MERGED = 4, MADE = DOMINANT + MERGED };
    att_weights *golden = prune_golden();
    const float *row = prune_floats(golden, N, "zip.row"),
                *keys = prune_floats(golden, N * 6, "zip.keys"),
                *hidden = prune_floats(golden, N * WIDTH, "zip.hidden"),
                *want = prune_floats(golden, MADE * WIDTH, "zip.out");
    const att_prune_geometry geometry = {
        .rows = 5, .cols = 8, .group_side = 1, .has_class = 1, .vit_layers = 3, .llm_layers = 4};
    const att_prune_reads reads = {.n = N, .row = row, .vectors = keys, .width = 6};
    int alone = 0, merged = DOMINANT;
    att_prune_options options;
    att_prune *prune;
    att_prune_cut cut;
    att_err err;
    (void)state;
    assert_int_equal(att_prune_parse(&options, "visionzip:26%", "15", NULL, NULL, &err), ATT_OK);
    if (att_prune_create(&prune, &options, &geometry, &err)) fail_msg("%s", err.text);
    if (att_prune_step(prune, ATT_PRUNE_AT_VIT, 2, &reads, &cut, &err)) fail_msg("%s", err.text);
    assert_int_equal(cut.merge.n, MADE);
    for (int32_t m = 0; m < MADE; m++) {
        const int32_t first = cut.merge.at[m], end = cut.merge.at[m + 1];
        const int place = end - first > 1 ? merged++ : alone++;
        for (int32_t d = 0; d < WIDTH; d++) {
            double sum = 0.0;
            for (int32_t s = first; s < end; s++)
                sum +=
                    (double)cut.merge.weight[s] * (double)hidden[cut.merge.source[s] * WIDTH + d];
            if (!(fabs(sum - (double)want[place * WIDTH + d]) < 1e-6)) /* sums of a few f32 */
                fail_msg("token %d, %d: got %g, expected %g", m, d, sum,
                         (double)want[place * WIDTH + d]);
        }
    }
    assert_int_equal(alone, DOMINANT);
    assert_int_equal(merged, MADE);
    att_prune_destroy(prune);
    att_weights_close(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_tokens_by_hand),
        cmocka_unit_test(the_schedule_of_fixed_entropies),
        cmocka_unit_test(scores_are_the_formulas),
        cmocka_unit_test(scores_of_the_language_model),
        cmocka_unit_test(flowcut_keeps_what_its_code_keeps),
        cmocka_unit_test(visionzip_makes_what_its_code_makes),
    };
    return cmocka_run_group_tests_name("prune_flowcut", tests, NULL, NULL);
}
