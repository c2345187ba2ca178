/* transcribe_json.c - `attend transcribe --json`: one line of JSON a file (transcribe.h).
 * Tests: tests/real/test_transcribe.c */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

#include "transcribe.h"
#include "verbs.h"

/* JSON has no NaN: such a number is null. */
static void add_number(cJSON *object, const char *name, double x)
{
    if (isfinite(x))
        cJSON_AddNumberToObject(object, name, x);
    else
        cJSON_AddNullToObject(object, name);
}

static void add_words(cJSON *object, const att_asr_segment *s)
{
    cJSON *list = cJSON_AddArrayToObject(object, "words");
    for (int32_t i = 0; i < s->n_words; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "word", s->words[i].text);
        add_number(o, "start", s->words[i].start);
        add_number(o, "end", s->words[i].end);
        add_number(o, "probability", s->words[i].probability);
        cJSON_AddItemToArray(list, o);
    }
}

void att_transcribe_json_segment(struct cJSON *o, const att_asr_segment *s)
{
    add_number(o, "id", s->id);
    add_number(o, "seek", (double)s->seek);
    add_number(o, "start", s->start);
    add_number(o, "end", s->end);
    cJSON_AddStringToObject(o, "text", s->text);
    cJSON_AddItemToObject(o, "tokens", cJSON_CreateIntArray(s->tokens, s->n_tokens));
    cJSON_AddItemToObject(o, "token_probs", cJSON_CreateFloatArray(s->token_probs, s->n_tokens));
    add_number(o, "temperature", s->temperature);
    add_number(o, "avg_logprob", s->avg_logprob);
    add_number(o, "compression_ratio", s->compression_ratio);
    add_number(o, "no_speech_prob", s->no_speech_prob);
    if (s->words) add_words(o, s);
}

/* [start, end] of each stretch. */
static void add_speech(cJSON *object, const att_asr_result *result)
{
    cJSON *list = cJSON_AddArrayToObject(object, "speech");
    for (int32_t i = 0; i < result->n_speech; i++) {
        const double span[] = {result->speech[i].start, result->speech[i].end};
        cJSON_AddItemToArray(list, cJSON_CreateDoubleArray(span, 2));
    }
}

static void add_timings(cJSON *object, const att_asr_timings *t)
{
    cJSON *o = cJSON_AddObjectToObject(object, "timings");
    add_number(o, "vad_s", t->vad_s);
    add_number(o, "mel_s", t->mel_s);
    add_number(o, "encoder_s", t->encoder_s);
    add_number(o, "decoder_s", t->decoder_s);
    add_number(o, "total_s", t->total_s);
    add_number(o, "windows", (double)t->windows);
    add_number(o, "tokens", (double)t->tokens);
}

int att_transcribe_print_json(const att_transcribe_options *options, att_device *device,
                              att_precision precision, const char *file,
                              const att_asr_result *result)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "file", file);
    cJSON_AddStringToObject(o, "model", options->model);
    cJSON_AddStringToObject(o, "device", att_device_get_info(device)->name);
    cJSON_AddStringToObject(o, "kernels", att_device_bodies(device, precision));
    cJSON_AddStringToObject(o, "precision", att_precision_name(precision));
    cJSON_AddStringToObject(o, "language", result->language);
    add_number(o, "duration_s", result->duration_s);
    cJSON_AddStringToObject(o, "text", result->text);
    cJSON *segments = cJSON_AddArrayToObject(o, "segments");
    for (int32_t i = 0; i < result->n_segments; i++) {
        cJSON *segment = cJSON_CreateObject();
        att_transcribe_json_segment(segment, &result->segments[i]);
        cJSON_AddItemToArray(segments, segment);
    }
    if (options->vad_filter) add_speech(o, result);
    add_timings(o, &result->timings);
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (!text) {
        fprintf(stderr, "attend transcribe: %s: out of memory for JSON\n", file);
        return ATT_EXIT_FAILED;
    }
    puts(text);
    fflush(stdout);
    cJSON_free(text);
    return ATT_EXIT_DONE;
}
