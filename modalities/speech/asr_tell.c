/* asr_tell.c - what was found, in the order of the recording (asr_run.h).
 * Tests: tests/real/test_asr_batch.c */
#include <math.h>

#include "asr_result.h"
#include "asr_run.h"
#include "mem.h"

/* Segments of the chains, as far as nothing is missing before them. */
static att_status gather(atti_asr_run *r, att_err *err)
{
    while (r->telling < r->n_chains) {
        atti_asr_chain *chain = &r->chains[r->telling];
        const att_status status = att_asr_result_move(r->result, &chain->found, err);
        if (status || !chain->finished) return status;
        r->telling++;
        r->reached =
            r->telling < r->n_chains ? r->ranges[r->chains[r->telling].first].begin : r->n_frames;
    }
    return ATT_OK;
}

static void tell_progress(const atti_asr_run *r, int64_t reached)
{
    const int64_t frames = reached < r->n_frames ? reached : r->n_frames;
    const double packed_s = (double)frames / ATT_MEL_FRAMES_A_SECOND;
    const double done_s =
        att_time_map_original_s(&r->map, packed_s, att_time_map_index(&r->map, packed_s, 1));
    const double total_s = r->result->duration_s;
    if (r->options->on_progress)
        r->options->on_progress(r->options->user, frames < r->n_frames ? done_s : total_s, total_s);
}

att_status atti_asr_tell(atti_asr_run *r, att_err *err)
{
    const att_asr_options *o = r->options;
    const att_status status = gather(r, err);
    if (!r->may_tell || !r->length_known) return status;
    if (!r->told_start) tell_progress(r, 0);
    r->told_start = 1;
    if (!isnan(r->language_probability) && o->on_language)
        o->on_language(o->user, r->result->language, r->language_probability);
    r->language_probability = (double)NAN;
    for (; r->n_told < r->result->n_segments; r->n_told++) {
        const att_asr_segment *segment = &r->result->segments[r->n_told];
        if (segment->n_tokens && o->on_segment) o->on_segment(o->user, segment);
    }
    if (r->reached != r->told_reached) tell_progress(r, r->reached);
    r->told_reached = r->reached;
    return status;
}

att_status atti_asr_join_text(atti_asr_run *r, att_err *err)
{
    const att_asr_result *result = r->result;
    size_t n = 0;
    for (int32_t i = 0; i < result->n_segments; i++) n += (size_t)result->segments[i].n_tokens;
    int32_t *tokens = att_calloc(n, sizeof *tokens);
    if (!tokens) return att_fail(err, ATT_E_MEMORY, "transcribe: out of memory for the text");
    n = 0;
    for (int32_t i = 0; i < result->n_segments; i++)
        for (int32_t k = 0; k < result->segments[i].n_tokens; k++)
            tokens[n++] = result->segments[i].tokens[k];
    r->result->text = att_whisper_tokens_text(r->session->model->tokens, tokens, (int32_t)n, err);
    att_free(tokens);
    return r->result->text ? ATT_OK : ATT_E_MEMORY;
}
