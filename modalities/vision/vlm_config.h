/* vlm_config.h - the vision side of a vision-language model as plain numbers: the encoder, the
 * projector, and how a picture becomes what the encoder takes.
 *
 * From config.json and preprocessor_config.json of a Hugging Face folder, or from the keys of a
 * GGUF file of architecture "clip" ("mmproj"). Tests: tests/unit/test_vlm_config.c,
 * tests/models/test_vlm_tiny.c, tests/fuzz/fuzz_vlm_config.c */
#ifndef ATT_VLM_CONFIG_H
#define ATT_VLM_CONFIG_H

#include "image_fit.h"
#include "image_values.h"
#include "linear.h"
#include "vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum att_vlm_family {
    ATT_VLM_NANOVLM,
    ATT_VLM_IDEFICS3, /* and SmolVLM */
    ATT_VLM_LLAVA,    /* 1.5 */
    ATT_VLM_LLAVA_NEXT,
    ATT_N_VLM_FAMILIES
} att_vlm_family;

const char *att_vlm_family_name(att_vlm_family family); /* "nanoVLM", ... */

/* A picture to tiles. */
typedef enum att_vlm_fit {
    ATT_VLM_STRETCH, /* bent into one tile */
    ATT_VLM_CROP,    /* the short edge to the tile's, the middle of it (transformers' LLaVA-1.5) */
    ATT_VLM_PAD,     /* in a square with a border of the mean (LLaVA-1.5's own) */
    ATT_VLM_GRID,    /* tiles.h */
    ATT_VLM_ANYRES   /* tiles.h */
} att_vlm_fit;

enum { ATT_VLM_MAX_CANVASES = 64 };

typedef struct att_vlm_config {
    att_vlm_family family;
    att_vit_config vit;
    int32_t shuffle; /* patches along the edge of a token */
    att_act act;     /* between two linears of the projector */
    att_vlm_fit fit; /* of LLaVA-1.5 a caller may choose pad (the default) or crop */
    att_filter filter;
    att_resize_rule rule; /* ATT_RESIZE_PILLOW; a caller may choose */
    att_image_norm norm;
    int32_t longest_edge;                    /* grid */
    int32_t split;                           /* grid: 0: only the whole picture */
    att_size canvases[ATT_VLM_MAX_CANVASES]; /* any resolution */
    size_t n_canvases;
} att_vlm_config;

int32_t att_vlm_tile(const att_vlm_config *config);          /* edge, pixels */
int32_t att_vlm_tokens_a_tile(const att_vlm_config *config); /* for the language model */

/* All of it, for weights that were opened. folder: that holds the JSON files; NULL or without a
 * config.json: the weights must be a GGUF file. ATT_E_MODEL, naming the file and the key. */
att_status att_vlm_config_read(att_vlm_config *config, att_weights *weights, const char *folder,
                               att_err *err);

/* The parts, each of bytes in memory. config->vit is what shapes say (att_vit_read_config). */
att_status att_vlm_config_json(att_vlm_config *config, const char *name, const void *bytes,
                               size_t n, att_err *err);
/* preprocessor_config.json: what it says beside the family's defaults. */
att_status att_vlm_config_preprocessor(att_vlm_config *config, const char *name, const void *bytes,
                                       size_t n, att_err *err);
att_status att_vlm_config_gguf(att_vlm_config *config, const att_weights *weights, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_VLM_CONFIG_H */
