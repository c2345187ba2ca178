/* chat_template.c - chat_template.h: naming, formatting. The families are data, chat_formats.c;
 * recognising is in chat_recognise.c. Tests: tests/unit/test_chat_template.c */
#include "chat_template.h"

#include <string.h>

#include "chat_buffer.h"
#include "chat_formats.h"
#include "mem.h"

static const char IMAGE[] = "<image>";    /* a picture's place in a content */
static const char DATE[] = "26 Jul 2024"; /* of the templates that tell one */

struct att_chat_template {
    const atti_chat_format *format;
    char *default_system; /* NULL: none */
    char *bos, *eos, *date;
    const char *stops[ATTI_CHAT_MAX_STOPS + 1];
    size_t n_stops;
};

void att_chat_template_destroy(att_chat_template *t)
{
    if (!t) return;
    att_free(t->default_system);
    att_free(t->bos);
    att_free(t->eos);
    att_free(t->date);
    att_free(t);
}

static void add_stop(att_chat_template *t, const char *stop)
{
    if (!stop || !*stop) return;
    for (size_t i = 0; i < t->n_stops; i++)
        if (!strcmp(t->stops[i], stop)) return;
    t->stops[t->n_stops++] = stop;
}

static const char *or_else(const char *given, const char *usual)
{
    return given ? given : usual;
}

att_status atti_chat_make(att_chat_template **chat, const atti_chat_format *format,
                          const att_chat_tokens *tokens, char *default_system, att_err *err)
{
    static const att_chat_tokens NONE = {0};
    const atti_chat_print *p = format->prints;
    if (!tokens) tokens = &NONE;
    att_chat_template *t = att_calloc(1, sizeof *t);
    if (t) {
        t->format = format;
        t->default_system = default_system;
        t->bos = att_strdup(or_else(tokens->bos, p->bos));
        t->eos = att_strdup(or_else(tokens->eos, p->eos));
        t->date = att_strdup(or_else(tokens->date, DATE));
    } else {
        att_free(default_system);
    }
    if (!t || !t->bos || !t->eos || !t->date) {
        att_chat_template_destroy(t);
        return att_fail(err, ATT_E_MEMORY, "chat template: no memory for '%s'", format->name);
    }
    add_stop(t, t->eos);
    for (size_t i = 0; i < ATTI_CHAT_MAX_STOPS; i++) add_stop(t, p->stops[i]);
    *chat = t;
    return ATT_OK;
}

const char *att_chat_template_names(size_t i)
{
    const char *last = NULL;
    for (size_t f = 0; f < atti_chat_n_formats; f++) {
        const char *name = atti_chat_formats[f].name;
        if (last && !strcmp(last, name)) continue; /* another spelling */
        if (i-- == 0) return name;
        last = name;
    }
    return NULL;
}

char *atti_chat_all_names(void)
{
    atti_chat_buffer b = {0};
    for (size_t i = 0; att_chat_template_names(i); i++) {
        if (i) atti_chat_puts(&b, ", ");
        atti_chat_puts(&b, att_chat_template_names(i));
    }
    return atti_chat_take(&b);
}

att_status att_chat_template_named(att_chat_template **chat, const char *name,
                                   const att_chat_tokens *tokens, att_err *err)
{
    *chat = NULL;
    for (size_t f = 0; f < atti_chat_n_formats; f++) {
        const atti_chat_format *format = &atti_chat_formats[f];
        if (strcmp(format->name, name)) continue;
        char *system = format->default_system ? att_strdup(format->default_system) : NULL;
        if (format->default_system && !system)
            return att_fail(err, ATT_E_MEMORY, "chat template: no memory for '%s'", name);
        return atti_chat_make(chat, format, tokens, system, err);
    }
    char *names = atti_chat_all_names();
    const att_status status = att_fail(err, ATT_E_ARG, "chat template: '%s' is none of %s", name,
                                       names ? names : "those that are known");
    att_free(names);
    return status;
}

/* --- what a template says of itself --- */

const char *att_chat_template_name(const att_chat_template *t)
{
    return t->format->name;
}

const char *att_chat_template_default_system(const att_chat_template *t)
{
    return t->default_system;
}

