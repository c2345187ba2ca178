/* transcribe.c - `attend transcribe FILE...`: words on stdout as they are found, files when asked
 * for. Tests: tests/real/test_transcribe.c */
#define _POSIX_C_SOURCE 200809L
#include "transcribe.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "languages.h"
#include "many.h"
#include "mem.h"
#include "models.h"
#include "paths.h"
#include "run_device.h"
#include "transcript.h"
#include "verbs.h"

static volatile sig_atomic_t interrupted; /* set by Ctrl-C; the one thing a handler may touch */

static void on_interrupt(int number)
{
    (void)number;
    if (interrupted) _exit(ATT_EXIT_INTERRUPTED); /* asked twice */
    interrupted = 1;
}

enum { MAX_LISTED = 1024 }; /* numbers of one option */

/* Everything the verb holds between start and end. */
typedef struct transcribe {
    att_transcribe_options options;
    double clips[MAX_LISTED];
    int32_t suppressed[MAX_LISTED];
    int n_clips, n_suppressed;
    att_progress progress;
    att_device *device;
    att_asr_model *model;
    att_asr_session *session;
    att_vad *vad; /* with --vad_filter */
    att_many many;
    size_t *todo;  /* which of many's inputs are run */
    size_t passed; /* inputs before this one are told, if they are not there */
    int code;      /* the first failure's */
} transcribe;

static int was_cancelled(void *user)
{
    (void)user;
    return interrupted != 0;
}

static void print_segment(void *user, const att_asr_segment *segment)
{
    transcribe *t = user;
    att_progress_clear(&t->progress);
    if (t->options.verbose && !t->options.without_timestamps)
        att_transcript_print_line(stdout, segment);
    else
        printf("%s\n", segment->text + strspn(segment->text, " "));
    fflush(stdout);
}

static void show_progress(void *user, double done_s, double total_s)
{
    transcribe *t = user;
    att_progress_audio(&t->progress, done_s, total_s);
}

static void show_scan(void *user, double read_s)
{
    transcribe *t = user;
    att_progress_read(&t->progress, read_s);
}

static void say_language(void *user, const char *code, double probability)
{
    transcribe *t = user;
    if (t->options.quiet) return;
    att_progress_clear(&t->progress);
    fprintf(stderr, "attend: detected language %s (%.0f %%)\n", att_language_name(code),
            probability * 100.0);
}

/* Says what failed and returns its exit code. */
static int fail(transcribe *t, const att_err *err)
{
    att_progress_clear(&t->progress);
    fprintf(stderr, "attend transcribe: %s\n", err->text);
    return att_exit_code(err->status);
}

/* Options that make no sense without others: refused or, as in OpenAI's program, warned of. Returns
 * an exit code. */
static int check_word_options(const att_transcribe_options *o)
{
    const struct {
        const char *name;
        int given;
    } needs[] = {
        {"highlight_words", o->highlight_words},
        {"max_line_width", o->max_line_width},
        {"max_line_count", o->max_line_count},
        {"max_words_per_line", o->max_words_per_line},
        {"hallucination_silence_threshold", !isnan(o->hallucination_silence_threshold)},
    };
    for (size_t i = 0; !o->word_timestamps && i < sizeof needs / sizeof *needs; i++)
        if (needs[i].given) {
            fprintf(stderr, "attend transcribe: --%s needs --word_timestamps True\n",
                    needs[i].name);
            return ATT_EXIT_USAGE;
        }
    if (o->max_line_count && !o->max_line_width)
        fputs("attend transcribe: --max_line_count has no effect without --max_line_width\n",
              stderr);
    if (o->max_words_per_line && o->max_line_width)
        fputs("attend transcribe: --max_words_per_line has no effect with --max_line_width\n",
              stderr);
    if (o->word_timestamps && strcmp(o->task, "translate") == 0)
        fputs("attend transcribe: word times of translations may not be reliable\n", stderr);
    return 0;
}

/* Options whose text holds several numbers. Returns an exit code. */
static int read_lists(transcribe *t)
{
    double ids[MAX_LISTED];
    t->n_clips =
        att_transcribe_list("clip_timestamps", t->options.clip_timestamps, t->clips, MAX_LISTED);
    t->n_suppressed =
        att_transcribe_list("suppress_tokens", t->options.suppress_tokens, ids, MAX_LISTED);
    if (t->n_clips < 0 || t->n_suppressed < 0) return ATT_EXIT_USAGE;
    for (int i = 0; i < t->n_suppressed; i++) {
        if (ids[i] != floor(ids[i]) || fabs(ids[i]) > 1e6) {
            fprintf(stderr, "attend transcribe: --suppress_tokens has %g, which is no token id\n",
                    ids[i]);
            return ATT_EXIT_USAGE;
        }
        t->suppressed[i] = (int32_t)ids[i];
    }
    if (check_word_options(&t->options)) return ATT_EXIT_USAGE;
    if (t->options.fp16)
        fputs("attend transcribe: --fp16 is not used: weights stay as stored, sums are f32\n",
              stderr);
    return 0;
}

