/* conform_linear.c - cases of linear and of rows of a weight (conform.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conform_stems.h"
#include "half.h"
#include "linear.h"
#include "mem.h"
#include "ref.h"

enum {
    BIAS = 1,
    GATE = 2,
    RESIDUAL = 4,
    IN_PLACE = 8,
    STRIDED = 16,
    NANS = 32,
    TWO_PARTS = 64,
    FAST = 128, /* exact without these */
    INT8 = 256,
    X_F16 = 512,
    Y_F16 = 1024,
    WHOLE = 2048,                 /* strides are multiples of 8: `nv` bodies take them */
    LOUD = 4096,                  /* a row of y that is partly beyond what a half holds */
    ODD_SCALES = 8192,            /* blocks whose scale or minimum is no finite number */
    Q4_0 = ATT_BLOCKS_Q4_0 << 16, /* kept in blocks, whatever the dtype */
    Q4_1 = ATT_BLOCKS_Q4_1 << 16,
    Q5_0 = ATT_BLOCKS_Q5_0 << 16,
    Q5_1 = ATT_BLOCKS_Q5_1 << 16,
    Q8_0 = ATT_BLOCKS_Q8_0 << 16
};

#define HALVES (FAST | X_F16 | Y_F16 | WHOLE)

typedef struct shape {
    int32_t m, n, k;
    att_dtype dtype;
    att_act act;
    int32_t with;
} shape;

/* One row and many; a lane short, full, over; panels of 16 and 32 and their multiples; depth tiles
 * of 512 and what is left of them; every epilogue. Then words: an input short of one and over it,
 * blocks of 128 inputs and what is left of them, tiles of 1, 4 and 12 rows, blocks of 24. */
