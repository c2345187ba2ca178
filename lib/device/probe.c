/* probe.c - finding devices and what they can do (attend/device.h). Tests: tests/unit/test_device.c
 */
#include <stdio.h>
#include <string.h>

#include "cl_names.h"
#include "device_internal.h"
#include "mem.h"

static void get_text(cl_device_id device, cl_device_info what, char *text, size_t bytes)
{
    char all[1024] = "";
    clGetDeviceInfo(device, what, sizeof all - 1, all, NULL);
    snprintf(text, bytes, "%.*s", (int)bytes - 1, all + strspn(all, " "));
}

static cl_ulong get_number(cl_device_id device, cl_device_info what, size_t bytes)
{
    cl_ulong x = 0;
    cl_uint small = 0;
    if (bytes == sizeof small) {
        clGetDeviceInfo(device, what, sizeof small, &small, NULL);
        return small;
    }
    clGetDeviceInfo(device, what, sizeof x, &x, NULL);
    return x;
}

static int can_partition(cl_device_id device)
{
    cl_device_partition_property kinds[16] = {0};
    clGetDeviceInfo(device, CL_DEVICE_PARTITION_PROPERTIES, sizeof kinds, kinds, NULL);
    for (size_t i = 0; i < 16 && kinds[i]; i++)
        if (kinds[i] == CL_DEVICE_PARTITION_BY_COUNTS) return 1;
    return 0;
}

/* What the backend cannot do without. */
static void check_usable(cl_device_id device, att_device_info *info)
{
    int major = 0, minor = 0;
    const char *why = NULL;
    const cl_ulong ready = get_number(device, CL_DEVICE_AVAILABLE, sizeof(cl_uint));
    const cl_ulong compiler = get_number(device, CL_DEVICE_COMPILER_AVAILABLE, sizeof(cl_uint));
    const cl_ulong little = get_number(device, CL_DEVICE_ENDIAN_LITTLE, sizeof(cl_uint));
    if (sscanf(info->version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12)
        why = "it has no OpenCL 1.2";
    else if (!ready)
        why = "it is not available";
    else if (!compiler)
        why = "it has no compiler";
    else if (!little)
        why = "it is big-endian";
    else if (info->local_bytes < 16384)
        why = "it has less than 16 KiB of local memory";
    info->usable = !why;
    snprintf(info->why_not, sizeof info->why_not, "%s", why ? why : "");
}

static void probe(cl_platform_id platform, cl_device_id device, att_device_info *info)
{
    memset(info, 0, sizeof *info);
    get_text(device, CL_DEVICE_NAME, info->name, sizeof info->name);
    get_text(device, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    get_text(device, CL_DEVICE_VERSION, info->version, sizeof info->version);
    get_text(device, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof info->platform - 1, info->platform, NULL);
    cl_device_type type = 0;
    clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    info->kind = type & CL_DEVICE_TYPE_CPU   ? ATT_DEVICE_CPU
                 : type & CL_DEVICE_TYPE_GPU ? ATT_DEVICE_GPU
                                             : ATT_DEVICE_OTHER;
    info->compute_units = (int32_t)get_number(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint));
    const cl_ulong lanes = get_number(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof(cl_uint));
    info->vector_width = lanes >= 16 ? 16 : lanes >= 8 ? 8 : lanes >= 4 ? 4 : 1;
    info->max_group = (int32_t)get_number(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(cl_ulong));
    info->memory_bytes = get_number(device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong));
    info->max_buffer_bytes = get_number(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(cl_ulong));
    info->local_bytes = get_number(device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong));
    info->can_partition = can_partition(device);
    check_usable(device, info);
}

typedef struct found {
    att_device_info *infos;
    cl_device_id *handles;
    size_t n;
} found;

static int add_device(found *f, cl_platform_id platform, cl_device_id device)
{
    att_device_info *infos = att_realloc(f->infos, f->n + 1, sizeof *infos);
    if (!infos) return 0;
    f->infos = infos;
    cl_device_id *handles = att_realloc(f->handles, f->n + 1, sizeof *handles);
    if (!handles) return 0;
    f->handles = handles;
    probe(platform, device, &f->infos[f->n]);
    f->handles[f->n++] = device;
    return 1;
}

enum { MAX_PLATFORMS = 32, MAX_DEVICES = 64 };

att_status atti_devices_find(att_device_info **infos, cl_device_id **handles, size_t *n,
                             att_err *err)
{
    found f = {NULL, NULL, 0};
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint n_platforms = 0;
    const cl_int status = clGetPlatformIDs(MAX_PLATFORMS, platforms, &n_platforms);
    if (status != CL_SUCCESS) n_platforms = 0; /* the loader's way to say that there is none */
    for (cl_uint p = 0; p < n_platforms && p < MAX_PLATFORMS; p++) {
        cl_device_id devices[MAX_DEVICES];
        cl_uint n_devices = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &n_devices) !=
            CL_SUCCESS)
            continue;
        for (cl_uint d = 0; d < n_devices && d < MAX_DEVICES; d++)
            if (!add_device(&f, platforms[p], devices[d])) {
                att_free(f.infos);
                att_free(f.handles);
                return att_fail(err, ATT_E_MEMORY, "list devices: out of host memory");
            }
    }
    *infos = f.infos;
    *handles = f.handles;
    *n = f.n;
    return ATT_OK;
}

att_status att_device_list(att_device_info **infos, size_t *n, att_err *err)
{
    cl_device_id *handles = NULL;
    *infos = NULL;
    *n = 0;
    const att_status status = atti_devices_find(infos, &handles, n, err);
    att_free(handles);
    return status;
}

void att_device_list_free(att_device_info *infos)
{
    att_free(infos);
}
