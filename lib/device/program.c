/* program.c - from the embedded sources to compiled programs (queue.h, device_internal.h).
 * Tests: tests/unit/test_device.c */
#include <stdio.h>
#include <string.h>

#include "cl_names.h"
#include "device_internal.h"
#include "mem.h"
#include "sources.h"

enum { MAX_TEXTS = 16, LOG_BYTES = 1200, WIDE_GRID = 65536 };

/* What one program is compiled from. */
typedef struct source {
    const char *texts[MAX_TEXTS];
    cl_uint n_texts;
    char hashes[MAX_TEXTS * 65 + 1]; /* SHA-256 of each, in hex, divided by commas */
} source;

static int add_text(source *s, const char *name, size_t n, const char *suffix)
{
    const att_cl_source *row = att_cl_sources();
    while (row->name && (strncmp(row->name, name, n) != 0 || strcmp(row->name + n, suffix) != 0))
        row++;
    if (!row->name || s->n_texts == MAX_TEXTS) return 0;
    s->texts[s->n_texts++] = row->text;
    const size_t used = strlen(s->hashes);
    snprintf(s->hashes + used, sizeof s->hashes - used, "%s,", row->sha256);
    return 1;
}

/* The preludes in their order, then the file. */
static att_status collect(const atti_program_row *row, source *s, att_err *err)
{
    memset(s, 0, sizeof *s);
    for (const char *p = row->preludes; *p;) {
        const size_t width = strcspn(p, " ");
        if (!add_text(s, p, width, ".clh"))
            return att_fail(err, ATT_E_DEVICE, "compile %s: there is no prelude %.*s.clh", row->id,
                            (int)width, p);
        p += width + strspn(p + width, " ");
    }
    if (!add_text(s, row->file, strlen(row->file), ".cl"))
        return att_fail(err, ATT_E_DEVICE, "compile %s: there is no %s.cl", row->id, row->file);
    return ATT_OK;
}

static void options_of(const att_device *device, const atti_program_row *row, char *text,
                       size_t bytes)
{
    snprintf(text, bytes, "-cl-std=CL1.2 -cl-kernel-arg-info -D VW=%d %s",
             device->info.vector_width, row->options);
}

/* All that decides what the compiler makes. The caller frees it. */
static char *key_of(const att_device *device, const atti_program_row *row, const source *s)
{
    char options[512], platform[256] = ""; /* its version names the compiler, e.g. PoCL's LLVM */
    cl_platform_id handle = NULL;
    clGetDeviceInfo(device->root, CL_DEVICE_PLATFORM, sizeof handle, &handle, NULL);
    clGetPlatformInfo(handle, CL_PLATFORM_VERSION, sizeof platform - 1, platform, NULL);
    options_of(device, row, options, sizeof options);
    return att_sprintf("%s|%s|%s|%s|%s|%s|%s|%s|" ATT_VERSION, row->id, s->hashes, options,
                       device->info.platform, platform, device->info.name, device->info.version,
                       device->info.driver);
}

static cl_program from_cache(const att_device *device, const atti_program_row *row, const char *key)
{
    atti_blob blob;
    cl_int status, each;
    char options[512];
    if (!device->cache_dir || !atti_cache_read(device->cache_dir, key, &blob)) return NULL;
    const unsigned char *bytes = blob.bytes;
    cl_program program = clCreateProgramWithBinary(device->context, 1, &device->device,
                                                   &blob.n_bytes, &bytes, &each, &status);
    att_free(blob.bytes);
    if (status != CL_SUCCESS) return NULL;
    options_of(device, row, options, sizeof options);
    if (each == CL_SUCCESS &&
        clBuildProgram(program, 1, &device->device, options, NULL, NULL) == CL_SUCCESS)
        return program;
    clReleaseProgram(program);
    return NULL;
}

static att_status say_build_log(const att_device *device, const atti_program_row *row,
                                cl_program program, cl_int status, att_err *err)
{
    char *log = NULL;
    size_t n = 0;
    clGetProgramBuildInfo(program, device->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &n);
    log = att_calloc(n + 1, 1);
    if (log) clGetProgramBuildInfo(program, device->device, CL_PROGRAM_BUILD_LOG, n, log, NULL);
    att_fail(err, ATT_E_DEVICE, "compile %s.cl (%s) for %s: %s (%d): %.*s", row->file, row->id,
             device->info.name, atti_cl_name(status), status, LOG_BYTES, log ? log : "");
    att_free(log);
    return ATT_E_DEVICE;
}

