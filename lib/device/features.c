/* features.c - what a device can do beyond OpenCL 1.2, found out by doing it (queue.h).
 * Tests: tests/unit/test_device.c */
#include <string.h>

#include "buffer.h"
#include "device_internal.h"
#include "mem.h"

enum { MAX_LANES = 16 };

/* A kernel on two words, and what they add to every lane. */
typedef struct probe {
    const char *name;
    att_device_kind of; /* no other kind is asked */
    att_kernel_id kernel;
    uint32_t a, b;
    float sum;
} probe;

static const probe PROBES[ATT_N_FEATURES] = {
    /* 1.5 * 3 + -2 * 0.25 */
    {"bf16 dot products", ATT_DEVICE_CPU, ATT_K_PROBE_DOT_BF16_CPU, 0xc0003fc0u, 0x3e804040u, 4.0f},
    /* 255 * -128 + 1 * 127 + 200 * 3 + 128 * -1: beyond 16 bits, unsigned by signed */
    {"int8 dot products", ATT_DEVICE_CPU, ATT_K_PROBE_DOT_INT8_CPU, 0x80c801ffu, 0xff037f80u,
     -32041.0f},
    {"int8 dot products of pairs", ATT_DEVICE_CPU, ATT_K_PROBE_DOT_PAIRS_CPU, 0x80c801ffu,
     0xff037f80u, -32041.0f},
    /* 8 * (1.5 * 3 + -2 * 0.25) */
    {"f16 matrix products", ATT_DEVICE_GPU, ATT_K_PROBE_MMA_NV, 0xc0003e00u, 0x34004200u, 32.0f},
    {"f16 products of warp groups", ATT_DEVICE_GPU, ATT_K_PROBE_WARPGROUP_NV, 0xc0003e00u,
     0x34004200u, 32.0f},
};

const char *att_feature_name(att_feature feature)
{
    return PROBES[feature].name;
}

/* Instructions that this processor does not have would end the process, so it is asked first; what
 * it has may still be refused by the device's compiler, which the probe finds out. */
static int host_knows(att_feature feature)
{
#if defined(__GNUC__) && defined(__x86_64__)
    unsigned a = 7, b = 0, c = 0, d = 0;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    const int vnni = c >> 11 & 1, avx2 = b >> 5 & 1, avx512f = b >> 16 & 1, avx512bw = b >> 30 & 1;
    a = 7;
    c = 1;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    const int avx_vnni = a >> 4 & 1, bf16 = a >> 5 & 1;
    if (feature == ATT_FEATURE_DOT_PAIRS) return avx2 && (avx512bw || !avx512f);
    return feature == ATT_FEATURE_DOT_BF16 ? bf16 : vnni || avx_vnni;
#else
    (void)feature;
    return 0;
#endif
}

/* Runs the probe: 1 when every lane is what it must be. */
static int works(att_device *device, const probe *p)
{
    att_queue *queue = NULL;
    att_buf *y = NULL;
    float got[MAX_LANES] = {0};
    const int32_t lanes = device->info.vector_width < 8 ? 8 : device->info.vector_width;
    att_status status = att_queue_create(&queue, device, NULL);
    if (!status) status = att_buf_create(&y, device, "probe", ATT_F32, MAX_LANES, NULL);
    if (!status) {
        const att_arg args[] = {att_arg_i32(lanes), att_arg_i32((int32_t)p->a),
                                att_arg_i32((int32_t)p->b), att_arg_view(att_buf_view(y, ATT_F32))};
        const att_launch launch = {p->kernel, {1, 1, 1}, args, sizeof args / sizeof *args,
                                   0.0,       0.0};
        status = att_queue_launch(queue, &launch, NULL);
    }
    if (!status) status = att_queue_read(queue, got, att_buf_view(y, ATT_F32), lanes, NULL);
    for (int32_t i = 0; !status && i < lanes; i++)
        if (got[i] != (float)i + p->sum) status = ATT_E_DEVICE;
    att_buf_destroy(y);
    att_queue_destroy(queue);
    return !status;
}

static char *key_of(const att_device *device, const probe *p)
{
    const att_device_info *i = &device->info;
    return att_sprintf("feature|%s|%s|%s|%s|%s|" ATT_VERSION, p->name, i->platform, i->name,
                       i->version, i->driver);
}

/* The kept answer, 1 or -1; 0: there is none. */
static signed char recall(const att_device *device, const probe *p)
{
    atti_blob blob;
    signed char answer = 0;
    char *key = key_of(device, p);
    if (key && device->cache_dir && atti_cache_read(device->cache_dir, key, &blob)) {
        if (blob.n_bytes == 1) memcpy(&answer, blob.bytes, 1);
        att_free(blob.bytes);
    }
    att_free(key);
    return answer;
}

static void keep(const att_device *device, const probe *p, signed char answer)
{
    const atti_blob blob = {(unsigned char *)&answer, 1};
    char *key = key_of(device, p);
    if (key && device->cache_dir) (void)atti_cache_write(device->cache_dir, key, &blob);
    att_free(key);
}

int atti_feature_probe(att_device *device, const char *name)
{
    for (int f = 0; f < ATT_N_FEATURES; f++)
        if (strcmp(PROBES[f].name, name) == 0) {
            keep(device, &PROBES[f], works(device, &PROBES[f]) ? 1 : -1);
            return 1;
        }
    return 0;
}

static signed char find_out(att_device *device, att_feature feature)
{
    const probe *p = &PROBES[feature];
    if (device->portable || device->info.kind != p->of || device->without >> feature & 1) return -1;
    if (p->of == ATT_DEVICE_CPU && !host_knows(feature)) return -1;
    signed char answer = recall(device, p);
    if (!answer && device->compiler && device->cache_dir)
        answer = atti_probe_in_child(device, p->name) ? recall(device, p) : -1;
    if (!answer) {
        answer = works(device, p) ? 1 : -1;
        keep(device, p, answer);
    }
    att_log_write(&device->log, ATT_LOG_INFO, "%s: %s", p->name,
                  answer > 0 ? "there" : "not there");
    return answer;
}

int att_device_has(att_device *device, att_feature feature)
{
    pthread_mutex_lock(&device->features_lock);
    if (!device->features[feature]) device->features[feature] = find_out(device, feature);
    const int has = device->features[feature] > 0;
    pthread_mutex_unlock(&device->features_lock);
    return has;
}
