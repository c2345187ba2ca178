/* test_attn.c - the conformance cases of attention (lib/conform/conform_attn.c) on the device under
 * test, and what callers may rely on beyond them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "attn.h"
#include "rig.h"

enum { H = 4, D = 24, T = 60, S = 600, ROW = H * D };

/* Fewer for an interpreter. */
static int32_t queries(void)
{
    return rig_small() ? 12 : T;
}

static int32_t keys(void)
{
    return rig_small() ? 40 : S;
}

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("attn");
}

/* One call of T queries over S keys on a device of its own. */
typedef struct desk {
    rig r;
    att_arena *arena;
    att_view scratch;
    att_attn_call call;
} desk;

static att_view take(desk *d, int64_t n, uint32_t seed)
{
    static float x[S * ROW];
    att_view v;
    assert_true(n <= S * ROW);
    att_conform_fill(x, n, seed, 1.0f);
    assert_int_equal(att_arena_take(d->arena, "test", ATT_F32, n, &v, NULL), ATT_OK);
    assert_int_equal(att_queue_write(d->r.queue, v, x, n, NULL), ATT_OK);
    return v;
}

/* Arrays and the plain call, on the rig's device. */
static void lay_out(desk *d)
{
    assert_int_equal(att_arena_create(&d->arena, d->r.device, "test", NULL), ATT_OK);
    d->call = (att_attn_call){.batch = 1, .heads = H, .kv_heads = H, .d_qk = D, .d_v = D};
    d->call.n_q = queries();
    d->call.n_k = keys();
    d->call.scale = 0.5f;
    d->call.q = (att_attn_view){take(d, T * ROW, 1), 0, D, ROW};
    d->call.k = (att_attn_view){take(d, S * ROW, 2), 0, D, ROW};
    d->call.v = (att_attn_view){take(d, S * ROW, 3), 0, D, ROW};
    d->call.out = (att_attn_view){take(d, T * ROW, 4), 0, D, ROW};
    const int64_t n = att_attn_scratch(d->r.device, &d->call);
    assert_int_equal(att_arena_take(d->arena, "scratch", ATT_F32, n + 1, &d->scratch, NULL),
                     ATT_OK);
}

static void open_desk(desk *d, int portable)
{
    memset(d, 0, sizeof *d);
    d->r = rig_open(portable);
    lay_out(d);
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
    for (size_t i = 0; i < n; i++) assert_float_equal(a[i], b[i], 2e-5f);
}

/* The first rows of a causal call over all keys, and of calls over the keys up to them. */
static void a_prefix_gives_the_same_rows(void **state)
{
    (void)state;
    static float whole[T * ROW], part[T * ROW];
    const int32_t prefixes[] = {1, 5, 9, queries() - 1};
    for (int portable = rig_portable_only(); portable < 2; portable++) {
        desk d;
        open_desk(&d, portable);
        d.call.mask.flags = ATT_MASK_CAUSAL;
        d.call.mask.q_first = keys() - queries();
        attend(&d, &d.call, whole);
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
            att_attn_call call = d.call;
            call.n_q = prefixes[i];
            call.n_k = keys() - queries() + prefixes[i];
            attend(&d, &call, part);
            assert_near(part, whole, (size_t)call.n_q * ROW);
        }
        close_desk(&d);
    }
}

/* Sparse with all selected is dense: a mask that hides nothing, however it is said. */
static void a_mask_that_hides_nothing_changes_nothing(void **state)
{
    (void)state;
    static float plain[T * ROW], masked[T * ROW];
    const att_attn_mask masks[] = {
        {.flags = ATT_MASK_WINDOW, .left = -1, .right = -1},
        {.flags = ATT_MASK_WINDOW, .left = S, .right = S},
        {.flags = ATT_MASK_CAUSAL, .q_first = S},
        {.flags = ATT_MASK_SINK, .n_sink = S},
        {.flags = ATT_MASK_GLOBAL, .n_global = T},
        {.flags = ATT_MASK_SEQ},
    };
    for (int portable = rig_portable_only(); portable < 2; portable++) {
        desk d;
        open_desk(&d, portable);
        for (int32_t n_q = queries(); n_q > 0; n_q = n_q > 2 ? 2 : 0) {
            d.call.n_q = n_q;
            d.call.mask = (att_attn_mask){.flags = 0};
            attend(&d, &d.call, plain);
            for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
                d.call.mask = masks[i];
                attend(&d, &d.call, masked);
                assert_memory_equal(masked, plain, (size_t)n_q * ROW * sizeof *plain);
            }
        }
        close_desk(&d);
    }
}

