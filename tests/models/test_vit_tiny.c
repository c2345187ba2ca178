/* test_vit_tiny.c - vision transformers on small random weights (tests/golden/vision_tiny_random)
 * against nanoVLM's and Hugging Face's code, layer by layer; and what callers may do between the
 * layers. Goldens: tools/reference/dump_vision_random.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mem.h"
#include "vlm_rig.h"

/* f32 sums in other orders; rows reach 10 in the last layers, of which 1e-6 is a rounding. 6e-6 was
 * seen; what is known to be wrong in other engines (a class token in another place, a layer more or
 * less) is off by 1 and more. */
static const double CLOSE = 5e-5;

/* The tile's values, and the encoder with them in it. */
static att_vit_session *begin(vlm_rig *g, int32_t first, int32_t n)
{
    att_vit_session *s = att_vlm_vision_encoder(g->session);
    att_vlm_layout layout;
    const float *values;
    att_err err;
    vlm_rig_need(att_vlm_vision_cut(g->session, &g->image, &layout, &err), &err);
    vlm_rig_need(att_vlm_vision_values(g->session, first, n, &values, &err), &err);
    vlm_rig_need(att_vit_begin(s, values, n, att_vlm_vision_positions(g->session), &err), &err);
    return s;
}

static void run_layers(vlm_rig *g, int32_t from)
{
    att_err err;
    for (int32_t i = from; i < g->config.vit.layers; i++)
        vlm_rig_need(att_vit_layer(att_vlm_vision_encoder(g->session), i, NULL, NULL, &err), &err);
}

static void check_layers(const char *name, int portable)
{
    vlm_rig g = vlm_rig_open(name, NULL, portable);
    att_vit_session *s = begin(&g, 0, 1);
    const att_mat out = att_vlm_vision_features(g.session, att_vit_patches(&g.config.vit));
    att_err err;
    assert_int_equal(g.config.vit.layers, 3);
    vlm_rig_expect_mat(&g, "embedded", 0, att_vit_hidden(s), CLOSE);
    for (int32_t i = 0; i < 3; i++) {
        char hidden[32];
        snprintf(hidden, sizeof hidden, "hidden.%d", i);
        vlm_rig_need(att_vit_layer(s, i, NULL, NULL, &err), &err);
        vlm_rig_expect_mat(&g, hidden, 0, att_vit_hidden(s), CLOSE);
    }
    vlm_rig_need(att_vit_finish(s, out, &err), &err);
    vlm_rig_expect_mat(&g, "last", 0, out, CLOSE);
    vlm_rig_close(&g);
}

static void layers_are_the_references(void **state)
{
    (void)state;
    vlm_rig_each(check_layers);
}

/* A policy's arrays for one tile of which some rows may not be seen: they are another sequence. */
static att_attn_call hiding(vlm_rig *g, att_arena *arena, const int32_t *hidden, int32_t n)
{
    att_attn_call policy;
    att_view seq;
    att_err err;
    memset(&policy, 0, sizeof policy);
    vlm_rig_need(att_arena_take(arena, "test", ATT_I32, n, &seq, &err), &err);
    vlm_rig_need(att_queue_write(g->r.queue, seq, hidden, n, &err), &err);
    policy.mask.flags = ATT_MASK_SEQ;
    policy.mask.q_seq = policy.mask.k_seq = seq;
    return policy;
}

enum { MAX_TOKENS = 65, TILES = 2 };

/* Which tokens stay: all class tokens, and of the others more in the second tile. */
static int stays(int32_t class_token, int32_t tile, int32_t token)
{
    return token < class_token || (token * 7 + 3) % 5 < 2 + tile;
}

