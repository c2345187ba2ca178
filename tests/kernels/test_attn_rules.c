/* test_attn_rules.c - what holds for attention on a device whatever its numbers are: sums of rows,
 * shared heads, chunks of a prompt, tokens that nobody may see. Cases against the reference and the
 * refusals are in test_attn.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "attn.h"
#include "rig.h"

enum { H = 4, D = 40, T = 70, S = 530, ROW = H * D };

/* Fewer for an interpreter. */
static int32_t queries(void)
{
    return rig_small() ? 12 : T;
}

static int32_t keys(void)
{
    return rig_small() ? 40 : S;
}

typedef struct desk {
    rig r;
    att_arena *arena;
    att_view scratch;
    att_attn_call call;
} desk;

static att_view take(desk *d, const float *x, int64_t n)
{
    att_view v;
    assert_int_equal(att_arena_take(d->arena, "test", ATT_F32, n, &v, NULL), ATT_OK);
    assert_int_equal(att_queue_write(d->r.queue, v, x, n, NULL), ATT_OK);
    return v;
}

static att_view random_rows(desk *d, int64_t n, uint32_t seed)
{
    static float x[S * ROW];
    assert_true(n <= S * ROW);
    att_conform_fill(x, n, seed, 1.0f);
    return take(d, x, n);
}

/* Queries over keys, causal: the queries stand at the end. */
static void open_desk(desk *d, int portable)
{
    memset(d, 0, sizeof *d);
    d->r = rig_open(portable);
    assert_int_equal(att_arena_create(&d->arena, d->r.device, "test", NULL), ATT_OK);
    d->call = (att_attn_call){.batch = 1, .heads = H, .kv_heads = H, .d_qk = D, .d_v = D};
    d->call.n_q = queries();
    d->call.n_k = keys();
    d->call.scale = 0.5f;
    d->call.mask.flags = ATT_MASK_CAUSAL;
    d->call.mask.q_first = keys() - queries();
    d->call.q = (att_attn_view){random_rows(d, T * ROW, 1), 0, D, ROW};
    d->call.k = (att_attn_view){random_rows(d, S * ROW, 2), 0, D, ROW};
    d->call.v = (att_attn_view){random_rows(d, S * ROW, 3), 0, D, ROW};
    d->call.out = (att_attn_view){random_rows(d, T * ROW, 4), 0, D, ROW};
    const int64_t n = att_attn_scratch(d->r.device, &d->call);
    assert_int_equal(att_arena_take(d->arena, "scratch", ATT_F32, n + 1, &d->scratch, NULL),
                     ATT_OK);
}

static void close_desk(desk *d)
{
    att_arena_destroy(d->arena);
    rig_close(&d->r);
}

/* Rows [first, first + n) of the desk's queries, into the same rows of out. */
static void attend(desk *d, int32_t first, int32_t n, float *out)
{
    att_err err = {ATT_OK, ""};
    att_attn_call call = d->call;
    call.n_q = n;
    call.mask.q_first += first;
    call.q.view = att_view_at(call.q.view, first * ROW);
    call.out.view = att_view_at(call.out.view, first * ROW);
    if (att_attn(d->r.queue, &call, d->scratch, &err)) fail_msg("%s", err.text);
    assert_int_equal(
        att_queue_read(d->r.queue, out + (size_t)first * ROW, call.out.view, n * ROW, NULL),
        ATT_OK);
}

static void assert_near(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= 2e-5f)) /* of numbers below 1, after sums of S of them */
            fail_msg("row %zu: %g and %g", i / ROW, (double)a[i], (double)b[i]);
}

/* With values of 1 an output is the sum of its row's probabilities. */
static void rows_sum_to_one(void **state)
{
    (void)state;
    static float ones[S * ROW], out[T * ROW];
    for (int i = 0; i < S * ROW; i++) ones[i] = 1.0f;
    for (int portable = rig_portable_only(); portable < 2; portable++) {
        desk d;
        open_desk(&d, portable);
        d.call.v.view = take(&d, ones, S * ROW);
        for (int one = 0; one < 2; one++) { /* many and few run different kernels */
            const int32_t n = one ? 1 : queries();
            attend(&d, 0, n, out);
            assert_near(out, ones, (size_t)n * ROW);
        }
        close_desk(&d);
    }
}

/* Rows of H heads of which heads 1, 2, 3 become copies of 0, 1, 1. */
static att_view repeated(desk *d, att_view of)
{
    static float rows[S * ROW];
    assert_int_equal(att_queue_read(d->r.queue, rows, of, S * ROW, NULL), ATT_OK);
    for (float *row = rows; row < rows + S * ROW; row += ROW) {
        memcpy(row + 3 * D, row + D, D * sizeof *row);
        memcpy(row + 2 * D, row + D, D * sizeof *row);
        memcpy(row + D, row, D * sizeof *row);
    }
    return take(d, rows, S * ROW);
}

