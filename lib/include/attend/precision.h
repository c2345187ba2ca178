/* precision.h - how exactly a model computes its products. */
#ifndef ATT_PRECISION_H
#define ATT_PRECISION_H

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* A device that lacks fast products of one kind uses the kind above it. */
typedef enum att_precision {
    ATT_PRECISION_EXACT, /* weights as they are stored, f32 products and sums */
    ATT_PRECISION_FAST,  /* bf16 or f16 products, f32 sums */
    ATT_PRECISION_INT8   /* int8 products with a scale a weight row and a scale each 128 inputs of a
                            row, i32 sums; attention as in fast */
} att_precision;

/* "exact", "fast", "int8" */
const char *att_precision_name(att_precision precision);
/* 1 and *precision when the name is one of them, else 0. */
int att_precision_of_name(const char *name, att_precision *precision);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif /* ATT_PRECISION_H */
