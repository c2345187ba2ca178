/* inputs.h - what a run over many files is to do: folders, patterns and lists as single files, in
 * an order that does not change, each with the name that its outputs get.
 *
 * Names of outputs, below the output folder and without an extension:
 *   a file that is named          its base name: talks/a.wav is a
 *   found in a folder or pattern  its place below the folder, or below the pattern's fixed start:
 *                                 talks/ and talks/2/b.wav are 2/b
 *   an entry of a list            its place as written: talks/2/b.wav is talks/2/b, as tar and
 * rsync keep it; without a leading slash and what comes before a ".." Tests:
 * tests/unit/test_inputs.c, tests/fuzz/fuzz_inputs.c, tests/real/test_many.c */
#ifndef ATT_INPUTS_H
#define ATT_INPUTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "attend/error.h"

typedef struct att_input {
    char *path;    /* of a file that is there, or what could not be found */
    char *name;    /* of its outputs */
    char *problem; /* why there is no such file; NULL: there is */
    int64_t bytes; /* 0 when nobody knows */
} att_input;

/* A zeroed one is empty. */
typedef struct att_inputs {
    att_input *items;
    size_t n, room;
} att_inputs;

/* The recordings that an argument stands for: "-", a file, a folder with all below it, or, when
 * there is no file of that name, a pattern of *, ?, [...] and ** (any folders). In folders, and by
 * patterns whose last part has no dot, files with extensions of recordings are found; hidden files
 * and linked folders are not. Within a folder the order is that of the names' bytes. What cannot be
 * found becomes an item with a problem. Fails only when memory is out. err is not NULL here. */
att_status att_inputs_add(att_inputs *inputs, const char *argument, att_err *err);

/* The files and folders that a list names, each ended by `end` ('\n', before which '\r' is left
 * out, or '\0'); empty ones are left out. list: its name, for messages. ATT_E_INPUT, with the byte,
 * for what is no list of names. */
att_status att_inputs_add_list(att_inputs *inputs, FILE *file, const char *list, char end,
                               att_err *err);

/* Takes out what is there twice: the first stays. */
att_status att_inputs_unite(att_inputs *inputs, att_err *err);

/* Whether two items' outputs would have the same name, and which. */
att_status att_inputs_clash(const att_inputs *inputs, const att_input **a, const att_input **b,
                            att_err *err);

void att_inputs_finish(att_inputs *inputs); /* frees; empty afterwards */

#endif /* ATT_INPUTS_H */
