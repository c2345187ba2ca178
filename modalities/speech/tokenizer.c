/* tokenizer.c - tokenizer.h. Tests: tests/unit/test_tokens.c */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer.h"

#include <pcre2.h>
#include <string.h>

#include "mem.h"
#include "utf8.h"

/* GPT-2's words: endings of English, letters, digits or others behind at most one blank, and
 * blanks, of which the last one goes to the word behind them. */
static const char SPLIT[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

struct att_tokenizer {
    const char *bytes;
    const uint32_t *starts;
    int32_t *slots; /* ids by hash of their bytes, -1 for none; linear probing */
    uint32_t mask;
    pcre2_code *split;
};

static uint32_t hash_of(const char *bytes, size_t n)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
    return hash;
}

/* Where these bytes are, or would be. */
static uint32_t slot_of(const att_tokenizer *t, const char *bytes, size_t n)
{
    uint32_t slot = hash_of(bytes, n) & t->mask;
    for (; t->slots[slot] >= 0; slot = (slot + 1) & t->mask) {
        const uint32_t *start = t->starts + t->slots[slot];
        if (start[1] - start[0] == n && memcmp(t->bytes + start[0], bytes, n) == 0) break;
    }
    return slot;
}

att_status att_tokenizer_create(att_tokenizer **out, const char *bytes, const uint32_t *starts,
                                int32_t n, att_err *err)
{
    int failed;
    size_t at;
    *out = NULL;
    att_tokenizer *t = att_calloc(1, sizeof *t);
    if (!t) return att_fail(err, ATT_E_MEMORY, "make tokenizer: out of memory");
    t->bytes = bytes;
    t->starts = starts;
    t->mask = 1;
    while (t->mask < 2 * (uint32_t)n) t->mask = 2 * t->mask + 1; /* at most half is taken */
    t->slots = att_calloc((size_t)t->mask + 1, sizeof *t->slots);
    t->split = pcre2_compile((PCRE2_SPTR)SPLIT, sizeof SPLIT - 1, PCRE2_UTF | PCRE2_UCP, &failed,
                             &at, NULL);
    if (!t->slots || !t->split) {
        att_tokenizer_destroy(t);
        return att_fail(err, ATT_E_MEMORY, "make tokenizer: out of memory");
    }
    for (uint32_t i = 0; i <= t->mask; i++) t->slots[i] = -1;
    for (int32_t i = 0; i < n; i++) {
        const uint32_t slot = slot_of(t, bytes + starts[i], starts[i + 1] - starts[i]);
        if (t->slots[slot] < 0) t->slots[slot] = i; /* of equal tokens the first */
    }
    *out = t;
    return ATT_OK;
}

void att_tokenizer_destroy(att_tokenizer *t)
{
    if (!t) return;
    att_free(t->slots);
    pcre2_code_free(t->split);
    att_free(t);
}

/* The encoding of one text. */
typedef struct encoding {
    const att_tokenizer *tokenizer;
    const char *text;
    int32_t *ids, n;
    uint32_t *cut;  /* where the word's parts begin, and its end */
    int32_t *merge; /* the token that part i makes with the next one; -1 for none */
} encoding;

static int32_t find(const encoding *e, uint32_t from, uint32_t to)
{
    const att_tokenizer *t = e->tokenizer;
    return t->slots[slot_of(t, e->text + from, to - from)];
}

/* Merges the bytes [from, to) of the text until no pair is a token. */
static att_status encode_word(encoding *e, uint32_t from, uint32_t to, att_err *err)
{
    uint32_t n = to - from; /* parts */
    const int32_t whole = find(e, from, to);
    if (whole >= 0) {
        e->ids[e->n++] = whole;
        return ATT_OK;
    }
    for (uint32_t i = 0; i <= n; i++) e->cut[i] = from + i;
    for (uint32_t i = 0; i + 1 < n; i++) e->merge[i] = find(e, e->cut[i], e->cut[i + 2]);
    for (;;) {
        uint32_t best = n;
        for (uint32_t i = 0; i + 1 < n; i++)
            if (e->merge[i] >= 0 && (best == n || e->merge[i] < e->merge[best])) best = i;
        if (best == n) break;
        memmove(e->cut + best + 1, e->cut + best + 2, (n - best - 1) * sizeof *e->cut);
        memmove(e->merge + best, e->merge + best + 1, (n - best - 1) * sizeof *e->merge);
        n--;
        if (best + 1 < n) e->merge[best] = find(e, e->cut[best], e->cut[best + 2]);
        if (best > 0) e->merge[best - 1] = find(e, e->cut[best - 1], e->cut[best + 1]);
    }
    for (uint32_t i = 0; i < n; i++) {
        const int32_t id = find(e, e->cut[i], e->cut[i + 1]);
        if (id < 0)
            return att_fail(err, ATT_E_MODEL, "encode text: the vocabulary has no byte 0x%02x",
                            (unsigned char)e->text[e->cut[i]]);
        e->ids[e->n++] = id;
    }
    return ATT_OK;
}

static att_status encode_words(encoding *e, size_t bytes, att_err *err)
{
    att_status status = ATT_OK;
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(e->tokenizer->split, NULL);
    if (!match) return att_fail(err, ATT_E_MEMORY, "encode text: out of memory");
    for (size_t at = 0; !status && at < bytes;) {
        const int found = pcre2_match(e->tokenizer->split, (PCRE2_SPTR)e->text, bytes, at,
                                      PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, match, NULL);
        if (found < 0) { /* there is no text that the pattern does not take: a limit was met */
            status =
                att_fail(err, ATT_E_MEMORY, "encode text: byte %zu: PCRE2 gave up (%d)", at, found);
            break;
        }
        const size_t end = pcre2_get_ovector_pointer(match)[1];
        status = encode_word(e, (uint32_t)at, (uint32_t)end, err);
        at = end;
    }
    pcre2_match_data_free(match);
    return status;
}

att_status att_tokenizer_encode(const att_tokenizer *t, const char *text, int32_t **ids, int32_t *n,
                                att_err *err)
{
    const size_t given = strlen(text);
    *ids = NULL;
    *n = 0;
    if (given > ATT_TOKENIZER_MAX_BYTES)
        return att_fail(err, ATT_E_ARG, "encode text: it has %zu bytes, at most %d are taken",
                        given, ATT_TOKENIZER_MAX_BYTES);
    char *valid = att_utf8_repair(text, given);
    const size_t bytes = valid ? strlen(valid) : 0;
    encoding e = {.tokenizer = t, .text = valid};
    e.ids = att_calloc(bytes, sizeof *e.ids);
    e.cut = att_calloc(bytes + 1, sizeof *e.cut);
    e.merge = att_calloc(bytes + 1, sizeof *e.merge);
    att_status status = ATT_OK;
    if (!valid || !e.ids || !e.cut || !e.merge)
        status = att_fail(err, ATT_E_MEMORY, "encode text: out of memory");
    if (!status) status = encode_words(&e, bytes, err);
    att_free(valid);
    att_free(e.cut);
    att_free(e.merge);
    if (status) {
        att_free(e.ids);
        return status;
    }
    *ids = e.ids;
    *n = e.n;
    return ATT_OK;
}
