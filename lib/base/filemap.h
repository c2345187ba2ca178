/* filemap.h - a whole file as read-only memory. */
#ifndef ATT_FILEMAP_H
#define ATT_FILEMAP_H

#include <stddef.h>
#include <stdint.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_filemap {
    const uint8_t *bytes; /* NULL for an empty file */
    size_t n_bytes;
} att_filemap;

/* Maps path. The pages are file-backed; the file must not shrink while mapped. */
att_status att_filemap_open(att_filemap *map, const char *path, att_err *err);

/* Tells the system that the pages of [at, at + n) are not needed soon: they leave resident memory
 * and come back from the file when touched. */
void att_filemap_forget(const att_filemap *map, size_t at, size_t n);

void att_filemap_close(att_filemap *map); /* a zeroed map is fine */

#ifdef __cplusplus
}
#endif
#endif /* ATT_FILEMAP_H */
