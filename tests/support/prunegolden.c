/* prunegolden.c - see prunegolden.h. */
#include "prunegolden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

att_weights *prune_golden(void)
{
    att_weights *golden;
    att_err err;
    if (att_weights_open(&golden, ATT_SOURCE_DIR "/tests/golden/prune.safetensors", &err))
        fail_msg("%s", err.text);
    return golden;
}

static const att_array *find(const att_weights *golden, const char *name)
{
    const att_array *array = att_weights_find(golden, name);
    if (!array) fail_msg("no array %s in the golden file", name);
    return array;
}

const float *prune_floats(const att_weights *golden, size_t n, const char *format, ...)
{
    char name[128];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const att_array *array = find(golden, name);
    if (array->bytes != n * sizeof(float))
        fail_msg("%s: %zu bytes, expected %zu numbers", name, array->bytes, n);
    return (const void *)array->data;
}

const int32_t *prune_ints(const att_weights *golden, int32_t *n, const char *format, ...)
{
    char name[128];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const att_array *array = find(golden, name);
    *n = (int32_t)(array->bytes / sizeof(int32_t));
    return (const void *)array->data;
}
