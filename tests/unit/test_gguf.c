/* test_gguf.c - lib/weights/gguf.c and weights_values.c: what small files say, their key/values of
 * all types, and that broken ones are rejected at the right byte. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "realdata.h"
#include "weightfile.h"

/* Types of values by the file's numbers. */
enum { U8, I8, U16, I16, U32, I32, F32, BOOL, TEXT, LIST, U64, I64, F64 };

/* Byte offsets of its parts, by hand:
 *   0 magic   4 version   8 tensors  16 key/values
 *  24 "t"    33 type     37 length   45 text
 *  47 "b"    56 type     60 value
 *  61 "l"    70 type     74 type of its elements   78 count   86 length 94 "p"  95 length of ""
 * 103 "general.alignment"           128 type      132 value
 * 136 "v"   145 rank    149 dim     157 type      161 offset
 * 169 "q"   178 rank    182 and 190 dims          198 type    202 offset
 * 216 data of v         224 of q    264 end */
enum { Q_OFFSET = 202, DATA = 216, END = 264 };

static void small(weightfile *f)
{
    static const uint64_t V[] = {2}, Q[] = {2, 32};
    static const float VALUES[] = {1.5f, -2.0f};
    uint8_t blocks[40] = {0};
    blocks[1] = 0x3c;  /* d = 1 */
    blocks[3] = 0x40;  /* m = 2 */
    blocks[4] = 0xa9;  /* elements 0 and 16 */
    blocks[21] = 0x40; /* d = 2 */
    weightfile_gguf(f, 3, 2, 4);
    weightfile_gguf_key(f, "t", TEXT);
    weightfile_gguf_string(f, "xy", 2);
    weightfile_gguf_key(f, "b", BOOL);
    weightfile_number(f, 1, 1);
    weightfile_gguf_key(f, "l", LIST);
    weightfile_number(f, TEXT, 4);
    weightfile_number(f, 2, 8);
    weightfile_gguf_string(f, "p", 1);
    weightfile_gguf_string(f, "", 0);
    weightfile_gguf_key(f, "general.alignment", U32);
    weightfile_number(f, 8, 4);
    weightfile_gguf_tensor(f, "v", V, 1, 0, 0);
    weightfile_gguf_tensor(f, "q", Q, 2, 3, 8);
    weightfile_align(f, 8);
    assert_int_equal(f->n, DATA);
    weightfile_bytes(f, VALUES, sizeof VALUES);
    weightfile_bytes(f, blocks, sizeof blocks);
    assert_int_equal(f->n, END);
}

static att_weights *open_file(const weightfile *f, void **block)
{
    att_weights *w;
    att_err err;
    if (weightfile_open(f, f->n, &w, block, &err)) fail_msg("%s", err.text);
    return w;
}

static void a_file_says_what_is_in_it(void **state)
{
    (void)state;
    static weightfile f;
    void *block;
    small(&f);
    for (uint8_t version = 2; version <= 3; version++) {
        f.bytes[4] = version;
        att_weights *w = open_file(&f, &block);
        assert_string_equal(att_weights_format(w), "gguf");
        assert_int_equal(att_weights_count(w), 2);
        const att_array *a = att_weights_find(w, "v");
        assert_int_equal(a->dtype, ATT_F32);
        assert_int_equal(a->offset, DATA);
        assert_true(att_array_value(a, 1) == -2.0);
        a = att_weights_find(w, "q");
        assert_int_equal(a->blocks, ATT_BLOCKS_Q4_1);
        assert_int_equal(a->dtype, ATT_N_DTYPES);
        assert_string_equal(a->stored_as, "q4_1");
        assert_true(a->rank == 2 && a->dims[0] == 2 && a->dims[1] == 32); /* the file: 32, 2 */
        assert_true(a->offset == DATA + 8 && a->bytes == 40);
        assert_true(att_array_value(a, 0) == 11.0 && att_array_value(a, 16) == 12.0);
        assert_true(att_array_value(a, 1) == 2.0 && att_array_value(a, 63) == 0.0);
        assert_true(isnan(att_array_value(a, 64)));
        att_weights_close(w);
        free(block);
    }
}

