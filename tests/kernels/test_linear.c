/* test_linear.c - the conformance cases of linear (lib/conform/conform_linear.c), and what callers
 * may rely on: a row's result does not depend on the rows beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "half.h"
#include "linear.h"
#include "rig.h"

enum { N = 70, K = 600, M = 70, MOST = 608 }; /* whole blocks */

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
static void check_rows(const att_weight_part *part, int32_t cols, att_precision precision)
{
    static float x[M * MOST], together[M * N], alone[M * N];
    rig r = rig_open(rig_portable_only());
    att_arena *arena;
    att_linear *linear;
    att_conform_fill(x, M * cols, 2, 1.0f);
    assert_int_equal(att_arena_create(&arena, r.device, "test", NULL), ATT_OK);
    assert_int_equal(
        att_linear_create(&linear, r.queue, arena, "test", part, 1, cols, precision, NULL), ATT_OK);
    const att_mat xs = att_mat_of(upload(&r, arena, x, M * cols), M, cols);
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

/* Any bytes but for the scales, which are finite. */
static void fill_blocks(att_blocks kind, uint8_t *bytes, size_t n_blocks)
{
    const size_t size = att_blocks_bytes(kind), d = kind == ATT_BLOCKS_Q6_K ? 208 : 0;
    uint32_t state = 12345;
    for (size_t i = 0; i < n_blocks * size; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    for (size_t i = 0; i < n_blocks; i++) {
        bytes[i * size + d + 1] &= 0x9f;         /* below 1 / 128: products fit into f16 */
        if (d == 0) bytes[i * size + 3] &= 0x9f; /* a minimum, in some kinds */
    }
}

/* Rows in blocks of every kind are unpacked where they lie and rounded to f16. */
static void blocks_are_packed_as_their_values(void **state)
{
    (void)state;
    enum { ROWS = 3, COLS = 2 * ATT_BLOCK_MAX_ELEMENTS, ALL = ROWS * COLS };
    static uint8_t blocks[ALL * 2];
    static float want[ALL], got[ALL];
    rig r = rig_open(rig_portable_only());
    const int32_t ids[ROWS] = {0, 1, 2};
    att_arena *arena;
    att_view where;
    assert_int_equal(att_arena_create(&arena, r.device, "test", NULL), ATT_OK);
    assert_int_equal(att_arena_take(arena, "test", ATT_I32, ROWS, &where, NULL), ATT_OK);
    assert_int_equal(att_queue_write(r.queue, where, ids, ROWS, NULL), ATT_OK);
    for (att_blocks kind = ATT_BLOCKS_Q4_0; kind < ATT_N_BLOCKS; kind++) {
        const size_t n_blocks = ALL / att_blocks_elements(kind);
        const att_weight_part parts[] = {
            {blocks, ATT_N_DTYPES, NULL, 1, NULL, kind, 0},
            {blocks + n_blocks / ROWS * att_blocks_bytes(kind), ATT_N_DTYPES, NULL, 2, NULL, kind,
             0},
        };
        att_linear *linear;
        fill_blocks(kind, blocks, n_blocks);
        att_blocks_unpack(kind, blocks, n_blocks, want);
        for (int i = 0; i < ALL; i++) want[i] = att_half_to_float(att_half_from_float(want[i]));
        assert_int_equal(att_linear_create(&linear, r.queue, arena, "test", parts, 2, COLS,
                                           ATT_PRECISION_EXACT, NULL),
                         ATT_OK);
        const att_mat rows = att_mat_of(upload(&r, arena, NULL, ALL), ROWS, COLS);
        const att_mat none = {0};
        assert_int_equal(att_linear_rows_of(r.queue, linear, where, rows, none, NULL), ATT_OK);
        assert_int_equal(att_queue_read(r.queue, got, rows.view, ALL, NULL), ATT_OK);
        if (memcmp(got, want, sizeof got) != 0) fail_msg("%s: other values", att_blocks_name(kind));
        att_linear_destroy(linear);
    }
    att_arena_destroy(arena);
    rig_close(&r);
}

static void a_row_does_not_depend_on_its_neighbours(void **state)
{
    (void)state;
    static float w[N * K];
    att_conform_fill(w, N * K, 1, 1.0f);
    const att_weight_part part = {.data = w, .dtype = ATT_F32, .rows = N};
    check_rows(&part, K, ATT_PRECISION_EXACT);
}

/* N rows of q4_1 with scales and minima of about 1/16. */
static const unsigned char *some_blocks(void)
{
    static unsigned char bits[N * MOST / ATT_BLOCK_ELEMENTS * 20];
    static float noise[sizeof bits];
    att_conform_fill(noise, sizeof bits, 3, 128.0f);
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (unsigned char)(i % 20 == 1 ? 0x2c : i % 20 == 3 ? 0xac : noise[i] + 128.0f);
    return bits;
}

/* Of no use to an interpreter: only `cpu` bodies promise it. */
static void nor_in_blocks(void **state)
{
    (void)state;
    if (rig_small()) return;
    const att_weight_part part = {
        .data = some_blocks(), .rows = N, .blocks = ATT_BLOCKS_Q4_1, .keep_blocks = 1};
    check_rows(&part, MOST, ATT_PRECISION_EXACT);
    check_rows(&part, MOST, ATT_PRECISION_INT8);
}

/* Blocks take their own bytes and padding, at every precision, if all parts are of one kind. */
static void kept_blocks_are_not_expanded(void **state)
{
    (void)state;
    enum { ROWS = 64, BYTES = ROWS * MOST / ATT_BLOCK_ELEMENTS * 20 };
    rig r = rig_open(rig_portable_only());
    for (att_precision p = ATT_PRECISION_EXACT; p <= ATT_PRECISION_INT8; p++)
        for (int how = 0; how < 3; how++) {
            att_arena *arena;
            att_linear *linear;
            att_weight_part parts[2];
            for (size_t i = 0; i < 2; i++)
                parts[i] = (att_weight_part){.data = some_blocks(),
                                             .rows = ROWS / 2,
                                             .blocks = ATT_BLOCKS_Q4_1,
                                             .keep_blocks = how > 0};
            if (how == 2) parts[1].blocks = ATT_BLOCKS_Q4_0;
            assert_int_equal(att_arena_create(&arena, r.device, "test", NULL), ATT_OK);
            assert_int_equal(
                att_linear_create(&linear, r.queue, arena, "test", parts, 2, MOST, p, NULL),
                ATT_OK);
            assert_int_equal(att_arena_bytes(arena) == BYTES, how == 1);
            att_linear_destroy(linear);
            att_arena_destroy(arena);
        }
    rig_close(&r);
}

/* What is listed for preparing is what there is: a product of rows, of one, rows themselves. */
static void kernels_of_blocks_are_listed(void **state)
{
    (void)state;
    att_kernel_id ids[4];
    rig r = rig_open(rig_portable_only());
    for (att_blocks kind = ATT_BLOCKS_Q4_0; kind <= ATT_BLOCKS_Q8_0; kind++) {
        assert_int_equal(att_linear_blocks_kernels(r.device, kind, ATT_PRECISION_EXACT, ids, 4), 3);
        const int int8 =
            att_linear_blocks_precision(r.device, ATT_PRECISION_INT8) == ATT_PRECISION_INT8;
        assert_int_equal(att_linear_blocks_kernels(r.device, kind, ATT_PRECISION_INT8, ids, 4),
                         int8 ? 2 : 3);
        assert_int_equal(att_linear_blocks_kernels(r.device, kind, ATT_PRECISION_EXACT, ids, 1), 1);
    }
    assert_int_equal(
        att_linear_blocks_kernels(r.device, ATT_BLOCKS_NONE, ATT_PRECISION_EXACT, ids, 4), 0);
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
    const att_weight_part blocks = {.data = w, .rows = 2, .blocks = ATT_BLOCKS_Q6_K};
    assert_int_equal(att_arena_create(&arena, r.device, "test", NULL), ATT_OK);
    assert_int_equal(
        att_linear_create(&linear, r.queue, arena, "odd", &bad, 1, 3, ATT_PRECISION_EXACT, &err),
        ATT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "odd"));
    assert_int_equal(
        att_linear_create(&linear, r.queue, arena, "odd", &good, 1, 0, ATT_PRECISION_EXACT, &err),
        ATT_E_SHAPE);
    assert_int_equal(att_linear_create(&linear, r.queue, arena, "odd", &blocks, 1, 32,
                                       ATT_PRECISION_EXACT, &err),
                     ATT_E_SHAPE);
    assert_non_null(strstr(err.text, "in blocks of 256, rows are 32"));
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
        cmocka_unit_test(blocks_are_packed_as_their_values),
        cmocka_unit_test(nor_in_blocks),
        cmocka_unit_test(kept_blocks_are_not_expanded),
        cmocka_unit_test(kernels_of_blocks_are_listed),
        cmocka_unit_test(senseless_calls_are_refused),
    };
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
