/* chat.c - `attend chat`: a language model at a terminal, for one question, or line by line.
 * Tests: tests/real/test_chat.c */
#define _POSIX_C_SOURCE 200809L
#include "chat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chat_history.h"
#include "filemap.h"
#include "mem.h"
#include "models.h"
#include "run_device.h"
#include "verbs.h"

static volatile sig_atomic_t interrupted; /* set by Ctrl-C; the one thing a handler may touch */

static void on_interrupt(int number)
{
    (void)number;
    if (interrupted) _exit(ATT_EXIT_INTERRUPTED); /* asked twice */
    interrupted = 1;
}

/* Everything the verb holds between start and end. */
typedef struct chat {
    att_chat_options options;
    int64_t seed;
    int terminal; /* questions are typed */
    att_progress progress;
    att_device *device;
    att_language *language;
    att_generator *generator;
    att_chat_history *history;
} chat;

static int fail(chat *c, const att_err *err)
{
    att_progress_clear(&c->progress);
    fprintf(stderr, "attend chat: %s\n", err->text);
    return att_exit_code(err->status);
}

/* ---- making ready ---- */

static att_sampler_options sampling_of(const chat *c)
{
    const att_chat_options *o = &c->options;
    const att_sampler_options s = {
        .temperature = (float)o->temp,
        .top_k = o->top_k,
        .top_p = (float)o->top_p,
        .min_p = (float)o->min_p,
        .repeat_last_n = o->repeat_last_n,
        .repeat_penalty = (float)o->repeat_penalty,
        .frequency_penalty = (float)o->frequency_penalty,
        .presence_penalty = (float)o->presence_penalty,
        .seed = (uint64_t)c->seed,
    };
    return s;
}

static att_status open_generator(chat *c, att_err *err)
{
    const att_sampler_options sampling = sampling_of(c);
    const att_llama_limits limits = {.max_tokens = c->options.ctx_size};
    att_status status = att_generator_create(&c->generator, c->language, &limits, &sampling, err);
    const char *cache = c->options.prompt_cache;
    if (!status && cache && access(cache, F_OK) == 0)
        status = att_generator_restore(c->generator, cache, err);
    if (!status) status = att_chat_history_create(&c->history, err);
    if (!status && c->options.system_prompt)
        status = att_chat_history_add(c->history, "system", c->options.system_prompt, err);
    return status;
}

static att_status open_all(chat *c, att_err *err)
{
    const att_chat_options *o = &c->options;
    const att_run_device device = {
        .select = o->device, .threads = o->threads, .profile = o->profile, .portable = o->portable};
    att_precision precision = ATT_PRECISION_EXACT; /* int8 changes answers: docs/speed.md */
    char *folder = NULL;
    att_err why = {0};
    if (o->precision) (void)att_precision_of_name(o->precision, &precision);
    att_status status =
        att_model_obtain(o->model, o->model_dir, o->offline, o->quiet, &folder, err);
    att_progress_begin(&c->progress, "loading");
    if (!status) status = att_run_device_open(&c->device, &device, &c->progress, err);
    if (!status)
        status = att_language_open(&c->language, c->device, folder, precision, o->chat_template,
                                   &why, err);
    if (!status && !c->language->chat && !o->no_conversation) {
        *err = why;
        status = why.status;
    }
    if (!status) status = open_generator(c, err);
    att_free(folder);
    att_progress_clear(&c->progress);
    return status;
}

static void close_all(chat *c)
{
    att_chat_history_destroy(c->history);
    att_generator_destroy(c->generator);
    att_language_close(c->language);
    att_device_close(c->device);
}

/* ---- a turn ---- */

static void show_text(void *user, const char *bytes, size_t n)
{
    (void)user;
    fwrite(bytes, 1, n, stdout);
    fflush(stdout);
}

static int was_cancelled(void *user)
{
    (void)user;
    return interrupted != 0;
}

static att_status count_tokens(void *user, const char *text, int32_t *n, att_err *err)
{
    const chat *c = user;
    int32_t *ids = NULL;
    const att_status status = att_text_tokenizer_encode(c->language->tokenizer, text, strlen(text),
                                                        ATT_TEXT_PARSE_SPECIAL, &ids, n, err);
    att_free(ids);
    *n += 1; /* a token for the beginning, perhaps */
    return status;
}

/* Tokens that a prompt may have: the rest is for the answer. */
static int32_t prompt_room(const chat *c)
{
    const int32_t room = att_llama_room(att_generator_session(c->generator));
    const int32_t least = c->options.predict > 0 ? c->options.predict : room / 4;
    return room - 1 - least;
}

static void say_dropped(const att_chat_fitted *fitted, int32_t room)
{
    if (fitted->n_dropped)
        fprintf(stderr,
                "attend chat: the chat has %d tokens, %d fit beside an answer: the oldest %zu "
                "messages are forgotten (--ctx-size)\n",
                fitted->n_tokens_before, room, fitted->n_dropped);
}

