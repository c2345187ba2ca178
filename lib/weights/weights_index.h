/* weights_index.h - what an att_weights is made of, for the readers of the single formats.
 *
 * A reader checks one file from front to back and adds entries; weights.c owns opening, order,
 * duplicates and look-up. */
#ifndef ATTI_WEIGHTS_INDEX_H
#define ATTI_WEIGHTS_INDEX_H

#include "filemap.h"
#include "weights.h"

typedef struct atti_entry {
    att_array array; /* array.name is owned */
    uint64_t at;     /* where in the file the entry is declared, for messages */
    size_t storage;  /* an alias has its target's number */
} atti_entry;

/* One of text, number and list. */
typedef struct atti_pair {
    char *key, *text; /* owned */
    double number;
    int is_number;
    att_weights_list_view list;
} atti_pair;

struct att_weights {
    char *path;
    const char *format;
    att_filemap map; /* empty when the bytes are the caller's */
    const uint8_t *bytes;
    size_t n_bytes;
    atti_entry *entries; /* sorted by name once read */
    size_t n_entries, entries_room;
    size_t n_sorted; /* the entries that atti_find() knows */
    atti_pair *pairs;
    size_t n_pairs, pairs_room;
    uint8_t *wanted;     /* by storage: some bind asked for it */
    att_weights **parts; /* of an index: the files that hold the arrays' data */
    size_t n_parts;
};

/* "read PATH: byte AT: ..." as ATT_E_MODEL. */
att_status atti_reject(const att_weights *weights, uint64_t at, att_err *err, const char *format,
                       ...) ATT_PRINTF(4, 5);
att_status atti_no_memory(const att_weights *weights, att_err *err);

/* Whether n bytes are a name: 1 to 1024 bytes of UTF-8 without control characters. */
int atti_is_name(const uint8_t *bytes, size_t n);

/* Appends an entry that owns a copy of the name; the array's other members are taken as they are.
 */
att_status atti_add_array(att_weights *weights, const char *name, size_t n_name,
                          const att_array *array, uint64_t at, att_err *err);
/* Appends `name` as another name of the entry with that storage. */
att_status atti_add_alias(att_weights *weights, const char *name, const atti_entry *target,
                          uint64_t at, att_err *err);

/* Key/values, each with a copy of key and text; the list is in the file. A key is there once. */
att_status atti_add_text(att_weights *weights, const char *key, const void *text, size_t n_bytes,
                         att_err *err);
att_status atti_add_number(att_weights *weights, const char *key, double x, att_err *err);
att_status atti_add_list(att_weights *weights, const char *key, const att_weights_list_view *list,
                         att_err *err);
const atti_pair *atti_find_pair(const att_weights *weights, const char *key); /* or NULL */

/* Bytes of one value in a file, 0 for a text; the value at `bytes` (NaN for a text). */
size_t atti_value_bytes(att_value_type type);
double atti_value(att_value_type type, const uint8_t *bytes);

/* Sorts by name and rejects a name that is there twice. atti_find() knows the names of the latest
 * sort. */
att_status atti_sort(att_weights *weights, att_err *err);
atti_entry *atti_find(const att_weights *weights, const char *name);
/* In the order of their data, of equal places the smaller first; atti_sort() comes after it. */
void atti_sort_by_place(att_weights *weights);

/* *bytes of an array with elements of that many bits; 0 when that does not fit in 63 bits. */
int atti_array_bytes(const int64_t *dims, int32_t rank, uint64_t bits, uint64_t *bytes);

att_status atti_read_ct2(att_weights *weights, att_err *err);
att_status atti_read_gguf(att_weights *weights, att_err *err);
att_status atti_read_ggml(att_weights *weights, att_err *err);
att_status atti_read_safetensors(att_weights *weights, att_err *err);

#endif /* ATTI_WEIGHTS_INDEX_H */