/* One tensor of each type: dims, bytes and the last element, which is 2. */
static void tensors_of_all_types_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t type, rank;
        uint64_t dims[4];
        size_t bytes;
        att_dtype dtype;
        att_blocks blocks;
        uint8_t last[4]; /* bytes of the last element, or of its scales */
        size_t at;       /* where they lie, from the end */
    } CASES[] = {
        {"f32", 0, 4, {1, 2, 3, 1}, 24, ATT_F32, ATT_BLOCKS_NONE, {0, 0, 0, 0x40}, 4},
        {"f16", 1, 2, {2, 3}, 12, ATT_F16, ATT_BLOCKS_NONE, {0, 0x40}, 2},
        {"bf16", 30, 1, {3}, 6, ATT_BF16, ATT_BLOCKS_NONE, {0, 0x40}, 2},
        {"i8", 24, 1, {3}, 3, ATT_I8, ATT_BLOCKS_NONE, {2}, 1},
        {"i16", 25, 1, {3}, 6, ATT_I16, ATT_BLOCKS_NONE, {2}, 2},
        {"i32", 26, 0, {0}, 4, ATT_I32, ATT_BLOCKS_NONE, {2}, 4},
        {"q4_1", 3, 1, {32}, 20, ATT_N_DTYPES, ATT_BLOCKS_Q4_1, {0, 0, 0, 0x40}, 20},
        {"q5_1", 7, 1, {32}, 24, ATT_N_DTYPES, ATT_BLOCKS_Q5_1, {0, 0, 0, 0x40}, 24},
    };
    enum { N_CASES = sizeof CASES / sizeof *CASES };
    static weightfile f;
    void *block;
    for (size_t i = 0; i < N_CASES; i++) {
        weightfile_gguf(&f, 3, 1, 0);
        weightfile_gguf_tensor(&f, "x", CASES[i].dims, CASES[i].rank, CASES[i].type, 0);
        weightfile_align(&f, 32);
        const size_t begin = f.n;
        for (size_t k = 0; k < CASES[i].bytes; k++) weightfile_number(&f, 0, 1);
        memcpy(f.bytes + f.n - CASES[i].at, CASES[i].last, CASES[i].at < 4 ? CASES[i].at : 4);
        att_weights *w = open_file(&f, &block);
        const att_array *a = att_weights_find(w, "x");
        assert_string_equal(a->stored_as, CASES[i].name);
        assert_int_equal(a->dtype, CASES[i].dtype);
        assert_int_equal(a->blocks, CASES[i].blocks);
        assert_int_equal(a->bytes, CASES[i].bytes);
        assert_int_equal(a->offset, begin);
        assert_int_equal(a->rank, CASES[i].rank);
        for (uint32_t d = 0; d < CASES[i].rank; d++) assert_int_equal(a->dims[d], CASES[i].dims[d]);
        assert_true(att_array_value(a, (size_t)att_array_elements(a) - 1) == 2.0);
        att_weights_close(w);
        free(block);
    }
}

static void the_other_types_have_their_sizes(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *name;
        size_t bytes; /* of 512 elements */
    } CASES[] = {
        {2, "q4_0", 288},  {6, "q5_0", 352},  {8, "q8_0", 544},  {12, "q4_k", 288},
        {13, "q5_k", 352}, {14, "q6_k", 420}, {27, "i64", 4096}, {28, "f64", 4096},
    };
    static const uint64_t DIMS[] = {2, 256};
    static weightfile f;
    void *block;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        weightfile_gguf(&f, 3, 1, 0);
        weightfile_gguf_tensor(&f, "x", DIMS, 2, CASES[i].type, 0);
        weightfile_align(&f, 32);
        for (size_t k = 0; k < CASES[i].bytes; k++) weightfile_number(&f, 0, 1);
        att_weights *w = open_file(&f, &block);
        const att_array *a = att_weights_find(w, "x");
        assert_string_equal(a->stored_as, CASES[i].name);
        assert_int_equal(a->bytes, CASES[i].bytes);
        assert_int_equal(isnan(att_array_value(a, 511)),
                         CASES[i].type > 14); /* not read as numbers */
        att_weights_close(w);
        free(block);
    }
}

