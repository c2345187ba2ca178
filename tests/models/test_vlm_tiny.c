/* test_vlm_tiny.c - pictures to the rows of language models, on the small random weights of
 * tests/golden/vision_tiny_random against the models' own code, from safetensors and from GGUF.
 * Goldens: tools/reference/dump_vision_random.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "filemap.h"
#include "mem.h"
#include "vlm_rig.h"

/* f32 sums in other orders, of features up to 10: 9e-6 was seen. */
static const double CLOSE = 5e-5;

static void expect_within(vlm_rig *g, const char *name, double limit)
{
    att_vlm_layout layout;
    att_mat tokens;
    att_err err;
    const att_array *a = att_weights_find(g->golden, name);
    assert_non_null(a);
    vlm_rig_need(att_vlm_vision_encode(g->session, &g->image, &tokens, &layout, &err), &err);
    assert_int_equal(tokens.rows, layout.n_tokens);
    assert_int_equal(tokens.rows, a->dims[0]);
    assert_int_equal(tokens.cols, a->dims[1]);
    assert_int_equal(tokens.cols, att_vlm_vision_width(g->vision));
    vlm_rig_expect_mat(g, name, 0, tokens, limit);
}

static void expect_features(vlm_rig *g, const char *name)
{
    expect_within(g, name, CLOSE);
}

static void check_features(const char *name, int portable)
{
    vlm_rig g = vlm_rig_open(name, NULL, portable);
    expect_features(&g, "features");
    expect_features(&g, "features"); /* nothing is left of the picture before */
    vlm_rig_close(&g);
}

static void pictures_become_the_references_tokens(void **state)
{
    (void)state;
    vlm_rig_each(check_features);
}

static void a_crop_is_the_references(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open_cropped("llava", rig_portable_only());
    expect_features(&g, "features_crop");
    vlm_rig_close(&g);
}

/* Without the layer that is not used and with the linears' names exchanged; with all layers and a
 * list that says which is used; and SmolVLM's. */
static void gguf_says_the_same(void **state)
{
    (void)state;
    static const char *const FILES[][2] = {
        {"llava", "mmproj.gguf"}, {"llava", "mmproj_all.gguf"}, {"smolvlm", "mmproj.gguf"}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        vlm_rig g = vlm_rig_open(FILES[i][0], FILES[i][1], rig_portable_only());
        assert_int_equal(g.config.vit.layers, 3);
        expect_features(&g, "features");
        vlm_rig_close(&g);
    }
}

/* Products of bf16 or of halves, which is what lies between them on a GPU. */
static void halves_say_nearly_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < VLM_MODELS; i++) {
        vlm_rig g = vlm_rig_open_fast(VLM_NAMES[i]);
        /* Features up to 10 after some twenty roundings to 2^-9 each; the cosine stays 0.9999. */
        expect_within(&g, "features", 0.2);
        vlm_rig_close(&g);
    }
}

/* The checkpoint with its arrays called otherwise; bytes is to be freed after the close. */
static att_weights *open_renamed(const char *const names[][2], int n, uint8_t **bytes)
{
    att_filemap map;
    att_weights *weights;
    uint64_t length = 0;
    size_t done = 8;
    att_err err;
    vlm_rig_need(
        att_filemap_open(
            &map, ATT_SOURCE_DIR "/tests/golden/vision_tiny_random/llava/model.safetensors", &err),
        &err);
    for (int i = 0; i < 8; i++) length |= (uint64_t)map.bytes[i] << 8 * i;
    const size_t header = (size_t)length, n_data = map.n_bytes - 8 - header;
    uint8_t *to = *bytes = att_calloc(2 * map.n_bytes, 1);
    assert_non_null(to);
    for (size_t at = 8; at < 8 + header;) {
        int i = 0;
        while (i < n && memcmp(map.bytes + at, names[i][0], strlen(names[i][0])) != 0) i++;
        const char *put = i < n ? names[i][1] : (const char *)map.bytes + at;
        const size_t n_put = i < n ? strlen(put) : 1;
        memcpy(to + done, put, n_put);
        done += n_put;
        at += i < n ? strlen(names[i][0]) : 1;
    }
    while (done % 8) to[done++] = ' ';
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)((done - 8) >> 8 * i);
    memcpy(to + done, map.bytes + 8 + header, n_data);
    att_filemap_close(&map);
    vlm_rig_need(att_weights_open_memory(&weights, "renamed", to, done + n_data, &err), &err);
    return weights;
}

