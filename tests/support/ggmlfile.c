/* ggmlfile.c - ggmlfile.h. */
#include "ggmlfile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "half.h"

enum { N = ATT_BLOCK_ELEMENTS, VERSION = 2000 };

void ggmlfile_bytes(ggmlfile *f, const void *bytes, size_t n)
{
    if (f->n + n > f->room) {
        f->room = 2 * f->room + n + 4096;
        f->bytes = realloc(f->bytes, f->room);
        if (!f->bytes) abort();
    }
    if (n) memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

void ggmlfile_number(ggmlfile *f, int64_t value)
{
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)((uint64_t)value >> 8 * i);
    ggmlfile_bytes(f, bytes, 4);
}

void ggmlfile_free(ggmlfile *f)
{
    free(f->bytes);
    memset(f, 0, sizeof *f);
}

void ggmlfile_header(ggmlfile *f, const int32_t numbers[11], int32_t rows, int32_t columns)
{
    ggmlfile_number(f, 0x67676d6c);
    for (int i = 0; i < 11; i++) ggmlfile_number(f, numbers[i]);
    ggmlfile_number(f, rows);
    ggmlfile_number(f, columns);
    for (int i = 0; i < rows * columns; i++) ggmlfile_number(f, 0);
}

void ggmlfile_token(ggmlfile *f, const char *bytes, size_t n)
{
    ggmlfile_number(f, (int64_t)n);
    ggmlfile_bytes(f, bytes, n);
}

void ggmlfile_tensor(ggmlfile *f, const char *name, const int32_t *dims, int32_t rank, int32_t type,
                     const void *data, size_t n)
{
    ggmlfile_number(f, rank);
    ggmlfile_number(f, (int64_t)strlen(name));
    ggmlfile_number(f, type);
    for (int32_t i = rank; i > 0; i--) ggmlfile_number(f, dims[i - 1]);
    ggmlfile_bytes(f, name, strlen(name));
    ggmlfile_bytes(f, data, n);
}

static att_blocks blocks_of(int32_t type)
{
    return type == GGML_Q4_0   ? ATT_BLOCKS_Q4_0
           : type == GGML_Q4_1 ? ATT_BLOCKS_Q4_1
           : type == GGML_Q5_0 ? ATT_BLOCKS_Q5_0
           : type == GGML_Q5_1 ? ATT_BLOCKS_Q5_1
           : type == GGML_Q8_0 ? ATT_BLOCKS_Q8_0
                               : ATT_BLOCKS_NONE;
}

static void put_half(uint8_t *to, float x)
{
    const uint16_t half = att_half_from_float(x);
    to[0] = (uint8_t)half;
    to[1] = (uint8_t)(half >> 8);
}

static int within(double x, int low, int high)
{
    return x < low ? low : x > high ? high : (int)lrint(x);
}