static void numbers_of_all_types_are_read(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        size_t bytes;
        uint64_t bits;
        double value;
    } CASES[] = {
        {U8, 1, 200, 200.0},
        {I8, 1, 0xfd, -3.0},
        {U16, 2, 60000, 60000.0},
        {I16, 2, 0xfed4, -300.0},
        {U32, 4, 4000000000, 4e9},
        {I32, 4, 0xfffeee90, -70000.0},
        {F32, 4, 0x3fc00000, 1.5},
        {BOOL, 1, 0, 0.0},
        {BOOL, 1, 1, 1.0},
        {U64, 8, UINT64_C(1) << 40, 1099511627776.0},
        {I64, 8, ~UINT64_C(0), -1.0},
        {F64, 8, UINT64_C(0x3fb999999999999a), 0.1},
    };
    enum { N_CASES = sizeof CASES / sizeof *CASES };
    static weightfile f;
    att_weights_list_view list;
    void *block;
    char key[16];
    double x = 7.0;
    weightfile_gguf(&f, 3, 0, 2 * N_CASES);
    for (size_t i = 0; i < N_CASES; i++) { /* alone, and as the second of a list */
        snprintf(key, sizeof key, "number %zu", i);
        weightfile_gguf_key(&f, key, CASES[i].type);
        weightfile_number(&f, CASES[i].bits, CASES[i].bytes);
        snprintf(key, sizeof key, "list %zu", i);
        weightfile_gguf_key(&f, key, LIST);
        weightfile_number(&f, CASES[i].type, 4);
        weightfile_number(&f, 2, 8);
        weightfile_number(&f, 0, CASES[i].bytes);
        weightfile_number(&f, CASES[i].bits, CASES[i].bytes);
    }
    att_weights *w = open_file(&f, &block);
    assert_int_equal(att_weights_count(w), 0); /* a file of words alone is one */
    for (size_t i = 0; i < N_CASES; i++) {
        snprintf(key, sizeof key, "number %zu", i);
        assert_int_equal(att_weights_number(w, key, &x), 1);
        assert_true(x == CASES[i].value);
        assert_null(att_weights_text(w, key));
        assert_int_equal(att_weights_list(w, key, &list), 0);
        assert_int_equal(list.type, ATT_VALUE_NONE);
        snprintf(key, sizeof key, "list %zu", i);
        assert_int_equal(att_weights_number(w, key, &x), 0);
        assert_int_equal(att_weights_list(w, key, &list), 2);
        assert_int_equal(list.n_bytes, 2 * CASES[i].bytes);
        assert_true(att_weights_list_number(&list, 0) == 0.0);
        assert_true(att_weights_list_number(&list, 1) == CASES[i].value);
        assert_true(isnan(att_weights_list_number(&list, 2)));
        size_t n;
        assert_null(att_weights_list_text(&list, &n));
    }
    x = 7.0;
    assert_int_equal(att_weights_number(w, "nothing", &x), 0);
    assert_true(x == 7.0);
    att_weights_close(w);
    free(block);
}

static void texts_and_lists_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } TEXTS[] = {{"a", 1}, {"", 0}, {"b\0\xff", 3}, {"\xc4\xa0the", 5}};
    enum { N_TEXTS = sizeof TEXTS / sizeof *TEXTS };
    static weightfile f;
    att_weights_list_view list, copy;
    void *block;
    size_t n = 0;
    weightfile_gguf(&f, 3, 0, 4);
    weightfile_gguf_key(&f, "tokens", LIST);
    weightfile_number(&f, TEXT, 4);
    weightfile_number(&f, N_TEXTS, 8);
    for (size_t i = 0; i < N_TEXTS; i++) weightfile_gguf_string(&f, TEXTS[i].bytes, TEXTS[i].n);
    weightfile_gguf_key(&f, "none", LIST);
    weightfile_number(&f, I32, 4);
    weightfile_number(&f, 0, 8);
    weightfile_gguf_key(&f, "template", TEXT);
    weightfile_gguf_string(&f, "{% if %}\n", 9);
    weightfile_gguf_key(&f, "empty", TEXT);
    weightfile_gguf_string(&f, "", 0);
    att_weights *w = open_file(&f, &block);
    assert_string_equal(att_weights_text(w, "template"), "{% if %}\n");
    assert_string_equal(att_weights_text(w, "empty"), "");
    assert_null(att_weights_text(w, "tokens"));
    assert_int_equal(att_weights_list(w, "none", &list), 0);
    assert_int_equal(list.type, ATT_VALUE_I32);
    assert_int_equal(att_weights_list(w, "tokens", &list), N_TEXTS);
    assert_int_equal(list.type, ATT_VALUE_TEXT);
    assert_true(isnan(att_weights_list_number(&list, 0)));
    for (size_t i = 0; i < N_TEXTS; i++) {
        copy = list; /* a walk of its own */
        const char *text = att_weights_list_text(&list, &n);
        assert_int_equal(n, TEXTS[i].n);
        assert_memory_equal(text, TEXTS[i].bytes, n);
        assert_ptr_equal(att_weights_list_text(&copy, &n), text);
    }
    assert_null(att_weights_list_text(&list, &n));
    att_weights_close(w);
    free(block);
}

