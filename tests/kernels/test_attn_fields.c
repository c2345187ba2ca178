/* test_attn_fields.c - the conformance cases of what a call of attention says beyond masks
 * (lib/conform/conform_attn_fields.c) on the device under test, and what holds for it whatever its
 * numbers are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "attn.h"
#include "rig.h"

enum { H = 4, D = 24, T = 40, S = 150, ROW = H * D, LINES = H * T };

/* Fewer for an interpreter. */
static int32_t queries(void)
{
    return rig_small() ? 10 : T;
}

static int32_t keys(void)
{
    return rig_small() ? 24 : S;
}

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("attn_fields");
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
    att_conform_fill(x, n, seed, 1.0f);
    return take(d, x, n);
}

static att_view constants(desk *d, int64_t n, float value)
{
    static float x[S * ROW];
    for (int64_t i = 0; i < n; i++) x[i] = value;
    return take(d, x, n);
}

/* Bytes 0, 1, .. below `most`, over and over. */
static att_view bytes(desk *d, int64_t n, int most)
{
    static uint8_t x[H * S];
    att_view v;
    for (int64_t i = 0; i < n; i++) x[i] = (uint8_t)(i * 5 / 3 % most);
    assert_int_equal(att_arena_take(d->arena, "test", ATT_U8, n, &v, NULL), ATT_OK);
    assert_int_equal(att_queue_write(d->r.queue, v, x, n, NULL), ATT_OK);
    return v;
}

/* Queries that stand at the end of the keys, causal. */
static void open_desk(desk *d, int portable)
{
    memset(d, 0, sizeof *d);
    d->r = rig_open(portable);
    assert_int_equal(att_arena_create(&d->arena, d->r.device, "test", NULL), ATT_OK);
    d->call = (att_attn_call){.batch = 1, .heads = H, .kv_heads = H / 2, .d_qk = D, .d_v = D};
    d->call.n_q = queries();
    d->call.n_k = keys();
    d->call.scale = 0.5f;
    d->call.mask.flags = ATT_MASK_CAUSAL;
    d->call.mask.q_first = keys() - queries();
    d->call.q = (att_attn_view){random_rows(d, T * ROW, 1), 0, D, ROW};
    d->call.k = (att_attn_view){random_rows(d, S * ROW / 2, 2), 0, D, ROW / 2};
    d->call.v = (att_attn_view){random_rows(d, S * ROW / 2, 3), 0, D, ROW / 2};
    d->call.out = (att_attn_view){random_rows(d, T * ROW, 4), 0, D, ROW};
    const att_attn_call any = {
        .batch = 1, .heads = H, .kv_heads = H / 2, .d_qk = D, .d_v = D, .n_q = T, .n_k = S};
    const int64_t n = att_attn_scratch(d->r.device, &any);
    assert_int_equal(att_arena_take(d->arena, "scratch", ATT_F32, n, &d->scratch, NULL), ATT_OK);
}

static void close_desk(desk *d)
{
    att_arena_destroy(d->arena);
    rig_close(&d->r);
}

static void attend(desk *d, const att_attn_call *call, float *out)
{
    att_err err = {ATT_OK, ""};
    if (att_attn(d->r.queue, call, d->scratch, &err)) fail_msg("%s", err.text);
    assert_int_equal(att_queue_read(d->r.queue, out, call->out.view, call->n_q * ROW, NULL),
                     ATT_OK);
}

static void assert_near(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= 2e-5f)) /* of numbers below 1, after sums of S of them */
            fail_msg("number %zu: %g and %g", i, (double)a[i], (double)b[i]);
}

/* Calls that ask for fields in vain: nothing is gained, nothing is of a class, all heads are full.
 */
