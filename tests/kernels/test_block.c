/* test_block.c - lib/nn/block.c: what it refuses, and that a causal block says the same of a prompt
 * and of its tokens one by one. Its numbers: tests/models/test_whisper_tiny.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "block.h"
#include "rig.h"

enum { C = 128, HEADS = 2, D = 64, F = 256, T = 12, KEYS = 9 };

static const att_block_desc DESC = {
    .width = C,
    .heads = HEADS,
    .kv_heads = HEADS,
    .head_width = D,
    .ffn_width = F,
    .norm_eps = 1e-5f,
    .cross = 1,
};

typedef struct fixture {
    rig r;
    att_arena *arena;
    att_block block;
    att_block_scratch scratch;
    att_cache self, memory;
    att_mat x, rows;
} fixture;

static att_linear *make_linear(fixture *f, int32_t rows, int32_t cols, uint32_t seed)
{
    static float w[4 * C * F];
    att_linear *linear;
    att_conform_fill(w, (int64_t)rows * cols, seed, 0.1f);
    const att_weight_part part = {w, ATT_F32, NULL, rows, NULL, ATT_BLOCKS_NONE, 0};
    assert_int_equal(att_linear_create(&linear, f->r.queue, f->arena, "test", &part, 1, cols,
                                       ATT_PRECISION_EXACT, NULL),
                     ATT_OK);
    return linear;
}

static att_mat make_rows(fixture *f, int32_t n, uint32_t seed)
{
    static float x[T * C];
    att_view view;
    att_conform_fill(x, (int64_t)n * C, seed, 1.0f);
    assert_int_equal(att_arena_take(f->arena, "test", ATT_F32, (int64_t)n * C, &view, NULL),
                     ATT_OK);
    assert_int_equal(att_queue_write(f->r.queue, view, x, (int64_t)n * C, NULL), ATT_OK);
    return att_mat_of(view, n, C);
}

static fixture open_fixture(int portable)
{
    fixture f = {.r = rig_open(portable || rig_portable_only())};
    assert_int_equal(att_arena_create(&f.arena, f.r.device, "test", NULL), ATT_OK);
    f.block.desc = DESC;
    f.block.self_norm.eps = f.block.cross_norm.eps = f.block.ffn_norm.eps = 1e-5f;
    f.block.self_qkv = make_linear(&f, 3 * C, C, 1);
    f.block.self_out = make_linear(&f, C, C, 2);
    f.block.cross_q = make_linear(&f, C, C, 3);
    f.block.cross_kv = make_linear(&f, 2 * C, C, 4);
    f.block.cross_out = make_linear(&f, C, C, 5);
    f.block.ffn_in = make_linear(&f, F, C, 6);
    f.block.ffn_out = make_linear(&f, C, F, 7);
    f.x = make_rows(&f, T, 8);
    f.rows = make_rows(&f, KEYS, 9);
    assert_int_equal(att_block_scratch_init(&f.scratch, f.arena, f.r.device, &DESC, T, T, NULL),
                     ATT_OK);
    assert_int_equal(att_cache_init(&f.self, f.arena, "test", ATT_F32, T, HEADS, D, D, NULL),
                     ATT_OK);
    assert_int_equal(att_cache_init(&f.memory, f.arena, "test", ATT_F32, KEYS, HEADS, D, D, NULL),
                     ATT_OK);
    return f;
}

static void close_fixture(fixture *f)
{
    att_block_finish(&f->block);
    att_arena_destroy(f->arena);
    rig_close(&f->r);
}

static void run(fixture *f, int32_t first, int32_t n)
{
    att_err err;
    const att_attn_call causal = {.mask = {.flags = ATT_MASK_CAUSAL, .q_first = first}};
    const att_block_part part = {
        .rows = n, .self_policy = &causal, .self_cache = &f->self, .memory = &f->memory};
    const att_block_call call = {.x = att_mat_rows(f->x, first, n), .parts = &part, .n_parts = 1};
    if (att_block_apply(f->r.queue, &f->block, &f->scratch, &call, &err)) fail_msg("%s", err.text);
}

static void a_prompt_is_its_tokens(void **state)
{
    (void)state;
    static float start[T * C], whole[T * C], steps[T * C];
    fixture f = open_fixture(0);
    att_err err;
    if (att_block_remember(f.r.queue, &f.block, &f.scratch, f.rows, &f.memory, &err) ||
        att_queue_read(f.r.queue, start, f.x.view, T * C, &err))
        fail_msg("%s", err.text);
    run(&f, 0, T);
    assert_int_equal(att_queue_read(f.r.queue, whole, f.x.view, T * C, NULL), ATT_OK);

    assert_int_equal(att_queue_write(f.r.queue, f.x.view, start, T * C, NULL), ATT_OK);
    f.self.length = 0;
    run(&f, 0, 5);
    for (int32_t t = 5; t < T; t++) run(&f, t, 1);
    assert_int_equal(att_queue_read(f.r.queue, steps, f.x.view, T * C, NULL), ATT_OK);
    double worst = 0.0, moved = 0.0;
    for (int i = 0; i < T * C; i++) {
        const double off = fabs((double)whole[i] - (double)steps[i]);
        if (!(off <= worst)) worst = off;
        moved += fabs((double)whole[i] - (double)start[i]);
    }
    assert_true(worst <= 1e-5); /* the softmax of one query and of many are different kernels */
    assert_true(moved > 1.0);
    close_fixture(&f);
}

