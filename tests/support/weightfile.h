/* weightfile.h - small files of weights, built in memory byte by byte. */
#ifndef ATT_WEIGHTFILE_H
#define ATT_WEIGHTFILE_H

#include <stddef.h>
#include <stdint.h>

#include "weights.h"

typedef struct weightfile {
    uint8_t bytes[1 << 16];
    size_t n;
} weightfile;

void weightfile_number(weightfile *f, uint64_t value, size_t n_bytes); /* little-endian */
void weightfile_bytes(weightfile *f, const void *bytes, size_t n);

/* CTranslate2: the file up to its number of variables; a name; a variable. dtype: 0 f32, 1 i8, 2
 * i16, 3 i32, 4 f16, 5 bf16. dims: rank entries. */
void weightfile_ct2(weightfile *f, uint32_t version, const char *spec, uint32_t n_variables);
void weightfile_name(weightfile *f, const char *name);
void weightfile_variable(weightfile *f, const char *name, const uint32_t *dims, uint8_t rank,
                         uint8_t dtype, const void *data, size_t n);

/* safetensors: length, header, then n_data bytes of 0, 1, 2, ... */
void weightfile_safetensors(weightfile *f, const char *header, size_t n_data);

/* GGUF: the file up to its first key; a string, with its length; a key and the number of its
 * value's type, which follows; an entry of a tensor, dims row-major as in att_array, type by ggml's
 * number; zeros up to the next multiple of alignment. */
void weightfile_gguf(weightfile *f, uint32_t version, uint64_t n_tensors, uint64_t n_pairs);
void weightfile_gguf_string(weightfile *f, const char *bytes, size_t n);
void weightfile_gguf_key(weightfile *f, const char *key, uint32_t type);
void weightfile_gguf_tensor(weightfile *f, const char *name, const uint64_t *dims, uint32_t rank,
                            uint32_t type, uint64_t offset);
void weightfile_align(weightfile *f, size_t alignment);

/* Opens the first n bytes in a block of exactly that size, so that a sanitizer sees a read past the
 * end. *block is to be freed after the close. */
att_status weightfile_open(const weightfile *f, size_t n, att_weights **weights, void **block,
                           att_err *err);

#endif /* ATT_WEIGHTFILE_H */
