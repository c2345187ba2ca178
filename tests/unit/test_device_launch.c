/* test_device_launch.c - what launches compute, refuse and share (queue.h, buffer.h). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cl_names.h"
#include "rig.h"
#include "score.h"

/* More than 65535 items, and groups that the numbers do not fill. */
static void launches_small_and_wide(void **state)
{
    (void)state;
    rig r = rig_open(0);
    const int32_t sizes[] = {1, 63, 64, 65, 4096, 70001};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) score_check(r.queue, sizes[i], 7);
    score_check(r.queue, 10, 0);
    score_check(r.queue, 10, 20);
    rig_close(&r);
}

static void launches_of_nothing_touch_nothing(void **state)
{
    (void)state;
    rig r = rig_open(0);
    att_err err;
    const att_view none = {NULL, NULL, 0, ATT_F32};
    score_check(r.queue, 0, 5); /* no group */
    const att_arg args[] = {att_arg_i32(0), att_arg_i32(5), att_arg_f32(0.5f), att_arg_f32(1.0f),
                            att_arg_view(none)};
    const att_launch launch = {ATT_K_SCORE_ANY, {3, 1, 1}, args, 5, 0.0, 0.0};
    assert_int_equal(att_queue_launch(r.queue, &launch, &err), ATT_OK); /* no size, no buffer */
    assert_int_equal(att_queue_wait(r.queue, &err), ATT_OK);
    rig_close(&r);
}

static void launches_of_senseless_things_are_refused(void **state)
{
    (void)state;
    rig r = rig_open(0);
    att_buf *buf;
    att_err err;
    assert_int_equal(att_buf_create(&buf, r.device, "y", ATT_F32, 64, &err), ATT_OK);
    const att_view y = att_buf_view(buf, ATT_F32);
    const int64_t outside[] = {-1, 65, 1LL << 31, 1LL << 40, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        att_view v = y;
        v.at = outside[i];
        assert_int_equal(score_launch(r.queue, v, 1, 1, &err), ATT_E_SHAPE);
        assert_non_null(strstr(err.text, "SCORE_ANY"));
    }
    assert_int_equal(score_launch(r.queue, y, -1000, 1, &err), ATT_E_SHAPE); /* groups below zero */
    const att_arg few[] = {att_arg_i32(1)};
    const att_launch launch = {ATT_K_SCORE_ANY, {1, 1, 1}, few, 1, 0.0, 0.0};
    rig fresh = rig_open(0); /* a kernel object that has no arguments yet */
    assert_int_equal(att_queue_launch(fresh.queue, &launch, &err), ATT_E_DEVICE);
    assert_non_null(strstr(err.text, "SCORE_ANY"));
    assert_non_null(strstr(err.text, "CL_INVALID_KERNEL_ARGS"));
    rig_close(&fresh);
    att_buf_destroy(buf);
    rig_close(&r);
}

static void a_sub_device_computes_the_same(void **state)
{
    (void)state;
    rig r = rig_open(0);
    att_device_options o = att_device_defaults();
    att_device *device = NULL;
    att_queue *queue = NULL;
    att_err err;
    if (!att_device_get_info(r.device)->can_partition) {
        rig_close(&r);
        print_message("skipped: the device cannot be divided\n");
        skip();
    }
    o.select = att_device_get_info(r.device)->name;
    o.threads = 1;
    if (att_device_open(&device, &o, &err) || att_queue_create(&queue, device, &err))
        fail_msg("%s", err.text);
    score_check(queue, 1000, 5);
    att_queue_destroy(queue);
    att_device_close(device);
    rig_close(&r);
}

static void arenas_grow_and_count(void **state)
{
    (void)state;
    rig r = rig_open(0);
    att_arena *arena;
    att_view view[40];
    att_err err;
    assert_int_equal(att_arena_create(&arena, r.device, "a session", &err), ATT_OK);
    for (int i = 0; i < 40; i++)
        assert_int_equal(att_arena_take(arena, "x", ATT_F16, 10 + i, &view[i], &err), ATT_OK);
    att_arena_seal(arena);
    assert_int_equal(att_arena_bytes(arena), 2 * (40 * 10 + 39 * 40 / 2));
    assert_int_equal(att_queue_zero(r.queue, view[39], 49, &err), ATT_OK);
    assert_int_equal(att_queue_wait(r.queue, &err), ATT_OK);
    att_arena_destroy(arena);
    att_arena_destroy(NULL);
    rig_close(&r);
}

typedef struct worker {
    att_device *device;
    int good;
} worker;

/* Asserts of cmocka belong to the main thread, so this one only counts. */
static void *run_on_own_queue(void *arg)
{
    worker *w = arg;
    att_queue *queue = NULL;
    att_buf *buf = NULL;
    float y;
    w->good = !att_queue_create(&queue, w->device, NULL) &&
              !att_buf_create(&buf, w->device, "y", ATT_F32, 1, NULL);
    for (int i = 0; w->good && i < 20; i++)
        w->good = !score_launch(queue, att_buf_view(buf, ATT_F32), 1, i, NULL) &&
                  !att_queue_read(queue, &y, att_buf_view(buf, ATT_F32), 1, NULL) &&
                  y == score_expected(i);
    att_buf_destroy(buf);
    att_queue_destroy(queue);
    return NULL;
}

static void threads_share_a_device(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    rig r = rig_open(0);
    pthread_t threads[THREADS];
    worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){r.device, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run_on_own_queue, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) assert_true(workers[i].good);
    rig_close(&r);
}

static void every_status_has_a_name(void **state)
{
    (void)state;
    for (cl_int status = -68; status <= 0; status++) {
        const int real = status >= -19 || (status <= -30 && status >= -68);
        const int named = strncmp(atti_cl_name(status), "CL_", 3) == 0;
        if (real != named) fail_msg("status %d is %s", status, atti_cl_name(status));
    }
    assert_string_equal(atti_cl_name(1), "unknown OpenCL status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launches_small_and_wide),
        cmocka_unit_test(launches_of_nothing_touch_nothing),
        cmocka_unit_test(launches_of_senseless_things_are_refused),
        cmocka_unit_test(a_sub_device_computes_the_same),
        cmocka_unit_test(arenas_grow_and_count),
        cmocka_unit_test(threads_share_a_device),
        cmocka_unit_test(every_status_has_a_name),
    };
    return cmocka_run_group_tests_name("device_launch", tests, NULL, NULL);
}
