/* test_lstm.c - the conformance cases of lstm (lib/conform/conform_lstm.c) on the
 * device under test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("lstm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(device_matches_reference)};
    return cmocka_run_group_tests_name("lstm", tests, NULL, NULL);
}
