/* ref_rope.c - rotary positions in plain C, angles and products in double (ref.h).
 * Tests: tests/unit/test_ref.c */
#include <math.h>

#include "ref.h"

/* Wave lengths decide, as in the published definition. */
static double slowed(const att_ref_rope_args *r, double speed)
{
    const double wave = 2.0 * 3.14159265358979323846 / speed;
    if (r->scaling == 1) return speed / r->factor;
    if (r->scaling == 0 || wave < r->original_context / r->high_turns) return speed;
    if (wave > r->original_context / r->low_turns) return speed / r->factor;
    const double smooth =
        (r->original_context / wave - r->low_turns) / (r->high_turns - r->low_turns);
    return (1.0 - smooth) * speed / r->factor + smooth * speed;
}

static double angle(const att_ref_rope_args *r, int32_t m, int32_t i)
{
    const int32_t pairs = r->width / 2;
    if (r->kind == 3) return (double)att_ref_load(&r->positions, (int64_t)m * pairs + i);
    double speed = 1.0 / pow(r->base, (double)(2 * i) / r->width);
    if (r->divisors) speed /= (double)r->divisors[i];
    const int32_t position = att_view_given(&r->positions)
                                 ? ((const int32_t *)r->positions.host)[r->positions.at + m]
                                 : r->first + m;
    return position * slowed(r, speed);
}

void att_ref_rope(const att_ref_rope_args *r, const att_mat *x)
{
    for (int32_t m = 0; m < x->rows; m++)
        for (int32_t h = 0; h < x->cols / r->head_width; h++)
            for (int32_t i = 0; i < r->width / 2; i++) {
                const int64_t head = (int64_t)m * x->stride + h * r->head_width;
                const int64_t one = head + (r->kind == 2 ? 2 * i : i);
                const int64_t two = r->kind == 2 ? one + 1 : one + r->width / 2;
                const double a = (double)att_ref_load(&x->view, one);
                const double b = (double)att_ref_load(&x->view, two);
                const double c = cos(angle(r, m, i)), s = sin(angle(r, m, i));
                att_ref_store(&x->view, one, (float)(a * c - b * s));
                att_ref_store(&x->view, two, (float)(b * c + a * s));
            }
}
