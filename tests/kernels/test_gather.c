/* test_gather.c - the conformance cases of gather (lib/conform/conform_gather.c) on the device
 * under test, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gather.h"
#include "rig.h"

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("gather");
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    rig r = rig_open(rig_portable_only());
    const att_view none = {NULL, NULL, 0, ATT_F32}, rows = {NULL, NULL, 0, ATT_I32};
    const att_mat x = att_mat_of(none, 2, 16);
    att_err err;
    assert_int_equal(att_gather_apply(r.queue, x, rows, att_mat_of(none, 3, 9), &err), ATT_E_SHAPE);
    assert_non_null(strstr(err.text, "[3,9]"));
    assert_int_equal(att_gather_apply(r.queue, x, none, x, &err), ATT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "the list f32"));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(device_matches_reference),
                                       cmocka_unit_test(senseless_calls_are_refused)};
    return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
