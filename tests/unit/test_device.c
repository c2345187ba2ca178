/* test_device.c - lib/device: choosing, the cache of programs, buffers, launches, copies, times.
 *
 * Run with --compile-kernels this program is the compiler process of its own tests. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "buffer.h"
#include "conform.h"
#include "mem.h"
#include "queue.h"
#include "realdata.h"

static const char *own_path; /* argv[0] */

/* Counts the library's lines by level, and keeps the last warning. */
typedef struct heard {
    int progress, warnings;
    char text[256];
} heard;

static void hear(void *user, att_log_level level, const char *text, int done, int total)
{
    heard *h = user;
    (void)total;
    if (level == ATT_LOG_PROGRESS && done == 0) h->progress++;
    if (level != ATT_LOG_WARNING) return;
    h->warnings++;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static att_device *open_with(const char *cache, const char *compiler, heard *h)
{
    att_device *device;
    att_err err;
    att_device_options o = att_device_defaults();
    o.cache_dir = cache;
    o.compiler = compiler;
    o.log.write = hear;
    o.log.user = h;
    if (att_device_open(&device, &o, &err)) fail_msg("%s", err.text);
    return device;
}

/* Runs a kernel and checks what it made: copies 3 rows into a cache of f32. */
static void use_kernel(att_device *device)
{
    const float in[6] = {1, 2, 3, 4, 5, 6};
    float out[6] = {0};
    att_queue *queue = NULL;
    att_buf *from = NULL, *k = NULL, *v = NULL;
    att_err err;
    if (att_queue_create(&queue, device, &err) ||
        att_buf_create(&from, device, "test", ATT_F32, 6, &err) ||
        att_buf_create(&k, device, "test", ATT_F32, 3, &err) ||
        att_buf_create(&v, device, "test", ATT_F32, 3, &err) ||
        att_queue_write(queue, att_buf_view(from, ATT_F32), in, 6, &err))
        fail_msg("%s", err.text);
    const att_view all = att_buf_view(from, ATT_F32);
    const att_arg args[] = {
        att_arg_i32(3),
        att_arg_i32(0),
        att_arg_i32(3),
        att_arg_i32(1),
        att_arg_i32(1),
        att_arg_i32(1),
        att_arg_view(all),
        att_arg_i32(2),
        att_arg_view(att_view_at(all, 1)),
        att_arg_i32(2),
        att_arg_view(att_buf_view(k, ATT_F32)),
        att_arg_view(att_buf_view(v, ATT_F32)),
        att_arg_i32(0),
    };
    const att_launch launch = {.kernel = ATT_K_CACHE_ANY_F32,
                               .groups = {1, 1, 1},
                               .args = args,
                               .n_args = sizeof args / sizeof *args};
    if (att_queue_launch(queue, &launch, &err) ||
        att_queue_read(queue, out, att_buf_view(k, ATT_F32), 3, &err) ||
        att_queue_read(queue, out + 3, att_buf_view(v, ATT_F32), 3, &err))
        fail_msg("%s", err.text);
    const float want[6] = {1, 3, 5, 2, 4, 6};
    assert_memory_equal(out, want, sizeof want);
    att_buf_destroy(from);
    att_buf_destroy(k);
    att_buf_destroy(v);
    att_queue_destroy(queue);
}

static void prepare_and_use(att_device *device)
{
    const att_kernel_id kernels[] = {ATT_K_CACHE_ANY_F32, ATT_K_NORM_ANY};
    att_err err;
    if (att_device_prepare(device, kernels, 2, &err)) fail_msg("%s", err.text);
    use_kernel(device);
}

static void devices_are_listed(void **state)
{
    (void)state;
    att_device_info *infos;
    size_t n;
    assert_int_equal(att_device_list(&infos, &n, NULL), ATT_OK);
    assert_true(n >= 1);
    for (size_t i = 0; i < n; i++) {
        assert_true(strlen(infos[i].name) > 0);
        assert_true(infos[i].usable == !strlen(infos[i].why_not));
        assert_true(infos[i].compute_units > 0 && infos[i].max_buffer_bytes > 0);
    }
    att_device_list_free(infos);
}

static void a_choice_that_fits_nothing_says_what_there_is(void **state)
{
    (void)state;
    att_device *device;
    att_err err;
    att_device_options o = att_device_defaults();
    att_device_info *infos;
    size_t n;
    assert_int_equal(att_device_list(&infos, &n, NULL), ATT_OK);
    o.select = "no such device";
    assert_int_equal(att_device_open(&device, &o, &err), ATT_E_DEVICE);
    assert_null(device);
    assert_non_null(strstr(err.text, "no such device"));
    assert_non_null(strstr(err.text, infos[0].name));
    o.select = "99";
    assert_int_equal(att_device_open(&device, &o, &err), ATT_E_DEVICE);
    o.select = "0";
    if (infos[0].usable) {
        assert_int_equal(att_device_open(&device, &o, &err), ATT_OK);
        assert_string_equal(att_device_get_info(device)->name, infos[0].name);
        att_device_close(device);
    }
    o.size = 3;
    assert_int_equal(att_device_open(&device, &o, &err), ATT_E_ARG);
    att_device_list_free(infos);
}

static void threads_are_units_of_a_sub_device(void **state)
{
    (void)state;
    att_device *device;
    att_device_options o = att_device_defaults();
    o.threads = 1;
    assert_int_equal(att_device_open(&device, &o, NULL), ATT_OK);
    const att_device_info *info = att_device_get_info(device);
    if (info->can_partition) assert_int_equal(info->compute_units, 1);
    use_kernel(device);
    att_device_close(device);
}

/* Calls change(path) on every file of the folder; returns how many there are. */
static int each_entry(const char *folder, void (*change)(const char *path))
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (change) change(path);
        n++;
    }
    if (d) closedir(d);
    return n;
}

