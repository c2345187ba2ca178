/* options.c - options.h. Tests: tests/unit/test_options.c */
#include "options.h"

#include <string.h>

att_status att_options_take(void *ours, const void *theirs, const char *what, att_err *err)
{
    size_t size, given;
    if (!theirs) return ATT_OK;
    memcpy(&size, ours, sizeof size);
    memcpy(&given, theirs, sizeof given);
    if (given < sizeof given)
        return att_fail(err, ATT_E_ARG,
                        "%s: the options say that they have %zu bytes; start from the "
                        "function that sets their defaults",
                        what, given);
    if (given > size)
        return att_fail(err, ATT_E_ARG,
                        "%s: the options have %zu bytes, this library knows %zu; the program was "
                        "compiled against a newer attend, install that one",
                        what, given, size);
    memcpy(ours, theirs, given);
    memcpy(ours, &size, sizeof size);
    return ATT_OK;
}

void att_options_give(void *theirs, size_t bytes, const void *ours)
{
    size_t size;
    memcpy(&size, ours, sizeof size);
    if (bytes < sizeof size) return;
    memset(theirs, 0, bytes);
    memcpy(theirs, ours, bytes < size ? bytes : size);
    memcpy(theirs, &bytes, sizeof bytes);
}
