/* fuzz_tokens.c - vocabularies of any bytes: refused by name, or one in which every id has a text
 * and every text has ids. Seeds: a list, lines, a tokenizer.json of 256 bytes, 5 merges, 10
 * specials. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"
#include "tokenizer.h"
#include "utf8.h"
#include "whisper_tokens.h"

static void check(int holds)
{
    if (!holds) abort();
}

/* The text of an id is UTF-8; the text of a text's ids is the text. */
static void use(const att_whisper_tokens *t, const char *text)
{
    att_err err;
    att_tokenizer *tokenizer;
    int32_t *ids, n;
    for (int32_t id = -1; id <= t->n_vocab; id++) {
        char *piece = att_whisper_tokens_text(t, &id, 1, &err);
        check(piece != NULL);
        for (size_t at = 0, width; piece[at]; at += width) {
            uint32_t c;
            width = att_utf8_decode(piece + at, strlen(piece + at), &c);
            check(width > 0);
        }
        att_free(piece);
    }
    check(att_tokenizer_create(&tokenizer, t->bytes, t->starts, t->eot, &err) == ATT_OK);
    const att_status status = att_tokenizer_encode(tokenizer, text, &ids, &n, &err);
    check(status == ATT_OK || (status == ATT_E_MODEL && !ids));
    if (!status) {
        char *back = att_whisper_tokens_text(t, ids, n, &err);
        char *same = att_utf8_repair(text, strlen(text));
        check(strcmp(back, same) == 0);
        att_free(back);
        att_free(same);
    }
    att_free(ids);
    att_tokenizer_destroy(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    att_whisper_tokens *t;
    att_err err;
    char text[33] = "";
    if (n) memcpy(text, data + n - (n < 32 ? n : 32), n < 32 ? n : 32);
    const att_status status = att_whisper_tokens_parse(&t, "that file", data, n, &err);
    if (status) {
        check(status == ATT_E_MODEL && !t && strstr(err.text, "that file"));
        return 0;
    }
    for (int32_t i = 1; i < t->n_suppress; i++) check(t->suppress[i - 1] < t->suppress[i]);
    check(t->n_suppress > 0 && t->suppress[0] >= 0);
    check(t->suppress[t->n_suppress - 1] < t->n_vocab);
    for (int32_t i = 0; i < t->n_languages; i++)
        check(att_whisper_tokens_language_code(t, t->language_begin + i) != NULL);
    use(t, text);
    att_whisper_tokens_close(t);
    return 0;
}
