/* vlm.h - questions about a picture: a vision model and a language model as one, with visual tokens
 * that may be pruned on the way.
 *
 * nanoVLM, SmolVLM and Idefics3, LLaVA-1.5 and -NeXT; of folders or of GGUF files with an mmproj.
 * Tests: tests/models/test_vlm_ask.c, tests/real/test_ask.c */
#ifndef ATT_VLM_H
#define ATT_VLM_H

#include "generate.h"
#include "prune.h"
#include "vlm_vision.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Read only, shared by threads. */
typedef struct att_vlm {
    att_vlm_vision *vision;
    att_language *language;
    char *prompt; /* what a question becomes where there is no chat: "%s" stands for it */
} att_vlm;

/* path: a folder, or with mmproj the language model's GGUF file; mmproj: the vision side's, or
 * NULL. chat: a family's name in place of the model's own template, or NULL. */
att_status att_vlm_open(att_vlm **vlm, att_device *device, const char *path, const char *mmproj,
                        att_precision precision, const char *chat, att_err *err);
void att_vlm_close(att_vlm *vlm); /* NULL is fine */

/* One picture and question at a time, one thread at a time. */
typedef struct att_vlm_session att_vlm_session;

/* max_tokens: of a picture, its question and the answer; 0: the language model's own limit. */
att_status att_vlm_session_create(att_vlm_session **session, const att_vlm *vlm, int32_t max_tokens,
                                  const att_sampler_options *sampling, att_err *err);
void att_vlm_session_destroy(att_vlm_session *session); /* NULL is fine */
att_generator *att_vlm_generator(att_vlm_session *session);

/* Times of what was done for the picture that was seen last, and its tokens. */
typedef struct att_vlm_seen {
    att_vlm_layout layout;     /* borrowed until the next picture */
    int32_t n_kept;            /* tokens that go on */
    const int32_t *kept;       /* ascending indices of layout's tokens; borrowed likewise */
    int32_t rows, cols;        /* tokens of a tile */
    double encode_s, choose_s; /* for encoder and projector; for finding out what stays */
} att_vlm_seen;

/* Encodes the picture; prune: NULL or a policy for it (prune.h), whose steps in the language model
 * are made when a question is asked. The tokens stay for any number of questions. */
att_status att_vlm_see(att_vlm_session *session, const att_image *image,
                       const att_prune_options *prune, att_vlm_seen *seen, att_err *err);

/* Reads picture and question; att_generate() goes on behind them, options->stops with those of the
 * model's chat, att_vlm_stops(). ATT_E_ARG when no picture was seen. */
att_status att_vlm_ask(att_vlm_session *session, const char *question, att_prompted *prompted,
                       att_err *err);
const char *const *att_vlm_stops(const att_vlm *vlm, size_t *n);

/* Tokens of the picture that a layer of the language model holds, after att_vlm_ask(). */
int32_t att_vlm_held(const att_vlm_session *session, int32_t layer);

#ifdef __cplusplus
}
#endif
#endif /* ATT_VLM_H */
