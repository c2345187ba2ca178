/* mem.h - the only door to the heap: checked products, zeroed blocks, one place to count. */
#ifndef ATT_MEM_H
#define ATT_MEM_H

#include <stddef.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* count * size zeroed bytes, or NULL when memory is out or the product overflows. A block of
 * nothing is a valid block. Owned by the caller: att_free(). */
void *att_calloc(size_t count, size_t size);

/* Grows block (NULL is none yet) to count * size bytes; on failure NULL, block stays valid. */
void *att_realloc(void *block, size_t count, size_t size);

/* A copy of text, or NULL. */
char *att_strdup(const char *text);

/* Like sprintf into a block of its own, or NULL. */
char *att_sprintf(const char *format, ...) ATT_PRINTF(1, 2);

void att_free(void *block); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif /* ATT_MEM_H */