static att_vad_options vad_options(const transcribe *t)
{
    const att_vad_options o = {
        .threshold = t->options.vad_threshold,
        .neg_threshold = t->options.vad_neg_threshold,
        .min_speech_duration_ms = t->options.vad_min_speech_duration_ms,
        .max_speech_duration_s = t->options.vad_max_speech_duration_s,
        .min_silence_duration_ms = t->options.vad_min_silence_duration_ms,
        .speech_pad_ms = t->options.vad_speech_pad_ms,
    };
    return o;
}

static att_asr_options asr_options(transcribe *t)
{
    att_asr_options o = att_asr_defaults();
    const int writes = t->options.output_format || t->options.output_dir;
    o.language = t->options.language;
    o.translate = strcmp(t->options.task, "translate") == 0;
    o.without_timestamps = t->options.without_timestamps;
    o.condition_on_previous_text = t->options.condition_on_previous_text;
    o.no_speech_threshold = t->options.no_speech_threshold;
    o.logprob_threshold = t->options.logprob_threshold;
    o.compression_ratio_threshold = t->options.compression_ratio_threshold;
    o.single_window = t->options.single_window;
    o.temperature = t->options.temperature;
    o.temperature_increment_on_fallback = t->options.temperature_increment_on_fallback;
    o.best_of = t->options.best_of;
    o.beam_size = t->options.beam_size;
    o.patience = isnan(t->options.patience) ? 1.0 : t->options.patience;
    o.length_penalty = t->options.length_penalty;
    o.seed = (uint64_t)t->options.seed;
    o.suppress_tokens = t->suppressed;
    o.n_suppress_tokens = t->n_suppressed;
    o.initial_prompt = t->options.initial_prompt;
    o.carry_initial_prompt = t->options.carry_initial_prompt;
    o.prefix = t->options.prefix;
    o.suppress_blank = t->options.suppress_blank;
    o.suppress_regex = t->options.suppress_regex;
    o.repetition_penalty = t->options.repetition_penalty;
    o.no_repeat_ngram_size = t->options.no_repeat_ngram_size;
    o.max_new_tokens = t->options.max_new_tokens;
    o.hotwords = t->options.hotwords;
    o.multilingual = t->options.multilingual;
    o.language_detection_segments = t->options.language_detection_segments;
    o.language_detection_threshold = t->options.language_detection_threshold;
    o.prompt_reset_on_temperature = t->options.prompt_reset_on_temperature;
    o.word_timestamps = t->options.word_timestamps;
    o.prepend_punctuations = t->options.prepend_punctuations;
    o.append_punctuations = t->options.append_punctuations;
    o.hallucination_silence_threshold = t->options.hallucination_silence_threshold;
    o.clip_timestamps = t->clips;
    o.n_clip_timestamps = t->n_clips;
    o.vad_filter = t->options.vad_filter;
    o.vad = vad_options(t);
    o.vad_chunks = t->options.vad_chunks;
    o.batch = t->options.batch;
    o.user = t;
    o.on_language = say_language;
    o.on_scan = show_scan;
    o.on_progress = show_progress;
    o.cancelled = was_cancelled;
    if (!t->options.json && (t->options.verbose || !writes)) o.on_segment = print_segment;
    return o;
}

/* A recording has ended: what was found is printed and written. Returns its exit code. */
static int finish_file(transcribe *t, const att_input *in, const att_err *failure,
                       const att_asr_result *result)
{
    const att_status status = failure->status;
    att_progress_clear(&t->progress);
    int code = ATT_EXIT_DONE;
    if (status && status != ATT_E_CANCELLED) code = fail(t, failure);
    if (status == ATT_E_CANCELLED) code = ATT_EXIT_INTERRUPTED;
    if (!status && t->options.json)
        code = att_transcribe_print_json(&t->options, t->device, att_asr_model_precision(t->model),
                                         in->path, result);
    if (!status || (status == ATT_E_CANCELLED && result->n_segments > 0)) {
        const int failed = att_transcribe_write(&t->options, in->name, result, status != ATT_OK);
        if (!code) code = failed;
    }
    if (!status && t->options.plot) {
        const att_log log = att_progress_log(&t->progress);
        const int failed = att_transcribe_plot(&t->options, in->path, in->name, result, &log);
        if (!code) code = failed;
    }
    return code;
}

