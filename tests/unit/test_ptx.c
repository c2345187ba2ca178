/* test_ptx.c - lib/device/ptx.c: instructions behind marks come out, everything else stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "device_internal.h"
#include "mem.h"

static void marked_lines_become_instructions(void **state)
{
    (void)state;
    static const char TEXT[] =
        "// by a compiler\n.version 9.0\n.target sm_90, texmode_independent\n"
        "add;\n//@wgmma.fence;\n// a comment\n//@wait 0;\nret;\n";
    static const char WANT[] =
        "// by a compiler\n.version 9.0\n.target sm_90a, texmode_independent\n"
        "add;\nwgmma.fence;\n// a comment\nwait 0;\nret;\n";
    size_t n = 0;
    char *got = atti_ptx_reveal(TEXT, sizeof TEXT, &n); /* with its zero, as drivers give it */
    assert_non_null(got);
    assert_int_equal(n, sizeof WANT);
    assert_memory_equal(got, WANT, sizeof WANT);
    att_free(got);
}

static void other_programs_are_left_alone(void **state)
{
    (void)state;
    static const char NO_MARK[] = "\n.target sm_90\nadd;\n// @ here\n", NO_TARGET[] = "//@add;\n";
    size_t n = 7;
    assert_null(atti_ptx_reveal(NO_MARK, strlen(NO_MARK), &n));
    assert_null(atti_ptx_reveal(NO_TARGET, strlen(NO_TARGET), &n));
    assert_null(atti_ptx_reveal("", 0, &n));
    assert_null(atti_ptx_reveal("\n.target sm_//", 13, &n)); /* the mark is not whole */
    assert_int_equal(n, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marked_lines_become_instructions),
        cmocka_unit_test(other_programs_are_left_alone),
    };
    return cmocka_run_group_tests_name("ptx", tests, NULL, NULL);
}
