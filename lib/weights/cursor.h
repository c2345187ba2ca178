/* cursor.h - walking through a file of weights from front to back, for the readers of the single
 * formats: what is not there is rejected at its byte. */
#ifndef ATTI_CURSOR_H
#define ATTI_CURSOR_H

#include "weights_index.h"

typedef struct atti_cursor {
    att_weights *w;
    size_t at; /* never past the end of the file */
    att_err *err;
} atti_cursor;

/* n bytes further on, or a rejection; `what` is being read. */
att_status atti_take(atti_cursor *c, uint64_t n, const char *what, const uint8_t **bytes);

/* A little-endian number of n bytes, n <= 8. */
att_status atti_take_number(atti_cursor *c, size_t n, const char *what, uint64_t *value);

#endif /* ATTI_CURSOR_H */