static void cut_file(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 5), 0);
}

static void flip_bit(const char *path)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, -100, SEEK_END);
    const int c = fgetc(f);
    fseek(f, -100, SEEK_END);
    fputc(c ^ 4, f);
    fclose(f);
}

static void empty_file(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

/* Compiled once, then read; a damaged entry is compiled again, and mended. */
static void programs_are_kept_and_damage_is_seen(void **state)
{
    (void)state;
    void (*const damages[])(const char *) = {cut_file, flip_bit, empty_file};
    const char *folder = realdata_folder();
    char cache[600];
    heard h = {0, 0, ""};
    snprintf(cache, sizeof cache, "%s/deep/er", folder);
    att_device *device = open_with(cache, NULL, &h);
    prepare_and_use(device);
    att_device_close(device);
    assert_true(h.progress > 0);
    assert_int_equal(each_entry(cache, NULL), 2);
    for (size_t i = 0; i < 2 * sizeof damages / sizeof *damages; i++) {
        if (i % 2 == 0) each_entry(cache, damages[i / 2]); /* odd turns find it mended */
        memset(&h, 0, sizeof h);
        device = open_with(cache, NULL, &h);
        prepare_and_use(device);
        att_device_close(device);
        assert_int_equal(h.progress > 0, i % 2 == 0);
    }
    realdata_remove(folder);
}

static void a_cache_that_cannot_be_written_is_no_error(void **state)
{
    (void)state;
    heard h = {0, 0, ""};
    att_device *device = open_with("/dev/null/cache", NULL, &h);
    prepare_and_use(device);
    att_device_close(device);
}

static void several_processes_may_fill_one_cache(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    heard h = {0, 0, ""};
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            execl(own_path, own_path, "--compile-kernels", folder, "0", "0", "NORM_ANY",
                  "CACHE_ANY_F32", (char *)NULL);
            _exit(127);
        }
    }
    for (int i = 0; i < 3; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    att_device_options o = att_device_defaults();
    o.select = "0"; /* the children's */
    o.cache_dir = folder;
    o.log.write = hear;
    o.log.user = &h;
    att_device *device;
    assert_int_equal(att_device_open(&device, &o, NULL), ATT_OK);
    prepare_and_use(device);
    assert_int_equal(h.progress, 0);
    assert_int_equal(each_entry(folder, NULL), 2); /* no temporary file is left */
    att_device_close(device);
    realdata_remove(folder);
}

