/* test_llama_tiny.c - blocks of the Llama family on small random weights
 * (tests/golden/llama_tiny_random) against Hugging Face's implementation; made by
 * tools/reference/dump_llama_random.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "llama_rig.h"

enum { T = LLAMA_TOKENS, V = LLAMA_VOCAB, STEPS = 8 };

/* What the three config.json say. */
static const llama_config CONFIGS[] = {
    {"llama",
     {.width = 64,
      .heads = 4,
      .kv_heads = 2,
      .head_width = 16,
      .ffn_width = 112,
      .norm = ATT_NORM_RMS,
      .norm_eps = 1e-5f,
      .ffn = ATT_FFN_SWIGLU,
      .rope = {.kind = ATT_ROPE_HALF,
               .base = 10000.0,
               .scaling = ATT_ROPE_BY_PARTS,
               .factor = 4.0,
               .low_turns = 1.0,
               .high_turns = 4.0,
               .original_context = 64.0}},
     0,
     0},
    {"qwen2",
     {.width = 72,
      .heads = 6,
      .kv_heads = 2,
      .head_width = 12,
      .ffn_width = 100,
      .norm = ATT_NORM_RMS,
      .norm_eps = 1e-6f,
      .ffn = ATT_FFN_SWIGLU,
      .rope = {.kind = ATT_ROPE_HALF, .base = 1000000.0}},
     0,
     1},
    {"mistral",
     {.width = 64,
      .heads = 4,
      .kv_heads = 1,
      .head_width = 32,
      .ffn_width = 96,
      .norm = ATT_NORM_RMS,
      .norm_eps = 1e-5f,
      .ffn = ATT_FFN_SWIGLU,
      .rope = {.kind = ATT_ROPE_HALF, .base = 10000.0}},
     8,
     0},
};
enum { MODELS = sizeof CONFIGS / sizeof *CONFIGS };

/* Sums of f32 in other orders through two blocks, of logits up to 10: 1e-5 was seen, and runs of
 * the reference itself, at once and one by one, are as far apart. */
static const double CLOSE = 5e-5;

static void read_ids(const llama_rig *l, const char *name, int32_t *ids)
{
    const att_array *a = att_weights_find(l->golden, name);
    assert_non_null(a);
    assert_int_equal(att_array_elements(a), T);
    for (size_t i = 0; i < T; i++) ids[i] = (int32_t)att_array_value(a, i);
}

/* logits[rows][V] against the array's rows from the first on. */
static void assert_golden(const llama_rig *l, const char *name, int32_t first, int32_t rows,
                          const float *logits, double limit)
{
    const att_array *a = att_weights_find(l->golden, name);
    double worst = 0.0;
    assert_non_null(a);
    assert_true(att_array_elements(a) >= (int64_t)(first + rows) * V);
    for (int32_t i = 0; i < rows * V; i++) {
        const double off =
            fabs((double)logits[i] - att_array_value(a, (size_t)first * V + (size_t)i));
        if (!(off <= worst)) worst = off; /* a NaN becomes the worst and stays */
    }
    if (!(worst <= limit))
        fail_msg("%s %s is %g off, at most %g is expected", l->config.name, name, worst, limit);
}

/* The whole text in pieces of the given lengths, ended by a 0; pieces of one when there are none.
 */
static void run_pieces(llama_rig *l, const int32_t *ids, const int32_t *positions,
                       const int32_t *pieces, float *logits)
{
    llama_rig_clear(l);
    for (int32_t at = 0; at < T;) {
        const int32_t n = pieces && *pieces ? *pieces++ : 1;
        const llama_part part = {.text = 0, .rows = n, .ids = ids + at, .positions = positions};
        llama_rig_run(l, &part, 1, logits + (size_t)at * V);
        at += n;
    }
}

static const int32_t WHOLE[] = {T, 0}, HALVES[] = {T / 2, T / 2, 0}, MIXED[] = {5, 8, 11, 0},
                     SHORT[] = {5, 8, 3, 8, 0};

static void check_numbers(const llama_config *config, int portable)
{
    static float logits[T * V];
    int32_t ids[T], positions[T];
    llama_rig l = llama_rig_open(config, portable, 0);
    read_ids(&l, "ids", ids);
    run_pieces(&l, ids, NULL, WHOLE, logits);
    assert_golden(&l, "logits", 0, T, logits, CLOSE);
    run_pieces(&l, ids, NULL, MIXED, logits);
    assert_golden(&l, "logits", 0, T, logits, CLOSE);
    run_pieces(&l, ids, NULL, NULL, logits);
    assert_golden(&l, "logits", 0, T, logits, CLOSE);
    assert_golden(&l, "step_logits", 0, STEPS, logits + (size_t)(T - STEPS) * V, CLOSE);
    if (!config->window) { /* kept tokens of a longer text, at once and over a cache */
        read_ids(&l, "gap_positions", positions);
        run_pieces(&l, ids, positions, WHOLE, logits);
        assert_golden(&l, "gap_logits", 0, STEPS, logits + (size_t)(T - STEPS) * V, CLOSE);
        run_pieces(&l, ids, positions, MIXED, logits);
        assert_golden(&l, "gap_logits", 0, STEPS, logits + (size_t)(T - STEPS) * V, CLOSE);
    }
    llama_rig_close(&l);
}

