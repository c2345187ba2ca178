/* args.c - the option reader of all verbs (args.h). Tests: tests/unit/test_args.c */
#include "args.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whether the n characters of text are the option's name, '-' standing for '_'. */
static int same_name(const char *name, const char *text, size_t n)
{
    if (strlen(name) != n) return 0;
    for (size_t i = 0; i < n; i++)
        if (name[i] != (text[i] == '-' ? '_' : text[i])) return 0;
    return 1;
}

static const att_opt *find_long(const att_opt *opts, size_t n_opts, const char *text, size_t n)
{
    for (size_t i = 0; i < n_opts; i++)
        if (same_name(opts[i].name, text, n)) return &opts[i];
    return NULL;
}

static const att_opt *find_letter(const att_opt *opts, size_t n_opts, char letter)
{
    for (size_t i = 0; i < n_opts; i++)
        if (opts[i].letter && opts[i].letter == letter) return &opts[i];
    return NULL;
}

static int is_choice(const char *choices, const char *value)
{
    const size_t n = strlen(value);
    for (const char *c = choices; *c;) {
        const size_t width = strcspn(c, "|");
        if (width == n && strncmp(c, value, n) == 0) return 1;
        c += width + (c[width] == '|');
    }
    return 0;
}

static int wrong(const char *verb, const att_opt *opt, const char *value, const char *wanted)
{
    fprintf(stderr, "attend %s: --%s is '%s', expected %s\n", verb, opt->name, value, wanted);
    return 2;
}

static int set_int(const char *verb, const att_opt *opt, const char *value, int *member)
{
    char *end;
    if (strcasecmp(value, "none") == 0) {
        *member = 0;
        return 0;
    }
    errno = 0;
    const long x = strtol(value, &end, 10);
    if (end == value || *end || errno || x < 0 || x > INT_MAX)
        return wrong(verb, opt, value, "a whole number, 0 or more, or None");
    *member = (int)x;
    return 0;
}

static int set_number(const char *verb, const att_opt *opt, const char *value, double *member)
{
    char *end;
    if (strcasecmp(value, "none") == 0) {
        *member = (double)NAN;
        return 0;
    }
    const double x = strtod(value, &end);
    if (end == value || *end || !isfinite(x)) return wrong(verb, opt, value, "a number or None");
    *member = x;
    return 0;
}

static int set_bool(const char *verb, const att_opt *opt, const char *value, int *member)
{
    if (strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0)
        return wrong(verb, opt, value, "True or False");
    *member = strcasecmp(value, "true") == 0;
    return 0;
}

static int set(const char *verb, const att_opt *opt, const char *value, void *into)
{
    char *member = (char *)into + opt->at;
    switch (opt->kind) {
    case ATT_OPT_FLAG:
        *(int *)(void *)member = 1;
        return 0;
    case ATT_OPT_BOOL:
        return set_bool(verb, opt, value, (int *)(void *)member);
    case ATT_OPT_INT:
        return set_int(verb, opt, value, (int *)(void *)member);
    case ATT_OPT_NUMBER:
        return set_number(verb, opt, value, (double *)(void *)member);
    case ATT_OPT_TEXT:
        if (opt->choices && !is_choice(opt->choices, value))
            return wrong(verb, opt, value, opt->choices);
        *(const char **)(void *)member = value;
        return 0;
    }
    return 2;
}

typedef struct reader {
    const char *verb;
    const att_opt *opts;
    size_t n_opts;
    int argc, at;
    char **argv;
    void *into;
} reader;

/* Sets opt from inline_value, or from the next argument when it needs one. */
static int take(reader *r, const att_opt *opt, const char *inline_value)
{
    if (opt->kind == ATT_OPT_FLAG) {
        if (inline_value) return wrong(r->verb, opt, inline_value, "no value");
        return set(r->verb, opt, "", r->into);
    }
    if (!inline_value) {
        if (r->at + 1 >= r->argc) {
            fprintf(stderr, "attend %s: --%s needs a value: %s\n", r->verb, opt->name,
                    opt->choices ? opt->choices : opt->value);
            return 2;
        }
        inline_value = r->argv[++r->at];
    }
    return set(r->verb, opt, inline_value, r->into);
}

static int take_long(reader *r, const char *text)
{
    const size_t n = strcspn(text, "=");
    const att_opt *opt = find_long(r->opts, r->n_opts, text, n);
    if (opt) return take(r, opt, text[n] ? text + n + 1 : NULL);
    fprintf(stderr, "attend %s: --%.*s is not an option; see attend %s --help\n", r->verb, (int)n,
            text, r->verb);
    return 2;
}

/* Letters may be joined: -qv; a letter with a value takes the rest: -ftxt. */
static int take_letters(reader *r, const char *text)
{
    for (const char *c = text; *c; c++) {
        const att_opt *opt = find_letter(r->opts, r->n_opts, *c);
        if (!opt) {
            fprintf(stderr, "attend %s: -%c is not an option; see attend %s --help\n", r->verb, *c,
                    r->verb);
            return 2;
        }
        if (opt->kind != ATT_OPT_FLAG) return take(r, opt, c[1] ? c + 1 : NULL);
        const int failed = take(r, opt, NULL);
        if (failed) return failed;
    }
    return 0;
}

int att_args_read(const char *verb, const att_opt *opts, size_t n_opts, int argc, char **argv,
                  void *into, const char **files, size_t *n_files)
{
    reader r = {verb, opts, n_opts, argc, 1, argv, into};
    int only_files = 0;
    *n_files = 0;
    for (; r.at < argc; r.at++) {
        const char *arg = argv[r.at];
        int failed = 0;
        if (only_files || arg[0] != '-' || !arg[1])
            files[(*n_files)++] = arg;
        else if (strcmp(arg, "--") == 0)
            only_files = 1;
        else
            failed = arg[1] == '-' ? take_long(&r, arg + 2) : take_letters(&r, arg + 1);
        if (failed) return failed;
    }
    return 0;
}

void att_args_help(const att_opt *opts, size_t n_opts)
{
    for (size_t i = 0; i < n_opts; i++) {
        const att_opt *o = &opts[i];
        if (!o->help) continue;
        char left[80];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        printf("  %-38s %s\n", left, o->help);
    }
}