static const shape SHAPES[] = {
    {1, 1, 1, ATT_F32, ATT_ACT_NONE, 0},
    {1, 64, 33, ATT_F16, ATT_ACT_NONE, BIAS},
    {1, 65, 100, ATT_F32, ATT_ACT_GELU_ERF, BIAS | GATE | RESIDUAL},
    {1, 200, 513, ATT_F16, ATT_ACT_SILU, BIAS | IN_PLACE},
    {1, 47, 1040, ATT_F16, ATT_ACT_NONE, STRIDED | RESIDUAL},
    {2, 15, 7, ATT_F32, ATT_ACT_RELU, BIAS},
    {5, 16, 16, ATT_F16, ATT_ACT_GELU_ERF, BIAS | STRIDED},
    {7, 33, 63, ATT_F32, ATT_ACT_GELU_TANH, BIAS | GATE | IN_PLACE},
    {13, 31, 512, ATT_F16, ATT_ACT_NONE, RESIDUAL | STRIDED},
    {97, 17, 513, ATT_F16, ATT_ACT_GELU_ERF, BIAS | IN_PLACE | STRIDED},
    {100, 130, 65, ATT_F32, ATT_ACT_NONE, BIAS | TWO_PARTS},
    {193, 48, 1100, ATT_F16, ATT_ACT_NONE, BIAS | TWO_PARTS | STRIDED},
    {64, 64, 64, ATT_BF16, ATT_ACT_NONE, 0},
    {65, 33, 1030, ATT_F16, ATT_ACT_SILU, BIAS | STRIDED},
    {63, 47, 515, ATT_F32, ATT_ACT_NONE, GATE | RESIDUAL},
    {6, 40, 50, ATT_I8, ATT_ACT_NONE, BIAS},
    {1, 40, 50, ATT_I8, ATT_ACT_SILU, BIAS},
    {9, 20, 30, ATT_F16, ATT_ACT_RELU, BIAS | NANS},
    {1, 20, 30, ATT_F32, ATT_ACT_GELU_ERF, BIAS | NANS},
    {3, 20, 30, ATT_F32, ATT_ACT_GELU_TANH, NANS},
    {3, 20, 30, ATT_F32, ATT_ACT_SILU, NANS},
    {1, 65, 100, ATT_F32, ATT_ACT_GELU_ERF, BIAS | GATE | RESIDUAL | FAST},
    {1, 33, 1, ATT_F16, ATT_ACT_NONE, FAST},
    {5, 31, 131, ATT_F16, ATT_ACT_SILU, BIAS | STRIDED | FAST},
    {12, 64, 64, ATT_BF16, ATT_ACT_NONE, IN_PLACE | FAST},
    {59, 130, 517, ATT_F32, ATT_ACT_RELU, BIAS | TWO_PARTS | STRIDED | FAST},
    {5, 20, 30, ATT_F16, ATT_ACT_NONE, BIAS | NANS | FAST},
    {1, 65, 100, ATT_F32, ATT_ACT_GELU_ERF, BIAS | GATE | RESIDUAL | INT8},
    {1, 33, 1, ATT_F16, ATT_ACT_NONE, INT8},
    {5, 31, 131, ATT_F16, ATT_ACT_SILU, BIAS | STRIDED | INT8},
    {12, 64, 128, ATT_I8, ATT_ACT_NONE, IN_PLACE | INT8},
    {59, 130, 519, ATT_F32, ATT_ACT_RELU, BIAS | TWO_PARTS | STRIDED | INT8},
    {5, 20, 30, ATT_F16, ATT_ACT_NONE, BIAS | NANS | INT8},
    {1, 70, 96, ATT_F16, ATT_ACT_GELU_ERF, BIAS | GATE | RESIDUAL | HALVES},
    {5, 31, 131, ATT_F16, ATT_ACT_SILU, BIAS | STRIDED | FAST | X_F16 | Y_F16},
    {130, 200, 96, ATT_F32, ATT_ACT_GELU_ERF, BIAS | GATE | RESIDUAL | HALVES},
    {70, 130, 40, ATT_BF16, ATT_ACT_RELU, BIAS | TWO_PARTS | STRIDED | HALVES},
    {65, 129, 24, ATT_F16, ATT_ACT_NONE, IN_PLACE | FAST | X_F16},
    {200, 64, 520, ATT_F16, ATT_ACT_GELU_TANH, BIAS | HALVES},
    {9, 136, 64, ATT_F16, ATT_ACT_RELU, BIAS | NANS | HALVES},
    {7, 40, 64, ATT_F16, ATT_ACT_NONE, BIAS | LOUD | HALVES},
    {1400, 3200, 40, ATT_F16, ATT_ACT_NONE, BIAS | HALVES}, /* enough for large tiles */
    /* Blocks: one of them, some, more than a depth tile of 512; rows and columns as above. */
    {1, 1, 32, ATT_F32, ATT_ACT_NONE, Q4_0},
    {1, 70, 96, ATT_F32, ATT_ACT_GELU_ERF, BIAS | GATE | RESIDUAL | Q4_0},
    {13, 33, 544, ATT_F32, ATT_ACT_NONE, STRIDED | RESIDUAL | Q4_0},
    {1, 65, 544, ATT_F32, ATT_ACT_SILU, BIAS | IN_PLACE | Q4_1},
    {97, 48, 64, ATT_F32, ATT_ACT_GELU_TANH, BIAS | GATE | TWO_PARTS | Q4_1},
    {1, 130, 160, ATT_F32, ATT_ACT_NONE, STRIDED | RESIDUAL | Q5_0},
    {193, 17, 1120, ATT_F32, ATT_ACT_RELU, BIAS | TWO_PARTS | STRIDED | Q5_0},
    {1, 31, 32, ATT_F32, ATT_ACT_NONE, BIAS | Q5_1},
    {6, 40, 608, ATT_F32, ATT_ACT_SILU, BIAS | IN_PLACE | Q5_1},
    {1, 100, 96, ATT_F32, ATT_ACT_RELU, BIAS | GATE | Q8_0},
    {25, 47, 576, ATT_F32, ATT_ACT_GELU_ERF, BIAS | STRIDED | Q8_0},
    {9, 40, 96, ATT_F32, ATT_ACT_NONE, BIAS | NANS | Q4_0},
    {3, 70, 96, ATT_F32, ATT_ACT_NONE, ODD_SCALES | Q4_0},
    {1, 70, 96, ATT_F32, ATT_ACT_NONE, ODD_SCALES | Q4_1},
    {3, 70, 96, ATT_F32, ATT_ACT_RELU, ODD_SCALES | Q5_1},
    {1, 70, 96, ATT_F32, ATT_ACT_NONE, BIAS | FAST | Q4_1},
    {7, 40, 64, ATT_F32, ATT_ACT_NONE, BIAS | X_F16 | Y_F16 | Q8_0},
    {1, 1, 32, ATT_F32, ATT_ACT_NONE, INT8 | Q4_0},
    {1, 70, 96, ATT_F32, ATT_ACT_GELU_ERF, BIAS | GATE | RESIDUAL | INT8 | Q4_0},
    {59, 33, 544, ATT_F32, ATT_ACT_NONE, STRIDED | RESIDUAL | INT8 | Q4_0},
    {1, 65, 544, ATT_F32, ATT_ACT_SILU, BIAS | IN_PLACE | INT8 | Q4_1},
    {29, 48, 64, ATT_F32, ATT_ACT_GELU_TANH, BIAS | GATE | TWO_PARTS | INT8 | Q4_1},
    {1, 130, 160, ATT_F32, ATT_ACT_NONE, STRIDED | RESIDUAL | INT8 | Q5_0},
    {31, 17, 1120, ATT_F32, ATT_ACT_RELU, BIAS | TWO_PARTS | STRIDED | INT8 | Q5_0},
    {1, 31, 32, ATT_F32, ATT_ACT_NONE, BIAS | INT8 | Q5_1},
    {6, 40, 608, ATT_F32, ATT_ACT_SILU, BIAS | IN_PLACE | INT8 | Q5_1},
    {1, 100, 96, ATT_F32, ATT_ACT_RELU, BIAS | GATE | INT8 | Q8_0},
    {25, 47, 576, ATT_F32, ATT_ACT_GELU_ERF, BIAS | STRIDED | INT8 | Q8_0},
    {9, 40, 96, ATT_F32, ATT_ACT_NONE, BIAS | NANS | INT8 | Q4_0},
    {3, 70, 96, ATT_F32, ATT_ACT_NONE, ODD_SCALES | INT8 | Q4_1},
    {13, 70, 96, ATT_F32, ATT_ACT_RELU, ODD_SCALES | INT8 | Q8_0},
    {1, 65, 100, ATT_F32, ATT_ACT_GELU_QUICK, BIAS},
    {9, 33, 63, ATT_F16, ATT_ACT_GELU_QUICK, BIAS | NANS},
    {130, 200, 96, ATT_F16, ATT_ACT_GELU_QUICK, BIAS | HALVES},
};

enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

/* What one case works with. */
typedef struct bench {
    atti_array x, y, gate, residual;
    unsigned char *weight; /* n x k of the shape's dtype */
    float *wide, *bias, *scale;
    att_arena *arena;
    att_linear *linear;
} bench;

/* Elements between two rows. */
static int32_t pad_of(const shape *s)
{
    return !(s->with & STRIDED) ? 0 : s->with & WHOLE ? 8 : 5;
}

static att_precision precision_of(const shape *s)
{
    return s->with & INT8   ? ATT_PRECISION_INT8
           : s->with & FAST ? ATT_PRECISION_FAST
                            : ATT_PRECISION_EXACT;
}

static att_blocks blocks_of(const shape *s)
{
    return (att_blocks)(s->with >> 16);
}

/* Block i: any bytes behind a scale and a minimum that make weights of size 1 at most. */
static void fill_block(const shape *s, int64_t i, unsigned char *block, float *wide)
{
    const att_blocks kind = blocks_of(s);
    const int has_min = kind == ATT_BLOCKS_Q4_1 || kind == ATT_BLOCKS_Q5_1;
    const float bad = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
    float d[2], noise[ATT_BLOCK_ELEMENTS + 4];
    att_conform_fill(d, 2, (uint32_t)i + 21, kind == ATT_BLOCKS_Q8_0 ? 1.0f / 256 : 1.0f / 32);
    att_conform_fill(noise, ATT_BLOCK_ELEMENTS + 4, (uint32_t)i + 22, 128.0f);
    const int odd = s->with & ODD_SCALES && i % 7 == 0;
    if (odd) d[has_min && i % 2] = bad;
    for (size_t k = 0; k < att_blocks_bytes(kind) - 2; k++)
        block[2 + k] = (unsigned char)((int)noise[k % (ATT_BLOCK_ELEMENTS + 4)] + 128);
    for (size_t k = 0; k < (has_min ? 2 : 1); k++) {
        const uint16_t half = att_half_from_float(d[k]);
        memcpy(block + 2 * k, &half, 2);
    }
    att_blocks_unpack(kind, block, 1, wide);
    for (int k = 0; odd && k < ATT_BLOCK_ELEMENTS; k++) wide[k] = NAN;
}

