/* whisper_cut.c - whisper_cut.h. Tests: tests/unit/test_whisper_cut.c */
#include "whisper_cut.h"

enum { FRAMES_PER_TIMESTAMP = 2, FRAMES_PER_SECOND = 100 };

static double seconds_of(int32_t timestamp)
{
    return (double)timestamp * FRAMES_PER_TIMESTAMP / FRAMES_PER_SECOND;
}

/* No pair of timestamps: one segment, up to the last timestamp if there is one. */
static int32_t cut_whole(const int32_t *tokens, int32_t n, int32_t begin, int32_t frames,
                         att_whisper_piece *pieces)
{
    double end_s = (double)frames / FRAMES_PER_SECOND;
    for (int32_t i = n - 1; i >= 0; i--) {
        if (tokens[i] < begin) continue;
        if (tokens[i] > begin) end_s = seconds_of(tokens[i] - begin);
        break;
    }
    pieces[0] = (att_whisper_piece){0, n, 0.0, end_s};
    return 1;
}

int32_t att_whisper_cut(const int32_t *tokens, int32_t n, int32_t begin, int32_t frames,
                        att_whisper_piece *pieces, int32_t *advance)
{
    const int single_end = n >= 1 && tokens[n - 1] >= begin && !(n >= 2 && tokens[n - 2] >= begin);
    int32_t n_pieces = 0, last = 0;
    for (int32_t i = 1; i <= n; i++) {
        const int pair = i < n && tokens[i - 1] >= begin && tokens[i] >= begin;
        const int tail = i == n && single_end && n_pieces > 0;
        if (!pair && !tail) continue;
        pieces[n_pieces++] = (att_whisper_piece){last, i, seconds_of(tokens[last] - begin),
                                                 seconds_of(tokens[i - 1] - begin)};
        last = i;
    }
    *advance = frames;
    if (n_pieces == 0) return cut_whole(tokens, n, begin, frames, pieces);
    /* Unless a lone timestamp ends the window, what follows the last pair is heard again. */
    if (!single_end) *advance = (tokens[last - 1] - begin) * FRAMES_PER_TIMESTAMP;
    if (*advance < 1 && frames > 0) *advance = frames; /* a pair at 0.00 would stand still */
    return n_pieces;
}
