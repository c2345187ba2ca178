/* chat_recognise.c - chat_template.h: which family a template text is of. All marks of the family
 * have to be in its canonical form, and nothing that prints besides; then the default system prompt
 * is read from it. Tests: tests/unit/test_chat_template.c, tests/fuzz/fuzz_chat_template.c */
#include <string.h>

#include "chat_buffer.h"
#include "chat_formats.h"
#include "chat_jinja.h"
#include "chat_template.h"
#include "mem.h"

/* The first mark that the canonical text lacks; NULL: it has all. */
static const char *missing_mark(const atti_chat_format *format, const char *text)
{
    for (size_t m = 0; m < ATTI_CHAT_MAX_MARKS && format->marks[m]; m++)
        if (!strstr(text, format->marks[m])) return format->marks[m];
    return NULL;
}

/* The literal's bytes up to its quote, unescaped; NULL: out of memory. */
static char *literal_of(const char *text, size_t n)
{
    atti_chat_buffer b = {0};
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\\' && i + 1 < n) i++;
        atti_chat_putc(&b, text[i]);
    }
    return atti_chat_take(&b);
}

/* Bytes of a canonical literal from text up to its closing quote. */
static size_t literal_bytes(const char *text)
{
    size_t n = 0;
    while (text[n] && text[n] != '\'') n += text[n] == '\\' && text[n + 1] ? 2 : 1;
    return n;
}

/* The default system prompt that stands in a canonical text. *found: its first byte there, NULL
 * when there is none. */
static const char *find_default(const atti_chat_default *d, const char *text, size_t *n_bytes)
{
    if (!d->before || (d->also && !strstr(text, d->also))) return NULL;
    const char *hit = strstr(text, d->before);
    if (!hit) return NULL;
    hit += strlen(d->before);
    const char *end = strstr(hit, d->after);
    const char *quote = strchr(d->after, '\'');
    if (!end || !quote || (size_t)(end - hit) + (size_t)(quote - d->after) != literal_bytes(hit))
        return NULL;
    *n_bytes = (size_t)(end - hit);
    return hit;
}

/* Whether the text has a default system prompt of a kind that is not known: a literal that goes on
 * behind the hint, elsewhere than at `known`, and not where it can never be chosen. */
static int strange_default(const atti_chat_format *format, const char *text, const char *known)
{
    static const char NEVER[] = "{%elif false==true";
    const char *hint = format->default_hint;
    for (const char *at = text; hint && (at = strstr(at, hint)); at++) {
        const char *behind = at + strlen(hint), *never = NULL;
        if (behind == known || *behind == '\'') continue;
        for (const char *p = text; (p = strstr(p, NEVER)) && p < at; p++) never = p;
        if (never) { /* is the hint in that branch? */
            const char *branch = strstr(never + sizeof NEVER - 1, "{%el");
            if (!branch || branch > at) continue;
        }
        return 1;
    }
    return 0;
}

/* A piece of canonical text for a message: one line, not too long, up to `end` when that is there.
 */
static const char *shown(char out[static 100], const char *text, const char *end)
{
    size_t n = 0;
    for (; *text && text != end && n < 90; text++) {
        if (*text == '\n') {
            out[n++] = '\\';
            out[n++] = 'n';
        } else {
            out[n++] = *text;
        }
    }
    const int cut = *text && text != end;
    memcpy(out + n, cut ? "..." : "", cut ? 4 : 1);
    return out;
}

/* Sets what the marks explain of the text, and what lies from `begin` to `end`. */
static void cover(const atti_chat_format *format, const char *text, const char *begin,
                  const char *end, char *covered)
{
    for (size_t m = 0; m < ATTI_CHAT_MAX_MARKS && format->marks[m]; m++)
        memset(covered + (strstr(text, format->marks[m]) - text), 1, strlen(format->marks[m]));
    memset(covered + (begin - text), 1, (size_t)(end - begin));
}

/* The first output of the canonical text that nothing explains; NULL: none. What a template prints
 * for tools is passed over, but for the token for the beginning. */
