/* rope.c - rotary positions: speeds, and which kernel turns (rope.h).
 * Tests: tests/kernels/test_rope.c */
#include "rope.h"

#include <math.h>
#include <string.h>

#include "ceil_div.h"

enum {
    MAX_WIDTH = 256, /* R: arrays of rope_cpu */
    ROWS_A_GROUP = 4 /* of rope_cpu */
};

static const double TURN = 6.28318530717958647692;

static att_status check_scaling(const att_rope_desc *d, att_err *err)
{
    if (d->kind != ATT_ROPE_TABLE && !(d->base > 0.0 && isfinite(d->base)))
        return att_fail(err, ATT_E_ARG, "describe rotary positions: base %g; it must be positive",
                        d->base);
    if (d->scaling != ATT_ROPE_UNSCALED && !(d->factor > 0.0 && isfinite(d->factor)))
        return att_fail(err, ATT_E_ARG, "describe rotary positions: factor %g; it must be positive",
                        d->factor);
    if (d->scaling == ATT_ROPE_BY_PARTS &&
        !(d->original_context > 0.0 && d->low_turns > 0.0 && d->high_turns > d->low_turns))
        return att_fail(err, ATT_E_ARG,
                        "describe rotary positions: from %g to %g turns in %g tokens; expected "
                        "positive numbers, the first below the second",
                        d->low_turns, d->high_turns, d->original_context);
    return ATT_OK;
}

static int32_t width_of(const att_rope_desc *d, int32_t head_width)
{
    return d->width ? d->width : head_width;
}

att_status att_rope_check(const att_rope_desc *d, int32_t head_width, att_err *err)
{
    const int32_t width = width_of(d, head_width);
    if (d->kind == ATT_ROPE_NONE) return ATT_OK;
    if ((int)d->kind < 0 || d->kind > ATT_ROPE_TABLE || (int)d->scaling < 0 ||
        d->scaling > ATT_ROPE_BY_PARTS)
        return att_fail(err, ATT_E_ARG,
                        "describe rotary positions: kind %d, scaling %d are unknown", (int)d->kind,
                        (int)d->scaling);
    if (width < 2 || width > head_width || width % 2)
        return att_fail(err, ATT_E_ARG,
                        "describe rotary positions: %d of a head's %d numbers turn; expected an "
                        "even number of at most all",
                        width, head_width);
    if (width > MAX_WIDTH)
        return att_fail(err, ATT_E_UNSUPPORTED,
                        "describe rotary positions: rotary width %d, at most %d is built", width,
                        MAX_WIDTH);
    return check_scaling(d, err);
}

/* Radians a position, below 2^62 turns. */
static double speed_of(const att_rope_desc *d, int32_t width, int32_t i)
{
    double speed = pow(d->base, -2.0 * i / width);
    if (d->divisors) speed /= (double)d->divisors[i];
    if (d->scaling == ATT_ROPE_LINEAR) return speed / d->factor;
    if (d->scaling == ATT_ROPE_UNSCALED) return speed;
    const double turns = d->original_context * speed / TURN;
    const double whole = (turns - d->low_turns) / (d->high_turns - d->low_turns);
    const double kept = whole < 0.0 ? 0.0 : whole > 1.0 ? 1.0 : whole;
    return kept * speed + (1.0 - kept) * speed / d->factor;
}

/* The part behind the point of the turns that `radians` are, as a fraction of 2^64. */
static uint64_t fraction_of(double radians)
{
    const double turns = radians / TURN, part = turns - floor(turns);
    return part < 1.0 ? (uint64_t)(part * 0x1p64) : 0;
}

