/* ref_attn_internal.h - one row of attention on its way to the output and the taps; private to
 * ref_attn*.c. */
#ifndef ATT_REF_ATTN_INTERNAL_H
#define ATT_REF_ATTN_INTERNAL_H

#include "ref.h"

enum { ATTI_REF_MAX_KEYS = 8192 }; /* rows lie on the stack: no memory is asked for */

/* What a head reads: its class's mask, tiles and keys, or the call's. */
typedef struct atti_ref_head {
    const att_attn_mask *mask;
    const att_attn_tiles *tiles;
    const att_attn_view *k, *v;
    int32_t n_k;
} atti_ref_head;

/* Row i of head h in batch row b. z: scores, ATT_ATTN_NOTHING where masked. a: the softmax, and
 * later what classes and diag_mix make of it. Entries from the head's n_k to the call's are masked.
 */
typedef struct atti_ref_row {
    int32_t b, h, i;
    atti_ref_head head;
    int32_t n_visible;
    double lse;
    double z[ATTI_REF_MAX_KEYS], a[ATTI_REF_MAX_KEYS];
} atti_ref_row;

/* NULL, or which promise of the call is broken. */
const char *atti_ref_attn_broken(const att_attn_call *call);

/* Fills head, z, a, lse of a row whose b, h, i are set. */
void atti_ref_attn_softmax(const att_attn_call *call, atti_ref_row *row);

/* a after call->classes, then after call->diag_mix. */
void atti_ref_attn_classes(const att_attn_call *call, atti_ref_row *row);
void atti_ref_attn_mix(const att_attn_call *call, atti_ref_row *row);

/* Class of key j for head h. */
int32_t atti_ref_attn_class(const att_attn_call *call, int32_t h, int32_t j);
/* Mass of each class in the row. */
void atti_ref_attn_class_mass(const att_attn_call *call, const atti_ref_row *row,
                              double mass[ATT_ATTN_MAX_CLASSES]);

/* Whether i lies in [begin, end), end 0 being the last of all. */
int atti_ref_attn_in_rows(int32_t i, int32_t begin, int32_t end);

/* q_pos[i] - k_pos[j] under the row's mask. */
double atti_ref_attn_distance(const att_attn_call *call, const atti_ref_row *row, int32_t j);

/* Weighted sums over the rows of one head for taps.key_mean and taps.key_band_mean, and the sums of
 * the weights. */
typedef struct atti_ref_columns {
    double sum[ATTI_REF_MAX_KEYS], band[ATTI_REF_MAX_KEYS];
    double weight, band_weight[ATTI_REF_MAX_KEYS];
} atti_ref_columns;

/* Writes the row's taps and adds the row to the columns. */
void atti_ref_attn_tap_row(const att_attn_call *call, const atti_ref_row *row,
                           atti_ref_columns *columns);
void atti_ref_attn_tap_columns(const att_attn_call *call, int32_t b, int32_t h,
                               const atti_ref_columns *columns);

#endif /* ATT_REF_ATTN_INTERNAL_H */
