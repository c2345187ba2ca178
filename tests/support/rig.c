/* rig.c - rig.h. */
#define _POSIX_C_SOURCE 200809L
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static int is_set(const char *name)
{
    const char *value = getenv(name);
    return value && strcmp(value, "0") != 0;
}

int rig_portable_only(void)
{
    return is_set("ATT_TEST_PORTABLE");
}

int rig_small(void)
{
    return is_set("ATT_TEST_SMALL");
}

rig rig_open(int portable)
{
    return rig_open_without(portable, 0);
}

rig rig_open_without(int portable, uint64_t features)
{
    rig r = {NULL, NULL};
    att_err err;
    char cache[256];
    const char *tmp = getenv("TMPDIR");
    snprintf(cache, sizeof cache, "%s/attend-test-kernels-%ld", tmp ? tmp : "/tmp", (long)getuid());
    att_device_options o = att_device_defaults();
    o.select = getenv("ATT_TEST_DEVICE");
    o.cache_dir = rig_small() ? NULL : cache; /* an interpreter has nothing to keep */
    o.portable = portable;
    o.without = features;
    if (att_device_open(&r.device, &o, &err) || att_queue_create(&r.queue, r.device, &err))
        fail_msg("%s", err.text);
    return r;
}

void rig_close(rig *r)
{
    att_queue_destroy(r->queue);
    att_device_close(r->device);
}

static void run_case(rig *r, const att_conform_case *c, const char *bodies)
{
    att_err err = {ATT_OK, ""};
    att_conform_result result = {0.0, ""};
    const att_status status = c->run(r->queue, c->variant, rig_small(), &result, &err);
    if (status == ATT_E_UNSUPPORTED) {
        print_message("not supported: %s %s (%s): %s\n", c->stem, c->name, bodies, err.text);
        return;
    }
    if (status) fail_msg("%s %s (%s): %s", c->stem, c->name, bodies, err.text);
    if (!(result.worst <= 1.0))
        fail_msg("%s %s (%s): %g tolerances off: %s", c->stem, c->name, bodies, result.worst,
                 result.text);
}

static void run_stem(const char *stem, int portable, uint64_t without, const char *bodies)
{
    rig r = rig_open_without(portable, without);
    size_t n, n_run = 0;
    const att_conform_case *cases;
    for (size_t i = 0; (cases = att_conform_cases(i, &n)); i++)
        for (size_t c = 0; c < n; c++)
            if (strcmp(cases[c].stem, stem) == 0) {
                run_case(&r, &cases[c], bodies);
                n_run++;
            }
    rig_close(&r);
    assert_true(n_run > 0);
}

void rig_run_stem(const char *stem)
{
    if (!rig_portable_only()) {
        rig r = rig_open(0);
        const int group = att_device_has(r.device, ATT_FEATURE_WARPGROUP_F16);
        const int pairs = att_device_has(r.device, ATT_FEATURE_DOT_INT8) &&
                          att_device_has(r.device, ATT_FEATURE_DOT_PAIRS);
        rig_close(&r);
        run_stem(stem, 0, 0, "own");
        if (pairs && strcmp(stem, "linear") == 0) /* what other processors use */
            run_stem(stem, 0, 1u << ATT_FEATURE_DOT_INT8, "own, no int8 dots");
        if (group) run_stem(stem, 0, 1u << ATT_FEATURE_WARPGROUP_F16, "own, no warp groups");
    }
    run_stem(stem, 1, 0, "portable");
}
