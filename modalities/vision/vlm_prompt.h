/* vlm_prompt.h - a question about a picture as tokens, with places for the picture's. */
#ifndef ATT_VLM_PROMPT_H
#define ATT_VLM_PROMPT_H

#include "vlm.h"

enum { ATTI_VLM_VISUAL = -1 }; /* in ids: the next token of the picture */

/* *ids: *n tokens, the caller's, att_free(); as many visual ones as layout has tokens. ATT_E_MODEL
 * where the model lacks a token that its family needs. */
att_status atti_vlm_prompt(const att_vlm *vlm, const char *question, const att_vlm_layout *layout,
                           int32_t **ids, int32_t *n, att_err *err);

#endif /* ATT_VLM_PROMPT_H */
