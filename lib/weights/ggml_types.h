/* ggml_types.h - the numbers that ggml's files give to the types of their tensors, for the readers
 * of GGUF and of the older file. */
#ifndef ATTI_GGML_TYPES_H
#define ATTI_GGML_TYPES_H

#include "weights_index.h"

/* dtype, blocks and stored_as of the array `name` (n_name bytes), whose shape is known, by ggml's
 * number, and its bytes. Rejects at type_at a type that is not read or whose blocks rows do not
 * fill, at shape_at a shape that no file can hold. */
att_status atti_set_ggml_type(const att_weights *weights, uint64_t type, const char *name,
                              size_t n_name, uint64_t type_at, uint64_t shape_at, att_array *array,
                              att_err *err);

#endif /* ATTI_GGML_TYPES_H */
