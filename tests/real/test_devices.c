/* test_devices.c - `attend devices` as its users meet it. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "spawn.h"

static spawn_result devices(const char *a, const char *b)
{
    const char *const argv[] = {ATTEND_PROGRAM, "devices", a, a ? b : NULL, NULL};
    return spawn_run(argv, NULL, 0, NULL, 0.0);
}

static void the_list_names_what_there_is(void **state)
{
    (void)state;
    spawn_result r = devices(NULL, NULL), j = devices("--json", NULL);
    assert_int_equal(r.code, 0);
    assert_int_equal(j.code, 0);
    cJSON *all = cJSON_Parse(j.out);
    assert_true(cJSON_GetArraySize(all) >= 1);
    const cJSON *first = cJSON_GetArrayItem(all, 0);
    assert_non_null(strstr(r.out, cJSON_GetObjectItem(first, "name")->valuestring));
    cJSON_Delete(all);
    spawn_free(&r);
    spawn_free(&j);
}

static void the_check_passes_here(void **state)
{
    (void)state;
    spawn_result r = devices("--check", "--json");
    if (r.code != 0) fail_msg("exit %d: %s", r.code, r.err);
    cJSON *all = cJSON_Parse(r.out);
    const cJSON *row;
    assert_true(cJSON_GetArraySize(all) >= 5);
    cJSON_ArrayForEach(row, all)
    {
        assert_true(cJSON_GetObjectItem(row, "cases")->valueint > 0);
        assert_int_equal(cJSON_GetObjectItem(row, "failed")->valueint, 0);
    }
    cJSON_Delete(all);
    spawn_free(&r);
}

static void faults_have_their_codes(void **state)
{
    (void)state;
    spawn_result r = devices("--check", "--device=none such");
    assert_int_equal(r.code, 5);
    spawn_free(&r);
    r = devices("something", NULL);
    assert_int_equal(r.code, 2);
    spawn_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_names_what_there_is),
        cmocka_unit_test(the_check_passes_here),
        cmocka_unit_test(faults_have_their_codes),
    };
    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
