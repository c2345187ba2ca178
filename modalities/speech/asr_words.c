/* asr_words.c - alignment of a window's text (asr_words.h). Tests: tests/real/test_asr_options.c */
#include "asr_words.h"

#include <string.h>

#include "alignment.h"
#include "mem.h"
#include "whisper_align.h"

enum { MAX_FRAME = 5, MAX_ROWS = ATT_WHISPER_MAX_TOKENS + MAX_FRAME }; /* sot, ..., end of text */

static const double COLUMNS_A_SECOND = 50.0;

struct att_asr_aligner {
    att_whisper_aligner *whisper;
    int32_t audio_ctx;
    float *similarity; /* [MAX_ROWS][audio_ctx] */
    float probs[MAX_ROWS];
    int32_t ids[MAX_ROWS], first[MAX_ROWS];
};

att_status att_asr_aligner_create(att_asr_aligner **out, const att_whisper *whisper,
                                  att_whisper_session *session, att_err *err)
{
    *out = NULL;
    const att_whisper_config *c = att_whisper_get_config(whisper);
    att_asr_aligner *a = att_calloc(1, sizeof *a);
    if (!a) return att_fail(err, ATT_E_MEMORY, "align words: out of memory");
    a->audio_ctx = c->audio_ctx;
    a->similarity = att_calloc((size_t)MAX_ROWS * (size_t)c->audio_ctx, sizeof *a->similarity);
    att_status status = ATT_OK;
    if (!a->similarity) status = att_fail(err, ATT_E_MEMORY, "align words: out of memory");
    if (!status) status = att_whisper_aligner_create(&a->whisper, session, MAX_ROWS, err);
    if (status)
        att_asr_aligner_destroy(a);
    else
        *out = a;
    return status;
}

void att_asr_aligner_destroy(att_asr_aligner *a)
{
    if (!a) return;
    att_whisper_aligner_destroy(a->whisper);
    att_free(a->similarity);
    att_free(a);
}

/* [start of transcript, language, task, no timestamps, text, end of text]; *last: the row whose
 * logits tell of the text's first token. */
static int32_t make_ids(att_asr_aligner *a, const att_asr_alignable *t, int32_t *last)
{
    int32_t n = 0;
    a->ids[n++] = t->tokens->sot;
    if (t->language >= 0) a->ids[n++] = t->language;
    if (t->task >= 0) a->ids[n++] = t->task;
    *last = n;
    a->ids[n++] = t->tokens->notimestamps;
    memcpy(a->ids + n, t->ids, (size_t)t->n * sizeof *t->ids);
    n += t->n;
    a->ids[n++] = t->tokens->eot;
    return n;
}

/* Each word from the time at which its first token begins to that of the next word's. */
static void set_times(att_whisper_words *words, const int32_t *first, const float *probs)
{
    int32_t at = 0;
    for (int32_t i = 0; i < words->n; i++) {
        att_whisper_word *w = &words->list[i];
        double sum = 0.0;
        for (int32_t k = 0; k < w->n_tokens; k++) sum += (double)probs[at + k];
        w->probability = sum / w->n_tokens;
        w->start = first[at] / COLUMNS_A_SECOND;
        at += w->n_tokens;
        w->end = first[at] / COLUMNS_A_SECOND;
    }
}

att_status att_asr_align(att_asr_aligner *a, const att_asr_alignable *t, att_whisper_words *words,
                         att_err *err)
{
    const int32_t cols = t->frames / 2 < a->audio_ctx ? t->frames / 2 : a->audio_ctx;
    int32_t last;
    memset(words, 0, sizeof *words);
    if (t->n < 1 || cols < 1) return ATT_OK;
    const int32_t n = make_ids(a, t, &last);
    att_status status = att_whisper_align(a->whisper, t->lane, a->ids, n, cols, last, t->n,
                                          t->tokens->eot, a->similarity, a->probs, err);
    if (!status) /* the rows that choose the text's tokens and its end */
        status = att_alignment_walk(a->similarity + (size_t)last * (size_t)cols, t->n + 1, cols,
                                    a->first, err);
    if (!status) status = att_whisper_words_split(words, t->tokens, t->code, t->ids, t->n, err);
    if (!status) set_times(words, a->first, a->probs);
    return status;
}
