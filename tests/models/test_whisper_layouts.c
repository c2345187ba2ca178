/* test_whisper_layouts.c - Hugging Face folders in the layouts of the released Whispers, narrow,
 * with weights from a formula, against Hugging Face's implementation
 * (tests/golden/whisper_layouts.safetensors, made by tools/reference/dump_layouts.py): few and many
 * layers, unequal numbers of them, 128 mels, each size of vocabulary, each float, several files. */
#define _DEFAULT_SOURCE
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "half.h"
#include "lane_rig.h"
#include "mem.h"
#include "realdata.h"
#include "rig.h"
#include "spec.h"

#define GOLDEN ATT_SOURCE_DIR "/tests/golden/whisper_layouts.safetensors"

enum { WIDTH = 64, AUDIO = 20, TEXT = 32, STEP = 499, MAX_FILES = 3, MAX_NAME = 96 };

typedef struct layout {
    const char *name;
    int32_t mels, vocab, audio_layers, text_layers;
    att_dtype dtype;
    int n_files;
} layout;

static const layout LAYOUTS[] = {
    {"tiny", 80, 51865, 4, 4, ATT_F32, 1},
    {"small.en", 80, 51864, 12, 12, ATT_F16, 1},
    {"large-v3", 128, 51866, 32, 32, ATT_F16, 2},
    {"large-v3-turbo", 128, 51866, 32, 4, ATT_BF16, 1},
    {"distil-small.en", 80, 51864, 12, 4, ATT_BF16, 3},
    {"distil-large-v3", 128, 51866, 32, 2, ATT_F32, 2},
};
enum { N_LAYOUTS = sizeof LAYOUTS / sizeof *LAYOUTS };

/* Element i of the tensor; see dump_layouts.py. */
static float formula(const char *name, uint32_t seed, uint32_t i, int64_t row)
{
    uint32_t x = i * 2654435761u + seed;
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    x = (x ^ x >> 16) % 31;
    const size_t n = strlen(name);
    const int is_weight = n > 6 && strcmp(name + n - 6, "weight") == 0;
    const int is_bias = n > 4 && strcmp(name + n - 4, "bias") == 0;
    float mean = 0.0f, step;
    if (strstr(name, "layer_norm")) {
        mean = is_weight ? 1.0f : 0.0f;
        step = 1.0f / 64;
    } else if (is_bias) {
        step = 1.0f / 128;
    } else if (strstr(name, "embed") || strcmp(name, "mel") == 0) {
        step = 1.0f / 32;
    } else {
        step = (row <= 64 ? 1.0f / 64 : 1.0f / 128) *
               (strstr(name, "q_proj") || strstr(name, "k_proj") ? 2.0f : 1.0f);
    }
    return mean + ((float)x - 15.0f) * step;
}

static uint32_t seed_of(const char *name)
{
    uint32_t seed = 2166136261u;
    for (; *name; name++) seed = (seed ^ (uint8_t)*name) * 16777619u;
    return seed;
}

/* A model's folder while it is written: tensors go to its files in turn. */
typedef struct writer {
    const layout *l;
    FILE *data[MAX_FILES]; /* without their headers yet */
    cJSON *headers[MAX_FILES], *weight_map;
    int64_t at[MAX_FILES];
    int n_tensors;
} writer;

static void file_name(char *name, size_t room, const layout *l, int i)
{
    if (l->n_files == 1)
        snprintf(name, room, "model.safetensors");
    else
        snprintf(name, room, "model-%05d-of-%05d.safetensors", i + 1, l->n_files);
}

