/* vlm_reads.c - vlm_reads.h. */
#define _POSIX_C_SOURCE 200809L
#include "vlm_reads.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "half.h"
#include "mem.h"

double atti_vlm_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

att_status atti_vlm_reads_init(atti_vlm_reads *r, int32_t max_rows, int32_t heads, int32_t width,
                               int32_t has_class, att_err *err)
{
    const size_t n = (size_t)max_rows, all = n * (size_t)heads * (size_t)width;
    *r = (atti_vlm_reads){
        .max_rows = max_rows, .heads = heads, .width = width, .has_class = has_class};
    r->qkv = att_calloc(3 * all, sizeof *r->qkv);
    r->halves = att_calloc(3 * all, sizeof *r->halves);
    r->vectors = att_calloc(all, sizeof(float));
    r->row = att_calloc(n, sizeof(float));
    r->l1 = att_calloc(n, sizeof(float));
    r->scratch = att_calloc(n, sizeof(float));
    r->dots = att_calloc(n * (size_t)heads, sizeof(float));
    if (r->qkv && r->halves && r->vectors && r->row && r->l1 && r->scratch && r->dots)
        return ATT_OK;
    return att_fail(err, ATT_E_MEMORY, "look into encoder: out of memory");
}

void atti_vlm_reads_finish(atti_vlm_reads *r)
{
    float *const all[] = {r->qkv, r->vectors, r->row, r->l1, r->scratch, r->dots};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) att_free(all[i]);
    att_free(r->halves);
    memset(r, 0, sizeof *r);
}

/* q, k and v are columns of one matrix: all of it comes at once. */
static att_status read_rows(atti_vlm_reads *r, att_queue *queue, att_mat q, att_mat k, att_mat v,
                            att_err *err)
{
    const int64_t n = (int64_t)(q.rows - 1) * q.stride + (v.view.at - q.view.at) + v.cols;
    const int halves = q.view.dtype == ATT_F16;
    const att_status status = halves ? att_queue_read(queue, r->halves, q.view, n, err)
                                     : att_queue_read(queue, r->qkv, q.view, n, err);
    for (int64_t i = 0; !status && halves && i < n; i++)
        r->qkv[i] = att_half_to_float(r->halves[i]);
    r->q = r->qkv;
    r->k = r->qkv + (k.view.at - q.view.at);
    r->v = r->qkv + (v.view.at - q.view.at);
    r->stride = (size_t)q.stride;
    return status;
}

/* row[j] += the probability that head h's query gives key j. */
static void add_row(atti_vlm_reads *r, const float *query, int32_t h)
{
    const size_t stride = r->stride, d = (size_t)r->width;
    const double scale = 1.0 / sqrt((double)r->width);
    double largest = -INFINITY, sum = 0.0;
    for (int32_t j = 0; j < r->rows; j++) {
        const float *key = r->k + (size_t)j * stride + (size_t)h * d;
        float dot = 0.0f;
        for (size_t c = 0; c < d; c++) dot += query[c] * key[c];
        r->scratch[j] = (float)(dot * scale);
        if (!(r->scratch[j] <= largest)) largest = (double)r->scratch[j];
    }
    for (int32_t j = 0; j < r->rows; j++) {
        r->scratch[j] = expf(r->scratch[j] - (float)largest);
        sum += (double)r->scratch[j];
    }
    for (int32_t j = 0; j < r->rows; j++) r->row[j] += (float)(r->scratch[j] / sum / r->heads);
}

/* Of the class token's query, or of the mean of all. */
static void make_row(atti_vlm_reads *r)
{
    const size_t stride = r->stride, cols = (size_t)r->heads * (size_t)r->width;
    float *query = r->vectors; /* free until keys are wanted */
    memset(r->row, 0, (size_t)r->rows * sizeof *r->row);
    memset(query, 0, cols * sizeof *query);
    const int32_t n = r->wants & ATT_READ_MEAN_ROW ? r->rows : 1;
    for (int32_t i = 0; i < n; i++)
        for (size_t c = 0; c < cols; c++) query[c] += r->q[(size_t)i * stride + c] / (float)n;
    for (int32_t h = 0; h < r->heads; h++) add_row(r, query + (size_t)h * (size_t)r->width, h);
}