/* Three texts side by side, which may become one call of attention, and each of them alone. */
static void parts_do_not_know_each_other(void **state)
{
    (void)state;
    enum { PARTS = 3, ROWS = T / PARTS };
    static float start[T * C], together[T * C], alone[T * C];
    const int bodies = rig_portable_only() ? 1 : 2;
    for (int portable = 0; portable < bodies; portable++) {
        fixture f = open_fixture(portable);
        att_err err;
        att_block_part parts[PARTS];
        if (att_block_remember(f.r.queue, &f.block, &f.scratch, f.rows, &f.memory, &err) ||
            att_queue_read(f.r.queue, start, f.x.view, T * C, &err))
            fail_msg("%s", err.text);
        for (int i = 0; i < PARTS; i++)
            parts[i] = (att_block_part){.rows = ROWS, .memory = &f.memory};
        const att_block_call all = {.x = f.x, .parts = parts, .n_parts = PARTS};
        assert_int_equal(att_block_apply(f.r.queue, &f.block, &f.scratch, &all, NULL), ATT_OK);
        assert_int_equal(att_queue_read(f.r.queue, together, f.x.view, T * C, NULL), ATT_OK);
        assert_int_equal(att_queue_write(f.r.queue, f.x.view, start, T * C, NULL), ATT_OK);
        for (int i = 0; i < PARTS; i++) {
            const att_block_call one = {
                .x = att_mat_rows(f.x, i * ROWS, ROWS), .parts = parts, .n_parts = 1};
            assert_int_equal(att_block_apply(f.r.queue, &f.block, &f.scratch, &one, NULL), ATT_OK);
        }
        assert_int_equal(att_queue_read(f.r.queue, alone, f.x.view, T * C, NULL), ATT_OK);
        assert_memory_equal(together, alone, sizeof alone);
        close_fixture(&f);
    }
}

/* A policy's gains, classes and read-outs reach the self-attention: what is asked in vain changes
 * no bit, a head whose gain is 0 does, and the rows' masses by class come back. */
