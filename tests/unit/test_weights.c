/* test_weights.c - lib/weights: what files say, and that broken ones are rejected at the right
 * byte: every length, every flipped bit of a small file of each format. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "realdata.h"
#include "weightfile.h"

/* Byte offsets of its parts, by hand:
 *   0 version   4 spec   11 revision   15 variables
 *  19 "n"       23 rank  24 dtype      25 size         29 data
 *  31 "q"       35 rank  36 dims       44 dtype        45 size  49 data
 *  57 "q_scale" 67 rank  68 dims       72 dtype        73 size  77 data
 *  85 "w"       89 rank  90 dims       98 dtype        99 size 103 data
 * 115 aliases  119 "z"  123 its target 127 end */
enum { CT2_END = 127 };

static void small_ct2(weightfile *f)
{
    static const uint32_t Q[] = {2, 4}, SCALE[] = {2}, W[] = {2, 3};
    static const int8_t Q_DATA[] = {1, -2, 3, -4, 127, -127, 0, 5};
    static const float SCALES[] = {2.0f, 4.0f};
    static const uint16_t HALVES[] = {0x3c00, 0xc100, 0x0001, 0x7c00, 0x7e00, 0x0000};
    static const int16_t HEADS = -7;
    weightfile_ct2(f, 6, "Test", 4);
    weightfile_variable(f, "n", NULL, 0, 2, &HEADS, sizeof HEADS);
    weightfile_variable(f, "q", Q, 2, 1, Q_DATA, sizeof Q_DATA);
    weightfile_variable(f, "q_scale", SCALE, 1, 0, SCALES, sizeof SCALES);
    weightfile_variable(f, "w", W, 2, 4, HALVES, sizeof HALVES);
    weightfile_number(f, 1, 4);
    weightfile_name(f, "z");
    weightfile_name(f, "q");
    assert_int_equal(f->n, CT2_END);
}

static const char SMALL_HEADER[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[16,24]},"
    "\"a\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
    "\"e\":{\"dtype\":\"BF16\",\"shape\":[0,3],\"data_offsets\":[24,24]},"
    "\"f\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[24,26]}}";

static void small_safetensors(weightfile *f)
{
    weightfile_safetensors(f, SMALL_HEADER, 26);
}

static void ct2_says_what_is_in_it(void **state)
{
    (void)state;
    static weightfile f;
    att_weights *w;
    void *block;
    att_err err;
    static const char *const NAMES[] = {"n", "q", "q_scale", "w", "z", "z_scale"};
    small_ct2(&f);
    assert_int_equal(weightfile_open(&f, f.n, &w, &block, &err), ATT_OK);
    assert_string_equal(att_weights_format(w), "ctranslate2");
    assert_string_equal(att_weights_path(w), "small.bin");
    assert_string_equal(att_weights_text(w, "spec"), "Test");
    assert_string_equal(att_weights_text(w, "revision"), "3");
    assert_string_equal(att_weights_text(w, "binary_version"), "6");
    assert_null(att_weights_text(w, "nothing"));
    assert_int_equal(att_weights_count(w), 6);
    for (size_t i = 0; i < 6; i++) assert_string_equal(att_weights_at(w, i)->name, NAMES[i]);
    assert_null(att_weights_at(w, 6));
    assert_null(att_weights_find(w, "q_"));

    const att_array *n = att_weights_find(w, "n"), *q = att_weights_find(w, "q");
    assert_int_equal(n->rank, 0);
    assert_int_equal(att_array_elements(n), 1);
    assert_true(att_array_value(n, 0) == -7.0 && isnan(att_array_value(n, 1)));
    assert_int_equal(q->offset, 49);
    assert_ptr_equal(q->data, (const uint8_t *)block + 49);
    assert_int_equal(att_array_elements(q), 8);
    assert_true(att_array_value(q, 5) == -127.0);
    assert_ptr_equal(att_weights_find(w, "z")->data, q->data);
    assert_true(att_array_value(att_weights_find(w, "z_scale"), 1) == 4.0);

    const att_array *h = att_weights_find(w, "w");
    assert_int_equal(h->dtype, ATT_F16);
    assert_string_equal(h->stored_as, "float16");
    assert_true(att_array_value(h, 0) == 1.0 && att_array_value(h, 1) == -2.5);
    assert_true(att_array_value(h, 2) == ldexp(1.0, -24) && isinf(att_array_value(h, 3)));
    assert_true(isnan(att_array_value(h, 4)) && att_array_value(h, 5) == 0.0);
    att_weights_forget_array(w, h);
    att_weights_forget(w);
    att_weights_close(w);
    free(block);
}

