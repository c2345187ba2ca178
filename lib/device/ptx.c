/* ptx.c - instructions that a driver's OpenCL compiler does not know but its assembler does
 * (device_internal.h). Tests: tests/unit/test_ptx.c */
#include <ctype.h>
#include <string.h>

#include "device_internal.h"
#include "mem.h"

static const char MARK[] = "//@", TARGET[] = "\n.target sm_";

/* First place of `what` in [at, end), or end. */
static const char *find(const char *at, const char *end, const char *what)
{
    const size_t n = strlen(what);
    for (; at + n <= end; at++)
        if (memcmp(at, what, n) == 0) return at;
    return end;
}

char *atti_ptx_reveal(const char *ptx, size_t n, size_t *n_revealed)
{
    const char *const end = ptx + n, *target = find(ptx, end, TARGET);
    if (target == end || find(ptx, end, MARK) == end) return NULL;
    const char *number = target + strlen(TARGET);
    while (number < end && isdigit((unsigned char)*number)) number++;
    char *revealed = att_calloc(n + 2, 1), *to = revealed;
    if (!revealed) return NULL;
    memcpy(to, ptx, (size_t)(number - ptx));
    to += number - ptx;
    *to++ = 'a';
    for (const char *at = number; at < end;) {
        const char *mark = find(at, end, MARK);
        memcpy(to, at, (size_t)(mark - at));
        to += mark - at;
        at = mark == end ? end : mark + strlen(MARK);
    }
    *n_revealed = (size_t)(to - revealed);
    return revealed;
}
