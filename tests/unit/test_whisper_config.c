/* test_whisper_config.c - modalities/speech/whisper_config.c: a config.json that fits the weights,
 * and each way in which one does not. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "realdata.h"
#include "whisper_config.h"

/* That of tests/golden/whisper_tiny_random. */
static const att_whisper_config TINY = {80, 50, 128, 2, 2, 300, 32, 128, 2, 2};

static att_status check(const char *text, att_err *err)
{
    return att_whisper_config_check(&TINY, "some.json", text, strlen(text), err);
}

static void what_fits_is_taken(void **state)
{
    (void)state;
    att_err err;
    if (att_whisper_config_check_folder(&TINY, ATT_SOURCE_DIR "/tests/golden/whisper_tiny_random",
                                        &err))
        fail_msg("%s", err.text);
    assert_int_equal(check("{}", &err), ATT_OK);
    assert_int_equal(check("{\"alignment_heads\": [[1, 2]], \"scale_embedding\": false}", &err),
                     ATT_OK);
}

static void what_differs_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } CASES[] = {
        {"", "no JSON object at byte 0"},
        {"[1]", "no JSON object"},
        {"{\"d_model\": 64}", "some.json: d_model is 64, expected 128 as in the weights"},
        {"{\"encoder_layers\": 3}", "encoder_layers is 3, expected 2"},
        {"{\"encoder_attention_heads\": 4}", "encoder_attention_heads is 4, expected 2"},
        {"{\"encoder_ffn_dim\": 4}", "encoder_ffn_dim is 4, expected 512"},
        {"{\"decoder_layers\": 1}", "decoder_layers is 1, expected 2"},
        {"{\"decoder_attention_heads\": \"2\"}", "decoder_attention_heads is \"2\", expected 2"},
        {"{\"decoder_ffn_dim\": 512.5}", "decoder_ffn_dim is 512.5, expected 512"},
        {"{\"num_mel_bins\": 128}", "num_mel_bins is 128, expected 80"},
        {"{\"vocab_size\": 51865}", "vocab_size is 51865, expected 300"},
        {"{\"max_source_positions\": 1500}", "max_source_positions is 1500, expected 50"},
        {"{\"max_target_positions\": null}", "max_target_positions is null, expected 32"},
        {"{\"model_type\": \"bart\"}", "model_type is \"bart\", expected \"whisper\""},
        {"{\"activation_function\": \"gelu_new\"}", "activation_function is \"gelu_new\""},
        {"{\"scale_embedding\": true}", "scale_embedding is true, expected false"},
        {"{\"d_model\": 1, \"vocab_size\": 2}", "weights; vocab_size is 2, expected 300"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        att_err err;
        assert_int_equal(check(CASES[i].text, &err), ATT_E_MODEL);
        if (!strstr(err.text, CASES[i].said)) fail_msg("case %zu said '%s'", i, err.text);
    }
}

static void a_folder_may_have_none(void **state)
{
    (void)state;
    char path[4200];
    const char *folder = realdata_folder();
    att_err err;
    assert_int_equal(att_whisper_config_check_folder(&TINY, folder, &err), ATT_OK);
    snprintf(path, sizeof path, "%s/config.json", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(att_whisper_config_check_folder(&TINY, folder, &err), ATT_E_MODEL);
    assert_non_null(strstr(err.text, "not a regular file"));
    realdata_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_taken),
        cmocka_unit_test(what_differs_is_told),
        cmocka_unit_test(a_folder_may_have_none),
    };
    return cmocka_run_group_tests_name("whisper_config", tests, NULL, NULL);
}