/* Positions are data: without a mask the order of the keys means nothing. */
static void keys_may_come_in_any_order(void **state)
{
    (void)state;
    static float forward[T * ROW], backward[T * ROW], rows[S * ROW], turned[S * ROW];
    desk d;
    open_desk(&d, rig_portable_only());
    attend(&d, &d.call, forward);
    att_view both[] = {d.call.k.view, d.call.v.view};
    for (int n = 0; n < 2; n++) {
        assert_int_equal(att_queue_read(d.r.queue, rows, both[n], S * ROW, NULL), ATT_OK);
        for (int32_t j = 0; j < keys(); j++)
            memcpy(turned + j * ROW, rows + (keys() - 1 - j) * ROW, ROW * sizeof *rows);
        assert_int_equal(att_queue_write(d.r.queue, both[n], turned, S * ROW, NULL), ATT_OK);
    }
    attend(&d, &d.call, backward);
    assert_near(forward, backward, (size_t)queries() * ROW);
    close_desk(&d);
}

/* A row of a long call and the same row alone run different kernels and agree. */
static void few_and_many_queries_agree(void **state)
{
    (void)state;
    static float together[T * ROW], alone[ROW];
    desk d;
    open_desk(&d, rig_portable_only());
    attend(&d, &d.call, together);
    for (int32_t i = 0; i < queries(); i += 7) {
        att_attn_call call = d.call;
        call.n_q = 1;
        call.q.view.at += i * ROW;
        call.out.view.at += i * ROW;
        attend(&d, &call, alone);
        assert_near(alone, together + i * ROW, ROW);
    }
    close_desk(&d);
}

/* The sums of a row have one order, however many threads there are. */
static void threads_change_no_bit(void **state)
{
    (void)state;
    static float out[2][2][T * ROW];
    for (int one = 0; one < 2; one++) {
        desk d;
        att_err err;
        att_device_options o = att_device_defaults();
        o.select = getenv("ATT_TEST_DEVICE");
        o.portable = rig_portable_only();
        open_desk(&d, o.portable);
        if (!att_device_get_info(d.r.device)->can_partition) {
            close_desk(&d);
            skip();
        }
        if (one) {
            close_desk(&d);
            o.threads = 1;
            if (att_device_open(&d.r.device, &o, &err)) fail_msg("%s", err.text);
            if (att_queue_create(&d.r.queue, d.r.device, &err)) fail_msg("%s", err.text);
            lay_out(&d);
        }
        attend(&d, &d.call, out[one][0]);
        d.call.n_q = 2;
        attend(&d, &d.call, out[one][1]);
        close_desk(&d);
    }
    assert_memory_equal(out[0][0], out[1][0], (size_t)queries() * ROW * sizeof(float));
    assert_memory_equal(out[0][1], out[1][1], 2 * ROW * sizeof(float));
}

static void expect(desk *d, const att_attn_call *call, att_status status, const char *word)
{
    att_err err = {ATT_OK, ""};
    assert_int_equal(att_attn(d->r.queue, call, d->scratch, &err), status);
    if (!strstr(err.text, word)) fail_msg("'%s' does not speak of %s", err.text, word);
}

/* Refused by name, and the output is left alone. */
static void unknown_fields_are_refused_by_name(void **state)
{
    (void)state;
    static float before[T * ROW], after[T * ROW];
    desk d;
    open_desk(&d, rig_portable_only());
    const att_view v = d.scratch;
    assert_int_equal(att_queue_read(d.r.queue, before, d.call.out.view, T * ROW, NULL), ATT_OK);
    att_attn_call call = d.call;
    call.tiles.tile_k = 16;
    call.k_rows = v;
    expect(&d, &call, ATT_E_UNSUPPORTED, "tiles, k_rows");
#define REFUSE(field, value, name)                                                                 \
    call = d.call;                                                                                 \
    call.field = value;                                                                            \
    expect(&d, &call, ATT_E_UNSUPPORTED, name)
    REFUSE(tiles.tile_k, 16, "tiles");
    REFUSE(q_rows, v, "q_rows");
    REFUSE(k_rows, v, "k_rows");
    REFUSE(d_qk, 129, "129");
    const att_attn_head_class tiled = {.tiles = {.tile_k = 16}};
    call = d.call;
    call.head_class = (att_view){v.buf, NULL, 0, ATT_U8};
    call.head_classes = &tiled;
    call.n_head_classes = 1;
    expect(&d, &call, ATT_E_UNSUPPORTED, "head_classes[0].tiles");
#undef REFUSE
    assert_int_equal(att_queue_read(d.r.queue, after, d.call.out.view, T * ROW, NULL), ATT_OK);
    assert_memory_equal(before, after, sizeof before);
    close_desk(&d);
}

