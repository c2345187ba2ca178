/* vlm_ask.h - what a session of vlm.h holds; private to vlm_*.c. */
#ifndef ATT_VLM_ASK_H
#define ATT_VLM_ASK_H

#include "vlm.h"
#include "vlm_reads.h"

enum { ATTI_VLM_TEXT_ROWS = 32 }; /* whose attention is read, where it is that of all text */

struct att_vlm_session {
    const att_vlm *vlm;
    att_generator *generator;
    att_queue *queue; /* of the language model */
    att_arena *arena;
    att_vlm_vision_session *vision;
    atti_vlm_reads reads; /* of the encoder */
    att_view key_mean;    /* f32[heads][rows]: a tap of the encoder's attention */
    att_view last_rows;   /* f32[heads][TEXT_ROWS][max_tokens]: a tap of the language model's */
    float *host_rows;     /* what comes back of either */
    size_t n_host_rows;

    att_prune_options options; /* of the picture that was seen */
    att_prune *prune;          /* NULL: none */
    att_vlm_layout layout;
    att_mat tokens; /* f32[n_kept, W]: of the picture; n_kept rows of 0: none was seen */
    int32_t *kept;  /* [n_kept]: indices of layout's tokens */
    int32_t n_kept, max_visual;
    float *features; /* [tokens a tile][W]: on the host, for policies that want or merge them */

    uint16_t *halves;   /* [max_rows][width of a head]: values as they are kept */
    float *values;      /* [G][max_rows][width of a head] of the picture's tokens and the last */
    float *value_dots;  /* [G][max_rows] */
    float *value_l1;    /* [max_rows] */
    float *row;         /* [max_rows]: attention of the text */
    float *head_rows;   /* [H][max_rows] */
    int32_t *row_token; /* [max_rows]: of the rows in the language model now, index in kept or -1 */
    int32_t n_rows;
    int32_t *keep_rows; /* [max_rows] */
    double choose_s;
};

/* Steps of a policy in the language model, for att_llama_append(). */
att_llama_hooks atti_vlm_llm_hooks(att_vlm_session *session);
/* Whether the policy has any. */
int atti_vlm_prunes_llm(const att_vlm_session *session);

#endif /* ATT_VLM_ASK_H */
