/* test_device_faults.c - lib/device when OpenCL says no, and when the cache's files are damaged.
 *
 * The linker puts the functions below before OpenCL's own (--wrap in tests/CMakeLists.txt): they
 * count what is made and released, and fail on wish. */
#include <CL/cl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device_internal.h"
#include "mem.h"
#include "realdata.h"
#include "score.h"

/* Objects of OpenCL that live, calls that could fail, and which of them does (0: none). */
typedef struct ledger {
    int live, calls, fail_at, break_source;
} ledger;

static ledger book;

static int fails(void)
{
    return ++book.calls == book.fail_at;
}

#define MAKER(type, name, declared, passed)                                                        \
    type __real_##name declared;                                                                   \
    type __wrap_##name declared;                                                                   \
    type __wrap_##name declared                                                                    \
    {                                                                                              \
        if (fails()) {                                                                             \
            *failed = CL_OUT_OF_RESOURCES;                                                         \
            return NULL;                                                                           \
        }                                                                                          \
        type made = __real_##name passed;                                                          \
        book.live += made != NULL;                                                                 \
        return made;                                                                               \
    }

#define RELEASER(name, type)                                                                       \
    cl_int __real_##name(type it);                                                                 \
    cl_int __wrap_##name(type it);                                                                 \
    cl_int __wrap_##name(type it)                                                                  \
    {                                                                                              \
        book.live--;                                                                               \
        return __real_##name(it);                                                                  \
    }

typedef void(CL_CALLBACK *context_notify)(const char *, const void *, size_t, void *);
typedef void(CL_CALLBACK *build_notify)(cl_program, void *);

MAKER(cl_context, clCreateContext,
      (const cl_context_properties *how, cl_uint n, const cl_device_id *devices,
       context_notify notify, void *user, cl_int *failed),
      (how, n, devices, notify, user, failed))
MAKER(cl_mem, clCreateBuffer,
      (cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *failed),
      (context, flags, bytes, host, failed))
MAKER(cl_command_queue, clCreateCommandQueue,
      (cl_context context, cl_device_id device, cl_command_queue_properties how, cl_int *failed),
      (context, device, how, failed))
MAKER(cl_program, clCreateProgramWithBinary,
      (cl_context context, cl_uint n, const cl_device_id *devices, const size_t *bytes,
       const unsigned char **binaries, cl_int *each, cl_int *failed),
      (context, n, devices, bytes, binaries, each, failed))
MAKER(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *failed),
      (program, name, failed))
RELEASER(clReleaseContext, cl_context)
RELEASER(clReleaseMemObject, cl_mem)
RELEASER(clReleaseProgram, cl_program)
RELEASER(clReleaseKernel, cl_kernel)
RELEASER(clReleaseEvent, cl_event)

#undef MAKER
#undef RELEASER

/* No worker of the driver may hold what is about to go. */
cl_int __real_clReleaseCommandQueue(cl_command_queue queue);
cl_int __wrap_clReleaseCommandQueue(cl_command_queue queue);
cl_int __wrap_clReleaseCommandQueue(cl_command_queue queue)
{
    cl_uint holders = 0;
    assert_int_equal(
        clGetCommandQueueInfo(queue, CL_QUEUE_REFERENCE_COUNT, sizeof holders, &holders, NULL),
        CL_SUCCESS);
    assert_int_equal(holders, 1);
    book.live--;
    return __real_clReleaseCommandQueue(queue);
}

cl_program __real_clCreateProgramWithSource(cl_context context, cl_uint n, const char **texts,
                                            const size_t *bytes, cl_int *failed);
cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint n, const char **texts,
                                            const size_t *bytes, cl_int *failed);
cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint n, const char **texts,
                                            const size_t *bytes, cl_int *failed)
{
    const char *broken = "#error broken on purpose\n";
    if (fails()) {
        *failed = CL_OUT_OF_HOST_MEMORY;
        return NULL;
    }
    if (book.break_source) texts[n - 1] = broken;
    cl_program made = __real_clCreateProgramWithSource(context, n, texts, bytes, failed);
    book.live += made != NULL;
    return made;
}

cl_int __real_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices,
                             const char *options, build_notify notify, void *user);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices,
                             const char *options, build_notify notify, void *user);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices,
                             const char *options, build_notify notify, void *user)
{
    if (fails()) return CL_BUILD_PROGRAM_FAILURE;
    return __real_clBuildProgram(program, n, devices, options, notify, user);
}

cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint n_dims,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint n, const cl_event *wait,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint n_dims,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint n, const cl_event *wait,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint n_dims,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint n, const cl_event *wait,
                                     cl_event *event)
{
    if (fails()) return CL_MEM_OBJECT_ALLOCATION_FAILURE;
    const cl_int status =
        __real_clEnqueueNDRangeKernel(queue, kernel, n_dims, offset, global, local, n, wait, event);
    book.live += status == CL_SUCCESS && event;
    return status;
}

/* Opens, launches, reads and closes everything once. */
static att_status whole_way(const char *cache, att_err *err)
{
    enum { N = 100, ROUNDS = 4 };
    att_device *device = NULL;
    att_queue *queue = NULL;
    att_arena *arena = NULL;
    att_view y;
    float got[N] = {0};
    att_device_options o = att_device_defaults();
    o.select = getenv("ATT_TEST_DEVICE");
    o.cache_dir = cache;
    o.profile = 1;
    att_status status = att_device_open(&device, &o, err);
    if (!status) status = att_queue_create(&queue, device, err);
    if (!status) status = att_arena_create(&arena, device, "a test", err);
    if (!status) status = att_arena_take(arena, "first", ATT_I32, 7, &y, err);
    if (!status) status = att_arena_take(arena, "second", ATT_F32, N, &y, err);
    if (!status) status = score_launch(queue, y, N, ROUNDS, err);
    if (!status) status = att_queue_read(queue, got, y, N, err);
    for (int i = 0; !status && i < N; i++) assert_true(got[i] == score_expected(ROUNDS));
    att_arena_destroy(arena);
    att_queue_destroy(queue);
    att_device_close(device);
    return status;
}

