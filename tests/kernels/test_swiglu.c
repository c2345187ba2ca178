/* test_swiglu.c - the conformance cases of swiglu (lib/conform/conform_swiglu.c) on the device
 * under test, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rig.h"
#include "swiglu.h"

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("swiglu");
}

static void senseless_calls_are_refused(void **state)
{
    (void)state;
    rig r = rig_open(rig_portable_only());
    const att_view none = {NULL, NULL, 0, ATT_F32};
    att_mat x = att_mat_of(none, 2, 16);
    att_err err;
    assert_int_equal(att_swiglu_apply(r.queue, x, att_mat_of(none, 2, 9), &err), ATT_E_SHAPE);
    assert_non_null(strstr(err.text, "[2,9]"));
    x.view.dtype = ATT_F16;
    assert_int_equal(att_swiglu_apply(r.queue, x, att_mat_of(none, 2, 8), &err), ATT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "x is f16 and y f32"));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(device_matches_reference),
                                       cmocka_unit_test(senseless_calls_are_refused)};
    return cmocka_run_group_tests_name("swiglu", tests, NULL, NULL);
}