/* Whole numbers / 64 survive bf16; i8 is used as it is. */
static void fill_weight(const shape *s, bench *b)
{
    const int64_t n = (int64_t)s->n * s->k;
    const size_t bytes = att_blocks_bytes(blocks_of(s));
    for (int64_t i = 0; bytes && i < n / ATT_BLOCK_ELEMENTS; i++)
        fill_block(s, i, b->weight + (size_t)i * bytes, b->wide + i * ATT_BLOCK_ELEMENTS);
    if (bytes) return;
    att_conform_fill(b->wide, n, 11, 1.0f);
    for (int32_t r = 0; r < s->n; r++) b->scale[r] = 0.01f * (float)(r % 7 + 1);
    for (int64_t i = 0; i < n; i++) {
        if (s->dtype == ATT_I8) {
            const signed char q = (signed char)(b->wide[i] * 127.0f);
            memcpy(b->weight + i, &q, 1);
            b->wide[i] = (float)q * b->scale[i / s->k];
        } else if (s->dtype == ATT_F32) {
            memcpy(b->weight + 4 * i, &b->wide[i], 4);
        } else {
            const float rounded = roundf(b->wide[i] * 64.0f) / 64.0f;
            uint32_t bits;
            memcpy(&bits, &rounded, 4);
            const uint16_t h =
                s->dtype == ATT_F16 ? att_half_from_float(rounded) : (uint16_t)(bits >> 16);
            memcpy(b->weight + 2 * i, &h, 2);
            b->wide[i] = rounded;
        }
    }
}

static att_status make_linear(att_queue *queue, const shape *s, bench *b, att_err *err)
{
    const att_blocks kind = blocks_of(s);
    const size_t row = kind ? (size_t)s->k / ATT_BLOCK_ELEMENTS * att_blocks_bytes(kind)
                            : (size_t)s->k * att_dtype_bytes(s->dtype);
    const int32_t first = s->with & TWO_PARTS ? s->n / 3 : s->n;
    att_weight_part parts[2] = {
        {b->weight, s->dtype, b->scale, first, s->with & BIAS ? b->bias : NULL, kind, 1},
        {b->weight + (size_t)first * row, s->dtype, b->scale + first, s->n - first,
         s->with & BIAS ? b->bias + first : NULL, kind, 1},
    };
    att_status status = att_arena_create(&b->arena, att_queue_device(queue), "check", err);
    if (!status)
        status = att_linear_create(&b->linear, queue, b->arena, "check", parts,
                                   s->with & TWO_PARTS ? 2 : 1, s->k, precision_of(s), err);
    return status;
}