/* Heads that share keys and values read what as many copies of them say. */
static void shared_heads_are_repeated_heads(void **state)
{
    (void)state;
    static float few[T * ROW], all[T * ROW];
    for (int portable = rig_portable_only(); portable < 2; portable++)
        for (int one = 0; one < 2; one++) {
            const int32_t n = one ? 1 : queries();
            desk d;
            open_desk(&d, portable);
            d.call.kv_heads = 2; /* heads 0 and 1 of the rows */
            attend(&d, 0, n, few);
            d.call.kv_heads = H;
            d.call.k.view = repeated(&d, d.call.k.view);
            d.call.v.view = repeated(&d, d.call.v.view);
            attend(&d, 0, n, all);
            assert_memory_equal(few, all, (size_t)n * ROW * sizeof *few);
            close_desk(&d);
        }
}

/* A prompt in pieces, of sizes that different kernels take, gives the rows of the whole. */
static void a_prompt_may_come_in_pieces(void **state)
{
    (void)state;
    static float whole[T * ROW], pieces[T * ROW];
    const int32_t ends[] = {1, 9, queries() * 3 / 4, queries() - 1, queries()};
    for (int portable = rig_portable_only(); portable < 2; portable++) {
        desk d;
        open_desk(&d, portable);
        attend(&d, 0, queries(), whole);
        int32_t first = 0;
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            attend(&d, first, ends[i] - first, pieces);
            first = ends[i];
        }
        assert_near(pieces, whole, (size_t)queries() * ROW);
        close_desk(&d);
    }
}

/* Only differences of positions count, wherever the first query and the first key stand. */
static void positions_may_start_anywhere(void **state)
{
    (void)state;
    static float want[T * ROW], got[T * ROW];
    static const uint32_t FLAGS[] = {ATT_MASK_CAUSAL, ATT_MASK_CAUSAL | ATT_MASK_WINDOW};
    for (int portable = rig_portable_only(); portable < 2; portable++)
        for (int c = 0; c < 4; c++) {
            const int32_t n = c / 2 ? 1 : queries();
            desk d;
            open_desk(&d, portable);
            d.call.mask.flags = FLAGS[c % 2];
            d.call.mask.left = 9;
            d.call.mask.q_first = keys() / 2;
            attend(&d, 0, n, want);
            d.call.mask.q_first += 1000000;
            d.call.mask.k_first += 1000000;
            attend(&d, 0, n, got);
            assert_memory_equal(got, want, (size_t)n * ROW * sizeof *got);
            close_desk(&d);
        }
}

static void set_key(desk *d, int32_t key, const float *row)
{
    const att_view both[] = {d->call.k.view, d->call.v.view};
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            att_queue_write(d->r.queue, att_view_at(both[i], key * ROW), row, ROW, NULL), ATT_OK);
}

/* Keys and values behind a mask may be anything, NaN and infinity included. */
static void what_is_masked_may_be_anything(void **state)
{
    (void)state;
    enum { FIRST = 20 };
    static float want[T * ROW], got[T * ROW], odd[ROW];
    for (int i = 0; i < ROW; i++) odd[i] = i % 2 ? NAN : INFINITY;
    for (int portable = rig_portable_only(); portable < 2; portable++)
        for (int one = 0; one < 2; one++) {
            const int32_t n = one ? 1 : queries();
            desk d;
            open_desk(&d, portable);
            d.call.mask.q_first = FIRST;
            attend(&d, 0, n, want);
            set_key(&d, FIRST + n, odd); /* the first that nobody sees, and the last */
            set_key(&d, keys() - 1, odd);
            attend(&d, 0, n, got);
            assert_near(got, want, (size_t)n * ROW);
            close_desk(&d);
        }
}

/* A value that is no number reaches exactly the rows that see it. */
static void a_nan_value_reaches_who_sees_it(void **state)
{
    (void)state;
    enum { FIRST = 20, COLUMN = 2 * D + 7 };
    static float out[T * ROW];
    const float odd = NAN;
    const int32_t at = FIRST + queries() / 2;
    for (int portable = rig_portable_only(); portable < 2; portable++) {
        desk d;
        open_desk(&d, portable);
        d.call.mask.q_first = FIRST;
        const att_view one = att_view_at(d.call.v.view, at * ROW + COLUMN);
        assert_int_equal(att_queue_write(d.r.queue, one, &odd, 1, NULL), ATT_OK);
        attend(&d, 0, queries(), out);
        for (int i = 0; i < queries() * ROW; i++)
            if (isnan(out[i]) != (i % ROW == COLUMN && FIRST + i / ROW >= at))
                fail_msg("row %d, column %d: %g", i / ROW, i % ROW, (double)out[i]);
        close_desk(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_sum_to_one),
        cmocka_unit_test(shared_heads_are_repeated_heads),
        cmocka_unit_test(a_prompt_may_come_in_pieces),
        cmocka_unit_test(positions_may_start_anywhere),
        cmocka_unit_test(what_is_masked_may_be_anything),
        cmocka_unit_test(a_nan_value_reaches_who_sees_it),
    };
    return cmocka_run_group_tests_name("attn_rules", tests, NULL, NULL);
}
