/* inputs.c - folders, patterns and lists of files (inputs.h). Tests: tests/unit/test_inputs.c */
#define _DEFAULT_SOURCE
#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "mem.h"

enum { PATH_BYTES = 4096 }; /* of a name in a list; Linux opens no longer ones */

/* What libsndfile or ffmpeg read, as files are named. */
static const char *const EXTENSIONS[] = {
    "wav", "flac", "mp3",  "m4a",  "ogg", "oga", "opus", "aac",  "aif", "aiff", "aifc", "au",
    "snd", "caf",  "w64",  "rf64", "wma", "amr", "m4b",  "mka",  "mp2", "sph",  "nist", "voc",
    "mp4", "mkv",  "webm", "mov",  "avi", "m4v", "mpg",  "mpeg", "wmv", "flv",  "3gp",  "ogv",
};

static att_status no_memory(att_err *err)
{
    return att_fail(err, ATT_E_MEMORY, "list files: out of memory");
}

static int is_recording(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    for (size_t i = 0; dot && i < sizeof EXTENSIONS / sizeof *EXTENSIONS; i++)
        if (strcasecmp(dot + 1, EXTENSIONS[i]) == 0) return 1;
    return 0;
}

/* "a/b" of "a/b.wav": a copy without the last part's extension. */
static char *without_extension(const char *path)
{
    char *name = att_strdup(path);
    if (!name) return NULL;
    char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    char *dot = strrchr(base, '.');
    if (dot && dot != base) *dot = 0;
    return name;
}

/* Takes path and problem over; name and problem may be NULL. */
static att_status append(att_inputs *in, char *path, const char *name, char *problem, att_err *err)
{
    if (in->n == in->room) {
        const size_t room = in->room ? 2 * in->room : 16;
        att_input *items = att_realloc(in->items, room, sizeof *items);
        if (items) {
            in->items = items;
            in->room = room;
        }
    }
    char *stem = without_extension(name ? name : path ? path : "");
    if (in->n == in->room || !path || !stem) {
        att_free(path);
        att_free(problem);
        att_free(stem);
        return no_memory(err);
    }
    struct stat s;
    const int64_t bytes = !problem && stat(path, &s) == 0 ? (int64_t)s.st_size : 0;
    in->items[in->n++] = (att_input){path, stem, problem, bytes};
    return ATT_OK;
}

static att_status append_problem(att_inputs *in, const char *path, char *problem, att_err *err)
{
    char *copy = att_strdup(path);
    if (!copy || !problem) {
        att_free(copy);
        att_free(problem);
        return no_memory(err);
    }
    return append(in, copy, NULL, problem, err);
}

/* --- one folder's entries, sorted --- */

typedef struct entry {
    char *name;
    int is_folder, is_link;
} entry;

typedef struct listing {
    entry *entries;
    size_t n, room;
} listing;

