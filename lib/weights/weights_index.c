/* weights_index.c - building the index of an att_weights, and values of arrays (weights_index.h).
 * Tests: tests/unit/test_weights.c */
#include "weights_index.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "half.h"
#include "mem.h"

enum { MAX_NAME_BYTES = 1024 };

att_status atti_reject(const att_weights *weights, uint64_t at, att_err *err, const char *format,
                       ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return att_fail(err, ATT_E_MODEL, "read %s: byte %llu: %s", weights->path,
                    (unsigned long long)at, text);
}

att_status atti_no_memory(const att_weights *weights, att_err *err)
{
    return att_fail(err, ATT_E_MEMORY, "read %s: out of memory", weights->path);
}

/* Bytes of the UTF-8 character at b (n bytes left, n > 0), or 0 when it is none: cut off, overlong,
 * a surrogate, or past U+10FFFF. */
static size_t utf8_character(const uint8_t *b, size_t n)
{
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    if (b[0] < 0x80) return 1;
    const size_t bytes = (b[0] & 0xe0) == 0xc0   ? 2
                         : (b[0] & 0xf0) == 0xe0 ? 3
                         : (b[0] & 0xf8) == 0xf0 ? 4
                                                 : 0;
    if (bytes == 0 || bytes > n) return 0;
    uint32_t code = b[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((b[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (b[i] & 0x3fu);
    }
    if (code < SMALLEST[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
    return bytes;
}

int atti_is_name(const uint8_t *bytes, size_t n)
{
    if (n == 0 || n > MAX_NAME_BYTES) return 0;
    for (size_t i = 0; i < n;) {
        const size_t step = utf8_character(bytes + i, n - i);
        if (step == 0 || bytes[i] < 0x20 || bytes[i] == 0x7f) return 0;
        i += step;
    }
    return 1;
}

static att_status add_entry(att_weights *w, const char *name, size_t n_name, atti_entry entry,
                            att_err *err)
{
    if (w->n_entries == w->entries_room) {
        const size_t room = w->entries_room ? 2 * w->entries_room : 64;
        void *grown = att_realloc(w->entries, room, sizeof *w->entries);
        if (!grown) return atti_no_memory(w, err);
        w->entries = grown;
        w->entries_room = room;
    }
    char *copy = att_calloc(n_name + 1, 1);
    if (!copy) return atti_no_memory(w, err);
    memcpy(copy, name, n_name);
    entry.array.name = copy;
    w->entries[w->n_entries++] = entry;
    return ATT_OK;
}

att_status atti_add_array(att_weights *weights, const char *name, size_t n_name,
                          const att_array *array, uint64_t at, att_err *err)
{
    const atti_entry entry = {.array = *array, .at = at, .storage = weights->n_entries};
    return add_entry(weights, name, n_name, entry, err);
}

att_status atti_add_alias(att_weights *weights, const char *name, const atti_entry *target,
                          uint64_t at, att_err *err)
{
    atti_entry entry = *target;
    entry.at = at;
    return add_entry(weights, name, strlen(name), entry, err);
}

static int by_name(const void *a, const void *b)
{
    const atti_entry *x = a;
    const atti_entry *y = b;
    const int order = strcmp(x->array.name, y->array.name);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

att_status atti_sort(att_weights *weights, att_err *err)
{
    if (weights->n_entries)
        qsort(weights->entries, weights->n_entries, sizeof *weights->entries, by_name);
    for (size_t i = 1; i < weights->n_entries; i++) {
        const atti_entry *e = &weights->entries[i];
        if (strcmp(e->array.name, e[-1].array.name) == 0)
            return atti_reject(weights, e->at, err,
                               "'%s' is there a second time (first at byte %llu)", e->array.name,
                               (unsigned long long)e[-1].at);
    }
    weights->n_sorted = weights->n_entries;
    return ATT_OK;
}

static int by_place(const void *a, const void *b)
{
    const att_array *x = &((const atti_entry *)a)->array;
    const att_array *y = &((const atti_entry *)b)->array;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

void atti_sort_by_place(att_weights *weights)
{
    if (weights->n_entries)
        qsort(weights->entries, weights->n_entries, sizeof *weights->entries, by_place);
}

atti_entry *atti_find(const att_weights *weights, const char *name)
{
    size_t low = 0;
    size_t high = weights->n_sorted;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, weights->entries[middle].array.name);
        if (order == 0) return &weights->entries[middle];
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

int atti_array_bytes(const int64_t *dims, int32_t rank, uint64_t bits, uint64_t *bytes)
{
    uint64_t total = bits;
    int empty = 0; /* a zero elsewhere does not excuse an absurd product */
    for (int32_t i = 0; i < rank; i++) {
        const uint64_t dim = (uint64_t)dims[i];
        if (dim == 0) {
            empty = 1;
            continue;
        }
        if (total > (uint64_t)INT64_MAX / dim) return 0;
        total *= dim;
    }
    *bytes = empty ? 0 : (total + 7) / 8;
    return 1;
}

int64_t att_array_elements(const att_array *array)
{
    int64_t n = 1;
    for (int32_t i = 0; i < array->rank; i++) n *= array->dims[i];
    return n;
}

static double float_value(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* One element of an array in blocks. */
static double block_value(const att_array *array, size_t i)
{
    const size_t size = att_blocks_bytes(array->blocks), n = att_blocks_elements(array->blocks);
    const size_t block = i / n;
    float x[ATT_BLOCK_MAX_ELEMENTS];
    if (block >= array->bytes / size) return (double)NAN;
    att_blocks_unpack(array->blocks, (const uint8_t *)array->data + block * size, 1, x);
    return (double)x[i % n];
}

double att_array_value(const att_array *array, size_t i)
{
    if (array->blocks) return block_value(array, i);
    const size_t size = att_dtype_bytes(array->dtype);
    if (size == 0 || i >= array->bytes / size) return (double)NAN;
    const uint8_t *b = (const uint8_t *)array->data + i * size;
    uint32_t bits = 0;
    for (size_t k = 0; k < size; k++) bits |= (uint32_t)b[k] << 8 * k;
    switch (array->dtype) {
    case ATT_F32:
        return float_value(bits);
    case ATT_F16:
        return (double)att_half_to_float((uint16_t)bits);
    case ATT_BF16:
        return float_value(bits << 16);
    case ATT_I8:
        return (double)(int8_t)bits;
    case ATT_U8:
        return (double)bits;
    case ATT_I16:
        return (double)(int16_t)bits;
    case ATT_I32:
        return (double)(int32_t)bits;
    case ATT_N_DTYPES:
        break;
    }
    return (double)NAN;
}
