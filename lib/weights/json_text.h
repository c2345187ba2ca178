/* json_text.h - JSON inside a file of weights: bounded before it is parsed, and where its keys are.
 *
 * Tests: tests/unit/test_weights.c, tests/fuzz/fuzz_weights.c, fuzz_shards.c */
#ifndef ATTI_JSON_TEXT_H
#define ATTI_JSON_TEXT_H

#include <cjson/cJSON.h>

#include "weights_index.h"

typedef struct atti_json {
    const att_weights *w;
    const char *what; /* "the header", for messages */
    const char *text; /* not terminated */
    size_t n;
    uint64_t at;     /* of text in the file */
    size_t searched; /* atti_json_key() has looked at the text up to here */
    att_err *err;
} atti_json;

/* The text as one JSON object, which the caller deletes, also on failure. What the parser must not
 * be asked to swallow is rejected before: nesting, absurdly many values, NUL characters; also what
 * it would let pass, raw control characters. */
att_status atti_json_parse(const atti_json *j, cJSON **root);

/* Where in the file the text has `key` as a string, for messages. Keys are asked for in their
 * order, so the search goes on from the last hit; a key that is spelled with escapes is not found,
 * and from then on the answer is the text's beginning. */
uint64_t atti_json_key(atti_json *j, const char *key);

#endif /* ATTI_JSON_TEXT_H */
