/* spec.c - binding arrays to members by a table, and the list of complaints (spec.h).
 * Tests: tests/unit/test_spec.c */
#include "spec.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "weights_index.h"

enum { SHAPE_TEXT_BYTES = 192, NAME_TEXT_BYTES = 256 };

void att_complain(att_complaints *complaints, const char *format, ...)
{
    const size_t used = strlen(complaints->text);
    const size_t room = sizeof complaints->text - used;
    const char *join = used ? "; " : "";
    complaints->n++;
    if (complaints->n_said + 1 < complaints->n) return; /* one did not fit: the rest is counted */
    char text[sizeof complaints->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (used && strlen(text) + strlen(join) >= room) return;
    snprintf(complaints->text + used, room, "%s%s", join, text);
    complaints->n_said++;
}

att_status att_complaints_status(const att_complaints *complaints, const att_weights *weights,
                                 att_err *err)
{
    if (complaints->n == 0) return ATT_OK;
    char more[48] = "";
    if (complaints->n > complaints->n_said)
        snprintf(more, sizeof more, "; and %zu more", complaints->n - complaints->n_said);
    return att_fail(err, ATT_E_MODEL, "load %s: %s%s", att_weights_path(weights), complaints->text,
                    more);
}

/* pattern with the layer for its %d, cut at n_bytes. */
static void layer_name(char *text, size_t n_bytes, const char *pattern, int32_t layer)
{
    const char *mark = strstr(pattern, "%d");
    if (mark) {
        snprintf(text, n_bytes, "%.*s%" PRId32 "%s", (int)(mark - pattern), pattern, layer,
                 mark + 2);
    } else {
        snprintf(text, n_bytes, "%s", pattern);
    }
}

/* "[512,80,3]" */
static void shape_text(char *text, size_t n_bytes, const int64_t *dims, int32_t rank)
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < rank && used < n_bytes; i++) {
        const int n = snprintf(text + used, n_bytes - used, "%s%" PRId64, i ? "," : "[", dims[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used < n_bytes) snprintf(text + used, n_bytes - used, "%s", rank ? "]" : "a scalar");
}

/* "f32 or f16 or blocks" */
static void dtypes_text(char *text, size_t n_bytes, uint32_t dtypes)
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned d = 0; d <= ATT_N_DTYPES && used < n_bytes; d++) {
        if (!(dtypes >> d & 1u)) continue;
        const int n = snprintf(text + used, n_bytes - used, "%s%s", used ? " or " : "",
                               d < ATT_N_DTYPES ? att_dtype_name((att_dtype)d) : "blocks");
        used += n > 0 ? (size_t)n : 0;
    }
}

typedef struct shape {
    int64_t dims[ATT_ARRAY_MAX_RANK]; /* -1: holds a letter that is not known yet */
    att_letter *unknown[ATT_ARRAY_MAX_RANK];
    int64_t factor[ATT_ARRAY_MAX_RANK]; /* product of the axis without its unknown letter */
    int32_t rank;
} shape;

static att_letter *find_letter(att_letter *letters, size_t n_letters, char letter)
{
    for (size_t i = 0; i < n_letters; i++)
        if (letters[i].letter == letter) return &letters[i];
    return NULL;
}

/* Reads one axis, "3C" or "HD" or "80", and returns where it ends. */
static const char *read_axis(const char *axes, att_letter *letters, size_t n_letters, shape *s)
{
    const int32_t i = s->rank++;
    s->factor[i] = 1;
    while (*axes && *axes != ',') {
        if (*axes >= '0' && *axes <= '9') {
            int64_t number = 0;
            while (*axes >= '0' && *axes <= '9') number = number * 10 + (*axes++ - '0');
            s->factor[i] *= number;
            continue;
        }
        att_letter *letter = find_letter(letters, n_letters, *axes++);
        assert(letter && "a spec table uses a letter that its caller did not give");
        if (letter->size > 0) {
            s->factor[i] *= letter->size;
        } else {
            assert(!s->unknown[i] && "an axis may have one unknown letter");
            s->unknown[i] = letter;
        }
    }
    s->dims[i] = s->unknown[i] ? -1 : s->factor[i];
    return axes;
}

