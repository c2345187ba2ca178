/* chat_jinja.h - a Jinja template in one spelling, so that templates which print the same can be
 * compared as texts.
 *
 * Whitespace control is done as Hugging Face's renderer does it (trim_blocks, lstrip_blocks, "-"
 * and
 * "+"), and what is left outside of tags becomes an output, {{'text'}}. Inside tags blanks go,
 * except between words; literals have single quotes and \\, \' as their only escapes; .role and
 * .content become ['role'] and ['content']; neighbouring literals and outputs become one; comments
 * and {% generation %} go. Nothing is evaluated:
 *     {% for m in messages -%}
 *         {{ "<|" + m.role }}|>        becomes   {%for m in messages%}{{'<|'+m['role']+'|>...
 *
 * Source: Jinja 3.1, src/jinja2/lexer.py. Tests: tests/unit/test_chat_template.c,
 * tests/fuzz/fuzz_chat_template.c */
#ifndef ATTI_CHAT_JINJA_H
#define ATTI_CHAT_JINJA_H

#include <stddef.h>

#include "attend/error.h"

enum { ATTI_JINJA_MAX_BYTES = 1 << 18 };

/* *text: the caller's, att_free(). ATT_E_MODEL, with the byte, for what is no template: a tag or a
 * literal without an end, a byte 0, more than ATTI_JINJA_MAX_BYTES. */
att_status atti_jinja_canonical(char **text, const char *jinja, size_t n_bytes, att_err *err);

/* Puts the bytes as they stand inside of a canonical literal. */
struct atti_chat_buffer;
void atti_jinja_escape(struct atti_chat_buffer *out, const char *bytes, size_t n);

#endif /* ATTI_CHAT_JINJA_H */
