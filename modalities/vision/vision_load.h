/* vision_load.h - arrays of a file as norms and linears on a device; private to this room. */
#ifndef ATT_VISION_LOAD_H
#define ATT_VISION_LOAD_H

#include "linear.h"
#include "norm.h"
#include "spec.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct atti_vision_loader {
    att_queue *queue;
    att_arena *arena; /* of all that is made */
    att_weights *weights;
    att_precision precision;
} atti_vision_loader;

typedef struct att_vision_linear {
    const att_array *weight, *bias; /* bias may be NULL */
} att_vision_linear;

typedef struct att_vision_norm {
    const att_array *gamma, *beta;
} att_vision_norm;

/* The array as f32 in memory of its own (att_free), or NULL when that is out. */
float *atti_vision_floats(const att_array *array);

att_status atti_vision_vector(const atti_vision_loader *loader, const char *what, const float *x,
                              int64_t n, att_view *view, att_err *err);
att_status atti_vision_norm(const atti_vision_loader *loader, const att_vision_norm *arrays,
                            float eps, att_norm *norm, att_err *err);
/* n up to 3, below each other; inputs are all axes of a weight but the first. Blocks that products
 * take as they are stay so. */
att_status atti_vision_make_linear(const atti_vision_loader *loader,
                                   const att_vision_linear *stored, size_t n, att_linear **linear,
                                   att_err *err);

/* att_spec_bind() with a prefix before each name of the table. */
void atti_vision_bind(att_weights *weights, const char *prefix, const att_spec_row *rows,
                      size_t n_rows, int32_t layer, att_letter *letters, size_t n_letters,
                      void *into, att_complaints *complaints);

#ifdef __cplusplus
}
#endif
#endif /* ATT_VISION_LOAD_H */
