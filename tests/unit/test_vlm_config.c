/* test_vlm_config.c - configurations of vision-language models: what released files say, what is
 * refused and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vlm_config.h"
#include "weightfile.h"

/* As shapes say it of the released encoders. */
static const att_vit_config SIGLIP_224 = {.width = 768,
                                          .heads = 12,
                                          .ffn_width = 3072,
                                          .layers = 12,
                                          .patch = 16,
                                          .side = 14,
                                          .last_norm = 1};
static const att_vit_config SIGLIP_512 = {.width = 768,
                                          .heads = 12,
                                          .ffn_width = 3072,
                                          .layers = 12,
                                          .patch = 16,
                                          .side = 32,
                                          .last_norm = 1};
static const att_vit_config CLIP_336 = {.width = 1024,
                                        .heads = 16,
                                        .ffn_width = 4096,
                                        .layers = 24,
                                        .patch = 14,
                                        .side = 24,
                                        .class_token = 1,
                                        .first_norm = 1,
                                        .last_norm = 1};

static att_status read_json(att_vlm_config *c, const att_vit_config *vit, const char *text,
                            att_err *err)
{
    memset(c, 0, sizeof *c);
    c->vit = *vit;
    return att_vlm_config_json(c, "config.json", text, strlen(text), err);
}

/* lusxvr/nanoVLM-222M, SmolVLM-256M-Instruct, llava-1.5-7b-hf, llava-v1.6-mistral-7b-hf: the keys
 * that are read. */
static const char NANOVLM[] =
    "{\"vit_hidden_dim\":768,\"vit_inter_dim\":3072,\"vit_patch_size\":16,\"vit_img_size\":224,"
    "\"vit_n_heads\":12,\"vit_n_blocks\":12,\"vit_ln_eps\":1e-06,\"vit_cls_flag\":false,"
    "\"lm_hidden_dim\":576,\"mp_pixel_shuffle_factor\":2}";
static const char SMOLVLM[] =
    "{\"model_type\":\"idefics3\",\"scale_factor\":4,\"text_config\":{\"hidden_size\":576},"
    "\"vision_config\":{\"hidden_size\":768,\"image_size\":512,\"num_attention_heads\":12,"
    "\"patch_size\":16,\"size\":{\"longest_edge\":2048}}}";
static const char LLAVA[] =
    "{\"model_type\":\"llava\",\"vision_feature_layer\":-2,\"projector_hidden_act\":\"gelu\","
    "\"vision_feature_select_strategy\":\"default\",\"vision_config\":{\"hidden_size\":1024,"
    "\"image_size\":336,\"num_attention_heads\":16,\"num_hidden_layers\":24,\"patch_size\":14,"
    "\"model_type\":\"clip_vision_model\"}}";
static const char LLAVA_NEXT[] =
    "{\"model_type\":\"llava_next\",\"image_grid_pinpoints\":[[336,672],[672,336],[672,672],"
    "[1008,336],[336,1008]],\"vision_feature_layer\":-2,\"vision_config\":{\"image_size\":336,"
    "\"num_attention_heads\":16,\"model_type\":\"clip_vision_model\"}}";

static void released_files_are_read(void **state)
{
    (void)state;
    att_vlm_config c;
    att_err err;
    assert_int_equal(read_json(&c, &SIGLIP_224, NANOVLM, &err), ATT_OK);
    assert_true(c.family == ATT_VLM_NANOVLM && c.shuffle == 2 && att_vlm_tokens_a_tile(&c) == 49);
    assert_true(c.fit == ATT_VLM_STRETCH && c.filter == ATT_FILTER_BILINEAR);
    assert_true(c.norm.std[0] == 1.0f && c.vit.ffn == ATT_FFN_GELU_TANH && c.vit.last_norm);

    assert_int_equal(read_json(&c, &SIGLIP_512, SMOLVLM, &err), ATT_OK);
    assert_true(c.family == ATT_VLM_IDEFICS3 && att_vlm_tokens_a_tile(&c) == 64);
    assert_true(c.fit == ATT_VLM_GRID && c.longest_edge == 2048 && c.split);
    assert_true(c.filter == ATT_FILTER_LANCZOS && c.norm.mean[2] == 0.5f && c.vit.layers == 12);

    assert_int_equal(read_json(&c, &CLIP_336, LLAVA, &err), ATT_OK);
    assert_true(c.family == ATT_VLM_LLAVA && att_vlm_tokens_a_tile(&c) == 576);
    assert_true(c.vit.layers == 23 && !c.vit.last_norm && c.vit.first_norm);
    assert_true(c.vit.ffn == ATT_FFN_GELU_QUICK && c.act == ATT_ACT_GELU_ERF);
    assert_true(c.fit == ATT_VLM_PAD && c.filter == ATT_FILTER_BICUBIC && c.vit.eps == 1e-5f);

    assert_int_equal(read_json(&c, &CLIP_336, LLAVA_NEXT, &err), ATT_OK);
    assert_true(c.family == ATT_VLM_LLAVA_NEXT && c.fit == ATT_VLM_ANYRES && c.n_canvases == 5);
    assert_true(c.canvases[0].width == 672 && c.canvases[0].height == 336);
    assert_string_equal(att_vlm_family_name(c.family), "LLaVA-NeXT");
}