static void finish_listing(listing *l)
{
    for (size_t i = 0; i < l->n; i++) att_free(l->entries[i].name);
    att_free(l->entries);
    memset(l, 0, sizeof *l);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

/* "folder/name"; "" is the folder we are in. */
static char *join(const char *folder, const char *name)
{
    const size_t n = strlen(folder);
    if (n == 0) return att_strdup(name);
    return att_sprintf(folder[n - 1] == '/' ? "%s%s" : "%s/%s", folder, name);
}

static att_status add_entry(listing *l, const char *folder, const char *name, att_err *err)
{
    if (l->n == l->room) {
        const size_t room = l->room ? 2 * l->room : 64;
        entry *entries = att_realloc(l->entries, room, sizeof *entries);
        if (!entries) return no_memory(err);
        l->entries = entries;
        l->room = room;
    }
    char *path = join(folder, name), *copy = att_strdup(name);
    struct stat s;
    if (!path || !copy) {
        att_free(path);
        att_free(copy);
        return no_memory(err);
    }
    entry *e = &l->entries[l->n++];
    e->name = copy;
    e->is_link = lstat(path, &s) == 0 && S_ISLNK(s.st_mode);
    e->is_folder = stat(path, &s) == 0 && S_ISDIR(s.st_mode);
    att_free(path);
    return ATT_OK;
}

/* ATT_E_INPUT when the folder cannot be read. hidden: those with a dot too. */
static att_status list_folder(listing *l, const char *folder, int hidden, att_err *err)
{
    att_status status = ATT_OK;
    memset(l, 0, sizeof *l);
    DIR *d = opendir(*folder ? folder : ".");
    if (!d) return att_fail(err, ATT_E_INPUT, "read folder %s: %s", folder, strerror(errno));
    for (struct dirent *e; !status && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (hidden || e->d_name[0] != '.') status = add_entry(l, folder, e->d_name, err);
    }
    closedir(d);
    if (status) finish_listing(l);
    if (!status && l->n) qsort(l->entries, l->n, sizeof *l->entries, by_name);
    return status;
}

/* --- folders --- */

/* Every recording below the folder; name: the folder's place below the one that was given. */
static att_status add_below(att_inputs *in, const char *folder, const char *name, att_err *err)
{
    listing l;
    att_status status = list_folder(&l, folder, 0, err);
    if (status == ATT_E_INPUT) status = append_problem(in, folder, att_strdup(err->text), err);
    for (size_t i = 0; !status && i < l.n; i++) {
        const entry *e = &l.entries[i];
        if (e->is_folder ? e->is_link : !is_recording(e->name)) continue;
        char *path = join(folder, e->name), *below = join(name, e->name);
        if (!path || !below) {
            att_free(path);
            status = no_memory(err);
        } else if (e->is_folder) {
            status = add_below(in, path, below, err);
            att_free(path);
        } else {
            status = append(in, path, below, NULL, err);
        }
        att_free(below);
    }
    finish_listing(&l);
    return status;
}

static att_status add_folder(att_inputs *in, const char *folder, const char *name, att_err *err)
{
    const size_t before = in->n;
    att_status status = add_below(in, folder, name, err);
    if (!status && in->n == before)
        status = append_problem(
            in, folder, att_sprintf("read folder %s: no recording is in it or below", folder), err);
    return status;
}

/* --- patterns --- */

static int is_pattern(const char *part)
{
    return strpbrk(part, "*?[") != NULL;
}

typedef struct search {
    att_inputs *in;
    size_t fixed; /* bytes of a path before its place below the pattern's fixed start */
    int all;      /* not only recordings */
} search;

static att_status match(const search *s, const char *folder, const char *pattern, att_err *err);

/* An entry that a part of the pattern matched; rest: the parts behind it. */
static att_status take(const search *s, const char *folder, const entry *e, const char *rest,
                       att_err *err)
{
    if (e->is_folder ? !*rest : *rest || !(s->all || is_recording(e->name))) return ATT_OK;
    char *path = join(folder, e->name);
    if (!path) return no_memory(err);
    if (!e->is_folder) return append(s->in, path, path + s->fixed, NULL, err);
    const att_status status = match(s, path, rest, err);
    att_free(path);
    return status;
}

/* Each folder below, itself first; they are matched against the pattern again, "**" included. */
static att_status match_any_folders(const search *s, const char *folder, const char *pattern,
                                    const char *rest, att_err *err)
{
    listing l;
    att_status status = list_folder(&l, folder, 0, err);
    if (status == ATT_E_INPUT) return ATT_OK; /* not to be read: nothing in it matches */
    if (!status) status = match(s, folder, *rest ? rest : "*", err);
    for (size_t i = 0; !status && i < l.n; i++) {
        if (!l.entries[i].is_folder || l.entries[i].is_link) continue;
        status = take(s, folder, &l.entries[i], pattern, err);
    }
    finish_listing(&l);
    return status;
}

/* Adds what matches the pattern in the folder ("": the one we are in). */
static att_status match(const search *s, const char *folder, const char *pattern, att_err *err)
{
    pattern += strspn(pattern, "/");
    const size_t n = strcspn(pattern, "/");
    const char *rest = pattern + n + strspn(pattern + n, "/");
    if (n == 2 && strncmp(pattern, "**", 2) == 0)
        return match_any_folders(s, folder, pattern, rest, err);
    char *part = att_sprintf("%.*s", (int)n, pattern);
    listing l;
    att_status status = part ? list_folder(&l, folder, part[0] == '.', err) : no_memory(err);
    const int listed = status == ATT_OK;
    if (status == ATT_E_INPUT) status = ATT_OK; /* not to be read: nothing in it matches */
    for (size_t i = 0; listed && !status && i < l.n; i++)
        if (fnmatch(part, l.entries[i].name, FNM_PERIOD) == 0)
            status = take(s, folder, &l.entries[i], rest, err);
    if (listed) finish_listing(&l);
    att_free(part);
    return status;
}

/* The folder before the pattern's first part with a wildcard. */
static att_status add_pattern(att_inputs *in, const char *pattern, att_err *err)
{
    const size_t before = in->n;
    char *fixed = att_strdup(pattern);
    if (!fixed) return no_memory(err);
    char *slash = fixed + strcspn(fixed, "*?[");
    while (slash > fixed && slash[-1] != '/') slash--;
    const char *parts = pattern + (slash - fixed);
    *slash = 0;
    const char *last = strrchr(pattern, '/');
    const search s = {in, strlen(fixed), strchr(last ? last + 1 : pattern, '.') != NULL};
    att_status status = match(&s, fixed, parts, err);
    att_free(fixed);
    if (!status && in->n == before)
        status = append_problem(in, pattern, att_sprintf("no file matches %s", pattern), err);
    return status;
}

/* --- arguments and lists --- */

static att_status add_absent(att_inputs *in, const char *path, int reason, att_err *err)
{
    return append_problem(in, path, att_sprintf("open %s: %s", path, strerror(reason)), err);
}

att_status att_inputs_add(att_inputs *in, const char *argument, att_err *err)
{
    struct stat s;
    if (strcmp(argument, "-") == 0) return append(in, att_strdup("-"), "stdin", NULL, err);
    if (stat(argument, &s) != 0) {
        const int reason = errno;
        if (is_pattern(argument)) return add_pattern(in, argument, err);
        return add_absent(in, argument, reason, err);
    }
    if (S_ISDIR(s.st_mode)) return add_folder(in, argument, "", err);
    const char *slash = strrchr(argument, '/');
    return append(in, att_strdup(argument), slash ? slash + 1 : argument, NULL, err);
}

/* The part of a listed path that its outputs keep: no root, nothing up to a "..", no ".". */
static char *kept_place(const char *path)
{
    char *kept = att_strdup(path);
    if (!kept) return NULL;
    size_t n = 0;
    for (const char *c = path; *c;) {
        const size_t part = strcspn(c, "/");
        if (part == 2 && c[0] == '.' && c[1] == '.') {
            n = 0;
        } else if (part > 0 && !(part == 1 && c[0] == '.')) {
            if (n) kept[n++] = '/';
            memmove(kept + n, c, part);
            n += part;
        }
        c += part + strspn(c + part, "/");
    }
    kept[n] = 0;
    return kept;
}

static att_status add_listed(att_inputs *in, const char *path, att_err *err)
{
    struct stat s;
    if (stat(path, &s) != 0) return add_absent(in, path, errno, err);
    char *name = kept_place(path);
    if (!name) return no_memory(err);
    const att_status status = S_ISDIR(s.st_mode) ? add_folder(in, path, name, err)
                                                 : append(in, att_strdup(path), name, NULL, err);
    att_free(name);
    return status;
}

att_status att_inputs_add_list(att_inputs *in, FILE *file, const char *list, char end, att_err *err)
{
    att_status status = ATT_OK;
    char path[PATH_BYTES];
    size_t n = 0;
    for (long long at = 0; !status; at++) {
        const int c = getc(file);
        const int ended = c == EOF || c == (unsigned char)end;
        if (!ended && c == 0)
            return att_fail(err, ATT_E_INPUT,
                            "read list %s: byte %lld is zero; names that end in zero bytes want "
                            "--null",
                            list, at);
        if (!ended && n + 1 == sizeof path)
            return att_fail(err, ATT_E_INPUT,
                            "read list %s: the name before byte %lld is longer than %d bytes", list,
                            at, PATH_BYTES - 1);
        if (!ended) path[n++] = (char)c;
        if (!ended) continue;
        if (end == '\n' && n > 0 && path[n - 1] == '\r') n--;
        path[n] = 0;
        if (n > 0) status = add_listed(in, path, err);
        n = 0;
        if (c == EOF) break;
    }
    if (!status && ferror(file))
        status = att_fail(err, ATT_E_INPUT, "read list %s: %s", list, strerror(errno));
    return status;
}

/* --- the whole --- */

/* A path without "./" before it, so that ./a and a are one. */
static const char *plain(const char *path)
{
    while (path[0] == '.' && path[1] == '/') {
        const char *rest = path + 1 + strspn(path + 1, "/");
        if (!*rest || strcmp(rest, "-") == 0) break; /* "-" is no file */
        path = rest;
    }
    return path;
}

static int by_path(const void *a, const void *b)
{
    const att_input *x = *(att_input *const *)a, *y = *(att_input *const *)b;
    const int order = strcmp(plain(x->path), plain(y->path));
    return order ? order : (x > y) - (x < y);
}

static int by_output(const void *a, const void *b)
{
    const att_input *x = *(att_input *const *)a, *y = *(att_input *const *)b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x > y) - (x < y);
}