static void reject(const weightfile *f, size_t at, const char *says)
{
    att_weights *w;
    void *block;
    char wanted[48];
    att_err err = {ATT_OK, ""};
    assert_int_equal(weightfile_open(f, f->n, &w, &block, &err), ATT_E_MODEL);
    assert_null(w);
    snprintf(wanted, sizeof wanted, "byte %zu: ", at);
    if (!strstr(err.text, wanted) || !strstr(err.text, says))
        fail_msg("said '%s', expected '%s%s'", err.text, wanted, says);
    free(block);
}

static void broken_files_are_rejected_at_the_byte(void **state)
{
    (void)state;
    static const struct {
        size_t at, bytes; /* where a number is put, ... */
        uint64_t value;
        size_t told; /* ... and the byte that is told */
        const char *says;
    } CASES[] = {
        {4, 4, 1, 4, "GGUF version 1, expected 2 or 3"},
        {4, 4, 4, 4, "GGUF version 4"},
        {4, 4, 0x03000000, 4, "big-endian"},
        {8, 8, UINT64_C(1) << 40, 8, "the number of tensors is 1099511627776"},
        {8, 8, 10, 8, "the number of tensors is 10, the 248 bytes that follow hold at most 9"},
        {16, 8, 18, 16,
         "the number of key/values is 18, the 240 bytes that follow hold at most 17"},
        {78, 8, 23, 78, "the length of an array is 23, the 178 bytes that follow hold at most 22"},
        {16, 8, UINT64_MAX, 16, "the number of key/values is 18446744073709551615"},
        {24, 8, 1025, 24, "a key has 1025 bytes, expected at most 1024"},
        {24, 8, UINT64_MAX, 24, "a key has 18446744073709551615 bytes"},
        {24, 8, 0, 24, "a key is none"},
        {32, 1, '\n', 24, "a key is none"},
        {32, 1, 'b', 47, "the key 'b' is there a second time"},
        {33, 4, 13, 33, "'t' has type 13, expected 0 to 12"},
        {37, 8, 1 << 25, 37, "a text has 33554432 bytes, expected at most 16777216"},
        {37, 8, 1000, 45, "a text takes 1000 bytes, the file ends after 219"},
        {46, 1, 0, 37, "the text of 't' has a NUL in it"},
        {60, 1, 2, 60, "'b' is a bool of 2"},
        {70, 4, 99, 70, "'l' has type 99"},
        {74, 4, LIST, 74, "'l' is an array of arrays"},
        {74, 4, 13, 74, "'l' has type 13"},
        {78, 8, UINT64_C(1) << 61, 78, "the length of an array is 2305843009213693952"},
        {86, 8, UINT64_MAX, 94, "a text of an array takes 18446744073709551615 bytes"},
        {132, 4, 0, 8, "general.alignment is no power of two"},
        {132, 4, 24, 8, "general.alignment is no power of two"},
        {132, 4, 1u << 31, 8, "general.alignment is no power of two"},
        {128, 4, F32, 8, "general.alignment is no power of two"},
        {132, 4, 16, Q_OFFSET, "'q' has offset 8, expected a multiple of 16"},
        {136, 8, 0, 136, "a tensor's name is none"},
        {144, 1, 'q', 169, "'q' is there a second time (first at byte 136)"},
        {145, 4, 5, 145, "'v' has 5 axes, expected at most 4"},
        {149, 8, UINT64_MAX, 149, "'v' has a dimension of 18446744073709551615"},
        {149, 8, INT64_MAX, 145, "'v' has a shape too large for any file"},
        {149, 8, 3, Q_OFFSET, "'q' overlaps 'v'"},
        {157, 4, 10, 157, "'v' has ggml's type 10, expected f32"},
        {157, 4, 8, 157, "'v' is q8_0 with rows of 2 elements, expected a multiple of 32"},
        {157, 4, 12, 157, "'v' is q4_k with rows of 2 elements, expected a multiple of 256"},
        {161, 8, 8, Q_OFFSET, "'q' overlaps 'v'"},
        {161, 8, UINT64_C(1) << 40, 161, "'v' takes 8 bytes from 1099511627776 of the data, which"},
        {161, 8, UINT64_MAX - 7, 161, "'v' takes 8 bytes from"},
        {190, 8, 3, Q_OFFSET, "'q' takes 60 bytes from 8 of the data, which has 48"},
    };
    static weightfile f;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        small(&f);
        f.n = CASES[i].at;
        weightfile_number(&f, CASES[i].value, CASES[i].bytes);
        f.n = END;
        reject(&f, CASES[i].told, CASES[i].says);
    }
    small(&f);
    f.bytes[132] = 1; /* alignment */
    f.bytes[161] = 1; /* offset of v, whose last byte is the first of q then */
    reject(&f, Q_OFFSET, "'q' overlaps 'v'");
    weightfile_gguf(&f, 3, 0, 1);
    weightfile_gguf_key(&f, "split.count", U16);
    weightfile_number(&f, 3, 2);
    reject(&f, 8, "one of 3 parts of a model");
    weightfile_gguf(&f, 3, 0, 1);
    weightfile_gguf_key(&f, "general.alignment", TEXT);
    weightfile_gguf_string(&f, "8", 1);
    reject(&f, 8, "general.alignment is no power of two");
}

