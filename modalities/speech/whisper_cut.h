/* whisper_cut.h - one window's tokens into segments, and where the next window begins.
 *
 * Source: OpenAI's transcribe.py. Tests: tests/unit/test_whisper_cut.c */
#ifndef ATT_WHISPER_CUT_H
#define ATT_WHISPER_CUT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ATT_WHISPER_MAX_TOKENS = 224 }; /* sampled in one window: half of the text context */

/* Tokens [first, end) of the window, and their times in seconds from the window's start. */
typedef struct att_whisper_piece {
    int32_t first, end;
    double start_s, end_s;
} att_whisper_piece;

/* Cuts at pairs of timestamps. frames: mel frames of content in the window, 10 ms each (<= 3000).
 * Writes at most n + 1 pieces and returns their number; *advance: frames to move on, at least 1
 * unless frames is 0, so that a file ends. */
int32_t att_whisper_cut(const int32_t *tokens, int32_t n, int32_t timestamp_begin, int32_t frames,
                        att_whisper_piece *pieces, int32_t *advance);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WHISPER_CUT_H */
