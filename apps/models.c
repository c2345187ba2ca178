/* models.c - `attend models list|get|path|rm`, and finding a model for a verb (models.h).
 * Tests: tests/unit/test_models.c */
#define _POSIX_C_SOURCE 200809L
#include "models.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "mem.h"
#include "paths.h"
#include "verbs.h"

static const att_model_row *find_row(const char *name)
{
    size_t n;
    const att_model_row *rows = att_model_table(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    return NULL;
}

/* Whether text can be the name of an installed model: no path, nothing hidden. */
static int is_name(const char *text)
{
    return *text && *text != '.' && !strchr(text, '/');
}

static int ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

/* What a path means that the user gave: a folder or a file of weights is itself, another file its
 * folder. */
static char *place_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return NULL;
    if (ends_with(path, ".bin") || ends_with(path, ".safetensors") || ends_with(path, ".gguf"))
        return att_strdup(path);
    char *folder = att_strdup(path);
    char *slash = folder && !S_ISDIR(st.st_mode) ? strrchr(folder, '/') : NULL;
    if (folder && !S_ISDIR(st.st_mode) && !slash) {
        att_free(folder);
        return att_strdup(".");
    }
    if (slash) *slash = 0;
    return folder;
}

att_status att_model_obtain(const char *model, const char *model_dir, int offline, int quiet,
                            char **folder, att_err *err)
{
    const att_model_row *row = find_row(model);
    char *models = model_dir ? att_strdup(model_dir) : att_path_models();
    *folder = models ? att_sprintf("%s/%s", models, model) : NULL;
    att_status status = ATT_OK;
    if (!*folder) {
        status = att_fail(err, ATT_E_MEMORY, "find model %s: out of memory", model);
    } else if (!is_name(model) || access(*folder, F_OK) != 0) {
        char *given = place_of(model);
        if (given) {
            att_free(*folder);
            *folder = given;
        } else if (!row) {
            status =
                att_fail(err, ATT_E_MODEL,
                         "find model '%s': it is no folder, no file and no name that is known; see "
                         "attend models list",
                         model);
        } else if (offline) {
            status =
                att_fail(err, ATT_E_MODEL,
                         "find model %s: it is not installed and --offline forbids getting it; "
                         "run attend models get %s",
                         model, model);
        } else {
            status = att_model_get(row, models, !quiet, err);
        }
    }
    att_free(models);
    if (status) {
        att_free(*folder);
        *folder = NULL;
    }
    return status;
}

typedef struct models_options {
    int json, offline, quiet, help;
} models_options;

static int say(const att_err *err)
{
    fprintf(stderr, "attend models: %s\n", err->text);
    return att_exit_code(err->status);
}

static int is_installed(const char *folder, const char *name)
{
    char *path = att_sprintf("%s/%s", folder, name);
    const int there = path && is_name(name) && access(path, F_OK) == 0;
    att_free(path);
    return there;
}

/* Whether row i is the first of its verb. */
static int is_default(const att_model_row *rows, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(rows[k].verb, rows[i].verb) == 0) return 0;
    return 1;
}

static int list_json(const char *folder, const att_model_row *rows, size_t n)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < n; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", rows[i].name);
        cJSON_AddStringToObject(o, "verb", rows[i].verb);
        cJSON_AddStringToObject(o, "title", rows[i].title);
        cJSON_AddStringToObject(o, "licence", rows[i].licence);
        cJSON_AddNumberToObject(o, "bytes", (double)rows[i].bytes);
        cJSON_AddBoolToObject(o, "default", is_default(rows, i));
        cJSON_AddBoolToObject(o, "installed", is_installed(folder, rows[i].name));
        cJSON_AddItemToArray(list, o);
    }
    char *text = cJSON_PrintUnformatted(list);
    cJSON_Delete(list);
    if (!text) return ATT_EXIT_FAILED;
    puts(text);
    cJSON_free(text);
    return ATT_EXIT_DONE;
}

static int list(const models_options *o, const char *folder)
{
    size_t n;
    const att_model_row *rows = att_model_table(&n);
    if (o->json) return list_json(folder, rows, n);
    printf("%-10s %-12s %8s  %-10s %-14s %s\n", "name", "verb", "size", "licence", "state", "what");
    for (size_t i = 0; i < n; i++)
        printf("%-10s %-12s %5.0f MB  %-10s %-14s %s%s\n", rows[i].name, rows[i].verb,
               (double)rows[i].bytes / 1e6, rows[i].licence,
               is_installed(folder, rows[i].name) ? "installed" : "not installed", rows[i].title,
               is_default(rows, i) ? " (default)" : "");
    return ATT_EXIT_DONE;
}