const char *const *att_chat_template_stops(const att_chat_template *t, size_t *n)
{
    *n = t->n_stops;
    return t->stops;
}

/* --- formatting --- */

/* The pattern with {bos}, {eos} and {date} replaced. */
static void put_pattern(const att_chat_template *t, atti_chat_buffer *out, const char *pattern)
{
    const struct {
        const char *name, *text;
    } KNOWN[] = {{"{bos}", t->bos}, {"{eos}", t->eos}, {"{date}", t->date}};
    while (pattern && *pattern) {
        size_t k = 0;
        while (k < 3 && strncmp(pattern, KNOWN[k].name, strlen(KNOWN[k].name))) k++;
        if (k < 3) {
            atti_chat_puts(out, KNOWN[k].text);
            pattern += strlen(KNOWN[k].name);
        } else {
            atti_chat_putc(out, *pattern++);
        }
    }
}

int att_chat_template_has_bos(const att_chat_template *t)
{
    const atti_chat_print *p = t->format->prints;
    atti_chat_buffer b = {0};
    put_pattern(t, &b, p->start ? p->start : p->user.before);
    char *text = atti_chat_take(&b);
    const int has = text && *t->bos && !strncmp(text, t->bos, strlen(t->bos));
    att_free(text);
    return has;
}

/* Bytes of the blank that text begins with, as Python's str.strip() knows them; 0: none. */
static size_t blank_bytes(const char *text, size_t n)
{
    static const char *const WIDE[] = {
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
        "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
        "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    if (n == 0) return 0;
    const unsigned char c = (unsigned char)*text;
    if (c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31)) return 1;
    for (size_t i = 0; i < sizeof WIDE / sizeof *WIDE; i++) {
        const size_t bytes = strlen(WIDE[i]);
        if (n >= bytes && !memcmp(text, WIDE[i], bytes)) return bytes;
    }
    return 0;
}

static void put_stripped(atti_chat_buffer *out, const char *text)
{
    size_t first = 0, end = strlen(text), b;
    while ((b = blank_bytes(text + first, end - first))) first += b;
    for (int again = 1; again && end > first;) {
        again = 0;
        for (size_t back = 1; back <= 3 && back <= end - first && !again; back++)
            if (blank_bytes(text + end - back, back) == back) {
                end -= back;
                again = 1;
            }
    }
    atti_chat_put(out, text + first, end - first);
}

static void put_content(atti_chat_buffer *out, const char *text, int strip)
{
    if (strip)
        put_stripped(out, text);
    else
        atti_chat_puts(out, text);
}

static void put_part(const att_chat_template *t, atti_chat_buffer *out, const atti_chat_part *part,
                     const char *content)
{
    put_pattern(t, out, part->before);
    const size_t n = sizeof IMAGE - 1;
    if (t->format->prints->image == ATTI_CHAT_IMAGE_CLOSE && !strncmp(content, IMAGE, n) &&
        atti_chat_ends(out, ": "))
        out->n--;
    while (t->format->prints->image == ATTI_CHAT_IMAGE_LINE && !strncmp(content, IMAGE, n)) {
        atti_chat_puts(out, IMAGE);
        atti_chat_putc(out, '\n');
        content += n;
    }
    put_content(out, content, part->strip);
    put_pattern(t, out, part->after);
}

/* A user message that the system's goes into. */
static void put_folded(const att_chat_template *t, atti_chat_buffer *out, const char *system,
                       const char *content)
{
    const atti_chat_print *p = t->format->prints;
    atti_chat_buffer whole = {0};
    put_pattern(t, &whole, p->system.before);
    atti_chat_puts(&whole, system);
    put_pattern(t, &whole, p->system.after);
    put_content(&whole, content, p->user.strip && !p->folded_strip);
    char *text = atti_chat_take(&whole);
    if (!text) out->failed = 1;
    put_pattern(t, out, p->user.before);
    if (text) put_content(out, text, p->folded_strip);
    put_pattern(t, out, p->user.after);
    att_free(text);
}

typedef enum chat_role { SYSTEM, USER, ASSISTANT, N_ROLES } chat_role;

static chat_role role_of(const char *role)
{
    static const char *const ROLES[N_ROLES] = {"system", "user", "assistant"};
    int r = 0;
    while (r < N_ROLES && strcmp(role, ROLES[r])) r++;
    return (chat_role)r;
}