/* What stays of a pruned encoder is what it is where the others are masked. */
static void check_pruned(const char *name, int portable)
{
    vlm_rig g = vlm_rig_open(name, NULL, portable);
    const int32_t n_tokens = att_vit_tokens(&g.config.vit), cls = g.config.vit.class_token;
    const int32_t tiles = strcmp(name, "smolvlm") && strcmp(name, "llava_next") ? 1 : TILES;
    int32_t rows[TILES * MAX_TOKENS], hidden[TILES][MAX_TOKENS], n = 0, n_kept;
    att_attn_call policies[TILES];
    att_arena *arena;
    att_err err;
    vlm_rig_need(att_arena_create(&arena, g.r.device, "test", &err), &err);
    for (int32_t t = 0; t < tiles; t++) {
        for (int32_t i = 0; i < n_tokens; i++) {
            hidden[t][i] = !stays(cls, t, i);
            if (!hidden[t][i]) rows[n++] = t * n_tokens + i;
        }
        policies[t] = hiding(&g, arena, hidden[t], n_tokens);
    }
    att_vit_session *s = begin(&g, 0, tiles);
    vlm_rig_need(att_vit_layer(s, 0, NULL, NULL, &err), &err);
    for (int32_t i = 1; i < 3; i++) vlm_rig_need(att_vit_layer(s, i, policies, NULL, &err), &err);
    float *masked = vlm_rig_read(&g, att_vit_hidden(s));

    s = begin(&g, 0, tiles);
    vlm_rig_need(att_vit_layer(s, 0, NULL, NULL, &err), &err);
    vlm_rig_need(att_vit_keep(s, rows, n, &err), &err);
    assert_memory_equal(att_vit_kept(s, &n_kept), rows, (size_t)n * sizeof *rows);
    assert_int_equal(n_kept, n);
    run_layers(&g, 1);
    float *pruned = vlm_rig_read(&g, att_vit_hidden(s));
    for (int32_t i = 0; i < n; i++)
        for (int32_t c = 0; c < g.config.vit.width; c++) {
            const float a = pruned[i * g.config.vit.width + c];
            const float b = masked[rows[i] * g.config.vit.width + c];
            if (!(fabsf(a - b) <= 5e-5f)) /* other orders of the same sums, as above */
                fail_msg("%s: row %d is %g, masked %g", name, rows[i], (double)a, (double)b);
        }
    att_free(masked);
    att_free(pruned);
    att_arena_destroy(arena);
    vlm_rig_close(&g);
}

static void pruned_is_masked(void **state)
{
    (void)state;
    vlm_rig_each(check_pruned);
}

/* Keeping in two steps and keeping all change nothing else. */
static void kept_rows_stay_themselves(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open("llava", NULL, rig_portable_only());
    att_vit_session *s = begin(&g, 0, 1);
    int32_t all[65], some[40], fewer[20], n;
    att_err err;
    for (int32_t i = 0; i < 65; i++) all[i] = i;
    for (int32_t i = 0; i < 40; i++) some[i] = i ? i + 20 : 0;
    for (int32_t i = 0; i < 20; i++) fewer[i] = 2 * i;
    float *before = vlm_rig_read(&g, att_vit_hidden(s));
    vlm_rig_need(att_vit_keep(s, all, 65, &err), &err);
    vlm_rig_need(att_vit_keep(s, some, 40, &err), &err);
    vlm_rig_need(att_vit_keep(s, fewer, 20, &err), &err);
    float *after = vlm_rig_read(&g, att_vit_hidden(s));
    const int32_t *kept = att_vit_kept(s, &n);
    assert_int_equal(n, 20);
    assert_int_equal(att_vit_tile_rows(s, 0), 20);
    for (int32_t i = 0; i < 20; i++) {
        assert_int_equal(kept[i], i ? 2 * i + 20 : 0);
        assert_memory_equal(after + i * 32, before + kept[i] * 32, 32 * sizeof *after);
    }
    run_layers(&g, 0);
    vlm_rig_need(att_vit_finish(s, att_vlm_vision_features(g.session, 19), &err), &err);
    att_free(before);
    att_free(after);
    vlm_rig_close(&g);
}

/* Copies what a look shows. */
typedef struct seen {
    vlm_rig *g;
    att_mat q, k, v;
    float first[3 * 32]; /* of row 0 */
    int calls;
} seen;

static att_status look(void *user, att_queue *queue, att_mat q, att_mat k, att_mat v, att_err *err)
{
    seen *s = user;
    const att_mat *mats[] = {&q, &k, &v};
    att_status status = ATT_OK;
    s->q = q;
    s->k = k;
    s->v = v;
    s->calls++;
    for (int i = 0; !status && i < 3; i++)
        status = att_queue_read(queue, s->first + 32 * i, mats[i]->view, 32, err);
    return status;
}

static double value_of(const vlm_rig *g, const char *name, int32_t i)
{
    const att_array *a = att_weights_find(g->weights, name);
    assert_non_null(a);
    return att_array_value(a, (size_t)i);
}

/* Row 0 of q, k and v of nanoVLM's first block, from the golden embeddings. */
static void expect_qkv(vlm_rig *g, const float *first)
{
    const att_array *x = att_weights_find(g->golden, "embedded");
    double mean = 0.0, var = 0.0, normed[32];
    for (size_t c = 0; c < 32; c++) mean += att_array_value(x, c) / 32.0;
    for (size_t c = 0; c < 32; c++) var += pow(att_array_value(x, c) - mean, 2.0) / 32.0;
    for (int32_t c = 0; c < 32; c++)
        normed[c] = (att_array_value(x, (size_t)c) - mean) / sqrt(var + 1e-6) *
                        value_of(g, "vision_encoder.blocks.0.ln1.weight", c) +
                    value_of(g, "vision_encoder.blocks.0.ln1.bias", c);
    for (int32_t n = 0; n < 96; n++) {
        double sum = value_of(g, "vision_encoder.blocks.0.attn.qkv_proj.bias", n);
        for (int32_t c = 0; c < 32; c++)
            sum +=
                normed[c] * value_of(g, "vision_encoder.blocks.0.attn.qkv_proj.weight", 32 * n + c);
        if (!(fabs(sum - (double)first[n]) <= CLOSE))
            fail_msg("number %d of q, k, v is %g, expected %g", n, (double)first[n], sum);
    }
}