att_status att_rope_init(att_rope *rope, att_queue *queue, att_arena *arena,
                         const att_rope_desc *desc, int32_t head_width, att_err *err)
{
    memset(rope, 0, sizeof *rope);
    const att_status bad = att_rope_check(desc, head_width, err);
    if (bad || desc->kind == ATT_ROPE_NONE) return bad;
    rope->kind = desc->kind;
    rope->width = width_of(desc, head_width);
    rope->head_width = head_width;
    if (desc->kind == ATT_ROPE_TABLE) return ATT_OK;

    uint32_t words[MAX_WIDTH];
    for (int32_t i = 0; i < rope->width / 2; i++) {
        const double speed = speed_of(desc, rope->width, i);
        if (!(fabs(speed) < 0x1p50))
            return att_fail(err, ATT_E_ARG,
                            "make rotary positions: pair %d turns %g radians a position", i, speed);
        const uint64_t fraction = fraction_of(speed);
        words[2 * i] = (uint32_t)fraction;
        words[2 * i + 1] = (uint32_t)(fraction >> 32);
    }
    att_status status =
        att_arena_take(arena, "rotary speeds", ATT_I32, rope->width, &rope->speeds, err);
    if (!status) status = att_queue_write(queue, rope->speeds, words, rope->width, err);
    return status;
}

static att_status check_call(const att_rope *rope, att_mat x, const att_view *positions,
                             att_err *err)
{
    const int table = rope->kind == ATT_ROPE_TABLE;
    if (rope->head_width < 1 || x.cols % rope->head_width)
        return att_fail(err, ATT_E_SHAPE, "turn rows: x is [%d,%d], heads are %d wide", x.rows,
                        x.cols, rope->head_width);
    if (x.view.dtype != ATT_F32 && x.view.dtype != ATT_F16)
        return att_fail(err, ATT_E_UNSUPPORTED, "turn rows: x is %s, expected f32 or f16",
                        att_dtype_name(x.view.dtype));
    if (table && !positions) return att_fail(err, ATT_E_ARG, "turn rows: a table has no angles");
    if (positions && positions->dtype != (table ? ATT_F32 : ATT_I32))
        return att_fail(err, ATT_E_ARG, "turn rows: %s are %s, expected %s",
                        table ? "angles" : "positions", att_dtype_name(positions->dtype),
                        table ? "f32" : "i32");
    return ATT_OK;
}

att_status att_rope_apply(att_queue *queue, const att_rope *rope, att_mat x, int32_t first,
                          const att_view *positions, att_err *err)
{
    const att_status bad = check_call(rope, x, positions, err);
    if (bad) return bad;
    const att_view none = {NULL, NULL, 0, ATT_I32};
    const int table = rope->kind == ATT_ROPE_TABLE, f16 = x.view.dtype == ATT_F16;
    const int cpu = !f16 && att_device_cpu_bodies(att_queue_device(queue));
    const int32_t heads = x.cols / rope->head_width, pairs = heads * (rope->width / 2);
    const att_arg args[] = {
        att_arg_i32(x.rows),
        att_arg_i32(heads),
        att_arg_i32(rope->head_width),
        att_arg_i32(rope->width),
        att_arg_i32(rope->kind == ATT_ROPE_INTERLEAVED),
        att_arg_view(x.view),
        att_arg_i32(x.stride),
        att_arg_view(rope->speeds),
        att_arg_i32(first),
        att_arg_view(positions && !table ? *positions : none),
        att_arg_view(positions && table ? *positions : none),
        att_arg_i32(f16),
    };
    const double n = (double)x.rows * pairs;
    const att_launch launch = {
        .kernel = cpu ? ATT_K_ROPE_CPU : ATT_K_ROPE_ANY,
        .groups = {cpu ? att_ceil_div(x.rows, ROWS_A_GROUP) : att_ceil_div(pairs, 64),
                   cpu ? 1 : x.rows, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args - (size_t)cpu, /* which turns f32 alone */
        .flops = 6.0 * n,
        .bytes = 4.0 * (double)att_dtype_bytes(x.view.dtype) * n,
    };
    return att_queue_launch(queue, &launch, err);
}

size_t att_rope_kernels(const att_device *device, att_kernel_id *list, size_t room)
{
    if (room < 1) return 0;
    list[0] = att_device_cpu_bodies(device) ? ATT_K_ROPE_CPU : ATT_K_ROPE_ANY;
    return 1;
}
