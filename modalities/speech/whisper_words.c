/* whisper_words.c - words of tokens (whisper_words.h). Tests: tests/real/test_whisper_words.c */
#include "whisper_words.h"

#include <string.h>

#include "mem.h"
#include "utf8.h"

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */
static const char PUNCTUATION[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

void att_whisper_words_free(att_whisper_words *words)
{
    for (int32_t i = 0; i < words->n; i++) att_free(words->list[i].text);
    att_free(words->list);
    memset(words, 0, sizeof *words);
}

/* Whether the stripped text stands in `marks`, as Python's `in` between strings: nothing does. */
static int is_among(const char *text, const char *marks)
{
    size_t n;
    const char *stripped = att_utf8_strip(text, &n);
    for (const char *m = marks; strlen(m) >= n; m++)
        if (memcmp(m, stripped, n) == 0) return 1;
    return 0;
}

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* n characters further on, or the end. */
static const char *skip(const char *text, size_t n)
{
    for (; *text && n > 0; n--) {
        text++;
        while (((unsigned char)*text & 0xc0) == 0x80) text++;
    }
    return text;
}

/* Whether the pieces so far are whole characters: what is none stands so in the whole text too. */
static int is_whole(const char *piece, const char *rest)
{
    const char *broken = strstr(piece, REPLACEMENT);
    if (!broken) return 1;
    size_t before = 0;
    for (const char *c = piece; c < broken; c++) before += ((unsigned char)*c & 0xc0) != 0x80;
    return strncmp(skip(rest, before), REPLACEMENT, 3) == 0;
}

/* Tokens that together are whole characters; text left at the end that is none is dropped. */
static att_status split_characters(att_whisper_words *w, const att_whisper_tokens *tokens,
                                   const int32_t *ids, int32_t n, const char *whole, att_err *err)
{
    int32_t first = 0;
    for (int32_t end = 1; end <= n; end++) {
        char *piece = att_whisper_tokens_text(tokens, ids + first, end - first, err);
        if (!piece) return ATT_E_MEMORY;
        if (!is_whole(piece, whole)) {
            att_free(piece);
            continue;
        }
        whole = skip(whole, characters(piece));
        w->list[w->n++] = (att_whisper_word){.text = piece, .n_tokens = end - first};
        first = end;
    }
    return ATT_OK;
}

/* Appends b to a, which it takes the place of. */
static att_status join(char **a, const char *b, att_err *err)
{
    char *joined = att_sprintf("%s%s", *a, b);
    if (!joined) return att_fail(err, ATT_E_MEMORY, "split words: out of memory");
    att_free(*a);
    *a = joined;
    return ATT_OK;
}

/* Joins what neither begins with a blank nor is punctuation to what is before it. */
static att_status join_by_blanks(att_whisper_words *w, att_err *err)
{
    int32_t kept = 0;
    att_status status = ATT_OK;
    for (int32_t i = 0; i < w->n; i++) {
        att_whisper_word word = w->list[i];
        if (status || kept == 0 || word.text[0] == ' ' || is_among(word.text, PUNCTUATION)) {
            w->list[kept++] = word;
            continue;
        }
        status = join(&w->list[kept - 1].text, word.text, err);
        w->list[kept - 1].n_tokens += word.n_tokens;
        att_free(word.text);
    }
    w->n = kept;
    return status;
}

static int writes_without_blanks(const char *language)
{
    static const char *const CODES[] = {"zh", "ja", "th", "lo", "my", "yue"};
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
        if (strcmp(language, CODES[i]) == 0) return 1;
    return 0;
}

att_status att_whisper_words_split(att_whisper_words *words, const att_whisper_tokens *tokens,
                                   const char *language, const int32_t *ids, int32_t n,
                                   att_err *err)
{
    memset(words, 0, sizeof *words);
    char *whole = att_whisper_tokens_text(tokens, ids, n, err);
    if (!whole) return ATT_E_MEMORY;
    words->list = att_calloc((size_t)n, sizeof *words->list);
    att_status status = ATT_OK;
    if (!words->list) status = att_fail(err, ATT_E_MEMORY, "split words: out of memory");
    if (!status) status = split_characters(words, tokens, ids, n, whole, err);
    if (!status && !writes_without_blanks(language)) status = join_by_blanks(words, err);
    att_free(whole);
    if (status) att_whisper_words_free(words);
    return status;
}

/* Word `from` becomes a part of word `to`, in front of it or behind it. */
static att_status move(att_whisper_word *to, att_whisper_word *from, int in_front, att_err *err)
{
    char *joined = in_front ? att_sprintf("%s%s", from->text, to->text)
                            : att_sprintf("%s%s", to->text, from->text);
    if (!joined) return att_fail(err, ATT_E_MEMORY, "merge words: out of memory");
    att_free(to->text);
    to->text = joined;
    to->n_tokens += from->n_tokens;
    from->text[0] = 0;
    from->n_tokens = 0;
    return ATT_OK;
}

/* Python's `in`, without stripping. */
static int stands_in(const char *text, const char *marks)
{
    return strstr(marks, text) != NULL;
}

att_status att_whisper_words_merge(att_whisper_words *w, const char *prepended,
                                   const char *appended, att_err *err)
{
    att_status status = ATT_OK;
    for (int32_t i = w->n - 2, j = w->n - 1; !status && i >= 0; i--) {
        if (w->list[i].text[0] == ' ' && is_among(w->list[i].text, prepended))
            status = move(&w->list[j], &w->list[i], 1, err);
        else
            j = i;
    }
    for (int32_t i = 0, j = 1; !status && j < w->n; j++) {
        const char *before = w->list[i].text;
        const size_t n = strlen(before);
        if ((n == 0 || before[n - 1] != ' ') && stands_in(w->list[j].text, appended))
            status = move(&w->list[i], &w->list[j], 0, err);
        else
            i = j;
    }
    return status;
}
