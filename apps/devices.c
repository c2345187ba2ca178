/* devices.c - `attend devices`: what there is, what it switches on, and --check, which holds one
 * device's kernels to the plain C reference. Tests: tests/real/test_devices.c */
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "attend/device.h"
#include "conform.h"
#include "mem.h"
#include "paths.h"
#include "progress.h"
#include "verbs.h"

typedef struct devices_options {
    const char *device;
    int threads, check, json, quiet, info, help;
} devices_options;

#define AT(member) offsetof(devices_options, member)
static const att_opt OPTIONS[] = {
    {"check", 0, ATT_OPT_FLAG, AT(check), NULL, NULL, "run the kernels' conformance cases"},
    {"device", 0, ATT_OPT_TEXT, AT(device), NULL, "D", "the one to check [the fastest]"},
    {"threads", 0, ATT_OPT_INT, AT(threads), NULL, "N", "compute units to use [all]"},
    {"json", 0, ATT_OPT_FLAG, AT(json), NULL, NULL, "print JSON"},
    {"quiet", 'q', ATT_OPT_FLAG, AT(quiet), NULL, NULL, "no progress on stderr"},
    {"info", 'v', ATT_OPT_FLAG, AT(info), NULL, NULL, "name every case that is not supported"},
    {"help", 'h', ATT_OPT_FLAG, AT(help), NULL, NULL, "this text"},
};
#undef AT

static const char *kind_name(att_device_kind kind)
{
    return kind == ATT_DEVICE_CPU ? "cpu" : kind == ATT_DEVICE_GPU ? "gpu" : "other";
}

/* Without opening it: what its units can do is found out by running it. */
static const char *bodies_of(const att_device_info *info)
{
    return info->kind == ATT_DEVICE_CPU ? "cpu and portable"
                                        : "portable, and others that --check finds";
}

static void print_device(size_t index, const att_device_info *i)
{
    printf("%zu: %s\n", index, i->name);
    printf("   %s, %d units, %d float lanes, %.1f GB (%.1f GB a buffer), %llu KiB local\n",
           kind_name(i->kind), i->compute_units, i->vector_width, (double)i->memory_bytes / 1e9,
           (double)i->max_buffer_bytes / 1e9, (unsigned long long)(i->local_bytes / 1024));
    printf("   %s, %s, driver %s\n", i->platform, i->version, i->driver);
    if (!i->usable) {
        printf("   cannot be used: %s\n", i->why_not);
        return;
    }
    printf("   kernels: %s; --threads: %s\n", bodies_of(i),
           i->can_partition ? "by a sub-device" : "all units only");
}

static void add_device(cJSON *list, size_t index, const att_device_info *i)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "index", (double)index);
    cJSON_AddStringToObject(o, "name", i->name);
    cJSON_AddStringToObject(o, "kind", kind_name(i->kind));
    cJSON_AddStringToObject(o, "platform", i->platform);
    cJSON_AddStringToObject(o, "version", i->version);
    cJSON_AddStringToObject(o, "driver", i->driver);
    cJSON_AddNumberToObject(o, "compute_units", i->compute_units);
    cJSON_AddNumberToObject(o, "vector_width", i->vector_width);
    cJSON_AddNumberToObject(o, "memory_bytes", (double)i->memory_bytes);
    cJSON_AddNumberToObject(o, "max_buffer_bytes", (double)i->max_buffer_bytes);
    cJSON_AddBoolToObject(o, "can_partition", i->can_partition);
    cJSON_AddBoolToObject(o, "usable", i->usable);
    cJSON_AddStringToObject(o, "why_not", i->why_not);
    cJSON_AddItemToArray(list, o);
}

static int print_json(cJSON *o)
{
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (!text) return ATT_EXIT_FAILED;
    puts(text);
    cJSON_free(text);
    return ATT_EXIT_DONE;
}

static int say(const att_err *err)
{
    fprintf(stderr, "attend devices: %s\n", err->text);
    return att_exit_code(err->status);
}

static int list(const devices_options *o)
{
    att_device_info *infos;
    size_t n;
    att_err err;
    if (att_device_list(&infos, &n, &err)) return say(&err);
    int code = ATT_EXIT_DONE;
    if (o->json) {
        cJSON *all = cJSON_CreateArray();
        for (size_t i = 0; i < n; i++) add_device(all, i, &infos[i]);
        code = print_json(all);
    } else if (n == 0) {
        puts("no OpenCL device; install one, e.g. Debian's pocl-opencl-icd for this processor");
    }
    for (size_t i = 0; !o->json && i < n; i++) print_device(i, &infos[i]);
    att_device_list_free(infos);
    return code;
}

/* What the cases of one stem came to on one set of bodies. */
typedef struct tally {
    int run, failed, unsupported;
    double worst;
} tally;

