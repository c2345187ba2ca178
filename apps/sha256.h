/* sha256.h - SHA-256 (FIPS 180-4) of a file. Tests: tests/unit/test_models.c */
#ifndef ATT_SHA256_H
#define ATT_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"

typedef struct att_sha256 {
    uint32_t state[8];
    uint64_t n_bytes;
    uint8_t block[64];
} att_sha256;

void att_sha256_begin(att_sha256 *sha);
void att_sha256_add(att_sha256 *sha, const void *bytes, size_t n);
void att_sha256_end(att_sha256 *sha, char hex[65]); /* 64 lower-case digits and a NUL */

att_status att_sha256_file(const char *path, char hex[65], att_err *err);

#endif /* ATT_SHA256_H */
