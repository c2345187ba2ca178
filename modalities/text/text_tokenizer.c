/* text_tokenizer.c - text_tokenizer.h: the run of one text, and what is asked of a tokenizer.
 * Making one: text_vocabulary.c. Tests: tests/unit/test_text_tokenizer.c */
#include "text_tokenizer.h"

#include <string.h>

#include "mem.h"
#include "text_tokenizer_internal.h"
#include "utf8.h"

void att_text_tokenizer_decode(const att_text_tokenizer *t, int32_t id, const char **bytes,
                               size_t *n)
{
    const int is_token = id >= 0 && id < t->n;
    *bytes = is_token ? t->pieces[id] : "";
    *n = is_token ? t->piece_bytes[id] : 0;
}

int32_t att_text_tokenizer_id(const att_text_tokenizer *t, const char *text)
{
    uint32_t node = 0;
    size_t n = 0;
    for (; text[n] && (n == 0 || node); n++)
        node = atti_text_trie_next(&t->specials, node, text[n]);
    if (n && node && t->specials.ids[node] >= 0) return t->specials.ids[node];
    return atti_text_table_find(&t->words, text, strlen(text));
}

att_text_type att_text_tokenizer_type(const att_text_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->n ? (att_text_type)t->types[id] : (att_text_type)0;
}

int32_t att_text_tokenizer_count(const att_text_tokenizer *t)
{
    return t->n;
}

int32_t att_text_tokenizer_bos(const att_text_tokenizer *t)
{
    return t->bos;
}

int32_t att_text_tokenizer_eos(const att_text_tokenizer *t)
{
    return t->eos;
}

int att_text_tokenizer_adds_bos(const att_text_tokenizer *t)
{
    return t->add_bos && t->bos >= 0;
}

int att_text_tokenizer_adds_eos(const att_text_tokenizer *t)
{
    return t->add_eos && t->eos >= 0;
}

int att_text_tokenizer_adds_space(const att_text_tokenizer *t)
{
    return t->prefix != ATT_TEXT_PREFIX_NONE;
}

int att_text_tokenizer_is_end(const att_text_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->n && t->is_end[id];
}

/* --- the run of one text --- */

att_status atti_text_reserve(atti_text_run *r, void **block, size_t *room, size_t n, size_t size)
{
    if (n <= *room) return ATT_OK;
    const size_t more = n + n / 2 + 64;
    void *grown = att_realloc(*block, more, size);
    if (!grown)
        return att_fail(r->err, ATT_E_MEMORY, "encode text: no memory for %zu bytes", more * size);
    *block = grown;
    *room = more;
    return ATT_OK;
}

att_status atti_text_push(atti_text_run *r, int32_t id)
{
    const att_status status =
        atti_text_reserve(r, (void **)&r->ids, &r->room, r->n + 1, sizeof *r->ids);
    if (!status) r->ids[r->n++] = id;
    return status;
}

att_status atti_text_push_unknown(atti_text_run *r, const char *text, size_t n, int *in_unk)
{
    const att_text_tokenizer *t = r->t;
    const char *spelled = n == 1 && *text == ' ' ? "\xe2\x96\x81" : text;
    const size_t n_spelled = n == 1 && *text == ' ' ? 3 : n;
    att_status status = ATT_OK;
    if (t->has_bytes) {
        for (size_t i = 0; !status && i < n_spelled; i++)
            status = atti_text_push(r, t->byte_ids[(unsigned char)spelled[i]]);
    } else if (t->unk >= 0 && (!*in_unk || t->separate_unk)) {
        status = atti_text_push(r, t->unk);
    }
    *in_unk = !t->has_bytes;
    return status;
}

static att_status encode_word(atti_text_run *r, const char *text, size_t n)
{
    return r->t->model == ATT_TEXT_UNIGRAM ? atti_text_unigram(r, text, n)
                                           : atti_text_merge(r, text, n);
}

