/* whisper_vocabulary_ggml.c - the vocabulary inside a ggml file (whisper_tokens.h): texts as bytes,
 * without most of the special tokens, which are written here in OpenAI's order.
 *
 * Source: whisper.cpp's src/whisper.cpp. Tests: tests/unit/test_tokens.c, tests/fuzz/fuzz_ggml.c */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "languages.h"
#include "mem.h"
#include "whisper_suppress.h"
#include "whisper_tokens.h"

/* Behind the end of text: start of transcript, the languages, SPECIALS, 1501 times. */
static const char *const SPECIALS[] = {"<|translate|>",   "<|transcribe|>", "<|startoflm|>",
                                       "<|startofprev|>", "<|nospeech|>",   "<|notimestamps|>"};
enum {
    N_SPECIALS = sizeof SPECIALS / sizeof *SPECIALS,
    N_TIMES = 1501,
    FIRST_MULTILINGUAL = 51865, /* tokens of the smallest multilingual vocabulary */
    SPECIAL_BYTES = 24,
    MAX_VOCABULARY = 1 << 17
};

typedef struct builder {
    const att_weights *weights;
    char *pool; /* the texts, each with a final NUL */
    size_t used;
    const char **texts;
    int32_t n;
    uint16_t shown[256]; /* the character that GPT-2 writes for a byte */
} builder;

static int32_t number(const att_weights *weights, const char *key)
{
    const char *text = att_weights_text(weights, key);
    return text ? (int32_t)strtol(text, NULL, 10) : -1;
}

static void fill_shown(uint16_t *shown)
{
    uint16_t next = 256;
    for (int b = 0; b < 256; b++) {
        const int printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        shown[b] = printable ? (uint16_t)b : next++;
    }
}

static void add_bytes(builder *b, const uint8_t *bytes, size_t n)
{
    b->texts[b->n++] = b->pool + b->used;
    for (size_t i = 0; i < n; i++) {
        const uint16_t c = b->shown[bytes[i]];
        if (c >= 0x80) b->pool[b->used++] = (char)(0xc0 | c >> 6);
        b->pool[b->used++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    b->pool[b->used++] = 0;
}

static void add_text(builder *b, const char *text)
{
    add_bytes(b, (const uint8_t *)text, strlen(text));
}

/* The tokens before `end`. Their lengths and bytes tile the array: lib/weights saw to it. */
static void add_stored(builder *b, const att_array *stored, int32_t end)
{
    const uint8_t *data = stored->data;
    for (size_t at = 0; at + 4 <= stored->bytes && b->n < end;) {
        const size_t n = data[at] | (size_t)data[at + 1] << 8 | (size_t)data[at + 2] << 16;
        at += 4;
        if (n > stored->bytes - at) break;
        add_bytes(b, data + at, n);
        at += n;
    }
}

/* The first 256 texts are the single bytes, which spell whatever no other token does. */
static att_status check_bytes(const builder *b, att_err *err)
{
    for (int32_t i = 0; i < 256; i++) {
        const unsigned char *text = (const unsigned char *)b->texts[i];
        if (text[0] && (text[0] < 0x80 ? !text[1] : text[1] && !text[2])) continue;
        return att_fail(err, ATT_E_MODEL,
                        "read the vocabulary of %s: token %" PRId32
                        " is not one byte; old converters lost such bytes: convert the model again",
                        att_weights_path(b->weights), i);
    }
    return ATT_OK;
}

static void add_specials(builder *b, int32_t n_languages)
{
    char text[SPECIAL_BYTES];
    add_text(b, "<|endoftext|>");
    add_text(b, "<|startoftranscript|>");
    for (int32_t i = 0; i < n_languages; i++) {
        snprintf(text, sizeof text, "<|%s|>", att_language_at(i));
        add_text(b, text);
    }
    for (int i = 0; i < N_SPECIALS; i++) add_text(b, SPECIALS[i]);
    for (int i = 0; i < N_TIMES; i++) {
        snprintf(text, sizeof text, "<|%d.%02d|>", i / 50, i % 50 * 2);
        add_text(b, text);
    }
}

static att_status build(builder *b, const att_array *stored, int32_t n_vocab, att_err *err)
{
    const int32_t eot = n_vocab >= FIRST_MULTILINGUAL ? 50257 : 50256;
    const int32_t n_languages = n_vocab - eot - 2 - N_SPECIALS - N_TIMES;
    const char *path = att_weights_path(b->weights);
    if (n_vocab > MAX_VOCABULARY || n_languages < 1 || !att_language_at(n_languages - 1))
        return att_fail(err, ATT_E_MODEL,
                        "read the vocabulary of %s: n_vocab is %" PRId32
                        ", expected 51864 to 51866 as in Whisper's",
                        path, n_vocab);
    const size_t n_bytes = 2 * stored->bytes + (size_t)n_vocab * (SPECIAL_BYTES + 1);
    b->pool = att_calloc(n_bytes, 1);
    b->texts = att_calloc((size_t)n_vocab, sizeof *b->texts);
    if (!b->pool || !b->texts)
        return att_fail(err, ATT_E_MEMORY, "read the vocabulary of %s: out of memory", path);
    fill_shown(b->shown);
    add_stored(b, stored, eot);
    if (b->n < eot)
        return att_fail(err, ATT_E_MODEL,
                        "read the vocabulary of %s: byte %" PRIu64 ": it has %" PRId32
                        " tokens, expected at least %" PRId32,
                        path, stored->offset, b->n, eot);
    add_specials(b, n_languages);
    return check_bytes(b, err);
}

att_status att_whisper_tokens_from_weights(att_whisper_tokens **tokens, const att_weights *weights,
                                           att_err *err)
{
    builder b = {.weights = weights};
    const att_array *stored = att_weights_find(weights, "vocabulary");
    *tokens = NULL;
    if (!stored || stored->dtype != ATT_U8)
        return att_fail(err, ATT_E_MODEL, "read the vocabulary of %s: there is none in it",
                        att_weights_path(weights));
    att_status status = build(&b, stored, number(weights, "n_vocab"), err);
    if (!status)
        status = atti_whisper_tokens_complete(tokens, att_weights_path(weights), b.texts, b.n, err);
    att_free(b.texts);
    att_free(b.pool);
    return status;
}
