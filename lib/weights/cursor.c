/* cursor.c - cursor.h. Tests: tests/unit/test_weights.c, test_gguf.c, test_ggml.c */
#include "cursor.h"

#include <inttypes.h>

att_status atti_take(atti_cursor *c, uint64_t n, const char *what, const uint8_t **bytes)
{
    const size_t left = c->w->n_bytes - c->at;
    if (n > left)
        return atti_reject(c->w, c->at, c->err,
                           "%s takes %" PRIu64 " bytes, the file ends after %zu; it is cut short, "
                           "get it again",
                           what, n, left);
    *bytes = c->w->bytes + c->at;
    c->at += (size_t)n;
    return ATT_OK;
}

att_status atti_take_number(atti_cursor *c, size_t n, const char *what, uint64_t *value)
{
    const uint8_t *b = NULL;
    const att_status status = atti_take(c, n, what, &b);
    if (status) return status;
    *value = 0;
    for (size_t i = 0; i < n; i++) *value |= (uint64_t)b[i] << 8 * i;
    return ATT_OK;
}
