/* precision.c - names of precisions (attend/precision.h). Tests: tests/unit/test_base.c */
#include "attend/precision.h"

#include <string.h>

static const char *const NAMES[] = {"exact", "fast", "int8"};

const char *att_precision_name(att_precision precision)
{
    return NAMES[precision];
}

int att_precision_of_name(const char *name, att_precision *precision)
{
    for (int i = 0; i < (int)(sizeof NAMES / sizeof *NAMES); i++)
        if (strcmp(name, NAMES[i]) == 0) {
            *precision = (att_precision)i;
            return 1;
        }
    return 0;
}
