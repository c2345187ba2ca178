/* utf8.h - decoding UTF-8, and repairing what is none. Tests: tests/unit/test_tokens.c */
#ifndef ATT_UTF8_H
#define ATT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the character at text (1 to 4), or 0 when the n bytes begin with none (also for n = 0).
 */
size_t att_utf8_decode(const char *text, size_t n, uint32_t *character);

/* The n bytes with U+FFFD for each maximal part that is no character, as Python's errors="replace".
 * The caller att_free()s it; NULL when memory is out. */
char *att_utf8_repair(const char *bytes, size_t n);
/* The same, and how many bytes it has, for texts that may hold a NUL. */
char *att_utf8_repair_counted(const char *bytes, size_t n, size_t *n_repaired);

/* The part of the text between its outer white space, as Python's strip(): where it begins, and its
 * bytes. */
const char *att_utf8_strip(const char *text, size_t *n);

#ifdef __cplusplus
}
#endif
#endif /* ATT_UTF8_H */