/* As transformers' versions wrote them one after the other, and the original repository. */
static const char *const NAMINGS[][2][2] = {
    {{"\"vision_tower.vision_model.", "\"model.vision_tower.vision_model."},
     {"\"multi_modal_projector.", "\"model.multi_modal_projector."}},
    {{"\"vision_tower.vision_model.", "\"vision_tower."}, {"?", "?"}},
    {{"\"multi_modal_projector.linear_1.", "\"model.mm_projector.0."},
     {"\"multi_modal_projector.linear_2.", "\"model.mm_projector.2."}},
};

static void every_naming_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NAMINGS / sizeof *NAMINGS; i++) {
        vlm_rig g = vlm_rig_open("llava", NULL, rig_portable_only());
        uint8_t *bytes;
        att_err err;
        att_weights *weights = open_renamed(NAMINGS[i], 2, &bytes);
        att_vlm_vision_session_destroy(g.session);
        att_vlm_vision_destroy(g.vision);
        vlm_rig_need(att_vlm_vision_create(&g.vision, g.r.queue, weights, &g.config,
                                           ATT_PRECISION_EXACT, &err),
                     &err);
        vlm_rig_need(att_vlm_vision_session_create(&g.session, g.vision, g.r.queue, &err), &err);
        expect_features(&g, "features");
        att_weights_close(weights);
        att_free(bytes);
        vlm_rig_close(&g);
    }
}

static att_vlm_layout layout_of(vlm_rig *g)
{
    att_vlm_layout layout;
    att_err err;
    vlm_rig_need(att_vlm_vision_cut(g->session, &g->image, &layout, &err), &err);
    return layout;
}

static void layouts_say_where_tokens_come_from(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open("smolvlm", NULL, rig_portable_only());
    att_vlm_layout l = layout_of(&g);
    assert_true(l.rows == 2 && l.cols == 2 && l.n_tiles == 5 && l.whole == 4);
    assert_true(l.tokens_a_tile == 4 && l.n_tokens == 20 && l.origin[19] == 19);
    vlm_rig_close(&g);
    g = vlm_rig_open("nanovlm", NULL, rig_portable_only());
    l = layout_of(&g);
    assert_true(l.rows == 0 && l.n_tiles == 1 && l.whole == 0 && l.n_tokens == 16);
    vlm_rig_close(&g);
    g = vlm_rig_open("llava_next", NULL, rig_portable_only());
    l = layout_of(&g); /* 61 x 43 in 64 x 64: 11 of 16 lines, each with a newline */
    assert_true(l.rows == 2 && l.cols == 2 && l.n_tiles == 5 && l.whole == 0);
    int32_t newlines = 0;
    for (int32_t i = 0; i < l.n_tokens; i++) newlines += l.origin[i] < 0;
    assert_int_equal(l.n_tokens, 64 + newlines * 17);
    assert_true(l.origin[63] == 63 && l.origin[64 + 16] == -1 && l.origin[l.n_tokens - 1] == -1);
    assert_int_equal(l.origin[64] % 8, 0);
    assert_int_equal(l.origin[64 + 8], l.origin[64] + 64); /* the tile to the right */
    vlm_rig_close(&g);
}

/* Pictures of one pixel and of odd shapes have tokens too, and none of another's. */
static void check_odd_pictures(const char *name, int portable)
{
    static const att_size SIZES[] = {{1, 1}, {1, 300}, {300, 1}, {3, 97}, {900, 40}, {32, 32}};
    vlm_rig g = vlm_rig_open(name, NULL, portable);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        att_vlm_layout layout;
        att_image image;
        att_mat tokens;
        att_err err;
        vlm_rig_need(att_image_create(&image, SIZES[i].width, SIZES[i].height, &err), &err);
        vlm_rig_need(att_vlm_vision_encode(g.session, &image, &tokens, &layout, &err), &err);
        float *x = vlm_rig_read(&g, tokens);
        for (int32_t j = 0; j < tokens.rows * tokens.cols; j++) assert_true(isfinite(x[j]));
        assert_true(layout.n_tokens >= layout.tokens_a_tile);
        att_free(x);
        att_image_free(&image);
    }
    expect_features(&g, "features");
    vlm_rig_close(&g);
}

