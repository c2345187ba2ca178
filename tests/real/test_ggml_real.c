/* test_ggml_real.c - Whisper base as a ggml file, written here from the CTranslate2 package: the
 * same tokens as from the package, with f16 weights; the same words from a quantised file. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "asr_model.h"
#include "ggmlfile.h"
#include "mem.h"
#include "realdata.h"
#include "rig.h"
#include "spawn.h"

#define LIBRIVOX "librivox/sense_and_sensibility_01_austen_64kb-"

static const char *const SENTENCES[] = {
    LIBRIVOX "0870.wav", LIBRIVOX "0880.wav", LIBRIVOX "0890.wav", LIBRIVOX "0920.wav",
    LIBRIVOX "0930.wav", "cards/001.wav",     "cards/002.wav",     "cards/003.wav",
    "cards/004.wav",     "cards/005.wav",
};
enum { N_SENTENCES = sizeof SENTENCES / sizeof *SENTENCES };

/* Writes the package's model as a ggml file of that type. */
static void write_file(const char *package, const char *path, int32_t type)
{
    att_weights *weights;
    att_whisper_tokens *tokens = NULL;
    att_whisper_config config;
    att_whisper_arrays arrays;
    ggmlfile f = {0};
    att_err err;
    if (att_weights_open(&weights, package, &err) ||
        att_whisper_tokens_open(&tokens, package, &err) ||
        att_whisper_bind(weights, &config, &arrays, &err))
        fail_msg("%s", err.text);
    ggmlfile_whisper(&f, &config, &arrays, tokens, type, 0);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(f.bytes, 1, f.n, out), f.n);
    assert_int_equal(fclose(out), 0);
    ggmlfile_free(&f);
    att_free(arrays.audio_blocks);
    att_free(arrays.text_blocks);
    att_whisper_tokens_close(tokens);
    att_weights_close(weights);
}

typedef struct opened {
    att_asr_model *model;
    att_asr_session *session;
} opened;

static opened open_model(const rig *r, const char *path)
{
    opened o;
    att_err err;
    if (att_asr_model_open(&o.model, r->device, path, ATT_PRECISION_EXACT, &err) ||
        att_asr_session_create(&o.session, o.model, &err))
        fail_msg("%s", err.text);
    return o;
}

static void close_model(opened *o)
{
    att_asr_session_destroy(o->session);
    att_asr_model_close(o->model);
}

static att_asr_result transcribe(opened *o, const char *name)
{
    const att_asr_options options = att_asr_defaults();
    att_asr_result result;
    att_err err;
    if (att_asr_run(o->session, realdata_speech(name), &options, &result, &err))
        fail_msg("%s: %s", name, err.text);
    return result;
}

/* Whether tokens and times of all segments are equal. */
static int equal(const att_asr_result *a, const att_asr_result *b)
{
    if (a->n_segments != b->n_segments || strcmp(a->language, b->language) != 0) return 0;
    for (int32_t i = 0; i < a->n_segments; i++) {
        const att_asr_segment *x = &a->segments[i], *y = &b->segments[i];
        if (x->n_tokens != y->n_tokens || x->start != y->start || x->end != y->end ||
            memcmp(x->tokens, y->tokens, (size_t)x->n_tokens * sizeof *x->tokens) != 0)
            return 0;
    }
    return 1;
}