static void for_all(void (*check)(const llama_config *config, int portable))
{
    const int bodies = rig_portable_only() ? 1 : 2;
    for (int i = 0; i < MODELS; i++)
        for (int portable = 2 - bodies; portable < 2; portable++) check(&CONFIGS[i], portable);
}

static void logits_are_the_references(void **state)
{
    (void)state;
    for_all(check_numbers);
}

/* Bit for bit, where a piece's queries run through the same kernel of attention: up to 8 are few.
 */
static void check_pieces(const llama_config *config, int portable)
{
    static float one[T * V], other[T * V];
    int32_t ids[T];
    llama_rig l = llama_rig_open(config, portable, 0);
    read_ids(&l, "ids", ids);
    if (att_device_cpu_bodies(l.r.device)) {
        run_pieces(&l, ids, NULL, WHOLE, one);
        run_pieces(&l, ids, NULL, HALVES, other);
        assert_memory_equal(one, other, sizeof one);
        run_pieces(&l, ids, NULL, NULL, one);
        run_pieces(&l, ids, NULL, SHORT, other);
        assert_memory_equal(one, other, sizeof one);
    }
    llama_rig_close(&l);
}

static void pieces_are_the_whole(void **state)
{
    (void)state;
    for_all(check_pieces);
}

/* Two texts of different lengths in one call say what each says alone. */
static void check_company(const llama_config *config, int portable)
{
    enum { FIRST = 10, A = 4, B = 7 };
    static float start[T * V], alone[(A + B) * V], together[(A + B) * V];
    int32_t ids[T];
    llama_rig l = llama_rig_open(config, portable, 0);
    read_ids(&l, "ids", ids);
    const llama_part head = {.text = 0, .rows = FIRST, .ids = ids};
    const llama_part parts[] = {{.text = 0, .rows = A, .ids = ids + FIRST},
                                {.text = 1, .rows = B, .ids = ids + 3}};
    llama_rig_run(&l, &head, 1, start);
    llama_rig_run(&l, &parts[0], 1, alone);
    llama_rig_run(&l, &parts[1], 1, alone + A * V);
    llama_rig_clear(&l);
    llama_rig_run(&l, &head, 1, start);
    llama_rig_run(&l, parts, 2, together);
    assert_memory_equal(together, alone, sizeof alone);
    assert_golden(&l, "logits", FIRST, A, together, CLOSE);
    llama_rig_close(&l);
}

static void texts_do_not_know_each_other(void **state)
{
    (void)state;
    for_all(check_company);
}

/* Keys, values and what lies between products as f16, as a GPU has it at `fast`. */
static void halves_say_nearly_the_same(void **state)
{
    (void)state;
    static float logits[T * V];
    for (int i = 0; i < MODELS; i++) {
        int32_t ids[T];
        llama_rig l = llama_rig_open(&CONFIGS[i], 1, 1);
        read_ids(&l, "ids", ids);
        run_pieces(&l, ids, NULL, MIXED, logits);
        /* Logits up to 10 after two blocks of some ten roundings to 2^-11 each. */
        assert_golden(&l, "logits", 0, T, logits, 5e-2);
        llama_rig_close(&l);
    }
}

/* Positions count as differences: the same text further on says the same, up to rounding. */
static void a_text_may_begin_anywhere(void **state)
{
    (void)state;
    static float logits[T * V];
    int32_t ids[T], positions[T];
    llama_rig l = llama_rig_open(&CONFIGS[1], rig_portable_only(), 0);
    read_ids(&l, "ids", ids);
    for (int32_t i = 0; i < T; i++) positions[i] = 131072 - T + i;
    run_pieces(&l, ids, positions, MIXED, logits);
    assert_golden(&l, "logits", 0, T, logits, CLOSE);
    llama_rig_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_the_references),
        cmocka_unit_test(pieces_are_the_whole),
        cmocka_unit_test(texts_do_not_know_each_other),
        cmocka_unit_test(halves_say_nearly_the_same),
        cmocka_unit_test(a_text_may_begin_anywhere),
    };
    return cmocka_run_group_tests_name("llama_tiny", tests, NULL, NULL);
}