static att_status make(att_queue *queue, const shape *s, bench *b, att_err *err)
{
    const size_t n = (size_t)s->n * (size_t)s->k;
    const int32_t pad = pad_of(s);
    b->weight = att_calloc(n, 4);
    b->wide = att_calloc(n, sizeof *b->wide);
    b->bias = att_calloc((size_t)s->n, sizeof *b->bias);
    b->scale = att_calloc((size_t)s->n, sizeof *b->scale);
    if (!b->weight || !b->wide || !b->bias || !b->scale)
        return att_fail(err, ATT_E_MEMORY, "check linear: out of memory");
    fill_weight(s, b);
    att_conform_fill(b->bias, s->n, 12, 1.0f);
    att_status status = make_linear(queue, s, b, err);
    if (!status)
        status = atti_array_make(queue, &b->x, (int64_t)s->m * (s->k + pad), 1, 1.0f,
                                 s->with & X_F16 ? ATT_F16 : ATT_F32, err);
    if (!status)
        status = atti_array_make(queue, &b->y, (int64_t)s->m * (s->n + pad), 2, 1.0f,
                                 s->with & Y_F16 ? ATT_F16 : ATT_F32, err);
    if (!status) status = atti_array_make(queue, &b->gate, s->n, 3, 1.0f, ATT_F32, err);
    if (!status)
        status = atti_array_make(queue, &b->residual, (int64_t)s->m * s->n, 4, 1.0f, ATT_F32, err);
    if (!status && s->with & NANS) {
        status = atti_array_set(queue, &b->x, s->k - 1, NAN, err); /* all of row 0 */
        if (!status && s->m > 1) status = atti_array_set(queue, &b->x, s->k + 2, INFINITY, err);
        /* The first of row 4: a step too many in row 3 would read it. */
        if (!status && s->m > 4) status = atti_array_set(queue, &b->x, (int64_t)4 * s->k, NAN, err);
    }
    for (int64_t i = 0; !status && s->with & LOUD && i < 2; i++)
        status = atti_array_set(queue, &b->x, 2 * s->k + i, 60000.0f, err);
    return status;
}

static void destroy(bench *b)
{
    atti_array_destroy(&b->x);
    atti_array_destroy(&b->y);
    atti_array_destroy(&b->gate);
    atti_array_destroy(&b->residual);
    att_linear_destroy(b->linear);
    att_arena_destroy(b->arena);
    att_free(b->weight);
    att_free(b->wide);
    att_free(b->bias);
    att_free(b->scale);
}

static att_mat mat(att_view view, int32_t rows, int32_t cols, int32_t pad)
{
    att_mat m = att_mat_of(view, rows, cols);
    m.stride += pad;
    return m;
}

static float to_bfloat(float x)
{
    return att_bfloat_to_float(att_bfloat_from_float(x));
}

/* n numbers as whole multiples of the largest / 127; NaN all over if one is no number. */
static void to_bytes(float *x, int32_t n)
{
    float top = 0.0f;
    for (int32_t i = 0; i < n; i++)
        if (!(fabsf(x[i]) <= top)) top = fabsf(x[i]);
    for (int32_t i = 0; i < n; i++)
        x[i] = !isfinite(top) ? NAN
               : top > 0.0f   ? rintf(x[i] * (127.0f / top)) * (top / 127.0f)
                              : 0;
}

/* Both sides of the product as numbers of that dtype; x of f32 is no operand of halves. */
static void round_sides(const shape *s, bench *b, att_dtype operand)
{
    const int32_t pad = pad_of(s);
    float *x = b->x.host;
    for (int32_t m = 0; operand != ATT_F16 && m < s->m; m++, x += s->k + pad)
        for (int32_t k = 0; k < s->k; k++)
            if (operand == ATT_BF16)
                x[k] = to_bfloat(x[k]);
            else if (k % 128 == 0)
                to_bytes(x + k, s->k - k < 128 ? s->k - k : 128);
    for (int64_t i = 0; i < (int64_t)s->n * s->k; i++)
        if (operand == ATT_F16)
            b->wide[i] = att_half_to_float(att_half_from_float(b->wide[i]));
        else if (operand == ATT_BF16)
            b->wide[i] = to_bfloat(b->wide[i]);
        else if (i % s->k == 0 && s->dtype != ATT_I8)
            to_bytes(b->wide + i, s->k);
}

