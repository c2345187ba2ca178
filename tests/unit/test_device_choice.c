/* test_device_choice.c - which device is opened: by wish, by kind, by speed (attend/device.h).
 *
 * Run with --choose CACHE this program tells what it would choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device_internal.h"
#include "realdata.h"
#include "rig.h"
#include "spawn.h"

static att_status try_open(const char *select, int32_t threads, att_device **device, att_err *err)
{
    att_device_options o = att_device_defaults();
    o.select = select;
    o.threads = threads;
    return att_device_open(device, &o, err);
}

static void chooses_by_index_name_kind_and_version(void **state)
{
    (void)state;
    rig r = rig_open(0);
    const att_device_info *info = att_device_get_info(r.device);
    char index[16], part[8];
    snprintf(index, sizeof index, "%d", r.device->index);
    snprintf(part, sizeof part, "%.5s", info->name);
    const char *kind = info->kind == ATT_DEVICE_CPU   ? "CPU"
                       : info->kind == ATT_DEVICE_GPU ? "GPU"
                                                      : index;
    const char *const selects[] = {index, info->name, part, kind, info->version, info->platform};
    for (size_t i = 0; i < sizeof selects / sizeof *selects; i++) {
        att_device *device;
        att_err err;
        if (try_open(selects[i], 0, &device, &err)) fail_msg("%s", err.text);
        if (i == 0) assert_int_equal(device->index, r.device->index);
        att_device_close(device);
    }
    rig_close(&r);
}

static void refuses_what_is_not_there(void **state)
{
    (void)state;
    rig r = rig_open(0);
    const char *const selects[] = {"no such device", "9999", "-1"};
    for (size_t i = 0; i < sizeof selects / sizeof *selects; i++) {
        att_device *device = r.device;
        att_err err;
        assert_int_equal(try_open(selects[i], 0, &device, &err), ATT_E_DEVICE);
        assert_null(device);
        assert_non_null(strstr(err.text, selects[i]));
        assert_non_null(strstr(err.text, att_device_get_info(r.device)->name));
        assert_int_equal(try_open(selects[i], 0, &device, NULL), ATT_E_DEVICE);
    }
    rig_close(&r);
}

static void bodies_follow_kind_and_wish(void **state)
{
    (void)state;
    rig own = rig_open(0), portable = rig_open(1);
    const int cpu = att_device_get_info(own.device)->kind == ATT_DEVICE_CPU;
    assert_int_equal(att_device_cpu_bodies(own.device), cpu);
    assert_int_equal(att_device_cpu_bodies(portable.device), 0);
    rig_close(&own);
    rig_close(&portable);
}

/* What the process of the next test prints: the device chosen, and each device's score. */
static int print_choice(const char *cache)
{
    att_device_info *infos;
    size_t n;
    att_device *device;
    att_device_options o = att_device_defaults();
    o.cache_dir = cache;
    if (att_device_list(&infos, &n, NULL) || att_device_open(&device, &o, NULL)) return 1;
    printf("%d %zu", device->index, n);
    for (size_t i = 0; i < n; i++)
        printf(" %.17g", atti_device_score(cache, i, &infos[i], &device->log));
    printf("\n");
    att_device_list_free(infos);
    att_device_close(device);
    return 0;
}

/* Two devices of one processor, as PoCL shows them when asked to. */
static void the_fastest_is_chosen_and_remembered(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    const char *const argv[] = {"/proc/self/exe", "--choose", folder, NULL};
    const char *const env[] = {"POCL_DEVICES=basic pthread", NULL};
    double first[2] = {0.0, 0.0}, second[2];
    int chosen, again, n = 0;
    spawn_result r = spawn_run(argv, NULL, 0, env, 0.0);
    assert_int_equal(r.code, 0);
    const int got = sscanf(r.out, "%d %d %lf %lf", &chosen, &n, &first[0], &first[1]);
    spawn_free(&r);
    if (n != 2) {
        realdata_remove(folder);
        print_message("skipped: there are %d devices, expected PoCL's two\n", n);
        skip();
    }
    assert_int_equal(got, 4);
    assert_true(first[0] > 0.0 && first[1] > 0.0);
    assert_int_equal(chosen, first[1] > first[0]);
    r = spawn_run(argv, NULL, 0, env, 0.0);
    assert_int_equal(sscanf(r.out, "%d %d %lf %lf", &again, &n, &second[0], &second[1]), 4);
    spawn_free(&r);
    assert_int_equal(again, chosen);
    assert_true(first[0] == second[0] && first[1] == second[1]); /* read, not measured again */
    realdata_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--choose") == 0) return print_choice(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_by_index_name_kind_and_version),
        cmocka_unit_test(refuses_what_is_not_there),
        cmocka_unit_test(bodies_follow_kind_and_wish),
        cmocka_unit_test(the_fastest_is_chosen_and_remembered),
    };
    return cmocka_run_group_tests_name("device_choice", tests, NULL, NULL);
}
