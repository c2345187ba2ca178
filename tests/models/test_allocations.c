/* test_allocations.c - a running session allocates nothing of ours, host or device, and a choice of
 * tokens nothing: the linker puts counters before malloc, calloc, realloc and clCreateBuffer of
 * every object linked here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <CL/cl.h>

#include "lane_rig.h"
#include "rig.h"
#include "sampler.h"
#include "vlm_rig.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/whisper_tiny_random/"

static struct {
    long host, device;
} counted;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t n);
cl_mem __real_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t n, void *host,
                             cl_int *status);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t n);
cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t n, void *host,
                             cl_int *status);

void *__wrap_malloc(size_t n)
{
    counted.host++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    counted.host++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t n)
{
    counted.host++;
    return __real_realloc(block, n);
}

cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t n, void *host,
                             cl_int *status)
{
    counted.device++;
    return __real_clCreateBuffer(context, flags, n, host, status);
}

static void step(const lane_rig *lanes, int32_t id, float *logits)
{
    lane_rig_decode(lanes, &id, 1);
    lane_rig_logits(lanes, 0, 1, logits);
}

static void a_running_session_allocates_nothing(void **state)
{
    (void)state;
    rig r = rig_open(rig_portable_only());
    att_weights *weights = NULL;
    att_whisper *whisper = NULL;
    static float mel[100 * 80], logits[300];
    att_err err;
    if (att_weights_open(&weights, GOLDEN "model.safetensors", &err) ||
        att_whisper_open(&whisper, r.device, weights, ATT_PRECISION_EXACT, &err))
        fail_msg("%s", err.text);
    lane_rig lanes = lane_rig_open(whisper, 1, 1);
    lane_rig_encode(&lanes, mel);
    assert_true(counted.host > 0 && counted.device > 0); /* the counters count */
    step(&lanes, 1, logits);                             /* makes the kernel objects of the queue */

    const long host = counted.host, device = counted.device;
    for (int32_t i = 0; i < 20; i++) step(&lanes, i, logits);
    lane_rig_encode(&lanes, mel);
    step(&lanes, 1, logits);
    assert_int_equal(counted.host, host);
    assert_int_equal(counted.device, device);

    lane_rig_close(&lanes);
    att_whisper_close(whisper);
    att_weights_close(weights);
    rig_close(&r);
}

static void a_choice_allocates_nothing(void **state)
{
    (void)state;
    enum { V = 100 };
    att_sampler_options o = att_sampler_defaults();
    float logits[V];
    att_sampler *s;
    att_err err;
    int32_t token;
    for (int t = 0; t < V; t++) logits[t] = (float)(t * 7 % V) / 9.0f;
    o.repeat_penalty = 1.1f;
    assert_int_equal(att_sampler_create(&s, V, &o, &err), ATT_OK);
    const long host = counted.host;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(att_sampler_choose(s, logits, &token, &err), ATT_OK);
        att_sampler_accept(s, token);
    }
    att_sampler_reset(s);
    assert_int_equal(counted.host, host);
    att_sampler_destroy(s);
}

/* Encoding, keeping and projecting; the picture's own memory is taken before. */
static void an_encoder_allocates_nothing(void **state)
{
    (void)state;
    vlm_rig g = vlm_rig_open("llava_next", NULL, rig_portable_only());
    att_vit_session *s = att_vlm_vision_encoder(g.session);
    const int32_t rows[] = {0, 7, 9, 30};
    att_vlm_layout layout;
    att_mat tokens;
    const float *values;
    long host = 0, device = 0;
    att_err err;
    vlm_rig_need(att_vlm_vision_encode(g.session, &g.image, &tokens, &layout, &err), &err);
    for (int i = 0; i < 3; i++) {
        if (i == 1) host = counted.host; /* the queue has its kernel objects */
        if (i == 1) device = counted.device;
        vlm_rig_need(att_vlm_vision_values(g.session, 0, 1, &values, &err), &err);
        vlm_rig_need(att_vit_begin(s, values, 1, NULL, &err), &err);
        vlm_rig_need(att_vit_layer(s, 0, NULL, NULL, &err), &err);
        vlm_rig_need(att_vit_keep(s, rows, 4, &err), &err);
        vlm_rig_need(att_vit_layer(s, 1, NULL, NULL, &err), &err);
        vlm_rig_need(att_vit_layer(s, 2, NULL, NULL, &err), &err);
        vlm_rig_need(att_vit_finish(s, att_vlm_vision_features(g.session, 3), &err), &err);
        vlm_rig_need(att_vlm_vision_project(g.session, 3, NULL, 0, &err), &err);
        vlm_rig_need(att_vlm_vision_arrange(g.session, layout.origin, 3, &tokens, &err), &err);
    }
    assert_int_equal(counted.host, host);
    assert_int_equal(counted.device, device);
    vlm_rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_session_allocates_nothing),
        cmocka_unit_test(a_choice_allocates_nothing),
        cmocka_unit_test(an_encoder_allocates_nothing),
    };
    return cmocka_run_group_tests_name("allocations", tests, NULL, NULL);
}
