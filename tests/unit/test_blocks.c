/* test_blocks.c - lib/weights/blocks.c against ggml's own unpacking
 * (tests/golden/blocks.safetensors, made by tools/reference/dump_blocks.py): bit for bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "blocks.h"
#include "weights.h"

enum { MAX_BLOCKS = 64 };

static const att_array *find(const att_weights *w, att_blocks kind, const char *what)
{
    char name[32];
    snprintf(name, sizeof name, "%s.%s", att_blocks_name(kind), what);
    const att_array *a = att_weights_find(w, name);
    if (!a) fail_msg("no %s in the golden file", name);
    return a;
}

static void values_are_the_references(void **state)
{
    (void)state;
    static float got[MAX_BLOCKS * ATT_BLOCK_MAX_ELEMENTS];
    att_weights *w;
    att_err err;
    if (att_weights_open(&w, ATT_SOURCE_DIR "/tests/golden/blocks.safetensors", &err))
        fail_msg("%s", err.text);
    for (att_blocks kind = ATT_BLOCKS_Q4_0; kind < ATT_N_BLOCKS; kind++) {
        const att_array *blocks = find(w, kind, "blocks"), *values = find(w, kind, "values");
        const size_t n = (size_t)blocks->dims[0], elements = att_blocks_elements(kind);
        assert_true(n > 0 && n <= MAX_BLOCKS);
        assert_int_equal(blocks->dims[1], att_blocks_bytes(kind));
        assert_int_equal(values->bytes, n * elements * sizeof *got);
        att_blocks_unpack(kind, blocks->data, n, got);
        if (memcmp(got, values->data, values->bytes) != 0)
            fail_msg("%s: a value differs from the reference's", att_blocks_name(kind));

        /* the same through an array, element by element */
        const att_array packed = {.dtype = ATT_N_DTYPES,
                                  .blocks = kind,
                                  .rank = 2,
                                  .dims = {blocks->dims[0], (int64_t)elements},
                                  .data = blocks->data,
                                  .bytes = blocks->bytes};
        for (size_t i = 0; i < n * elements; i++)
            assert_true(att_array_value(&packed, i) == (double)got[i]);
        assert_true(isnan(att_array_value(&packed, n * elements)));
    }
    att_weights_close(w);
}

static void kinds_have_names_and_sizes(void **state)
{
    (void)state;
    assert_int_equal(att_blocks_bytes(ATT_BLOCKS_NONE), 0);
    assert_int_equal(att_blocks_bytes(ATT_N_BLOCKS), 0);
    assert_string_equal(att_blocks_name(ATT_BLOCKS_NONE), "?");
    assert_string_equal(att_blocks_name(ATT_BLOCKS_Q5_1), "q5_1");
    assert_int_equal(att_blocks_bytes(ATT_BLOCKS_Q8_0), 34);
    assert_int_equal(att_blocks_elements(ATT_BLOCKS_NONE), 0);
    assert_int_equal(att_blocks_elements(ATT_BLOCKS_Q8_0), ATT_BLOCK_ELEMENTS);
    assert_int_equal(att_blocks_elements(ATT_BLOCKS_Q4_K), ATT_BLOCK_MAX_ELEMENTS);
    assert_string_equal(att_blocks_name(ATT_BLOCKS_Q6_K), "q6_k");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_references),
        cmocka_unit_test(kinds_have_names_and_sizes),
    };
    return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
