/* fuzz_text_tokenizer.c - any bytes as a text for tokenizers of each kind: ids in range, whose
 * bytes are the text again where no blank is put before it. The first byte says which tokenizer.
 * Seeds: the texts of tests/golden/text_tokens.json. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"
#include "text_tokenizer.h"
#include "utf8.h"

enum { N_BYTE_LEVEL = 5, N_KINDS = N_BYTE_LEVEL + 3, N_WORDS = 12, N = 256 + N_WORDS };

static char spelled[N][24];
static const char *pieces[N];
static uint32_t piece_bytes[N];
static double scores[N];
static int32_t types[N];

/* The character that stands for a byte in byte-level vocabularies. */
static void spell_byte(int b, char *out)
{
    const int shown = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    const int c = shown ? b : b < 33 ? 256 + b : b < 161 ? 256 + 33 + b - 127 : 256 + 67;
    sprintf(out, c < 128 ? "%c" : "%c%c", c < 128 ? c : 0xc0 | c >> 6, 0x80 | (c & 63));
}

/* 256 bytes, some words, two special tokens and a user-defined one. */
static void fill(int byte_level)
{
    static const char *const WORDS[] = {"a",  "b", "ab",   "abab",       " a",     "\n",
                                        "th", "<", "</s>", "<|im_end|>", "<tool>", "<unk>"};
    for (int i = 0; i < N; i++) {
        if (i >= 256)
            strcpy(spelled[i], WORDS[i - 256]);
        else if (byte_level)
            spell_byte(i, spelled[i]);
        else
            sprintf(spelled[i], "<0x%02X>", (unsigned)i);
        types[i] = byte_level || i >= 256 ? ATT_TEXT_NORMAL : ATT_TEXT_BYTE;
        scores[i] = -0.5 * i;
        pieces[i] = spelled[i];
        piece_bytes[i] = (uint32_t)strlen(spelled[i]);
    }
    types[264] = types[265] = ATT_TEXT_CONTROL;
    types[266] = ATT_TEXT_USER;
    types[267] = ATT_TEXT_UNKNOWN;
}

static att_text_tokenizer *make(int kind)
{
    static const char *const PRES[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "default"};
    static const int32_t MERGES[][2] = {{'a', 'b'}, {258, 258}, {'t', 'h'}};
    att_text_vocabulary v;
    att_text_tokenizer *t;
    att_err err;
    att_text_vocabulary_init(&v);
    fill(kind < N_BYTE_LEVEL);
    v.n = N;
    v.pieces = pieces;
    v.piece_bytes = piece_bytes;
    v.scores = scores;
    v.types = types;
    v.unk = 267;
    if (kind < N_BYTE_LEVEL) {
        v.pre = PRES[kind];
        v.merges = MERGES;
        v.n_merges = 3;
    } else {
        v.model = kind == N_BYTE_LEVEL ? ATT_TEXT_UNIGRAM : ATT_TEXT_SENTENCEPIECE;
        v.add_space_prefix = kind == N_KINDS - 1 ? ATT_TEXT_PREFIX_EACH : ATT_TEXT_PREFIX_NONE;
    }
    if (att_text_tokenizer_create(&t, &v, &err)) abort();
    return t;
}

/* The bytes of the ids are the text; a blank of SentencePiece's may be U+2581 in it. */
static void check_same(const att_text_tokenizer *t, const int32_t *ids, int32_t n, const char *text,
                       size_t n_text)
{
    size_t at = 0;
    for (int32_t i = 0; i < n; i++) {
        const char *bytes;
        size_t n_bytes;
        att_text_tokenizer_decode(t, ids[i], &bytes, &n_bytes);
        if (ids[i] < 0 || ids[i] >= N || n_bytes == 0) abort();
        for (size_t k = 0; k < n_bytes; k++, at++) {
            const int blank = n_text - at >= 3 && memcmp(text + at, "\xe2\x96\x81", 3) == 0;
            if (at >= n_text) abort();
            if (bytes[k] == text[at]) continue;
            if (bytes[k] != ' ' || !blank) { /* or the other way around: bytes of a blank's */
                if (text[at] != ' ' || bytes[k] != '\xe2') abort();
                return;
            }
            at += 2;
        }
    }
    if (at != n_text) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static att_text_tokenizer *made[N_KINDS];
    if (n == 0) return 0;
    const int kind = data[0] % N_KINDS, flags = data[0] / N_KINDS % 2 ? ATT_TEXT_PARSE_SPECIAL : 0;
    const char *text = (const char *)data + 1;
    int32_t *ids, n_ids;
    size_t n_same;
    att_err err;
    if (!made[kind]) made[kind] = make(kind);
    const att_status status =
        att_text_tokenizer_encode(made[kind], text, n - 1, flags, &ids, &n_ids, &err);
    if (status) { /* only Qwen2's NFC says no: to marks without end */
        if (kind != 3 || status != ATT_E_ARG || ids) abort();
        return 0;
    }
    char *same = att_utf8_repair_counted(text, n - 1, &n_same);
    if (!same) abort();
    if (kind != 3 && kind != N_KINDS - 1) check_same(made[kind], ids, n_ids, same, n_same);
    att_free(same);
    att_free(ids);
    return 0;
}