static void policies_reach_the_attention(void **state)
{
    (void)state;
    static float start[T * C], out[3][T * C];
    float mass[HEADS * T * ATT_ATTN_MAX_CLASSES], gains[HEADS] = {1.0f, 1.0f};
    const int32_t n = rig_small() ? 3 : T; /* an interpreter takes a minute for four rows */
    const size_t bytes = (size_t)n * C * sizeof(float);
    const uint8_t classes[T] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
    fixture f = open_fixture(0);
    att_view key_class, masses, gain;
    att_err err;
    if (att_arena_take(f.arena, "test", ATT_U8, T, &key_class, &err) ||
        att_arena_take(f.arena, "test", ATT_F32, HEADS, &gain, &err) ||
        att_arena_take(f.arena, "test", ATT_F32, (int64_t)(sizeof mass / sizeof *mass), &masses,
                       &err) ||
        att_queue_write(f.r.queue, key_class, classes, T, &err) ||
        att_block_remember(f.r.queue, &f.block, &f.scratch, f.rows, &f.memory, &err) ||
        att_queue_read(f.r.queue, start, f.x.view, T * C, &err))
        fail_msg("%s", err.text);
    att_attn_call policy = {.mask = {.flags = ATT_MASK_CAUSAL}};
    const att_block_part part = {
        .rows = n, .self_policy = &policy, .self_cache = &f.self, .memory = &f.memory};
    const att_block_call call = {.x = att_mat_rows(f.x, 0, n), .parts = &part, .n_parts = 1};
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            policy.classes = (att_attn_classes){
                .rule = ATT_CLASS_TO_ONE, .key_class = key_class, .gain = {1.0f, 1.0f, 1.0f, 0.5f}};
            policy.taps.class_mass = masses;
            policy.head_gain = gain;
        }
        gains[1] = i == 2 ? 0.0f : 1.0f;
        f.self.length = 0;
        if (att_queue_write(f.r.queue, gain, gains, HEADS, &err) ||
            att_queue_write(f.r.queue, f.x.view, start, T * C, &err) ||
            att_block_apply(f.r.queue, &f.block, &f.scratch, &call, &err) ||
            att_queue_read(f.r.queue, out[i], f.x.view, T * C, &err))
            fail_msg("%s", err.text);
    }
    assert_memory_equal(out[1], out[0], bytes);
    assert_memory_not_equal(out[2], out[0], bytes);
    assert_int_equal(
        att_queue_read(f.r.queue, mass, masses, (int64_t)HEADS * n * ATT_ATTN_MAX_CLASSES, NULL),
        ATT_OK);
    for (int i = 0; i < HEADS * n; i++) {
        const float *m = mass + (size_t)i * ATT_ATTN_MAX_CLASSES;
        assert_true(fabsf(m[0] + m[1] + m[2] - 1.0f) < 1e-5f && m[3] == 0.0f);
    }
    close_fixture(&f);
}

static void kernels_of_a_policy_are_listed(void **state)
{
    (void)state;
    att_kernel_id list[ATT_N_KERNELS];
    fixture f = open_fixture(0);
    att_attn_call policy = {.mask = {.flags = ATT_MASK_CAUSAL}};
    assert_int_equal(
        att_block_policy_kernels(f.r.device, &DESC, &policy, ATT_F16, list, ATT_N_KERNELS), 0);
    policy.token_gain = f.x.view;
    assert_int_equal(
        att_block_policy_kernels(f.r.device, &DESC, &policy, ATT_F16, list, ATT_N_KERNELS), 2);
    close_fixture(&f);
}

/* What lies between the products in halves: portable bodies do that on every device. */
static void halves_between_products_say_nearly_the_same(void **state)
{
    (void)state;
    static float start[T * C], full[T * C], half[T * C];
    const int32_t n = rig_small() ? 7 : T;
    fixture f = open_fixture(1);
    att_err err;
    assert_int_equal(att_queue_read(f.r.queue, start, f.x.view, T * C, NULL), ATT_OK);
    for (int halves = 0; halves < 2; halves++) {
        const att_dtype dtype = halves ? ATT_F16 : ATT_F32;
        if (att_arena_take(f.arena, "test", dtype, T * C, &f.scratch.hidden, &err) ||
            att_arena_take(f.arena, "test", dtype, 3 * T * C, &f.scratch.wide, &err) ||
            att_queue_write(f.r.queue, f.x.view, start, T * C, &err) ||
            att_block_remember(f.r.queue, &f.block, &f.scratch, f.rows, &f.memory, &err))
            fail_msg("%s", err.text);
        f.self.length = 0;
        run(&f, 0, 5);
        for (int32_t t = 5; t < n; t++) run(&f, t, 1);
        assert_int_equal(att_queue_read(f.r.queue, halves ? half : full, f.x.view, T * C, NULL),
                         ATT_OK);
    }
    double worst = 0.0;
    for (int32_t i = 0; i < n * C; i++) {
        const double off = fabs((double)half[i] - (double)full[i]);
        if (!(off <= worst)) worst = off;
    }
    assert_true(worst <= 2e-2); /* values of some units, ten roundings to 2^-11 */
    assert_true(worst > 1e-6);
    close_fixture(&f);
}

