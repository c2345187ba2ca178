/* test_attn.c - the conformance cases of attn (lib/conform/conform_attn.c) on the device under
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
    rig_run_stem("attn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(device_matches_reference)};
    return cmocka_run_group_tests_name("attn", tests, NULL, NULL);
}
