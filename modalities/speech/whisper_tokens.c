/* whisper_tokens.c - special tokens and text of ids (whisper_tokens.h). Files:
 * whisper_vocabulary.c; suppression: whisper_suppress.c. Tests: tests/unit/test_tokens.c */
#include "whisper_tokens.h"

#include <string.h>

#include "languages.h"
#include "mem.h"
#include "utf8.h"

enum { MAX_VOCABULARY = 1 << 20, MAX_TOKEN_BYTES = 4096, N_TIMESTAMPS = 1501 };

/* GPT-2 writes byte b as a printable character: itself if it is one, else U+0100 + its rank. */
static int byte_of(uint32_t character)
{
    const int printable = (character >= 33 && character <= 126) ||
                          (character >= 161 && character <= 172) ||
                          (character >= 174 && character <= 255);
    if (printable) return (int)character;
    if (character < 256 || character >= 256 + 68) return -1;
    uint32_t rank = character - 256;
    for (int b = 0; b < 256; b++) {
        const int shown = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (!shown && rank-- == 0) return b;
    }
    return -1;
}

/* The bytes that a token's text stands for; a text that is not in that form is kept as it is. */
static size_t bytes_of(const char *text, char *bytes)
{
    const size_t length = strlen(text);
    size_t n = 0;
    for (size_t at = 0; at < length;) {
        uint32_t character;
        const size_t width = att_utf8_decode(text + at, length - at, &character);
        const int byte = width ? byte_of(character) : -1;
        if (byte < 0) {
            memcpy(bytes, text, length);
            return length;
        }
        bytes[n++] = (char)byte;
        at += width;
    }
    return n;
}

static int32_t find(const char *const *texts, int32_t n, const char *text)
{
    for (int32_t i = n - 1; i >= 0; i--) /* specials stand last */
        if (strcmp(texts[i], text) == 0) return i;
    return -1;
}

static att_status find_specials(att_whisper_tokens *t, const char *name, const char *const *texts,
                                int32_t n, att_err *err)
{
    t->eot = find(texts, n, "<|endoftext|>");
    t->sot = find(texts, n, "<|startoftranscript|>");
    t->translate = find(texts, n, "<|translate|>");
    t->transcribe = find(texts, n, "<|transcribe|>");
    t->startoflm = find(texts, n, "<|startoflm|>");
    t->startofprev = find(texts, n, "<|startofprev|>");
    t->nospeech = find(texts, n, "<|nospeech|>");
    if (t->nospeech < 0) t->nospeech = find(texts, n, "<|nocaptions|>");
    t->notimestamps = find(texts, n, "<|notimestamps|>");
    t->timestamp_begin = find(texts, n, "<|0.00|>");
    if (t->timestamp_begin < 0 && t->notimestamps == n - 1) { /* left out, as some files do */
        t->timestamp_begin = n;
        t->n_vocab = n + N_TIMESTAMPS;
    }
    t->language_begin = t->sot + 1;
    t->n_languages = t->translate - t->language_begin;
    /* The English-only vocabulary has one token less before its specials. */
    t->multilingual = t->eot >= 50257;
    if (t->eot < 0 || t->sot < t->eot || t->translate <= t->sot || t->transcribe < 0 ||
        t->startofprev < 0 || t->notimestamps < 0 || t->timestamp_begin <= t->notimestamps ||
        t->n_languages > 200)
        return att_fail(err, ATT_E_MODEL,
                        "read %s: %d tokens without Whisper's special ones in their order", name,
                        n);
    return ATT_OK;
}

