/* asr_chains.c - what of a recording is heard, and which windows of it depend on each other
 * (asr_run.h). Tests: tests/unit/test_asr_chains.c */
#include <math.h>

#include "asr_clips.h"
#include "asr_run.h"
#include "mem.h"

static att_status add_range(atti_asr_run *r, int64_t begin, int64_t end, att_err *err)
{
    const size_t n = (size_t)r->n_ranges;
    if ((n & (n - 1)) == 0) { /* full: 0, 1, 2, 4, ... */
        atti_asr_range *grown = att_realloc(r->ranges, n ? 2 * n : 1, sizeof *grown);
        if (!grown) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for windows");
        r->ranges = grown;
    }
    r->ranges[r->n_ranges++] = (atti_asr_range){begin, end};
    return ATT_OK;
}

/* Speech of up to 30 s at a time: whole stretches, as many as fit; a longer one is alone. */
static att_status add_chunks(atti_asr_run *r, att_err *err)
{
    int64_t begin = 0, end = 0;
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < r->map.n; i++) {
        const att_time_span *s = &r->map.spans[i];
        const int64_t until = (s->packed + s->length) / ATT_MEL_HOP;
        if (until - begin > ATT_MEL_WINDOW && end > begin) {
            status = add_range(r, begin, end, err);
            begin = end;
        }
        end = until;
    }
    return status ? status : add_range(r, begin, r->n_frames, err);
}

static att_status add_clips(atti_asr_run *r, att_err *err)
{
    const att_asr_options *o = r->options;
    att_status status = ATT_OK;
    for (int32_t i = 0; !status && i < att_asr_n_clips(o->n_clip_timestamps); i++) {
        int64_t begin, end;
        att_asr_clip_at(o->clip_timestamps, o->n_clip_timestamps, i, r->n_frames, &begin, &end);
        status = add_range(r, begin, end, err);
    }
    return status;
}

/* Ranges of more than a window become several, where windows do not follow timestamps. */
static att_status split_ranges(atti_asr_run *r, att_err *err)
{
    atti_asr_range *whole = r->ranges;
    const int32_t n = r->n_ranges;
    att_status status = ATT_OK;
    r->ranges = NULL;
    r->n_ranges = 0;
    for (int32_t i = 0; !status && i < n; i++)
        for (int64_t at = whole[i].begin; !status && at < whole[i].end; at += ATT_MEL_WINDOW) {
            const int64_t end = at + ATT_MEL_WINDOW;
            status = add_range(r, at, end < whole[i].end ? end : whole[i].end, err);
        }
    att_free(whole);
    return status;
}

static int are_windows(const atti_asr_run *r)
{
    for (int32_t i = 0; i < r->n_ranges; i++)
        if (r->ranges[i].end - r->ranges[i].begin > ATT_MEL_WINDOW) return 0;
    return 1;
}

/* Whether no window is told of those before it. An initial prompt that is not carried is told to
 * the first window in which somebody speaks. */
static int knows_nothing(const att_asr_options *o)
{
    return !o->condition_on_previous_text && !o->word_timestamps && !o->single_window &&
           (!o->initial_prompt || o->carry_initial_prompt);
}

att_status atti_asr_divide(atti_asr_run *r, att_err *err)
{
    const att_asr_options *o = r->options;
    const int alone = knows_nothing(o);
    att_status status = o->vad_chunks ? add_chunks(r, err) : add_clips(r, err);
    if (!status && alone && !o->vad_chunks && o->without_timestamps) status = split_ranges(r, err);
    if (status) return status;
    /* Windows of longer ranges would be read to and fro. */
    const int each = o->vad_chunks || (alone && are_windows(r));
    r->n_chains = each ? r->n_ranges : r->n_ranges > 0;
    r->chains = att_calloc((size_t)r->n_chains, sizeof *r->chains);
    if (!r->chains) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for windows");
    for (int32_t i = 0; i < r->n_chains; i++) {
        r->chains[i].first = each ? i : 0;
        r->chains[i].end = each ? i + 1 : r->n_ranges;
    }
    return ATT_OK;
}
