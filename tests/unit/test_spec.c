/* test_spec.c - lib/weights/spec.c: tables bind what fits, and say everything that does not at
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "spec.h"
#include "weightfile.h"

typedef struct block {
    const att_array *gamma, *qkv, *scale, *count;
} block;

#define INTO(member) offsetof(block, member)

static const att_spec_row BLOCK[] = {
    {"layer_%d/gamma", "C", ATT_SPEC_FLOATS, 0, INTO(gamma)},
    {"layer_%d/qkv", "3C,C", ATT_SPEC_FLOATS | ATT_SPEC_I8, 0, INTO(qkv)},
    {"layer_%d/qkv_scale", "3C", ATT_SPEC_F32, ATT_SPEC_OPTIONAL, INTO(scale)},
    {"count", "", ATT_SPEC_INTS, 0, INTO(count)},
};

enum { N_ROWS = sizeof BLOCK / sizeof *BLOCK };

typedef struct fixture {
    weightfile file;
    att_weights *weights;
    void *block;
} fixture;

/* Two layers of width 2, the second one quantised; an alias; something that nobody asks for. */
static int open_small(void **state)
{
    static fixture f;
    static const uint32_t C[] = {2}, QKV[] = {6, 2}, SCALE[] = {6};
    static const uint8_t zeros[64] = {0};
    weightfile_ct2(&f.file, 6, "Test", 7);
    weightfile_variable(&f.file, "count", NULL, 0, 2, zeros, 2);
    weightfile_variable(&f.file, "extra", C, 1, 1, zeros, 2);
    weightfile_variable(&f.file, "layer_0/gamma", C, 1, 4, zeros, 4);
    weightfile_variable(&f.file, "layer_0/qkv", QKV, 2, 4, zeros, 24);
    weightfile_variable(&f.file, "layer_1/gamma", C, 1, 0, zeros, 8);
    weightfile_variable(&f.file, "layer_1/qkv", QKV, 2, 1, zeros, 12);
    weightfile_variable(&f.file, "layer_1/qkv_scale", SCALE, 1, 0, zeros, 24);
    weightfile_number(&f.file, 1, 4);
    weightfile_name(&f.file, "tied");
    weightfile_name(&f.file, "layer_0/qkv");
    att_err err;
    *state = &f;
    return weightfile_open(&f.file, f.file.n, &f.weights, &f.block, &err) ? -1 : 0;
}

static int close_small(void **state)
{
    fixture *f = *state;
    att_weights_close(f->weights);
    free(f->block);
    return 0;
}

static void what_fits_is_bound(void **state)
{
    fixture *f = *state;
    att_letter letters[] = {{'C', 2}};
    att_complaints complaints = {0};
    block blocks[2];
    att_err err;
    assert_int_equal(att_spec_layers(f->weights, "layer_%d/gamma"), 2);
    assert_int_equal(att_spec_layers(f->weights, "block_%d/gamma"), 0);
    for (int32_t i = 0; i < 2; i++)
        att_spec_bind(f->weights, BLOCK, N_ROWS, i, letters, 1, &blocks[i], &complaints);
    assert_int_equal(att_complaints_status(&complaints, f->weights, &err), ATT_OK);
    assert_ptr_equal(blocks[0].qkv, att_weights_find(f->weights, "layer_0/qkv"));
    assert_ptr_equal(blocks[1].scale, att_weights_find(f->weights, "layer_1/qkv_scale"));
    assert_null(blocks[0].scale); /* optional and absent */
    assert_ptr_equal(blocks[1].count, att_weights_find(f->weights, "count"));
    assert_string_equal(att_weights_unread(f->weights, 0)->name, "extra"); /* not "tied" */
    assert_null(att_weights_unread(f->weights, 1));
}

static void a_letter_is_learned_and_then_held_to(void **state)
{
    fixture *f = *state;
    static const att_spec_row ROWS[] = {
        {"layer_0/qkv", "3C,D", ATT_SPEC_F16, 0, INTO(qkv)},
        {"layer_1/qkv_scale", "D", ATT_SPEC_F32, 0, INTO(scale)},
    };
    att_letter letters[] = {{'C', 0}, {'D', 0}};
    att_complaints complaints = {0};
    block b;
    att_err err;
    att_spec_bind(f->weights, ROWS, 2, -1, letters, 2, &b, &complaints);
    assert_int_equal(letters[0].size, 2);
    assert_int_equal(letters[1].size, 2);
    assert_non_null(b.qkv);
    assert_null(b.scale);
    assert_int_equal(att_complaints_status(&complaints, f->weights, &err), ATT_E_MODEL);
    assert_string_equal(err.text, "load small.bin: 'layer_1/qkv_scale' is float32[6], expected [2] "
                                  "(D)");
}

