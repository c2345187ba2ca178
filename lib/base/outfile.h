/* outfile.h - whole outputs only: written under a temporary name, renamed when complete. */
#ifndef ATT_OUTFILE_H
#define ATT_OUTFILE_H

#include <stdio.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_outfile {
    FILE *file;
    char *path;      /* the name wanted */
    char *temporary; /* the name for now: path + ".XXXXXX", in the same folder */
} att_outfile;

/* Opens a temporary file beside path. Write to out->file, then commit, keep or discard. */
att_status att_outfile_open(att_outfile *out, const char *path, att_err *err);

/* Flushes, syncs, renames to path, frees. Any write error since the opening, a full disk too, is
 * reported here: then the temporary file is removed and path is as it was. */
att_status att_outfile_commit(att_outfile *out, att_err *err);

/* As commit, but to path + ".part": what was finished before an interruption. */
att_status att_outfile_keep_part(att_outfile *out, att_err *err);

/* Removes the temporary file. A zeroed or committed struct is fine. */
void att_outfile_discard(att_outfile *out);

#ifdef __cplusplus
}
#endif
#endif /* ATT_OUTFILE_H */
