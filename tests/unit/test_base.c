/* test_base.c - lib/base: errors, heap, 16-bit floats, mapped files, whole-file output, log. */
#define _DEFAULT_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "attend/log.h"
#include "attend/precision.h"
#include "attend/view.h"
#include "filemap.h"
#include "half.h"
#include "mem.h"
#include "outfile.h"
#include "realdata.h"
#include "ref.h"

static void every_status_has_a_text(void **state)
{
    (void)state;
#define HAS_TEXT(name, text) assert_string_equal(att_status_text(name), text);
    ATT_STATUS_LIST(HAS_TEXT)
#undef HAS_TEXT
    assert_string_equal(att_status_text(ATT_OK), "ok");
    assert_string_equal(att_status_text((att_status)99), "unknown status");
}

static void failures_carry_their_way(void **state)
{
    (void)state;
    att_err err;
    assert_int_equal(att_fail(&err, ATT_E_IO, "read %s: %d", "x", 3), ATT_E_IO);
    assert_string_equal(err.text, "read x: 3");
    assert_int_equal(att_fail_in(&err, ATT_E_MODEL, "open %s", "m"), ATT_E_MODEL);
    assert_string_equal(err.text, "open m: read x: 3");
    assert_int_equal(err.status, ATT_E_MODEL);
    assert_int_equal(att_fail(NULL, ATT_E_ARG, "nobody listens"), ATT_E_ARG);
    char *text = att_calloc(ATT_ERR_TEXT_BYTES + 100, 1);
    memset(text, 'x', ATT_ERR_TEXT_BYTES + 99);
    att_fail(&err, ATT_E_ARG, "%s", text); /* cut, and terminated */
    assert_int_equal(strlen(err.text), ATT_ERR_TEXT_BYTES - 1);
    att_free(text);
}

static void products_are_checked(void **state)
{
    (void)state;
    assert_null(att_calloc(SIZE_MAX / 2, 3));
    assert_null(att_realloc(NULL, SIZE_MAX / 2, 3));
    unsigned char *block = att_calloc(100, 1);
    for (int i = 0; i < 100; i++) assert_int_equal(block[i], 0);
    att_free(block);
    char *text = att_sprintf("%s-%d", "a", 7);
    assert_string_equal(text, "a-7");
    att_free(text);
    att_free(NULL);
}

static void halves_agree_with_the_reference(void **state)
{
    (void)state;
    enum { ALL = 0x10000 };
    uint16_t *all = att_calloc(ALL, sizeof *all);
    float *wide = att_calloc(ALL, sizeof *wide);
    assert_true(all && wide);
    for (uint32_t h = 0; h < ALL; h++) {
        const float x = att_half_to_float((uint16_t)h), want = att_ref_f16_to_f32((uint16_t)h);
        assert_true(isnan(want) ? isnan(x) : memcmp(&x, &want, sizeof x) == 0);
        if (!isnan(want)) assert_int_equal(att_half_from_float(x), h);
        all[h] = (uint16_t)h;
    }
    att_halves_to_floats(all, ALL, wide);
    att_halves_to_floats((const char *)all + 2 * 7, 19, wide + 7); /* no whole blocks */
    for (uint32_t h = 0; h < ALL; h++) {
        const float x = att_half_to_float((uint16_t)h);
        assert_true(isnan(x) ? isnan(wide[h]) : memcmp(&x, &wide[h], sizeof x) == 0);
    }
    att_free(all);
    att_free(wide);
    for (uint32_t i = 0; i < 4000000; i++) { /* floats of every size, spread over all bits */
        const uint32_t bits = i * 1073u + (i << 11);
        float x;
        memcpy(&x, &bits, sizeof x);
        if (isnan(x)) continue;
        if (att_half_from_float(x) != att_ref_f32_to_f16(x))
            fail_msg("%a becomes %04x, expected %04x", (double)x, att_half_from_float(x),
                     att_ref_f32_to_f16(x));
    }
    for (uint32_t i = 0; i < 4000000; i += 19) {
        float x[19];
        uint16_t narrow[19];
        for (uint32_t k = 0; k < 19; k++) {
            const uint32_t bits = (i + k) * 1073u + (i + k) * 2048u;
            memcpy(&x[k], &bits, sizeof bits);
        }
        att_bfloats_from_floats(x, 19, narrow);
        for (uint32_t k = 0; k < 19; k++) assert_int_equal(narrow[k], att_bfloat_from_float(x[k]));
    }
    assert_true(att_bfloat_to_float(0x3f80) == 1.0f && isnan(att_bfloat_to_float(0x7fc0)));
}