static shape read_axes(const char *axes, att_letter *letters, size_t n_letters)
{
    shape s = {0};
    while (*axes) {
        assert(s.rank < ATT_ARRAY_MAX_RANK);
        axes = read_axis(axes, letters, n_letters, &s);
        if (*axes == ',') axes++;
    }
    return s;
}

/* Whether found fits. Letters that it shows for the first time are set, also when it does not. */
static int fit(const shape *s, const att_array *found)
{
    if (found->rank != s->rank) return 0;
    for (int32_t i = 0; i < s->rank; i++) {
        const int64_t dim = found->dims[i];
        att_letter *unknown = s->unknown[i];
        if (!unknown) {
            if (dim != s->dims[i]) return 0;
            continue;
        }
        if (dim <= 0 || dim % s->factor[i] != 0) return 0;
        if (unknown->size > 0 && unknown->size != dim / s->factor[i])
            return 0; /* by an axis before */
        unknown->size = dim / s->factor[i];
    }
    return 1;
}

static void complain_shape(const att_spec_row *row, const shape *s, const att_array *found,
                           att_complaints *complaints)
{
    char is[SHAPE_TEXT_BYTES];
    char wanted[SHAPE_TEXT_BYTES] = "";
    int known = 1;
    for (int32_t i = 0; i < s->rank; i++) known = known && !s->unknown[i];
    shape_text(is, sizeof is, found->dims, found->rank);
    if (known) shape_text(wanted, sizeof wanted, s->dims, s->rank);
    att_complain(complaints, "'%s' is %s%s%s, expected %s%s%s%s%s", found->name, found->stored_as,
                 found->rank ? "" : ", ", is, wanted, *row->axes && known ? " " : "",
                 *row->axes ? "(" : "", row->axes, *row->axes ? ")" : "");
}

static const att_array *bind_row(att_weights *weights, const att_spec_row *row, int32_t layer,
                                 att_letter *letters, size_t n_letters, att_complaints *complaints)
{
    char name[NAME_TEXT_BYTES];
    char text[SHAPE_TEXT_BYTES];
    layer_name(name, sizeof name, row->name, layer);
    const atti_entry *entry = atti_find(weights, name);
    shape s = read_axes(row->axes, letters, n_letters);
    if (!entry) {
        if (!(row->flags & ATT_SPEC_OPTIONAL)) att_complain(complaints, "'%s' is missing", name);
        return NULL;
    }
    weights->wanted[entry->storage] = 1;
    const att_array *found = &entry->array;
    const uint32_t stored = found->blocks                 ? (uint32_t)ATT_SPEC_BLOCKS
                            : found->dtype < ATT_N_DTYPES ? 1u << found->dtype
                                                          : 0u;
    if (!(row->dtypes & stored)) {
        dtypes_text(text, sizeof text, row->dtypes);
        att_complain(complaints, "'%s' is stored as %s, expected %s", name, found->stored_as, text);
        return NULL;
    }
    if (!fit(&s, found)) {
        complain_shape(row, &s, found, complaints);
        return NULL;
    }
    return found;
}

void att_spec_bind(att_weights *weights, const att_spec_row *rows, size_t n_rows, int32_t layer,
                   att_letter *letters, size_t n_letters, void *into, att_complaints *complaints)
{
    for (size_t i = 0; i < n_rows; i++) {
        const att_array *found = bind_row(weights, &rows[i], layer, letters, n_letters, complaints);
        memcpy((char *)into + rows[i].into, &found, sizeof found);
    }
}

int32_t att_spec_layers(const att_weights *weights, const char *pattern)
{
    char name[NAME_TEXT_BYTES];
    int32_t n = 0;
    assert(strstr(pattern, "%d"));
    for (; (size_t)n < weights->n_entries; n++) {
        layer_name(name, sizeof name, pattern, n);
        if (!atti_find(weights, name)) break;
    }
    return n;
}

const att_array *att_weights_unread(const att_weights *weights, size_t i)
{
    for (size_t k = 0; k < weights->n_entries; k++) {
        const atti_entry *e = &weights->entries[k];
        if (weights->wanted[e->storage]) continue;
        if (i-- == 0) return &e->array;
    }
    return NULL;
}