static att_status from_source(const att_device *device, const atti_program_row *row,
                              const source *s, cl_program *program, att_err *err)
{
    cl_int status;
    char options[512];
    const char *texts[MAX_TEXTS]; /* OpenCL takes them as not const */
    memcpy(texts, s->texts, sizeof texts);
    *program = clCreateProgramWithSource(device->context, s->n_texts, texts, NULL, &status);
    if (status != CL_SUCCESS)
        return att_fail(err, ATT_E_DEVICE, "compile %s: %s (%d)", row->id, atti_cl_name(status),
                        status);
    options_of(device, row, options, sizeof options);
    status = clBuildProgram(*program, 1, &device->device, options, NULL, NULL);
    if (status == CL_SUCCESS) return ATT_OK;
    say_build_log(device, row, *program, status, err);
    clReleaseProgram(*program);
    *program = NULL;
    return ATT_E_DEVICE;
}

/* Gives every argument a value that makes the launch touch nothing: sizes of zero, no buffers. */
static cl_int set_nothing(cl_kernel kernel, cl_mem dummy)
{
    cl_uint n = 0;
    const cl_int zero = 0;
    cl_int status = clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof n, &n, NULL);
    for (cl_uint i = 0; !status && i < n; i++) {
        cl_kernel_arg_address_qualifier where;
        status = clGetKernelArgInfo(kernel, i, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof where,
                                    &where, NULL);
        if (!status && where == CL_KERNEL_ARG_ADDRESS_GLOBAL)
            status = clSetKernelArg(kernel, i, sizeof dummy, &dummy);
        else if (!status)
            status = clSetKernelArg(kernel, i, sizeof zero, &zero);
    }
    return status;
}

/* Launches the kernel with nothing to do: PoCL compiles for the machine only then, and again for
 * the first grid of 65535 items or more in a dimension. Kernels of one item a group, the `cpu`
 * bodies, are made so that grids stay small: their wide form is not worth the time here. */
static cl_int warm_kernel(const att_device *device, cl_command_queue queue, cl_program program,
                          const char *entry, cl_mem dummy)
{
    cl_int status;
    size_t local[3] = {1, 1, 1}, wide[3];
    cl_kernel kernel = clCreateKernel(program, entry, &status);
    if (status != CL_SUCCESS) return status;
    status = clGetKernelWorkGroupInfo(kernel, device->device, CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
                                      sizeof local, local, NULL);
    if (!status) status = set_nothing(kernel, dummy);
    if (!status)
        status = clEnqueueNDRangeKernel(queue, kernel, 3, NULL, local, local, 0, NULL, NULL);
    memcpy(wide, local, sizeof wide);
    wide[0] *= WIDE_GRID / local[0] + 1;
    if (!status && local[0] * local[1] * local[2] > 1)
        status = clEnqueueNDRangeKernel(queue, kernel, 3, NULL, wide, local, 0, NULL, NULL);
    if (!status) status = clFinish(queue);
    clReleaseKernel(kernel);
    return status;
}

static cl_int warm_program(const att_device *device, atti_program_id id, cl_program program)
{
    enum { DUMMY_BYTES = 65536 };
    cl_int status, failed = CL_SUCCESS;
    cl_command_queue queue = clCreateCommandQueue(device->context, device->device, 0, &status);
    if (status != CL_SUCCESS) return status;
    cl_mem dummy = clCreateBuffer(device->context, CL_MEM_READ_WRITE, DUMMY_BYTES, NULL, &status);
    for (size_t k = 0; !status && k < ATT_N_KERNELS; k++)
        if (atti_kernels[k].program == id) {
            status = warm_kernel(device, queue, program, atti_kernels[k].entry, dummy);
            if (status) failed = status;
        }
    if (dummy) clReleaseMemObject(dummy);
    atti_commands_release(queue);
    return status ? status : failed;
}

/* What the compiler made; 0 when it does not say. The caller frees blob->bytes. */
static int binary_of(cl_program program, atti_blob *blob)
{
    blob->bytes = NULL;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof blob->n_bytes, &blob->n_bytes,
                         NULL) != CL_SUCCESS ||
        !blob->n_bytes)
        return 0;
    blob->bytes = att_calloc(blob->n_bytes, 1);
    if (!blob->bytes) return 0;
    unsigned char *all[] = {blob->bytes};
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof all, all, NULL) == CL_SUCCESS)
        return 1;
    att_free(blob->bytes);
    blob->bytes = NULL;
    return 0;
}

/* Where the compiler left instructions as comments (ptx.c), the program with them takes its place.
 */