static void dtypes_have_sizes_and_names(void **state)
{
    (void)state;
    for (int d = 0; d < ATT_N_DTYPES; d++) {
        assert_true(att_dtype_bytes((att_dtype)d) > 0);
        assert_true(strcmp(att_dtype_name((att_dtype)d), "?") != 0);
    }
    assert_int_equal(att_dtype_bytes(ATT_N_DTYPES), 0);
    assert_string_equal(att_dtype_name(ATT_N_DTYPES), "?");
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void assert_text(const char *path, const char *want)
{
    att_filemap map;
    assert_int_equal(att_filemap_open(&map, path, NULL), ATT_OK);
    assert_int_equal(map.n_bytes, strlen(want));
    if (map.n_bytes) assert_memory_equal(map.bytes, want, map.n_bytes);
    att_filemap_forget(&map, 0, map.n_bytes);
    att_filemap_close(&map);
}

static void files_are_mapped(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    char path[512];
    att_err err;
    att_filemap map;
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(att_filemap_open(&map, path, &err), ATT_E_IO);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(att_filemap_open(&map, folder, &err), ATT_E_IO);
    write_text(path, "");
    assert_text(path, "");
    write_text(path, "words");
    assert_text(path, "words");
    realdata_remove(folder);
}

static int is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void output_is_whole_or_absent(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    char path[512], part[520];
    att_outfile out;
    struct stat st;
    snprintf(path, sizeof path, "%s/out.txt", folder);
    snprintf(part, sizeof part, "%s.part", path);
    assert_int_equal(att_outfile_open(&out, path, NULL), ATT_OK);
    fputs("half", out.file);
    assert_false(is_there(path)); /* not before it is complete */
    att_outfile_discard(&out);
    assert_false(is_there(path));

    assert_int_equal(att_outfile_open(&out, path, NULL), ATT_OK);
    fputs("whole", out.file);
    assert_int_equal(att_outfile_commit(&out, NULL), ATT_OK);
    att_outfile_discard(&out); /* harmless */
    assert_text(path, "whole");
    const mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666 & ~mask);

    assert_int_equal(att_outfile_open(&out, path, NULL), ATT_OK);
    fputs("what was done", out.file);
    assert_int_equal(att_outfile_keep_part(&out, NULL), ATT_OK);
    assert_text(part, "what was done");
    assert_text(path, "whole");
    realdata_remove(folder);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    char path[512];
    att_outfile out;
    att_err err;
    snprintf(path, sizeof path, "%s/out.txt", folder);
    write_text(path, "old");
    assert_int_equal(att_outfile_open(&out, path, NULL), ATT_OK);
    FILE *real = out.file;
    out.file = fopen("/dev/full", "wb"); /* every write to it fails as on a full disk */
    assert_non_null(out.file);
    fputs("new", out.file);
    assert_int_equal(att_outfile_commit(&out, &err), ATT_E_IO);
    assert_non_null(strstr(err.text, "out.txt"));
    fclose(real);
    assert_text(path, "old");
    snprintf(path, sizeof path, "%s/no/such/folder/x", folder);
    assert_int_equal(att_outfile_open(&out, path, &err), ATT_E_IO);
    realdata_remove(folder);
}

static void keep_line(void *user, att_log_level level, const char *text, int done, int total)
{
    snprintf(user, 64, "%d %s %d/%d", (int)level, text, done, total);
}

static void the_log_is_a_callback(void **state)
{
    (void)state;
    char line[64] = "";
    const att_log log = {keep_line, line}, silent = {NULL, NULL};
    att_log_write(&log, ATT_LOG_INFO, "x %d", 5);
    assert_string_equal(line, "1 x 5 0/0");
    att_log_progress(&log, "work", 2, 3);
    assert_string_equal(line, "2 work 2/3");
    att_log_write(&silent, ATT_LOG_INFO, "nobody");
    att_log_write(NULL, ATT_LOG_INFO, "nobody");
}

static void precisions_have_names(void **state)
{
    (void)state;
    att_precision p = ATT_PRECISION_EXACT;
    for (int i = ATT_PRECISION_EXACT; i <= ATT_PRECISION_INT8; i++) {
        assert_true(att_precision_of_name(att_precision_name((att_precision)i), &p));
        assert_int_equal(p, i);
    }
    assert_false(att_precision_of_name("int", &p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precisions_have_names),
        cmocka_unit_test(every_status_has_a_text),
        cmocka_unit_test(failures_carry_their_way),
        cmocka_unit_test(products_are_checked),
        cmocka_unit_test(halves_agree_with_the_reference),
        cmocka_unit_test(dtypes_have_sizes_and_names),
        cmocka_unit_test(files_are_mapped),
        cmocka_unit_test(output_is_whole_or_absent),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(the_log_is_a_callback),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
