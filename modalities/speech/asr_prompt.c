/* asr_prompt.c - a window's prompt (asr_prompt.h). Tests: tests/unit/test_asr_prompt.c */
#include "asr_prompt.h"

#include <string.h>

/* Appends the newest `room` of n ids at most; returns how many. */
static int32_t append(int32_t *to, const int32_t *ids, int32_t n, int32_t room)
{
    if (room < 0) room = 0;
    if (n > room) {
        ids += n - room;
        n = room;
    }
    if (n > 0) memcpy(to, ids, (size_t)n * sizeof *to);
    return n;
}

int32_t att_asr_prompt_make(const att_whisper_tokens *tokens, const att_asr_prompt_parts *p,
                            int32_t text_ctx, int32_t *ids, int32_t *sot)
{
    const int32_t room = text_ctx / 2 - 1;
    int32_t n = 1;
    n += append(ids + n, p->carried, p->n_carried, room);
    n += append(ids + n, p->previous, p->n_previous, room - (n - 1));
    ids[0] = tokens->startofprev;
    if (n == 1) n = 0; /* nothing was said before */
    *sot = n;
    ids[n++] = tokens->sot;
    if (p->language >= 0) ids[n++] = p->language;
    if (p->task >= 0) ids[n++] = p->task;
    if (p->without_timestamps) ids[n++] = tokens->notimestamps;
    return n + append(ids + n, p->prefix, p->n_prefix, text_ctx - text_ctx / 2 - n);
}