/* The items in that order; freed by the caller. NULL: memory is out. */
static att_input **sorted(const att_inputs *in, int (*order)(const void *, const void *))
{
    att_input **items = att_calloc(in->n, sizeof *items);
    for (size_t i = 0; items && i < in->n; i++) items[i] = &in->items[i];
    if (items && in->n) qsort(items, in->n, sizeof *items, order);
    return items;
}

static void finish_item(att_input *item)
{
    att_free(item->path);
    att_free(item->name);
    att_free(item->problem);
    memset(item, 0, sizeof *item);
}

att_status att_inputs_unite(att_inputs *in, att_err *err)
{
    att_input **order = sorted(in, by_path);
    if (!order) return no_memory(err);
    for (size_t i = 1, first = 0; i < in->n; i++) {
        if (strcmp(plain(order[first]->path), plain(order[i]->path)) == 0)
            finish_item(order[i]);
        else
            first = i;
    }
    att_free(order);
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++)
        if (in->items[i].path) in->items[n++] = in->items[i];
    in->n = n;
    return ATT_OK;
}

att_status att_inputs_clash(const att_inputs *in, const att_input **a, const att_input **b,
                            att_err *err)
{
    *a = *b = NULL;
    att_input **order = sorted(in, by_output);
    if (!order) return no_memory(err);
    const att_input *before = NULL; /* the last one that has outputs */
    for (size_t i = 0; !*a && i < in->n; i++) {
        if (order[i]->problem) continue;
        if (before && strcmp(before->name, order[i]->name) == 0) {
            *a = before;
            *b = order[i];
        }
        before = order[i];
    }
    att_free(order);
    return ATT_OK;
}

void att_inputs_finish(att_inputs *in)
{
    for (size_t i = 0; i < in->n; i++) finish_item(&in->items[i]);
    att_free(in->items);
    memset(in, 0, sizeof *in);
}