static const char *strange_output(const char *text, const char *covered, int has_tools)
{
    static const char RAISES[] = "{{raise_exception(", BOS[] = "bos_token";
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '\'') {
            i += 1 + literal_bytes(text + i + 1);
            if (!text[i]) break;
        } else if (!covered[i] && !strncmp(text + i, "{{", 2)) {
            const char *end = strstr(text + i, "}}"), *bos = strstr(text + i, BOS);
            if (!strncmp(text + i, RAISES, sizeof RAISES - 1)) continue;
            if (!has_tools || (bos && (!end || bos < end))) return text + i;
        }
    }
    return NULL;
}

/* begin to end: where the text has its default system prompt. */
static att_status check_outputs(const atti_chat_format *format, const char *text, const char *begin,
                                const char *end, att_err *err)
{
    char piece[100];
    char *covered = att_calloc(strlen(text) + 1, 1);
    if (!covered) return att_fail(err, ATT_E_MEMORY, "chat template: no memory for its marks");
    cover(format, text, begin, end, covered);
    const char *strange = strange_output(text, covered, strstr(text, "tools") != NULL);
    att_free(covered);
    if (!strange) return ATT_OK;
    const char *closes = strstr(strange, "}}");
    return att_fail(err, ATT_E_MODEL,
                    "chat template: it has the marks of %s, and prints %s besides; try "
                    "--chat-template %s",
                    format->name, shown(piece, strange, closes ? closes + 2 : NULL), format->name);
}

static att_status take_default(const atti_chat_format *format, const char *text, char **system,
                               att_err *err)
{
    const char *known = NULL, *begin = text;
    size_t n = 0;
    *system = NULL;
    for (size_t d = 0; d < 2 && !known; d++) {
        known = find_default(&format->defaults[d], text, &n);
        if (known) begin = known - strlen(format->defaults[d].before);
    }
    if (strange_default(format, text, known))
        return att_fail(err, ATT_E_MODEL,
                        "chat template: it has the marks of %s, but it is not clear when its "
                        "default system prompt is told; try --chat-template %s",
                        format->name, format->name);
    const att_status status = check_outputs(format, text, begin, known ? known + n : begin, err);
    if (status || (!known && !format->default_system)) return status;
    *system = known ? literal_of(known, n) : att_strdup(format->default_system);
    return *system ? ATT_OK
                   : att_fail(err, ATT_E_MEMORY, "chat template: no memory for its default");
}

static att_status unknown(const char *text, size_t n_bytes, att_err *err)
{
    char piece[100];
    for (size_t i = 0; i < atti_chat_n_strangers; i++)
        if (strstr(text, atti_chat_strangers[i]))
            return att_fail(err, ATT_E_MODEL,
                            "chat template: its %zu bytes have '%s', which no template has that is "
                            "known; try --chat-template NAME",
                            n_bytes, atti_chat_strangers[i]);
    for (size_t f = 0; f < atti_chat_n_formats; f++) {
        const atti_chat_format *format = &atti_chat_formats[f];
        if (!format->sign || !strstr(text, format->sign)) continue;
        return att_fail(err, ATT_E_MODEL,
                        "chat template: it has '%s' of %s, but does not print as that does; looked "
                        "for %s; try --chat-template %s",
                        format->sign, format->name, shown(piece, missing_mark(format, text), NULL),
                        format->name);
    }
    char *names = atti_chat_all_names();
    const att_status status =
        att_fail(err, ATT_E_MODEL,
                 "chat template: its %zu bytes are not known; looked for the marks of %s; try "
                 "--chat-template NAME",
                 n_bytes, names ? names : "all families");
    att_free(names);
    return status;
}

att_status att_chat_template_recognise(att_chat_template **chat, const char *jinja, size_t n_bytes,
                                       const att_chat_tokens *tokens, att_err *err)
{
    char *text, *system = NULL;
    *chat = NULL;
    att_status status = atti_jinja_canonical(&text, jinja, n_bytes, err);
    if (status) return status;
    const atti_chat_format *found = NULL;
    for (size_t f = 0; f < atti_chat_n_formats && !found; f++)
        if (atti_chat_formats[f].sign && !missing_mark(&atti_chat_formats[f], text))
            found = &atti_chat_formats[f];
    for (size_t i = 0; i < atti_chat_n_strangers; i++)
        if (strstr(text, atti_chat_strangers[i])) found = NULL;
    if (!found)
        status = unknown(text, n_bytes, err);
    else
        status = take_default(found, text, &system, err);
    att_free(text);
    return status ? status : atti_chat_make(chat, found, tokens, system, err);
}
