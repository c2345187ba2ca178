/* conform_logits_top.c - cases of the best tokens of rows of logits (conform.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conform_stems.h"
#include "logits_top.h"
#include "mem.h"
#include "ref.h"

enum {
    STRIDED = 1,
    TIES = 2,    /* a few values, each many times */
    NANS = 4,    /* one in the first part of row 0, one that is forbidden in row 1 */
    NOTHING = 8, /* the second part has one token in row 0, none in the others */
    LARGE = 16,  /* exp() of what is not shifted overflows */
    MAX_BEST = 8,
};

typedef struct shape {
    int32_t rows, vocab, split, best, with;
} shape;

static const shape SHAPES[] = {
    {1, 1, 1, 1, 0},
    {2, 7, 0, 3, 0},
    {3, 100, 33, 8, TIES | STRIDED},
    {2, 2048, 2048, 2, 0},
    {3, 4101, 2049, 6, TIES},
    {2, 5000, 4977, 6, NANS},
    {2, 3000, 2500, 4, NOTHING},
    {1, 2100, 17, 1, LARGE},
    {1, 51865, 50364, 6, STRIDED},
};

/* What one case works with. */
typedef struct rig {
    atti_array z;
    att_arena *arena;
    att_logits_top top;
    int32_t stride;
} rig;

static float value_of(const shape *s, int64_t i, float x)
{
    if (s->with & TIES) return floorf(2.0f * x);
    return s->with & LARGE ? 100.0f * x + (i % 3 ? 200.0f : -500.0f) : x;
}

/* Every fifth token is forbidden, other ones in each row; the highest of all as well. */
static void forbid(const shape *s, rig *r)
{
    for (int32_t row = 0; row < s->rows; row++) {
        uint32_t *bits = att_logits_top_forbidden(&r->top, row);
        const float *z = (const float *)r->z.host + (int64_t)row * r->stride;
        int32_t highest = 0;
        for (int32_t t = 0; t < s->vocab; t++) {
            if (t % 5 == row % 5 && s->vocab > 1) att_logits_forbid(bits, s->vocab, t);
            if (z[t] > z[highest]) highest = t;
        }
        if (s->vocab > 7) att_logits_forbid(bits, s->vocab, highest);
        if (s->with & NOTHING)
            att_logits_forbid_range(bits, s->vocab, s->split + (row == 0), s->vocab);
        if (s->with & NANS && row == 1) att_logits_forbid(bits, s->vocab, 40);
    }
}

static att_status make(att_queue *queue, const shape *s, rig *r, att_err *err)
{
    r->stride = s->vocab + (s->with & STRIDED ? 3 : 0);
    const int64_t n = (int64_t)s->rows * r->stride;
    att_status status = atti_array_make(queue, &r->z, n, 1, 8.0f, ATT_F32, err);
    float *z = r->z.host;
    for (int64_t i = 0; !status && i < n; i++) z[i] = value_of(s, i, z[i]);
    if (!status && s->with & NANS) z[11] = z[r->stride + 40] = NAN;
    if (!status && s->vocab > 4) z[3] = -INFINITY;
    if (!status) status = att_queue_write(queue, atti_array_device(&r->z), z, n, err);
    if (!status) status = att_arena_create(&r->arena, att_queue_device(queue), "check", err);
    if (!status) status = att_logits_top_init(&r->top, r->arena, s->rows, s->vocab, MAX_BEST, err);
    if (!status) forbid(s, r);
    return status;
}

static void say(att_conform_result *result, const char *what, int32_t part, double got, double want)
{
    result->worst = (double)INFINITY;
    snprintf(result->text, sizeof result->text, "%s of part %d of row %d is %.9g, expected %.9g",
             what, part % 2, part / 2, got, want);
}

/* Tokens are exact. Sums are of floats, each off by 3 ulp at most: the log is off by their relative
 * error, and by a rounding of itself. */
static void compare(const shape *s, const rig *r, int32_t i, att_conform_result *result)
{
    int32_t tokens[MAX_BEST];
    const att_logits_part *part = &r->top.parts[i];
    const float *z = (const float *)r->z.host + (int64_t)(i / 2) * r->stride;
    const double sum =
        att_ref_logits_top(z, att_logits_top_forbidden(&r->top, i / 2), i % 2 ? s->split : 0,
                           i % 2 ? s->vocab : s->split, s->best, tokens);
    float pair[1 + ATT_CONFORM_GUARD] = {0.0f}, expected[1 + ATT_CONFORM_GUARD] = {0.0f};
    int32_t n = 0;
    while (n < s->best && tokens[n] >= 0) n++;
    if (part->n != n) say(result, "the number of tokens", i, part->n, n);
    for (int32_t k = 0; k < n && k < part->n; k++) {
        if (part->best[k].token != tokens[k])
            say(result, "a token", i, part->best[k].token, tokens[k]);
        if (part->best[k].logit != z[tokens[k]])
            say(result, "a logit", i, (double)part->best[k].logit, (double)z[tokens[k]]);
    }
    pair[0] = (float)(isfinite(sum) ? part->log_sum_exp - sum : part->log_sum_exp);
    expected[0] = isfinite(sum) ? 0.0f : (float)sum;
    att_conform_compare(result, "the error of the log of the sum", pair, expected, 1, 1e-6, 0.0);
}

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const shape *s = &SHAPES[variant];
    rig r;
    memset(&r, 0, sizeof r);
    if (small && s->vocab > 10000)
        return att_fail(err, ATT_E_UNSUPPORTED, "a whole vocabulary is too much here");
    att_status status = make(queue, s, &r, err);
    if (!status) {
        const att_mat logits = {atti_array_device(&r.z), s->rows, s->vocab, r.stride};
        status = att_logits_top_apply(queue, &r.top, logits, s->split, s->best, err);
    }
    for (int32_t i = 0; !status && i < 2 * s->rows; i++) compare(s, &r, i, result);
    att_logits_top_finish(&r.top);
    att_arena_destroy(r.arena);
    atti_array_destroy(&r.z);
    return status;
}

#define LOGITS_TOP(i)                                                                              \
    {                                                                                              \
        "logits_top", "shape " #i, run, i                                                          \
    }
static const att_conform_case CASES[] = {LOGITS_TOP(0), LOGITS_TOP(1), LOGITS_TOP(2),
                                         LOGITS_TOP(3), LOGITS_TOP(4), LOGITS_TOP(5),
                                         LOGITS_TOP(6), LOGITS_TOP(7), LOGITS_TOP(8)};
#undef LOGITS_TOP
_Static_assert(sizeof CASES / sizeof *CASES == sizeof SHAPES / sizeof *SHAPES, "a case a shape");

const att_conform_case *att_conform_logits_top(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
