/* vlm_rig.h - the tiny models of tests/golden/vision_tiny_random: vision sides opened, their
 * picture and what the reference makes of it. */
#ifndef ATT_VLM_RIG_H
#define ATT_VLM_RIG_H

#include "rig.h"
#include "vlm_vision.h"
#include "weights.h"

typedef struct vlm_rig {
    rig r;
    const char *name;
    att_weights *weights, *golden;
    att_vlm_config config;
    att_vlm_vision *vision;
    att_vlm_vision_session *session;
    att_image image;
} vlm_rig;

enum { VLM_MODELS = 4 };
extern const char *const VLM_NAMES[VLM_MODELS]; /* nanovlm, smolvlm, llava, llava_next */

/* file: of the folder, a GGUF file in place of the checkpoint; or NULL. portable: portable bodies
 * only. Ends the test with a message where something is missing. */
vlm_rig vlm_rig_open(const char *name, const char *file, int portable);
/* The same with a picture fitted by a crop. */
vlm_rig vlm_rig_open_cropped(const char *name, int portable);
vlm_rig vlm_rig_open_fast(const char *name);
void vlm_rig_close(vlm_rig *rig);

/* check() on each model with every kind of bodies. */
void vlm_rig_each(void (*check)(const char *name, int portable));

/* rows[n][cols] on the device or numbers in host memory against the golden array from row `first`
 * on: each within the limit, and the cosine of all above 0.9999. */
void vlm_rig_expect_mat(vlm_rig *rig, const char *name, int32_t first, att_mat mat, double limit);
void vlm_rig_expect(vlm_rig *rig, const char *name, int64_t first, const float *x, int64_t n,
                    double limit);
float *vlm_rig_read(vlm_rig *rig, att_mat mat); /* f32 rows without gaps; att_free() */
void vlm_rig_need(att_status status, const att_err *err);

#endif /* ATT_VLM_RIG_H */
