/* random.c - PCG32 (random.h). Tests: tests/unit/test_random.c */
#include "random.h"

uint32_t att_random_u32(att_random *r)
{
    const uint64_t old = r->state;
    r->state = old * UINT64_C(6364136223846793005) + r->increment;
    const uint32_t x = (uint32_t)(((old >> 18) ^ old) >> 27);
    const uint32_t turn = (uint32_t)(old >> 59);
    return x >> turn | x << (-turn & 31);
}

att_random att_random_of(uint64_t seed, uint64_t stream)
{
    att_random r = {0, stream << 1 | 1};
    (void)att_random_u32(&r);
    r.state += seed;
    (void)att_random_u32(&r);
    return r;
}

double att_random_unit(att_random *r)
{
    const uint64_t high = att_random_u32(r), low = att_random_u32(r);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}
