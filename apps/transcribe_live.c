/* transcribe_live.c - `attend transcribe --live`: a pipe or the microphone, words as they are
 * spoken (transcribe.h). Tests: tests/real/test_asr_live.c */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "asr_result.h"
#include "live_input.h"
#include "transcribe.h"
#include "transcript.h"
#include "verbs.h"

enum { BLOCK_SAMPLES = 8000 }; /* half a second at most between two looks for Ctrl-C */

/* What the callbacks work with. */
typedef struct live {
    const att_transcribe_options *options;
    att_progress *progress;
    int (*stopped)(void *user); /* whether Ctrl-C came */
    void *user;
    att_asr_result kept; /* what files are written from; empty when none are wanted */
    int keeps;
    att_err failure; /* of keeping */
} live;

static void print_json(cJSON *o)
{
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (text) puts(text);
    cJSON_free(text);
    fflush(stdout);
}

static void hear_final(void *user, const att_asr_segment *segment)
{
    live *l = user;
    att_progress_clear(l->progress);
    if (l->options->json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "type", "final");
        att_transcribe_json_segment(o, segment);
        print_json(o);
    } else if (l->options->verbose) {
        att_transcript_print_line(stdout, segment);
    } else {
        printf("%s\n", segment->text + strspn(segment->text, " "));
    }
    fflush(stdout);
    if (l->keeps && !l->failure.status) (void)att_asr_result_add(&l->kept, segment, &l->failure);
}

static void hear_partial(void *user, const char *text, double start, double end)
{
    live *l = user;
    if (!l->options->json) {
        att_progress_say(l->progress, text + strspn(text, " "));
        return;
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "type", "partial");
    cJSON_AddNumberToObject(o, "start", start);
    cJSON_AddNumberToObject(o, "end", end);
    cJSON_AddStringToObject(o, "text", text);
    print_json(o);
}

static att_status hear_all(live *l, att_asr_live *asr, att_live_input *input, att_err *err)
{
    static float samples[BLOCK_SAMPLES];
    att_status status = ATT_OK;
    while (!status && !l->stopped(l->user)) {
        size_t got;
        status = att_live_input_read(input, samples, BLOCK_SAMPLES, &got, err);
        if (!status && got == 0 && att_live_input_ended(input)) break;
        if (!status && got > 0) status = att_asr_push(asr, samples, got, err);
    }
    return status ? status : att_asr_finish(asr, err);
}

int att_transcribe_live(const att_transcribe_options *options, att_asr_session *session,
                        const att_asr_options *asr_options, att_progress *progress,
                        int (*stopped)(void *user), const char *file)
{
    live l = {.options = options,
              .progress = progress,
              .stopped = stopped,
              .user = asr_options->user,
              .keeps = options->output_format || options->output_dir};
    att_asr_options o = *asr_options;
    att_asr_live_options live_options = att_asr_live_defaults();
    att_live_input *input = NULL;
    att_asr_live *asr = NULL;
    att_err err = {0};
    o.user = &l;
    o.on_segment = hear_final;
    o.cancelled = NULL; /* Ctrl-C is how it ends: what was heard becomes final */
    o.on_language = NULL;
    live_options.user = &l;
    live_options.step_s = options->live_step;
    live_options.on_partial = hear_partial;
    att_status status = att_asr_live_create(&asr, session, &o, &live_options, &err);
    if (!status && !file) status = att_live_input_microphone(&input, &err);
    if (!status && !options->quiet)
        fprintf(stderr, "attend: listening%s\n", file ? "" : "; Ctrl-C ends");
    if (!status && file) status = att_live_input_pipe(&input, STDIN_FILENO, &err);
    if (!status) status = hear_all(&l, asr, input, &err);
    att_progress_clear(progress);
    int code = 0;
    if (!status && l.failure.status) err = l.failure;
    if (status || l.failure.status) {
        fprintf(stderr, "attend transcribe: %s\n", err.text);
        code = att_exit_code(err.status);
    }
    if (l.keeps && l.kept.n_segments > 0) {
        const int failed = att_transcribe_write(options, "live", &l.kept, code != 0);
        if (!code) code = failed;
    }
    att_asr_live_destroy(asr);
    att_live_input_close(input);
    att_asr_result_free(&l.kept);
    return code;
}