static void safetensors_says_what_is_in_it(void **state)
{
    (void)state;
    static weightfile f;
    att_weights *w;
    void *block;
    att_err err;
    small_safetensors(&f);
    assert_int_equal(weightfile_open(&f, f.n, &w, &block, &err), ATT_OK);
    assert_string_equal(att_weights_format(w), "safetensors");
    assert_string_equal(att_weights_text(w, "format"), "pt");
    assert_int_equal(att_weights_count(w), 4);
    const att_array *a = att_weights_find(w, "a"), *b = att_weights_find(w, "b");
    assert_string_equal(att_weights_at(w, 0)->name, "a");
    assert_int_equal(a->offset, 8 + strlen(SMALL_HEADER));
    assert_true(att_array_value(a, 1) == 0x07060504);
    assert_int_equal(b->dtype, ATT_N_DTYPES); /* kept in the index, not readable */
    assert_string_equal(b->stored_as, "I64");
    assert_true(isnan(att_array_value(b, 0)));
    assert_int_equal(att_array_elements(att_weights_find(w, "e")), 0);
    const double bf16 = att_array_value(att_weights_find(w, "f"), 0); /* 0x1918 */
    assert_true(bf16 == ldexp(1.0 + 24.0 / 128.0, 50 - 127));
    att_weights_close(w);
    free(block);
}

static void reject(const weightfile *f, uint64_t at, const char *says)
{
    att_weights *w;
    void *block;
    att_err err;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "read small.bin: byte %llu: ", (unsigned long long)at);
    const att_status status = weightfile_open(f, f->n, &w, &block, &err);
    if (status != ATT_E_MODEL || w || strncmp(err.text, wanted, strlen(wanted)) != 0 ||
        !strstr(err.text, says))
        fail_msg("expected '%s...%s', got status %d '%s'", wanted, says, status,
                 status ? err.text : "");
    free(block);
}