/* One tensor of up to three axes; those of length 0 are none. */
static void put(writer *w, const char *name, int a, int b, int c)
{
    static const char *const DTYPES[] = {"F32", "F16", "BF16"};
    const int dims[] = {a, b, c}, rank = c ? 3 : b ? 2 : 1, file = w->n_tensors++ % w->l->n_files;
    const int64_t row = (b ? b : 1) * (int64_t)(c ? c : 1), n = a * row;
    const uint32_t seed = seed_of(name);
    for (int64_t i = 0; i < n; i++) {
        const float x = formula(name, seed, (uint32_t)i, row);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        uint16_t half = w->l->dtype == ATT_F16 ? att_half_from_float(x) : (uint16_t)(bits >> 16);
        if (w->l->dtype == ATT_F32)
            fwrite(&bits, sizeof bits, 1, w->data[file]);
        else
            fwrite(&half, sizeof half, 1, w->data[file]);
    }
    const int64_t bytes = n * (int64_t)att_dtype_bytes(w->l->dtype);
    const double offsets[] = {(double)w->at[file], (double)(w->at[file] + bytes)};
    w->at[file] += bytes;
    cJSON *entry = cJSON_AddObjectToObject(w->headers[file], name);
    cJSON_AddStringToObject(entry, "dtype", DTYPES[w->l->dtype]);
    cJSON_AddItemToObject(entry, "shape", cJSON_CreateIntArray(dims, rank));
    cJSON_AddItemToObject(entry, "data_offsets", cJSON_CreateDoubleArray(offsets, 2));
    char in[64];
    file_name(in, sizeof in, w->l, file);
    cJSON_AddStringToObject(w->weight_map, name, in);
}

static void put_linear(writer *w, const char *prefix, const char *name, int rows, int cols)
{
    char full[MAX_NAME];
    snprintf(full, sizeof full, "%s%s.weight", prefix, name);
    put(w, full, rows, cols, 0);
    snprintf(full, sizeof full, "%s%s.bias", prefix, name);
    if (!strstr(name, "k_proj")) put(w, full, rows, 0, 0);
}

static void put_attention(writer *w, const char *prefix, const char *name)
{
    static const char *const PARTS[] = {"q_proj", "k_proj", "v_proj", "out_proj"};
    char part[MAX_NAME];
    for (int i = 0; i < 4; i++) {
        snprintf(part, sizeof part, "%s.%s", name, PARTS[i]);
        put_linear(w, prefix, part, WIDTH, WIDTH);
    }
    snprintf(part, sizeof part, "%s_layer_norm", name);
    put_linear(w, prefix, part, WIDTH, 0);
}

static void put_side(writer *w, const char *side, int n_layers, int cross)
{
    char prefix[MAX_NAME];
    for (int i = 0; i < n_layers; i++) {
        snprintf(prefix, sizeof prefix, "model.%s.layers.%d.", side, i);
        put_attention(w, prefix, "self_attn");
        if (cross) put_attention(w, prefix, "encoder_attn");
        put_linear(w, prefix, "fc1", 4 * WIDTH, WIDTH);
        put_linear(w, prefix, "fc2", WIDTH, 4 * WIDTH);
        put_linear(w, prefix, "final_layer_norm", WIDTH, 0);
    }
    snprintf(prefix, sizeof prefix, "model.%s.", side);
    put_linear(w, prefix, "layer_norm", WIDTH, 0);
}

static void put_all(writer *w)
{
    const layout *l = w->l;
    put(w, "model.encoder.conv1.weight", WIDTH, l->mels, 3);
    put(w, "model.encoder.conv1.bias", WIDTH, 0, 0);
    put(w, "model.encoder.conv2.weight", WIDTH, WIDTH, 3);
    put(w, "model.encoder.conv2.bias", WIDTH, 0, 0);
    put(w, "model.encoder.embed_positions.weight", AUDIO, WIDTH, 0);
    put_side(w, "encoder", l->audio_layers, 0);
    put(w, "model.decoder.embed_tokens.weight", l->vocab, WIDTH, 0);
    put(w, "model.decoder.embed_positions.weight", TEXT, WIDTH, 0);
    put_side(w, "decoder", l->text_layers, 1);
}

/* Length, header, and then what was gathered as data. */
static void close_file(const writer *w, const char *folder, int i)
{
    static uint8_t buffer[1 << 16];
    char name[64], path[4200], *header = cJSON_PrintUnformatted(w->headers[i]);
    file_name(name, sizeof name, w->l, i);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    const uint64_t n = strlen(header);
    for (int b = 0; b < 8; b++) fputc((int)(n >> 8 * b & 255), out);
    fputs(header, out);
    rewind(w->data[i]);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, w->data[i]));)
        assert_int_equal(fwrite(buffer, 1, got, out), got);
    assert_int_equal(fclose(out), 0);
    fclose(w->data[i]);
    cJSON_free(header);
    cJSON_Delete(w->headers[i]);
}

