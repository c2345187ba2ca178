/* sha256.c - sha256.h. Tests: tests/unit/test_models.c */
#include "sha256.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t START[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t turn(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void take_block(att_sha256 *sha)
{
    uint32_t w[64], s[8];
    const uint8_t *b = sha->block;
    for (int i = 0; i < 16; i++, b += 4)
        w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], c = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
               (turn(c, 17) ^ turn(c, 19) ^ c >> 10);
    }
    memcpy(s, sha->state, sizeof s);
    for (int i = 0; i < 64; i++) {
        const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        const uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        const uint32_t one =
            s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + K[i] + w[i];
        const uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + majority;
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) sha->state[i] += s[i];
}

void att_sha256_begin(att_sha256 *sha)
{
    memset(sha, 0, sizeof *sha);
    memcpy(sha->state, START, sizeof START);
}

void att_sha256_add(att_sha256 *sha, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    while (n > 0) {
        const size_t at = (size_t)(sha->n_bytes % 64), room = 64 - at, part = n < room ? n : room;
        memcpy(sha->block + at, b, part);
        sha->n_bytes += part;
        b += part;
        n -= part;
        if (part == room) take_block(sha);
    }
}

void att_sha256_end(att_sha256 *sha, char hex[65])
{
    static const uint8_t END[64] = {0x80};
    const uint64_t n_bits = 8 * sha->n_bytes, used = sha->n_bytes % 64;
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)(n_bits >> (56 - 8 * i));
    att_sha256_add(sha, END, (size_t)(used < 56 ? 56 - used : 120 - used));
    att_sha256_add(sha, length, sizeof length);
    for (int i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08x", (unsigned)sha->state[i]);
}

att_status att_sha256_file(const char *path, char hex[65], att_err *err)
{
    att_sha256 sha;
    char bytes[65536];
    FILE *file = fopen(path, "rb");
    if (!file) return att_fail(err, ATT_E_IO, "read %s: %s", path, strerror(errno));
    att_sha256_begin(&sha);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;) att_sha256_add(&sha, bytes, n);
    const int failed = ferror(file);
    fclose(file);
    if (failed) return att_fail(err, ATT_E_IO, "read %s: %s", path, strerror(errno));
    att_sha256_end(&sha, hex);
    return ATT_OK;
}
