/* spec.h - spec tables: which array of a file goes to which member of a model's struct, and what it
 * must look like. The table is loader, validator and documentation in one.
 *
 *   typedef struct block { const att_array *ln_g, *w_qkv, *s_qkv; } block;
 *   static const att_spec_row BLOCK[] = {
 *       {"enc/layer_%d/norm/gamma",       "C",    ATT_SPEC_FLOATS,               0, INTO(ln_g)},
 *       {"enc/layer_%d/qkv/weight",       "3C,C", ATT_SPEC_FLOATS | ATT_SPEC_I8, 0, INTO(w_qkv)},
 *       {"enc/layer_%d/qkv/weight_scale", "3C",   ATT_SPEC_F32, ATT_SPEC_OPTIONAL,  INTO(s_qkv)},
 *   };
 *   att_letter letters[] = {{'C', 512}};
 *   att_complaints complaints = {0};
 *   for (int32_t i = 0; i < n_layers; i++)
 *       att_spec_bind(weights, BLOCK, 3, i, letters, 1, &blocks[i], &complaints);
 *   return att_complaints_status(&complaints, weights, err);
 *
 * Tests: tests/unit/test_spec.c */
#ifndef ATT_SPEC_H
#define ATT_SPEC_H

#include "weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of att_spec_row.dtypes: 1 << att_dtype. */
enum {
    ATT_SPEC_F32 = 1 << ATT_F32,
    ATT_SPEC_F16 = 1 << ATT_F16,
    ATT_SPEC_BF16 = 1 << ATT_BF16,
    ATT_SPEC_I8 = 1 << ATT_I8,
    ATT_SPEC_U8 = 1 << ATT_U8,
    ATT_SPEC_I16 = 1 << ATT_I16,
    ATT_SPEC_I32 = 1 << ATT_I32,
    ATT_SPEC_FLOATS = ATT_SPEC_F32 | ATT_SPEC_F16 | ATT_SPEC_BF16,
    ATT_SPEC_BLOCKS = 1 << ATT_N_DTYPES, /* of any kind; the loader unpacks them */
    ATT_SPEC_INTS = ATT_SPEC_I8 | ATT_SPEC_U8 | ATT_SPEC_I16 | ATT_SPEC_I32
};

/* Bits of att_spec_row.flags. */
enum { ATT_SPEC_OPTIONAL = 1 << 0 }; /* absent: the member becomes NULL, without a complaint */

typedef struct att_spec_row {
    const char *name; /* in the file; one %d stands for the layer */
    const char *axes; /* "" scalar; "3C,C": axes by comma, each a product of digits and letters */
    uint32_t dtypes;  /* what it may be stored as */
    uint32_t flags;
    size_t into; /* offsetof the `const att_array *` in the struct that is bound */
} att_spec_row;

/* What a letter of `axes` stands for. size 0: not known yet; the first array that shows it sets it,
 * and every later one is held to it. */
typedef struct att_letter {
    char letter;
    int64_t size;
} att_letter;

/* All that is wrong with a file, for one message. Starts zeroed; plain data. */
typedef struct att_complaints {
    char text[1536];
    size_t n_said; /* complaints in text */
    size_t n;      /* complaints in all */
} att_complaints;

/* Binds n_rows rows: finds each array, checks dtype, rank and every dimension, and sets the member
 * of *into to it, or to NULL. Whatever does not fit is added to complaints; nothing stops early.
 * layer: the value of %d in names. letters may be updated where a size was 0. */
void att_spec_bind(att_weights *weights, const att_spec_row *rows, size_t n_rows, int32_t layer,
                   att_letter *letters, size_t n_letters, void *into, att_complaints *complaints);

/* A complaint of the caller's own, in the same list: "'decoder/num_heads' is 7, ...". */
void att_complain(att_complaints *complaints, const char *format, ...) ATT_PRINTF(2, 3);

/* ATT_OK without complaints; else ATT_E_MODEL and one line with all of them, or as many as fit and
 * how many more there are. */
att_status att_complaints_status(const att_complaints *complaints, const att_weights *weights,
                                 att_err *err);

/* How many layers a file has: the first n for which `pattern`, with n for its %d, names no array.
 */
int32_t att_spec_layers(const att_weights *weights, const char *pattern);

/* The arrays that no bind has asked for by name, in order: element i, or NULL past the end. An
 * alias and its target count as one: asked for when either was. */
const att_array *att_weights_unread(const att_weights *weights, size_t i);

#ifdef __cplusplus
}
#endif
#endif /* ATT_SPEC_H */
