/* test_shards.c - lib/weights/shards.c: safetensors in several files, read as one. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "mem.h"
#include "realdata.h"
#include "weightfile.h"

enum { ROOM = 4200 };

static void write_bytes(const char *folder, const char *name, const void *bytes, size_t n)
{
    char path[ROOM];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
}

static void write_index(const char *folder, const char *text)
{
    write_bytes(folder, "model.safetensors.index.json", text, strlen(text));
}

/* "one": a i8[2] and u8 c[4], which no index names; "two": b i16[2]. Data 0, 1, 2, ... */
static void write_shards(const char *folder)
{
    static weightfile f;
    weightfile_safetensors(&f,
                           "{\"__metadata__\":{\"format\":\"pt\"},"
                           "\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[4,6]},"
                           "\"c\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
                           6);
    write_bytes(folder, "one.safetensors", f.bytes, f.n);
    weightfile_safetensors(&f, "{\"b\":{\"dtype\":\"I16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                           4);
    write_bytes(folder, "two.safetensors", f.bytes, f.n);
}

static const char GOOD[] = "{\"metadata\": {\"total_size\": 10},\n \"weight_map\": {\n"
                           "  \"b\": \"two.safetensors\",\n  \"a\": \"one.safetensors\"}}\n";

static void check_good(const char *path)
{
    att_weights *w;
    att_err err;
    if (att_weights_open(&w, path, &err)) fail_msg("%s", err.text);
    assert_string_equal(att_weights_format(w), "safetensors");
    assert_non_null(strstr(att_weights_path(w), "/model.safetensors.index.json"));
    assert_string_equal(att_weights_text(w, "format"), "pt");
    assert_null(att_weights_text(w, "total_size"));
    assert_int_equal(att_weights_count(w), 2);
    assert_null(att_weights_find(w, "c"));
    const att_array *a = att_weights_find(w, "a"), *b = att_weights_find(w, "b");
    assert_ptr_equal(att_weights_at(w, 0), a);
    for (int i = 0; i < 2; i++) { /* the pages come back, whatever was let go of */
        assert_true(att_array_value(a, 1) == 5.0);
        assert_true(att_array_value(b, 1) == 0x0302);
        att_weights_forget_array(w, a);
        att_weights_forget_array(w, b);
        att_weights_forget(w);
    }
    att_weights_close(w);
}

static void several_files_are_one(void **state)
{
    (void)state;
    char path[ROOM], before[ROOM];
    const char *folder = realdata_folder();
    write_shards(folder);
    write_index(folder, GOOD);
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    check_good(folder);
    check_good(path);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    check_good("."); /* and by a path without a folder, which check_good() cannot */
    att_weights *w;
    assert_int_equal(att_weights_open(&w, "model.safetensors.index.json", NULL), ATT_OK);
    att_weights_close(w);
    assert_int_equal(chdir(before), 0);
    realdata_remove(folder);
}

static void broken_indices_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } CASES[] = {
        {"{\"weight_map\": {}}", "byte 0: this is JSON without a weight_map"},
        {"{\"architectures\": [\"W\"]}", "byte 0: this is JSON without a weight_map"},
        {"{\"weight_map\": [\"a\"]}", "byte 0: this is JSON without a weight_map"},
        {"{\"weight_map\": {\"a\": \"one.safetensors\"}", "the index is not JSON from here on"},
        {"{\"weight_map\": {\"a\": \"one.safetensors\"}} x", "byte 41: something follows"},
        {"{\"weight_map\": {\"a\": 1}}", "byte 16: 'a' is not in a file NAME.safetensors"},
        {"{\"weight_map\": {\"a\": \"../one.safetensors\"}}", "byte 16: 'a' is not in a file"},
        {"{\"weight_map\": {\"a\": \"/tmp/one.safetensors\"}}", "byte 16: 'a' is not in a file"},
        {"{\"weight_map\": {\"a\": \".safetensors\"}}", "byte 16: 'a' is not in a file"},
        {"{\"weight_map\": {\"a\": \".one.safetensors\"}}", "byte 16: 'a' is not in a file"},
        {"{\"weight_map\": {\"a\": \"one.bin\"}}", "byte 16: 'a' is not in a file"},
        {"{\"weight_map\": {\"\": \"one.safetensors\"}}", "a key of weight_map is no name"},
        {"{\"weight_map\": {\"a\": \"one.safetensors\", \"a\": \"one.safetensors\"}}",
         "byte 40: 'a' is there a second time (first at byte 16)"},
        {"{\"weight_map\": {\"a\": \"one.safetensors\", \"b\": \"one.safetensors\"}}",
         "byte 40: 'b' is not in one.safetensors"},
        {"{\"weight_map\": {\"a\": \"three.safetensors\"}}", "three.safetensors: No such file"},
        {"{\"weight_map\": {\"a\": \"self.safetensors\"}}",
         "self.safetensors: byte 0: this is JSON"},
        {"{\"weight_map\": {\"a\": [[[[[[[[1]]]]]]]]}}", "byte 27: the index has nested deeper"},
    };
    const char *folder = realdata_folder();
    write_shards(folder);
    write_bytes(folder, "self.safetensors", CASES[15].text, strlen(CASES[15].text));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        att_weights *w;
        att_err err;
        write_index(folder, CASES[i].text);
        assert_int_equal(att_weights_open(&w, folder, &err), ATT_E_MODEL);
        assert_null(w);
        if (!strstr(err.text, CASES[i].says) || !strstr(err.text, "model.safetensors.index.json"))
            fail_msg("case %zu said '%s', expected '%s'", i, err.text, CASES[i].says);
    }
    realdata_remove(folder);
}

static void too_many_files_are_refused(void **state)
{
    (void)state;
    char *text = att_strdup("{\"weight_map\": {");
    for (int i = 0; text && i <= 1024; i++) {
        char *longer =
            att_sprintf("%s\"a%d\": \"%d.safetensors\"%s", text, i, i, i < 1024 ? ", " : "}}");
        att_free(text);
        text = longer;
    }
    const char *folder = realdata_folder();
    att_weights *w;
    att_err err;
    write_index(folder, text);
    assert_int_equal(att_weights_open(&w, folder, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "more than 1024 files are named"));
    att_free(text);
    realdata_remove(folder);
}

static void an_index_in_memory_is_told(void **state)
{
    (void)state;
    att_weights *w;
    att_err err;
    assert_int_equal(att_weights_open_memory(&w, "index", GOOD, sizeof GOOD - 1, &err),
                     ATT_E_MODEL);
    assert_non_null(strstr(err.text, "read from a file only"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_files_are_one),
        cmocka_unit_test(broken_indices_are_rejected),
        cmocka_unit_test(too_many_files_are_refused),
        cmocka_unit_test(an_index_in_memory_is_told),
    };
    return cmocka_run_group_tests_name("shards", tests, NULL, NULL);
}
