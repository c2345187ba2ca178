/* weightfile.c - weightfile.h. */
#include "weightfile.h"

#include <stdlib.h>
#include <string.h>

void weightfile_bytes(weightfile *f, const void *bytes, size_t n)
{
    if (n > sizeof f->bytes - f->n) abort();
    if (n) memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

void weightfile_number(weightfile *f, uint64_t value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        const uint8_t byte = (uint8_t)(value >> 8 * i);
        weightfile_bytes(f, &byte, 1);
    }
}

void weightfile_name(weightfile *f, const char *name)
{
    weightfile_number(f, strlen(name) + 1, 2);
    weightfile_bytes(f, name, strlen(name) + 1);
}

void weightfile_ct2(weightfile *f, uint32_t version, const char *spec, uint32_t n_variables)
{
    f->n = 0;
    weightfile_number(f, version, 4);
    weightfile_name(f, spec);
    weightfile_number(f, 3, 4);
    weightfile_number(f, n_variables, 4);
}

void weightfile_variable(weightfile *f, const char *name, const uint32_t *dims, uint8_t rank,
                         uint8_t dtype, const void *data, size_t n)
{
    weightfile_name(f, name);
    weightfile_number(f, rank, 1);
    for (uint8_t i = 0; i < rank; i++) weightfile_number(f, dims[i], 4);
    weightfile_number(f, dtype, 1);
    weightfile_number(f, n, 4);
    weightfile_bytes(f, data, n);
}

void weightfile_safetensors(weightfile *f, const char *header, size_t n_data)
{
    f->n = 0;
    weightfile_number(f, strlen(header), 8);
    weightfile_bytes(f, header, strlen(header));
    for (size_t i = 0; i < n_data; i++) weightfile_number(f, i & 0xff, 1);
}

void weightfile_gguf(weightfile *f, uint32_t version, uint64_t n_tensors, uint64_t n_pairs)
{
    f->n = 0;
    weightfile_bytes(f, "GGUF", 4);
    weightfile_number(f, version, 4);
    weightfile_number(f, n_tensors, 8);
    weightfile_number(f, n_pairs, 8);
}

void weightfile_gguf_string(weightfile *f, const char *bytes, size_t n)
{
    weightfile_number(f, n, 8);
    weightfile_bytes(f, bytes, n);
}

void weightfile_gguf_key(weightfile *f, const char *key, uint32_t type)
{
    weightfile_gguf_string(f, key, strlen(key));
    weightfile_number(f, type, 4);
}

void weightfile_gguf_tensor(weightfile *f, const char *name, const uint64_t *dims, uint32_t rank,
                            uint32_t type, uint64_t offset)
{
    weightfile_gguf_string(f, name, strlen(name));
    weightfile_number(f, rank, 4);
    for (uint32_t i = rank; i > 0; i--) weightfile_number(f, dims[i - 1], 8);
    weightfile_number(f, type, 4);
    weightfile_number(f, offset, 8);
}

void weightfile_align(weightfile *f, size_t alignment)
{
    while (f->n % alignment) weightfile_number(f, 0, 1);
}

att_status weightfile_open(const weightfile *f, size_t n, att_weights **weights, void **block,
                           att_err *err)
{
    *block = malloc(n ? n : 1);
    if (!*block) abort();
    memcpy(*block, f->bytes, n);
    return att_weights_open_memory(weights, "small.bin", n ? *block : NULL, n, err);
}