static void preprocessors_change_what_they_say(void **state)
{
    (void)state;
    static const char TEXT[] = "{\"image_mean\":[0.1,0.2,0.3],\"image_std\":[0.4,0.5,0.6],"
                               "\"resample\":2,\"size\":{\"longest_edge\":1536},"
                               "\"max_image_size\":{\"longest_edge\":512},"
                               "\"do_image_splitting\":false}";
    att_vlm_config c;
    att_err err;
    assert_int_equal(read_json(&c, &SIGLIP_512, SMOLVLM, &err), ATT_OK);
    assert_int_equal(att_vlm_config_preprocessor(&c, "that file", TEXT, strlen(TEXT), &err),
                     ATT_OK);
    assert_true(c.norm.mean[1] == 0.2f && c.norm.std[2] == 0.6f && c.longest_edge == 1536);
    assert_true(c.filter == ATT_FILTER_BILINEAR && !c.split);
}

static void expect_refusal(const att_vit_config *vit, const char *text, att_status status,
                           const char *say)
{
    att_vlm_config c;
    att_err err;
    assert_int_equal(read_json(&c, vit, text, &err), status);
    if (!strstr(err.text, say) || !strstr(err.text, "config.json"))
        fail_msg("\"%s\" does not say \"%s\"", err.text, say);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    expect_refusal(&SIGLIP_224, "{", ATT_E_MODEL, "no JSON object at byte 0");
    expect_refusal(&SIGLIP_224, "[]", ATT_E_MODEL, "no JSON object");
    expect_refusal(&SIGLIP_224, "{\"model_type\":\"qwen2_vl\"}", ATT_E_MODEL, "qwen2_vl");
    expect_refusal(&SIGLIP_512, NANOVLM, ATT_E_MODEL, "vit_img_size is 224, expected 512");
    expect_refusal(&SIGLIP_224, "{\"vit_hidden_dim\":768.5}", ATT_E_MODEL, "vit_hidden_dim");
    expect_refusal(&SIGLIP_224, "{\"vit_hidden_dim\":768,\"vit_cls_flag\":true}", ATT_E_UNSUPPORTED,
                   "vit_cls_flag");
    expect_refusal(&SIGLIP_224, "{\"vit_hidden_dim\":768,\"max_img_size\":2048}", ATT_E_UNSUPPORTED,
                   "max_img_size");
    expect_refusal(&SIGLIP_224, "{\"vit_hidden_dim\":768,\"mp_pixel_shuffle_factor\":3}",
                   ATT_E_MODEL, "squares of 3");
    expect_refusal(&SIGLIP_224, "{\"vit_hidden_dim\":768,\"vit_n_heads\":7}", ATT_E_MODEL,
                   "7 heads");
    expect_refusal(&CLIP_336, "{\"model_type\":\"llava\",\"vision_feature_layer\":[-2,-5]}",
                   ATT_E_UNSUPPORTED, "list");
    expect_refusal(&CLIP_336, "{\"model_type\":\"llava\",\"vision_feature_layer\":-26}",
                   ATT_E_MODEL, "24 layers");
    expect_refusal(&CLIP_336,
                   "{\"model_type\":\"llava\",\"vision_feature_select_strategy\":\"full\"}",
                   ATT_E_UNSUPPORTED, "full");
    expect_refusal(&CLIP_336,
                   "{\"model_type\":\"llava_next\",\"image_grid_pinpoints\":[[336,100]]}",
                   ATT_E_MODEL, "image_grid_pinpoints");
    expect_refusal(&SIGLIP_512, "{\"model_type\":\"llava\"}", ATT_E_UNSUPPORTED,
                   "without a class token");
    expect_refusal(&SIGLIP_512,
                   "{\"model_type\":\"smolvlm\",\"vision_config\":{\"hidden_act\":\"mish\"}}",
                   ATT_E_UNSUPPORTED, "mish");
}

