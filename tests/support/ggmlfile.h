/* ggmlfile.h - ggml files, built in memory: part by part, or from a Whisper of any layout. */
#ifndef ATT_GGMLFILE_H
#define ATT_GGMLFILE_H

#include <stddef.h>
#include <stdint.h>

#include "whisper_spec.h"
#include "whisper_tokens.h"

typedef struct ggmlfile {
    uint8_t *bytes;
    size_t n, room;
} ggmlfile;

void ggmlfile_bytes(ggmlfile *f, const void *bytes, size_t n);
void ggmlfile_number(ggmlfile *f, int64_t value); /* i32 */
void ggmlfile_free(ggmlfile *f);

/* Magic and the 11 numbers; then a matrix of zeros as filters. Tokens follow: a number, and each.
 */
void ggmlfile_header(ggmlfile *f, const int32_t numbers[11], int32_t rows, int32_t columns);
void ggmlfile_token(ggmlfile *f, const char *bytes, size_t n);
/* dims: row-major, as in att_array. */
void ggmlfile_tensor(ggmlfile *f, const char *name, const int32_t *dims, int32_t rank, int32_t type,
                     const void *data, size_t n);

/* ggml's numbers of types. */
enum {
    GGML_F32 = 0,
    GGML_F16 = 1,
    GGML_Q4_0 = 2,
    GGML_Q4_1 = 3,
    GGML_Q5_0 = 6,
    GGML_Q5_1 = 7,
    GGML_Q8_0 = 8
};

/* A whole file. tokens NULL: a vocabulary of none. type: of matrices. rounded: they are quantised
 * and unpacked again, and stored as f16. */
void ggmlfile_whisper(ggmlfile *f, const att_whisper_config *config,
                      const att_whisper_arrays *arrays, const att_whisper_tokens *tokens,
                      int32_t type, int rounded);

#endif /* ATT_GGMLFILE_H */
