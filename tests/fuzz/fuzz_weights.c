/* fuzz_weights.c - lib/weights on any bytes: rejected with an offset, or an index in which
 * everything can be looked up and read. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "spec.h"

static void read_all(att_weights *w)
{
    volatile unsigned sum = 0;
    for (size_t i = 0; i < att_weights_count(w); i++) {
        const att_array *a = att_weights_at(w, i);
        const uint8_t *data = a->data;
        if (att_weights_find(w, a->name) != a) abort();
        if (i && strcmp(att_weights_at(w, i - 1)->name, a->name) >= 0) abort();
        for (size_t k = 0; k < a->bytes; k++) sum += data[k];
        (void)att_array_value(a, 0);
        if (att_dtype_bytes(a->dtype) &&
            (size_t)att_array_elements(a) * att_dtype_bytes(a->dtype) != a->bytes)
            abort();
    }
    (void)sum;
}

static void bind_some(att_weights *w)
{
    static const att_spec_row ROWS[] = {
        {"layer_%d/w", "3C,D", ATT_SPEC_FLOATS, 0, 0},
        {"w", "C,D", ATT_SPEC_FLOATS | ATT_SPEC_I8, ATT_SPEC_OPTIONAL, 0},
        {"n", "", ATT_SPEC_INTS, 0, 0},
    };
    att_letter letters[] = {{'C', 0}, {'D', 0}};
    att_complaints complaints = {0};
    const att_array *into;
    att_err err;
    for (int32_t i = 0; i <= att_spec_layers(w, "layer_%d/w") && i < 8; i++)
        att_spec_bind(w, ROWS, 3, i, letters, 2, &into, &complaints);
    (void)att_complaints_status(&complaints, w, &err);
    (void)att_weights_unread(w, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    att_weights *w;
    att_err err;
    const att_status status = att_weights_open_memory(&w, "fuzz", data, n, &err);
    if (status) {
        if (w || status != ATT_E_MODEL || !strstr(err.text, ": byte ")) abort();
        return 0;
    }
    read_all(w);
    bind_some(w);
    att_weights_close(w);
    return 0;
}