static int get(const models_options *o, const char *folder, const char *name)
{
    att_err err;
    const att_model_row *row = find_row(name);
    if (!row) {
        att_fail(&err, ATT_E_MODEL, "get '%s': it is not in the list; see attend models list",
                 name);
        return say(&err);
    }
    if (o->offline && !is_installed(folder, name)) {
        att_fail(&err, ATT_E_MODEL, "get %s: it is not installed and --offline forbids getting it",
                 name);
        return say(&err);
    }
    return att_model_get(row, folder, !o->quiet, &err) ? say(&err) : ATT_EXIT_DONE;
}

static int print_path(const char *folder, const char *name)
{
    att_err err;
    if (is_installed(folder, name)) {
        printf("%s/%s\n", folder, name);
        return ATT_EXIT_DONE;
    }
    att_fail(&err, ATT_E_MODEL, "path of %s: it is not installed; run attend models get %s", name,
             name);
    return say(&err);
}

/* Only what the program put there: the files of a model folder, then the folder. */
static int remove_model(const char *folder, const char *name)
{
    att_err err;
    char *home = att_sprintf("%s/%s", folder, name);
    DIR *d = home && find_row(name) ? opendir(home) : NULL;
    if (!d) {
        att_free(home);
        att_fail(&err, ATT_E_MODEL, "remove '%s': it is not installed", name);
        return say(&err);
    }
    for (struct dirent *e; (e = readdir(d));) {
        char *path = att_sprintf("%s/%s", home, e->d_name);
        if (path && e->d_name[0] != '.') unlink(path);
        att_free(path);
    }
    closedir(d);
    const int failed = rmdir(home) != 0;
    if (failed) fprintf(stderr, "attend models: remove %s: something else is in it\n", home);
    att_free(home);
    return failed ? ATT_EXIT_FAILED : ATT_EXIT_DONE;
}

static const att_opt OPTIONS[] = {
    {"json", 0, ATT_OPT_FLAG, offsetof(models_options, json), NULL, NULL, "list: print JSON"},
    {"offline", 0, ATT_OPT_FLAG, offsetof(models_options, offline), NULL, NULL, "download nothing"},
    {"quiet", 'q', ATT_OPT_FLAG, offsetof(models_options, quiet), NULL, NULL, "say only errors"},
    {"help", 'h', ATT_OPT_FLAG, offsetof(models_options, help), NULL, NULL, "this text"},
};

static int run(const models_options *o, const char *const *words, size_t n)
{
    const char *action = n > 0 ? words[0] : "list", *name = n > 1 ? words[1] : NULL;
    const int is_list = strcmp(action, "list") == 0;
    int code = ATT_EXIT_USAGE;
    char *folder = att_path_models();
    if (!folder) return ATT_EXIT_FAILED;
    if (n > 2 || (is_list ? n > 1 : !name) || (name && !is_name(name)))
        fprintf(stderr, "attend models: expected list, get NAME, path NAME or rm NAME\n");
    else if (is_list)
        code = list(o, folder);
    else if (strcmp(action, "get") == 0)
        code = get(o, folder, name);
    else if (strcmp(action, "path") == 0)
        code = print_path(folder, name);
    else if (strcmp(action, "rm") == 0)
        code = remove_model(folder, name);
    else
        fprintf(stderr, "attend models: '%s' is none of list, get, path, rm\n", action);
    att_free(folder);
    return code;
}

int att_cmd_models(int argc, char **argv)
{
    models_options o = {0, 0, 0, 0};
    size_t n_words;
    const size_t n_options = sizeof OPTIONS / sizeof *OPTIONS;
    const char **words = att_calloc((size_t)argc, sizeof *words);
    if (!words) return ATT_EXIT_FAILED;
    int code = att_args_read("models", OPTIONS, n_options, argc, argv, &o, words, &n_words);
    if (!code && o.help) {
        puts("usage: attend models [list | get NAME | path NAME | rm NAME] [OPTION...]\n\n"
             "Models that attend can fetch. Others need no name: attend transcribe -m takes a\n"
             "folder (CTranslate2, or safetensors of Hugging Face) or a ggml .bin file.\n");
        att_args_help(OPTIONS, n_options);
    } else if (!code) {
        code = run(&o, words, n_words);
    }
    att_free(words);
    return code;
}
