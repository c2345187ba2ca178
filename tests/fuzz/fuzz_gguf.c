/* fuzz_gguf.c - any bytes behind GGUF's magic number: rejected with an offset, or an index whose
 * arrays and lists lie in the file and whose key/values can all be read. Seeds: a text, a bool, a
 * list of texts and two tensors; numbers of all types, alone and in lists; tensors of all types. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "weights_index.h"

static void read_arrays(const att_weights *w, const uint8_t *data, size_t n)
{
    volatile double sum = 0.0;
    for (size_t i = 0; i < att_weights_count(w); i++) {
        const att_array *a = att_weights_at(w, i);
        const size_t elements = (size_t)att_array_elements(a);
        const uint8_t *at = a->data;
        if (a->offset > n || a->bytes > n - a->offset || at != data + a->offset) abort();
        if (att_weights_find(w, a->name) != a || a->rank > 4) abort();
        const size_t bytes =
            a->blocks ? elements / att_blocks_elements(a->blocks) * att_blocks_bytes(a->blocks)
            : a->dtype == ATT_N_DTYPES ? elements * 8
                                       : elements * att_dtype_bytes(a->dtype);
        if (bytes != a->bytes) abort();
        if (elements) sum += att_array_value(a, 0) + att_array_value(a, elements - 1);
        if (att_array_value(a, elements) == att_array_value(a, elements)) abort(); /* no NaN */
    }
    (void)sum;
}

static void read_pairs(const att_weights *w, const uint8_t *data, size_t n)
{
    volatile double sum = 0.0;
    for (size_t i = 0; i < w->n_pairs; i++) {
        const char *key = w->pairs[i].key, *text = att_weights_text(w, key);
        att_weights_list_view list;
        double x = 0.0;
        size_t bytes = 0, texts = 0;
        const int is_number = att_weights_number(w, key, &x);
        att_weights_list(w, key, &list);
        if ((text != NULL) + is_number + (list.type != ATT_VALUE_NONE) != 1) abort();
        if (list.n &&
            (list.data < data || list.n_bytes > n || (size_t)(list.data - data) > n - list.n_bytes))
            abort();
        if (list.n) sum += x + att_weights_list_number(&list, list.n - 1);
        for (const char *s; (s = att_weights_list_text(&list, &bytes)); texts++)
            for (size_t k = 0; k < bytes; k++) sum += s[k];
        if (texts != (list.type == ATT_VALUE_TEXT ? list.n : 0)) abort();
    }
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    att_weights *w;
    att_err err;
    if (n < 4 || memcmp(data, "GGUF", 4) != 0) return 0;
    const att_status status = att_weights_open_memory(&w, "that file", data, n, &err);
    if (status) {
        if (w || status != ATT_E_MODEL || !strstr(err.text, "that file: byte ")) abort();
        return 0;
    }
    read_arrays(w, data, n);
    read_pairs(w, data, n);
    att_weights_close(w);
    return 0;
}
