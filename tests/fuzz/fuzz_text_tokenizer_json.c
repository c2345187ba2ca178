/* fuzz_text_tokenizer_json.c - any bytes as a tokenizer.json, and as the tokenizer_config.json
 * beside it: refused by name, or a tokenizer that takes any text. Seeds: the tokenizers of
 * tests/golden/text_tokenizers with few tokens. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"
#include "text_tokenizer.h"

static void use(const att_text_tokenizer *t, const char *text, size_t n)
{
    int32_t *ids, n_ids;
    att_err err;
    const att_status status = att_text_tokenizer_encode(
        t, text, n, ATT_TEXT_PARSE_SPECIAL | ATT_TEXT_ADD_BOS, &ids, &n_ids, &err);
    if (status && (status == ATT_E_MEMORY || ids)) abort();
    for (int32_t i = 0; i < n_ids; i++) {
        const char *bytes;
        size_t n_bytes;
        if (ids[i] < 0 || ids[i] >= att_text_tokenizer_count(t)) abort();
        att_text_tokenizer_decode(t, ids[i], &bytes, &n_bytes);
        if (n_bytes == 0) abort();
    }
    att_free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char TEXT[] =
        "Hello  the the\n\n 12 it's <|im_end|></s> e\xcc\x81\xff \xe2\x96\x81";
    att_text_tokenizer *t;
    att_err err = {0};
    const char *bytes = (const char *)data;
    const size_t n_config = n % 3 ? 0 : n / 2;
    const att_status status = att_text_tokenizer_parse_json(
        &t, "that.json", bytes, n, n_config ? bytes : NULL, n_config, &err);
    if ((status != ATT_OK) != (t == NULL)) abort();
    if (status && (status != ATT_E_MODEL || !strstr(err.text, "token"))) abort();
    if (t) {
        use(t, TEXT, sizeof TEXT - 1);
        use(t, bytes, n < 200 ? n : 200);
        for (int32_t i = -1; i <= att_text_tokenizer_count(t); i++)
            if (att_text_tokenizer_is_end(t, i) && !att_text_tokenizer_type(t, i)) abort();
    }
    att_text_tokenizer_destroy(t);
    return 0;
}