/* The same for blocks that are kept: x alone, by 32. */
static void round_blocks(const shape *s, bench *b, att_precision precision)
{
    float *x = b->x.host;
    for (int32_t m = 0; precision == ATT_PRECISION_INT8 && m < s->m; m++, x += s->k + pad_of(s))
        for (int32_t k = 0; k < s->k; k += ATT_BLOCK_ELEMENTS) to_bytes(x + k, ATT_BLOCK_ELEMENTS);
}

/* The reference over the host's side. */
static void run_reference(const shape *s, bench *b)
{
    const int32_t pad = pad_of(s);
    const att_mat x = mat(atti_array_host(&b->x), s->m, s->k, pad);
    const att_mat y = mat(atti_array_host(&b->y), s->m, s->n, pad);
    const att_mat w = att_mat_of((att_view){NULL, b->wide, 0, ATT_F32}, s->n, s->k);
    const att_view bias = {NULL, b->bias, 0, ATT_F32}, gate = atti_array_host(&b->gate);
    const att_mat residual =
        s->with & IN_PLACE ? y : att_mat_of(atti_array_host(&b->residual), s->m, s->n);
    att_ref_linear(&x, &w, s->with & BIAS ? &bias : NULL, (int)s->act,
                   s->with & GATE ? &gate : NULL,
                   s->with & (RESIDUAL | IN_PLACE) ? &residual : NULL, &y);
}

static att_status run_device(att_queue *queue, const shape *s, bench *b, att_err *err)
{
    const int32_t pad = pad_of(s);
    const att_mat y = mat(atti_array_device(&b->y), s->m, s->n, pad);
    att_epilogue e = {.act = s->act};
    if (s->with & GATE) e.gate = atti_array_device(&b->gate);
    if (s->with & RESIDUAL) e.residual = att_mat_of(atti_array_device(&b->residual), s->m, s->n);
    if (s->with & IN_PLACE) e.residual = y;
    return att_linear_apply(queue, b->linear, mat(atti_array_device(&b->x), s->m, s->k, pad), y, &e,
                            err);
}

static att_status run_linear(att_queue *queue, int32_t variant, int32_t small,
                             att_conform_result *result, att_err *err)
{
    shape s = SHAPES[variant];
    bench b = {0};
    if (small && s.m > 20) s.m = 20;
    if (small && s.n > 200) s.n = 200;
    if (small && s.k > 70) s.k = blocks_of(&s) ? 64 : 70;
    att_status status = make(queue, &s, &b, err);
    if (!status) status = run_device(queue, &s, &b, err);
    if (!status) {
        att_device *device = att_queue_device(queue);
        const att_dtype operand = att_linear_operand(device, precision_of(&s));
        if (blocks_of(&s))
            round_blocks(&s, &b, att_linear_blocks_precision(device, precision_of(&s)));
        else if (operand != ATT_F32)
            round_sides(&s, &b, operand);
        run_reference(&s, &b);
        /* A sum of K products of numbers below 1, each step rounded to 2^-24 of some sqrt(K). A
         * half may be the neighbour. */
        status = atti_array_compare(queue, &b.y, result, "y", 4.0 * s.k * 0x1p-24 + 2e-6,
                                    s.with & Y_F16 ? 0x1p-10 : 2e-6, err);
    }
    destroy(&b);
    return status;
}