static int vain(desk *d, int i, att_attn_call *call)
{
    static att_attn_head_class all[2];
    const att_attn_classes classes = {.rule = (att_class_rule)(1 + i % 3),
                                      .key_class = bytes(d, S, i < 3 ? 4 : 2),
                                      .gain = {1.0f, 1.0f, 0.5f, 0.0f},
                                      .target = 1};
    *call = d->call;
    all[0].mask = all[1].mask = call->mask;
    if (i < 6) call->classes = classes;
    for (int c = 0; i < 3 && c < ATT_ATTN_MAX_CLASSES; c++) call->classes.gain[c] = 1.0f;
    if (i == 6) call->abs_gain = constants(d, S, 0.0f);
    if (i == 7) call->token_gain = constants(d, LINES, 1.0f);
    if (i == 8) call->head_gain = constants(d, H, 1.0f);
    if (i == 9) call->bias = (att_attn_view){constants(d, S, 0.0f), 0, 0, 0};
    if (i == 10) {
        call->head_class = bytes(d, H, 2);
        call->head_classes = all;
        call->n_head_classes = 2;
    }
    if (i == 11) { /* in no row */
        call->abs_gain = constants(d, S, 3.0f);
        call->gain_row_begin = call->gain_row_end = 1;
    }
    return i < 12;
}

/* Where portable bodies divide the keys among work-groups, a call with fields has other chunks: its
 * sums are then as close as other sums of the same numbers. */
static void what_is_asked_in_vain_changes_no_bit(void **state)
{
    (void)state;
    static float off[T * ROW], on[T * ROW];
    for (int portable = rig_portable_only(); portable < 2; portable++)
        for (int n = rig_small() ? 2 : 0; n < 4; n++) {
            desk d;
            att_attn_call call;
            open_desk(&d, portable);
            if (n % 2) d.call.n_q = 3;
            if (n / 2 && keys() > 60) d.call.n_k = 60;
            d.call.mask.q_first = d.call.n_k - d.call.n_q;
            const int chunks = !att_device_cpu_bodies(d.r.device) && d.call.n_k > 64;
            attend(&d, &d.call, off);
            for (int i = 0; vain(&d, i, &call); i++) {
                attend(&d, &call, on);
                assert_near(on, off, (size_t)call.n_q * ROW);
                if (!chunks && memcmp(on, off, (size_t)call.n_q * ROW * sizeof *on))
                    fail_msg("call %d, %d queries, portable %d", i, call.n_q, portable);
            }
            close_desk(&d);
        }
}

/* With values of 1 an output is what is left of its row's mass. */
static void redistribution_keeps_the_mass_of_rows(void **state)
{
    (void)state;
    static float out[T * ROW], ones[T * ROW];
    for (int i = 0; i < T * ROW; i++) ones[i] = 1.0f;
    for (int portable = rig_portable_only(); portable < 2; portable++)
        for (int n = rig_small() ? 3 : 0; n < 4; n++) {
            desk d;
            open_desk(&d, portable);
            if (n % 2) d.call.n_q = 2;
            d.call.v.view = constants(&d, S * ROW / 2, 1.0f);
            d.call.classes =
                (att_attn_classes){.rule = n / 2 ? ATT_CLASS_TO_ONE : ATT_CLASS_RENORMALISE,
                                   .key_class = bytes(&d, H * S, 4),
                                   .per_head = 1,
                                   .gain = {1.0f, 0.4f, 1.0f, 0.1f},
                                   .target = 2};
            attend(&d, &d.call, out);
            assert_near(out, ones, (size_t)d.call.n_q * ROW);
            close_desk(&d);
        }
}

/* A head of sink and window over all keys, and the same with a cache of only the keys that it sees,
 * in a ring, beside full heads. */