static void say_speed(const chat *c, const att_prompted *p, const att_generated *g)
{
    if (!c->options.info) return;
    const int32_t n = p->n_tokens - p->n_reused;
    fprintf(stderr,
            "attend chat: %d tokens read in %.2f s (%.0f a second), %d known; %d written in %.2f s "
            "(%.1f a second), end: %s\n",
            n, p->seconds, n / (p->seconds > 0 ? p->seconds : 1), p->n_reused, g->n_tokens,
            g->seconds, g->n_tokens / (g->seconds > 0 ? g->seconds : 1),
            att_generated_end_name(g->end));
}

static void say_end(const chat *c, const att_generated *g)
{
    if (!c->options.json && (g->n_tokens == 0 || g->text[strlen(g->text) - 1] != '\n'))
        putchar('\n');
    fflush(stdout);
    if (g->end == ATT_END_ROOM)
        fputs("attend chat: the answer is cut off: the context is full (--ctx-size)\n", stderr);
}

/* Goes on behind a prompt that is in place. */
static att_status answer(chat *c, const att_prompted *prompted, const char *question,
                         size_t n_dropped, att_generated *g, att_err *err)
{
    size_t n_stops = 0;
    const char *const *stops =
        c->language->chat && !c->options.no_conversation && !c->options.ignore_eos
            ? att_chat_template_stops(c->language->chat, &n_stops)
            : NULL;
    const att_generate_options options = {.max_tokens = c->options.predict,
                                          .ignore_end = c->options.ignore_eos,
                                          .stops = stops,
                                          .n_stops = n_stops,
                                          .on_text = c->options.json ? NULL : show_text,
                                          .cancelled = was_cancelled};
    const att_status status = att_generate(c->generator, &options, g, err);
    if (status) return status;
    say_end(c, g);
    say_speed(c, prompted, g);
    if (!c->options.json) return ATT_OK;
    const att_chat_turn turn = {.model = c->options.model,
                                .device = att_device_get_info(c->device)->name,
                                .precision =
                                    att_precision_name(att_llama_precision(c->language->llama)),
                                .prompt = question,
                                .prompted = prompted,
                                .generated = g,
                                .n_dropped = n_dropped,
                                .seed = c->seed};
    if (att_chat_print_json(&turn))
        return att_fail(err, ATT_E_IO, "print the answer: standard output cannot be written");
    return ATT_OK;
}

/* The chat as far as it fits becomes the prompt. */
static att_status prompt_chat(chat *c, att_prompted *prompted, size_t *n_dropped, att_err *err)
{
    const att_chat_counter counter = {count_tokens, c};
    const att_chat_overflow overflow =
        strcmp(c->options.overflow, "stop") == 0 ? ATT_CHAT_STOP : ATT_CHAT_DROP_OLDEST;
    const int32_t room = prompt_room(c);
    att_chat_fitted fitted = {.text = NULL};
    att_status status =
        att_chat_history_fit(c->history, c->language->chat, room, overflow, &counter, &fitted, err);
    if (status) return status;
    say_dropped(&fitted, room);
    *n_dropped = fitted.n_dropped;
    const int add_bos = !att_chat_template_has_bos(c->language->chat) &&
                        att_text_tokenizer_adds_bos(c->language->tokenizer);
    status = att_generator_prompt_text(c->generator, fitted.text, add_bos, prompted, err);
    att_free(fitted.text);
    return status;
}

/* One question and its answer; a question that failed is as if it was not asked. Returns an exit
 * code. */
static int run_turn(chat *c, const char *question)
{
    att_prompted prompted = {0};
    att_generated g = {.text = NULL};
    size_t n_dropped = 0;
    att_err err;
    att_status status = ATT_OK;
    interrupted = 0;
    if (c->options.no_conversation) {
        status = att_generator_prompt_text(c->generator, question,
                                           att_text_tokenizer_adds_bos(c->language->tokenizer),
                                           &prompted, &err);
    } else {
        status = att_chat_history_add(c->history, "user", question, &err);
        if (!status) status = prompt_chat(c, &prompted, &n_dropped, &err);
        if (status) att_chat_history_remove_last(c->history);
    }
    if (!status) status = answer(c, &prompted, question, n_dropped, &g, &err);
    if (!status && !c->options.no_conversation)
        status = att_chat_history_add(c->history, "assistant", g.text, &err);
    if (!status && c->options.prompt_cache)
        status = att_generator_save(c->generator, c->options.prompt_cache, &err);
    const int cancelled = !status && g.end == ATT_END_CANCELLED;
    att_free(g.text);
    att_free(g.ids);
    if (status) return fail(c, &err);
    return cancelled ? ATT_EXIT_INTERRUPTED : ATT_EXIT_DONE;
}

/* ---- where questions come from ---- */

/* The whole of a stream, for att_free(); NULL when memory is out. */
static char *read_stream(FILE *file)
{
    size_t n = 0, room = 4096;
    char *text = att_calloc(room, 1);
    while (text) {
        n += fread(text + n, 1, room - n - 1, file);
        text[n] = 0;
        if (n + 1 < room) break;
        char *more = att_realloc(text, room *= 2, 1);
        if (!more) att_free(text);
        text = more;
    }
    while (text && n > 0 && text[n - 1] == '\n') text[--n] = 0;
    return text;
}