static void ct2_rejects_at_the_byte(void **state)
{
    (void)state;
    static const struct {
        size_t patch, n; /* n bytes at `patch` are replaced by `value` */
        uint64_t value, at;
        const char *says;
    } CASES[] = {
        {0, 4, 3, 0, "binary version 3, expected 4 to 6"},
        {0, 4, 7, 0, "binary version 7"},
        {4, 2, 0, 4, "the spec's name is no name"},
        {19, 2, 0, 19, "a variable's name is no name"},
        {19, 2, 0xffff, 21, "takes 65535 bytes, the file ends after 106"},
        {21, 1, 0, 19, "no name"},
        {21, 1, 0x1f, 19, "no name"},
        {21, 1, 0xff, 19, "no name"},
        {22, 1, 'x', 19, "no name"},
        {23, 1, 9, 23, "'n' has 9 axes, expected at most 8"},
        {24, 1, 6, 24, "'n' has dtype 6, expected 0 to 5"},
        {25, 4, 3, 25, "'n' says 3 bytes, its shape and dtype int16 make 2"},
        {36, 4, 3, 45, "'q' says 8 bytes, its shape and dtype int8 make 12"},
        {36, 8, UINT64_MAX, 45, "'q' has a shape too large"},
        {87, 1, 'q', 85, "'q' is there a second time (first at byte 31)"},
        {15, 4, 0xffffffff, 115, "no name"},
        {15, 4, 3, 91, "an alias takes 514 bytes"}, /* "w" is read as aliases */
        {125, 1, 'y', 119, "'z' is an alias of 'y', which is not in the file"},
        {121, 1, 'n', 119, "'n' is there a second time (first at byte 19)"},
        {115, 4, 0, 119, "8 bytes follow the end"},
        {115, 4, 2, 127, "the file ends after 0"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        static weightfile f;
        small_ct2(&f);
        for (size_t k = 0; k < CASES[i].n; k++)
            f.bytes[CASES[i].patch + k] = (uint8_t)(CASES[i].value >> 8 * k);
        reject(&f, CASES[i].at, CASES[i].says);
    }
}

#define ARRAY_A "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}"

static void safetensors_rejects_at_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t n_data;
        int64_t in_header, in_data; /* where: one of them, the other -1 */
        const char *says;
    } CASES[] = {
        {"{" ARRAY_A "}", 5, -1, 4, "1 bytes follow the last array"},
        {"{" ARRAY_A "}", 3, 1, -1, "'a' ends at byte 4 of the data, the file has 3"},
        {"{" ARRAY_A "} x", 4, 54, -1, "something follows"},
        {"{" ARRAY_A "," ARRAY_A "}", 4, -1, 0, "two arrays overlap"},
        {"{" ARRAY_A ",\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}", 5, -1, 3,
         "'b' begins here, expected"},
        {"{" ARRAY_A ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[5,6]}}", 6, -1, 5,
         "a gap that no array fills"},
        {"{" ARRAY_A ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[4,5]}}", 5, 53, -1,
         "'a' is there a second time (first at byte 9)"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, 1, -1, "dtype"},
        {"{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, 1, -1, "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, 1, -1, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, 1, -1, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1e300],\"data_offsets\":[0,4]}}", 4, 1, -1, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, 1,
         -1, "up to 8 whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":7,\"data_offsets\":[0,4]}}", 4, 1, -1, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4,
         1, -1, "too large"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4294967296,4294967296],\"data_offsets\":[0,0]}}",
         0, 1, -1, "too large"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, 1, -1, "make 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, 1, -1, "in order"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, 1, -1,
         "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, 1, -1, "data_offsets"},
        {"{\"a\":7}", 0, 1, -1, "is not an object"},
        {"{\"\":{}}", 0, 0, -1, "no name"},
        {"{\"\xff\":{}}", 0, 0, -1, "no name"},
        {"{\"\xed\xa0\x80\":{}}", 0, 0, -1, "no name"}, /* a surrogate */
        {"{\"\xc0\xaf\":{}}", 0, 0, -1, "no name"},     /* overlong */
        {"{\"a\\u0000b\":{}}", 0, 3, -1, "a NUL character"},
        {"{\"a\nb\":{}}", 0, 3, -1, "a control character"},
        {"{\"__metadata__\":[]}", 0, 1, -1, "__metadata__"},
        {"{\"__metadata__\":{\"k\":1}}", 0, 17, -1, "no string"},
        {"{\"a\":[[[[[[[[[]]]]]]]]]}", 0, 12, -1, "nested deeper than 8"},
        {"{]", 0, 1, -1, "not JSON"},
        {"{}}", 0, 2, -1, "not opened"},
        {"{\"a\":", 0, 4, -1, "not JSON"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        static weightfile f;
        weightfile_safetensors(&f, CASES[i].header, CASES[i].n_data);
        const int64_t at = CASES[i].in_header >= 0
                               ? 8 + CASES[i].in_header
                               : 8 + (int64_t)strlen(CASES[i].header) + CASES[i].in_data;
        reject(&f, (uint64_t)at, CASES[i].says);
    }
}

static void other_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } CASES[] = {
        {"", 0, "the file is empty"},
        {"PK\3\4....", 8, "a zip file"},
        {"version https://git-lfs.github.com/spec/v1\n", 43, "a git-lfs pointer"},
        {"RIFF....WAVE", 12, "the format is not known"},
        {"\377\377\377\377\377\377\377\177{}", 10, "the header takes"},
        {"\3\0\0\0\0\0\0\0{}", 10, "the header takes 3 bytes, the file has 2"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        static weightfile f;
        f.n = 0;
        weightfile_bytes(&f, CASES[i].bytes, CASES[i].n);
        reject(&f, 0, CASES[i].says);
    }
}

/* Opens the first n bytes: a rejection with an offset, or a file of which everything can be read.
 * Returns whether it was accepted. */
static int survives(const weightfile *f, size_t n)
{
    att_weights *w;
    void *block;
    att_err err;
    volatile double sum = 0.0; /* reads each byte where a sanitizer looks */
    const att_status status = weightfile_open(f, n, &w, &block, &err);
    if (status) {
        assert_int_equal(status, ATT_E_MODEL);
        assert_null(w);
        assert_non_null(strstr(err.text, ": byte "));
    } else {
        for (size_t i = 0; i < att_weights_count(w); i++) {
            const att_array *a = att_weights_at(w, i);
            assert_ptr_equal(att_weights_find(w, a->name), a);
            for (size_t k = 0; k < a->bytes; k++) sum += ((const uint8_t *)a->data)[k];
            (void)att_array_value(a, 0);
        }
        att_weights_close(w);
    }
    (void)sum;
    free(block);
    return status == ATT_OK;
}

