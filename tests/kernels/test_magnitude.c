/* test_magnitude.c - the conformance cases of magnitude (lib/conform/conform_magnitude.c) on the
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
    rig_run_stem("magnitude");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(device_matches_reference)};
    return cmocka_run_group_tests_name("magnitude", tests, NULL, NULL);
}
