/* shards.h - safetensors in several files, and the index that says which array is in which.
 *
 * The index is a JSON object; its "weight_map" is one from the name of an array to the name of a
 * file beside the index. Source: Hugging Face's model.safetensors.index.json. Arrays that the index
 * does not name are not read. Tests: tests/unit/test_shards.c, tests/fuzz/fuzz_shards.c */
#ifndef ATTI_SHARDS_H
#define ATTI_SHARDS_H

#include "json_text.h"

typedef struct atti_shard_row {
    const char *array;
    uint64_t at; /* where the index says it */
    size_t file;
} atti_shard_row;

typedef struct atti_shards {
    atti_shard_row *rows; /* in the order of the index */
    const char **files;   /* plain names, each once */
    size_t n_rows, n_files, files_room;
    cJSON *root; /* owns the texts */
} atti_shards;

/* Whether the file's bytes are the text of an index, not a safetensors file. */
int atti_is_shard_index(const uint8_t *bytes, size_t n);

/* Reads the bytes of w, an index. The caller frees in any case. */
att_status atti_shards_parse(atti_shards *shards, const att_weights *w, att_err *err);
void atti_shards_free(atti_shards *shards);

#endif /* ATTI_SHARDS_H */