static void a_child_compiles_or_is_replaced_aloud(void **state)
{
    (void)state;
    const char *const compilers[] = {own_path, "/bin/false", "/no/such/program"};
    for (int i = 0; i < 3; i++) {
        const char *folder = realdata_folder();
        heard h = {0, 0, ""};
        att_device *device = open_with(folder, compilers[i], &h);
        prepare_and_use(device);
        assert_int_equal(h.warnings, i > 0);
        assert_int_equal(each_entry(folder, NULL), 2);
        att_device_close(device);
        realdata_remove(folder);
    }
}

/* A queue goes in no time, also while buffers live that it wrote to. */
static void queues_go_at_once(void **state)
{
    (void)state;
    heard h = {0, 0, ""};
    att_device *device = open_with(NULL, NULL, &h);
    att_queue *queue = NULL;
    att_buf *a;
    float x = 1.0f;
    struct timespec begin, end;
    assert_int_equal(att_queue_create(&queue, device, NULL), ATT_OK);
    assert_int_equal(att_buf_create(&a, device, "a", ATT_F32, 1, NULL), ATT_OK);
    assert_int_equal(att_queue_write(queue, att_buf_view(a, ATT_F32), &x, 1, NULL), ATT_OK);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    att_queue_destroy(queue);
    clock_gettime(CLOCK_MONOTONIC, &end);
    const double seconds =
        (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    if (seconds > 0.08) fail_msg("it took %g s", seconds);
    att_buf_destroy(a);
    att_device_close(device);
}

/* What was sent may change once the queue has settled, and not before. */
static void settled_memory_may_change(void **state)
{
    (void)state;
    enum { N = 1 << 22 };
    heard h = {0, 0, ""};
    att_device *device = open_with(NULL, NULL, &h);
    att_queue *queue = NULL;
    att_buf *a;
    float *x = att_calloc(N, sizeof *x), *y = att_calloc(N, sizeof *y);
    assert_true(x && y);
    assert_int_equal(att_queue_create(&queue, device, NULL), ATT_OK);
    assert_int_equal(att_buf_create(&a, device, "a", ATT_F32, N, NULL), ATT_OK);
    const att_view va = att_buf_view(a, ATT_F32);
    for (int i = 0; i < N; i++) x[i] = (float)i;
    assert_int_equal(att_queue_settle(queue, NULL), ATT_OK); /* nothing to do */
    assert_int_equal(att_queue_send(queue, va, x, N, NULL), ATT_OK);
    assert_int_equal(att_queue_settle(queue, NULL), ATT_OK);
    memset(x, 0, N * sizeof *x);
    assert_int_equal(att_queue_read(queue, y, va, N, NULL), ATT_OK);
    for (int i = 0; i < N; i++) assert_true(y[i] == (float)i);
    assert_int_equal(att_queue_send(queue, va, x, N + 1, NULL), ATT_E_SHAPE);
    att_buf_destroy(a);
    att_queue_destroy(queue);
    att_device_close(device);
    att_free(x);
    att_free(y);
}

static void copies_stay_inside(void **state)
{
    (void)state;
    heard h = {0, 0, ""};
    att_device *device = open_with(NULL, NULL, &h);
    att_queue *queue = NULL;
    att_buf *a, *b;
    att_err err;
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8] = {0};
    assert_int_equal(att_queue_create(&queue, device, NULL), ATT_OK);
    assert_int_equal(att_buf_create(&a, device, "a", ATT_F32, 8, NULL), ATT_OK);
    assert_int_equal(att_buf_create(&b, device, "b", ATT_F32, 8, NULL), ATT_OK);
    const att_view va = att_buf_view(a, ATT_F32), vb = att_buf_view(b, ATT_F32);
    assert_int_equal(att_queue_write(queue, va, x, 8, NULL), ATT_OK);
    assert_int_equal(att_queue_zero(queue, vb, 8, NULL), ATT_OK);
    assert_int_equal(att_queue_copy(queue, att_view_at(vb, 2), att_view_at(va, 1), 3, NULL),
                     ATT_OK);
    assert_int_equal(att_queue_read(queue, y, vb, 8, NULL), ATT_OK);
    const float want[8] = {0, 0, 2, 3, 4, 0, 0, 0};
    assert_memory_equal(y, want, sizeof want);

    assert_int_equal(att_queue_write(queue, att_view_at(va, 1), x, 8, &err), ATT_E_SHAPE);
    assert_int_equal(att_queue_read(queue, y, att_view_at(va, -1), 2, &err), ATT_E_SHAPE);
    assert_int_equal(att_queue_zero(queue, va, 9, &err), ATT_E_SHAPE);
    assert_int_equal(att_queue_copy(queue, va, att_view_at(vb, 7), 2, &err), ATT_E_SHAPE);
    att_view half = vb;
    half.dtype = ATT_F16;
    assert_int_equal(att_queue_copy(queue, va, half, 2, &err), ATT_E_SHAPE);
    att_buf_destroy(a);
    att_buf_destroy(b);
    att_queue_destroy(queue);
    att_device_close(device);
}