static void odd_pictures_are_encoded(void **state)
{
    (void)state;
    vlm_rig_each(check_odd_pictures);
}

/* Squares of patches that are dropped after the last block take their tokens with them, and nothing
 * else changes. */
static void whole_squares_may_be_dropped(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open("smolvlm", NULL, rig_portable_only());
    att_vit_session *s = att_vlm_vision_encoder(g.session);
    att_vlm_layout layout = layout_of(&g);
    const int32_t origin[] = {1, 0};
    int32_t rows[32], n = 0;
    const float *values;
    att_mat tokens;
    att_err err;
    for (int32_t i = 0; i < 64; i++) /* the upper left square and the lower right one */
        if (i / 32 == i % 8 / 4) rows[n++] = i;
    assert_int_equal(n, 32);
    vlm_rig_need(att_vlm_vision_values(g.session, 0, 1, &values, &err), &err);
    vlm_rig_need(att_vit_begin(s, values, 1, att_vlm_vision_positions(g.session), &err), &err);
    for (int32_t i = 0; i < layout.n_tiles - 2; i++)
        vlm_rig_need(att_vit_layer(s, i, NULL, NULL, &err), &err);
    vlm_rig_need(att_vit_keep(s, rows, n, &err), &err);
    vlm_rig_need(att_vit_finish(s, att_vlm_vision_features(g.session, n), &err), &err);
    vlm_rig_need(att_vlm_vision_project(g.session, n, rows, 0, &err), &err);
    const att_mat projected = att_vlm_vision_projected(g.session);
    vlm_rig_expect_mat(&g, "features", 0, att_mat_rows(projected, 0, 1), CLOSE);
    vlm_rig_expect_mat(&g, "features", 3, att_mat_rows(projected, 1, 1), CLOSE);
    vlm_rig_need(att_vlm_vision_arrange(g.session, origin, 2, &tokens, &err), &err);
    vlm_rig_expect_mat(&g, "features", 3, att_mat_rows(tokens, 0, 1), CLOSE);
    vlm_rig_expect_mat(&g, "features", 0, att_mat_rows(tokens, 1, 1), CLOSE);
    rows[3] = 4; /* a square with a patch of another */
    assert_int_equal(att_vlm_vision_project(g.session, n, rows, 0, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "square of 4 x 4"));
    vlm_rig_close(&g);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open("llava_next", NULL, rig_portable_only());
    const att_vlm_layout l = layout_of(&g);
    const int32_t origin[] = {0, 64 * 64};
    const float *values;
    att_mat tokens;
    att_vlm_vision *vision;
    att_err err;
    assert_int_equal(att_vlm_vision_values(g.session, 3, 3, &values, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "tiles 3 to 5"));
    assert_int_equal(att_vlm_vision_project(g.session, 64, NULL, 64 * l.n_tiles, &err), ATT_E_ARG);
    assert_int_equal(att_vlm_vision_arrange(g.session, origin, 2, &tokens, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "row 4096"));
    assert_int_equal(att_vlm_vision_open(&vision, g.r.queue, g.weights, ATT_SOURCE_DIR "/docs",
                                         ATT_PRECISION_EXACT, &err),
                     ATT_E_MODEL);
    assert_non_null(strstr(err.text, "no config.json"));
    assert_null(vision);
    g.config.shuffle = 2; /* another projector than the file's */
    assert_int_equal(
        att_vlm_vision_create(&vision, g.r.queue, g.weights, &g.config, ATT_PRECISION_EXACT, &err),
        ATT_E_MODEL);
    assert_non_null(strstr(err.text, "linear_1.weight"));
    vlm_rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_become_the_references_tokens),
        cmocka_unit_test(a_crop_is_the_references),
        cmocka_unit_test(gguf_says_the_same),
        cmocka_unit_test(halves_say_nearly_the_same),
        cmocka_unit_test(every_naming_is_known),
        cmocka_unit_test(layouts_say_where_tokens_come_from),
        cmocka_unit_test(odd_pictures_are_encoded),
        cmocka_unit_test(whole_squares_may_be_dropped),
        cmocka_unit_test(senseless_calls_are_refused),
    };
    return cmocka_run_group_tests_name("vlm_tiny", tests, NULL, NULL);
}
