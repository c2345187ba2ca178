/* test_linear.c - the conformance cases of linear (lib/conform/conform_linear.c), and what callers
 * may rely on: a row's result does not depend on the rows beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "linear.h"
#include "rig.h"

enum { N = 70, K = 600, M = 70 };

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("linear");
}

static att_view upload(rig *r, att_arena *arena, const float *x, int64_t n)
{
    att_view view;
    assert_int_equal(att_arena_take(arena, "test", ATT_F32, n, &view, NULL), ATT_OK);
    if (x) assert_int_equal(att_queue_write(r->queue, view, x, n, NULL), ATT_OK);
    return view;
}

/* One row alone (gemv), all rows at once (gemm), the last twelve as 5, 4 and 3 (few): bit for bit
 * the same. */
static void a_row_does_not_depend_on_its_neighbours(void **state)
{
    (void)state;
    static float w[N * K], x[M * K], together[M * N], alone[M * N];
    rig r = rig_open(rig_portable_only());
    att_arena *arena;
    att_linear *linear;
    att_conform_fill(w, N * K, 1, 1.0f);
    att_conform_fill(x, M * K, 2, 1.0f);
    const att_weight_part part = {w, ATT_F32, NULL, N, NULL, ATT_BLOCKS_NONE};
    assert_int_equal(att_arena_create(&arena, r.device, "test", NULL), ATT_OK);
    assert_int_equal(
        att_linear_create(&linear, r.queue, arena, "test", &part, 1, K, ATT_PRECISION_EXACT, NULL),
        ATT_OK);
    const att_mat xs = att_mat_of(upload(&r, arena, x, M * K), M, K);
    const att_mat ys = att_mat_of(upload(&r, arena, NULL, M * N), M, N);
    assert_int_equal(att_linear_apply(r.queue, linear, xs, ys, NULL, NULL), ATT_OK);
    assert_int_equal(att_queue_read(r.queue, together, ys.view, M * N, NULL), ATT_OK);
    for (int32_t m = 0, rows; m < M; m += rows) {
        rows = m < M - 12 ? 1 : m == M - 12 ? 5 : m == M - 7 ? 4 : 3;
        assert_int_equal(att_linear_apply(r.queue, linear, att_mat_rows(xs, m, rows),
                                          att_mat_rows(ys, m, rows), NULL, NULL),
                         ATT_OK);
    }
    assert_int_equal(att_queue_read(r.queue, alone, ys.view, M * N, NULL), ATT_OK);
    if (att_device_cpu_bodies(r.device)) assert_memory_equal(together, alone, sizeof alone);
    att_linear_destroy(linear);
    att_arena_destroy(arena);
    rig_close(&r);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    static float w[6];
    rig r = rig_open(0);
    att_arena *arena;
    att_linear *linear;
    att_err err;
    const att_weight_part good = {.data = w, .dtype = ATT_F32, .rows = 2};
    const att_weight_part bad = {.data = w, .dtype = ATT_I8, .rows = 2};
    assert_int_equal(att_arena_create(&arena, r.device, "test", NULL), ATT_OK);
    assert_int_equal(
        att_linear_create(&linear, r.queue, arena, "odd", &bad, 1, 3, ATT_PRECISION_EXACT, &err),
        ATT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "odd"));
    assert_int_equal(
        att_linear_create(&linear, r.queue, arena, "odd", &good, 1, 0, ATT_PRECISION_EXACT, &err),
        ATT_E_SHAPE);
    assert_int_equal(
        att_linear_create(&linear, r.queue, arena, "even", &good, 1, 3, ATT_PRECISION_EXACT, &err),
        ATT_OK);
    const att_view v = upload(&r, arena, NULL, 100);
    assert_int_equal(
        att_linear_apply(r.queue, linear, att_mat_of(v, 4, 3), att_mat_of(v, 5, 2), NULL, &err),
        ATT_E_SHAPE);
    assert_non_null(strstr(err.text, "even"));
    att_linear_destroy(linear);
    att_arena_destroy(arena);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_matches_reference),
        cmocka_unit_test(a_row_does_not_depend_on_its_neighbours),
        cmocka_unit_test(senseless_calls_are_refused),
    };
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