static void run_case(att_queue *queue, const att_conform_case *c, int info, tally *t)
{
    att_conform_result result = {0.0, ""};
    att_err err = {ATT_OK, ""};
    const att_status status = c->run(queue, c->variant, 0, &result, &err);
    if (status == ATT_E_UNSUPPORTED) {
        t->unsupported++;
        if (info) fprintf(stderr, "%s %s: %s\n", c->stem, c->name, err.text);
        return;
    }
    t->run++;
    if (!(result.worst <= t->worst)) t->worst = result.worst;
    if (!status && result.worst <= 1.0) return;
    t->failed++;
    fprintf(stderr, "attend devices: %s %s: %s\n", c->stem, c->name,
            status ? err.text : result.text);
}

static void print_tally(cJSON *list, const char *bodies, const char *stem, const tally *t)
{
    if (!list) {
        printf("%-9s %-8s %4d cases, %d failed, worst %.3f of its tolerance\n", bodies, stem,
               t->run, t->failed, t->worst);
        fflush(stdout);
        return;
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "bodies", bodies);
    cJSON_AddStringToObject(o, "stem", stem);
    cJSON_AddNumberToObject(o, "cases", t->run);
    cJSON_AddNumberToObject(o, "failed", t->failed);
    cJSON_AddNumberToObject(o, "worst", t->worst);
    cJSON_AddItemToArray(list, o);
}

/* without: features that are left alone, as bits. */
static int check_bodies(const devices_options *o, int portable, uint64_t without, cJSON *list,
                        int *failed)
{
    att_progress progress;
    att_device *device = NULL;
    att_queue *queue = NULL;
    att_err err;
    char *cache = att_path_kernels();
    att_progress_init(&progress, o->quiet, 0);
    att_device_options options = att_device_defaults();
    options.select = o->device;
    options.threads = o->threads;
    options.cache_dir = cache;
    options.portable = portable;
    options.without = without;
    options.log = att_progress_log(&progress);
    att_status status = att_device_open(&device, &options, &err);
    if (!status) status = att_queue_create(&queue, device, &err);
    const char *bodies = status ? "" : att_device_bodies(device, ATT_PRECISION_FAST);
    for (int f = 0; !status && !list && f < ATT_N_FEATURES; f++)
        if (att_device_has(device, (att_feature)f))
            printf("%-9s with %s\n", bodies, att_feature_name((att_feature)f));
    size_t n;
    const att_conform_case *cases;
    for (size_t i = 0; !status && (cases = att_conform_cases(i, &n)); i++) {
        tally t = {0, 0, 0, 0.0};
        for (size_t c = 0; c < n; c++) run_case(queue, &cases[c], o->info, &t);
        print_tally(list, bodies, cases->stem, &t);
        *failed += t.failed;
    }
    att_queue_destroy(queue);
    att_device_close(device);
    att_free(cache);
    return status ? say(&err) : ATT_EXIT_DONE;
}

/* Some devices have bodies of their own; the portable ones are checked everywhere. */
static int check(const devices_options *o)
{
    cJSON *list = o->json ? cJSON_CreateArray() : NULL;
    att_device_options options = att_device_defaults();
    att_device *device;
    att_err err;
    int failed = 0;
    options.select = o->device;
    if (att_device_open(&device, &options, &err)) {
        cJSON_Delete(list);
        return say(&err);
    }
    const uint64_t group = 1u << ATT_FEATURE_WARPGROUP_F16;
    const int two = strcmp(att_device_bodies(device, ATT_PRECISION_FAST), "portable") != 0;
    const int three = att_device_has(device, ATT_FEATURE_WARPGROUP_F16);
    if (!o->json) printf("checking %s\n", att_device_get_info(device)->name);
    att_device_close(device);
    int code = two ? check_bodies(o, 0, 0, list, &failed) : ATT_EXIT_DONE;
    if (!code && three) code = check_bodies(o, 0, group, list, &failed);
    if (!code) code = check_bodies(o, 1, 0, list, &failed);
    if (list && !code) code = print_json(list);
    if (!code && failed) code = ATT_EXIT_DEVICE;
    if (!o->json && !code) puts("all kernels agree with the reference");
    return code;
}

int att_cmd_devices(int argc, char **argv)
{
    devices_options o;
    size_t n_files;
    const size_t n_options = sizeof OPTIONS / sizeof *OPTIONS;
    const char **files = att_calloc((size_t)argc, sizeof *files);
    memset(&o, 0, sizeof o);
    if (!files) return ATT_EXIT_FAILED;
    int code = att_args_read("devices", OPTIONS, n_options, argc, argv, &o, files, &n_files);
    if (!code && n_files > 0) {
        fprintf(stderr, "attend devices: '%s' is not expected; see attend devices --help\n",
                files[0]);
        code = ATT_EXIT_USAGE;
    }
    att_free(files);
    if (code) return code;
    if (o.help) {
        puts("usage: attend devices [--check] [OPTION...]\n");
        att_args_help(OPTIONS, n_options);
        return ATT_EXIT_DONE;
    }
    return o.check ? check(&o) : list(&o);
}