/* Mean over heads of one row. */
static void mean_heads(const atti_vlm_reads *r, const float *row, float *mean)
{
    const size_t d = (size_t)r->width;
    for (size_t c = 0; c < d; c++) {
        float sum = 0.0f;
        for (size_t h = 0; h < (size_t)r->heads; h++) sum += row[h * d + c];
        mean[c] = sum / (float)r->heads;
    }
}

static void make_l1(atti_vlm_reads *r)
{
    const size_t stride = r->stride;
    for (int32_t j = 0; j < r->rows; j++) {
        double sum = 0.0;
        for (size_t c = 0; c < (size_t)r->width; c++) {
            double mean = 0.0;
            for (size_t h = 0; h < (size_t)r->heads; h++)
                mean += (double)r->v[(size_t)j * stride + h * (size_t)r->width + c];
            sum += fabs(mean / r->heads);
        }
        r->l1[j] = (float)sum;
    }
}

static void make_dots(atti_vlm_reads *r)
{
    const size_t stride = r->stride, d = (size_t)r->width;
    for (int32_t h = 0; h < r->heads; h++)
        for (int32_t j = 0; j < r->rows; j++) {
            const float *a = r->v + (size_t)h * d, *b = a + (size_t)j * stride;
            float dot = 0.0f;
            for (size_t c = 0; c < d; c++) dot += a[c] * b[c];
            r->dots[(size_t)h * (size_t)r->rows + (size_t)j] = dot;
        }
}

att_status atti_vlm_reads_see(void *user, att_queue *queue, att_mat q, att_mat k, att_mat v,
                              att_err *err)
{
    atti_vlm_reads *r = user;
    const uint32_t rows = ATT_READ_CLASS_ROW | ATT_READ_MEAN_ROW;
    if (q.rows > r->max_rows || q.cols != r->heads * r->width || q.stride != 3 * q.cols)
        return att_fail(err, ATT_E_SHAPE, "look into encoder: %d rows of %d, expected %d of %d",
                        q.rows, q.cols, r->max_rows, r->heads * r->width);
    att_status status = att_queue_wait(queue, err); /* what the layers take is not our time */
    const double began = atti_vlm_now();
    r->rows = q.rows;
    if (!status) status = read_rows(r, queue, q, k, v, err);
    if (status) return status;
    if (r->wants & rows) make_row(r);
    if (r->wants & ATT_READ_VALUE_L1) make_l1(r);
    if (r->wants & ATT_READ_VALUE_DOTS) make_dots(r);
    for (int32_t j = 0; r->wants & ATT_READ_KEYS && j < r->rows; j++)
        mean_heads(r, r->k + (size_t)j * r->stride, r->vectors + (size_t)j * (size_t)r->width);
    r->seconds += atti_vlm_now() - began;
    return ATT_OK;
}

att_prune_reads atti_vlm_reads_of(atti_vlm_reads *r, const float *key_mean)
{
    const int32_t c = r->has_class;
    for (int32_t j = 0; key_mean && j < r->rows; j++) {
        double sum = 0.0;
        for (int32_t h = 0; h < r->heads; h++) sum += (double)key_mean[h * r->rows + j];
        r->row[j] = (float)(sum / r->heads);
    }
    const att_prune_reads reads = {.n = r->rows - c,
                                   .heads = r->heads,
                                   .head_width = r->width,
                                   .row = r->row + c,
                                   .value_dots = r->dots,
                                   .value_l1 = r->l1 + c,
                                   .vectors = r->vectors + (size_t)c * (size_t)r->width,
                                   .width = r->width};
    return reads;
}