static att_status check_messages(const att_chat_template *t, const att_chat_message *m, size_t n,
                                 att_err *err)
{
    const atti_chat_print *p = t->format->prints;
    const char *name = t->format->name;
    if (n == 0) return att_fail(err, ATT_E_ARG, "chat: no message, expected one or more");
    size_t turn = 0; /* of user and assistant */
    for (size_t i = 0; i < n; i++) {
        const chat_role role = role_of(m[i].role);
        if (role == N_ROLES)
            return att_fail(err, ATT_E_ARG,
                            "chat: message %zu is of '%s', expected system, user or assistant",
                            i + 1, m[i].role);
        if (role == SYSTEM && !p->system.before)
            return att_fail(err, ATT_E_ARG,
                            "chat: message %zu is the system's; the template %s has no way to say "
                            "it, put it into the first question",
                            i + 1, name);
        if (role == SYSTEM && i > 0 && (p->alternates || p->fold != ATTI_CHAT_ALONE))
            return att_fail(err, ATT_E_ARG,
                            "chat: message %zu is the system's; in the template %s only the first "
                            "one can be",
                            i + 1, name);
        if (role == SYSTEM) continue;
        if (p->alternates && (role == USER) != (turn % 2 == 0))
            return att_fail(err, ATT_E_ARG,
                            "chat: message %zu is of '%s', expected '%s'; in the template %s user "
                            "and assistant alternate",
                            i + 1, m[i].role, turn % 2 ? "assistant" : "user", name);
        turn++;
    }
    return ATT_OK;
}

static void put_messages(const att_chat_template *t, atti_chat_buffer *out,
                         const att_chat_message *m, size_t n)
{
    const atti_chat_print *p = t->format->prints;
    const atti_chat_part *first = p->first_system.before ? &p->first_system : &p->system;
    const char *system = role_of(m[0].role) == SYSTEM ? m[0].content : t->default_system;
    const size_t begin = role_of(m[0].role) == SYSTEM;
    /* the marks of a folded one in the first question stand for it */
    if (!begin && begin < n && p->folded_strip && strstr(m[0].content, "<<SYS>>")) system = NULL;
    put_pattern(t, out, p->start);
    if (system && p->fold == ATTI_CHAT_ALONE) put_part(t, out, first, system);
    for (size_t i = begin; i < n; i++) {
        const chat_role role = role_of(m[i].role);
        const int folds = system && role == USER &&
                          ((p->fold == ATTI_CHAT_FIRST && i == begin) ||
                           (p->fold == ATTI_CHAT_LAST && i + 1 == n));
        if (folds)
            put_folded(t, out, system, m[i].content);
        else
            put_part(t, out,
                     role == SYSTEM ? &p->system
                     : role == USER ? &p->user
                                    : &p->assistant,
                     m[i].content);
    }
}

att_status att_chat_template_apply(const att_chat_template *t, const att_chat_message *messages,
                                   size_t n, int add_generation_prompt, char **text, att_err *err)
{
    atti_chat_buffer out = {0};
    *text = NULL;
    const att_status status = check_messages(t, messages, n, err);
    if (status) return status;
    put_messages(t, &out, messages, n);
    if (add_generation_prompt || t->format->prompt_always)
        put_pattern(t, &out, t->format->prints->prompt);
    *text = atti_chat_take(&out);
    return *text ? ATT_OK : att_fail(err, ATT_E_MEMORY, "chat: no memory for its text");
}

att_status att_chat_template_continue(const att_chat_template *t, const att_chat_message *messages,
                                      size_t n, int add_generation_prompt, const char *before,
                                      size_t *keep, char **text, att_err *err)
{
    *keep = 0;
    const att_status status =
        att_chat_template_apply(t, messages, n, add_generation_prompt, text, err);
    if (status) return status;
    char *whole = *text;
    size_t k = 0;
    while (before[k] && before[k] == whole[k]) k++;
    while (k > 0 && ((whole[k] & 0xc0) == 0x80 || (before[k] & 0xc0) == 0x80)) k--;
    *keep = k;
    memmove(whole, whole + k, strlen(whole + k) + 1);
    return ATT_OK;
}