static void a_letter_fits_each_axis_of_one_array(void **state)
{
    fixture *f = *state;
    static const att_spec_row ROWS[] = {
        {"layer_0/qkv", "C,C", ATT_SPEC_F16, 0, INTO(qkv)},  /* 6, then 2 */
        {"layer_0/qkv", "4C,D", ATT_SPEC_F16, 0, INTO(qkv)}, /* 6 is no multiple of 4 */
    };
    for (size_t i = 0; i < 2; i++) {
        att_letter letters[] = {{'C', 0}, {'D', 0}};
        att_complaints complaints = {0};
        block b;
        att_spec_bind(f->weights, &ROWS[i], 1, -1, letters, 2, &b, &complaints);
        assert_null(b.qkv);
        assert_int_equal(complaints.n, 1);
        assert_string_equal(complaints.text, i ? "'layer_0/qkv' is float16[6,2], expected (4C,D)"
                                               : "'layer_0/qkv' is float16[6,2], expected (C,C)");
    }
}

static void all_complaints_are_in_one_message(void **state)
{
    fixture *f = *state;
    static const att_spec_row ROWS[] = {
        {"layer_%d/gamma", "3C", ATT_SPEC_FLOATS, 0, INTO(gamma)},
        {"layer_%d/qkv", "3C,C", ATT_SPEC_F32 | ATT_SPEC_I8, 0, INTO(qkv)},
        {"layer_%d/none", "C", ATT_SPEC_F32, 0, INTO(scale)},
        {"layer_%d/gamma", "", ATT_SPEC_FLOATS, 0, INTO(count)},
        {"count", "C,80", ATT_SPEC_INTS, 0, INTO(count)},
    };
    att_letter letters[] = {{'C', 2}};
    att_complaints complaints = {0};
    block b;
    memset(&b, 0xff, sizeof b);
    att_err err;
    att_spec_bind(f->weights, ROWS, 5, 0, letters, 1, &b, &complaints);
    att_complain(&complaints, "the width %d is odd", 7);
    assert_int_equal(att_complaints_status(&complaints, f->weights, &err), ATT_E_MODEL);
    assert_string_equal(err.text,
                        "load small.bin: 'layer_0/gamma' is float16[2], expected [6] (3C); "
                        "'layer_0/qkv' is stored as float16, expected f32 or i8; "
                        "'layer_0/none' is missing; "
                        "'layer_0/gamma' is float16[2], expected a scalar; "
                        "'count' is int16, a scalar, expected [2,80] (C,80); the width 7 is odd");
    assert_true(!b.gamma && !b.qkv && !b.scale && !b.count);
}

static void what_does_not_fit_in_the_message_is_counted(void **state)
{
    fixture *f = *state;
    static const att_spec_row ROW = {"an/array/with/a/long/name/in/layer_%d/weight", "C",
                                     ATT_SPEC_F32, 0, INTO(gamma)};
    att_letter letters[] = {{'C', 2}};
    att_complaints complaints = {0};
    block b;
    att_err err;
    char more[64];
    for (int32_t i = 0; i < 200; i++)
        att_spec_bind(f->weights, &ROW, 1, i, letters, 1, &b, &complaints);
    assert_int_equal(complaints.n, 200);
    assert_true(complaints.n_said > 10 && complaints.n_said < 200);
    assert_int_equal(att_complaints_status(&complaints, f->weights, &err), ATT_E_MODEL);
    snprintf(more, sizeof more, "; and %zu more", 200 - complaints.n_said);
    assert_string_equal(err.text + strlen(err.text) - strlen(more), more);
    assert_non_null(strstr(err.text, "layer_0/weight' is missing; 'an/array"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_fits_is_bound, open_small, close_small),
        cmocka_unit_test_setup_teardown(a_letter_is_learned_and_then_held_to, open_small,
                                        close_small),
        cmocka_unit_test_setup_teardown(a_letter_fits_each_axis_of_one_array, open_small,
                                        close_small),
        cmocka_unit_test_setup_teardown(all_complaints_are_in_one_message, open_small, close_small),
        cmocka_unit_test_setup_teardown(what_does_not_fit_in_the_message_is_counted, open_small,
                                        close_small),
    };
    return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
