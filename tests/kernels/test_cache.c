/* test_cache.c - the conformance cases of cache (lib/conform/conform_cache.c) on the device under
 * test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("cache");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(device_matches_reference)};
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