static void a_look_sees_q_k_and_v(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open("nanovlm", NULL, rig_portable_only());
    att_vit_session *s = begin(&g, 0, 1);
    seen x = {.g = &g};
    const att_block_look here = {look, &x};
    att_err err;
    vlm_rig_need(att_vit_layer(s, 0, NULL, &here, &err), &err);
    assert_int_equal(x.calls, 1);
    assert_true(x.q.rows == 64 && x.k.rows == 64 && x.v.rows == 64 && x.v.cols == 32);
    expect_qkv(&g, x.first);
    vlm_rig_expect_mat(&g, "hidden.0", 0, att_vit_hidden(s), CLOSE);
    vlm_rig_close(&g);
}

enum { T = 65, C = 32, HEADS = 2, D = C / HEADS };

static att_status copy_qkv(void *user, att_queue *queue, att_mat q, att_mat k, att_mat v,
                           att_err *err)
{
    (void)k;
    (void)v; /* columns of the same rows */
    assert_true(q.rows == T && q.stride == 3 * C);
    return att_queue_read(queue, user, q.view, (int64_t)T * 3 * C, err);
}

/* How much the class token attends to each token, from q and k. */
static void expect_class_row(const float *qkv, const float *map)
{
    for (int h = 0; h < HEADS; h++) {
        double z[T], top = -1e30, sum = 0.0;
        for (int j = 0; j < T; j++) {
            z[j] = 0.0;
            for (int d = 0; d < D; d++)
                z[j] += (double)qkv[h * D + d] * (double)qkv[j * 3 * C + C + h * D + d];
            z[j] /= sqrt((double)D);
            top = z[j] > top ? z[j] : top;
        }
        for (int j = 0; j < T; j++) sum += exp(z[j] - top);
        for (int j = 0; j < T; j++)
            if (!(fabs(exp(z[j] - top) / sum - (double)map[h * T + j]) <= 1e-6))
                fail_msg("head %d gives token %d %g, expected %g", h, j, (double)map[h * T + j],
                         exp(z[j] - top) / sum);
    }
}

static void a_policy_reads_what_the_class_token_attends_to(void **state)
{
    (void)state;
    static float qkv[T * 3 * C], map[HEADS * T];
    static const int32_t heads[HEADS] = {0, 1};
    vlm_rig g = vlm_rig_open("llava", NULL, rig_portable_only());
    att_vit_session *s = begin(&g, 0, 1);
    const att_block_look here = {copy_qkv, qkv};
    att_attn_call policy;
    att_arena *arena;
    att_err err;
    memset(&policy, 0, sizeof policy);
    policy.taps.heads = heads;
    policy.taps.n_heads = HEADS;
    policy.taps.row_end = 1;
    vlm_rig_need(att_arena_create(&arena, g.r.device, "test", &err), &err);
    vlm_rig_need(
        att_arena_take(arena, "test", ATT_F32, HEADS * T, &policy.taps.probabilities, &err), &err);
    vlm_rig_need(att_vit_layer(s, 0, &policy, &here, &err), &err);
    vlm_rig_need(att_queue_read(g.r.queue, map, policy.taps.probabilities, HEADS * T, &err), &err);
    expect_class_row(qkv, map);
    vlm_rig_expect_mat(&g, "hidden.0", 0, att_vit_hidden(s), CLOSE); /* reading changes nothing */
    att_arena_destroy(arena);
    vlm_rig_close(&g);
}

