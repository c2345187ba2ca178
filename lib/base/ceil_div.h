/* ceil_div.h - how many pieces of a size cover a number of things: work-groups, panels, chunks. */
#ifndef ATT_CEIL_DIV_H
#define ATT_CEIL_DIV_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* n >= 0, each >= 1, their sum an int32_t. */
static inline int32_t att_ceil_div(int32_t n, int32_t each)
{
    return (n + each - 1) / each;
}

#ifdef __cplusplus
}
#endif
#endif /* ATT_CEIL_DIV_H */
