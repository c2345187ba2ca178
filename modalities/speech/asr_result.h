/* asr_result.h - a result that grows by segments, each with copies of its own.
 *
 * Tests: tests/unit/test_asr_result.c */
#ifndef ATT_ASR_RESULT_H
#define ATT_ASR_RESULT_H

#include "attend/asr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends a copy of the segment, its text, tokens, probabilities and words, with the next id.
 * ATT_E_MEMORY leaves the result as it was. att_asr_result_free() frees all. */
att_status att_asr_result_add(att_asr_result *result, const att_asr_segment *segment, att_err *err);

/* Moves all segments behind those of the result, with the next ids; `from` has none then.
 * ATT_E_MEMORY leaves both as they were. */
att_status att_asr_result_move(att_asr_result *result, att_asr_result *from, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_ASR_RESULT_H */
