/* many.h - a run over many inputs: what is to be done, what came of each, how far all of it is.
 *
 * Tests: tests/real/test_many.c */
#ifndef ATT_MANY_H
#define ATT_MANY_H

#include "inputs.h"
#include "transcribe.h"

typedef enum att_many_state {
    ATT_MANY_TODO,
    ATT_MANY_SKIPPED, /* was done by an earlier run */
    ATT_MANY_DONE,
    ATT_MANY_FAILED
} att_many_state;

typedef struct att_many {
    att_inputs inputs;
    att_many_state *states; /* of each input */
    size_t n_todo;          /* at the beginning */
    size_t begun;           /* of those, so far */
    double bytes, bytes_done;
} att_many;

/* Reads the arguments and options->files_from. Returns an exit code after saying what is wrong: 2
 * when two inputs would be written to one file, 3 for a list that cannot be read. */
int att_many_plan(att_many *many, const att_transcribe_options *options,
                  const char *const *arguments, size_t n);

/* Draws from now on that input. Those that are begun end with att_many_ended(). */
void att_many_begin(att_many *many, att_progress *progress, size_t i);
void att_many_ended(att_many *many, size_t i, att_many_state state);

/* One line on stderr, then the names of those that failed; nothing for a single input. */
void att_many_summary(const att_many *many, int quiet);

void att_many_finish(att_many *many);

#endif /* ATT_MANY_H */
