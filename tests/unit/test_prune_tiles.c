/* test_prune_tiles.c - modalities/vision/prune_tiles.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pictures.h"
#include "prune_tiles.h"

static att_prune_options keeping(const char *keep)
{
    att_prune_options o;
    att_err err;
    if (att_prune_parse(&o, "tiles", keep, NULL, NULL, &err)) fail_msg("%s", err.text);
    return o;
}

/* SmolVLM's 64 tokens a tile: a photo of 4:3 has 13, at an edge of 1536 3 x 3 + 1, at 1024 5, at
 * 512 one. */
static void a_budget_chooses_a_smaller_grid(void **state)
{
    static const struct {
        const char *keep;
        int32_t tiles;
    } ROWS[] = {{"100%", 13}, {"832", 13}, {"831", 10}, {"640", 10}, {"50%", 5},
                {"320", 5},   {"319", 1},  {"64", 1},   {"1", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const att_prune_options o = keeping(ROWS[i].keep);
        att_grid grid;
        att_err err;
        if (att_prune_grid_choose(&grid, &o, (att_size){640, 480}, 2048, 512, 64, &err))
            fail_msg("%s", err.text);
        if (att_grid_count(&grid) != ROWS[i].tiles)
            fail_msg("keep %s: %d tiles, expected %d", ROWS[i].keep, att_grid_count(&grid),
                     ROWS[i].tiles);
    }
}

static void flat_tiles_go_first(void **state)
{
    const double entropy[] = {1.0, 2.0, 0.0, 2.0, 0.5, 9.0};
    const att_prune_options half = keeping("50%"), least = keeping("1"), all = keeping("100%");
    att_ranked scratch[6];
    int32_t kept[6];
    (void)state;
    assert_int_equal(att_prune_tiles_keep(&half, entropy, 6, 64, scratch, kept), 3);
    assert_memory_equal(kept, ((int32_t[]){1, 3, 5}), 3 * sizeof *kept);
    assert_int_equal(att_prune_tiles_keep(&least, entropy, 6, 64, scratch, kept), 1);
    assert_int_equal(kept[0], 5);
    assert_int_equal(att_prune_tiles_keep(&all, entropy, 6, 64, scratch, kept), 6);
    const double broken[] = {0.5, NAN, 1.0};
    assert_int_equal(att_prune_tiles_keep(&half, broken, 3, 64, scratch, kept), 0);
}

static void entropy_is_of_the_grey(void **state)
{
    att_image image;
    att_err err;
    (void)state;
    assert_int_equal(att_image_create(&image, 16, 16, &err), ATT_OK);
    assert_true(att_tile_entropy(&image) == 0.0);
    for (int i = 0; i < 256; i++) memset(image.rgb + i * 3, i < 64 ? 250 : 10, 3);
    /* -(1/4 ln 1/4 + 3/4 ln 3/4) */
    assert_true(fabs(att_tile_entropy(&image) - 0.562335) < 1e-6);
    for (int i = 0; i < 256; i++) memset(image.rgb + i * 3, i, 3);
    assert_true(fabs(att_tile_entropy(&image) - log(256.0)) < 1e-9);
    att_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_chooses_a_smaller_grid),
        cmocka_unit_test(flat_tiles_go_first),
        cmocka_unit_test(entropy_is_of_the_grey),
    };
    return cmocka_run_group_tests_name("prune_tiles", tests, NULL, NULL);
}
