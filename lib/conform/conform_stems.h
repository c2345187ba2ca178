/* conform_stems.h - the case tables, one a stem, and an array that is on both sides. */
#ifndef ATT_CONFORM_STEMS_H
#define ATT_CONFORM_STEMS_H

#include "conform.h"

#ifdef __cplusplus
extern "C" {
#endif

const att_conform_case *att_conform_linear(size_t *n);
const att_conform_case *att_conform_norm(size_t *n);
const att_conform_case *att_conform_conv(size_t *n);
const att_conform_case *att_conform_magnitude(size_t *n);
const att_conform_case *att_conform_lstm(size_t *n);
const att_conform_case *att_conform_cache(size_t *n);
const att_conform_case *att_conform_attn(size_t *n);
const att_conform_case *att_conform_attn_fields(size_t *n);
const att_conform_case *att_conform_logits_top(size_t *n);
const att_conform_case *att_conform_rope(size_t *n);
const att_conform_case *att_conform_swiglu(size_t *n);
const att_conform_case *att_conform_gather(size_t *n);

/* The same numbers on the host, for the reference, and on the device; ATT_CONFORM_GUARD more stand
 * behind them and must survive. */
typedef struct atti_array {
    att_buf *buf;
    void *host;
    int64_t n;
    att_dtype dtype;
} atti_array;

/* n numbers of dtype f32 or f16 in [-amplitude, amplitude). A zeroed array may be destroyed. */
att_status atti_array_make(att_queue *queue, atti_array *array, int64_t n, uint32_t seed,
                           float amplitude, att_dtype dtype, att_err *err);
/* As many i32, copied from values. */
att_status atti_array_ids(att_queue *queue, atti_array *array, const int32_t *values, int64_t n,
                          att_err *err);
void atti_array_destroy(atti_array *array);

att_view atti_array_device(const atti_array *array);
att_view atti_array_host(const atti_array *array);

/* Sets element i on both sides, for NaN and infinities. */
att_status atti_array_set(att_queue *queue, atti_array *array, int64_t i, float x, att_err *err);

/* The host's side as bf16 holds it times `by`, which is 1 for halves. */
void atti_array_round(atti_array *array, float by);

/* Reads the device's side, guard included, and compares it with the host's. */
att_status atti_array_compare(att_queue *queue, const atti_array *array, att_conform_result *result,
                              const char *what, double abs, double rel, att_err *err);

#ifdef __cplusplus
}
#endif
#endif /* ATT_CONFORM_STEMS_H */
