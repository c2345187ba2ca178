/* test_rope.c - the conformance cases of rope (lib/conform/conform_rope.c) on the device under
 * test, how good far angles are, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rig.h"
#include "rope.h"

enum { D = 128, ROWS = 64 };

static const att_rope_desc DESC = {.kind = ATT_ROPE_HALF, .base = 10000.0};

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("rope");
}

/* The largest error of cos and sin over a stretch of positions, of pairs (1, 0). */
static double worst_from(const rig *r, const att_rope *rope, att_view view, int32_t first)
{
    static float x[ROWS * D];
    double worst = 0.0;
    att_err err;
    for (int32_t i = 0; i < ROWS * D; i++) x[i] = i % D < D / 2 ? 1.0f : 0.0f;
    if (att_queue_write(r->queue, view, x, ROWS * D, &err) ||
        att_rope_apply(r->queue, rope, att_mat_of(view, ROWS, D), first, NULL, &err) ||
        att_queue_read(r->queue, x, view, ROWS * D, &err))
        fail_msg("%s", err.text);
    for (int32_t m = 0; m < ROWS; m++)
        for (int32_t i = 0; i < D / 2; i++) {
            const double t = (first + m) * pow(DESC.base, -2.0 * i / D);
            const double off[] = {fabs((double)x[m * D + i] - cos(t)),
                                  fabs((double)x[m * D + D / 2 + i] - sin(t))};
            for (int j = 0; j < 2; j++)
                if (!(off[j] <= worst)) worst = off[j];
        }
    return worst;
}

static void far_angles_are_as_good_as_near_ones(void **state)
{
    (void)state;
    const int bodies = rig_portable_only() ? 1 : 2;
    for (int portable = 0; portable < bodies; portable++) {
        rig r = rig_open(portable || rig_portable_only());
        att_arena *arena;
        att_rope rope;
        att_view view;
        att_err err;
        if (att_arena_create(&arena, r.device, "test", &err) ||
            att_rope_init(&rope, r.queue, arena, &DESC, D, &err) ||
            att_arena_take(arena, "test", ATT_F32, ROWS * D, &view, &err))
            fail_msg("%s", err.text);
        const int32_t steps = rig_small() ? 2 : 32;
        for (int32_t i = 0; i < steps; i++) {
            const double worst = worst_from(&r, &rope, view, (131072 - ROWS) / (steps - 1) * i);
            if (!(worst <= 4e-7)) fail_msg("%g off in stretch %d", worst, i);
        }
        att_arena_destroy(arena);
        rig_close(&r);
    }
}

static void what_is_no_rotation_is_refused(void **state)
{
    (void)state;
    att_err err;
    att_rope_desc d = DESC;
    assert_int_equal(att_rope_check(&d, 64, &err), ATT_OK);
    assert_int_equal(att_rope_check(&d, 63, &err), ATT_E_ARG);
    assert_int_equal(att_rope_check(&d, 512, &err), ATT_E_UNSUPPORTED);
    d.width = 66;
    assert_int_equal(att_rope_check(&d, 64, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "66 of a head's 64"));
    d = DESC;
    d.base = 0.0;
    assert_int_equal(att_rope_check(&d, 64, &err), ATT_E_ARG);
    d.kind = ATT_ROPE_TABLE; /* which has no base */
    assert_int_equal(att_rope_check(&d, 64, &err), ATT_OK);
    d.scaling = ATT_ROPE_LINEAR;
    assert_int_equal(att_rope_check(&d, 64, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "factor"));
    d = (att_rope_desc){.kind = ATT_ROPE_HALF,
                        .base = 1e4,
                        .scaling = ATT_ROPE_BY_PARTS,
                        .factor = 8.0,
                        .low_turns = 4.0,
                        .high_turns = 1.0,
                        .original_context = 8192.0};
    assert_int_equal(att_rope_check(&d, 64, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "from 4 to 1 turns"));
    d = (att_rope_desc){.kind = (att_rope_kind)9};
    assert_int_equal(att_rope_check(&d, 64, &err), ATT_E_ARG);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    rig r = rig_open(rig_portable_only());
    att_err err;
    const att_view angles = {NULL, NULL, 0, ATT_F32};
    att_rope rope = {.kind = ATT_ROPE_HALF, .width = 64, .head_width = 64};
    att_mat x = att_mat_of(angles, 1, 100);
    assert_int_equal(att_rope_apply(r.queue, &rope, x, 0, NULL, &err), ATT_E_SHAPE);
    assert_non_null(strstr(err.text, "[1,100]"));
    x.cols = 64;
    assert_int_equal(att_rope_apply(r.queue, &rope, x, 0, &angles, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "positions are f32"));
    rope.kind = ATT_ROPE_TABLE;
    assert_int_equal(att_rope_apply(r.queue, &rope, x, 0, NULL, &err), ATT_E_ARG);
    x.view.dtype = ATT_I8;
    assert_int_equal(att_rope_apply(r.queue, &rope, x, 0, &angles, &err), ATT_E_UNSUPPORTED);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_matches_reference),
        cmocka_unit_test(far_angles_are_as_good_as_near_ones),
        cmocka_unit_test(what_is_no_rotation_is_refused),
        cmocka_unit_test(senseless_calls_are_refused),
    };
    return cmocka_run_group_tests_name("rope", tests, NULL, NULL);
}