static att_status reveal(const att_device *device, const atti_program_row *row, cl_program *program,
                         att_err *err)
{
    atti_blob made;
    size_t n = 0;
    cl_int status = CL_SUCCESS, each = CL_SUCCESS;
    char options[512];
    if (device->info.kind != ATT_DEVICE_GPU || !binary_of(*program, &made)) return ATT_OK;
    char *text = atti_ptx_reveal((const char *)made.bytes, made.n_bytes, &n);
    att_free(made.bytes);
    if (!text) return ATT_OK;
    const unsigned char *bytes = (const unsigned char *)text;
    clReleaseProgram(*program);
    n++; /* the driver wants the zero behind it */
    *program =
        clCreateProgramWithBinary(device->context, 1, &device->device, &n, &bytes, &each, &status);
    att_free(text);
    options_of(device, row, options, sizeof options);
    if (!status) status = each;
    if (!status) status = clBuildProgram(*program, 1, &device->device, options, NULL, NULL);
    if (status == CL_SUCCESS) return ATT_OK;
    if (*program) {
        say_build_log(device, row, *program, status, err);
        clReleaseProgram(*program);
        *program = NULL;
        return ATT_E_DEVICE;
    }
    return att_fail(err, ATT_E_DEVICE, "load %s as PTX: %s (%d)", row->id, atti_cl_name(status),
                    status);
}

/* Keeps the compiled program; a cache that cannot be written is not an error. */
static void save(const att_device *device, const char *key, cl_program program)
{
    atti_blob blob;
    if (!binary_of(program, &blob)) return;
    const int saved = atti_cache_write(device->cache_dir, key, &blob);
    att_free(blob.bytes);
    if (!saved)
        att_log_write(&device->log, ATT_LOG_WARNING,
                      "a compiled kernel cannot be kept in %s: the next start compiles it again",
                      device->cache_dir);
}

/* Loads one program; the device's lock is held. compile 0: only from the cache, *program may stay
 * NULL. */
static att_status load(att_device *device, atti_program_id id, int compile, att_err *err)
{
    const atti_program_row *row = &atti_programs[id];
    source s;
    if (device->programs[id]) return ATT_OK;
    att_status status = collect(row, &s, err);
    if (status) return status;
    char *key = key_of(device, row, &s);
    if (!key) return att_fail(err, ATT_E_MEMORY, "compile %s: out of host memory", row->id);
    device->programs[id] = from_cache(device, row, key);
    if (!device->programs[id] && compile) {
        status = from_source(device, row, &s, &device->programs[id], err);
        if (!status) status = reveal(device, row, &device->programs[id], err);
        cl_int warmed = CL_SUCCESS;
        if (!status && device->info.kind == ATT_DEVICE_CPU)
            warmed = warm_program(device, id, device->programs[id]);
        if (warmed != CL_SUCCESS)
            att_log_write(&device->log, ATT_LOG_WARNING, "first launch of %s: %s (%d)", row->id,
                          atti_cl_name(warmed), warmed);
        if (!status && device->cache_dir) save(device, key, device->programs[id]);
    }
    att_free(key);
    return status;
}

att_status atti_program_get(att_device *device, atti_program_id id, cl_program *program,
                            att_err *err)
{
    pthread_mutex_lock(&device->lock);
    const att_status status = load(device, id, 1, err);
    *program = device->programs[id];
    pthread_mutex_unlock(&device->lock);
    return status;
}

/* The programs of the kernels, each once, that are not loaded and not in the cache. */
static att_status missing_of(att_device *device, const att_kernel_id *kernels, size_t n,
                             atti_program_id *missing, size_t *n_missing, att_err *err)
{
    att_status status = ATT_OK;
    unsigned char seen[ATT_N_PROGRAMS + 1] = {0};
    *n_missing = 0;
    for (size_t i = 0; !status && i < n; i++) {
        const atti_program_id id = atti_kernels[kernels[i]].program;
        if (seen[id]) continue;
        seen[id] = 1;
        status = load(device, id, 0, err);
        if (!status && !device->programs[id]) missing[(*n_missing)++] = id;
    }
    return status;
}

att_status att_device_prepare(att_device *device, const att_kernel_id *kernels, size_t n,
                              att_err *err)
{
    atti_program_id missing[ATT_N_PROGRAMS + 1];
    size_t n_missing;
    pthread_mutex_lock(&device->lock);
    att_status status = missing_of(device, kernels, n, missing, &n_missing, err);
    const int compiled = !status && n_missing && device->compiler && device->cache_dir &&
                         atti_compile_in_children(device, missing, n_missing);
    for (size_t i = 0; !status && i < n_missing; i++) {
        if (!compiled) att_log_progress(&device->log, "compiling kernels", (int)i, (int)n_missing);
        status = load(device, missing[i], 1, err);
    }
    if (n_missing)
        att_log_progress(&device->log, "compiling kernels", (int)n_missing, (int)n_missing);
    pthread_mutex_unlock(&device->lock);
    return status;
}
