/* fuzz_ggml.c - any bytes behind ggml's magic number: rejected with an offset, or an index whose
 * arrays lie in the file, and a vocabulary that is refused by name or has a text for every id.
 * Seed: a header, three tokens, a vector, a matrix of f16, one in blocks. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "whisper_tokens.h"

static void read_all(const att_weights *w, const uint8_t *data, size_t n)
{
    volatile double sum = 0.0;
    for (size_t i = 0; i < att_weights_count(w); i++) {
        const att_array *a = att_weights_at(w, i);
        const size_t elements = (size_t)att_array_elements(a);
        const uint8_t *at = a->data;
        if (at < data || a->offset > n || a->bytes > n - a->offset || at != data + a->offset)
            abort();
        const size_t bytes =
            a->blocks ? elements / att_blocks_elements(a->blocks) * att_blocks_bytes(a->blocks)
                      : elements * att_dtype_bytes(a->dtype);
        if (bytes != a->bytes) abort();
        if (elements) sum += att_array_value(a, 0) + att_array_value(a, elements - 1);
        if (att_array_value(a, elements) == att_array_value(a, elements)) abort(); /* no NaN */
    }
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    att_weights *w;
    att_whisper_tokens *tokens;
    att_err err;
    if (n < 4 || memcmp(data, "lmgg", 4) != 0) return 0;
    att_status status = att_weights_open_memory(&w, "that file", data, n, &err);
    if (status) {
        if (w || status != ATT_E_MODEL || !strstr(err.text, ": byte ")) abort();
        return 0;
    }
    read_all(w, data, n);
    status = att_whisper_tokens_from_weights(&tokens, w, &err);
    if (status && (status != ATT_E_MODEL || tokens || !strstr(err.text, "that file"))) abort();
    att_whisper_tokens_close(tokens);
    att_weights_close(w);
    return 0;
}