static void a_ggml_file_says_what_the_package_says(void **state)
{
    (void)state;
    char package[512], path[512], quantised[512];
    snprintf(package, sizeof package, "%s", realdata_model("base"));
    (void)realdata_speech(SENTENCES[0]); /* skips before anything is written */
    const char *folder = realdata_folder();
    snprintf(path, sizeof path, "%s/base.bin", folder);
    snprintf(quantised, sizeof quantised, "%s/base-q8_0.bin", folder);
    write_file(package, path, GGML_F16);
    write_file(package, quantised, GGML_Q8_0);
    rig r = rig_open(rig_portable_only());
    opened from_package = open_model(&r, package), from_file = open_model(&r, path);
    opened from_blocks = open_model(&r, quantised);
    int32_t n_same = 0;
    for (int i = 0; i < N_SENTENCES; i++) {
        att_asr_result want = transcribe(&from_package, SENTENCES[i]);
        att_asr_result got = transcribe(&from_file, SENTENCES[i]);
        att_asr_result rounded = transcribe(&from_blocks, SENTENCES[i]);
        if (!equal(&got, &want)) fail_msg("%s: other tokens from the ggml file", SENTENCES[i]);
        n_same += equal(&rounded, &want);
        att_asr_result_free(&want);
        att_asr_result_free(&got);
        att_asr_result_free(&rounded);
    }
    print_message("q8_0: the same tokens in %d of %d\n", n_same, N_SENTENCES);
    assert_true(n_same >= 7); /* some end a hair from another time or word */
    const char *const argv[] = {
        ATTEND_PROGRAM, "transcribe", "-q", "-m", path, realdata_speech(SENTENCES[4]), NULL};
    spawn_result run = spawn_run(argv, NULL, 0, NULL, 0.0);
    assert_int_equal(run.code, 0);
    assert_non_null(strstr(run.out, "made amiable himself"));
    spawn_free(&run);
    close_model(&from_package);
    close_model(&from_file);
    close_model(&from_blocks);
    rig_close(&r);
    realdata_remove(folder);
}

/* A folder with the package's weights and vocabulary, and a config.json of that text. */
static void make_folder(const char *package, const char *folder, const char *config)
{
    static const char *const NAMES[] = {"model.bin", "vocabulary.json"};
    char from[1024], to[1024];
    for (int i = 0; i < 2; i++) {
        snprintf(from, sizeof from, "%s/%s", package, NAMES[i]);
        snprintf(to, sizeof to, "%s/%s", folder, NAMES[i]);
        (void)unlink(to);
        assert_int_equal(symlink(from, to), 0);
    }
    snprintf(to, sizeof to, "%s/config.json", folder);
    FILE *out = fopen(to, "wb");
    assert_non_null(out);
    fputs(config, out);
    assert_int_equal(fclose(out), 0);
}

static void count_warnings(void *user, att_log_level level, const char *text, int done, int total)
{
    (void)done, (void)total;
    if (level == ATT_LOG_WARNING && strstr(text, "alignment_heads")) ++*(int *)user;
}

/* The configuration beside the weights: heads are taken from it, broken ones are told and left,
 * that of another model is refused. */
static void the_configuration_counts(void **state)
{
    (void)state;
    char package[512];
    snprintf(package, sizeof package, "%s", realdata_model("base"));
    const char *folder = realdata_folder();
    int warnings = 0;
    int32_t n;
    att_device *device;
    att_asr_model *model;
    att_err err;
    att_device_options options = att_device_defaults();
    const att_log log = {count_warnings, &warnings};
    options.portable = rig_portable_only();
    options.log = log;
    if (att_device_open(&device, &options, &err)) fail_msg("%s", err.text);
    make_folder(package, folder, "{\"alignment_heads\": [[5, 1]], \"d_model\": 512}");
    if (att_asr_model_open(&model, device, folder, ATT_PRECISION_EXACT, &err))
        fail_msg("%s", err.text);
    const att_whisper_head *h = att_whisper_alignment_heads(model->whisper, &n);
    assert_true(n == 1 && h->layer == 5 && h->head == 1 && warnings == 0);
    att_asr_model_close(model);

    make_folder(package, folder, "{\"alignment_heads\": [[5, 8]]}");
    if (att_asr_model_open(&model, device, folder, ATT_PRECISION_EXACT, &err))
        fail_msg("%s", err.text);
    (void)att_whisper_alignment_heads(model->whisper, &n);
    assert_true(n == 8 && warnings == 1);
    att_asr_model_close(model);

    make_folder(package, folder, "{\"encoder_attention_heads\": 16}");
    assert_int_equal(att_asr_model_open(&model, device, folder, ATT_PRECISION_EXACT, &err),
                     ATT_E_MODEL);
    assert_non_null(strstr(err.text, "encoder_attention_heads is 16, expected 8"));
    att_device_close(device);
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ggml_file_says_what_the_package_says),
        cmocka_unit_test(the_configuration_counts),
    };
    return cmocka_run_group_tests_name("ggml_real", tests, NULL, NULL);
}