/* 6 x 5 patches of 8 x 8: positions in buckets, the others dropped. */
static void partial_tiles_have_bucketed_positions(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open("smolvlm", NULL, rig_portable_only());
    att_vit_session *s = begin(&g, 0, 1);
    int32_t positions[64], rows[30], n = 0;
    const float *values;
    att_err err;
    att_vit_bucket_positions(8, 6, 5, positions);
    assert_int_equal(positions[1], 1); /* fractions 0, 0.2, 0.4, ... of 8 buckets: 0, 1, 3, ... */
    assert_int_equal(positions[2], 3);
    assert_int_equal(positions[5 * 8 + 4], 6 * 8 + 6);
    for (int32_t i = 0; i < 64; i++)
        if (i / 8 < 6 && i % 8 < 5) rows[n++] = i;
    vlm_rig_need(att_vlm_vision_values(g.session, 0, 1, &values, &err), &err);
    vlm_rig_need(att_vit_begin(s, values, 1, positions, &err), &err);
    vlm_rig_need(att_vit_keep(s, rows, n, &err), &err);
    run_layers(&g, 0);
    const att_mat out = att_vlm_vision_features(g.session, n);
    vlm_rig_need(att_vit_finish(s, out, &err), &err);
    vlm_rig_expect_mat(&g, "partial", 0, out, CLOSE);
    vlm_rig_close(&g);
}

/* For every size of the grid whole tiles have their own places, or the reference's. */
static void whole_tiles_have_their_own_positions(void **state)
{
    (void)state;
    static int32_t positions[32 * 32];
    for (int32_t side = 1; side <= 32; side *= 2) {
        att_vit_bucket_positions(side, side, side, positions);
        for (int32_t i = 0; i < side * side; i++) assert_int_equal(positions[i], i);
    }
}

static void refuses(att_status status, att_status expected, const att_err *err, const char *text)
{
    assert_int_equal(status, expected);
    if (!strstr(err->text, text)) fail_msg("\"%s\" does not say \"%s\"", err->text, text);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open("llava", NULL, rig_portable_only());
    att_vit_session *s = att_vlm_vision_encoder(g.session), *other;
    const att_mat out = att_vlm_vision_features(g.session, 64);
    static float values[64 * 48];
    const int32_t lost[] = {1, 2}, twice[] = {0, 3, 3}, far[] = {0, 65};
    int32_t positions[64] = {0};
    att_err err;
    refuses(att_vit_layer(s, 0, NULL, NULL, &err), ATT_E_ARG, &err, "run layer 0");
    refuses(att_vit_keep(s, lost, 2, &err), ATT_E_ARG, &err, "no tiles were begun");
    refuses(att_vit_begin(s, values, 2, NULL, &err), ATT_E_ARG, &err, "2 tiles");
    positions[7] = 64;
    refuses(att_vit_begin(s, values, 1, positions, &err), ATT_E_ARG, &err, "position 64");
    begin(&g, 0, 1);
    refuses(att_vit_layer(s, 1, NULL, NULL, &err), ATT_E_ARG, &err, "0 of 3 is the next");
    refuses(att_vit_keep(s, lost, 2, &err), ATT_E_ARG, &err, "class token");
    refuses(att_vit_keep(s, twice, 3, &err), ATT_E_ARG, &err, "row 3 after 3");
    refuses(att_vit_keep(s, far, 2, &err), ATT_E_ARG, &err, "row 65");
    refuses(att_vit_finish(s, out, &err), ATT_E_ARG, &err, "layer 0 of 3");
    run_layers(&g, 0);
    refuses(att_vit_layer(s, 3, NULL, NULL, &err), ATT_E_ARG, &err, "run layer 3");
    refuses(att_vit_finish(s, att_mat_rows(out, 0, 63), &err), ATT_E_SHAPE, &err, "[63,32]");
    att_vit *vit;
    att_vit_config config = g.config.vit;
    assert_int_equal(att_vit_create(&vit, g.r.queue, g.weights, &config, ATT_PRECISION_EXACT, &err),
                     ATT_OK);
    refuses(att_vit_session_create(&other, vit, g.r.queue, 0, &err), ATT_E_ARG, &err, "0 tiles");
    att_vit_destroy(vit);
    config.layers = 5;
    refuses(att_vit_create(&vit, g.r.queue, g.weights, &config, ATT_PRECISION_EXACT, &err),
            ATT_E_MODEL, &err, "5 layers");
    config = g.config.vit;
    config.heads = 3;
    refuses(att_vit_create(&vit, g.r.queue, g.weights, &config, ATT_PRECISION_EXACT, &err),
            ATT_E_MODEL, &err, "3 heads");
    refuses(att_vit_read_config(&config, g.golden, &err), ATT_E_MODEL, &err, "no vision encoder");
    vlm_rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_the_references),
        cmocka_unit_test(pruned_is_masked),
        cmocka_unit_test(kept_rows_stay_themselves),
        cmocka_unit_test(a_look_sees_q_k_and_v),
        cmocka_unit_test(a_policy_reads_what_the_class_token_attends_to),
        cmocka_unit_test(partial_tiles_have_bucketed_positions),
        cmocka_unit_test(whole_tiles_have_their_own_positions),
        cmocka_unit_test(senseless_calls_are_refused),
    };
    return cmocka_run_group_tests_name("vit_tiny", tests, NULL, NULL);
}
