/* text_normal.c - what stands between special tokens, as the model's normaliser leaves it: normal
 * forms of Unicode, U+2581 as the blank that it spells, and a blank put before the text.
 * Tests: tests/unit/test_text_tokenizer.c */
#include <string.h>
#include <utf8proc.h>

#include "text_tokenizer_internal.h"

/* Marks in a row are sorted in quadratic time; no writing comes near. */
enum { MAX_MARKS = 1024 };

static att_status check_marks(atti_text_run *r, const char *text, size_t n)
{
    size_t n_marks = 0;
    for (size_t at = 0; at < n;) {
        utf8proc_int32_t c;
        at += (size_t)utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                       (utf8proc_ssize_t)(n - at), &c);
        n_marks = utf8proc_get_property(c)->combining_class ? n_marks + 1 : 0;
        if (n_marks > MAX_MARKS)
            return att_fail(r->err, ATT_E_ARG,
                            "encode text: it has more than %d combining marks in a row", MAX_MARKS);
    }
    return ATT_OK;
}

/* r->stretch: the text in normal form, *n bytes behind `begin`. */
static att_status compose(atti_text_run *r, const char *text, size_t n_text, size_t begin,
                          size_t *n)
{
    const utf8proc_option_t how =
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | (r->t->normal == ATT_TEXT_NFKC ? UTF8PROC_COMPAT : 0);
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    att_status status = check_marks(r, text, n_text);
    if (status) return status;
    const utf8proc_ssize_t n_characters =
        utf8proc_decompose(bytes, (utf8proc_ssize_t)n_text, NULL, 0, how);
    if (n_characters < 0)
        return att_fail(r->err, ATT_E_ARG, "encode text: %s", utf8proc_errmsg(n_characters));
    status = atti_text_reserve(r, (void **)&r->characters, &r->character_room,
                               (size_t)n_characters + 1, sizeof *r->characters);
    if (status) return status;
    utf8proc_decompose(bytes, (utf8proc_ssize_t)n_text, r->characters, n_characters, how);
    const utf8proc_ssize_t n_composed = utf8proc_reencode(r->characters, n_characters, how);
    if (n_composed < 0)
        return att_fail(r->err, ATT_E_ARG, "encode text: %s", utf8proc_errmsg(n_composed));
    status = atti_text_reserve(r, (void **)&r->stretch, &r->stretch_room,
                               begin + (size_t)n_composed + 1, 1);
    if (status) return status;
    memcpy(r->stretch + begin, r->characters, (size_t)n_composed);
    *n = (size_t)n_composed;
    return ATT_OK;
}

static int is_ascii(const char *text, size_t n)
{
    unsigned char any = 0;
    for (size_t i = 0; i < n; i++) any |= (unsigned char)text[i];
    return any < 0x80;
}

att_status atti_text_normalise(atti_text_run *r, const char *text, size_t n_text, int is_first,
                               size_t *n)
{
    const att_text_tokenizer *t = r->t;
    att_status status;
    if (t->normal == ATT_TEXT_AS_IS || is_ascii(text, n_text)) {
        status = atti_text_reserve(r, (void **)&r->stretch, &r->stretch_room, n_text + 2, 1);
        if (status) return status;
        memcpy(r->stretch + 1, text, n_text);
        *n = n_text;
    } else {
        status = compose(r, text, n_text, 1, n);
        if (status) return status;
    }
    char *s = r->stretch + 1; /* a byte before it is left for the blank */
    if (t->model != ATT_TEXT_BPE) {
        size_t to = 0;
        for (size_t i = 0; i < *n; i++) {
            const int is_blank = *n - i >= 3 && memcmp(s + i, "\xe2\x96\x81", 3) == 0;
            s[to++] = is_blank ? ' ' : s[i];
            if (is_blank) i += 2;
        }
        *n = to;
    }
    const int lacked = *n && s[0] != ' ';
    const int put = t->prefix == ATT_TEXT_PREFIX_EACH ||
                    (t->prefix == ATT_TEXT_PREFIX_LACKED && lacked) ||
                    (t->prefix == ATT_TEXT_PREFIX_FIRST && lacked && is_first);
    r->stretch[0] = ' ';
    if (put)
        ++*n;
    else
        memmove(r->stretch, s, *n);
    return ATT_OK;
}
