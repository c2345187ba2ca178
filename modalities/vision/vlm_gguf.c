/* vlm_gguf.c - the keys of a GGUF file of architecture "clip" (vlm_config.h). What llama.cpp reads
 * and writes; where it is known to be wrong (which layer's output LLaVA takes, the tanh-gelu
 * between LLaVA's two linears) the models' own code is followed.
 * Tests: tests/unit/test_vlm_config.c, tests/models/test_vlm_tiny.c */
#include <string.h>

#include "vlm_config.h"

enum { CLIP_LAYERS = 24 };

/* A whole number of 1 or more, or what it is without one. */
static int32_t number_of(const att_weights *weights, const char *key, int32_t absent)
{
    double x = 0.0;
    if (!att_weights_number(weights, key, &x) || !(x >= 1.0 && x <= 1e6)) return absent;
    return (int32_t)x;
}

static int flag_of(const att_weights *weights, const char *key)
{
    double x = 0.0;
    return att_weights_number(weights, key, &x) && x != 0.0;
}

static void read_norm(const att_weights *weights, const char *key, float values[3])
{
    att_weights_list_view list;
    if (att_weights_list(weights, key, &list) != 3) return;
    for (size_t i = 0; i < 3; i++) values[i] = (float)att_weights_list_number(&list, i);
}

/* LLaVA takes the output of the last layer but one. Files either lack the last layer (23 of 24) or
 * have all; a list of layers says it outright, counting the embeddings as 0. */
static int32_t layers_run(const att_weights *weights, int32_t layers)
{
    att_weights_list_view list;
    const size_t n = att_weights_list(weights, "clip.vision.feature_layer", &list);
    const int32_t said = number_of(weights, "clip.vision.block_count", layers);
    if (n == 1) {
        const double at = att_weights_list_number(&list, 0);
        return at >= 0.0 && at <= layers        ? (int32_t)at
               : at < 0.0 && at > -layers - 2.0 ? layers + 1 + (int32_t)at
                                                : -1;
    }
    if (n > 1) return -1;
    if (said < layers) return said;
    return layers == CLIP_LAYERS ? layers - 1 : layers;
}

static att_status read_llava(att_vlm_config *c, const att_weights *weights, att_err *err)
{
    const char *merge = att_weights_text(weights, "clip.vision.mm_patch_merge_type");
    const int32_t layers = layers_run(weights, c->vit.layers);
    if (layers < 0 || (merge && strcmp(merge, "flat") != 0))
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "read %s: features of %s are not built; one layer's of one tile are",
                        att_weights_path(weights), layers < 0 ? "several layers" : merge);
    if (!c->vit.class_token)
        return att_fail(err, ATT_E_UNSUPPORTED, "read %s: LLaVA without a class token is not built",
                        att_weights_path(weights));
    c->family = ATT_VLM_LLAVA;
    c->vit.layers = layers;
    c->vit.last_norm = 0;
    c->act = ATT_ACT_GELU_ERF;
    c->fit = ATT_VLM_PAD;
    c->filter = ATT_FILTER_BICUBIC;
    c->norm = att_image_norm_clip();
    return ATT_OK;
}

static void read_idefics3(att_vlm_config *c, const att_weights *weights)
{
    c->family = ATT_VLM_IDEFICS3;
    c->shuffle = number_of(weights, "clip.vision.projector.scale_factor", 4);
    c->fit = ATT_VLM_GRID;
    c->filter = ATT_FILTER_LANCZOS;
    c->norm = att_image_norm_half();
    c->longest_edge = number_of(weights, "clip.vision.preproc_image_size", 4 * att_vlm_tile(c));
    c->split = 1;
}

static att_status check(const att_vlm_config *c, const att_weights *weights, att_err *err)
{
    for (int i = 0; i < 3; i++)
        if (!(c->norm.std[i] > 0.0f))
            return att_fail(err, ATT_E_MODEL, "read %s: clip.vision.image_std has a %g",
                            att_weights_path(weights), (double)c->norm.std[i]);
    if (c->vit.width % c->vit.heads || c->vit.side % c->shuffle || !(c->vit.eps > 0.0f))
        return att_fail(err, ATT_E_MODEL,
                        "read %s: a width of %d in %d heads, %d patches a side in squares of %d, "
                        "epsilon %g",
                        att_weights_path(weights), c->vit.width, c->vit.heads, c->vit.side,
                        c->shuffle, (double)c->vit.eps);
    return ATT_OK;
}

att_status att_vlm_config_gguf(att_vlm_config *c, const att_weights *weights, att_err *err)
{
    const char *architecture = att_weights_text(weights, "general.architecture");
    const char *projector = att_weights_text(weights, "clip.projector_type");
    const int llava = !projector || strcmp(projector, "mlp") == 0;
    double eps = llava ? 1e-5 : 1e-6;
    att_status status = ATT_OK;
    if (!architecture || strcmp(architecture, "clip") != 0)
        return att_fail(err, ATT_E_MODEL,
                        "read %s: general.architecture is \"%s\", expected \"clip\"",
                        att_weights_path(weights), architecture ? architecture : "");
    if (!llava && strcmp(projector, "idefics3") != 0)
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "read %s: clip.projector_type \"%.40s\" is not built; mlp and idefics3 are",
                        att_weights_path(weights), projector);
    c->rule = ATT_RESIZE_PILLOW;
    c->vit.heads = number_of(weights, "clip.vision.attention.head_count", c->vit.heads);
    att_weights_number(weights, "clip.vision.attention.layer_norm_epsilon", &eps);
    c->vit.eps = (float)eps;
    c->vit.ffn = flag_of(weights, "clip.use_gelu") ? ATT_FFN_GELU_TANH : ATT_FFN_GELU_QUICK;
    if (flag_of(weights, "clip.use_silu"))
        return att_fail(err, ATT_E_UNSUPPORTED, "read %s: clip.use_silu is not built",
                        att_weights_path(weights));
    if (llava)
        status = read_llava(c, weights, err);
    else
        read_idefics3(c, weights);
    if (status) return status;
    read_norm(weights, "clip.vision.image_mean", c->norm.mean);
    read_norm(weights, "clip.vision.image_std", c->norm.std);
    return check(c, weights, err);
}