static att_status keep_bytes(att_whisper_tokens *t, const char *name, const char *const *texts,
                             int32_t n, att_err *err)
{
    size_t total = 0;
    for (int32_t i = 0; i < n; i++) {
        const size_t bytes = strlen(texts[i]);
        if (bytes > MAX_TOKEN_BYTES)
            return att_fail(err, ATT_E_MODEL, "read %s: token %d has %zu bytes", name, i, bytes);
        total += bytes;
    }
    t->bytes = att_calloc(total + 1, 1);
    t->starts = att_calloc((size_t)t->n_vocab + 1, sizeof *t->starts);
    if (!t->bytes || !t->starts) return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", name);
    uint32_t at = 0;
    for (int32_t i = 0; i < n; i++) {
        t->starts[i] = at;
        at += (uint32_t)bytes_of(texts[i], t->bytes + at);
    }
    for (int32_t i = n; i <= t->n_vocab; i++) t->starts[i] = at;
    return ATT_OK;
}

static att_status check_languages(const att_whisper_tokens *t, const char *name, att_err *err)
{
    for (int32_t id = t->language_begin; id < t->language_begin + t->n_languages; id++)
        if (!att_whisper_tokens_language_code(t, id))
            return att_fail(err, ATT_E_MODEL, "read %s: token %d, '%.*s', is no known language",
                            name, id, (int)(t->starts[id + 1] - t->starts[id]),
                            t->bytes + t->starts[id]);
    return ATT_OK;
}

att_status att_whisper_tokens_from_list(att_whisper_tokens **out, const char *name,
                                        const char *const *texts, int32_t n, att_err *err)
{
    *out = NULL;
    if (n < 1 || n > MAX_VOCABULARY)
        return att_fail(err, ATT_E_MODEL, "read %s: %d tokens", name, n);
    att_whisper_tokens *t = att_calloc(1, sizeof *t);
    if (!t) return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", name);
    t->n_vocab = n;
    att_status status = find_specials(t, name, texts, n, err);
    if (!status) status = keep_bytes(t, name, texts, n, err);
    if (!status) status = check_languages(t, name, err);
    if (status)
        att_whisper_tokens_close(t);
    else
        *out = t;
    return status;
}

void att_whisper_tokens_close(att_whisper_tokens *t)
{
    if (!t) return;
    att_free(t->suppress);
    att_free(t->suppress_first);
    att_free(t->bytes);
    att_free(t->starts);
    att_free(t);
}

char *att_whisper_tokens_text(const att_whisper_tokens *t, const int32_t *ids, int32_t n,
                              att_err *err)
{
    size_t total = 0;
    for (int32_t i = 0; i < n; i++)
        if (ids[i] >= 0 && ids[i] < t->eot) total += t->starts[ids[i] + 1] - t->starts[ids[i]];
    char *raw = att_calloc(total + 1, 1);
    size_t at = 0;
    for (int32_t i = 0; raw && i < n; i++) {
        if (ids[i] < 0 || ids[i] >= t->eot) continue;
        const uint32_t width = t->starts[ids[i] + 1] - t->starts[ids[i]];
        memcpy(raw + at, t->bytes + t->starts[ids[i]], width);
        at += width;
    }
    char *text = raw ? att_utf8_repair(raw, total) : NULL;
    att_free(raw);
    if (!text) att_fail(err, ATT_E_MEMORY, "decode tokens: out of memory");
    return text;
}

const char *att_whisper_tokens_language_code(const att_whisper_tokens *t, int32_t id)
{
    char code[16];
    if (id < t->language_begin || id >= t->language_begin + t->n_languages) return NULL;
    const uint32_t width = t->starts[id + 1] - t->starts[id]; /* of <|code|> */
    if (width < 5 || width - 4 >= sizeof code) return NULL;
    memcpy(code, t->bytes + t->starts[id] + 2, width - 4);
    code[width - 4] = 0;
    return att_language_code(code);
}

int32_t att_whisper_tokens_language_id(const att_whisper_tokens *t, const char *code_or_name)
{
    const char *wanted = att_language_code(code_or_name);
    for (int32_t id = t->language_begin; wanted && id < t->language_begin + t->n_languages; id++) {
        const char *code = att_whisper_tokens_language_code(t, id);
        if (code && strcmp(code, wanted) == 0) return id;
    }
    return -1;
}
