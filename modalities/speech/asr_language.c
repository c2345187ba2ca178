/* asr_language.c - the language of a recording, given or heard (asr_run.h).
 * Tests: tests/real/test_whisper_real.c, tests/real/test_asr_options.c */
#include <string.h>

#include "asr_run.h"

enum { MAX_DETECTED = 64 }; /* windows that are asked for the language */

static void keep_language(atti_asr_run *r, int32_t language)
{
    r->code = att_whisper_tokens_language_code(r->decoder.tokens, language);
    r->language = language;
}

att_status atti_asr_given_language(atti_asr_run *r, int *given, att_err *err)
{
    const att_whisper_tokens *tokens = r->decoder.tokens;
    *given = 1;
    r->language = -1;
    r->task = -1;
    r->code = "en";
    if (!tokens->multilingual) {
        strcpy(r->result->language, r->code);
        return ATT_OK;
    }
    r->task = r->options->translate ? tokens->translate : tokens->transcribe;
    *given = r->options->language != NULL;
    if (!*given) return ATT_OK;
    const int32_t language = att_whisper_tokens_language_id(tokens, r->options->language);
    if (language < 0)
        return att_fail(err, ATT_E_ARG, "transcribe: the model does not know the language '%s'",
                        r->options->language);
    keep_language(r, language);
    strncpy(r->result->language, r->code, sizeof r->result->language - 1);
    return ATT_OK;
}

att_status atti_asr_hear_language(atti_asr_lane *l, double *probability, att_err *err)
{
    const att_whisper_tokens *tokens = l->run->decoder.tokens;
    int32_t language;
    const double t = atti_asr_now_s();
    const att_status status = att_asr_detect_language(&l->run->session->stepper, l->decoding.lane,
                                                      tokens, &language, probability, err);
    l->run->result->timings.decoder_s += atti_asr_now_s() - t;
    if (status) return status;
    l->language = language;
    l->code = att_whisper_tokens_language_code(tokens, language);
    return ATT_OK;
}

void atti_asr_settle_language(atti_asr_lane *l, double probability)
{
    atti_asr_run *r = l->run;
    keep_language(r, l->language);
    strncpy(r->result->language, r->code, sizeof r->result->language - 1);
    r->language_probability = probability;
}

/* Which of the windows looked at so far heard what was heard most often, the likeliest of equals.
 */
static int32_t most_heard(const int32_t *heard, const double *probability, int32_t n)
{
    int32_t best = 0, best_count = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t count = 0;
        for (int32_t k = 0; k < n; k++) count += heard[k] == heard[i];
        const int more = count > best_count;
        if (more || (count == best_count && probability[i] > probability[best])) best = i;
        if (more) best_count = count;
    }
    return best;
}

att_status atti_asr_choose_language(atti_asr_lane *l, att_err *err)
{
    atti_asr_run *r = l->run;
    int given;
    att_status status = atti_asr_given_language(r, &given, err);
    if (status || given) return status;
    int32_t heard[MAX_DETECTED], n = 0, best = 0;
    double probability[MAX_DETECTED];
    const int32_t most = r->options->language_detection_segments;
    for (int64_t at = 0; !status && n < most && n < MAX_DETECTED && at < r->n_frames;
         at += ATT_MEL_WINDOW) {
        int32_t frames;
        status = atti_asr_encode(l, at, r->n_frames, &frames, err);
        l->ready_frames = at == 0 ? frames : 0; /* what the lane holds now */
        if (!status) status = atti_asr_hear_language(l, &probability[n], err);
        heard[n] = l->language;
        best = n++;
        if (probability[best] > r->options->language_detection_threshold) break;
        if (n == most || n == MAX_DETECTED || at + ATT_MEL_WINDOW >= r->n_frames)
            best = most_heard(heard, probability, n);
    }
    if (status) return status;
    l->language = heard[best];
    atti_asr_settle_language(l, probability[best]);
    return ATT_OK;
}