static void print_profile(transcribe *t)
{
    att_profile_row rows[ATT_N_KERNELS + 1];
    att_run_device_print_profile(rows, att_asr_session_profile(t->session, rows, ATT_N_KERNELS));
}

static att_status open_device(transcribe *t, att_err *err)
{
    const att_run_device device = {.select = t->options.device,
                                   .threads = t->options.threads,
                                   .profile = t->options.profile,
                                   .portable = t->options.portable};
    return att_run_device_open(&t->device, &device, &t->progress, err);
}

/* An English-only model has no prompt for another language or task; it says so and goes on. */
static void say_english_only(transcribe *t)
{
    const char *language = t->options.language,
               *code = language ? att_language_code(language) : NULL;
    const int other = code && strcmp(code, "en") != 0;
    const int translate = strcmp(t->options.task, "translate") == 0;
    if (att_asr_model_multilingual(t->model) || (!other && !translate)) return;
    fprintf(stderr, "attend transcribe: model %s knows English only: %s is not used\n",
            t->options.model, other ? "--language" : "--task");
}

/* A device without fast products of the kind that was asked for uses the kind above it. */
static void say_precision(const transcribe *t)
{
    const char *used = att_precision_name(att_asr_model_precision(t->model));
    if (t->options.precision && strcmp(used, t->options.precision) != 0)
        fprintf(stderr,
                "attend transcribe: %s has no fast products for --precision %s: %s is used\n",
                att_device_get_info(t->device)->name, t->options.precision, used);
}

/* The voice detector, once the session is there. */
static att_status open_vad(transcribe *t, const char *folder, att_err *err)
{
    if (!t->options.vad_filter) return ATT_OK;
    const att_status status = att_vad_open(&t->vad, t->device, folder, err);
    return status ? status : att_asr_session_use_vad(t->session, t->vad, err);
}

static att_status open_all(transcribe *t, att_err *err)
{
    char *folder = NULL, *vad_folder = NULL;
    att_precision precision = ATT_PRECISION_INT8; /* costs no accuracy: docs/speed.md */
    if (t->options.precision)
        (void)att_precision_of_name(t->options.precision, &precision); /* one of the table's */
    att_status status = att_model_obtain(t->options.model, t->options.model_dir, t->options.offline,
                                         t->options.quiet, &folder, err);
    if (!status && t->options.vad_filter)
        status = att_model_obtain(t->options.vad_model, t->options.model_dir, t->options.offline,
                                  t->options.quiet, &vad_folder, err);
    att_progress_begin(&t->progress, "loading");
    if (!status) status = open_device(t, err);
    if (!status) status = att_asr_model_open(&t->model, t->device, folder, precision, err);
    if (!status && t->options.language && !att_asr_model_language(t->model, t->options.language))
        status = att_fail(err, ATT_E_ARG, "the model does not know the language '%s'",
                          t->options.language);
    if (!status) say_english_only(t);
    if (!status) say_precision(t);
    if (!status) status = att_asr_session_create(&t->session, t->model, err);
    if (!status) status = open_vad(t, vad_folder, err);
    if (status) { /* a session is one that is ready */
        att_asr_session_destroy(t->session);
        t->session = NULL;
    }
    att_free(folder);
    att_free(vad_folder);
    att_progress_clear(&t->progress);
    return status;
}

static void close_all(transcribe *t)
{
    att_asr_session_destroy(t->session);
    att_vad_close(t->vad);
    att_asr_model_close(t->model);
    att_device_close(t->device);
}

