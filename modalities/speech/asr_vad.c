/* asr_vad.c - speech found and packed before it is transcribed, and its times restored (asr_vad.h).
 * Tests: tests/real/test_asr_vad.c, tests/unit/test_asr_vad_times.c */
#include "asr_vad.h"

#include "mem.h"
#include "speech_spans.h"

/* Samples that are read and heard at once, 16 s: as many windows as pass the network together. */
enum { BLOCK_WINDOWS = 512, BLOCK = BLOCK_WINDOWS * ATT_VAD_WINDOW };

_Static_assert((int)ATT_MEL_RATE_HZ == (int)ATT_VAD_RATE_HZ, "one rate for both");

/* What listening to one recording works with. */
typedef struct listener {
    atti_asr_run *run;
    att_audio *audio;
    float *samples; /* BLOCK */
    float probs[BLOCK_WINDOWS + 1];
    att_speech_spans spans;
    int64_t n_samples;
} listener;

/* Fills the block as far as the recording goes. */
static att_status read_block(listener *l, size_t *n, att_err *err)
{
    att_status status = ATT_OK;
    size_t got = 1;
    for (*n = 0; !status && got > 0 && *n < BLOCK; *n += got)
        status = att_audio_read(l->audio, l->samples + *n, BLOCK - *n, &got, err);
    return status;
}

/* Tells every whole minute that was heard. */
static void tell(const listener *l, int64_t before)
{
    const att_asr_options *o = l->run->options;
    const int64_t minute = 60 * ATT_VAD_RATE_HZ;
    if (o->on_scan && l->run->may_tell && l->n_samples / minute > before / minute)
        o->on_scan(o->user, 60.0 * (double)(l->n_samples / minute));
}

static att_status listen(listener *l, att_err *err)
{
    att_vad_session *vad = l->run->session->vad;
    const att_asr_options *o = l->run->options;
    size_t n = BLOCK, n_probs;
    att_status status = att_vad_reset(vad, err);
    while (!status && n == BLOCK) {
        if (o->cancelled && o->cancelled(o->user))
            return att_fail(err, ATT_E_CANCELLED, "transcribe: cancelled");
        status = read_block(l, &n, err);
        if (!status) status = att_vad_push(vad, l->samples, n, l->probs, &n_probs, err);
        if (!status) status = att_speech_spans_add(&l->spans, l->probs, n_probs, err);
        l->n_samples += (int64_t)n;
        tell(l, l->n_samples - (int64_t)n);
    }
    if (!status) status = att_vad_finish(vad, l->probs, err);
    if (!status) status = att_speech_spans_add(&l->spans, l->probs, 1, err);
    return status ? status : att_speech_spans_end(&l->spans, l->n_samples, err);
}

/* The spans become the map and the result's list. */
static att_status keep_speech(listener *l, att_err *err)
{
    att_asr_result *result = l->run->result;
    const att_speech_spans *s = &l->spans;
    att_status status = ATT_OK;
    result->duration_s = (double)l->n_samples / ATT_VAD_RATE_HZ;
    result->speech = att_calloc((size_t)s->n, sizeof *result->speech);
    if (!result->speech) return att_fail(err, ATT_E_MEMORY, "find speech: out of memory");
    for (int32_t i = 0; !status && i < s->n; i++) {
        result->speech[i].start = (double)s->spans[i].start / ATT_VAD_RATE_HZ;
        result->speech[i].end = (double)s->spans[i].end / ATT_VAD_RATE_HZ;
        status = att_time_map_add(&l->run->map, s->spans[i].start, s->spans[i].end, err);
    }
    result->n_speech = s->n;
    return status;
}

att_status atti_asr_find_speech(atti_asr_run *run, att_audio *audio, att_err *err)
{
    const double begin = atti_asr_now_s();
    if (!run->session->vad)
        return att_fail(err, ATT_E_ARG,
                        "transcribe: vad_filter is set and the session has no voice detector; call "
                        "att_asr_session_use_vad()");
    listener l = {.run = run, .audio = audio};
    l.samples = att_calloc(BLOCK, sizeof *l.samples);
    att_status status =
        l.samples ? ATT_OK : att_fail(err, ATT_E_MEMORY, "find speech: out of memory");
    att_vad_options vad = run->options->vad;
    if (run->options->vad_chunks && !(vad.max_speech_duration_s < 30.0))
        vad.max_speech_duration_s = 30.0; /* a window's */
    if (!status) status = att_speech_spans_init(&l.spans, &vad, err);
    if (!status) status = listen(&l, err);
    if (!status) status = keep_speech(&l, err);
    if (!status) {
        att_audio_keep(audio, &run->map);
        status = att_audio_rewind(audio, err);
    }
    att_speech_spans_finish(&l.spans);
    att_free(l.samples);
    run->result->timings.vad_s = atti_asr_now_s() - begin;
    return status;
}

/* Start and end of a segment without words. */
static void restore_ends(const att_time_map *map, double pad_s, att_asr_segment *segment)
{
    int32_t first = att_time_map_index(map, segment->start, 0);
    int32_t last = att_time_map_index(map, segment->end, 1);
    if (first < last) {
        const double begin_s = (double)map->spans[last].packed / ATT_VAD_RATE_HZ;
        if (segment->end - begin_s <= pad_s) {
            segment->end = begin_s;
            last--;
        }
    }
    if (first < last) {
        const double end_s = (double)map->spans[first + 1].packed / ATT_VAD_RATE_HZ;
        if (end_s - segment->start <= pad_s) {
            segment->start = end_s;
            first++;
        }
    }
    segment->start = att_time_map_original_s(map, segment->start, first);
    segment->end = att_time_map_original_s(map, segment->end, last);
}

void atti_asr_restore_times(const att_time_map *map, int32_t speech_pad_ms,
                            att_asr_segment *segment)
{
    att_asr_word *words = (att_asr_word *)segment->words;
    if (map->n == 0) return;
    for (int32_t i = 0; i < segment->n_words; i++) {
        const int32_t index =
            att_time_map_index(map, (words[i].start + words[i].end) / 2.0, /*is_end*/ 0);
        words[i].start = att_time_map_original_s(map, words[i].start, index);
        words[i].end = att_time_map_original_s(map, words[i].end, index);
    }
    if (segment->n_words) {
        segment->start = words[0].start;
        segment->end = words[segment->n_words - 1].end;
    } else {
        restore_ends(map, speech_pad_ms / 1000.0, segment);
    }
}
