/* test_tiles.c - modalities/vision/tiles_grid.c and tiles_anyres.c: sizes, counts and pixels of
 * transformers' processors (tests/golden/images.safetensors, made by
 * tools/reference/dump_images.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pictures.h"
#include "tiles.h"

enum { MAX_TILES = 16 };

static const char *const RULES[] = {"pillow", "pillow13", "torch"};

/* LLaVA-1.6's, in the order of its config. */
static const att_size CANVASES[] = {{672, 336}, {336, 672}, {672, 672}, {336, 1008}, {1008, 336}};

static int32_t at(const att_array *table, size_t row, size_t column)
{
    return (int32_t)att_array_value(table, row * (size_t)table->dims[1] + column);
}

static void check_row(const att_array *table, size_t row, const int32_t *got)
{
    for (size_t i = 0; i < (size_t)table->dims[1]; i++)
        if (got[i] != at(table, row, i))
            fail_msg("%s: row %zu (%d x %d), column %zu is %d, expected %d", table->name, row,
                     at(table, row, 0), at(table, row, 1), i, got[i], at(table, row, i));
}

static void grids_are_the_references(void **state)
{
    att_weights *golden = pictures_golden();
    const att_array *table = pictures_array(golden, "table.grid");
    (void)state;
    for (size_t i = 0; i < (size_t)table->dims[0]; i++) {
        const att_size size = {at(table, i, 0), at(table, i, 1)};
        att_grid g;
        att_err err;
        if (att_grid_choose(&g, size, at(table, i, 2), at(table, i, 3), 1, &err))
            fail_msg("%s", err.text);
        check_row(table, i,
                  (int32_t[]){size.width, size.height, at(table, i, 2), g.tile, g.first.width,
                              g.first.height, g.second.width, g.second.height, g.rows, g.cols});
    }
    att_weights_close(golden);
}

/* What users of SmolVLM see: 64 tokens a tile. */
static void a_photo_is_13_tiles_and_a_square_is_17(void **state)
{
    att_grid g;
    att_err err;
    (void)state;
    assert_int_equal(att_grid_choose(&g, (att_size){640, 480}, 2048, 512, 1, &err), ATT_OK);
    assert_int_equal(att_grid_count(&g) * 64, 832);
    assert_int_equal(att_grid_choose(&g, (att_size){386, 386}, 2048, 512, 1, &err), ATT_OK);
    assert_int_equal(att_grid_count(&g) * 64, 1088);
}

static void canvases_and_features_are_the_references(void **state)
{
    att_weights *golden = pictures_golden();
    const att_array *table = pictures_array(golden, "table.anyres");
    (void)state;
    for (size_t i = 0; i < (size_t)table->dims[0]; i++) {
        const att_size size = {at(table, i, 0), at(table, i, 1)};
        const int32_t side = at(table, i, 2);
        att_anyres a;
        att_err err;
        if (att_anyres_choose(&a, size, CANVASES, 5, 336, &err)) fail_msg("%s", err.text);
        const att_unpad u = att_anyres_unpad(&a, side);
        check_row(table, i,
                  (int32_t[]){size.width, size.height, side, a.canvas.width, a.canvas.height,
                              a.content.width, a.content.height, u.first_row, u.n_rows, u.first_col,
                              u.n_cols, att_anyres_tokens(&a, side)});
    }
    att_weights_close(golden);
}

static void check_tiles(att_image *tiles, int32_t n, const att_array *want)
{
    if (n != want->dims[0])
        fail_msg("%s: %d tiles, expected %d", want->name, n, (int)want->dims[0]);
    for (int32_t i = 0; i < n; i++) {
        pictures_assert(&tiles[i], want, (size_t)i, 0);
        att_image_free(&tiles[i]);
    }
}

static void check_grid(const att_weights *golden, const char *name, att_size size, int split)
{
    att_image in = picture_hard(size.width, size.height), tiles[MAX_TILES];
    att_grid g;
    att_err err;
    for (att_resize_rule rule = 0; rule < ATT_N_RESIZE_RULES; rule++) {
        assert_int_equal(att_grid_choose(&g, size, 48, 16, split, &err), ATT_OK);
        assert_int_equal(att_grid_cut(&in, &g, ATT_FILTER_LANCZOS, rule, tiles, &err), ATT_OK);
        check_tiles(
            tiles, att_grid_count(&g),
            pictures_array(golden, "%s.%s.%dx%d", name, RULES[rule], size.width, size.height));
    }
    att_image_free(&in);
}

static void grid_tiles_are_the_references(void **state)
{
    att_weights *golden = pictures_golden();
    (void)state;
    check_grid(golden, "grid", (att_size){60, 20}, 1);
    check_grid(golden, "grid", (att_size){13, 20}, 1);
    check_grid(golden, "whole", (att_size){37, 29}, 0);
    att_weights_close(golden);
}

static void check_anyres(const att_weights *golden, att_size size)
{
    static const att_size SMALL[] = {{32, 16}, {16, 32}, {32, 32}, {16, 48}, {48, 16}};
    att_image in = picture_hard(size.width, size.height), tiles[MAX_TILES];
    att_anyres a;
    att_err err;
    for (att_resize_rule rule = 0; rule < ATT_N_RESIZE_RULES; rule++) {
        assert_int_equal(att_anyres_choose(&a, size, SMALL, 5, 16, &err), ATT_OK);
        assert_int_equal(att_anyres_cut(&in, &a, ATT_FILTER_BICUBIC, rule, tiles, &err), ATT_OK);
        check_tiles(
            tiles, att_anyres_count(&a),
            pictures_array(golden, "anyres.%s.%dx%d", RULES[rule], size.width, size.height));
    }
    att_image_free(&in);
}

static void anyres_tiles_are_the_references(void **state)
{
    att_weights *golden = pictures_golden();
    (void)state;
    check_anyres(golden, (att_size){37, 29});
    check_anyres(golden, (att_size){11, 40});
    att_weights_close(golden);
}

static void senseless_requests_are_refused(void **state)
{
    const att_size size = {20, 10}, odd = {340, 336};
    att_grid g;
    att_anyres a;
    att_err err;
    (void)state;
    assert_int_equal(att_grid_choose(&g, size, 0, 512, 1, &err), ATT_E_ARG);
    assert_int_equal(att_grid_choose(&g, size, 2048, 5000, 1, &err), ATT_E_ARG);
    assert_int_equal(att_grid_choose(&g, (att_size){0, 3}, 2048, 512, 1, &err), ATT_E_ARG);
    assert_int_equal(att_anyres_choose(&a, size, CANVASES, 0, 336, &err), ATT_E_ARG);
    assert_int_equal(att_anyres_choose(&a, size, &odd, 1, 336, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "340 x 336"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grids_are_the_references),
        cmocka_unit_test(a_photo_is_13_tiles_and_a_square_is_17),
        cmocka_unit_test(canvases_and_features_are_the_references),
        cmocka_unit_test(grid_tiles_are_the_references),
        cmocka_unit_test(anyres_tiles_are_the_references),
        cmocka_unit_test(senseless_requests_are_refused),
    };
    return cmocka_run_group_tests_name("tiles", tests, NULL, NULL);
}