static void every_cut_is_rejected(void **state)
{
    (void)state;
    static weightfile f;
    small_ct2(&f);
    for (size_t n = 0; n < f.n; n++) assert_false(survives(&f, n));
    assert_true(survives(&f, f.n));
    small_safetensors(&f);
    for (size_t n = 0; n < f.n; n++) assert_false(survives(&f, n));
    assert_true(survives(&f, f.n));
}

static void every_flipped_bit_is_survived(void **state)
{
    (void)state;
    static weightfile f;
    for (int format = 0; format < 2; format++) {
        format ? small_safetensors(&f) : small_ct2(&f);
        size_t accepted = 0;
        for (size_t i = 0; i < 8 * f.n; i++) {
            f.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
            accepted += (size_t)survives(&f, f.n);
            f.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        }
        /* Flips of data and of letters in names make another valid file; most others must not. */
        const size_t free_bits = format ? 8 * 26 + 8 * 60 : 8 * (30 + 4 + 30);
        assert_true(accepted > 0 && accepted < free_bits);
    }
}

static void write_file(const char *path, const weightfile *f)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(f->bytes, 1, f->n, out), f->n);
    assert_int_equal(fclose(out), 0);
}

static void folders_and_files_are_found_by_content(void **state)
{
    (void)state;
    static weightfile f;
    static char path[4200];
    const char *folder = realdata_folder();
    att_weights *w;
    att_err err;
    assert_int_equal(att_weights_open(&w, folder, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "the folder holds no weights"));

    snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    f.n = 0;
    write_file(path, &f);
    assert_int_equal(att_weights_open(&w, folder, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "the file is empty"));
    assert_int_equal(att_weights_open(&w, path, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "the file is empty"));

    small_safetensors(&f);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    write_file(path, &f);
    assert_int_equal(att_weights_open(&w, folder, &err), ATT_OK);
    assert_string_equal(att_weights_path(w), path);
    att_weights_close(w);

    small_ct2(&f); /* under a name that says something else */
    snprintf(path, sizeof path, "%s/any.gguf", folder);
    write_file(path, &f);
    assert_int_equal(att_weights_open(&w, path, &err), ATT_OK);
    assert_string_equal(att_weights_format(w), "ctranslate2");
    att_weights_forget(w); /* the pages come back */
    assert_true(att_array_value(att_weights_find(w, "n"), 0) == -7.0);
    att_weights_close(w);

    snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(att_weights_open(&w, path, &err), ATT_E_IO);
    assert_null(w);
    att_weights_close(NULL);
    realdata_remove(folder);
}

static void a_real_model_is_read(void **state)
{
    (void)state;
    att_weights *w;
    att_err err;
    const char *folder = realdata_model("tiny.en");
    assert_int_equal(att_weights_open(&w, folder, &err), ATT_OK);
    assert_string_equal(att_weights_text(w, "spec"), "WhisperSpec");
    assert_int_equal(att_weights_count(w), 149);
    const att_array *conv = att_weights_find(w, "encoder/conv1/weight");
    const att_array *table = att_weights_find(w, "decoder/embeddings/weight");
    assert_int_equal(conv->rank, 3);
    assert_true(conv->dims[0] == 384 && conv->dims[1] == 80 && conv->dims[2] == 3);
    assert_int_equal(table->dtype, ATT_F16);
    assert_ptr_equal(att_weights_find(w, "decoder/projection/weight")->data, table->data);
    att_weights_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ct2_says_what_is_in_it),
        cmocka_unit_test(safetensors_says_what_is_in_it),
        cmocka_unit_test(ct2_rejects_at_the_byte),
        cmocka_unit_test(safetensors_rejects_at_the_byte),
        cmocka_unit_test(other_files_are_named),
        cmocka_unit_test(every_cut_is_rejected),
        cmocka_unit_test(every_flipped_bit_is_survived),
        cmocka_unit_test(folders_and_files_are_found_by_content),
        cmocka_unit_test(a_real_model_is_read),
    };
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
