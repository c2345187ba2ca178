/* json_text.c - json_text.h. Tests: tests/unit/test_weights.c, tests/fuzz/fuzz_weights.c */
#include "json_text.h"

#include <string.h>

enum { MAX_DEPTH = 8, MAX_VALUES = 1 << 22 };

static att_status scan(const atti_json *j)
{
    size_t depth = 0;
    size_t n_values = 0;
    int in_string = 0;
    for (size_t i = 0; i < j->n; i++) {
        const unsigned char c = (unsigned char)j->text[i];
        const char *wrong = NULL;
        if (in_string) {
            if (c < 0x20) wrong = "a control character in a string";
            if (c == '\\' && j->n - i > 5 && memcmp(j->text + i, "\\u0000", 6) == 0)
                wrong = "a NUL character in a string";
            if (c == '"') in_string = 0;
            if (c == '\\' && !wrong) i++; /* what follows is no end of the string */
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > MAX_DEPTH) wrong = "nested deeper than 8";
        } else if (c == '}' || c == ']') {
            if (depth-- == 0) wrong = "a bracket that was not opened";
        } else if (c == ',' && ++n_values > MAX_VALUES) {
            wrong = "more than 4194304 values";
        } else if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') {
            wrong = "a control character";
        }
        if (wrong)
            return atti_reject(j->w, j->at + (uint64_t)i, j->err, "%s has %s", j->what, wrong);
    }
    return ATT_OK;
}

att_status atti_json_parse(const atti_json *j, cJSON **root)
{
    const char *end = NULL;
    *root = NULL;
    const att_status status = scan(j);
    if (status) return status;
    *root = cJSON_ParseWithLengthOpts(j->text, j->n, &end, 0);
    size_t at = end ? (size_t)(end - j->text) : 0;
    if (!cJSON_IsObject(*root))
        return atti_reject(j->w, j->at + (uint64_t)at, j->err, "%s is not JSON from here on",
                           j->what);
    while (at < j->n && strchr(" \t\r\n", j->text[at]) && j->text[at]) at++;
    if (at < j->n)
        return atti_reject(j->w, j->at + (uint64_t)at, j->err, "something follows %s's object",
                           j->what);
    return ATT_OK;
}

uint64_t atti_json_key(atti_json *j, const char *key)
{
    const size_t n = strlen(key);
    for (; j->searched + n + 2 <= j->n; j->searched++) {
        const char *here = j->text + j->searched;
        if (here[0] == '"' && here[n + 1] == '"' && memcmp(here + 1, key, n) == 0)
            return j->at + (uint64_t)j->searched++;
    }
    j->searched = j->n;
    return j->at;
}
