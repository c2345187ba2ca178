/* test_whisper_ggml.c - the Whisper network from ggml files, written here from the small random
 * weights of tests/golden/whisper_tiny_random: f32 and f16 against Hugging Face's logits, blocks
 * against f16 of the values that they stand for, bit for bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ggmlfile.h"
#include "lane_rig.h"
#include "mem.h"
#include "rig.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/whisper_tiny_random/"

enum { MAX_TOKENS = 64, VOCAB = 300 };

typedef struct fixture {
    rig r;
    att_weights *model, *golden;
    att_whisper_config config;
    att_whisper_arrays arrays;
} fixture;

static fixture open_fixture(void)
{
    fixture f = {.r = rig_open(rig_portable_only())};
    att_err err;
    if (att_weights_open(&f.model, GOLDEN "model.safetensors", &err) ||
        att_weights_open(&f.golden, GOLDEN "golden.safetensors", &err) ||
        att_whisper_bind(f.model, &f.config, &f.arrays, &err))
        fail_msg("%s", err.text);
    assert_int_equal(f.config.vocab, VOCAB);
    return f;
}

static void close_fixture(fixture *f)
{
    att_free(f->arrays.audio_blocks);
    att_free(f->arrays.text_blocks);
    att_weights_close(f->model);
    att_weights_close(f->golden);
    rig_close(&f->r);
}

static float *floats(const fixture *f, const char *name)
{
    const att_array *a = att_weights_find(f->golden, name);
    assert_non_null(a);
    const size_t n = (size_t)att_array_elements(a);
    float *x = att_calloc(n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = (float)att_array_value(a, i);
    return x;
}

/* The logits after all of the golden's ids, from a file of that type. */
static void run(fixture *f, int32_t type, int rounded, float *logits)
{
    ggmlfile file = {0};
    att_weights *weights;
    att_whisper *whisper = NULL;
    att_err err;
    int32_t ids[MAX_TOKENS];
    float *mel = floats(f, "mel");
    const att_array *stored = att_weights_find(f->golden, "ids");
    const int32_t n = (int32_t)stored->dims[0];
    for (int32_t i = 0; i < n; i++) ids[i] = (int32_t)att_array_value(stored, (size_t)i);
    ggmlfile_whisper(&file, &f->config, &f->arrays, NULL, type, rounded);
    if (att_weights_open_memory(&weights, "made.bin", file.bytes, file.n, &err) ||
        att_whisper_open(&whisper, f->r.device, weights, ATT_PRECISION_EXACT, &err))
        fail_msg("%s", err.text);
    lane_rig lanes = lane_rig_open(whisper, 1, 1);
    lane_rig_encode(&lanes, mel);
    lane_rig_decode(&lanes, ids, n);
    lane_rig_logits(&lanes, n - 1, 1, logits);
    assert_memory_equal(att_whisper_get_config(whisper), &f->config, sizeof f->config);
    lane_rig_close(&lanes);
    att_whisper_close(whisper);
    att_weights_close(weights);
    ggmlfile_free(&file);
    att_free(mel);
}

/* The furthest that one lies from the other; NaN stays. */
static double distance(const float *a, const float *b)
{
    double worst = 0.0;
    for (int i = 0; i < VOCAB; i++) {
        const double off = fabs((double)a[i] - (double)b[i]);
        if (!(off <= worst)) worst = off;
    }
    return worst;
}

static void floats_match_the_reference(void **state)
{
    (void)state;
    static const int32_t TYPES[] = {GGML_F32, GGML_F16};
    float got[VOCAB];
    fixture f = open_fixture();
    float *logits = floats(&f, "logits");
    const float *want = logits + (att_weights_find(f.golden, "logits")->dims[0] - 1) * VOCAB;
    for (int i = 0; i < 2; i++) {
        run(&f, TYPES[i], 0, got);
        const double off = distance(got, want);
        if (!(off <= 2e-4)) fail_msg("type %d: logits are %g off", TYPES[i], off);
    }
    att_free(logits);
    close_fixture(&f);
}

/* The rounding to 4 bits moves these logits, of size 10, by some units: the types must differ. */
static void blocks_are_their_values(void **state)
{
    (void)state;
    static const int32_t TYPES[] = {GGML_Q4_0, GGML_Q4_1, GGML_Q5_0, GGML_Q5_1, GGML_Q8_0};
    float got[VOCAB], want[VOCAB], exact[VOCAB];
    fixture f = open_fixture();
    run(&f, GGML_F16, 0, exact);
    for (int i = 0; i < 5; i++) {
        run(&f, TYPES[i], 0, got);
        run(&f, TYPES[i], 1, want);
        if (memcmp(got, want, sizeof got) != 0)
            fail_msg("type %d: logits are %g off those of its values as f16", TYPES[i],
                     distance(got, want));
        const double off = distance(got, exact);
        print_message("type %d: logits are %g off those of f16\n", TYPES[i], off);
        assert_true(off > 1e-4 && off < 20.0);
    }
    close_fixture(&f);
}

/* A number of the header that the tensors contradict. */
static void a_wrong_header_is_told(void **state)
{
    (void)state;
    fixture f = open_fixture();
    ggmlfile file = {0};
    att_weights *weights;
    att_whisper *whisper = NULL;
    att_err err;
    ggmlfile_whisper(&file, &f.config, &f.arrays, NULL, GGML_F16, 0);
    file.bytes[4 + 4 * 8] = 7; /* n_text_layer */
    file.bytes[4 + 4 * 3] = 9; /* n_audio_head */
    if (att_weights_open_memory(&weights, "made.bin", file.bytes, file.n, &err))
        fail_msg("%s", err.text);
    assert_int_equal(att_whisper_open(&whisper, f.r.device, weights, ATT_PRECISION_EXACT, &err),
                     ATT_E_MODEL);
    assert_non_null(strstr(err.text, "n_text_layer = 7, the tensors make it 2"));
    assert_non_null(strstr(err.text, "n_audio_head = 9, the tensors make it 2"));
    att_weights_close(weights);
    ggmlfile_free(&file);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_match_the_reference),
        cmocka_unit_test(blocks_are_their_values),
        cmocka_unit_test(a_wrong_header_is_told),
    };
    return cmocka_run_group_tests_name("whisper_ggml", tests, NULL, NULL);
}
