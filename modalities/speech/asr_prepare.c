/* asr_prepare.c - a recording before its first window: rules, prompts, speech, length, chains
 * (asr_run.h). Tests: tests/real/test_whisper_real.c, tests/real/test_asr_options.c */
#include <math.h>

#include "asr_run.h"
#include "asr_vad.h"
#include "mem.h"

static void make_decoder(atti_asr_run *r)
{
    r->decoder = (att_asr_decoder){
        .tokens = r->session->model->tokens,
        .rules = &r->rules,
        .text_ctx = att_whisper_get_config(r->session->model->whisper)->text_ctx,
        .options = r->options,
    };
}

att_status atti_asr_prepare(atti_asr_run *r, att_err *err)
{
    r->result->has_words = r->options->word_timestamps;
    r->language_probability = (double)NAN;
    make_decoder(r);
    const att_status status = atti_asr_make_rules(r, err);
    return status ? status : atti_asr_read_told(r, err);
}

void atti_asr_release(atti_asr_run *r)
{
    for (int32_t i = 0; r->chains && i < r->n_chains; i++) att_asr_result_free(&r->chains[i].found);
    att_mel_stream_close(r->mel);
    att_audio_close(r->audio);
    att_time_map_free(&r->map);
    att_free(r->chains);
    att_free(r->ranges);
    att_free(r->initial);
    att_free(r->prefix);
    att_free(r->suppress);
    att_free(r->carried);
    r->mel = NULL;
    r->audio = NULL;
    r->chains = NULL;
    r->n_chains = r->next_chain = r->telling = 0;
    r->ranges = NULL;
    r->initial = r->prefix = r->suppress = r->carried = NULL;
}

/* The first pass, a minute of audio at a time. */
static att_status scan(atti_asr_run *r, att_err *err)
{
    enum { STEP = 60 * ATT_MEL_FRAMES_A_SECOND };
    const att_asr_options *o = r->options;
    int64_t n_frames = -1;
    for (int64_t minutes = 0; n_frames < 0; minutes++) {
        /* with vad_filter, listening was the first pass */
        if (minutes > 0 && o->on_scan && r->may_tell && !o->vad_filter)
            o->on_scan(o->user, 60.0 * (double)minutes);
        if (o->cancelled && o->cancelled(o->user))
            return att_fail(err, ATT_E_CANCELLED, "transcribe: cancelled");
        const att_status status = att_mel_stream_scan(r->mel, STEP, &n_frames, err);
        if (status) return status;
    }
    r->n_frames = n_frames;
    return ATT_OK;
}

att_status atti_asr_open(atti_asr_run *r, att_audio *audio, att_err *err)
{
    const int32_t n_mels = att_whisper_get_config(r->session->model->whisper)->n_mels;
    const int32_t vad = r->options->vad_filter;
    r->audio = audio;
    att_status status = atti_asr_prepare(r, err);
    if (!status && vad) status = atti_asr_find_speech(r, audio, err);
    const double listened = atti_asr_now_s();
    if (!status) status = att_mel_stream_open(&r->mel, audio, n_mels, err);
    if (!status) status = scan(r, err);
    r->result->timings.mel_s += atti_asr_now_s() - listened;
    if (!vad) r->result->duration_s = (double)r->n_frames / ATT_MEL_FRAMES_A_SECOND;
    if (!status) status = atti_asr_divide(r, err);
    r->length_known = !status;
    return status;
}