static void launches_are_checked(void **state)
{
    (void)state;
    heard h = {0, 0, ""};
    att_device *device = open_with(NULL, NULL, &h);
    att_queue *queue = NULL;
    att_buf *a;
    att_err err;
    assert_int_equal(att_queue_create(&queue, device, NULL), ATT_OK);
    assert_int_equal(att_buf_create(&a, device, "a", ATT_F32, 8, NULL), ATT_OK);
    att_arg args[13];
    for (int i = 0; i < 13; i++) args[i] = att_arg_i32(0);
    const int views[] = {6, 8, 10, 11};
    for (int i = 0; i < 4; i++) args[views[i]] = att_arg_view(att_buf_view(a, ATT_F32));
    att_launch launch = {.kernel = ATT_K_CACHE_ANY_F32, .args = args, .n_args = 13};
    assert_int_equal(att_queue_launch(queue, &launch, &err), ATT_OK); /* no group, no work */
    launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
    assert_int_equal(att_queue_launch(queue, &launch, &err), ATT_OK); /* sizes of zero */
    args[10].view.at = 9;
    assert_int_equal(att_queue_launch(queue, &launch, &err), ATT_E_SHAPE);
    assert_non_null(strstr(err.text, "CACHE_ANY_F32"));
    att_buf_destroy(a);
    att_queue_destroy(queue);
    att_device_close(device);
}

static void too_much_memory_is_named(void **state)
{
    (void)state;
    heard h = {0, 0, ""};
    att_device *device = open_with(NULL, NULL, &h);
    att_arena *arena;
    att_view view;
    att_err err;
    const int64_t too_many = (int64_t)att_device_get_info(device)->max_buffer_bytes;
    assert_int_equal(att_arena_create(&arena, device, "weights", NULL), ATT_OK);
    assert_int_equal(att_arena_take(arena, "table", ATT_F32, 10, &view, &err), ATT_OK);
    assert_int_equal(att_arena_bytes(arena), 40);
    assert_int_equal(att_arena_take(arena, "table", ATT_F32, too_many, &view, &err), ATT_E_MEMORY);
    assert_non_null(strstr(err.text, "table"));
    assert_non_null(strstr(err.text, "weights"));
    assert_int_equal(att_arena_take(arena, "table", ATT_F32, INT64_MAX, &view, &err), ATT_E_ARG);
    att_arena_destroy(arena);
    att_device_close(device);
}