static void what_is_not_built_is_refused(void **state)
{
    (void)state;
    att_err err;
    att_block_desc d = DESC;
    assert_int_equal(att_block_check(&d, &err), ATT_OK);
    d.rope.kind = ATT_ROPE_HALF; /* and no base */
    assert_int_equal(att_block_check(&d, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "rotary"));
    d = DESC;
    d.post_norm = 1;
    assert_int_equal(att_block_check(&d, &err), ATT_E_UNSUPPORTED);
    d = DESC;
    d.kv_heads = 3;
    assert_int_equal(att_block_check(&d, &err), ATT_E_ARG);
    d.width = 0;
    assert_int_equal(att_block_check(&d, &err), ATT_E_ARG);
}

static int lists(att_device *device, const att_block_desc *desc, att_kernel_id a, att_kernel_id b)
{
    att_kernel_id list[ATT_N_KERNELS];
    const size_t n =
        att_block_kernels(device, desc, ATT_F32, ATT_F32, list, sizeof list / sizeof *list);
    for (size_t i = 0; i < n; i++)
        if (list[i] == a || list[i] == b) return 1;
    return 0;
}

static void kernels_are_those_of_the_description(void **state)
{
    (void)state;
    rig r = rig_open(rig_portable_only());
    att_block_desc d = DESC;
    assert_true(lists(r.device, &d, ATT_K_NORM_ANY, ATT_K_NORM_CPU));
    assert_false(lists(r.device, &d, ATT_K_ROPE_ANY, ATT_K_ROPE_CPU));
    assert_false(lists(r.device, &d, ATT_K_SWIGLU_ANY, ATT_K_SWIGLU_CPU));
    d.rope.kind = ATT_ROPE_HALF;
    d.ffn = ATT_FFN_SWIGLU;
    assert_true(lists(r.device, &d, ATT_K_ROPE_ANY, ATT_K_ROPE_CPU));
    assert_true(lists(r.device, &d, ATT_K_SWIGLU_ANY, ATT_K_SWIGLU_CPU));
    rig_close(&r);
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    fixture f = open_fixture(0);
    att_err err;
    att_block_part part = {.rows = T};
    att_block_call call = {.x = f.x, .parts = &part, .n_parts = 1};
    assert_int_equal(att_block_apply(f.r.queue, &f.block, &f.scratch, &call, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "memory"));
    part.memory = &f.memory;
    part.rows = T - 1;
    assert_int_equal(att_block_apply(f.r.queue, &f.block, &f.scratch, &call, &err), ATT_E_SHAPE);
    assert_non_null(strstr(err.text, "11 rows"));
    part.rows = call.x.rows = T + 1;
    assert_int_equal(att_block_apply(f.r.queue, &f.block, &f.scratch, &call, &err), ATT_E_SHAPE);
    part.rows = call.x.rows = T;
    f.block.desc.rope.kind = ATT_ROPE_HALF;
    assert_int_equal(att_block_apply(f.r.queue, &f.block, &f.scratch, &call, &err), ATT_E_ARG);
    assert_non_null(strstr(err.text, "rotary"));
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_is_its_tokens),
        cmocka_unit_test(parts_do_not_know_each_other),
        cmocka_unit_test(policies_reach_the_attention),
        cmocka_unit_test(kernels_of_a_policy_are_listed),
        cmocka_unit_test(halves_between_products_say_nearly_the_same),
        cmocka_unit_test(what_is_not_built_is_refused),
        cmocka_unit_test(kernels_are_those_of_the_description),
        cmocka_unit_test(senseless_calls_are_refused),
    };
    return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
