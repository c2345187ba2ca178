/* options.h - option structs of callers that were compiled against another version of the library.
 *
 * Such a struct begins with `size_t size` and grows at its end only. It is never returned by value:
 * the caller's room may be smaller.
 * Tests: tests/unit/test_options.c */
#ifndef ATT_OPTIONS_H
#define ATT_OPTIONS_H

#include <stddef.h>

#include "attend/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* *ours holds the defaults and our size. Over them come the caller's fields, as many as its struct
 * has; theirs NULL: none. ATT_E_ARG for a struct that is larger than ours (a newer header with an
 * older library) or that has no size. what: "transcribe", for the message. */
att_status att_options_take(void *ours, const void *theirs, const char *what, att_err *err);

/* The defaults for a caller whose struct has `bytes`: as much of them as it has room for, zeros
 * behind what we know, and that size. */
void att_options_give(void *theirs, size_t bytes, const void *ours);

#ifdef __cplusplus
}
#endif
#endif /* ATT_OPTIONS_H */
