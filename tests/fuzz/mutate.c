/* mutate.c - main() of a fuzz target without libFuzzer: TARGET RUNS FOLDER runs each file of the
 * folder as it is, then RUNS changed copies. The changes are the same in every run: bits, bytes and
 * words set, pieces cut out, doubled, or swapped in from another seed. Given a third word, a file
 * name, each input is written there before it is tried: after a crash the file holds the culprit.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { MAX_SEEDS = 256, MAX_BYTES = 1 << 16 };

typedef struct seed {
    uint8_t *bytes;
    size_t n;
} seed;

typedef struct corpus {
    seed seeds[MAX_SEEDS];
    size_t n;
} corpus;

/* xorshift64*: the same everywhere. */
static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(2685821657736338717) >> 16) % below;
}

static void load(corpus *c, const char *folder)
{
    DIR *d = opendir(folder);
    char path[4096];
    for (struct dirent *e; d && c->n < MAX_SEEDS && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *in = fopen(path, "rb");
        seed *s = &c->seeds[c->n];
        s->bytes = malloc(MAX_BYTES);
        if (!in || !s->bytes) abort();
        s->n = fread(s->bytes, 1, MAX_BYTES, in);
        fclose(in);
        c->n++;
    }
    if (d) closedir(d);
}

static int by_bytes(const void *a, const void *b)
{
    const seed *x = a;
    const seed *y = b;
    if (x->n != y->n) return x->n < y->n ? -1 : 1;
    return memcmp(x->bytes, y->bytes, x->n);
}

/* One change of the n bytes in place; returns how many there are then, at most MAX_BYTES. */
static size_t change(uint8_t *bytes, size_t n, const corpus *c, uint64_t *state)
{
    static const uint32_t WORDS[] = {0,      1,      0x7f,       0x80,      0xff,
                                     0x7fff, 0xffff, 0x7fffffff, 0xffffffff};
    if (n == 0) return 0;
    const size_t at = draw(state, n);
    const size_t span = 1 + draw(state, n - at < 32 ? n - at : 32);
    switch (draw(state, 6)) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << draw(state, 8));
        return n;
    case 1:
        bytes[at] = (uint8_t)draw(state, 256);
        return n;
    case 2: {
        const uint32_t word = WORDS[draw(state, sizeof WORDS / sizeof *WORDS)];
        for (size_t i = 0; i < 4 && at + i < n; i++) bytes[at + i] = (uint8_t)(word >> 8 * i);
        return n;
    }
    case 3: /* cut out */
        memmove(bytes + at, bytes + at + span, n - at - span);
        return n - span;
    case 4: /* twice */
        if (n + span > MAX_BYTES) return n;
        memmove(bytes + at + span, bytes + at, n - at);
        return n + span;
    default: { /* from another seed, same place */
        const seed *other = &c->seeds[draw(state, c->n)];
        for (size_t i = at; i < at + span && i < other->n; i++) bytes[i] = other->bytes[i];
        return n;
    }
    }
}

/* In a block of exactly n bytes, so that a sanitizer sees a read past the end. */
static void run(const uint8_t *bytes, size_t n, const char *keep)
{
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact) abort();
    memcpy(exact, bytes, n);
    if (keep) {
        FILE *out = fopen(keep, "wb");
        if (!out || fwrite(bytes, 1, n, out) != n || fclose(out) != 0) abort();
    }
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

int main(int argc, char **argv)
{
    static corpus c;
    static uint8_t bytes[MAX_BYTES];
    uint64_t state = 88172645463325252u;
    if (argc < 3) {
        fprintf(stderr, "usage: %s RUNS FOLDER [KEEP]\n", argv[0]);
        return 2;
    }
    const long runs = strtol(argv[1], NULL, 10);
    const char *keep = argc > 3 ? argv[3] : NULL;
    load(&c, argv[2]);
    if (c.n == 0) {
        fprintf(stderr, "%s: no seeds in %s\n", argv[0], argv[2]);
        return 2;
    }
    qsort(c.seeds, c.n, sizeof *c.seeds, by_bytes); /* folders have no order */
    for (size_t i = 0; i < c.n; i++) run(c.seeds[i].bytes, c.seeds[i].n, keep);
    for (long i = 0; i < runs; i++) {
        const seed *s = &c.seeds[draw(&state, c.n)];
        size_t n = s->n;
        memcpy(bytes, s->bytes, n);
        for (uint64_t k = 1 + draw(&state, 4); k > 0; k--) n = change(bytes, n, &c, &state);
        run(bytes, n, keep);
    }
    for (size_t i = 0; i < c.n; i++) free(c.seeds[i].bytes);
    printf("%s: %zu seeds, %ld changed ones\n", argv[0], c.n, runs);
    return 0;
}
