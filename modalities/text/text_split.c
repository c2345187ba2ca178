/* text_split.c - text_split.h. Tests: tests/unit/test_text_tokenizer.c */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text_split.h"

#include <pcre2.h>
#include <string.h>

#include "chat_buffer.h"
#include "mem.h"

enum { MAX_PATTERN_BYTES = 1 << 13 };

static const char GPT2[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
static const char LLAMA3[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
static const char QWEN2[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                            "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
static const char DIGIT[] = "\\p{N}";

/* Each family's tokenizer.json; "default" is llama.cpp's for files that do not say. */
static const atti_text_pre PRES[] = {
    {"gpt-2", {GPT2}, 0, 0, ATT_TEXT_AS_IS},
    {"smollm", {DIGIT, GPT2}, 0, 0, ATT_TEXT_AS_IS},
    {"starcoder", {DIGIT, GPT2}, 0, 0, ATT_TEXT_AS_IS},
    {"llama-bpe", {LLAMA3}, 1, 1, ATT_TEXT_AS_IS},
    {"llama3", {LLAMA3}, 1, 1, ATT_TEXT_AS_IS},
    {"llama-v3", {LLAMA3}, 1, 1, ATT_TEXT_AS_IS},
    {"qwen2", {QWEN2}, 0, 0, ATT_TEXT_NFC},
    {"deepseek-r1-qwen", {QWEN2}, 0, 0, ATT_TEXT_NFC},
    {"default",
     {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"},
     0,
     0,
     ATT_TEXT_AS_IS},
};

const atti_text_pre *atti_text_pre_find(const char *name)
{
    for (size_t i = 0; i < sizeof PRES / sizeof *PRES; i++)
        if (strcmp(PRES[i].name, name) == 0) return &PRES[i];
    return NULL;
}

const char *att_text_pre_name(size_t i)
{
    return i < sizeof PRES / sizeof *PRES ? PRES[i].name : NULL;
}

const char *atti_text_gpt2_split(void)
{
    return GPT2;
}

/* --- Oniguruma's spelling to PCRE2's --- */

/* Unicode's White_Space. PCRE2's \s has U+180E besides. */
static const char WHITE[] = "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}"
                            "\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";

/* A backslash and what it escapes, in a class or not. NULL: it is written; else why it is not. */
static const char *put_escape(atti_chat_buffer *out, char c, int in_class)
{
    const char both[] = {'\\', c, 0};
    if (c == 's' || c == 'S') {
        if (c == 'S' && in_class) return "\\S in a class";
        if (!in_class) atti_chat_puts(out, c == 's' ? "[" : "[^");
        atti_chat_puts(out, WHITE);
        if (!in_class) atti_chat_puts(out, "]");
        return NULL;
    }
    const int letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if ((letter && !strchr("pPrntd", c)) || c == 0 || (c & 0x80)) return "this escape";
    atti_chat_puts(out, both);
    return NULL;
}

/* Bytes of {L} and the like, or 0. */
static size_t property_bytes(const char *text)
{
    size_t n = 1;
    if (*text != '{') return 0;
    while ((text[n] >= 'A' && text[n] <= 'Z') || (text[n] >= 'a' && text[n] <= 'z')) n++;
    return n > 1 && text[n] == '}' ? n + 1 : 0;
}

/* What the character there means to one library and not to the other. */
static const char *strange(const char *pattern, size_t i, int in_class)
{
    const char c = pattern[i];
    if (in_class) {
        if (c == '[') return "a class in a class";
        if (c == '&' && pattern[i + 1] == '&') return "&&";
        return NULL;
    }
    if (c == '^' || c == '$') return "an anchor";
    if (c == '}' && pattern[i + 1] == '+') return "}+";
    if (c == '(' && pattern[i + 1] == '*') return "(*";
    if (c == '(' && pattern[i + 1] == '?' && !strchr("i:=!", pattern[i + 2])) return "this group";
    return NULL;
}

/* The pattern for PCRE2, *out; what is not known of it, with its byte, or NULL. */
static const char *translate(const char *pattern, atti_chat_buffer *out, size_t *at)
{
    int in_class = 0;
    for (size_t i = 0; pattern[i]; i++) {
        const char *wrong;
        *at = i;
        if (pattern[i] == '\\') {
            wrong = put_escape(out, pattern[++i], in_class);
            if (wrong) return wrong;
            if (pattern[i] == 'p' || pattern[i] == 'P') {
                const size_t n = property_bytes(pattern + i + 1);
                if (n == 0) return "this property";
                atti_chat_put(out, pattern + i + 1, n);
                i += n;
            }
            continue;
        }
        wrong = strange(pattern, i, in_class);
        if (wrong) return wrong;
        atti_chat_putc(out, pattern[i]);
        if (pattern[i] == '[') {
            in_class = 1;
            if (pattern[i + 1] == '^') atti_chat_putc(out, pattern[++i]);
            if (pattern[i + 1] == ']') return "] at the beginning of a class";
        } else if (pattern[i] == ']') {
            in_class = 0;
        }
    }
    return NULL;
}

att_status atti_text_splitter_add(atti_text_splitter *s, const char *pattern, att_err *err)
{
    atti_chat_buffer b = {0};
    size_t at = 0;
    int failed;
    if (s->n == ATT_TEXT_MAX_SPLITS || strlen(pattern) > MAX_PATTERN_BYTES)
        return att_fail(err, ATT_E_MODEL,
                        "a pre-tokenizer of more than %d patterns, or one of %zu bytes",
                        ATT_TEXT_MAX_SPLITS, strlen(pattern));
    const char *wrong = translate(pattern, &b, &at);
    char *text = atti_chat_take(&b);
    if (!text) return att_fail(err, ATT_E_MEMORY, "no memory for a pre-tokenizer");
    if (wrong) {
        att_free(text);
        return att_fail(err, ATT_E_MODEL, "the pattern '%.200s' has %s at byte %zu", pattern, wrong,
                        at);
    }
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &failed, &at, NULL);
    att_free(text);
    if (!code) {
        char reason[128] = "";
        pcre2_get_error_message(failed, (PCRE2_UCHAR *)reason, sizeof reason);
        return att_fail(err, ATT_E_MODEL, "the pattern '%.200s' is none: %s", pattern, reason);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it matching is slower, no more */
    s->codes[s->n++] = code;
    return ATT_OK;
}

void atti_text_splitter_finish(atti_text_splitter *s)
{
    for (int32_t i = 0; i < s->n; i++) pcre2_code_free(s->codes[i]);
    memset(s, 0, sizeof *s);
}

/* --- matching --- */

int atti_text_match_init(atti_text_match *m, const atti_text_splitter *s)
{
    memset(m, 0, sizeof *m);
    m->context = pcre2_match_context_create(NULL);
    int fine = m->context != NULL;
    for (int32_t i = 0; fine && i < s->n; i++) {
        m->data[i] = pcre2_match_data_create_from_pattern(s->codes[i], NULL);
        fine = m->data[i] != NULL;
    }
    return fine;
}

void atti_text_match_finish(atti_text_match *m)
{
    for (int32_t i = 0; i < ATT_TEXT_MAX_SPLITS; i++) pcre2_match_data_free(m->data[i]);
    pcre2_match_context_free(m->context);
    memset(m, 0, sizeof *m);
}

att_status atti_text_split_next(const atti_text_splitter *s, int32_t k, atti_text_match *m,
                                const char *text, size_t n, size_t at, size_t *matched, size_t *end,
                                att_err *err)
{
    /* a pattern that goes back again and again is stopped, one that passes over a text is not */
    const uint32_t steps = 100000 + 64 * (uint32_t)(n - at);
    const uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY;
    pcre2_set_match_limit(m->context, steps);
    int found = pcre2_match(s->codes[k], (PCRE2_SPTR)text, n, at, options, m->data[k], m->context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(s->codes[k], (PCRE2_SPTR)text, n, at, options | PCRE2_NO_JIT,
                            m->data[k], m->context);
    if (found == PCRE2_ERROR_NOMATCH) {
        *matched = *end = n;
        return ATT_OK;
    }
    if (found < 0)
        return att_fail(err, ATT_E_MODEL,
                        "encode text: pattern %d of the pre-tokenizer gave up (%d)", k + 1, found);
    const size_t *place = pcre2_get_ovector_pointer(m->data[k]);
    *matched = place[0];
    *end = place[1];
    return ATT_OK;
}