/* Rows of the weight, with and without something added; one id that is out of range. */
static att_status run_rows(att_queue *queue, int32_t variant, int32_t small,
                           att_conform_result *result, att_err *err)
{
    enum { COLS = 96 }; /* whole blocks */
    const int kind = variant > 1 ? variant - 1 : 0, added = variant % 2;
    const shape s = {5, 70, COLS, variant ? ATT_F16 : ATT_F32, ATT_ACT_NONE, kind << 16};
    static const int32_t IDS[] = {0, 69, 17, 70, 33};
    bench b = {0};
    atti_array ids = {0};
    (void)small;
    att_status status = make(queue, &s, &b, err);
    if (!status) status = atti_array_ids(queue, &ids, IDS, 5, err);
    atti_array_destroy(&b.y);
    atti_array_destroy(&b.x);
    if (!status) status = atti_array_make(queue, &b.y, 5 * (COLS + 3), 5, 1.0f, ATT_F32, err);
    if (!status) status = atti_array_make(queue, &b.x, 5 * COLS, 6, 1.0f, ATT_F32, err);
    const att_mat add = att_mat_of(atti_array_device(&b.x), added ? 5 : 0, added ? COLS : 0);
    const att_mat none = {{0}, 0, 0, 0};
    if (!status)
        status =
            att_linear_rows_of(queue, b.linear, atti_array_device(&ids),
                               mat(atti_array_device(&b.y), 5, COLS, 3), added ? add : none, err);
    for (int32_t m = 0; !status && m < 5; m++)
        for (int32_t k = 0; k < COLS; k++) {
            const float row = IDS[m] < s.n ? b.wide[IDS[m] * COLS + k] : NAN;
            ((float *)b.y.host)[m * (COLS + 3) + k] =
                row + (added ? ((float *)b.x.host)[m * COLS + k] : 0.0f);
        }
    if (!status) status = atti_array_compare(queue, &b.y, result, "y", 0.0, 0.0, err);
    atti_array_destroy(&ids);
    destroy(&b);
    return status;
}

#define LINEAR(i)                                                                                  \
    {                                                                                              \
        "linear", "shape " #i, run_linear, i                                                       \
    }
static const att_conform_case CASES[] = {
    LINEAR(0),
    LINEAR(1),
    LINEAR(2),
    LINEAR(3),
    LINEAR(4),
    LINEAR(5),
    LINEAR(6),
    LINEAR(7),
    LINEAR(8),
    LINEAR(9),
    LINEAR(10),
    LINEAR(11),
    LINEAR(12),
    LINEAR(13),
    LINEAR(14),
    LINEAR(15),
    LINEAR(16),
    LINEAR(17),
    LINEAR(18),
    LINEAR(19),
    LINEAR(20),
    LINEAR(21),
    LINEAR(22),
    LINEAR(23),
    LINEAR(24),
    LINEAR(25),
    LINEAR(26),
    LINEAR(27),
    LINEAR(28),
    LINEAR(29),
    LINEAR(30),
    LINEAR(31),
    LINEAR(32),
    LINEAR(33),
    LINEAR(34),
    LINEAR(35),
    LINEAR(36),
    LINEAR(37),
    LINEAR(38),
    LINEAR(39),
    LINEAR(40),
    LINEAR(41),
    LINEAR(42),
    LINEAR(43),
    LINEAR(44),
    LINEAR(45),
    LINEAR(46),
    LINEAR(47),
    LINEAR(48),
    LINEAR(49),
    LINEAR(50),
    LINEAR(51),
    LINEAR(52),
    LINEAR(53),
    LINEAR(54),
    LINEAR(55),
    LINEAR(56),
    LINEAR(57),
    LINEAR(58),
    LINEAR(59),
    LINEAR(60),
    LINEAR(61),
    LINEAR(62),
    LINEAR(63),
    LINEAR(64),
    LINEAR(65),
    LINEAR(66),
    LINEAR(67),
    LINEAR(68),
    LINEAR(69),
    LINEAR(70),
    LINEAR(71),
    LINEAR(72),
    LINEAR(73),
    LINEAR(74),
    LINEAR(75),
    {"linear", "rows f32", run_rows, 0},
    {"linear", "rows f16 added", run_rows, 1},
    {"linear", "rows q4_0", run_rows, 2},
    {"linear", "rows q4_1 added", run_rows, 3},
    {"linear", "rows q5_0", run_rows, 4},
    {"linear", "rows q5_1 added", run_rows, 5},
    {"linear", "rows q8_0", run_rows, 6},
};
#undef LINEAR
_Static_assert(sizeof CASES / sizeof *CASES == N_SHAPES + 7, "a case for every shape");

const att_conform_case *att_conform_linear(size_t *n)
{
    *n = sizeof CASES / sizeof *CASES;
    return CASES;
}
