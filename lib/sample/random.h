/* random.h - a small generator of random numbers whose state is a value: equal seeds, equal
 * numbers, on every machine.
 *
 * Source: PCG32 (M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms for Random Number Generation", 2014, XSH-RR). Tests: tests/unit/test_random.c */
#ifndef ATT_RANDOM_H
#define ATT_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct att_random {
    uint64_t state, increment;
} att_random;

/* Streams of one seed are independent of each other. */
att_random att_random_of(uint64_t seed, uint64_t stream);

uint32_t att_random_u32(att_random *random);

/* In [0, 1), a multiple of 2^-53. */
double att_random_unit(att_random *random);

#ifdef __cplusplus
}
#endif
#endif /* ATT_RANDOM_H */
