/* conform_rope.c - cases of rotary positions (conform.h). */
#include <math.h>

#include "conform_stems.h"
#include "ref.h"
#include "rope.h"

enum { POSITIONS = 1, NANS = 2, F16 = 4, DIVISORS = 8, MAX_ROWS = 32, MAX_PAIRS = 128 };

/* heads of width d lie behind `before` other columns of rows that are `more` longer still. */
typedef struct shape {
    int32_t rows, heads, d, before, more;
    att_rope_desc rope;
    int32_t first;
    int32_t with;
} shape;

#define BY_PARTS                                                                                   \
    .scaling = ATT_ROPE_BY_PARTS, .factor = 8.0, .low_turns = 1.0, .high_turns = 4.0,              \
    .original_context = 8192.0

static const shape SHAPES[] = {
    {1, 1, 2, 0, 0, {.kind = ATT_ROPE_HALF, .base = 1e4}, 1, 0},
    {7, 12, 64, 0, 192, {.kind = ATT_ROPE_HALF, .base = 1e5}, 0, 0},
    {9, 3, 80, 5, 3, {.kind = ATT_ROPE_HALF, .base = 1e4}, 40, 0},
    {5, 4, 128, 0, 0, {.kind = ATT_ROPE_HALF, .base = 5e5, BY_PARTS}, 131067, 0},
    {6, 3, 64, 7, 0, {.kind = ATT_ROPE_INTERLEAVED, .base = 1e4}, 3, 0},
    {3, 2, 44, 0, 1, {.kind = ATT_ROPE_INTERLEAVED, .base = 1e6}, 131069, POSITIONS},
    {4, 2, 64, 0, 0, {.kind = ATT_ROPE_HALF, .width = 24, .base = 1e4}, 11, 0},
    {4, 2, 40, 3, 3, {.kind = ATT_ROPE_INTERLEAVED, .width = 26, .base = 1e4}, 11, 0},
    {9, 2, 64, 0, 9, {.kind = ATT_ROPE_HALF, .base = 1e4}, 0, POSITIONS},
    {5, 2, 64, 0, 0, {.kind = ATT_ROPE_HALF, .base = 1e4}, -3, 0},
    {5, 3, 32, 2, 0, {.kind = ATT_ROPE_TABLE}, 0, 0},
    {6, 2, 48, 0, 0, {.kind = ATT_ROPE_TABLE, .width = 20}, 0, 0},
    {8, 2, 64, 0, 0, {ATT_ROPE_HALF, .base = 1e4, .scaling = ATT_ROPE_LINEAR, .factor = 4}, 90, 0},
    {8, 2, 64, 0, 0, {.kind = ATT_ROPE_HALF, .base = 5e5}, 1000, DIVISORS},
    {5, 2, 64, 0, 4, {.kind = ATT_ROPE_HALF, .base = 1e4}, 6, NANS},
    {5, 2, 64, 0, 4, {.kind = ATT_ROPE_INTERLEAVED, .base = 1e4}, 6, NANS},
    {6, 5, 64, 1, 8, {.kind = ATT_ROPE_HALF, .base = 1e5}, 77, F16},
    {6, 2, 256, 0, 0, {.kind = ATT_ROPE_INTERLEAVED, .base = 1e4}, 9, F16},
    {0, 2, 64, 0, 0, {.kind = ATT_ROPE_HALF, .base = 1e4}, 0, 0}, /* no row: nothing happens */
};
#undef BY_PARTS

/* Kept tokens of a longer text, up to the last position that a model of today has. */
static void fill_positions(int32_t *positions, int32_t n)
{
    for (int32_t i = 0; i < n; i++) positions[i] = i < n / 2 ? 3 * i : 131072 - (n - i) * (n - i);
}

/* What the call reads beside x, on both sides: positions or angles. */
static att_status make_positions(att_queue *queue, const shape *s, atti_array *a, att_err *err)
{
    int32_t positions[MAX_ROWS + ATT_CONFORM_GUARD] = {0};
    const int32_t width = s->rope.width ? s->rope.width : s->d;
    if (s->rope.kind == ATT_ROPE_TABLE)
        return atti_array_make(queue, a, (int64_t)s->rows * (width / 2), 5, 20.0f, ATT_F32, err);
    fill_positions(positions, s->rows);
    return atti_array_ids(queue, a, positions, s->rows, err);
}

