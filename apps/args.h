/* args.h - command-line options from a table: one row an option, hyphen and underscore alike.
 *
 * Tests: tests/unit/test_args.c */
#ifndef ATT_ARGS_H
#define ATT_ARGS_H

#include <stddef.h>

typedef enum att_opt_kind {
    ATT_OPT_FLAG,   /* int: 1 when present */
    ATT_OPT_BOOL,   /* int: True or False (any case), as OpenAI's program takes it */
    ATT_OPT_INT,    /* int; "None" is 0 */
    ATT_OPT_NUMBER, /* double; "None" is NaN */
    ATT_OPT_TEXT    /* const char *, borrowed from argv */
} att_opt_kind;

typedef struct att_opt {
    const char *name; /* long, with underscores */
    char letter;      /* 0: none */
    att_opt_kind kind;
    size_t at;           /* offset of the member in the options struct */
    const char *choices; /* "a|b|c" for ATT_OPT_TEXT, or NULL */
    const char *value;   /* how help names the value; NULL for flags */
    const char *help;    /* one line; NULL: not listed */
} att_opt;

/* Reads argv[1..argc) into the struct at `into`. What is no option goes to files, in order (argc
 * entries of room); "--" ends the options, "-" is a file. Returns 0, or 2 after writing one line
 * about what is wrong to stderr. */
int att_args_read(const char *verb, const att_opt *opts, size_t n_opts, int argc, char **argv,
                  void *into, const char **files, size_t *n_files);

/* Prints the listed options to stdout. */
void att_args_help(const att_opt *opts, size_t n_opts);

#endif /* ATT_ARGS_H */
