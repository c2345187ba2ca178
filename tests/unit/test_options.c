/* test_options.c - lib/base/options: callers of older and newer versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "attend/asr.h"
#include "attend/device.h"
#include "options.h"

typedef struct grown {
    size_t size;
    int32_t a, b;
    double c;
} grown;

static const grown DEFAULTS = {sizeof(grown), 1, 2, 3.0};

/* A caller that knows fields up to `bytes` only; what lies behind in its memory is not ours. */
static grown take(size_t bytes)
{
    grown ours = DEFAULTS, theirs = {bytes, 10, 20, 30.0};
    att_err err;
    assert_int_equal(att_options_take(&ours, &theirs, "test", &err), ATT_OK);
    assert_int_equal(ours.size, sizeof ours);
    return ours;
}

static void an_older_caller_gets_the_newer_defaults(void **state)
{
    (void)state;
    grown g = take(sizeof(grown));
    assert_true(g.a == 10 && g.b == 20 && g.c == 30.0);
    g = take(offsetof(grown, c));
    assert_true(g.a == 10 && g.b == 20 && g.c == 3.0);
    g = take(offsetof(grown, b));
    assert_true(g.a == 10 && g.b == 2 && g.c == 3.0);
    g = take(sizeof(size_t));
    assert_true(g.a == 1 && g.b == 2 && g.c == 3.0);
}

static void no_options_are_the_defaults(void **state)
{
    (void)state;
    grown g = DEFAULTS;
    assert_int_equal(att_options_take(&g, NULL, "test", NULL), ATT_OK);
    assert_true(memcmp(&g, &DEFAULTS, sizeof g) == 0);
}

static void a_newer_caller_is_told(void **state)
{
    (void)state;
    const size_t wrong[] = {0, sizeof(size_t) - 1, sizeof(grown) + 1, (size_t)-1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        grown ours = DEFAULTS, theirs = {wrong[i], 10, 20, 30.0};
        att_err err;
        assert_int_equal(att_options_take(&ours, &theirs, "test", &err), ATT_E_ARG);
        assert_non_null(strstr(err.text, wrong[i] > sizeof(grown) ? "newer" : "defaults"));
        assert_int_equal(ours.a, 1);
    }
}

/* What is written is what the caller has room for, and no byte more. */
static void defaults_fit_the_caller(void **state)
{
    (void)state;
    unsigned char room[sizeof(grown) + 16], *behind = room + sizeof(grown);
    const size_t sizes[] = {sizeof(size_t), offsetof(grown, b), sizeof(grown), sizeof room};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        grown got = {0};
        memset(room, 0xee, sizeof room);
        att_options_give(room, sizes[i], &DEFAULTS);
        memcpy(&got, room, sizes[i] < sizeof got ? sizes[i] : sizeof got);
        assert_int_equal(got.size, sizes[i]);
        assert_int_equal(got.a, sizes[i] > sizeof(size_t) ? 1 : 0);
        assert_true(got.c == (sizes[i] >= sizeof got ? 3.0 : 0.0));
        if (sizes[i] < sizeof room) assert_int_equal(room[sizes[i]], 0xee);
        assert_int_equal(*behind, sizes[i] > sizeof(grown) ? 0 : 0xee);
    }
}

/* The size comes first, and no padding ends the struct: a field added there would be read from
 * callers that never set it. */
static void public_options_can_grow(void **state)
{
    (void)state;
    assert_int_equal(offsetof(att_asr_options, size), 0);
    assert_int_equal(offsetof(att_asr_options, vad_chunks) + sizeof(int32_t),
                     sizeof(att_asr_options));
    assert_int_equal(offsetof(att_vad_options, speech_pad_ms) + sizeof(int32_t),
                     sizeof(att_vad_options));
    assert_int_equal(offsetof(att_asr_live_options, size), 0);
    assert_int_equal(offsetof(att_asr_live_options, on_partial) + sizeof(void (*)(void)),
                     sizeof(att_asr_live_options));
    assert_int_equal(offsetof(att_device_options, size), 0);
    assert_int_equal(offsetof(att_device_options, without) + sizeof(uint64_t),
                     sizeof(att_device_options));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_caller_gets_the_newer_defaults),
        cmocka_unit_test(no_options_are_the_defaults),
        cmocka_unit_test(a_newer_caller_is_told),
        cmocka_unit_test(defaults_fit_the_caller),
        cmocka_unit_test(public_options_can_grow),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
