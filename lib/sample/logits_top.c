/* logits_top.c - logits_top.h: one launch over chunks, whose answers are joined here.
 * Tests: tests/kernels/test_logits_top.c */
#include "logits_top.h"

#include <math.h>
#include <string.h>

#include "ceil_div.h"
#include "mem.h"

enum {
    TOKENS = 2048,           /* of a chunk, as in the kernels */
    MAX_VOCABULARY = 1 << 24 /* tokens pass through floats */
};

/* Numbers that a kernel leaves a chunk: the largest, the sum, the logits, their tokens. */
static size_t chunk_numbers(int32_t n_best)
{
    return 2 + 2 * (size_t)n_best;
}

att_status att_logits_top_init(att_logits_top *top, att_arena *arena, int32_t max_rows,
                               int32_t n_vocab, int32_t max_best, att_err *err)
{
    memset(top, 0, sizeof *top);
    if (max_rows < 1 || max_best < 1 || n_vocab < 1 || n_vocab > MAX_VOCABULARY)
        return att_fail(err, ATT_E_ARG,
                        "make room for the best tokens: %d rows of %d, %d best; expected at least "
                        "1 each and at most %d tokens",
                        max_rows, n_vocab, max_best, MAX_VOCABULARY);
    top->max_rows = max_rows;
    top->n_vocab = n_vocab;
    top->max_best = max_best;
    top->row_words = att_logits_words(n_vocab);
    const size_t rows = (size_t)max_rows;
    const size_t n_words = rows * (size_t)top->row_words;
    const size_t n_found =
        rows * (size_t)(att_ceil_div(n_vocab, TOKENS) + 1) * chunk_numbers(max_best);
    top->forbidden = att_calloc(n_words, sizeof *top->forbidden);
    top->found = att_calloc(n_found, sizeof *top->found);
    top->parts = att_calloc(2 * rows, sizeof *top->parts);
    top->best = att_calloc(2 * rows * (size_t)max_best, sizeof *top->best);
    if (!top->forbidden || !top->found || !top->parts || !top->best)
        return att_fail(err, ATT_E_MEMORY, "make room for the best tokens: out of memory");
    att_status status = att_arena_take(arena, "forbidden tokens", ATT_I32, (int64_t)n_words,
                                       &top->device_forbidden, err);
    if (!status)
        status = att_arena_take(arena, "best tokens", ATT_F32, (int64_t)n_found, &top->device_found,
                                err);
    return status;
}

void att_logits_top_finish(att_logits_top *top)
{
    att_free(top->forbidden);
    att_free(top->found);
    att_free(top->parts);
    att_free(top->best);
    memset(top, 0, sizeof *top);
}

uint32_t *att_logits_top_forbidden(const att_logits_top *top, int32_t row)
{
    return top->forbidden + (size_t)row * (size_t)top->row_words;
}

/* Joins n chunks of one part. */
static void join(const float *found, int32_t n, int32_t n_best, att_logits_part *part)
{
    const size_t width = chunk_numbers(n_best);
    double most = -(double)INFINITY, sum = 0.0;
    part->n = 0;
    for (int32_t c = 0; c < n; c++)
        if ((double)found[(size_t)c * width] > most) most = (double)found[(size_t)c * width];
    for (int32_t c = 0; c < n; c++) {
        const float *chunk = found + (size_t)c * width;
        const double share = (double)chunk[1];
        if (share == 0.0) continue; /* nothing there; a NaN is not 0 */
        sum += share * exp((double)chunk[0] - most);
        for (int32_t k = 0; k < n_best && chunk[2 + n_best + k] >= 0.0f; k++) {
            const float logit = chunk[2 + k];
            int32_t at = part->n < n_best ? part->n++ : part->n;
            for (; at > 0 && logit > part->best[at - 1].logit; at--)
                if (at < n_best) part->best[at] = part->best[at - 1];
            if (at == n_best) break; /* the chunk's others are no better */
            part->best[at] = (att_logits_choice){(int32_t)chunk[2 + n_best + k], logit};
        }
    }
    part->log_sum_exp = sum == 0.0 ? -(double)INFINITY : most + log(sum);
}

static att_status launch(att_queue *queue, const att_logits_top *top, att_mat logits, int32_t split,
                         int32_t n_best, int32_t n_chunks, att_err *err)
{
    const att_arg args[] = {
        att_arg_i32(logits.rows),
        att_arg_i32(logits.cols),
        att_arg_i32(split),
        att_arg_i32(n_best),
        att_arg_view(logits.view),
        att_arg_i32(logits.stride),
        att_arg_view(top->device_forbidden),
        att_arg_i32(top->row_words),
        att_arg_view(top->device_found),
    };
    const att_launch launch = {
        .kernel = att_device_cpu_bodies(att_queue_device(queue)) ? ATT_K_LOGITS_TOP_CPU
                                                                 : ATT_K_LOGITS_TOP_ANY,
        .groups = {n_chunks, logits.rows, 1},
        .args = args,
        .n_args = sizeof args / sizeof *args,
        .flops = 4.0 * logits.rows * logits.cols,
        .bytes = 4.0 * logits.rows * logits.cols,
    };
    return att_queue_launch(queue, &launch, err);
}

att_status att_logits_top_apply(att_queue *queue, att_logits_top *top, att_mat logits,
                                int32_t split, int32_t n_best, att_err *err)
{
    if (logits.rows < 0 || logits.rows > top->max_rows || logits.cols != top->n_vocab ||
        n_best < 1 || n_best > top->max_best || split < 0 || split > top->n_vocab)
        return att_fail(err, ATT_E_SHAPE,
                        "find %d best of [%d,%d] logits, split at %d: there is room for %d of "
                        "[%d,%d]",
                        n_best, logits.rows, logits.cols, split, top->max_best, top->max_rows,
                        top->n_vocab);
    if (logits.rows == 0) return ATT_OK;
    const int32_t n_first = att_ceil_div(split, TOKENS),
                  n_chunks = n_first + att_ceil_div(logits.cols - split, TOKENS);
    const size_t width = chunk_numbers(n_best), row_width = (size_t)n_chunks * width;
    att_status status = att_queue_send(queue, top->device_forbidden, top->forbidden,
                                       (int64_t)logits.rows * top->row_words, err);
    if (!status) status = launch(queue, top, logits, split, n_best, n_chunks, err);
    if (!status)
        status = att_queue_read(queue, top->found, top->device_found,
                                logits.rows * (int64_t)row_width, err);
    for (int32_t i = 0; !status && i < 2 * logits.rows; i++) {
        const float *row = top->found + (size_t)(i / 2) * row_width;
        att_logits_part *part = &top->parts[i];
        part->best = top->best + (size_t)i * (size_t)n_best;
        if (i % 2)
            join(row + (size_t)n_first * width, n_chunks - n_first, n_best, part);
        else
            join(row, n_first, n_best, part);
    }
    return status;
}

size_t att_logits_top_kernels(const att_device *device, att_kernel_id *list, size_t room)
{
    if (room < 1) return 0;
    list[0] = att_device_cpu_bodies(device) ? ATT_K_LOGITS_TOP_CPU : ATT_K_LOGITS_TOP_ANY;
    return 1;
}