static void catch_interrupt(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* --- many inputs --- */

static void keep_code(transcribe *t, int code)
{
    if (!t->code) t->code = code;
}

/* Inputs that are not there, up to the end-th; the others have ended. */
static void pass_problems(transcribe *t, size_t end)
{
    for (; t->passed < end; t->passed++) {
        const att_input *in = &t->many.inputs.items[t->passed];
        if (!in->problem) continue;
        fprintf(stderr, "attend transcribe: %s\n", in->problem);
        t->many.states[t->passed] = ATT_MANY_FAILED;
        keep_code(t, ATT_EXIT_INPUT);
    }
}

static void begin_input(void *user, size_t i)
{
    transcribe *t = user;
    pass_problems(t, t->todo[i]);
    att_many_begin(&t->many, &t->progress, t->todo[i]);
}

static void end_input(void *user, size_t i, const att_err *failure, att_asr_result *result)
{
    transcribe *t = user;
    const int code = finish_file(t, &t->many.inputs.items[t->todo[i]], failure, result);
    if (code != ATT_EXIT_INTERRUPTED)
        att_many_ended(&t->many, t->todo[i], code ? ATT_MANY_FAILED : ATT_MANY_DONE);
    keep_code(t, code);
}

/* The inputs that are to be done: paths, and the place of each among all. */
static const char **list_todo(transcribe *t, size_t *n)
{
    const att_many *m = &t->many;
    const char **paths = att_calloc(m->inputs.n, sizeof *paths);
    t->todo = att_calloc(m->inputs.n, sizeof *t->todo);
    *n = 0;
    for (size_t i = 0; paths && t->todo && i < m->inputs.n; i++) {
        if (m->states[i] == ATT_MANY_SKIPPED || m->inputs.items[i].problem) continue;
        paths[*n] = m->inputs.items[i].path;
        t->todo[(*n)++] = i;
    }
    return paths;
}

/* All that is to be done, in order; the first failure's exit code. */
static int run_many(transcribe *t)
{
    const att_asr_options options = asr_options(t);
    att_err err = {0};
    size_t n;
    const char **paths = list_todo(t, &n);
    if (!paths || !t->todo)
        keep_code(t, ATT_EXIT_FAILED);
    else if (n > 0 &&
             att_asr_run_many(t->session, paths, n, &options, t, begin_input, end_input, &err))
        keep_code(t, err.status == ATT_E_CANCELLED ? ATT_EXIT_INTERRUPTED : fail(t, &err));
    if (!interrupted) pass_problems(t, t->many.inputs.n);
    if (t->session && t->options.profile) print_profile(t);
    att_many_summary(&t->many, t->options.quiet);
    att_free(paths);
    att_free(t->todo);
    return t->code;
}

static int run_files(transcribe *t, const char *const *files, size_t n)
{
    att_err err = {0};
    int code = att_many_plan(&t->many, &t->options, files, n);
    catch_interrupt();
    if (!code && t->many.n_todo > 0 && open_all(t, &err)) code = fail(t, &err);
    if (!code) code = run_many(t);
    close_all(t);
    att_many_finish(&t->many);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "attend transcribe: writing to standard output failed\n");
        if (!code) code = ATT_EXIT_FAILED;
    }
    return interrupted ? ATT_EXIT_INTERRUPTED : code;
}

/* One timeline; Ctrl-C is its end. */
static int run_live(transcribe *t, const char *const *files, size_t n)
{
    att_err err = {0};
    const char *for_files = t->options.files_from      ? "files_from"
                            : t->options.skip_existing ? "skip_existing"
                            : t->options.plot          ? "plot"
                                                       : NULL;
    if (for_files) {
        fprintf(stderr, "attend transcribe: --%s is for files, not for --live\n", for_files);
        return ATT_EXIT_USAGE;
    }
    if (n > 1 || (n == 1 && strcmp(files[0], "-") != 0)) {
        fprintf(stderr,
                "attend transcribe: --live hears standard input (-) or, without a FILE, the "
                "microphone; %s is neither\n",
                files[n - 1]);
        return ATT_EXIT_USAGE;
    }
    if (t->options.vad_filter) {
        fprintf(stderr, "attend transcribe: --vad_filter hears whole recordings, --live has none; "
                        "leave one of the two out\n");
        return ATT_EXIT_USAGE;
    }
    catch_interrupt();
    int code = 0;
    if (open_all(t, &err)) code = fail(t, &err);
    if (t->session) {
        const att_asr_options options = asr_options(t);
        code = att_transcribe_live(&t->options, t->session, &options, &t->progress, was_cancelled,
                                   n ? files[0] : NULL);
    }
    close_all(t);
    return code;
}

int att_cmd_transcribe(int argc, char **argv)
{
    size_t n_opts, n_files;
    const att_opt *table = att_transcribe_table(&n_opts);
    transcribe t;
    memset(&t, 0, sizeof t);
    t.options = att_transcribe_defaults();
    const char **files = att_calloc((size_t)argc, sizeof *files);
    if (!files) return ATT_EXIT_FAILED;
    int code = att_args_read("transcribe", table, n_opts, argc, argv, &t.options, files, &n_files);
    if (!code && t.options.help) {
        puts("usage: attend transcribe [OPTION...] FILE...\n\n"
             "Prints the words of audio files. FILE is a file, a folder, a pattern (*, ?, [...], "
             "**)\n"
             "in quotes, or -, standard input.\n");
        att_args_help(table, n_opts);
    } else if (!code && t.options.live) {
        att_progress_init(&t.progress, t.options.quiet, t.options.info);
        code = read_lists(&t);
        if (!code) code = run_live(&t, files, n_files);
    } else if (!code && n_files == 0 && !t.options.files_from) {
        fprintf(stderr, "attend transcribe: no file is given; see attend transcribe --help\n");
        code = ATT_EXIT_USAGE;
    } else if (!code) {
        att_progress_init(&t.progress, t.options.quiet, t.options.info);
        code = read_lists(&t);
        if (!code) code = run_files(&t, files, n_files);
    }
    att_free(files);
    return code;
}
