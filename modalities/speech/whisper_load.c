/* whisper_load.c - Whisper's arrays packed and uploaded, and its kernels made ready, by some
 * threads side by side (whisper_model.h). Tests: tests/models/test_whisper_tiny.c */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "logits_top.h"
#include "mem.h"
#include "whisper_model.h"
#include "whisper_spec.h"

/* The work in pieces that any thread may take, the long ones first; then a piece a block. */
enum { JOB_KERNELS, JOB_TOKENS, JOB_REST, JOB_BLOCKS };

/* What the threads that load one model share. */
typedef struct crew {
    pthread_mutex_t lock; /* guards what follows */
    int32_t next, n_jobs;
    att_status status; /* of the first job that failed: no further one is begun */
    att_err err;
} crew;

/* What one of them works with. */
typedef struct loader {
    att_whisper *whisper;
    att_queue *queue; /* its own */
    att_weights *weights;
    att_whisper_arrays arrays;
    crew *crew;
} loader;

/* The array as f32 in host memory of its own, inverted if asked for; NULL for NULL or when memory
 * is out (*failed is set then). */
static float *floats_of(const att_array *array, int invert, int *failed)
{
    if (!array) return NULL;
    const size_t n = (size_t)att_array_elements(array);
    float *x = att_calloc(n, sizeof *x);
    if (!x) {
        *failed = 1;
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const double v = att_array_value(array, i);
        x[i] = (float)(invert ? 1.0 / v : v);
    }
    return x;
}

static att_status upload(loader *l, const char *what, const att_array *array, att_view *view,
                         att_err *err)
{
    int failed = 0;
    const int64_t n = att_array_elements(array);
    float *x = floats_of(array, 0, &failed);
    if (failed) return att_fail(err, ATT_E_MEMORY, "load %s: out of memory", array->name);
    att_status status = att_arena_take(l->whisper->arena, what, ATT_F32, n, view, err);
    if (!status) status = att_queue_write(l->queue, *view, x, n, err);
    att_free(x);
    return status;
}

static att_status load_norm(loader *l, const att_whisper_norm *arrays, att_norm *norm, att_err *err)
{
    norm->kind = ATT_NORM_LAYER;
    norm->eps = 1e-5f;
    att_status status = upload(l, "norm", arrays->gamma, &norm->gamma, err);
    if (!status) status = upload(l, "norm", arrays->beta, &norm->beta, err);
    return status;
}

enum { MAX_PARTS = 3 };

static att_status make_parts(const loader *l, const att_whisper_linear *stored, size_t n,
                             att_weight_part *parts, att_err *err)
{
    int failed = 0;
    for (size_t i = 0; i < n; i++) {
        const att_array *w = stored[i].weight;
        if (w->dtype == ATT_I8 && !stored[i].scale)
            return att_fail(err, ATT_E_MODEL, "load '%s': it is i8 and has no weight_scale",
                            w->name);
        parts[i].data = w->data;
        parts[i].dtype = w->dtype;
        parts[i].blocks = w->blocks;
        parts[i].rows = (int32_t)w->dims[0];
        if (w->dtype == ATT_I8)
            parts[i].scale = floats_of(stored[i].scale, l->arrays.inverse_scale, &failed);
        parts[i].bias = floats_of(stored[i].bias, 0, &failed);
    }
    return failed ? att_fail(err, ATT_E_MEMORY, "load '%s': out of memory", stored->weight->name)
                  : ATT_OK;
}

static void free_parts(const loader *l, const att_whisper_linear *stored, size_t n,
                       att_weight_part *parts)
{
    for (size_t i = 0; i < n; i++) {
        att_free((void *)parts[i].scale);
        att_free((void *)parts[i].bias);
        att_weights_forget_array(l->weights, stored[i].weight);
    }
}

