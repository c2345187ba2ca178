/* whisper_align.h - what the alignment heads attend to while a text is read once more.
 *
 * Source: OpenAI's timing.py (find_alignment). Tests: tests/real/test_asr_options.c */
#ifndef ATT_WHISPER_ALIGN_H
#define ATT_WHISPER_ALIGN_H

#include "whisper.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Scratch of a session, made once. */
typedef struct att_whisper_aligner att_whisper_aligner;

/* For texts of at most max_rows tokens in all. The session outlives it. */
att_status att_whisper_aligner_create(att_whisper_aligner **aligner, att_whisper_session *session,
                                      int32_t max_rows, att_err *err);
void att_whisper_aligner_destroy(att_whisper_aligner *aligner); /* NULL is fine */

/* Decodes ids[0..n) anew over the lane's window; its text is empty afterwards. similarity:
 * f32[n][cols], the mean over the alignment heads of att_alignment_add_head(). probs: f32[n_probs],
 * of ids[first + 1 + i] at token first + i, among the ids below `limit`. */
att_status att_whisper_align(att_whisper_aligner *aligner, att_whisper_lane *lane,
                             const int32_t *ids, int32_t n, int32_t cols, int32_t first,
                             int32_t n_probs, int32_t limit, float *similarity, float *probs,
                             att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_ALIGN_H */