static void write_model(const layout *l, const char *folder)
{
    writer w = {.l = l, .weight_map = cJSON_CreateObject()};
    for (int i = 0; i < l->n_files; i++) {
        w.headers[i] = cJSON_CreateObject();
        w.data[i] = tmpfile();
        assert_non_null(w.data[i]);
    }
    put_all(&w);
    for (int i = 0; i < l->n_files; i++) close_file(&w, folder, i);
    if (l->n_files > 1) {
        char path[4200];
        snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
        cJSON *index = cJSON_CreateObject();
        cJSON_AddItemToObject(index, "weight_map", w.weight_map);
        char *text = cJSON_Print(index);
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        fputs(text, out);
        assert_int_equal(fclose(out), 0);
        cJSON_free(text);
        cJSON_Delete(index);
    } else {
        cJSON_Delete(w.weight_map);
    }
}

/* Two sums of f32 in different orders, through up to 64 blocks; the values are of size 1 to 7. For
 * logits one in a hundred keys and values of the sound, 1e-5 apart then, becomes another f16, 2^-11
 * of it away. */
static void assert_close(const att_weights *golden, const char *layout_name, const char *what,
                         const float *got, size_t step, double most)
{
    char name[64];
    double worst = 0.0;
    snprintf(name, sizeof name, "%s.%s", layout_name, what);
    const att_array *want = att_weights_find(golden, name);
    assert_non_null(want);
    for (size_t i = 0; i < (size_t)want->dims[0]; i++) {
        const double off = fabs((double)got[i * step] - att_array_value(want, i));
        if (!(off <= worst)) worst = off; /* a NaN becomes the worst and stays */
    }
    print_message("%s is %g off\n", name, worst);
    if (!(worst <= most)) fail_msg("%s is %g off, at most %g is expected", name, worst, most);
}

static void check_layout(rig *r, const att_weights *golden, const layout *l)
{
    static float mel[2 * AUDIO * 128], audio[AUDIO * WIDTH], logits[51866];
    static int32_t ids[TEXT];
    const char *folder = realdata_folder();
    att_weights *weights;
    att_whisper *whisper = NULL;
    att_err err;
    const att_array *stored = att_weights_find(golden, "ids");
    const int32_t n = (int32_t)stored->dims[0];
    for (int32_t i = 0; i < n; i++) ids[i] = (int32_t)att_array_value(stored, (size_t)i);
    for (int i = 0; i < 2 * AUDIO * l->mels; i++)
        mel[i] = formula("mel", seed_of("mel"), (uint32_t)i, l->mels);
    write_model(l, folder);
    if (att_weights_open(&weights, folder, &err) ||
        att_whisper_open(&whisper, r->device, weights, ATT_PRECISION_EXACT, &err))
        fail_msg("%s: %s", l->name, err.text);
    lane_rig lanes = lane_rig_open(whisper, 1, 1);
    lane_rig_encode(&lanes, mel);
    assert_int_equal(att_whisper_read_audio(lanes.session, audio, &err), ATT_OK);
    lane_rig_decode(&lanes, ids, n);
    lane_rig_logits(&lanes, n - 1, 1, logits);
    const att_whisper_config *c = att_whisper_get_config(whisper);
    assert_int_equal(c->n_mels, l->mels);
    assert_int_equal(c->vocab, l->vocab);
    assert_int_equal(c->audio_layers, l->audio_layers);
    assert_int_equal(c->text_layers, l->text_layers);
    assert_close(golden, l->name, "encoder", audio + (AUDIO - 1) * WIDTH, 1, 1e-4);
    assert_close(golden, l->name, "logits", logits, STEP, 1e-3);
    assert_null(att_weights_unread(weights, 0));
    lane_rig_close(&lanes);
    att_whisper_close(whisper);
    att_weights_close(weights);
    realdata_remove(folder);
}

static void layouts_match_the_reference(void **state)
{
    (void)state;
    rig r = rig_open(rig_portable_only());
    att_weights *golden;
    att_err err;
    if (att_weights_open(&golden, GOLDEN, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < N_LAYOUTS; i++) check_layout(&r, golden, &LAYOUTS[i]);
    att_weights_close(golden);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_match_the_reference),
    };
    return cmocka_run_group_tests_name("whisper_layouts", tests, NULL, NULL);
}