/* Up to `room` entries of stored, ended by one without a weight, below each other. */
static att_status load_linear(loader *l, const att_whisper_linear *stored, size_t room,
                              att_linear **linear, att_err *err)
{
    att_weight_part parts[MAX_PARTS];
    memset(parts, 0, sizeof parts);
    size_t n = 0;
    while (n < room && n < MAX_PARTS && stored[n].weight) n++;
    att_status status = make_parts(l, stored, n, parts, err);
    if (!status)
        status = att_linear_create(linear, l->queue, l->whisper->arena, stored->weight->name, parts,
                                   n, (int32_t)stored->weight->dims[1], l->whisper->precision, err);
    free_parts(l, stored, n, parts);
    return status;
}

/* The spectra of a recording span too much for whole numbers. */
static att_precision conv_precision(const att_whisper *w)
{
    return w->precision == ATT_PRECISION_INT8 ? ATT_PRECISION_FAST : w->precision;
}

static att_status load_conv(loader *l, const att_whisper_linear *stored, int32_t stride,
                            att_conv *conv, att_err *err)
{
    att_weight_part part;
    memset(&part, 0, sizeof part);
    att_status status = make_parts(l, stored, 1, &part, err);
    if (!status)
        status = att_conv_init(conv, l->queue, l->whisper->arena, stored->weight->name, &part,
                               (int32_t)stored->weight->dims[1], (int32_t)stored->weight->dims[2],
                               stride, conv_precision(l->whisper), err);
    free_parts(l, stored, 1, &part);
    return status;
}

static att_status load_block(loader *l, const att_whisper_block_arrays *a,
                             const att_block_desc *desc, att_block *b, att_err *err)
{
    b->desc = *desc;
    att_status status = att_block_check(desc, err);
    if (!status) status = load_norm(l, &a->self_norm, &b->self_norm, err);
    if (!status) status = load_linear(l, a->self_qkv, 3, &b->self_qkv, err);
    if (!status) status = load_linear(l, &a->self_out, 1, &b->self_out, err);
    if (desc->cross) {
        if (!status) status = load_norm(l, &a->cross_norm, &b->cross_norm, err);
        if (!status) status = load_linear(l, &a->cross_q, 1, &b->cross_q, err);
        if (!status) status = load_linear(l, a->cross_kv, 2, &b->cross_kv, err);
        if (!status) status = load_linear(l, &a->cross_out, 1, &b->cross_out, err);
    }
    if (!status) status = load_norm(l, &a->ffn_norm, &b->ffn_norm, err);
    if (!status) status = load_linear(l, &a->ffn_in, 1, &b->ffn_in, err);
    if (!status) status = load_linear(l, &a->ffn_out, 1, &b->ffn_out, err);
    return status;
}

/* Compiles for the dtype that most weights will be held in; a checkpoint that mixes them compiles
 * the rest at their first launch. */
static att_status prepare_kernels(const loader *l, att_err *err)
{
    const att_whisper *w = l->whisper;
    att_device *device = w->device;
    att_kernel_id list[ATT_N_KERNELS + 1];
    int64_t n_f16 = 0, n_other = 0;
    const att_array *a;
    for (size_t i = 0; (a = att_weights_at(l->weights, i)); i++)
        *(a->dtype == ATT_F16 || a->blocks ? &n_f16 : &n_other) += att_array_elements(a);
    const att_dtype most = n_f16 > n_other ? ATT_F16 : ATT_F32;
    const att_block_desc text = atti_whisper_text_block(w);
    att_block_desc audio = atti_whisper_audio_block(w);
    audio.precision = conv_precision(w);
    size_t n = att_block_kernels(device, &text, most, ATT_F32, list, ATT_N_KERNELS);
    n += att_block_kernels(device, &audio, most, ATT_F16 /* the audio cache */, list + n,
                           ATT_N_KERNELS - n);
    n += att_logits_top_kernels(device, list + n, ATT_N_KERNELS - n);
    return att_device_prepare(device, list, n, err);
}