enum { GGUF_U32 = 4, GGUF_BOOL = 7, GGUF_STRING = 8, GGUF_ARRAY = 9, GGUF_I32 = 5 };

static void add_text(weightfile *f, const char *key, const char *text)
{
    weightfile_gguf_key(f, key, GGUF_STRING);
    weightfile_gguf_string(f, text, strlen(text));
}

/* A file of keys alone: block_count, and a list of one feature layer unless it is 99. */
static att_status read_gguf(att_vlm_config *c, const char *projector, const att_vit_config *vit,
                            uint32_t blocks, int32_t feature, att_err *err)
{
    static weightfile f;
    att_weights *weights;
    void *block;
    memset(&f, 0, sizeof f);
    memset(c, 0, sizeof *c);
    c->vit = *vit;
    c->shuffle = 1;
    weightfile_gguf(&f, 3, 0, feature == 99 ? 3 : 4);
    add_text(&f, "general.architecture", "clip");
    add_text(&f, "clip.projector_type", projector);
    weightfile_gguf_key(&f, "clip.vision.block_count", GGUF_U32);
    weightfile_number(&f, blocks, 4);
    if (feature != 99) {
        weightfile_gguf_key(&f, "clip.vision.feature_layer", GGUF_ARRAY);
        weightfile_number(&f, GGUF_I32, 4);
        weightfile_number(&f, 1, 8);
        weightfile_number(&f, (uint32_t)feature, 4);
    }
    weightfile_align(&f, 32);
    att_status status = weightfile_open(&f, f.n, &weights, &block, err);
    if (status) fail_msg("%s", err->text);
    status = att_vlm_config_gguf(c, weights, err);
    att_weights_close(weights);
    free(block);
    return status;
}

/* A file of 23 layers has left out the one that is not used; one of 24 has it. */
static void gguf_files_run_the_layers_that_llava_uses(void **state)
{
    (void)state;
    static const struct {
        int32_t layers, blocks, feature, run;
    } FILES[] = {{23, 23, 99, 23}, {24, 24, 99, 23}, {24, 23, 99, 23}, {24, 24, 23, 23},
                 {24, 24, -2, 23}, {12, 12, 99, 12}, {24, 24, 20, 20}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        att_vit_config vit = CLIP_336;
        att_vlm_config c;
        att_err err;
        vit.layers = FILES[i].layers;
        if (read_gguf(&c, "mlp", &vit, (uint32_t)FILES[i].blocks, FILES[i].feature, &err))
            fail_msg("%s", err.text);
        assert_int_equal(c.vit.layers, FILES[i].run);
        assert_true(!c.vit.last_norm && c.vit.ffn == ATT_FFN_GELU_QUICK && c.fit == ATT_VLM_PAD);
    }
}

static void gguf_files_of_other_kinds_are_refused(void **state)
{
    (void)state;
    att_vlm_config c;
    att_err err;
    assert_int_equal(read_gguf(&c, "qwen2vl_merger", &CLIP_336, 24, 99, &err), ATT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "qwen2vl_merger"));
    assert_int_equal(read_gguf(&c, "mlp", &CLIP_336, 24, 25, &err), ATT_E_UNSUPPORTED);
    assert_int_equal(read_gguf(&c, "idefics3", &SIGLIP_512, 12, 99, &err), ATT_OK);
    assert_true(c.family == ATT_VLM_IDEFICS3 && c.shuffle == 4 && c.longest_edge == 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(released_files_are_read),
        cmocka_unit_test(preprocessors_change_what_they_say),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(gguf_files_run_the_layers_that_llava_uses),
        cmocka_unit_test(gguf_files_of_other_kinds_are_refused),
    };
    return cmocka_run_group_tests_name("vlm_config", tests, NULL, NULL);
}
