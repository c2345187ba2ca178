/* chat_jinja.c - chat_jinja.h. Tests: tests/unit/test_chat_template.c */
#include "chat_jinja.h"

#include <string.h>

#include "chat_buffer.h"
#include "mem.h"

typedef struct reader {
    const char *s; /* line ends are \n */
    size_t n, at;
    int line_start; /* whether s + at stands at the start of a line, or did before trimming */
    atti_chat_buffer out;
    size_t literal_end; /* of out, behind the last literal's quote; 0: none */
    size_t output_end;  /* of out, behind the last "}}" of ours; 0: none */
    att_err *err;
} reader;

static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 128;
}

void atti_jinja_escape(atti_chat_buffer *out, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\'' || bytes[i] == '\\') atti_chat_putc(out, '\\');
        atti_chat_putc(out, bytes[i]);
    }
}

/* Opens a literal, or goes on in the one before a plus. */
static void open_literal(reader *r)
{
    if (r->literal_end && r->out.n == r->literal_end + 1 && atti_chat_ends(&r->out, "'+"))
        r->out.n -= 2;
    else
        atti_chat_putc(&r->out, '\'');
}

static void close_literal(reader *r)
{
    atti_chat_putc(&r->out, '\'');
    r->literal_end = r->out.n;
}

static void open_output(reader *r)
{
    if (r->output_end && r->out.n == r->output_end) {
        r->out.n -= 2;
        atti_chat_putc(&r->out, '+');
    } else {
        atti_chat_puts(&r->out, "{{");
    }
}

static void close_output(reader *r)
{
    atti_chat_puts(&r->out, "}}");
    r->output_end = r->out.n;
}

static void put_data(reader *r, size_t first, size_t end)
{
    if (first >= end) return;
    open_output(r);
    open_literal(r);
    atti_jinja_escape(&r->out, r->s + first, end - first);
    close_literal(r);
    close_output(r);
}

/* The literal that begins at r->at, escapes decoded; unknown ones stay as they are. */
static att_status put_literal(reader *r)
{
    const size_t begin = r->at;
    const char quote = r->s[r->at++];
    open_literal(r);
    for (; r->at < r->n && r->s[r->at] != quote; r->at++) {
        char c = r->s[r->at];
        if (c == '\\' && r->at + 1 < r->n) {
            static const char FROM[] = "nrt\\'\"", TO[] = "\n\r\t\\'\"";
            const char *known = strchr(FROM, r->s[r->at + 1]);
            if (known) {
                c = TO[known - FROM];
                r->at++;
            }
        }
        atti_jinja_escape(&r->out, &c, 1);
    }
    if (r->at >= r->n)
        return att_fail(r->err, ATT_E_MODEL,
                        "chat template: no end of the text that begins at byte %zu", begin);
    r->at++;
    close_literal(r);
    return ATT_OK;
}

/* At ".role" or ".content", which is no longer word. */
static size_t key_at(const reader *r)
{
    static const char *const KEYS[] = {".role", ".content"};
    for (size_t k = 0; k < sizeof KEYS / sizeof *KEYS; k++) {
        const size_t n = strlen(KEYS[k]);
        if (r->n - r->at < n || memcmp(r->s + r->at, KEYS[k], n)) continue;
        if (r->at + n == r->n || (!is_word(r->s[r->at + n]) && r->s[r->at + n] != '(')) return n;
    }
    return 0;
}

/* What is inside of a tag, up to its end: `close` is '}' or '%'. *minus, *plus: the sign there. */
static att_status put_inside(reader *r, size_t begin, char close, int *minus, int *plus)
{
    int depth = 0, blank = 0;
    while (r->at + 1 < r->n) {
        const char c = r->s[r->at], next = r->s[r->at + 1];
        const int sign = c == '-' || c == '+';
        const size_t end = r->at + (size_t)sign;
        if (depth == 0 && end + 1 < r->n && r->s[end] == close && r->s[end + 1] == '}') {
            *minus = c == '-';
            *plus = c == '+';
            r->at = end + 2;
            return ATT_OK;
        }
        if (is_blank(c)) {
            blank = 1;
            r->at++;
            continue;
        }
        if (blank && is_word(c) && r->out.n && is_word(r->out.bytes[r->out.n - 1]))
            atti_chat_putc(&r->out, ' ');
        blank = 0;
        if (c == '\'' || c == '"') {
            const att_status status = put_literal(r);
            if (status) return status;
            continue;
        }
        if (c == '(' || c == '[' || c == '{') depth++;
        if ((c == ')' || c == ']' || c == '}') && depth > 0) depth--;
        const size_t key = c == '.' && next != '.' ? key_at(r) : 0;
        if (key) {
            atti_chat_puts(&r->out, "['");
            atti_chat_put(&r->out, r->s + r->at + 1, key - 1);
            atti_chat_puts(&r->out, "']");
            r->at += key;
        } else {
            atti_chat_putc(&r->out, c);
            r->at++;
        }
    }
    return att_fail(r->err, ATT_E_MODEL, "chat template: no end of the tag that begins at byte %zu",
                    begin);
}

