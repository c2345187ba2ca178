/* mem.c - heap blocks (mem.h). Tests: tests/unit/test_base.c */
#include "mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *att_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    return calloc(count ? count : 1, size ? size : 1);
}

void *att_realloc(void *block, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    const size_t bytes = count * size;
    return realloc(block, bytes ? bytes : 1);
}

char *att_strdup(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = att_calloc(bytes, 1);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

char *att_sprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) return NULL;
    char *text = att_calloc((size_t)n + 1, 1);
    if (!text) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}

void att_free(void *block)
{
    free(block);
}