static void times_are_summed_by_kernel(void **state)
{
    (void)state;
    enum { LAUNCHES = 700 }; /* more than are kept pending */
    att_device *device;
    att_queue *queue = NULL;
    att_buf *a;
    att_profile_row rows[4];
    att_device_options o = att_device_defaults();
    o.profile = 1;
    assert_int_equal(att_device_open(&device, &o, NULL), ATT_OK);
    assert_int_equal(att_queue_create(&queue, device, NULL), ATT_OK);
    assert_int_equal(att_buf_create(&a, device, "a", ATT_F32, 8, NULL), ATT_OK);
    assert_int_equal(att_queue_profile(queue, rows, 4), 0);
    att_arg args[13];
    for (int i = 0; i < 13; i++) args[i] = att_arg_i32(0);
    const int views[] = {6, 8, 10, 11};
    for (int i = 0; i < 4; i++) args[views[i]] = att_arg_view(att_buf_view(a, ATT_F32));
    const att_launch launch = {.kernel = ATT_K_CACHE_ANY_F32,
                               .groups = {1, 1, 1},
                               .args = args,
                               .n_args = 13,
                               .flops = 2.0,
                               .bytes = 3.0};
    for (int i = 0; i < LAUNCHES; i++)
        assert_int_equal(att_queue_launch(queue, &launch, NULL), ATT_OK);
    assert_int_equal(att_queue_profile(queue, rows, 4), 1);
    assert_string_equal(rows[0].kernel, "CACHE_ANY_F32");
    assert_int_equal(rows[0].calls, LAUNCHES);
    assert_true(rows[0].seconds > 0.0 && rows[0].seconds < 60.0);
    assert_true(rows[0].flops == 2.0 * LAUNCHES && rows[0].bytes == 3.0 * LAUNCHES);
    att_buf_destroy(a);
    att_queue_destroy(queue);
    att_device_close(device);
}

static int features_of(const att_device_options *o)
{
    att_device *device;
    att_err err;
    int has = 0;
    if (att_device_open(&device, o, &err)) fail_msg("%s", err.text);
    for (int f = 0; f < ATT_N_FEATURES; f++) {
        has |= att_device_has(device, (att_feature)f) << f;
        assert_true(strlen(att_feature_name((att_feature)f)) > 0);
    }
    att_device_close(device);
    return has;
}

/* Probed here, by a child, and read from what was kept: the same answer. */
static void features_are_probed_once(void **state)
{
    (void)state;
    heard h = {0};
    att_device_options o = att_device_defaults();
    o.log.write = hear;
    o.log.user = &h;
    const int here = features_of(&o);
    const char *folder = realdata_folder();
    o.cache_dir = folder;
    o.compiler = own_path;
    assert_int_equal(features_of(&o), here);
    o.compiler = "/nonexistent/compiler";
    assert_int_equal(features_of(&o), here);
    o.portable = 1;
    assert_int_equal(features_of(&o), 0);
    assert_int_equal(h.warnings, 0);
    realdata_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--compile-kernels") == 0)
        return att_device_compile_main(argc, argv);
    own_path = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_listed),
        cmocka_unit_test(a_choice_that_fits_nothing_says_what_there_is),
        cmocka_unit_test(threads_are_units_of_a_sub_device),
        cmocka_unit_test(programs_are_kept_and_damage_is_seen),
        cmocka_unit_test(a_cache_that_cannot_be_written_is_no_error),
        cmocka_unit_test(several_processes_may_fill_one_cache),
        cmocka_unit_test(a_child_compiles_or_is_replaced_aloud),
        cmocka_unit_test(features_are_probed_once),
        cmocka_unit_test(copies_stay_inside),
        cmocka_unit_test(queues_go_at_once),
        cmocka_unit_test(settled_memory_may_change),
        cmocka_unit_test(launches_are_checked),
        cmocka_unit_test(too_much_memory_is_named),
        cmocka_unit_test(times_are_summed_by_kernel),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
