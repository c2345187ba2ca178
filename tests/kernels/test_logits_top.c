/* test_logits_top.c - the conformance cases of the best tokens of rows of logits
 * (lib/conform/conform_logits_top.c) on the device under test, and what calls are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "logits_top.h"
#include "rig.h"

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("logits_top");
}

/* What does not fit is said before anything is launched. */
static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    enum { ROWS = 2, VOCAB = 40, BEST = 3 };
    rig r = rig_open(0);
    att_err err;
    att_arena *arena;
    att_logits_top top;
    att_view z;
    assert_int_equal(att_arena_create(&arena, r.device, "test", &err), ATT_OK);
    assert_int_equal(att_arena_take(arena, "z", ATT_F32, (ROWS + 1) * VOCAB, &z, &err), ATT_OK);
    assert_int_equal(att_logits_top_init(&top, arena, ROWS, VOCAB, 0, &err), ATT_E_ARG);
    assert_int_equal(att_logits_top_init(&top, arena, ROWS, 1 << 25, 1, &err), ATT_E_ARG);
    assert_int_equal(att_logits_top_init(&top, arena, ROWS, VOCAB, BEST, &err), ATT_OK);
    const att_mat fits = att_mat_of(z, ROWS, VOCAB);
    const att_mat none = att_mat_of(z, 0, VOCAB), tall = att_mat_of(z, ROWS + 1, VOCAB);
    const att_mat narrow = att_mat_of(z, ROWS, VOCAB - 1);
    assert_int_equal(att_logits_top_apply(r.queue, &top, none, 0, BEST, &err), ATT_OK);
    assert_int_equal(att_logits_top_apply(r.queue, &top, tall, 0, BEST, &err), ATT_E_SHAPE);
    assert_int_equal(att_logits_top_apply(r.queue, &top, narrow, 0, BEST, &err), ATT_E_SHAPE);
    assert_int_equal(att_logits_top_apply(r.queue, &top, fits, -1, BEST, &err), ATT_E_SHAPE);
    assert_int_equal(att_logits_top_apply(r.queue, &top, fits, VOCAB + 1, BEST, &err), ATT_E_SHAPE);
    assert_int_equal(att_logits_top_apply(r.queue, &top, fits, 0, 0, &err), ATT_E_SHAPE);
    assert_int_equal(att_logits_top_apply(r.queue, &top, fits, 0, BEST + 1, &err), ATT_E_SHAPE);
    att_logits_top_finish(&top);
    att_arena_destroy(arena);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_matches_reference),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("logits_top", tests, NULL, NULL);
}
