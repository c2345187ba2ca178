/* program_cache.c - compiled programs on disk (device_internal.h): one file a key, whole or absent.
 *
 * A file is: magic, version, length of key, length of blob, hash of both, key, blob. What does not
 * check is as good as absent: the driver never sees it. Tests: tests/unit/test_device.c */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device_internal.h"
#include "filemap.h"
#include "mem.h"
#include "outfile.h"

typedef struct header {
    char magic[8];
    uint64_t key_bytes, blob_bytes, hash;
} header;

static const char MAGIC[8] = {'a', 't', 't', 'c', 'l', 'b', '0', '1'};

/* FNV-1a; not a secret's keeper, a detector of damage and difference. */
uint64_t atti_hash(const void *bytes, size_t n, uint64_t seed)
{
    const unsigned char *b = bytes;
    uint64_t h = 14695981039346656037u ^ seed;
    for (size_t i = 0; i < n; i++) h = (h ^ b[i]) * 1099511628211u;
    return h;
}

static char *entry_path(const char *folder, const char *key)
{
    return att_sprintf("%s/%016llx%016llx.clb", folder,
                       (unsigned long long)atti_hash(key, strlen(key), 0),
                       (unsigned long long)atti_hash(key, strlen(key), 0x9e3779b97f4a7c15u));
}

static uint64_t hash_of(const char *key, size_t n_key, const unsigned char *blob, size_t n_blob)
{
    return atti_hash(blob, n_blob, atti_hash(key, n_key, 1));
}

static int check(const att_filemap *map, const char *key, header *h)
{
    const size_t n_key = strlen(key);
    if (map->n_bytes < sizeof *h) return 0;
    memcpy(h, map->bytes, sizeof *h);
    if (memcmp(h->magic, MAGIC, sizeof MAGIC) != 0 || h->key_bytes != n_key) return 0;
    if (map->n_bytes < sizeof *h + n_key) return 0;
    if (h->blob_bytes != map->n_bytes - sizeof *h - n_key || h->blob_bytes == 0) return 0;
    const unsigned char *stored = map->bytes + sizeof *h;
    return memcmp(stored, key, n_key) == 0 &&
           h->hash == hash_of(key, n_key, stored + n_key, (size_t)h->blob_bytes);
}

int atti_cache_read(const char *folder, const char *key, atti_blob *blob)
{
    char *path = entry_path(folder, key);
    att_filemap map;
    header h;
    int good = 0;
    blob->bytes = NULL;
    blob->n_bytes = 0;
    if (path && att_filemap_open(&map, path, NULL) == ATT_OK) {
        if (check(&map, key, &h)) blob->bytes = att_calloc((size_t)h.blob_bytes, 1);
        if (blob->bytes) {
            blob->n_bytes = (size_t)h.blob_bytes;
            memcpy(blob->bytes, map.bytes + sizeof h + strlen(key), blob->n_bytes);
            good = 1;
        }
        att_filemap_close(&map);
    }
    att_free(path);
    return good;
}

/* Also the folders above it; those that are there stay as they are. */
int atti_cache_usable(const char *folder)
{
    char *path = att_strdup(folder);
    if (!path || !*path) {
        att_free(path);
        return 0;
    }
    for (char *c = path + 1; *c; c++) {
        if (*c != '/') continue;
        *c = 0;
        mkdir(path, 0700);
        *c = '/';
    }
    mkdir(path, 0700);
    att_free(path);
    return access(folder, W_OK | X_OK) == 0;
}

int atti_cache_write(const char *folder, const char *key, const atti_blob *blob)
{
    header h;
    att_outfile out;
    const size_t n_key = strlen(key);
    char *path = entry_path(folder, key);
    if (!path || !atti_cache_usable(folder) || att_outfile_open(&out, path, NULL) != ATT_OK) {
        att_free(path);
        return 0;
    }
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    h.key_bytes = n_key;
    h.blob_bytes = blob->n_bytes;
    h.hash = hash_of(key, n_key, blob->bytes, blob->n_bytes);
    fwrite(&h, sizeof h, 1, out.file);
    fwrite(key, 1, n_key, out.file);
    fwrite(blob->bytes, 1, blob->n_bytes, out.file);
    att_free(path);
    return att_outfile_commit(&out, NULL) == ATT_OK;
}