static void cut_out(reader *r, size_t from, const char *what)
{
    if (r->out.failed || strcmp(r->out.bytes + from, what)) return;
    r->out.n = from;
    r->out.bytes[from] = 0;
}

/* The tag at r->at, whose first two bytes and sign are known to be there. */
static att_status put_tag(reader *r, size_t begin, char kind)
{
    int minus = 0, plus = 0;
    if (kind == '#') {
        while (r->at + 1 < r->n && (r->s[r->at] != '#' || r->s[r->at + 1] != '}')) r->at++;
        if (r->at + 1 >= r->n)
            return att_fail(r->err, ATT_E_MODEL,
                            "chat template: no end of the comment that begins at byte %zu", begin);
        minus = r->at > begin + 2 && r->s[r->at - 1] == '-';
        plus = r->at > begin + 2 && r->s[r->at - 1] == '+';
        r->at += 2;
    } else if (kind == '{') {
        open_output(r);
        const att_status status = put_inside(r, begin, '}', &minus, &plus);
        if (status) return status;
        close_output(r);
    } else {
        const size_t from = r->out.n;
        atti_chat_puts(&r->out, "{%");
        const att_status status = put_inside(r, begin, '%', &minus, &plus);
        if (status) return status;
        atti_chat_puts(&r->out, "%}");
        cut_out(r, from, "{%generation%}");
        cut_out(r, from, "{%endgeneration%}");
    }
    r->line_start = 0;
    if (minus) {
        while (r->at < r->n && is_blank(r->s[r->at])) r->at++;
        r->line_start = r->s[r->at - 1] == '\n';
    } else if (kind != '{' && !plus && r->at < r->n && r->s[r->at] == '\n') {
        r->at++; /* trim_blocks */
        r->line_start = 1;
    }
    return ATT_OK;
}

/* Where the data before a tag ends: lstrip_blocks, or all blanks with a minus. */
static size_t data_end(const reader *r, size_t first, size_t tag, char kind, char sign)
{
    size_t end = tag;
    if (sign == '-') {
        while (end > first && is_blank(r->s[end - 1])) end--;
        return end;
    }
    if (kind == '{' || sign == '+') return tag;
    while (end > first && is_blank(r->s[end - 1]) && r->s[end - 1] != '\n') end--;
    const int at_line_start = end > first ? r->s[end - 1] == '\n' : r->line_start;
    return at_line_start ? end : tag;
}

static att_status read_all(reader *r)
{
    while (r->at < r->n) {
        const size_t first = r->at;
        size_t tag = first;
        while (tag + 1 < r->n && !(r->s[tag] == '{' && strchr("{%#", r->s[tag + 1]))) tag++;
        if (tag + 1 >= r->n) {
            put_data(r, first, r->n);
            return ATT_OK;
        }
        const char kind = r->s[tag + 1], sign = tag + 2 < r->n ? r->s[tag + 2] : 0;
        const int signed_tag = sign == '-' || sign == '+';
        put_data(r, first, data_end(r, first, tag, kind, sign));
        r->at = tag + 2 + (size_t)signed_tag;
        const att_status status = put_tag(r, tag, kind);
        if (status) return status;
    }
    return ATT_OK;
}

att_status atti_jinja_canonical(char **text, const char *jinja, size_t n_bytes, att_err *err)
{
    reader r = {.line_start = 1, .err = err};
    *text = NULL;
    if (n_bytes > ATTI_JINJA_MAX_BYTES)
        return att_fail(err, ATT_E_MODEL, "chat template: it has %zu bytes, expected at most %d",
                        n_bytes, ATTI_JINJA_MAX_BYTES);
    const char *zero = n_bytes ? memchr(jinja, 0, n_bytes) : NULL;
    if (zero)
        return att_fail(err, ATT_E_MODEL, "chat template: byte %zu is 0", (size_t)(zero - jinja));
    char *copy = att_calloc(n_bytes + 1, 1);
    if (!copy) return att_fail(err, ATT_E_MEMORY, "chat template: no memory for its text");
    for (size_t i = 0; i < n_bytes; i++) /* \r\n and \r are ends of lines too */
        if (jinja[i] != '\r' || i + 1 == n_bytes || jinja[i + 1] != '\n')
            copy[r.n++] = jinja[i] == '\r' ? '\n' : jinja[i];
    if (r.n && copy[r.n - 1] == '\n') r.n--; /* the renderer takes the last one away */
    r.s = copy;
    att_status status = read_all(&r);
    att_free(copy);
    *text = atti_chat_take(&r.out);
    if (!status && !*text)
        status = att_fail(err, ATT_E_MEMORY, "chat template: no memory for its canonical text");
    if (status) {
        att_free(*text);
        *text = NULL;
    }
    return status;
}
