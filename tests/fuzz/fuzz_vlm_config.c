/* fuzz_vlm_config.c - config.json and preprocessor_config.json of any bytes: refused by name, or
 * numbers of which an encoder, a projector and tiles can be made. Seeds: those of
 * tests/golden/vision_tiny_random. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vlm_config.h"

static void check(const att_vlm_config *c, att_status status, const att_err *err)
{
    if (status) {
        const int known = status == ATT_E_MODEL || status == ATT_E_UNSUPPORTED;
        if (!known || !strstr(err->text, "that file")) abort();
        return;
    }
    if (c->vit.heads < 1 || c->vit.width % c->vit.heads || c->vit.layers < 0) abort();
    if (c->shuffle < 1 || c->vit.side % c->shuffle || !(c->vit.eps > 0.0f)) abort();
    if (c->fit == ATT_VLM_GRID && c->longest_edge < 1) abort();
    for (size_t i = 0; i < c->n_canvases; i++)
        if (c->canvases[i].width < 1 || c->canvases[i].width % att_vlm_tile(c)) abort();
    for (int i = 0; i < 3; i++)
        if (!(c->norm.std[i] > 0.0f)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const att_vit_config vit = {.width = 32,
                                .heads = 1,
                                .ffn_width = 64,
                                .layers = 4,
                                .patch = 4,
                                .side = 8,
                                .class_token = 1,
                                .eps = 1e-6f};
    for (int layers = 3; layers < 5; layers++) {
        att_vlm_config c = {.vit = vit, .shuffle = 1};
        att_err err;
        c.vit.layers = layers;
        check(&c, att_vlm_config_json(&c, "that file", data, n, &err), &err);
    }
    for (int fit = ATT_VLM_PAD; fit <= ATT_VLM_ANYRES; fit++) {
        att_vlm_config c = {.family = ATT_VLM_LLAVA, .vit = vit, .shuffle = 1};
        att_err err;
        c.fit = (att_vlm_fit)fit;
        c.longest_edge = 64;
        c.norm = att_image_norm_half();
        check(&c, att_vlm_config_preprocessor(&c, "that file", data, n, &err), &err);
    }
    return 0;
}
