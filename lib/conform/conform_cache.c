/* conform_cache.c - cases of appending to a cache (conform.h). */
#include "cache.h"
#include "conform_stems.h"
#include "half.h"
#include "ref.h"

enum { GROUPS = 3, D = 20, E = 24, CAPACITY = 40, STRIDE = 200 };

/* What the host expects in a cache row: the float, or the half that it is rounded to. */
static void expect(atti_array *cache, int64_t i, float x)
{
    if (cache->dtype == ATT_F16)
        ((uint16_t *)cache->host)[i] = att_half_from_float(x);
    else
        ((float *)cache->host)[i] = x;
}

static void expect_rows(atti_array *cache, const atti_array *from, int32_t at, int32_t n,
                        int32_t offset, int32_t width)
{
    const att_view rows = atti_array_host(from);
    for (int32_t t = 0; t < n; t++)
        for (int32_t g = 0; g < GROUPS; g++)
            for (int32_t d = 0; d < width; d++)
                expect(cache, ((int64_t)g * CAPACITY + at + t) * width + d,
                       att_ref_load(&rows, t * STRIDE + offset + g * width + d));
}

/* Two appends of 4 and 35 rows out of a wider matrix, then one that does not fit. */
static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const att_dtype dtype = variant & 1 ? ATT_F16 : ATT_F32;
    const att_dtype from = variant & 2 ? ATT_F16 : ATT_F32;
    const int32_t ck = GROUPS * D, cv = GROUPS * E, steps[] = {4, 35};
    atti_array kv = {0}, k = {0}, v = {0};
    (void)small;
    att_status status = atti_array_make(queue, &kv, 35 * STRIDE, 1, 4.0f, from, err);
    if (!status) status = atti_array_make(queue, &k, CAPACITY * ck, 2, 1.0f, dtype, err);
    if (!status) status = atti_array_make(queue, &v, CAPACITY * cv, 3, 1.0f, dtype, err);
    att_cache cache = {.capacity = CAPACITY, .kv_heads = GROUPS, .d_qk = D, .d_v = E};
    if (!status) {
        cache.k = atti_array_device(&k);
        cache.v = atti_array_device(&v);
    }
    for (int i = 0; !status && i < 2; i++) {
        att_mat all = {atti_array_device(&kv), steps[i], STRIDE, STRIDE};
        expect_rows(&k, &kv, cache.length, steps[i], 7, D);
        expect_rows(&v, &kv, cache.length, steps[i], 7 + ck, E);
        status = att_cache_append(queue, &cache, att_mat_cols(all, 7, ck),
                                  att_mat_cols(all, 7 + ck, cv), err);
    }
    if (!status) {
        const att_mat two = {atti_array_device(&kv), 2, STRIDE, STRIDE};
        if (att_cache_append(queue, &cache, att_mat_cols(two, 0, ck), att_mat_cols(two, 0, cv),
                             NULL) != ATT_E_SHAPE ||
            cache.length != 39)
            status = att_fail(err, ATT_E_DEVICE, "an append beyond the capacity was not refused");
    }
    if (!status) status = atti_array_compare(queue, &k, result, "k", 0.0, 0.0, err);
    if (!status) status = atti_array_compare(queue, &v, result, "v", 0.0, 0.0, err);
    atti_array_destroy(&kv);
    atti_array_destroy(&k);
    atti_array_destroy(&v);
    return status;
}

static const att_conform_case CASES[] = {
    {"cache", "f32", run, 0},
    {"cache", "f16", run, 1},
    {"cache", "f32 of f16", run, 2},
    {"cache", "f16 of f16", run, 3},
};

const att_conform_case *att_conform_cache(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