static int run_once(chat *c, const char *question)
{
    if (!question || !*question) {
        fputs("attend chat: there is no question\n", stderr);
        return ATT_EXIT_USAGE;
    }
    return run_turn(c, question);
}

static int run_file(chat *c, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "attend chat: %s: %s\n", path, strerror(errno));
        return ATT_EXIT_INPUT;
    }
    char *text = read_stream(file);
    if (file != stdin) fclose(file);
    const int code = run_once(c, text);
    att_free(text);
    return code;
}

/* A line that begins with a slash is for the program. 1: it was one; -1: it ends the chat. */
static int obey(chat *c, const char *line)
{
    if (line[0] != '/') return 0;
    if (strcmp(line, "/exit") == 0 || strcmp(line, "/quit") == 0) return -1;
    if (strcmp(line, "/clear") == 0) {
        att_chat_history_clear(c->history);
        fputs("attend chat: all but the system prompt is forgotten\n", stderr);
    } else {
        fputs("/clear   forget the chat\n/exit    end; Ctrl-D does too, Ctrl-C ends an answer\n",
              stderr);
    }
    return 1;
}

/* The next line without its end, for att_free(); NULL behind the last. */
static char *read_line(FILE *file)
{
    size_t n = 0, room = 256;
    char *line = att_calloc(room, 1);
    while (line && fgets(line + n, (int)(room - n), file)) {
        n += strlen(line + n);
        if (n > 0 && line[n - 1] == '\n') break;
        char *more = att_realloc(line, room *= 2, 1);
        if (!more) att_free(line);
        line = more;
    }
    if (line && n == 0) {
        att_free(line);
        return NULL;
    }
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = 0;
    return line;
}

/* 1 when the chat is over; *code: a failure of the device. */
static int run_line(chat *c, const char *line, int *code)
{
    if (!*line) return 0;
    const int obeyed = obey(c, line);
    if (obeyed) return obeyed < 0;
    const int failed = run_turn(c, line);
    if (failed == ATT_EXIT_DEVICE) *code = failed;
    return failed == ATT_EXIT_DEVICE || c->options.single_turn;
}

/* Lines from a terminal; after a mistake the chat goes on. */
static int run_lines(chat *c)
{
    int code = ATT_EXIT_DONE, ends = 0;
    if (!c->options.quiet) fputs("/help tells what there is beside questions\n", stderr);
    while (!ends) {
        fputs("> ", stdout);
        fflush(stdout);
        char *line = read_line(stdin);
        if (!line) {
            putchar('\n');
            return interrupted ? ATT_EXIT_INTERRUPTED : code;
        }
        ends = run_line(c, line, &code);
        att_free(line);
    }
    return code;
}

static int run(chat *c)
{
    const att_chat_options *o = &c->options;
    if (o->prompt) return run_once(c, o->prompt);
    if (o->file) return run_file(c, o->file);
    return isatty(STDIN_FILENO) ? run_lines(c) : run_file(c, "-");
}

/* ---- the verb ---- */

static void catch_interrupt(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int read_options(chat *c, int argc, char **argv)
{
    size_t n_opts, n_files = 0;
    const att_opt *table = att_chat_table(&n_opts);
    const char **files = att_calloc((size_t)argc + 1, sizeof *files);
    if (!files) return ATT_EXIT_FAILED;
    int code = att_args_read("chat", table, n_opts, argc, argv, &c->options, files, &n_files);
    if (!code && n_files > 0 && c->options.prompt) {
        fprintf(stderr, "attend chat: there are two questions: --prompt and '%s'\n", files[0]);
        code = ATT_EXIT_USAGE;
    } else if (!code && n_files > 1) {
        fprintf(stderr, "attend chat: there are %zu questions; put quotes around one\n", n_files);
        code = ATT_EXIT_USAGE;
    } else if (!code && n_files == 1) {
        c->options.prompt = files[0];
    }
    att_free(files);
    return code;
}

int att_cmd_chat(int argc, char **argv)
{
    chat c = {.options = att_chat_defaults()};
    att_err err;
    int code = read_options(&c, argc, argv);
    if (code) return code;
    if (c.options.help) {
        size_t n;
        const att_opt *table = att_chat_table(&n);
        puts("usage: attend chat [OPTION...] [QUESTION]\n");
        att_args_help(table, n);
        return ATT_EXIT_DONE;
    }
    c.seed = c.options.seed >= 0 ? c.options.seed : (int64_t)(time(NULL) & 0x7fffffff);
    att_progress_init(&c.progress, c.options.quiet, c.options.info);
    catch_interrupt();
    if (open_all(&c, &err))
        code = fail(&c, &err);
    else
        code = run(&c);
    if (c.options.profile && c.generator) {
        att_profile_row rows[ATT_N_KERNELS + 1];
        att_run_device_print_profile(
            rows, att_llama_profile(att_generator_session(c.generator), rows, ATT_N_KERNELS));
    }
    close_all(&c);
    return code;
}