/* All that is neither a block nor the token table. */
static att_status load_rest(loader *l, att_err *err)
{
    att_whisper *w = l->whisper;
    const att_whisper_arrays *a = &l->arrays;
    att_status status = load_conv(l, &a->conv1, 1, &w->conv1, err);
    if (!status) status = load_conv(l, &a->conv2, 2, &w->conv2, err);
    if (!status)
        status = upload(l, "audio positions", a->audio_positions, &w->audio_positions, err);
    if (!status) status = load_norm(l, &a->audio_norm, &w->audio_norm, err);
    if (!status) status = upload(l, "text positions", a->text_positions, &w->text_positions, err);
    if (!status) status = load_norm(l, &a->text_norm, &w->text_norm, err);
    return status;
}

static att_status do_job(loader *l, int32_t job, att_err *err)
{
    att_whisper *w = l->whisper;
    const att_whisper_arrays *a = &l->arrays;
    const att_block_desc audio = atti_whisper_audio_block(w), text = atti_whisper_text_block(w);
    if (job == JOB_KERNELS) return prepare_kernels(l, err);
    if (job == JOB_TOKENS) return load_linear(l, &a->tokens, 1, &w->tokens, err);
    if (job == JOB_REST) return load_rest(l, err);
    const int32_t i = job - JOB_BLOCKS, k = i - w->config.text_layers;
    return k < 0 ? load_block(l, &a->text_blocks[i], &text, &w->text_blocks[i], err)
                 : load_block(l, &a->audio_blocks[k], &audio, &w->audio_blocks[k], err);
}

/* The next job, or -1; *status: of the one before, whose error is err. */
static int32_t next_job(crew *c, att_status status, const att_err *err)
{
    pthread_mutex_lock(&c->lock);
    if (status && !c->status) {
        c->status = status;
        c->err = *err;
    }
    const int32_t job = !c->status && c->next < c->n_jobs ? c->next++ : -1;
    pthread_mutex_unlock(&c->lock);
    return job;
}

/* A thread's share: jobs until there are none. */
static void *work(void *user)
{
    loader l = *(const loader *)user;
    att_err err;
    att_status status = att_queue_create(&l.queue, l.whisper->device, &err);
    int32_t job;
    while ((job = next_job(l.crew, status, &err)) >= 0) status = do_job(&l, job, &err);
    att_queue_destroy(l.queue);
    return NULL;
}

/* This thread and up to three more; fewer where they cannot be started. */
static void work_together(loader *l)
{
    enum { MAX_MORE = 3 };
    pthread_t more[MAX_MORE];
    const int32_t units = att_device_get_info(l->whisper->device)->compute_units;
    int n = 0;
    while (n < MAX_MORE && n + 1 < units && pthread_create(&more[n], NULL, work, l) == 0) n++;
    work(l);
    for (int i = 0; i < n; i++) pthread_join(more[i], NULL);
}

static att_status make_blocks(att_whisper *w, att_err *err)
{
    w->audio_blocks = att_calloc((size_t)w->config.audio_layers, sizeof *w->audio_blocks);
    w->text_blocks = att_calloc((size_t)w->config.text_layers, sizeof *w->text_blocks);
    if (w->audio_blocks && w->text_blocks) return ATT_OK;
    return att_fail(err, ATT_E_MEMORY, "load model: out of memory");
}

att_status atti_whisper_load(att_whisper *whisper, att_weights *weights, att_err *err)
{
    crew c = {.next = 0};
    loader l = {.whisper = whisper, .weights = weights, .crew = &c};
    att_status status = att_whisper_bind(weights, &whisper->config, &l.arrays, err);
    if (!status) status = make_blocks(whisper, err);
    if (!status) {
        c.n_jobs = JOB_BLOCKS + whisper->config.text_layers + whisper->config.audio_layers;
        pthread_mutex_init(&c.lock, NULL);
        work_together(&l);
        pthread_mutex_destroy(&c.lock);
        if (c.status && err) *err = c.err;
        status = c.status;
    }
    if (!status) att_weights_forget(weights);
    att_free(l.arrays.audio_blocks);
    att_free(l.arrays.text_blocks);
    return status;
}
