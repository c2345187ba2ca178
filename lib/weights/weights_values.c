/* weights_values.c - key/values beside the arrays of an att_weights: adding them, and their texts,
 * numbers and lists (weights.h, weights_index.h). Tests: tests/unit/test_gguf.c, test_weights.c */
#include <math.h>
#include <string.h>

#include "mem.h"
#include "weights_index.h"

enum { MAX_PAIRS = 4096 };

/* By att_value_type. */
static const size_t VALUE_BYTES[ATT_N_VALUE_TYPES] = {0, 1, 1, 2, 2, 4, 4, 4, 1, 0, 8, 8, 8};

size_t atti_value_bytes(att_value_type type)
{
    return (unsigned)type < ATT_N_VALUE_TYPES ? VALUE_BYTES[type] : 0;
}

double atti_value(att_value_type type, const uint8_t *bytes)
{
    uint64_t bits = 0;
    float narrow;
    double wide;
    for (size_t i = 0; i < atti_value_bytes(type); i++) bits |= (uint64_t)bytes[i] << 8 * i;
    const uint32_t low = (uint32_t)bits;
    switch (type) {
    case ATT_VALUE_I8:
        return (double)(int8_t)bits;
    case ATT_VALUE_I16:
        return (double)(int16_t)bits;
    case ATT_VALUE_I32:
        return (double)(int32_t)bits;
    case ATT_VALUE_I64:
        return (double)(int64_t)bits;
    case ATT_VALUE_F32:
        memcpy(&narrow, &low, sizeof narrow);
        return (double)narrow;
    case ATT_VALUE_F64:
        memcpy(&wide, &bits, sizeof wide);
        return wide;
    case ATT_VALUE_NONE:
    case ATT_VALUE_TEXT:
    case ATT_N_VALUE_TYPES:
        return (double)NAN;
    default:
        return (double)bits;
    }
}

const atti_pair *atti_find_pair(const att_weights *weights, const char *key)
{
    for (size_t i = 0; i < weights->n_pairs; i++)
        if (strcmp(weights->pairs[i].key, key) == 0) return &weights->pairs[i];
    return NULL;
}

/* A pair of that key without a value. */
static att_status add(att_weights *w, const char *key, atti_pair **pair, att_err *err)
{
    if (w->n_pairs >= MAX_PAIRS)
        return atti_reject(w, 8, err, "more than %d key/values beside the arrays", MAX_PAIRS);
    if (w->n_pairs == w->pairs_room) {
        const size_t room = w->pairs_room ? 2 * w->pairs_room : 64;
        void *grown = att_realloc(w->pairs, room, sizeof *w->pairs);
        if (!grown) return atti_no_memory(w, err);
        w->pairs = grown;
        w->pairs_room = room;
    }
    *pair = &w->pairs[w->n_pairs];
    memset(*pair, 0, sizeof **pair);
    (*pair)->key = att_strdup(key);
    if (!(*pair)->key) return atti_no_memory(w, err);
    w->n_pairs++;
    return ATT_OK;
}

att_status atti_add_text(att_weights *weights, const char *key, const void *text, size_t n_bytes,
                         att_err *err)
{
    atti_pair *pair;
    const att_status status = add(weights, key, &pair, err);
    if (status) return status;
    pair->text = att_calloc(n_bytes + 1, 1);
    if (!pair->text) return atti_no_memory(weights, err);
    if (n_bytes) memcpy(pair->text, text, n_bytes);
    return ATT_OK;
}

att_status atti_add_number(att_weights *weights, const char *key, double x, att_err *err)
{
    atti_pair *pair;
    const att_status status = add(weights, key, &pair, err);
    if (status) return status;
    pair->is_number = 1;
    pair->number = x;
    return ATT_OK;
}

att_status atti_add_list(att_weights *weights, const char *key, const att_weights_list_view *list,
                         att_err *err)
{
    atti_pair *pair;
    const att_status status = add(weights, key, &pair, err);
    if (!status) pair->list = *list;
    return status;
}

const char *att_weights_text(const att_weights *weights, const char *key)
{
    const atti_pair *pair = atti_find_pair(weights, key);
    if (pair) return pair->text;
    const char *text = NULL;
    for (size_t i = 0; !text && i < weights->n_parts; i++)
        text = att_weights_text(weights->parts[i], key);
    return text;
}

int att_weights_number(const att_weights *weights, const char *key, double *x)
{
    const atti_pair *pair = atti_find_pair(weights, key);
    if (!pair || !pair->is_number) return 0;
    *x = pair->number;
    return 1;
}

size_t att_weights_list(const att_weights *weights, const char *key, att_weights_list_view *list)
{
    static const att_weights_list_view NONE = {0};
    const atti_pair *pair = atti_find_pair(weights, key);
    *list = pair ? pair->list : NONE;
    return list->n;
}

const char *att_weights_list_text(att_weights_list_view *list, size_t *n_bytes)
{
    if (list->type != ATT_VALUE_TEXT || list->walked >= list->n_bytes) return NULL;
    const uint8_t *b = list->data + list->walked; /* lengths were checked when it was opened */
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++) n |= (uint64_t)b[i] << 8 * i;
    *n_bytes = (size_t)n;
    list->walked += 8 + (size_t)n;
    return (const char *)b + 8;
}

double att_weights_list_number(const att_weights_list_view *list, size_t i)
{
    const size_t bytes = atti_value_bytes(list->type);
    return i < list->n && bytes ? atti_value(list->type, list->data + i * bytes) : (double)NAN;
}