static int survives(const weightfile *f, size_t n)
{
    att_weights *w;
    void *block;
    att_err err;
    volatile unsigned sum = 0;
    const att_status status = weightfile_open(f, n, &w, &block, &err);
    if (status) {
        assert_int_equal(status, ATT_E_MODEL);
        assert_non_null(strstr(err.text, ": byte "));
    }
    for (size_t i = 0; !status && i < att_weights_count(w); i++) {
        const att_array *a = att_weights_at(w, i);
        for (size_t k = 0; k < a->bytes; k++) sum += ((const uint8_t *)a->data)[k];
    }
    (void)sum;
    att_weights_close(status ? NULL : w);
    free(block);
    return !status;
}

static void cuts_and_flips_are_survived(void **state)
{
    (void)state;
    static weightfile f;
    small(&f);
    for (size_t n = 0; n <= f.n; n++) assert_int_equal(survives(&f, n), n == END);
    for (size_t i = 0; i < 8 * f.n; i++) {
        f.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        (void)survives(&f, f.n);
        f.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

static void a_folder_with_one_such_file_is_it(void **state)
{
    (void)state;
    static weightfile f;
    static char path[4200];
    const char *folder = realdata_folder();
    att_weights *w;
    att_err err;
    small(&f);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/model-%d.gguf", folder, i);
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(f.bytes, 1, f.n, out), f.n);
        assert_int_equal(fclose(out), 0);
        const att_status status = att_weights_open(&w, folder, &err);
        assert_int_equal(status, i == 0 ? ATT_OK : ATT_E_MODEL);
        if (status)
            assert_non_null(strstr(err.text, "holds 2 .gguf files, expected one"));
        else
            assert_string_equal(att_weights_path(w), path);
        att_weights_close(w);
    }
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_says_what_is_in_it),
        cmocka_unit_test(tensors_of_all_types_are_read),
        cmocka_unit_test(the_other_types_have_their_sizes),
        cmocka_unit_test(numbers_of_all_types_are_read),
        cmocka_unit_test(texts_and_lists_are_read),
        cmocka_unit_test(broken_files_are_rejected_at_the_byte),
        cmocka_unit_test(cuts_and_flips_are_survived),
        cmocka_unit_test(a_folder_with_one_such_file_is_it),
    };
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
