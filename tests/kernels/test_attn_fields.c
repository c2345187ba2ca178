/* test_attn_fields.c - the conformance cases of what a call of attention says beyond masks
 * (lib/conform/conform_attn_fields.c) on the device under test, and what holds for it whatever its
 * numbers are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "attn.h"
#include "rig.h"

static void device_matches_reference(void **state)
{
    (void)state;
    rig_run_stem("attn_fields");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_matches_reference),
    };
    return cmocka_run_group_tests_name("attn_fields", tests, NULL, NULL);
}