/* One block, near enough to x. */
static void quantise(att_blocks kind, const float *x, uint8_t *block)
{
    float low = x[0], high = x[0];
    for (int i = 1; i < N; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    const float most = fmaxf(fabsf(low), fabsf(high));
    const int has_min = kind == ATT_BLOCKS_Q4_1 || kind == ATT_BLOCKS_Q5_1;
    const int has_fifth = kind == ATT_BLOCKS_Q5_0 || kind == ATT_BLOCKS_Q5_1;
    const int top = kind == ATT_BLOCKS_Q8_0 ? 127 : has_fifth ? 31 : 15, zero = (top + 1) / 2;
    float d = has_min ? (high - low) / (float)top : most / (float)(zero - 1);
    if (kind == ATT_BLOCKS_Q8_0) d = most / 127.0f;
    uint8_t *fifth = block + (has_min ? 4 : 2), *nibbles = fifth + (has_fifth ? 4 : 0);
    memset(block, 0, att_blocks_bytes(kind));
    put_half(block, d);
    if (has_min) put_half(block + 2, low);
    for (int i = 0; i < N; i++) {
        const double steps = d > 0.0f ? (double)((has_min ? x[i] - low : x[i]) / d) : 0.0;
        if (kind == ATT_BLOCKS_Q8_0) {
            block[2 + i] = (uint8_t)within(steps, -127, 127);
            continue;
        }
        const int n = within(has_min ? steps : steps + zero, 0, top);
        nibbles[i % 16] |= (uint8_t)((n & 15) << (i < 16 ? 0 : 4));
        if (has_fifth) fifth[i / 8] |= (uint8_t)(n >> 4 << i % 8);
    }
}

/* What the single elements of a file are written as. */
typedef struct writer {
    ggmlfile *f;
    int32_t type, rounded;
} writer;

static void put_floats(writer *w, const char *name, const int32_t *dims, int32_t rank,
                       const float *x, size_t n, int32_t type)
{
    uint16_t *halves = malloc(2 * n);
    if (!halves) abort();
    for (size_t i = 0; i < n; i++) halves[i] = att_half_from_float(x[i]);
    ggmlfile_tensor(w->f, name, dims, rank, type, type == GGML_F16 ? (const void *)halves : x,
                    n * (type == GGML_F16 ? 2 : 4));
    free(halves);
}

static void put_blocks(writer *w, const char *name, const int32_t *dims, float *x, size_t n)
{
    const att_blocks kind = blocks_of(w->type);
    const size_t size = att_blocks_bytes(kind);
    uint8_t *blocks = malloc(n / N * size);
    if (!blocks) abort();
    for (size_t i = 0; i < n / N; i++) quantise(kind, x + N * i, blocks + size * i);
    if (w->rounded) {
        att_blocks_unpack(kind, blocks, n / N, x);
        put_floats(w, name, dims, 2, x, n, GGML_F16);
    } else {
        ggmlfile_tensor(w->f, name, dims, 2, w->type, blocks, n / N * size);
    }
    free(blocks);
}

/* Rows first .. first + dims[0] - 1 of the array, under the name prefix + suffix. */
static void put(writer *w, const char *prefix, const char *suffix, const att_array *a, size_t first,
                const int32_t *dims, int32_t rank)
{
    char name[128];
    size_t n = 1, row = 1;
    for (int32_t i = 0; i < rank; i++) n *= (size_t)dims[i];
    for (int32_t i = 1; i < rank; i++) row *= (size_t)dims[i];
    float *x = malloc(n * sizeof *x);
    if (!a || !x) abort();
    for (size_t i = 0; i < n; i++) x[i] = (float)att_array_value(a, first * row + i);
    snprintf(name, sizeof name, "%s%s", prefix, suffix);
    const int vector = rank < 2 || dims[rank - 1] == 1 || strstr(name, "positional");
    if (!vector && rank == 2 && blocks_of(w->type))
        put_blocks(w, name, dims, x, n);
    else
        put_floats(w, name, dims, rank, x, n, vector || w->type == GGML_F32 ? GGML_F32 : GGML_F16);
    free(x);
}

static void put_norm(writer *w, const char *prefix, const char *name, const att_whisper_norm *norm)
{
    char full[128];
    const int32_t dims[] = {(int32_t)norm->gamma->dims[0]};
    snprintf(full, sizeof full, "%s%s", prefix, name);
    put(w, full, ".weight", norm->gamma, 0, dims, 1);
    put(w, full, ".bias", norm->beta, 0, dims, 1);
}

/* n matrices below each other in one linear, or one each; names of n, those of keys get no bias. */
static void put_linears(writer *w, const char *prefix, const char *const *names, size_t n,
                        const att_whisper_linear *linears)
{
    const int stacked = n > 1 && !linears[1].weight;
    for (size_t i = 0; i < n; i++) {
        const att_whisper_linear *l = &linears[stacked ? 0 : i];
        const int32_t rows = (int32_t)l->weight->dims[0] / (stacked ? (int32_t)n : 1);
        const int32_t dims[] = {rows, (int32_t)l->weight->dims[1]};
        const size_t first = stacked ? i * (size_t)rows : 0;
        char full[128];
        snprintf(full, sizeof full, "%s%s", prefix, names[i]);
        put(w, full, ".weight", l->weight, first, dims, 2);
        if (!strstr(names[i], "key")) put(w, full, ".bias", l->bias, first, dims, 1);
    }
}

static void put_block(writer *w, const char *side, int32_t layer, const att_whisper_block_arrays *b)
{
    static const char *const SELF[] = {"attn.query", "attn.key", "attn.value"};
    static const char *const OUT[] = {"attn.out"}, *const IN[] = {"mlp.0"},
                             *const DOWN[] = {"mlp.2"};
    static const char *const CROSS[] = {"cross_attn.query"}, *const CROSS_OUT[] = {
                                                                 "cross_attn.out"};
    static const char *const CROSS_KV[] = {"cross_attn.key", "cross_attn.value"};
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%s.blocks.%d.", side, layer);
    put_norm(w, prefix, "attn_ln", &b->self_norm);
    put_linears(w, prefix, SELF, 3, b->self_qkv);
    put_linears(w, prefix, OUT, 1, &b->self_out);
    if (b->cross_q.weight) {
        put_norm(w, prefix, "cross_attn_ln", &b->cross_norm);
        put_linears(w, prefix, CROSS, 1, &b->cross_q);
        put_linears(w, prefix, CROSS_KV, 2, b->cross_kv);
        put_linears(w, prefix, CROSS_OUT, 1, &b->cross_out);
    }
    put_norm(w, prefix, "mlp_ln", &b->ffn_norm);
    put_linears(w, prefix, IN, 1, &b->ffn_in);
    put_linears(w, prefix, DOWN, 1, &b->ffn_out);
}

static void put_conv(writer *w, const char *name, const att_whisper_linear *conv)
{
    const int32_t dims[] = {(int32_t)conv->weight->dims[0], (int32_t)conv->weight->dims[1], 3};
    const int32_t bias[] = {dims[0], 1};
    put(w, name, ".weight", conv->weight, 0, dims, 3);
    put(w, name, ".bias", conv->bias, 0, bias, 2);
}

void ggmlfile_whisper(ggmlfile *f, const att_whisper_config *c, const att_whisper_arrays *a,
                      const att_whisper_tokens *tokens, int32_t type, int rounded)
{
    writer w = {f, type, rounded};
    const int32_t ftype = rounded ? GGML_F16 : blocks_of(type) ? VERSION + type : type;
    const int32_t numbers[] = {c->vocab,        c->audio_ctx, c->audio_width, c->audio_heads,
                               c->audio_layers, c->text_ctx,  c->text_width,  c->text_heads,
                               c->text_layers,  c->n_mels,    ftype};
    const int32_t audio[] = {c->audio_ctx, c->audio_width}, text[] = {c->text_ctx, c->text_width};
    const int32_t table[] = {c->vocab, c->text_width};
    ggmlfile_header(f, numbers, c->n_mels, 201);
    ggmlfile_number(f, tokens ? tokens->eot : 0);
    for (int32_t i = 0; tokens && i < tokens->eot; i++)
        ggmlfile_token(f, tokens->bytes + tokens->starts[i],
                       tokens->starts[i + 1] - tokens->starts[i]);
    put(&w, "encoder.", "positional_embedding", a->audio_positions, 0, audio, 2);
    put_conv(&w, "encoder.conv1", &a->conv1);
    put_conv(&w, "encoder.conv2", &a->conv2);
    for (int32_t i = 0; i < c->audio_layers; i++) put_block(&w, "encoder", i, &a->audio_blocks[i]);
    put_norm(&w, "encoder.", "ln_post", &a->audio_norm);
    put(&w, "decoder.", "positional_embedding", a->text_positions, 0, text, 2);
    put(&w, "decoder.", "token_embedding.weight", a->tokens.weight, 0, table, 2);
    for (int32_t i = 0; i < c->text_layers; i++) put_block(&w, "decoder", i, &a->text_blocks[i]);
    put_norm(&w, "decoder.", "ln", &a->text_norm);
}
