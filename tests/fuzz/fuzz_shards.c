/* fuzz_shards.c - an index of safetensors of any bytes: rejected with an offset, or arrays that lie
 * in files of the same folder. Seeds: an index as Hugging Face writes it, a small one. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "shards.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char name[] = "that file";
    const att_weights w = {.path = name, .bytes = data, .n_bytes = n};
    atti_shards s;
    att_err err;
    if (!atti_is_shard_index(data, n)) return 0;
    const att_status status = atti_shards_parse(&s, &w, &err);
    if (status && (status != ATT_E_MODEL || !strstr(err.text, "that file: byte "))) abort();
    if (!status && (s.n_rows == 0 || s.n_files == 0)) abort();
    for (size_t i = 0; i < s.n_rows; i++)
        if (s.rows[i].file >= s.n_files || s.rows[i].at >= n || !*s.rows[i].array) abort();
    for (size_t i = 0; i < s.n_files; i++) {
        if (strchr(s.files[i], '/') || s.files[i][0] == '.') abort();
        for (size_t k = 0; k < i; k++)
            if (strcmp(s.files[i], s.files[k]) == 0) abort();
    }
    atti_shards_free(&s);
    return 0;
}