static void run_reference(const shape *s, const float *divisors, const atti_array *positions,
                          const att_mat *x)
{
    att_ref_rope_args args = {
        .kind = (int)s->rope.kind,
        .scaling = (int)s->rope.scaling,
        .width = s->rope.width ? s->rope.width : s->d,
        .head_width = s->d,
        .first = s->first,
        .base = s->rope.base,
        .factor = s->rope.factor,
        .low_turns = s->rope.low_turns,
        .high_turns = s->rope.high_turns,
        .original_context = s->rope.original_context,
        .divisors = divisors,
    };
    if (s->with & POSITIONS || s->rope.kind == ATT_ROPE_TABLE)
        args.positions = atti_array_host(positions);
    att_ref_rope(&args, x);
}

static att_status run_device(att_queue *queue, const shape *s, const float *divisors,
                             const atti_array *positions, const att_mat *x, att_err *err)
{
    att_arena *arena = NULL;
    att_rope rope = {.kind = ATT_ROPE_NONE};
    att_rope_desc desc = s->rope;
    const att_view at = atti_array_device(positions);
    const int given = s->with & POSITIONS || s->rope.kind == ATT_ROPE_TABLE;
    desc.divisors = divisors;
    att_status status = att_arena_create(&arena, att_queue_device(queue), "check", err);
    if (!status) status = att_rope_init(&rope, queue, arena, &desc, s->d, err);
    if (!status) status = att_rope_apply(queue, &rope, *x, s->first, given ? &at : NULL, err);
    if (!status) status = att_queue_wait(queue, err);
    att_arena_destroy(arena);
    return status;
}

static att_status run(att_queue *queue, int32_t variant, int32_t small, att_conform_result *result,
                      att_err *err)
{
    const shape *s = &SHAPES[variant];
    const int32_t cols = s->heads * s->d, stride = s->before + cols + s->more;
    const int half = s->with & F16;
    float divisors[MAX_PAIRS];
    atti_array x = {0}, positions = {0};
    (void)small;
    att_conform_fill(divisors, MAX_PAIRS, 3, 3.0f);
    for (int32_t i = 0; i < MAX_PAIRS; i++) divisors[i] += 4.0f;
    const float *by = s->with & DIVISORS ? divisors : NULL;
    att_status status = atti_array_make(queue, &x, (int64_t)s->rows * stride, 1, 4.0f,
                                        half ? ATT_F16 : ATT_F32, err);
    if (!status) status = make_positions(queue, s, &positions, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, 1, NAN, err);
    if (!status && s->with & NANS) status = atti_array_set(queue, &x, stride + 9, INFINITY, err);
    att_mat from = {{0}, s->rows, stride, stride}, to = from;
    if (!status) {
        from.view = atti_array_device(&x);
        to.view = atti_array_host(&x);
        from = att_mat_cols(from, s->before, cols);
        to = att_mat_cols(to, s->before, cols);
        status = run_device(queue, s, by, &positions, &from, err);
    }
    if (!status) {
        run_reference(s, by, &positions, &to);
        /* Of pairs at most 5.7 long: an angle within 3e-7, cos and sin within 4 units of 2^-24 of
         * 1. A half may be the neighbour. */
        status = atti_array_compare(queue, &x, result, "x", half ? 1e-5 : 5e-6,
                                    half ? 0x1p-10 : 0.0, err);
    }
    atti_array_destroy(&x);
    atti_array_destroy(&positions);
    return status;
}

#define ROPE(i)                                                                                    \
    {                                                                                              \
        "rope", "shape " #i, run, i                                                                \
    }
static const att_conform_case CASES[] = {ROPE(0),  ROPE(1),  ROPE(2),  ROPE(3),  ROPE(4),
                                         ROPE(5),  ROPE(6),  ROPE(7),  ROPE(8),  ROPE(9),
                                         ROPE(10), ROPE(11), ROPE(12), ROPE(13), ROPE(14),
                                         ROPE(15), ROPE(16), ROPE(17), ROPE(18)};
#undef ROPE
_Static_assert(sizeof CASES / sizeof *CASES == sizeof SHAPES / sizeof *SHAPES, "a case a shape");

const att_conform_case *att_conform_rope(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
