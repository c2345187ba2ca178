/* weights.h - a file of weights as an index of named arrays and key/values; no model's meaning in
 * it.
 *
 * The file is mapped and read only: array data lies in the map, possibly unaligned, and becomes
 * resident only when touched. Formats are told apart by content: CTranslate2 model.bin (binary
 * versions 4 to 6), safetensors, GGUF (versions 2 and 3), and ggml's .bin of speech models.
 * Everything in the file is checked once, when it is opened; a rejection names the byte offset.
 * Binding arrays to a model's struct: spec.h. Tests: tests/unit/test_weights.c, test_gguf.c,
 * test_ggml.c, test_spec.c, tests/fuzz/fuzz_weights.c, fuzz_gguf.c, fuzz_ggml.c */
#ifndef ATT_WEIGHTS_H
#define ATT_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"
#include "attend/view.h"
#include "blocks.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ATT_ARRAY_MAX_RANK = 8 };

/* One named array, row-major, outermost axis first. A scalar has rank 0 and one element. */
typedef struct att_array {
    const char *name;      /* UTF-8 */
    const char *stored_as; /* the file's own name of the dtype: "float16", "F16", "I64" */
    att_dtype dtype;       /* ATT_N_DTYPES: blocks, or a dtype that attend does not read */
    att_blocks blocks;     /* ATT_BLOCKS_NONE: elements of dtype; else blocks along the last axis */
    int32_t rank;          /* entries of dims in use */
    int64_t dims[ATT_ARRAY_MAX_RANK];
    const void *data; /* in the map, little-endian, any alignment; never NULL */
    size_t bytes;     /* product of dims times the size of one element, or of blocks */
    uint64_t offset;  /* of data in its file, for an index the one that holds it */
} att_array;

/* Opaque: maps and index. Reading it is safe from several threads; binding (spec.h) is not. */
typedef struct att_weights att_weights;

/* path: a file of any name, or a folder that holds model.bin, model.safetensors, ggml-model.bin,
 * exactly one file *.gguf, or model.safetensors.index.json, whose arrays lie in several files
 * (shards.h). Strings and arrays that come from the handle live until att_weights_close(). ATT_E_IO
 * when it cannot be read, ATT_E_MODEL when it is not one of the formats or is broken; then *weights
 * is NULL. */
att_status att_weights_open(att_weights **weights, const char *path, att_err *err);

/* The same for a file that is in memory already; bytes are borrowed until the close. name is what
 * messages call it. */
att_status att_weights_open_memory(att_weights **weights, const char *name, const void *bytes,
                                   size_t n_bytes, att_err *err);
void att_weights_close(att_weights *weights); /* NULL is fine */

/* "ctranslate2", "safetensors", "gguf", "ggml" */
const char *att_weights_format(const att_weights *weights);
const char *att_weights_path(const att_weights *weights); /* of the file itself */

/* Arrays in ascending order of name (bytes compared). An alias is an entry of its own that shares
 * data with its target. */
size_t att_weights_count(const att_weights *weights);
const att_array *att_weights_at(const att_weights *weights, size_t i); /* NULL past the end */
const att_array *att_weights_find(const att_weights *weights, const char *name); /* or NULL */

/* Text beside the arrays, or NULL: the keys of safetensors' __metadata__; GGUF's strings; for
 * CTranslate2 "spec" (such as a family of models), "revision" and "binary_version"; for ggml the
 * numbers of its header, "n_vocab" to "n_mels" and "ftype", and "n_tokens". A ggml file's
 * "vocabulary" is an array of bytes: for each token its length, i32, little-endian, and its bytes;
 * "filters" is a matrix. */
const char *att_weights_text(const att_weights *weights, const char *key);

/* A number or a bool of GGUF: 1 and *x (0 or 1 for a bool; a whole number past 2^53 is rounded), or
 * 0 when there is none of that key; *x stays as it was. */
int att_weights_number(const att_weights *weights, const char *key, double *x);

/* What the elements of a list are. */
typedef enum att_value_type {
    ATT_VALUE_NONE = 0,
    ATT_VALUE_U8,
    ATT_VALUE_I8,
    ATT_VALUE_U16,
    ATT_VALUE_I16,
    ATT_VALUE_U32,
    ATT_VALUE_I32,
    ATT_VALUE_F32,
    ATT_VALUE_BOOL, /* a byte, 0 or 1 */
    ATT_VALUE_TEXT, /* each: its bytes' count, u64, and the bytes; no final NUL, any bytes */
    ATT_VALUE_U64,
    ATT_VALUE_I64,
    ATT_VALUE_F64,
    ATT_N_VALUE_TYPES
} att_value_type;

/* A list of GGUF, as it lies in the file. Plain data, borrowed from the handle: a copy is a walk of
 * its own. */
typedef struct att_weights_list_view {
    att_value_type type; /* ATT_VALUE_NONE: there is no such list */
    size_t n;            /* elements */
    const uint8_t *data; /* little-endian, any alignment */
    size_t n_bytes;      /* of data */
    size_t walked;       /* of those, how many att_weights_list_text() has passed */
} att_weights_list_view;

/* The list of that key and how many elements it has: 0 for an empty one too, which has a type. */
size_t att_weights_list(const att_weights *weights, const char *key, att_weights_list_view *list);

/* The next of a list of texts and its bytes, *n_bytes, or NULL behind the last and for a list of
 * numbers. The text is in the map, without a final NUL. */
const char *att_weights_list_text(att_weights_list_view *list, size_t *n_bytes);
/* Element i of a list of numbers or bools, which is not walked; NaN past the end and for texts. */
double att_weights_list_number(const att_weights_list_view *list, size_t i);

/* Element i of an array as a double, whatever its dtype (i8 without its scale), blocks too; NaN
 * past the end or for a dtype that is not read. For scalars and small tables, not for bulk. */
double att_array_value(const att_array *array, size_t i);
/* Elements: the product of dims, 1 for a scalar. */
int64_t att_array_elements(const att_array *array);

/* Lets the pages of one array, or of all, leave resident memory, for after an upload; they come
 * back from the file when touched. Does nothing for memory. */
void att_weights_forget_array(const att_weights *weights, const att_array *array);
void att_weights_forget(const att_weights *weights);

#ifdef __cplusplus
}
#endif
#endif /* ATT_WEIGHTS_H */