static void refuse_senseless_calls(int portable)
{
    const int32_t heads[] = {H};
    desk d;
    open_desk(&d, portable);
    att_attn_call call;
#define REFUSE(field, value, status, word)                                                         \
    call = d.call;                                                                                 \
    call.field = value;                                                                            \
    expect(&d, &call, status, word)
    REFUSE(heads, 0, ATT_E_ARG, "heads 0");
    REFUSE(kv_heads, 3, ATT_E_ARG, "divide");
    REFUSE(n_k, -1, ATT_E_ARG, "-1 keys");
    REFUSE(n_k, S + 1, ATT_E_SHAPE, "k needs");
    REFUSE(v.token, S * ROW, ATT_E_SHAPE, "v needs");
    REFUSE(out.head, -1, ATT_E_ARG, "out");
    REFUSE(q.view.dtype, ATT_I32, ATT_E_ARG, "q is i32");
    REFUSE(q.view.buf, NULL, ATT_E_ARG, "q is not in device memory");
    REFUSE(mask.flags, 1u << 8, ATT_E_ARG, "0x100");
    REFUSE(mask.flags, ATT_MASK_BITS, ATT_E_ARG, "bits");
    REFUSE(mask.left, -2, ATT_E_ARG, "-2");
    REFUSE(mask.q_pos, d.scratch, ATT_E_ARG, "mask.q_pos is f32");
    REFUSE(taps.lse, att_view_at(d.call.out.view, T * ROW - 1), ATT_E_SHAPE, "taps.lse");
    REFUSE(taps.scores, d.call.k.view, ATT_E_ARG, "maps of 0 heads");
    REFUSE(diag_mix, d.call.k.view, ATT_E_ARG, "diag_mix");
    REFUSE(classes.rule, ATT_CLASS_GIVEN, ATT_E_ARG, "key_class");
    REFUSE(classes.rule, (att_class_rule)9, ATT_E_ARG, "rule 9");
    REFUSE(head_class, d.call.k.view, ATT_E_ARG, "head_classes");
    REFUSE(taps.class_mass, d.call.k.view, ATT_E_ARG, "key_class");
    REFUSE(taps.argmax, d.call.k.view, ATT_E_ARG, "taps.argmax is f32");
    REFUSE(taps.key_mean, att_view_at(d.call.out.view, T * ROW - 1), ATT_E_SHAPE, "taps.key_mean");
    REFUSE(abs_gain, att_view_at(d.call.out.view, T * ROW - 1), ATT_E_SHAPE, "abs_gain");
    REFUSE(token_gain, att_view_at(d.call.out.view, T * ROW - 1), ATT_E_SHAPE, "token_gain");
    REFUSE(bias.view, att_view_at(d.call.out.view, T * ROW - 1), ATT_E_SHAPE, "bias");
#undef REFUSE
    call = d.call;
    call.taps.scores = d.call.k.view;
    call.taps.heads = heads;
    call.taps.n_heads = 1;
    expect(&d, &call, ATT_E_ARG, "map of head 4");
    if (att_attn_scratch(d.r.device, &d.call)) {
        d.scratch = att_view_at(d.scratch, 2);
        expect(&d, &d.call, ATT_E_SHAPE, "scratch needs");
    }
    close_desk(&d);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    for (int portable = rig_portable_only(); portable < 2; portable++)
        refuse_senseless_calls(portable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_matches_reference),
        cmocka_unit_test(a_prefix_gives_the_same_rows),
        cmocka_unit_test(a_mask_that_hides_nothing_changes_nothing),
        cmocka_unit_test(keys_may_come_in_any_order),
        cmocka_unit_test(few_and_many_queries_agree),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(unknown_fields_are_refused_by_name),
        cmocka_unit_test(senseless_calls_are_refused),
    };
    return cmocka_run_group_tests_name("attn", tests, NULL, NULL);
}