/* Fails call 1, 2, ... until nothing is left to fail. What can be gone around (the cache, the first
 * launch) is; all else is an error with a text; nothing stays behind. Returns how many failed. */
static int sweep(const char *cache)
{
    int n_errors = 0;
    for (int at = 1;; at++) {
        att_err err = {ATT_OK, ""};
        book = (ledger){0, 0, at, 0};
        const att_status status = whole_way(cache, &err);
        if (book.live != 0) fail_msg("failing call %d leaves %d objects", at, book.live);
        if (status) {
            assert_true(status == ATT_E_DEVICE || status == ATT_E_MEMORY);
            assert_int_equal(err.status, status);
            assert_non_null(strstr(err.text, "CL_"));
            n_errors++;
        }
        if (book.calls < at) {
            assert_int_equal(status, ATT_OK);
            return n_errors;
        }
    }
}

static void every_call_may_fail(void **state)
{
    (void)state;
    const char *folder = realdata_folder();
    assert_true(sweep(NULL) >= 8); /* context, queue, 2 buffers, source, build, kernel, launch */
    att_err err;
    book = (ledger){0, 0, 0, 0};
    assert_int_equal(whole_way(folder, &err), ATT_OK); /* fills the cache */
    assert_true(sweep(folder) >= 6);                   /* as above, less source and build */
    realdata_remove(folder);
}

static void out_of_memory_says_what_was_needed(void **state)
{
    (void)state;
    att_device *device;
    att_arena *arena;
    att_view view;
    att_err err;
    att_device_options o = att_device_defaults();
    o.select = getenv("ATT_TEST_DEVICE");
    book = (ledger){0, 0, 0, 0};
    assert_int_equal(att_device_open(&device, &o, &err), ATT_OK);
    assert_int_equal(att_arena_create(&arena, device, "the model", &err), ATT_OK);
    assert_int_equal(att_arena_take(arena, "a", ATT_F32, 250000, &view, &err), ATT_OK);
    book.fail_at = book.calls + 1;
    assert_int_equal(att_arena_take(arena, "b", ATT_F32, 500000, &view, &err), ATT_E_MEMORY);
    assert_non_null(strstr(err.text, "the model, which holds 1.0 MB: reserve b: 2.0 MB of the"));
    assert_int_equal(att_arena_bytes(arena), 1000000);
    att_arena_destroy(arena);
    att_device_close(device);
    assert_int_equal(book.live, 0);
}

static void a_kernel_that_does_not_compile_is_quoted(void **state)
{
    (void)state;
    att_err err = {ATT_OK, ""};
    book = (ledger){0, 0, 0, 1};
    assert_int_equal(whole_way(NULL, &err), ATT_E_DEVICE);
    assert_non_null(strstr(err.text, "score_any.cl"));
    assert_non_null(strstr(err.text, "broken on purpose"));
    assert_int_equal(book.live, 0);
}

static unsigned char *read_entry(const char *path, long *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = ftell(f);
    rewind(f);
    unsigned char *bytes = att_calloc((size_t)*n, 1);
    assert_int_equal(fread(bytes, 1, (size_t)*n, f), *n);
    fclose(f);
    return bytes;
}

static void write_entry(const char *path, const unsigned char *bytes, long n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, (size_t)n, f), n);
    fclose(f);
}

/* Every length and every flipped bit of a small entry: none is taken for good. */
static void no_damage_to_an_entry_goes_unseen(void **state)
{
    (void)state;
    const char *folder = realdata_folder(), *key = "a|key";
    unsigned char blob_bytes[] = "compiled";
    atti_blob blob = {blob_bytes, sizeof blob_bytes}, back;
    char path[600];
    long n;
    assert_int_equal(atti_cache_read(folder, key, &back), 0); /* not there yet */
    assert_int_equal(atti_cache_write(folder, key, &blob), 1);
    assert_int_equal(atti_cache_read(folder, "b|key", &back), 0);
    assert_int_equal(atti_cache_read(folder, key, &back), 1);
    assert_int_equal(back.n_bytes, blob.n_bytes);
    assert_memory_equal(back.bytes, blob.bytes, blob.n_bytes);
    att_free(back.bytes);
    snprintf(path, sizeof path, "%s/%016llx%016llx.clb", folder,
             (unsigned long long)atti_hash(key, strlen(key), 0),
             (unsigned long long)atti_hash(key, strlen(key), 0x9e3779b97f4a7c15u));
    unsigned char *whole = read_entry(path, &n);
    for (long cut = 0; cut < n; cut++) {
        write_entry(path, whole, cut);
        assert_int_equal(atti_cache_read(folder, key, &back), 0);
    }
    for (long bit = 0; bit < 8 * n; bit++) {
        whole[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_entry(path, whole, n);
        if (atti_cache_read(folder, key, &back)) fail_msg("bit %ld does not matter", bit);
        whole[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    write_entry(path, whole, n);
    assert_int_equal(atti_cache_read(folder, key, &back), 1);
    att_free(back.bytes);
    att_free(whole);
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(out_of_memory_says_what_was_needed),
        cmocka_unit_test(a_kernel_that_does_not_compile_is_quoted),
        cmocka_unit_test(no_damage_to_an_entry_goes_unseen),
    };
    return cmocka_run_group_tests_name("device_faults", tests, NULL, NULL);
}