static void streaming_heads_need_only_their_keys(void **state)
{
    (void)state;
    enum { SINKS = 3, RECENT = 8, RING = SINKS + RECENT };
    static float dense[T * ROW], ring[T * ROW], k[RING * ROW], v[RING * ROW];
    int32_t at[RING];
    for (int portable = rig_portable_only(); portable < 2; portable++) {
        desk d;
        att_view pos;
        open_desk(&d, portable);
        d.call.n_q = 1;
        d.call.mask.q_first = keys() - 1;
        att_attn_head_class of[2] = {{.mask = d.call.mask}, {.mask = d.call.mask}};
        of[1].mask.flags |= ATT_MASK_WINDOW | ATT_MASK_SINK;
        of[1].mask.left = RECENT - 1;
        of[1].mask.n_sink = SINKS;
        d.call.head_class = bytes(&d, H, 2);
        d.call.head_classes = of;
        d.call.n_head_classes = 2;
        attend(&d, &d.call, dense);
        for (int i = 0; i < RING; i++) {
            at[i] = i < SINKS ? i : keys() - RECENT + (i + 3) % RECENT;
            const int64_t row = (int64_t)at[i] * (ROW / 2);
            assert_int_equal(att_queue_read(d.r.queue, k + i * ROW / 2,
                                            att_view_at(d.call.k.view, row), ROW / 2, NULL),
                             ATT_OK);
            assert_int_equal(att_queue_read(d.r.queue, v + i * ROW / 2,
                                            att_view_at(d.call.v.view, row), ROW / 2, NULL),
                             ATT_OK);
        }
        assert_int_equal(att_arena_take(d.arena, "test", ATT_I32, RING, &pos, NULL), ATT_OK);
        assert_int_equal(att_queue_write(d.r.queue, pos, at, RING, NULL), ATT_OK);
        of[1].k = (att_attn_view){take(&d, k, RING * ROW / 2), 0, D, ROW / 2};
        of[1].v = (att_attn_view){take(&d, v, RING * ROW / 2), 0, D, ROW / 2};
        of[1].n_k = RING;
        of[1].mask.k_pos = pos;
        attend(&d, &d.call, ring);
        assert_near(ring, dense, ROW);
        close_desk(&d);
    }
}

/* The mean over rows of what a key receives sums to 1 over the keys, whichever pass makes it. */
static void what_keys_receive_sums_to_one(void **state)
{
    (void)state;
    static float out[T * ROW], mean[H * S];
    for (int portable = rig_portable_only(); portable < 2; portable++)
        for (int few = 0; few < 2; few++) {
            desk d;
            open_desk(&d, portable);
            if (few) d.call.n_q = 2;
            d.call.taps.key_mean = constants(&d, H * S, 7.0f);
            attend(&d, &d.call, out);
            assert_int_equal(
                att_queue_read(d.r.queue, mean, d.call.taps.key_mean, H * keys(), NULL), ATT_OK);
            for (int h = 0; h < H; h++) {
                double sum = 0.0;
                for (int j = 0; j < keys(); j++) sum += (double)mean[h * keys() + j];
                assert_true(fabs(sum - 1.0) < 1e-5);
            }
            close_desk(&d);
        }
}

/* The kernels that a call says it needs are those that it launches: none is compiled later. */
static void kernels_of_a_call_are_listed(void **state)
{
    (void)state;
    att_kernel_id list[ATT_N_KERNELS];
    desk d;
    open_desk(&d, rig_portable_only());
    assert_int_equal(att_attn_call_kernels(d.r.device, &d.call, list, ATT_N_KERNELS), 0);
    d.call.abs_gain = constants(&d, S, 0.0f);
    assert_int_equal(att_attn_call_kernels(d.r.device, &d.call, list, ATT_N_KERNELS), 2);
    assert_int_equal(att_attn_call_kernels(d.r.device, &d.call, list, 1), 1);
    d.call.taps.key_mean = constants(&d, H * S, 0.0f);
    const size_t n = att_attn_call_kernels(d.r.device, &d.call, list, ATT_N_KERNELS);
    assert_true(n >= 3);
    assert_int_equal(att_device_prepare(d.r.device, list, n, NULL), ATT_OK);
    close_desk(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_matches_reference),
        cmocka_unit_test(what_is_asked_in_vain_changes_no_bit),
        cmocka_unit_test(redistribution_keeps_the_mass_of_rows),
        cmocka_unit_test(streaming_heads_need_only_their_keys),
        cmocka_unit_test(what_keys_receive_sums_to_one),
        cmocka_unit_test(kernels_of_a_call_are_listed),
    };
    return cmocka_run_group_tests_name("attn_fields", tests, NULL, NULL);
}