/* The text cut by patterns k and those behind it; what one leaves is a text of its own. */
static att_status encode_pieces(atti_text_run *r, int32_t k, const char *text, size_t n)
{
    const atti_text_splitter *s = &r->t->splitter;
    att_status status = ATT_OK;
    if (k == s->n) return encode_word(r, text, n);
    for (size_t at = 0; !status && at < n;) {
        size_t matched, end;
        status = atti_text_split_next(s, k, &r->match, text, n, at, &matched, &end, r->err);
        if (!status && matched > at) status = encode_pieces(r, k + 1, text + at, matched - at);
        if (!status && end > matched)
            status = encode_pieces(r, k + 1, text + matched, end - matched);
        at = end;
    }
    return status;
}

static att_status encode_stretch(atti_text_run *r, const char *text, size_t n, int is_first)
{
    if (n == 0) return ATT_OK;
    const att_status status = atti_text_normalise(r, text, n, is_first, &n);
    return status || n == 0 ? status : encode_pieces(r, 0, r->stretch, n);
}

/* The longest special token that begins there, or -1. */
static int32_t special_at(const att_text_tokenizer *t, const char *text, size_t n, int flags)
{
    int32_t found = -1;
    uint32_t node = 0;
    if (!t->special_begins[(unsigned char)*text]) return -1;
    for (size_t i = 0; i < n; i++) {
        node = atti_text_trie_next(&t->specials, node, text[i]);
        if (!node) break;
        const int32_t id = t->specials.ids[node];
        if (id >= 0 && (t->types[id] == ATT_TEXT_USER || flags & ATT_TEXT_PARSE_SPECIAL))
            found = id;
    }
    return found;
}

static att_status encode_text(atti_text_run *r, const char *text, size_t n, int flags)
{
    const att_text_tokenizer *t = r->t;
    att_status status = ATT_OK;
    size_t from = 0, at = 0;
    if (flags & ATT_TEXT_ADD_BOS && att_text_tokenizer_adds_bos(t))
        status = atti_text_push(r, t->bos);
    while (!status && at < n) {
        const int32_t id = special_at(t, text + at, n - at, flags);
        if (id < 0) {
            at += atti_text_width(text + at);
            continue;
        }
        status = encode_stretch(r, text + from, at - from, from == 0);
        if (!status) status = atti_text_push(r, id);
        at += t->piece_bytes[id];
        from = at;
    }
    return status ? status : encode_stretch(r, text + from, n - from, from == 0);
}

att_status att_text_tokenizer_encode(const att_text_tokenizer *t, const char *text, size_t n_bytes,
                                     int flags, int32_t **ids, int32_t *n, att_err *err)
{
    atti_text_run r = {.t = t, .err = err};
    size_t n_valid;
    att_status status;
    *ids = NULL;
    *n = 0;
    if (n_bytes > ATT_TEXT_MAX_BYTES)
        return att_fail(err, ATT_E_ARG, "encode text: it has %zu bytes, at most %d are taken",
                        n_bytes, ATT_TEXT_MAX_BYTES);
    char *valid = att_utf8_repair_counted(text, n_bytes, &n_valid);
    if (!valid || !atti_text_match_init(&r.match, &t->splitter))
        status = att_fail(err, ATT_E_MEMORY, "encode text: no memory for its %zu bytes", n_bytes);
    else
        status = atti_text_reserve(&r, (void **)&r.ids, &r.room, n_valid / 3 + 1, sizeof *r.ids);
    if (!status) status = encode_text(&r, valid, n_valid, flags);
    att_free(valid);
    att_free(r.symbols);
    att_free(r.heap);
    att_free(r.best);
    att_free(r.stretch);
    att_free(r.characters);
    atti_text_match_finish(&r.match);
    if (status) {
        att_free(r.ids);
        return status;
    }
    *ids = r.ids;
    *n = (int32_t)r.n;
    return ATT_OK;
}
