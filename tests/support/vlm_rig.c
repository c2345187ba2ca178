/* vlm_rig.c - vlm_rig.h. */
#include "vlm_rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mem.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/vision_tiny_random/"

const char *const VLM_NAMES[VLM_MODELS] = {"nanovlm", "smolvlm", "llava", "llava_next"};

void vlm_rig_need(att_status status, const att_err *err)
{
    if (status) fail_msg("%s", err->text);
}

static void read_picture(vlm_rig *g)
{
    const att_array *a = att_weights_find(g->golden, "pixels");
    att_err err;
    assert_non_null(a);
    assert_int_equal(a->dtype, ATT_U8);
    vlm_rig_need(att_image_create(&g->image, (int32_t)a->dims[1], (int32_t)a->dims[0], &err), &err);
    memcpy(g->image.rgb, a->data, a->bytes);
}

static vlm_rig open_rig(const char *name, const char *file, int crop, int portable,
                        att_precision precision)
{
    vlm_rig g = {.r = rig_open(portable), .name = name};
    char folder[400], path[512];
    att_err err;
    snprintf(folder, sizeof folder, GOLDEN "%s", name);
    snprintf(path, sizeof path, "%s/%s", folder, file ? file : "model.safetensors");
    vlm_rig_need(att_weights_open(&g.weights, path, &err), &err);
    snprintf(path, sizeof path, "%s/golden.safetensors", folder);
    vlm_rig_need(att_weights_open(&g.golden, path, &err), &err);
    vlm_rig_need(att_vlm_config_read(&g.config, g.weights, file ? NULL : folder, &err), &err);
    g.config.rule = ATT_RESIZE_PILLOW_13; /* of the version that the goldens are made with */
    if (crop) g.config.fit = ATT_VLM_CROP;
    vlm_rig_need(att_vlm_vision_create(&g.vision, g.r.queue, g.weights, &g.config, precision, &err),
                 &err);
    vlm_rig_need(att_vlm_vision_session_create(&g.session, g.vision, g.r.queue, &err), &err);
    read_picture(&g);
    return g;
}

vlm_rig vlm_rig_open(const char *name, const char *file, int portable)
{
    return open_rig(name, file, 0, portable, ATT_PRECISION_EXACT);
}

vlm_rig vlm_rig_open_cropped(const char *name, int portable)
{
    return open_rig(name, NULL, 1, portable, ATT_PRECISION_EXACT);
}

vlm_rig vlm_rig_open_fast(const char *name)
{
    return open_rig(name, NULL, 0, rig_portable_only(), ATT_PRECISION_FAST);
}

void vlm_rig_close(vlm_rig *g)
{
    att_image_free(&g->image);
    att_vlm_vision_session_destroy(g->session);
    att_vlm_vision_destroy(g->vision);
    att_weights_close(g->weights);
    att_weights_close(g->golden);
    rig_close(&g->r);
}

void vlm_rig_each(void (*check)(const char *name, int portable))
{
    for (int i = 0; i < VLM_MODELS; i++)
        for (int portable = rig_portable_only(); portable < 2; portable++)
            check(VLM_NAMES[i], portable);
}

float *vlm_rig_read(vlm_rig *g, att_mat mat)
{
    const size_t n = (size_t)mat.rows * (size_t)mat.cols;
    float *x = att_calloc(n, sizeof *x);
    att_err err;
    assert_non_null(x);
    assert_int_equal(mat.stride, mat.cols);
    assert_int_equal(mat.view.dtype, ATT_F32);
    vlm_rig_need(att_queue_read(g->r.queue, x, mat.view, (int64_t)n, &err), &err);
    return x;
}

void vlm_rig_expect(vlm_rig *g, const char *name, int64_t first, const float *x, int64_t n,
                    double limit)
{
    const att_array *a = att_weights_find(g->golden, name);
    double worst = 0.0, xy = 0.0, xx = 0.0, yy = 0.0;
    if (!a) fail_msg("%s has no golden %s", g->name, name);
    assert_true(first + n <= att_array_elements(a));
    for (int64_t i = 0; i < n; i++) {
        const double got = (double)x[i], want = att_array_value(a, (size_t)(first + i));
        const double off = fabs(got - want);
        if (!(off <= worst)) worst = off; /* a NaN becomes the worst and stays */
        xy += got * want;
        xx += got * got;
        yy += want * want;
    }
    if (!(worst <= limit) || !(xy > 0.9999 * sqrt(xx * yy)))
        fail_msg("%s %s is %g off, at most %g is expected; the cosine is %g", g->name, name, worst,
                 limit, xy / sqrt(xx * yy));
}

void vlm_rig_expect_mat(vlm_rig *g, const char *name, int32_t first, att_mat mat, double limit)
{
    float *x = vlm_rig_read(g, mat);
    vlm_rig_expect(g, name, (int64_t)first * mat.cols, x, (int64_t)mat.rows * mat.cols, limit);
    att_free(x);
}
