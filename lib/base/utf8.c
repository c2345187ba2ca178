/* utf8.c - utf8.h. Tests: tests/unit/test_tokens.c */
#include "utf8.h"

#include <string.h>

#include "mem.h"

/* Bytes that the first byte asks for; 0 when it begins no character. */
static size_t width_of(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return 2;
    if (first >= 0xe0 && first <= 0xef) return 3;
    if (first >= 0xf0 && first <= 0xf4) return 4;
    return 0;
}

/* The second byte's range keeps out overlong forms, surrogates and what lies above U+10FFFF. */
static int second_fits(unsigned char first, unsigned char second)
{
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

/* How many of the n bytes fit together from the start: the width when they are a character. */
static size_t fitting(const unsigned char *b, size_t n, size_t width)
{
    size_t i = 1;
    if (width > 1 && n > 1 && second_fits(b[0], b[1])) {
        i = 2;
        while (i < width && i < n && b[i] >= 0x80 && b[i] <= 0xbf) i++;
    }
    return i;
}

size_t att_utf8_decode(const char *text, size_t n, uint32_t *character)
{
    static const unsigned char FIRST_BITS[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const unsigned char *b = (const unsigned char *)text;
    const size_t width = n ? width_of(b[0]) : 0;
    if (!width || fitting(b, n, width) < width) return 0;
    *character = b[0] & FIRST_BITS[width];
    for (size_t i = 1; i < width; i++) *character = *character << 6 | (b[i] & 0x3fu);
    return width;
}

char *att_utf8_repair_counted(const char *bytes, size_t n, size_t *n_repaired)
{
    static const char REPLACEMENT[] = "\xef\xbf\xbd";
    const unsigned char *b = (const unsigned char *)bytes;
    char *text = att_calloc(3 * n + 1, 1); /* a lone byte becomes three */
    size_t at = 0;
    for (size_t i = 0; text && i < n;) {
        const size_t width = width_of(b[i]), fits = width ? fitting(b + i, n - i, width) : 1;
        if (width && fits == width) {
            memcpy(text + at, b + i, width);
            at += width;
        } else {
            memcpy(text + at, REPLACEMENT, 3);
            at += 3;
        }
        i += fits;
    }
    *n_repaired = at;
    return text;
}

char *att_utf8_repair(const char *bytes, size_t n)
{
    size_t n_repaired;
    return att_utf8_repair_counted(bytes, n, &n_repaired);
}

/* Python's str.isspace(). */
static int is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

const char *att_utf8_strip(const char *text, size_t *n)
{
    const char *first = NULL, *end = text;
    size_t left = strlen(text);
    while (left) {
        uint32_t c;
        size_t width = att_utf8_decode(text, left, &c);
        const int blank = width && is_space(c);
        if (!width) width = 1;
        if (!blank && !first) first = text;
        text += width;
        left -= width;
        if (!blank) end = text;
    }
    *n = first ? (size_t)(end - first) : 0;
    return first ? first : end;
}
